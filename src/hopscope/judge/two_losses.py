"""Two losses on one path: one that begins nearer, and one that comes on top of it farther on. Pure functions over
counts, as `onset` has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from hopscope.judge.onset import MASS, SCORE, SURE, Onset, cost_from, fewest, onset

_LEAST: Final = 2
"""Hops that must tell of the nearer one: one alone may have losses of its own."""
_GOES_ON: Final = 2.0
"""By how much two losses must describe the counts better (nats) where the farther one is known."""
_MUCH_MORE: Final = 2.0
"""So many times as much must be lost at the other place for it to be the one that is named."""
_MORE: Final = 1.5
"""The same for the farther one: of the nearer one more hops tell, so that it is found first."""

Counts = Sequence[tuple[int, int]]


def two_losses(counts: Counts, found: Onset, phi: float, stands: int | None) -> tuple[Onset, Onset] | None:
    """The nearer and the farther one, where two surely describe (n, k) of the hops better than the loss that was
    `found` does; None: one is enough. `phi`: by how much more losses vary than by chance; `stands`: the index of the
    hop with which the loss begins that is said."""
    price = 0.5 * math.log(sum(n for n, _ in counts))
    one, _ = cost_from(counts[found.best :])
    costs = {}
    for at in range(found.best + _LEAST, len(counts)):
        near, pool = cost_from(counts[found.best : at])
        if pool:
            costs[at] = near + cost_from(counts[at:])[0] + price - one
    best = min(costs, key=costs.__getitem__, default=0)
    if stands is not None and costs.get(stands, 0.0) <= -_GOES_ON * phi:
        best = stands
    if best and costs[best] <= -(_GOES_ON if best == stands else SCORE) * phi:
        return _on_top(counts, found, best, {at: -cost / phi for at, cost in costs.items()})
    near_ = onset(counts[: found.best])
    if near_ is None or near_.score < SCORE * phi or not _is_told(counts, near_):
        return None
    return near_, found


def named_first(two: tuple[Onset, Onset], stands: int | None) -> bool:
    """Whether the nearer one is the graver one, or the one that `stands`, by the index of its hop, and is not much
    less."""
    near, far = two
    nearer = near.k / near.n
    farther = (far.k / far.n - nearer) / (1 - nearer)
    if stands is not None and near.first <= stands <= near.last:
        return _MORE * nearer > farther
    if stands is not None and far.first <= stands <= far.last:
        return nearer > _MUCH_MORE * farther
    return nearer > farther


def _on_top(counts: Counts, found: Onset, best: int, gains: dict[int, float]) -> tuple[Onset, Onset] | None:
    """Where more is lost from one of these hops on, the `best` of them."""
    places = sorted(gains, key=gains.__getitem__, reverse=True)
    weights = [0.0] * len(counts)
    for at, gain in gains.items():
        weights[at] = math.exp(max(-700.0, gain - gains[best]))
    mass = sum(weights)
    first, last, sure = fewest(places, weights, MASS * mass)
    surely_first, surely_last, _ = fewest(places, weights, SURE * mass)
    near = onset(counts[:best])
    if near is None or not _is_told(counts, near):
        return None
    far = msgspec.structs.replace(
        _of(found, counts, cost_from(counts[best:])[1], best),
        first=first,
        last=last,
        best=best,
        mass=min(1.0, sure / mass),
        surely_first=surely_first,
        surely_last=surely_last,
    )
    return (near, far) if near.k * far.n < far.k * near.n else None


def _of(found: Onset, counts: Counts, pool: Sequence[int], begin: int) -> Onset:
    """The same, told by these hops; of `pool` the first is at `begin`."""
    hops = tuple(begin + at for at in pool)
    return msgspec.structs.replace(
        found, pooled=hops, n=sum(counts[hop][0] for hop in hops), k=sum(counts[hop][1] for hop in hops)
    )


def _is_told(counts: Counts, near: Onset) -> bool:
    return sum(counts[hop][1] > 0 for hop in near.pooled) >= _LEAST
