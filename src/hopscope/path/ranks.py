"""Percentiles of any number of RTTs in bounded memory: the newest exactly, older ones in a histogram of integers.

A histogram's bucket is as wide as a 128th of the power of two that its values begin with (`bits` 7), so its middle is
within 0.4 % of each value in it; below 256 ns a bucket is a nanosecond. With two bits less buckets are four times as
wide, within 1.6 %, and take a quarter of the room. Counts are integers: histograms add up to the same in any order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

_BITS: Final = 7
_FEW: Final = 64
"""Up to so many values are put in their places one by one."""


def bucket(value: int, bits: int = _BITS) -> int:
    """The bucket of a whole number, at least 0."""
    shift = max(0, value.bit_length() - bits - 1)
    return (shift << bits) + (value >> shift)


def middle(index: int, bits: int = _BITS) -> int:
    """The value that stands for all in a bucket."""
    shift = max(0, (index >> bits) - 1)
    return _lowest(index, bits) + ((1 << shift) >> 1)


def _lowest(index: int, bits: int = _BITS) -> int:
    """The smallest value in a bucket."""
    shift = max(0, (index >> bits) - 1)
    return (index - (shift << bits)) << shift


@lru_cache(maxsize=8)
def _edges(bounds: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Of each bound's bucket the middle, and the smallest value behind it."""
    return tuple((middle(index), _lowest(index + 1)) for index in map(bucket, bounds))


class Histogram:
    """How many values fell into each bucket."""

    __slots__ = ("_ladder", "counts", "n")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.n = 0
        self._ladder: tuple[list[int], list[int]] | None = None

    def copy(self) -> Histogram:
        """The same counts."""
        twin = Histogram()
        twin.counts, twin.n, twin._ladder = dict(self.counts), self.n, self._ladder
        return twin

    def add(self, values: Iterable[int]) -> None:
        """Count these values."""
        counts = self.counts
        for index, count in Counter(map(bucket, values)).items():
            counts[index] = counts.get(index, 0) + count
            self.n += count
        self._ladder = None

    def merge(self, other: Histogram) -> None:
        """Count all that the other one counted."""
        for index, count in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + count
        self.n += other.n
        self._ladder = None

    def ladder(self) -> tuple[list[int], list[int]]:
        """The buckets' middles in order, and how many values lie at or below each."""
        if self._ladder is None:
            indexes = sorted(self.counts)
            counted = accumulate(self.counts[index] for index in indexes)
            self._ladder = [middle(index) for index in indexes], list(counted)
        return self._ladder


class Ranks:
    """All RTTs of a hop in order of size: `ordered` those that are known exactly, the older ones in `older`. They are
    put in order when somebody asks."""

    __slots__ = ("_fresh", "_gone", "_ordered", "_places", "_size", "older")

    def __init__(self, size: int) -> None:
        """`size`: how many values leave exact memory together."""
        self._size = size
        self._ordered = array("q")
        self._fresh = array("q")
        """Those that are not among `_ordered` yet, as they came."""
        self.older: Histogram | None = None
        self._gone = array("q")
        """The values among `ordered` that are to leave it, as they came."""
        self._places: dict[int, int] = {}
        """By percent: at which of the histogram's steps it was found the last time."""

    def copy(self) -> Ranks:
        """The same values."""
        twin = Ranks(self._size)
        twin._ordered, twin._fresh, twin._gone = self._ordered[:], self._fresh[:], self._gone[:]
        twin.older = self.older and self.older.copy()
        return twin

    def without(self, values: Iterable[int]) -> Ranks:
        """The same, but for these of `ordered`."""
        twin = self.copy()
        rest = Counter(twin.ordered)
        rest.subtract(values)
        twin._ordered = array("q", sorted(rest.elements()))
        return twin

    def add(self, value: int) -> None:
        """One more value."""
        self._fresh.append(value)

    def let_go(self, values: Iterable[int]) -> None:
        """These of `ordered` need not be known exactly any more."""
        self._gone.extend(values)
        if len(self._gone) >= self._size:
            if self.older is None:
                self.older = Histogram()
            gone, self._gone = self._gone, array("q")
            self.older.add(gone)
            if self._fresh[: len(gone)] == gone:  # nobody asked since they came
                del self._fresh[: len(gone)]
            else:
                self._ordered = _without(self.ordered, gone)

    @property
    def ordered(self) -> array[int]:
        """The values that are known exactly, the smallest first."""
        fresh = self._fresh
        if fresh:
            if len(fresh) > _FEW:
                self._ordered = array("q", sorted([*self._ordered, *fresh]))
            else:
                for value in fresh:
                    insort(self._ordered, value)
            self._fresh = array("q")
        return self._ordered

    def __len__(self) -> int:
        return len(self.ordered) + (self.older.n if self.older is not None else 0)

    def up_to(self, bounds: Sequence[int]) -> tuple[int, ...]:
        """How many values lie in the buckets up to each bound's own, the same whether they are known exactly or not."""
        ordered = self.ordered
        middles, counted = self.older.ladder() if self.older is not None else ([], [])
        found = []
        for index_middle, beyond in _edges(tuple(bounds)):
            place = bisect_right(middles, index_middle)
            found.append(bisect_left(ordered, beyond) + (counted[place - 1] if place else 0))
        return tuple(found)

    def nearest(self, percent: int) -> int:
        """The ⌈percent/100 · n⌉-th smallest of all n values; there must be one. `percent` is 1 to 100. Where older
        values play a part, within 0.4 % of it."""
        ordered, older = self.ordered, self.older
        if older is None:
            return ordered[(percent * len(ordered) + 99) // 100 - 1]
        rank = (percent * (len(ordered) + older.n) + 99) // 100
        middles, counted = older.ladder()
        place = self._places.get(percent, 0)
        # Mostly it is where it was the last time.
        if not (
            place < len(middles)
            and counted[place] + bisect_right(ordered, middles[place]) >= rank
            and (place == 0 or counted[place - 1] + bisect_right(ordered, middles[place - 1]) < rank)
        ):
            place = bisect_left(range(len(middles)), rank, key=lambda i: counted[i] + bisect_right(ordered, middles[i]))
            self._places[percent] = place
        below = rank - (counted[place - 1] if place else 0) - 1
        if place == len(middles) or (below < len(ordered) and ordered[below] <= middles[place]):
            return ordered[below]
        return middles[place]


def _without(ordered: array[int], gone: array[int]) -> array[int]:
    """The values of `ordered` but for these, each of which is among them."""
    leaving = set(gone)
    rest = array("q", [value for value in ordered if value not in leaving])
    if len(rest) == len(ordered) - len(gone):
        return rest
    rest = ordered[:]  # some stay that are as large as one that leaves
    for value in gone:
        del rest[bisect_left(rest, value)]
    return rest
