"""What one target's own probes met at a hop of late, and whether another's can have met the same router.

Who answers is known by an address alone, which whoever answers may write as they like: a network could answer as a
router that stands on another target's way, and lose what it likes. What two targets meet at one router, by one way,
differs by chance only.
"""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import Final

_MOST: Final = 64
"""Probes after which older ones count half."""
_TIMES: Final = 9
_ENOUGH: Final = 10
"""Probes below which nothing can be said."""
_ERRORS: Final = 1.64
"""Standard errors by which two shares may differ by chance."""
_APART_NS: Final = 10_000_000
"""Difference of two medians, ns, that says nothing; nor does half of the smaller one."""


class Met:
    """The fates of the newest probes at a hop, and the last RTTs."""

    __slots__ = ("_times", "lost", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.lost = 0
        self._times: deque[int] = deque(maxlen=_TIMES)

    def add(self, rtt_ns: int | None) -> None:
        """A probe has its fate; None: it was lost."""
        self.sent += 1
        if rtt_ns is None:
            self.lost += 1
        else:
            self._times.append(rtt_ns)
        if self.sent >= _MOST:
            self.sent, self.lost = self.sent // 2, self.lost // 2

    def agrees(self, other: Met, *, is_told_little: bool = False) -> bool:
        """Whether both can be of one router. While either has met too little to say so: only where it matters little,
        since others tell more."""
        if min(self.sent, other.sent) < _ENOUGH:
            return is_told_little
        if self.lost or other.lost:
            pooled = (self.lost + other.lost) / (self.sent + other.sent)
            error = sqrt(pooled * (1 - pooled) * (1 / self.sent + 1 / other.sent))
            if abs(self.lost / self.sent - other.lost / other.sent) > _ERRORS * error:
                return False
        if min(len(self._times), len(other._times)) < _TIMES // 2:
            return True
        from statistics import median  # loaded where it is needed: no first frame waits for it

        one, two = sorted((median(self._times), median(other._times)))
        return two - one <= max(_APART_NS, one / 2)


NOTHING: Final = Met()
"""Of a hop of which nothing is known yet."""
