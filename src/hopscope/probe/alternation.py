"""Does one flow take its ways in turns, packet by packet? Told from who answered it at one TTL, time after time.

A change of the route gives one change between its answers, there and back again two. So three are asked for, and twelve
answers. Of a fork of two that balances packet by packet fewer are seen in sixteen answers with a probability of 0.4 %,
and eight answers that are all alike with one of 0.8 %.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Final

SAME: Final = 8
"""Answers that are alike after which it is said that the flow keeps to its way."""
ENOUGH: Final = 12
"""Answers among which `CHANGES` are those of packets."""
CHANGES: Final = 3
IN_ANY_CASE: Final = 16
"""Answers after which it is said that there were too few of them."""


class Alternation:
    """Who answered one flow at one TTL, the last times."""

    __slots__ = ("_answers", "last", "run")

    def __init__(self) -> None:
        self._answers: deque[str] = deque(maxlen=IN_ANY_CASE)
        self.last = ""
        self.run = 0
        """How many times in a row it was that one."""

    def add(self, address: str) -> None:
        """The next answer's address."""
        self._answers.append(address)
        self.run = self.run + 1 if address == self.last else 1
        self.last = address

    @property
    def answers(self) -> int:
        """How many are looked at."""
        return len(self._answers)

    @property
    def changes(self) -> int:
        """How often somebody else answered than the time before."""
        known = list(self._answers)
        return sum(one != other for one, other in pairwise(known))

    @property
    def is_by_packet(self) -> bool | None:
        """Whether it takes turns; None: that cannot be said yet."""
        changes = self.changes
        if changes >= CHANGES:
            return True if self.answers >= ENOUGH else None
        return False if self.answers >= (IN_ANY_CASE if changes else SAME) else None
