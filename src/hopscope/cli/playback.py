"""A recording on the screen: a session that probes nothing, and whose every moment can be gone to."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import msgspec

from hopscope.cli.bins_before import BinsBefore
from hopscope.cli.recorded_part import RecordedPart
from hopscope.cli.watched import Watched
from hopscope.history.notes import SaidVerdict
from hopscope.history.store import Store, StoreError, Trace
from hopscope.history.tiers import MINUTE
from hopscope.judge.verdict import Incident, Judged, Verdict
from hopscope.names.facts import Namer
from hopscope.path.bins import SPANS, Bin, SpanBins
from hopscope.path.widened import widened
from hopscope.path.windows import WINDOWS, WindowName
from hopscope.session.model import Snapshot, Target
from hopscope.session.target_fold import IllegalFact
from hopscope.session.told import Happening, Told
from hopscope.wire.messages import Counters
from hopscope.words.numbers import span

S: Final = 1_000_000_000
SPAN_NS: Final = 300 * S
"""A moment is folded with what was at least so long before it."""
PART_NS: Final = 2 * MINUTE
"""Moments of so long are shown out of one fold; so steps cost little."""
WHOLE_NS: Final = 4 * SPAN_NS
"""A recording of up to so long is folded as a whole."""
_SOON_S: Final = 0.03
"""After so long the rest of an earlier moment is asked for."""


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
        self._told = {number: told_of(said) for number, said in self._said.items()}
        self._version = 0
        self._before, self._before_end = (
            {number: BinsBefore(store, trace) for number, trace in self._traces.items()} for _ in range(2)
        )
        self._are_added_up = True
        """Whether the last snapshot has all numbers of the time before the part."""
        self._folds = {}
        self._last = self._part = self._load(self._end)
        self._last.advance()
        self._folds = self._last.folds

    def close(self) -> None:
        """Let go of the store. Idempotent."""
        self._store.close()

    @property
    def end(self) -> int:
        """The last moment that was recorded, when it was read (epoch ns)."""
        return self._end

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self, at: int) -> RecordedPart:
        """The part that a moment lies in."""
        if self._end - self._begin <= WHOLE_NS:
            begin, until = self._begin, self._end
        else:
            begin = at // PART_NS * PART_NS - SPAN_NS
            until = min(begin + SPAN_NS + PART_NS, self._end)
        return RecordedPart(self._store, self._traces, self._said, begin, until, self._folds)

    # --- as a session -------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """Grows with another window, and while more becomes known of an earlier moment."""
        return self._version

    def snapshot(self) -> Snapshot:
        """The recording's end."""
        targets = []
        for fold in self._last.folds.values():
            target = fold.snapshot(self._namer, window=self._window, now=self._end)
            targets.append(msgspec.structs.replace(target, judged=fold.told.at(self._end, target.judged)))
        snapshot = self._snapshot(self._last, targets, self._end)
        if not self._are_added_up:
            self._version += 1
        return snapshot

    def _snapshot(self, part: RecordedPart, targets: Sequence[Target], now: int) -> Snapshot:
        whole = span((self._end - self._begin) / S)
        note = f"recording of {whole}; [ ] in time, , . events, @ a time"
        noted = [
            msgspec.structs.replace(target, notes=(note, *target.notes)) for target in self._widened(part, targets, now)
        ]
        return Snapshot(tuple(noted), "running", None, 0, Counters(), None, now)

    async def changed(self, version: int | None = None) -> int:
        """Nothing changes by itself, but that more becomes known of an earlier moment."""
        while version is None or self._version == version:
            await asyncio.sleep(0.25 if self.is_recalled else _SOON_S)
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
        is_near = part.begin + SPAN_NS <= moment or part.begin <= self._begin
        try:
            if not is_near or moment > part.until:
                part = self._load(moment)
            part.look(moment, chosen)
        except (StoreError, IllegalFact) as why:
            raise ValueError(f"this part of the recording cannot be shown: {why}") from None
        self._part = part
        known = [(fold, fold.snapshot(self._namer)) for fold in part.folds.values()]
        targets = part.recall.targets(known, moment, self._window, chosen, self._namer, part.behind(moment))
        snapshot = self._snapshot(part, targets, moment)
        if not self.is_recalled:
            self._version += 1
        return snapshot

    def _widened(self, part: RecordedPart, targets: Sequence[Target], moment: int) -> tuple[Target, ...]:
        """The same with the numbers of what the window has before the part, which is counted in bins."""
        length = WINDOWS[self._window]
        self._are_added_up = True
        out = []
        for target in targets:
            counted = part.counted(target.id)
            begin = counted if length is None else max(counted, -(-(moment - length) // MINUTE) * MINUTE)
            path = target.path
            if counted < part.begin and path.started_at is not None:
                if begin < part.begin:
                    sums = self._before_end if part is self._last else self._before
                    before = sums[target.id].between(begin, part.begin)
                    self._are_added_up &= before is not None
                    path = path if before is None else widened(path, before, begin, self._own(part, target, moment))
                path = msgspec.structs.replace(path, started_at=counted)
                target = msgspec.structs.replace(target, path=path)
            out.append(target)
        return tuple(out)

    def _own(self, part: RecordedPart, target: Target, moment: int) -> Mapping[int, Bin] | None:
        """By TTL, what became of the part's probes up to a moment; None: the path's windows hold them all."""
        if target.path.rounds <= len(target.path.round_times):
            return None
        sum_ = SpanBins(0, 0, {})
        for one in part.folds[target.id].bins(part.begin, moment + 1, SPANS[1]):
            sum_.merge(one.bins)
        return sum_.bins

    @property
    def is_recalled(self) -> bool:
        """See `Session.is_recalled`."""
        return self._part.is_whole and self._part.recall.is_whole and self._are_added_up

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
        until = part.known_until(target)
        near = [] if fold is None else fold.bins(max(begin, part.begin), min(end, until), span, ttls)
        try:
            far = self._store.bins(self._traces[target], max(span, SPANS[2]), begin, end, ttls)
        except StoreError:
            far = []
        if span >= SPANS[2]:
            return far
        return sorted([one for one in far if one.begin + one.span <= part.begin or one.begin >= until] + near)

    def happenings(self, target: int) -> list[Happening]:
        """See `Session.happenings`."""
        fold = self._part.folds.get(target)
        judged = fold.judge.judged() if fold is not None else Judged(verdict=Verdict(kind="starting"))
        return self._told[target].happenings(judged)


def told_of(said: Iterable[SaidVerdict]) -> Told:
    """What was said in the whole recording."""
    told = Told()
    incidents: dict[str, Incident] = {}
    for one in said:
        incidents |= {incident.id: incident for incident in one.incidents}
        told.keep(Judged(verdict=one.verdict, incidents=tuple(incidents.values())), one.verdict.at)
    return told
