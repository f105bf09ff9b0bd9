"""Two losses on one path: one that begins nearer, and one that comes on top of it farther on. Which of them is named,
and whether the other one stands beside it. Pure functions over counts, as `onset` has them, and over the hops' series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from hopscope.judge.hop_series import HopSeries
from hopscope.judge.limits import beat, gaps, is_limit
from hopscope.judge.onset import FLOOR, MASS, SCORE, SURE, Onset, cost_from, fewest, gain, onset

_LEAST: Final = 2
"""Hops that must tell of the nearer one: one alone may have losses of its own."""
_GOES_ON: Final = 2.0
"""By how much two losses must describe the counts better (nats) where the farther one is known."""
_MUCH_MORE: Final = 2.0
"""What the nearer one adds to the loss, by what the farther one does (a ratio), from which on the nearer one is named
where the farther one was."""
_MORE: Final = 1.5
"""The same the other way round: of the nearer one more hops tell, so that it is found first."""
_BY_NOW: Final = (30, 60, 120, 240)
"""Newest rounds by any of which it may be known that the one that is not named is the graver one by now…"""
_SURELY: Final = 3.0
"""…where it is so by so many standard deviations."""
_NEWEST: Final = 90
"""Rounds by which either of them is known to go on…"""
_OVER: Final = 4.0
"""…or to be over, by how much likelier that is (nats)."""

Counts: TypeAlias = Sequence[tuple[int, int]]


def parted(
    columns: Sequence[HopSeries], counts: Counts, found: Onset, phi: float, start: int, stands: int | None
) -> tuple[Onset, Onset | None]:
    """The loss that is named, and the other one, if there is one: two, where they surely describe the counts better
    than the one that was `found`. `columns`: the hops that tell of it, the target the last, with (n, k) of each in
    `counts`; `phi`: by how much more losses vary than by chance; `start`: the index of the present route's first round;
    `stands`: the TTL at which the loss begins that is said."""
    at = None if stands is None else _index(columns, stands)
    two = _two(counts, found, phi, at)
    if two is None or _are_limits(two, columns, counts, start):
        return found, None
    is_near, is_far = _are_there(two, columns)
    near, far = two
    if not is_far:
        return near, None
    if not is_near:
        return far, None
    return two if _is_nearer_named(two, at, columns, phi) else (far, near)


def _index(columns: Sequence[HopSeries], ttl: int) -> int:
    """That of the hop at this TTL, or of the first behind it."""
    return next((i for i, hop in enumerate(columns[:-1]) if hop.ttl >= ttl), len(columns) - 1)


def _two(counts: Counts, found: Onset, phi: float, stands: int | None) -> tuple[Onset, Onset] | None:
    """The nearer and the farther one, where two surely describe (n, k) of the hops better than the loss that was
    `found` does; None: one is enough. `phi`: by how much more losses vary than by chance; `stands`: the index of the
    hop with which the loss begins that is said."""
    if _may_rise(counts[found.best :]):
        one, _ = cost_from(counts[found.best :])
        costs = {at: cost - one for at, cost in _costs(counts, found.best).items()}
        best = min(costs, key=costs.__getitem__, default=0)
        if stands is not None and costs.get(stands, 0.0) <= -_GOES_ON * phi:
            best = stands
        if best and costs[best] <= -(_GOES_ON if best == stands else SCORE) * phi:
            return _on_top(counts, found, best, costs, phi)
    if sum(k > 0 for _, k in counts[: found.best]) < _LEAST:
        return None
    near = onset(counts[: found.best])
    if near is None or near.score < SCORE * phi or not _is_told(counts, near):
        return None
    costs = _costs(counts, near.best)
    return _on_top(counts, found, found.best, costs, phi) if found.best in costs else (near, found)


def _may_rise(counts: Counts) -> bool:
    """Whether it may be that more is lost from one of the hops on: what costs less to ask than what it costs."""
    n, k = sum(n for n, _ in counts), sum(k for _, k in counts)
    before_n = before_k = 0
    for each_n, each_k in counts[:-1]:
        before_n += each_n
        before_k += each_k
        after_n, after_k = n - before_n, k - before_k
        if before_k * after_n < after_k * before_n and gain(before_k, before_n, after_k, after_n) > _GOES_ON:
            return True
    return False


def _costs(counts: Counts, begin: int) -> dict[int, float]:
    """Of a loss that begins at this hop and another one on top of it: the cost (nats), by the hop where that begins."""
    price = 0.5 * math.log(sum(n for n, _ in counts))
    costs = {}
    for at in range(begin + _LEAST, len(counts)):
        near, pool = cost_from(counts[begin:at])
        if pool:
            costs[at] = near + cost_from(counts[at:])[0] + price
    return costs


def _is_nearer_named(two: tuple[Onset, Onset], stands: int | None, columns: Sequence[HopSeries], phi: float) -> bool:
    """Whether the nearer one is the graver one, or the one that `stands`, by the index of its hop, where the other one
    is not surely much graver by now. `phi`: by how much more losses vary than by chance."""
    near, far = two
    if stands is not None and near.first <= stands <= near.last:
        return not any(_is_graver(two, columns, rounds, phi, far=_MORE) for rounds in _BY_NOW)
    if stands is not None and far.first <= stands <= far.last:
        return any(_is_graver(two, columns, rounds, phi, near=_MUCH_MORE) for rounds in _BY_NOW)
    nearer = near.k / near.n
    return nearer > (far.k / far.n - nearer) / (1 - nearer)


def _is_graver(
    two: tuple[Onset, Onset],
    columns: Sequence[HopSeries],
    rounds: int,
    phi: float,
    *,
    near: float | None = None,
    far: float | None = None,
) -> bool:
    """Whether by so many newest rounds the `near` or the `far` one is surely the graver of the two, and takes so many
    times as much as the other one."""
    (n, k), (far_n, far_k) = (_newest(each, columns, rounds) for each in two)
    if not n or not far_n or k == n:
        return False
    nearer, share = k / n, far_k / far_n
    farther = (share - nearer) / (1 - nearer)
    # What the farther one adds is what is lost there, less the nearer one's share, which it is compared with once more.
    deviation = math.sqrt(phi * (share * (1 - share) / far_n + 4 * nearer * (1 - nearer) / n))
    if near is not None:
        return nearer > near * farther and nearer - farther > _SURELY * deviation
    return farther > (far or 1.0) * nearer and farther - nearer > _SURELY * deviation


def _on_top(counts: Counts, found: Onset, best: int, costs: dict[int, float], phi: float) -> tuple[Onset, Onset] | None:
    """Where more is lost from one of these hops on, the `best` of them."""
    places = sorted(costs, key=costs.__getitem__)
    weights = [0.0] * len(counts)
    for at, cost in costs.items():
        weights[at] = math.exp(max(-700.0, min(700.0, (costs[best] - cost) / phi)))
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


def _are_limits(two: tuple[Onset, Onset], columns: Sequence[HopSeries], counts: Counts, start: int) -> bool:
    """Whether the nearer of two losses is told by limits, or the farther one by what may be the target's alone."""
    near, far = two
    if far.best == len(columns) - 1 and beat(gaps(columns[-1], start)) != "chance":
        return True
    return any(is_limit(gaps(columns[i], start)) for i in near.pooled if counts[i][1])


