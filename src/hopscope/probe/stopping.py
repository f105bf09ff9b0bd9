"""How many flows to send before it is said that there are no more members than were seen.

Flows fall on a fork's members at random. With `k` members seen one stops after `n_k` flows, so chosen that a fork with
one member more, all of equal share, is left too early with a probability of `alpha` at the most, counting every stop on
the way there: with fewer members seen as well (Veitch et al. 2009). For alpha = 5 %: 6, 11, 16, 21, 27, 33, 39, 45 …
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache


def missed(points: Sequence[int], members: int, flows: int) -> float:
    """The probability that a fork with one member more than the `members` that were seen, all of equal share, looks
    like this: `points` are where one stops with 1, 2 … members seen, with `members` one stopped after `flows`."""
    before = points[: members - 1]
    stops = [*before, *[flows] * (members - len(before))]
    return _missed(tuple(min(stop, flows) for stop in stops))


@lru_cache(1024)
def _missed(stops: tuple[int, ...]) -> float:
    """The probability of a stop before all `len(stops) + 1` members were seen."""
    members = len(stops) + 1
    seen = [0.0] * (members + 1)
    seen[0] = 1.0
    left = 0.0
    for flow in range(1, stops[-1] + 1):
        for count in range(members, 0, -1):
            seen[count] = seen[count] * count / members + seen[count - 1] * (members - count + 1) / members
        seen[0] = 0.0
        for count, stop in enumerate(stops, 1):
            if flow >= stop:
                left += seen[count]
                seen[count] = 0.0
    return left


@lru_cache(64)
def stopping_points(alpha: float, most: int) -> tuple[int, ...]:
    """The flows after which to stop with 1, 2 … members seen, as long as they are `most` at the most: with more members
    seen, no such number of flows excludes a further one."""
    points: list[int] = []
    while True:
        flows = points[-1] + 1 if points else 1
        while flows <= most and missed([*points, flows], len(points) + 1, flows) > alpha:
            flows += 1
        if flows > most:
            return tuple(points)
        points.append(flows)


def at_each_hop(alpha: float, hops: int) -> float:
    """The probability for each of so many hops, where that for all of them together is `alpha`."""
    return float(1 - (1 - alpha) ** (1 / max(1, hops)))
