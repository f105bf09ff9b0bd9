"""A recording on the screen: a session that probes nothing, and whose every moment can be gone to."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

from hopscope.cli.watched import Watched
from hopscope.history.notes import SaidVerdict
from hopscope.history.store import Store, StoreError, Trace
from hopscope.history.tiers import HOUR, MINUTE
from hopscope.judge.verdict import Incident, Judged, Verdict
from hopscope.names.facts import Namer
from hopscope.path.bins import SPANS, Bin, SpanBins
from hopscope.path.widened import widened
from hopscope.path.windows import WINDOWS, WindowName
from hopscope.session.facts import Asked, Removed
from hopscope.session.model import Snapshot, Target
from hopscope.session.recall import Recall
from hopscope.session.target_fold import IllegalFact, TargetFold
from hopscope.session.told import Happening, Told
from hopscope.wire.facts import Begun, Reset, TakenBack
from hopscope.wire.messages import Counters, RoundStarted
from hopscope.words.numbers import span

S: Final = 1_000_000_000
SPAN_NS: Final = 300 * S
"""A moment is folded with what was at least so long, and at most twice as long, before it; so steps cost little."""
WHOLE_NS: Final = 4 * SPAN_NS
"""A recording of up to so long is folded as a whole."""


class RecordedTold(Told):
    """What was said of a target then, as it was recorded, where today's judge would say something else of it."""

    def __init__(self, said: list[SaidVerdict]) -> None:
        super().__init__()
        self._said = said

    def at(self, moment: int, now: Judged) -> Judged:
        """See `Told.at`."""
        judged = super().at(moment, now)
        incidents: dict[str, Incident] = {}
        verdict: Verdict | None = None
        for said in self._said:
            if said.verdict.at > moment:
                break
            verdict = said.verdict
            incidents |= {incident.id: incident for incident in said.incidents}
        if verdict is None:
            return judged
        mine = tuple(sorted(incidents.values(), key=lambda incident: incident.begin))
        if _place(verdict) == _place(judged.verdict):  # with the numbers of the very moment
            verdict = msgspec.structs.replace(judged.verdict, since=verdict.since, was=verdict.was)
        return msgspec.structs.replace(judged, verdict=verdict, incidents=mine)


def _place(verdict: Verdict) -> tuple[object, ...]:
    return verdict.kind, verdict.first_ttl, verdict.last_ttl


class LoadedPart(NamedTuple):
    """A part of the recording, folded."""

    begin: int
    until: int
    folds: dict[int, TargetFold]
    counted: dict[int, int]
    """From when on each target is counted, epoch ns: its start, or the minute after the last reset before the part."""
    recall: Recall


