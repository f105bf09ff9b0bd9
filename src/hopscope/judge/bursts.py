"""Whose next event is a new one, and whose may belong to the last: of several that are compared, as `parallel` does.

One burst of losses is one event. A member is compared again when it had so many rounds in a row without an event that
its burst is over; one that has events all the time (it is dead), when they go on far longer than any burst of the
others. How long that is follows from what the others do: the gaps within their bursts, and the longest of these. Both
depend on the past alone, so that the factors of the e-process keep their mean of one. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

APART: Final = 11
"""Rounds between two events of what has them all the time, at the least…"""
_MOST_APART: Final = 60
"""…and at the most."""
_LONGEST: Final = 3
"""Of the longest row of events of the others, so many times are rounds apart."""
_GAPS: Final = (4, 10, 30)
"""Rounds in a row without an event that end a burst: the first, unless the others' bursts have longer gaps."""
_TELLING: Final = 3
"""Events after such a gap, below which nothing is learned from them."""
_MORE: Final = 2
"""How many times as likely as later an event is where a gap lies within a burst."""
_LOOK_EACH: Final = 10
_MEMORY: Final = 2048
"""Rounds after which what was learned counts half."""


class Bursts:
    """What events of `count` members look like, from `first_round` on."""

    def __init__(self, count: int, first_round: int = 0) -> None:
        self._apart = [APART] * count
        self._gap = _GAPS[0]
        self._counted = [first_round - _MOST_APART] * count
        """By member, the round of its last event that was compared…"""
        self._last = [first_round - _GAPS[-1] - 1] * count
        """…and of its last."""
        self._from = [_GAPS[-1]] * count
        """How long its gap was already when it began to be watched: longer than all that a burst has."""
        self._rows, self._longest, self._events = ([0.0] * count for _ in range(3))
        """Its events in a row by now, at the most, and all."""
        self._after, self._waited = ([[0.0] * (len(_GAPS) + 1) for _ in range(count)] for _ in range(2))
        """By the length of the gap: its events, and the rounds in which there could have been one."""
        self._looked_at = self._halved_at = first_round

    def is_new(self, member: int, round_: int) -> bool:
        """Whether an event of this round would be another than the last."""
        return round_ - self._last[member] > self._gap or round_ - self._counted[member] >= self._apart[member]

    def counted(self, member: int, round_: int) -> None:
        """An event of it was compared."""
        self._counted[member] = round_

    def take(self, round_: int, events: Sequence[bool | None]) -> None:
        """A round, after it was compared. One in which all had an event tells nothing of anyone's bursts."""
        is_common = all(event is not False for event in events)
        for member, event in enumerate(events):
            if not event:
                continue
            if not is_common:
                self._note(member, round_ - self._last[member] - 1)
                self._from[member] = 0
            self._last[member] = round_
        if round_ - self._halved_at >= _MEMORY:
            self._halved_at = round_
            self._forget_half()
        if round_ - self._looked_at >= _LOOK_EACH:
            self._looked_at = round_
            self._learn(round_)

    def _note(self, member: int, gap: int) -> None:
        self._events[member] += 1
        self._rows[member] = 1 if gap else self._rows[member] + 1
        self._longest[member] = max(self._longest[member], self._rows[member])
        if gap:
            self._after[member][_place(gap)] += 1
            waited = self._waited[member]
            for place, rounds in enumerate(_spread(self._from[member], gap)):
                waited[place] += rounds

    def _forget_half(self) -> None:
        for numbers in (self._longest, self._events, *self._after, *self._waited):
            numbers[:] = [number / 2 for number in numbers]

    def _learn(self, round_: int) -> None:
        """What to wait for, by all but the quarter with most events, which may be what is looked for."""
        by_events = sorted(range(len(self._events)), key=self._events.__getitem__)
        kept = by_events[: -max(1, len(by_events) // 4)]
        longest = sorted(((self._longest[member], member) for member in kept), reverse=True)
        for member in by_events:
            of_others = next((rounds for rounds, other in longest[:2] if other != member), 0.0)
            self._apart[member] = int(max(APART, min(_MOST_APART, _LONGEST * of_others)))
        after = [sum(self._after[member][place] for member in kept) for place in range(len(_GAPS) + 1)]
        waited = [sum(self._waited[member][place] for member in kept) for place in range(len(_GAPS) + 1)]
        for member in kept:
            for place, rounds in enumerate(_spread(self._from[member], max(0, round_ - self._last[member]))):
                waited[place] += rounds
        self._gap = _GAPS[0]
        for place in range(1, len(_GAPS)):
            later, asked = 1 + math.fsum(after[place + 1 :]), math.fsum(waited[place + 1 :])
            if after[place] >= _TELLING and after[place] * asked > _MORE * waited[place] * later:
                self._gap = _GAPS[place]


def _place(gap: int) -> int:
    return next((place for place, most in enumerate(_GAPS) if gap <= most), len(_GAPS))


def _spread(begin: int, gap: int) -> list[int]:
    """Of the rounds of a gap from its `begin` on, how many had each length of it behind them."""
    bounds = (0, *_GAPS, max(gap, _GAPS[-1]))
    return [max(0, min(gap, high) - max(begin, low)) for low, high in pairwise(bounds)]
