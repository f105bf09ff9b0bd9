"""Does the target limit how often it answers? Losses on the beat are a limit's; by chance their gaps vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from hopscope.judge.series import ANSWERED, LOST, Column

EARLY_SHARE: Final = 0.08
"""Loss above this at the last rows alone may be a limit until there are `ENOUGH` of the rarer fate."""
ENOUGH: Final = 9
_BUCKET: Final = 2
"""So many of the first gaps are what the limiter's bucket held."""
_MIN_GAPS: Final = 6

Beat: TypeAlias = Literal["steady", "chance", "unknown"]


def gaps(column: Column, start: int) -> list[int]:
    """The distances, in answered or lost probes, between those of the rarer of the two fates."""
    fates = [fate for fate in column.fates[start:] if fate in (LOST, ANSWERED)]
    lost = fates.count(LOST)
    rare = LOST if 2 * lost <= len(fates) else ANSWERED
    at = [i for i, fate in enumerate(fates) if fate == rare]
    return [b - a for a, b in pairwise(at)]


def beat(distances: Sequence[int]) -> Beat:
    """Whether they come on the beat (a limit), as by chance, or are too few to tell."""
    kept = distances[_BUCKET:]
    if len(kept) < _MIN_GAPS:
        return "unknown"
    mean = sum(kept) / len(kept)
    if mean <= 1:
        return "unknown"
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in kept) / (len(kept) - 1))
    return "steady" if deviation / mean < 0.5 * math.sqrt(1 - 1 / mean) else "chance"
