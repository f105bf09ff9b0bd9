"""A part of a recording: some minutes of its targets, each told no more of them than somebody wants to know.

What a screen shows of a moment is told at once, of the target that it shows; the others, and what came later, follow a
few milliseconds at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from hopscope.history.notes import SaidVerdict
from hopscope.history.store import Store, StoreError, Trace
from hopscope.history.tiers import MINUTE
from hopscope.judge.verdict import Incident, Judged, Verdict
from hopscope.path import log
from hopscope.session.facts import Asked, Removed, TargetFact
from hopscope.session.recall import Recall
from hopscope.session.target_fold import TargetFold
from hopscope.session.told import Told
from hopscope.wire.facts import Begun, Reset, TakenBack
from hopscope.wire.messages import Answered, RoundStarted, Sent

_REST_S: Final = 0.015
"""What a look may spend on what it need not show."""
_FOR_EVER: Final = 1 << 62
_SLICE: Final = 512
"""Facts that are told between two looks at the clock."""


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


class RecordedPart:
    """What happened from `begin` to `until` (epoch ns) to some traces, by number."""

    def __init__(
        self,
        store: Store,
        traces: Mapping[int, Trace],
        said: Mapping[int, list[SaidVerdict]],
        begin: int,
        until: int,
        of_another: Mapping[int, TargetFold],
    ) -> None:
        """`said`: of each trace, in the whole recording. `of_another`: another part's folds, which stand there until
        something was told."""
        self.begin, self.until = begin, until
        self.recall = Recall()
        self._tellings: dict[int, _Telling] = {}
        for number, trace in traces.items():
            facts = (fact for _, fact in store.facts(trace, begin, until + 1) if not isinstance(fact, Removed))
            told = RecordedTold(said[number])
            self._tellings[number] = _Telling(number, facts, told, self.recall, trace.begun, begin)
        self._of_another = of_another

    @property
    def folds(self) -> dict[int, TargetFold]:
        """By number; of what nothing was recorded there is none."""
        folds = {number: telling.fold or self._of_another.get(number) for number, telling in self._tellings.items()}
        return {number: fold for number, fold in folds.items() if fold is not None}

    def advance(self) -> None:
        """Tell all of them everything. `StoreError`, `IllegalFact`."""
        for telling in self._tellings.values():
            telling.advance(_FOR_EVER)

    def look(self, at: int, chosen: int | None) -> None:
        """Tell the chosen one what was known at a moment; where it knew that, some of the rest. Errors: see
        `advance`."""
        target = self._tellings.get(chosen or 0)
        if target is not None and target.known_until < at:
            target.advance(at)
            return
        began = time.perf_counter()
        for until in (at, self.until):
            for telling in sorted(self._tellings.values(), key=lambda one: one is not target):
                while not telling.advance(until, _SLICE):
                    if time.perf_counter() - began > _REST_S:
                        return

    def behind(self, at: int) -> set[int]:
        """Those that were not told yet all that was known at a moment."""
        return {number for number, telling in self._tellings.items() if telling.known_until < at}

    def known_until(self, number: int) -> int:
        """The moment up to which a trace was told all."""
        telling = self._tellings.get(number)
        return self.until if telling is None else max(self.begin, telling.known_until)

    def counted(self, number: int) -> int:
        """From when on a target is counted, epoch ns: its start, or the minute after the last reset before the part."""
        return self._tellings[number].anew[-1]

    @property
    def is_whole(self) -> bool:
        """Whether all of them were told everything."""
        return not self.behind(self.until)


class _Telling:
    """One trace's facts, and the fold that was told some of them."""

    def __init__(
        self, number: int, facts: Iterator[TargetFact], told: RecordedTold, recall: Recall, begun: int, begin: int
    ) -> None:
        """`begun`: when it was begun, `begin`: where the part begins, epoch ns."""
        self.fold: TargetFold | None = None
        """None: nothing was told yet."""
        self.known_until = 0
        self.anew = [begun]
        """From when on it is counted, the newest last."""
        self._number = number
        self._begin = begin
        self._facts = facts
        self._next: TargetFact | None = None
        self._is_read = False
        self._broken: StoreError | None = None
        self._told = told
        self._recall = recall
        self._count = 0

    def advance(self, until: int, most: int | None = None) -> bool:
        """Tell what was known at the moment `until`, at most so many facts; whether that was all."""
        if until <= self.known_until:
            return True
        if self._broken is not None:
            raise self._broken
        before = self._count
        fact = self._next
        try:
            if not self._is_read:
                fact = next(self._facts, None)
                self._is_read = True
            while fact is not None and log.moment(fact) <= until:
                if most is not None and self._count - before >= most:
                    return False
                self._tell(fact)
                fact = next(self._facts, None)
        except StoreError as why:
            self._broken = why
            raise
        finally:
            self._next = fact
        self.known_until = until
        if self.fold is not None:
            self._recall.pass_by(self.fold)
        return True

    def _tell(self, fact: TargetFact) -> None:
        fold = self.fold
        if fold is None:
            if not isinstance(fact, Asked):
                raise StoreError("it is broken")
            self.fold = TargetFold(self._number, fact)
            self.fold.told = self._told
            return
        fold.apply(fact)
        if type(fact) is Sent or type(fact) is Answered:
            pass
        elif isinstance(fact, RoundStarted):
            fold.told.keep(fold.judge.judged(), fact.at)
        elif isinstance(fact, TakenBack):
            self._recall.forget(fold)
            if fact.at < self._begin and len(self.anew) > 1:
                self.anew.pop()
        elif isinstance(fact, (Begun, Reset)) and self.anew[0] // MINUTE < fact.at // MINUTE < self._begin // MINUTE:
            self.anew.append(-(-fact.at // MINUTE) * MINUTE)
        self._count += 1
        if self._count % log.BLOCK == 0:
            self._recall.pass_by(fold)
