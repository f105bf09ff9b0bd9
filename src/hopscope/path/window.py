"""The last rounds of a hop: one number a round, and all its RTTs once more in order of size.

It is also the memory of fates: what stands here for a probe says which fates it can still have. Bounded by `size`.
"""

from __future__ import annotations

from array import array
from typing import Final

from hopscope.path.planes import gathered, spread
from hopscope.path.ranks import Ranks
from hopscope.path.snapshot import NO_PROBE, PENDING

_TOGETHER: Final = 256
"""Rounds that leave together; also RTTs that leave exact memory together."""


class Samples:
    """A hop's samples of the last `size` rounds: an RTT (ns), or one of `snapshot`'s negative constants."""

    __slots__ = ("ranks", "samples", "size", "start")

    def __init__(self, size: int, start: int) -> None:
        self.size = size
        self.start = start
        """The round of `samples[0]`."""
        self.samples = array("q")
        """Those of up to `_TOGETHER` rounds before stand there, too, and count no more."""
        self.ranks = Ranks(min(size, _TOGETHER))
        """Every RTT, those that have left `samples` too: what percentiles are read from."""

    def __getstate__(self) -> tuple[int, int, bytes, Ranks]:
        """To be kept small: the order of size is made again."""
        return self.size, self.start, spread(self.samples), self.ranks.without(filter(_is_rtt, self.samples))

    def __setstate__(self, state: tuple[int, int, bytes, Ranks]) -> None:
        self.size, self.start, samples, self.ranks = state
        self.samples = gathered(samples)
        for sample in filter(_is_rtt, self.samples):
            self.ranks.add(sample)

    def copy(self) -> Samples:
        """The same samples."""
        twin = Samples(self.size, self.start)
        twin.samples, twin.ranks = self.samples[:], self.ranks.copy()
        return twin

    def get(self, round_: int) -> int:
        """The sample of a round; `NO_PROBE` outside of the window."""
        samples = self.samples
        i = round_ - self.start
        return samples[i] if max(0, len(samples) - self.size) <= i < len(samples) else NO_PROBE

    def begin(self, round_: int) -> bool:
        """Let the probe of a round, which must not be older than the window, be pending. False: it was known."""
        samples = self.samples
        if round_ - self.start == len(samples):
            samples.append(PENDING)
            if len(samples) >= self.size + _TOGETHER:
                self._let_go()
            return True
        if self.get(round_) != NO_PROBE:
            return False
        self.put(round_, PENDING)
        return True

    def put(self, round_: int, sample: int) -> None:
        """Set the sample of a round, which must not be older than the window."""
        i = round_ - self.start
        if i >= len(self.samples):
            self.advance(round_)
            self.samples[-1] = sample
        elif i >= 0:
            self.samples[i] = sample
        else:
            self.samples = array("q", [NO_PROBE]) * -i + self.samples
            self.start = round_
            self.samples[0] = sample
        if sample >= 0:
            self.ranks.add(sample)

    def advance(self, newest: int) -> None:
        """Make `newest` the last round of the window, if it is beyond it; what is too old leaves."""
        gap = newest - self.start - len(self.samples) + 1
        if gap >= self.size:
            self.ranks.let_go([sample for sample in self.samples if sample >= 0])
            self.samples = array("q", [NO_PROBE]) * self.size
            self.start = newest - self.size + 1
        elif gap > 0:
            self.samples.extend([NO_PROBE] * gap)
            if len(self.samples) >= self.size + _TOGETHER:
                self._let_go()

    def _let_go(self) -> None:
        """What is too old leaves."""
        old = self.samples[: -self.size]
        self.samples = self.samples[-self.size :]
        self.start += len(old)
        self.ranks.let_go([sample for sample in old if sample >= 0])

    def view(self, first: int, newest: int) -> memoryview:
        """The samples of the rounds `first` to `newest` as a read-only memoryview (``q``)."""
        self.advance(newest)
        data = self.samples.tobytes()
        if self.start < first:
            data = data[8 * (first - self.start) :]
        elif self.start > first:
            data = (array("q", [NO_PROBE]) * (self.start - first)).tobytes() + data
        return memoryview(data).cast("q")


def _is_rtt(sample: int) -> bool:
    return sample >= 0


class RoundTimes:
    """When the last `size` rounds began (epoch ns)."""

    __slots__ = ("newest", "size", "start", "times")

    def __init__(self, size: int) -> None:
        self.size = size
        self.start = 0
        """The round of `times[0]`."""
        self.newest = -1
        self.times = array("q")

    def copy(self) -> RoundTimes:
        """The same times."""
        twin = RoundTimes(self.size)
        twin.start, twin.newest, twin.times = self.start, self.newest, self.times[:]
        return twin

    def see(self, round_: int, at: int) -> None:
        """A round was under way at `at`: the smallest such time is its beginning."""
        times = self.times
        i = round_ - self.start
        if 0 <= i < len(times):
            if at < times[i] or times[i] == NO_PROBE:
                times[i] = at
            return
        if not times:
            self.start = self.newest = round_
            times.append(at)
        elif i < 0:
            if self.newest - round_ < self.size:
                self.times = array("q", [at]) + array("q", [NO_PROBE]) * (-i - 1) + times
                self.start = round_
        else:
            gap = min(i - len(times), self.size)
            times.extend([NO_PROBE] * gap)
            times.append(at)
            self.newest = round_
            del times[: max(0, len(times) - self.size)]
            self.start = round_ - len(times) + 1

    def view(self) -> memoryview:
        """The times as a read-only memoryview (``q``). A round of which nothing was seen began when the one after it
        did."""
        times = self.times
        if NO_PROBE in times:
            times = array("q", times)
            for i in range(len(times) - 2, -1, -1):
                if times[i] == NO_PROBE:
                    times[i] = times[i + 1]
        return memoryview(times.tobytes()).cast("q")
