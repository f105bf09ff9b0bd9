"""Does the target limit how often it answers? Losses on the beat are a limit's; by chance they wander off it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from hopscope.judge.series import ANSWERED, CIRCLED, LOST, REFUSED, HopSeries, Series

_FEW: Final = 2
"""Gaps below which nothing can be told."""
_TELLING: Final = 3.0
"""So far must chance be expected to wander off the beat before not to have done so means anything."""
_STEADY: Final = 0.3
"""Of that, what a limit stays below (by chance less than one series in a hundred does, where it is long)."""

_ALIKE: Final = 0.8
"""Two hops lose in the same rounds where so much of what each loses is in rounds in which both do."""

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


def is_told(series: Series, start: int) -> bool:
    """Whether routers tell of most of what the target lost from index `start` on: they refused it, or sent it round."""
    rounds = [i for i, fate in enumerate(series.target.fates[start:], start) if fate == LOST]
    return 2 * sum(series.cut[i] in (REFUSED, CIRCLED) for i in rounds) > len(rounds)


def is_shared(series: Series, start: int) -> bool:
    """Whether the hop before the target lost in the very same rounds from index `start` on, and one before that did
    not: packets are lost between them. What has a limit itself may have the same beat, so it must answer more than it
    does not."""
    rounds = [i for i, fate in enumerate(series.target.fates[start:], start) if fate == LOST]
    path = [hop for hop in series.path() if 2 * hop.fates.count(ANSWERED, start) > hop.counted(start)[0]]
    if len(path) < 2:
        return False
    last = path[-1]
    together = sum(last.fates[i] == LOST for i in rounds)
    if _ALIKE * len(rounds) > together or _ALIKE * last.fates.count(LOST, start) > together:
        return False
    return any(_ALIKE * len(rounds) > sum(hop.fates[i] == LOST for i in rounds) for hop in path)


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
