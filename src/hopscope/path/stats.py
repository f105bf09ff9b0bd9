"""The statistics of a hop, exactly as ``docs/statistics.md`` defines them.

RTTs come in as whole nanoseconds in the order of sending. What can be an integer is one (count, sum, sum of squares,
sum of differences), so no rounding builds up over days and a variance never loses its digits. Pure: no clock, nothing
from outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import log
from typing import Final

from hopscope.path.ranks import Ranks
from hopscope.path.snapshot import Jitter, Rtt

Z95: Final = 1.959963984540054
"""The normal distribution's 97.5 % quantile, for a two-sided 95 % interval."""
Z99: Final = 2.576
"""The same for 99 %."""

MS: Final = 1_000_000
"""Nanoseconds of a millisecond."""


class RunningRtt:
    """Statistics of RTTs (ns), added one by one in the order of sending. All of it is a few numbers."""

    __slots__ = ("best", "d_last", "d_sum", "d_worst", "last", "log_sum", "n", "rfc3550", "sum", "sum_squares", "worst")

    def __init__(self) -> None:
        self.n = 0
        self.sum = 0
        self.sum_squares = 0
        self.best = 0
        self.worst = 0
        self.last = 0
        self.log_sum = 0.0
        self.d_last = 0
        self.d_sum = 0
        self.d_worst = 0
        self.rfc3550 = 0.0

    def copy(self) -> RunningRtt:
        """The same numbers, to be added to without changing these."""
        twin = RunningRtt.__new__(RunningRtt)
        twin.n = self.n
        twin.sum = self.sum
        twin.sum_squares = self.sum_squares
        twin.best = self.best
        twin.worst = self.worst
        twin.last = self.last
        twin.log_sum = self.log_sum
        twin.d_last = self.d_last
        twin.d_sum = self.d_sum
        twin.d_worst = self.d_worst
        twin.rfc3550 = self.rfc3550
        return twin

    def add(self, *rtts: int) -> None:
        """The RTTs of the next answered probes, in the order of sending; there must be one."""
        if not self.n:
            self.best = self.worst = self.last = rtts[0]
        last, d = self.last, 0
        d_sum, d_worst, rfc3550 = self.d_sum, self.d_worst, self.rfc3550
        sum_squares, log_sum = self.sum_squares, self.log_sum
        for rtt in rtts:
            d = rtt - last if rtt >= last else last - rtt
            d_sum += d
            if d > d_worst:
                d_worst = d
            rfc3550 += (d - rfc3550) / 16
            sum_squares += rtt * rtt
            log_sum += log(rtt or 1)
            last = rtt
        self.last, self.d_last = last, d
        self.d_sum, self.d_worst, self.rfc3550 = d_sum, d_worst, rfc3550
        self.sum_squares, self.log_sum = sum_squares, log_sum
        self.n += len(rtts)
        self.sum += sum(rtts)
        self.best = min(self.best, *rtts)
        self.worst = max(self.worst, *rtts)

    @property
    def avg(self) -> float:
        """The mean, ns. There must be an answer."""
        return self.sum / self.n

    @property
    def stddev(self) -> float | None:
        """The sample standard deviation (n-1), ns; None below two answers."""
        n = self.n
        if n < 2:
            return None
        return math.sqrt((n * self.sum_squares - self.sum * self.sum) / (n * (n - 1)))

    @property
    def gmean(self) -> float:
        """The geometric mean, ns; an RTT of 0 counts as 1 ns. There must be an answer."""
        return math.exp(self.log_sum / self.n)

    def jitter(self) -> Jitter | None:
        """In ms; None below two answers."""
        if self.n < 2:
            return None
        return Jitter(
            last=self.d_last / MS,
            avg=self.d_sum / (self.n - 1) / MS,
            worst=self.d_worst / MS,
            rfc3550=self.rfc3550 / MS,
        )

    def rtt(self, ranks: Ranks) -> Rtt | None:
        """In ms; None without an answer. `ranks`: the same RTTs in order of size."""
        if not self.n:
            return None
        stddev = self.stddev
        last, best, worst = self.last / MS, self.best / MS, self.worst / MS
        return Rtt(
            last=last,
            best=best,
            avg=self.avg / MS,
            worst=worst,
            stddev=None if stddev is None else stddev / MS,
            median=ranks.nearest(50) / MS,
            p95=ranks.nearest(95) / MS,
            p99=ranks.nearest(99) / MS,
            gmean=min(max(self.gmean / MS, best), worst),
        )


def nearest_rank(ordered: Sequence[int], percent: int) -> int:
    """The ⌈percent/100 · n⌉-th smallest of `ordered`: sorted, not empty. `percent` is 1 to 100."""
    return ordered[(percent * len(ordered) + 99) // 100 - 1]


def loss_pct(lost: int, received: int) -> float | None:
    """``100 * lost / (received + lost)``; None where nothing is known."""
    n = lost + received
    return 100 * lost / n if n else None


def wilson(k: int, n: int, z: float) -> tuple[float, float]:
    """Wilson's interval for `k` of `n` (n at least 1), as fractions from 0 to 1 (Wilson 1927), for the normal
    distribution's quantile `z`."""
    z2 = z * z
    middle = (k + z2 / 2) / (n + z2)
    half = z / (n + z2) * math.sqrt(k * (n - k) / n + z2 / 4)
    low = 0.0 if k == 0 else max(0.0, middle - half)
    high = 1.0 if k == n else min(1.0, middle + half)
    return low, high


def is_surely_more(k: int, n: int, other_k: int, other_n: int, z: float) -> bool:
    """Whether `k` of `n` are surely a larger share than `other_k` of `other_n`: both are something, and Wilson's
    intervals for the quantile `z` do not meet."""
    return n > 0 < other_n and wilson(k, n, z)[0] > wilson(other_k, other_n, z)[1]


def wilson95(k: int, n: int) -> tuple[float, float]:
    """Its 95 % interval."""
    return wilson(k, n, Z95)


def loss_ci95_pct(lost: int, received: int) -> tuple[float, float] | None:
    """`wilson95` of the loss, in percent; None where nothing is known."""
    n = lost + received
    if not n:
        return None
    low, high = wilson95(lost, n)
    return 100 * low, 100 * high
