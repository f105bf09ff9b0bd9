"""A recording on the screen: a session that probes nothing, and shows whatever moment of it is asked for."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from time import localtime, strftime
from types import TracebackType
from typing import Final, Self

import msgspec

from hopscope.cli.errors import UsageError
from hopscope.cli.watched import Watched
from hopscope.cli.when import moment
from hopscope.history.store import Store, StoreError, Trace
from hopscope.judge.verdict import Verdict
from hopscope.names.facts import Namer
from hopscope.path.windows import WindowName
from hopscope.session.facts import Asked, Removed
from hopscope.session.model import Snapshot, Target
from hopscope.session.target_fold import IllegalFact, TargetFold
from hopscope.wire.messages import Counters
from hopscope.words.numbers import span, time_of_day

S: Final = 1_000_000_000
SPAN_NS: Final = 600 * S
"""What is shown of a moment is folded over so long before it."""
STEPS: Final = 10
"""Rounds of a step in time."""


class Playback(Watched):
    """Some traces of a store. Implements `views.screen.source.SessionLike`, `Watching` and `Timed`."""

    why_not = "this is a recording: nothing is probed"

    def __init__(
        self, store: Store, traces: list[Trace], namer: Namer, at: int | None = None, window: WindowName = "start"
    ) -> None:
        """`at`: the moment to begin with, epoch ns; None: the end. `window`: what numbers are over.
        `StoreError`, `IllegalFact`, `ValueError` where the recording is broken."""
        self._store = store
        self._traces = traces
        self._namer = namer
        self._window = window
        self._begin = min(trace.begun for trace in traces)
        self._end = max(trace.until for trace in traces)
        self._events = self._read_events()
        self._folds = {}
        self._at = self._end
        self._version = 0
        self._show(self._end if at is None else at)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()

    # --- in time ------------------------------------------------------------------------------------------------

    def step(self, steps: int) -> str:
        """Go `steps` times ten rounds forward (backward where negative), and say where that is."""
        return self._go(self._at + steps * STEPS * self._interval)

    def event(self, steps: int) -> str:
        """To the next change of the verdict (the previous one where negative); what it is."""
        stops = [at for at, _ in self._events]
        place = bisect_right(stops, self._at) if steps > 0 else bisect_left(stops, self._at) - 1
        if not 0 <= place < len(stops):
            which = "later" if steps > 0 else "earlier"
            return f"nothing happened {which}" if self._events else "nothing happened in this recording"
        at, words = self._events[place]
        return f"{self._go(at)}: {words} ({place + 1} of {len(stops)})"

    def go_to(self, when: str) -> str:
        """To a moment as people write it; where that is. `ValueError`."""
        try:
            return self._go(moment(when, self._end))
        except UsageError as why:
            raise ValueError(str(why)) from None

    def _go(self, at: int) -> str:
        try:
            self._show(at)
        except (StoreError, IllegalFact, ValueError) as why:
            return f"this part of the recording cannot be shown: {why}"
        return self._where()

    def _where(self) -> str:
        at = self._at
        edge = " (the end)" if at >= self._end else " (the beginning)" if at <= self._begin else ""
        return f"{strftime('%Y-%m-%d', localtime(at // S))} {time_of_day(at)}{edge}"

    @property
    def _interval(self) -> int:
        plans = [fold.plan.interval_ns for fold in self._folds.values() if fold.plan is not None]
        return min(plans, default=S)

    def _show(self, at: int) -> None:
        """Fold what led to a moment."""
        at = max(self._begin, min(self._end, at))
        folds = {}
        for number, trace in enumerate(self._traces, 1):
            fold: TargetFold | None = None
            for _, fact in self._store.facts(trace, at - SPAN_NS, at + 1):
                if isinstance(fact, Removed):
                    continue
                if fold is not None:
                    fold.apply(fact)
                elif isinstance(fact, Asked):
                    fold = TargetFold(number, fact)
                else:
                    raise StoreError("it is broken")
            if fold is not None:
                folds[number] = fold
        self._at, self._folds = at, folds
        self._version += 1

    def _read_events(self) -> list[tuple[int, str]]:
        """When another verdict was said, and what it was."""
        events = []
        for trace in self._traces:
            whose = f"{trace.query}: " if len(self._traces) > 1 else ""
            before = ""
            for said in self._store.said(trace):
                verdict = said.verdict
                place = f"{verdict.kind} {verdict.first_ttl} {verdict.last_ttl}"
                is_news, before = place != before, place
                if is_news and (verdict.is_trouble or verdict.kind == "recovered"):
                    events.append((verdict.at, f"{whose}{_words(verdict)}"))
        return sorted(set(events))

    # --- as a session -------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """Grows with every move in time."""
        return self._version

    def snapshot(self) -> Snapshot:
        """The moment that is shown."""
        targets = tuple(self._target(fold) for fold in self._folds.values())
        return Snapshot(targets, "running", None, 0, Counters(), None, self._at)

    def _target(self, fold: TargetFold) -> Target:
        target = fold.snapshot(self._namer, window=self._window, now=self._at)
        note = f"recording, {self._where()}, the {span(SPAN_NS / S)} before it; [ ] in time, , . events, @ a time"
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


def _words(verdict: Verdict) -> str:
    place = f" at hop {verdict.last_ttl}" if verdict.last_ttl is not None else ""
    since = f" since {time_of_day(verdict.since)}" if verdict.since is not None else ""
    return f"{verdict.kind.replace('-', ' ')}{place}{since}"