def _are_there(two: tuple[Onset, Onset], columns: Sequence[HopSeries]) -> tuple[bool, bool]:
    """Whether the nearer and the farther one of two losses are of the newest rounds, too."""
    near, far = two
    n, k = _newest(near, columns, _NEWEST)
    before, now = near.k / near.n, k / max(1, n)
    on_top = max(0.0, (far.k / far.n - before) / (1 - before))
    return _goes_on_at(before, FLOOR, n, k), _goes_on_at(
        1 - (1 - now) * (1 - on_top), now, *_newest(far, columns, _NEWEST)
    )


def _newest(found: Onset, columns: Sequence[HopSeries], rounds: int) -> tuple[int, int]:
    """Of the newest rounds, the probes of the hops that tell of it, and those that were lost."""
    begin = max(0, len(columns[-1].fates) - rounds)
    counts = [columns[i].counted(begin) for i in found.pooled]
    return sum(n for n, _ in counts), sum(k for _, k in counts)


def _goes_on_at(rate: float, other: float, n: int, k: int) -> bool:
    """Whether `k` of `n` may be lost at this rate still, for all that is known, and not at the `other`, lower one."""
    p, q = max(rate, 2 * FLOOR), max(other, FLOOR)
    return p > q and p < 1 and k * math.log(p / q) + (n - k) * math.log((1 - p) / (1 - q)) > -_OVER
