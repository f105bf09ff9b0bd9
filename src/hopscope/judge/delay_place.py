"""Where a delay begins, by how much of it each hop has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hopscope.judge.hop_series import ANSWERED, HopSeries

_GOOD: Final = 0.3
"""A hop has a good part of the delay with so much of it: a queue grows while a round's probes pass it, and those to the
first hops wait least."""
_STEP_MS: Final = 10.0
_STEP: Final = 0.25
"""By so much more (ms, and of the whole) a hop must have, that a part of the delay begins with it."""


def place_in(profile: Sequence[float | None], more: float) -> tuple[int, int]:
    """By how much slower the hops are and the target is (ms), the indices of the last hop that has hardly any of it, -1
    for none, and of the first one behind it that has a good part, as all that follow have; the target's is the path's
    length."""
    place = len(profile)
    for i in range(len(profile) - 1, -1, -1):
        its = profile[i]
        if its is None:
            continue
        if its < _GOOD * more:
            return i, place
        place = i
    return -1, place


def step_in(profile: Sequence[float | None], more: float, place: int) -> tuple[int, float] | None:
    """As `place_in`: the index of the hop behind the place from which on all have surely more of the delay than those
    before it, and how much (ms); None: none has."""
    its = [*profile, more]
    best: tuple[int, float] | None = None
    for i in range(place + 1, len(its)):
        near = [each for each in its[place:i] if each is not None]
        far = [each for each in its[i:] if each is not None]
        if near and its[i] is not None:
            gap = min(far) - max(near)
            if gap > max(_STEP_MS, _STEP * more) and (best is None or gap > best[1]):
                best = i, gap
    return best


def turned(hop: HopSeries, middle: float, start: int, *, is_up: bool) -> int:
    """The index from which on, after index `start`, most answers of a hop are slower than this (ms), or, not `is_up`,
    quicker."""
    best = gain = 0
    at = len(hop.fates) - 1
    for i in range(len(hop.fates) - 1, start - 1, -1):
        if hop.fates[i] == ANSWERED:
            gain += 1 if (hop.rtts[i] > middle) == is_up else -1
            if gain > best:
                best, at = gain, i
    return at