class Playback(Watched):
    """Some traces of a store. Implements `views.screen.source.SessionLike`, `Watching` and `Recalling`."""

    why_not = "this is a recording: nothing is probed"

    def __init__(
        self, store: Store, traces: list[Trace], namer: Namer, at: int | None = None, window: WindowName = "start"
    ) -> None:
        """`at`: the moment to begin with, epoch ns; None: the end. `window`: what numbers are over.
        `StoreError`, `IllegalFact`, `ValueError` where the recording is broken."""
        self._store = store
        self._traces = dict(enumerate(traces, 1))
        self._namer = namer
        self._window = window
        self._begin = min(trace.begun for trace in traces)
        self._end = max(trace.until for trace in traces)
        self.opens_at = None if at is None or at >= self._end else max(at, self._begin)
        self._said = {number: store.said(trace) for number, trace in self._traces.items()}
        self._told = {number: _told(said) for number, said in self._said.items()}
        self._version = 0
        self._summed: dict[int, tuple[tuple[int, int], Mapping[int, Bin]]] = {}
        """By target, the time that was added up last, and what it came to."""
        self._last = self._part = self._load(self._end)
        self._folds = self._last.folds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()

    def _load(self, at: int) -> LoadedPart:
        """The part that a moment lies in."""
        if self._end - self._begin <= WHOLE_NS:
            begin, until = self._begin, self._end
        else:
            begin = at // SPAN_NS * SPAN_NS - SPAN_NS
            until = min(begin + 2 * SPAN_NS, self._end)
        folds = {}
        counted = {}
        for number, trace in self._traces.items():
            fold: TargetFold | None = None
            anew = [trace.begun]
            for _, fact in self._store.facts(trace, begin, until + 1):
                if isinstance(fact, Removed):
                    continue
                if fold is None:
                    if not isinstance(fact, Asked):
                        raise StoreError("it is broken")
                    fold = TargetFold(number, fact)
                    fold.told = RecordedTold(self._said[number])
                else:
                    fold.apply(fact)
                    if isinstance(fact, RoundStarted):
                        fold.told.keep(fold.judge.judged(), fact.at)
                    elif isinstance(fact, (Begun, Reset)) and fact.at < begin:
                        if fact.at // MINUTE > trace.begun // MINUTE:
                            anew.append(-(-fact.at // MINUTE) * MINUTE)
                    elif isinstance(fact, TakenBack) and fact.at < begin and len(anew) > 1:
                        anew.pop()
            if fold is not None:
                folds[number], counted[number] = fold, anew[-1]
        return LoadedPart(begin, until, folds, counted, Recall())

    # --- as a session -------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """Grows with another window; a recording does not change by itself."""
        return self._version

    def snapshot(self) -> Snapshot:
        """The recording's end."""
        snapshot = self._snapshot(self._last, self._end)
        return msgspec.structs.replace(snapshot, targets=self._widened(self._last, snapshot.targets, self._end))

    def _snapshot(self, part: LoadedPart, now: int) -> Snapshot:
        targets = tuple(self._at_end(fold, now) for fold in part.folds.values())
        return Snapshot(targets, "running", None, 0, Counters(), None, now)

    def _at_end(self, fold: TargetFold, now: int) -> Target:
        target = fold.snapshot(self._namer, window=self._window, now=now)
        target = msgspec.structs.replace(target, judged=fold.told.at(now, target.judged))
        whole = span((self._end - self._begin) / S)
        note = f"recording of {whole}; [ ] in time, , . events, @ a time"
        return msgspec.structs.replace(target, notes=(note, *target.notes))

    async def changed(self, version: int | None = None) -> int:
        """Nothing changes by itself."""
        while version is None or self._version == version:
            await asyncio.sleep(0.25)
            version = self._version if version is None else version
        return self._version

    def numbers_over(self, window: WindowName) -> None:
        """What snapshots' numbers are over from now on."""
        self._window = window
        self._version += 1

    # --- in time ------------------------------------------------------------------------------------------------

    def recall(self, moment: int, chosen: int | None = None) -> Snapshot:
        """See `Session.recall`. `ValueError` where that part of the recording is broken."""
        moment = max(self._begin, min(self._end, moment))
        part = self._part
        if not (part.begin + SPAN_NS <= moment <= part.until or (part.begin <= self._begin and moment <= part.until)):
            try:
                part = self._part = self._load(moment)
            except (StoreError, IllegalFact) as why:
                raise ValueError(f"this part of the recording cannot be shown: {why}") from None
        now = self._snapshot(part, part.until)
        known = list(zip(part.folds.values(), now.targets, strict=True))
        targets = part.recall.targets(known, moment, self._window, chosen, self._namer)
        return msgspec.structs.replace(now, targets=self._widened(part, targets, moment), now=moment)

    def _widened(self, part: LoadedPart, targets: Sequence[Target], moment: int) -> tuple[Target, ...]:
        """The same with the numbers of what the window has before the part, which is counted in bins."""
        length = WINDOWS[self._window]
        out = []
        for target in targets:
            counted = part.counted[target.id]
            begin = counted if length is None else max(counted, -(-(moment - length) // MINUTE) * MINUTE)
            path = target.path
            if counted < part.begin and path.started_at is not None:
                if begin < part.begin:
                    path = widened(path, self._before(target.id, begin, part.begin), begin)
                path = msgspec.structs.replace(path, started_at=counted)
                target = msgspec.structs.replace(target, path=path)
            out.append(target)
        return tuple(out)

    def _before(self, number: int, begin: int, end: int) -> Mapping[int, Bin]:
        """By TTL, what became of the probes of some time, from whole hours as far as there are any."""
        key = begin, end
        known = self._summed.get(number)
        if known is None or known[0] != key:
            first, last = -(-begin // HOUR) * HOUR, end // HOUR * HOUR
            spans = [(HOUR, first, last), (MINUTE, begin, min(first, end)), (MINUTE, max(last, first), end)]
            sum_ = SpanBins(begin, end - begin, {})
            for span_, since, until in spans:
                for one in self._store.bins(self._traces[number], span_, since, until) if since < until else ():
                    if one.begin >= since // span_ * span_ and one.begin + one.span <= until:
                        sum_.merge(one.bins)
            known = self._summed[number] = key, sum_.bins
        return known[1]

    @property
    def is_recalled(self) -> bool:
        """See `Session.is_recalled`."""
        return self._part.recall.is_whole

    @property
    def earliest(self) -> int:
        """See `Session.earliest`."""
        return self._begin

    def let_go(self) -> None:
        """See `Session.let_go`."""
        self._part = self._last

    def bins(self, target: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        """See `Session.bins`; in minutes at the least where that is not near the moment that is shown."""
        part = self._part
        fold = part.folds.get(target)
        near = [] if fold is None else fold.bins(max(begin, part.begin), min(end, part.until), span, ttls)
        try:
            far = self._store.bins(self._traces[target], max(span, SPANS[2]), begin, end, ttls)
        except StoreError:
            far = []
        if span >= SPANS[2]:
            return far
        return sorted([one for one in far if one.begin + one.span <= part.begin or one.begin >= part.until] + near)

    def happenings(self, target: int) -> list[Happening]:
        """See `Session.happenings`."""
        fold = self._part.folds.get(target)
        judged = fold.judge.judged() if fold is not None else Judged(verdict=Verdict(kind="starting"))
        return self._told[target].happenings(judged)


def _told(said: list[SaidVerdict]) -> Told:
    """What was said in the whole recording."""
    told = Told()
    incidents: dict[str, Incident] = {}
    for one in said:
        incidents |= {incident.id: incident for incident in one.incidents}
        told.keep(Judged(verdict=one.verdict, incidents=tuple(incidents.values())), one.verdict.at)
    return told
