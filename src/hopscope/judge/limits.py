"""Does the target limit how often it answers? Losses on the beat are a limit's; by chance they wander off it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from hopscope.judge.series import ANSWERED, LOST, HopSeries

_FEW: Final = 2
"""Gaps below which nothing can be told."""
_TELLING: Final = 3.0
"""So far must chance be expected to wander off the beat before not to have done so means anything."""
_STEADY: Final = 0.3
"""Of that, what a limit stays below (by chance less than one series in a hundred does, where it is long)."""

Beat: TypeAlias = Literal["steady", "chance", "unknown"]


def gaps(column: HopSeries, start: int) -> list[int]:
    """The distances, in answered or lost probes, between those of the rarer of the two fates, from the first loss on:
    before it, a limiter's bucket was full."""
    fates = [fate for fate in column.fates[start:] if fate in (LOST, ANSWERED)]
    if LOST not in fates:
        return []
    fates = fates[fates.index(LOST) :]
    rare = LOST if 2 * fates.count(LOST) <= len(fates) else ANSWERED
    return [b - a for a, b in pairwise(i for i, fate in enumerate(fates) if fate == rare)]


def beat(distances: Sequence[int]) -> Beat:
    """Whether they come on the beat (a limit), as by chance, or are too few to tell. What is compared is how far they
    are off a straight line at most, with how far independent losses (a bridge of geometric steps) would be."""
    count = len(distances)
    if count < _FEW:
        return "unknown"
    mean = sum(distances) / count
    expected = math.sqrt(count * mean * (mean - 1))
    if expected < _TELLING:
        return "unknown"
    off = at = 0.0
    for i, gap in enumerate(distances, 1):
        at += gap
        off = max(off, abs(at - i * mean))
    return "steady" if off < _STEADY * expected else "chance"
