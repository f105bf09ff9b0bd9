"""Where a delay begins, by how much of it each hop has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

GOOD: Final = 0.3
"""A hop has a good part of the delay with so much of it: a queue grows while a round's probes pass it, and those to the
first hops wait least."""


def place_in(profile: Sequence[float | None], more: float) -> tuple[int, int]:
    """By how much slower the hops are and the target is (ms), the indices of the last hop that has hardly any of it, -1
    for none, and of the first one behind it that has a good part, as all that follow have; the target's is the path's
    length."""
    place = len(profile)
    for i in range(len(profile) - 1, -1, -1):
        its = profile[i]
        if its is None:
            continue
        if its < GOOD * more:
            return i, place
        place = i
    return -1, place
