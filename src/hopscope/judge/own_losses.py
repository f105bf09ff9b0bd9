"""Routers that lost answers of their own before the target lost anything: what they lose later tells of a loss on the
way only as far as it is more than that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from hopscope.judge.hop_series import HopSeries
from hopscope.judge.limits import beat, gaps
from hopscope.judge.onset import gain, split, spread
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding

_SURE: Final = 6.0
"""By how much a moment must describe the target's losses better, and losses of its own a router's (nats)."""
_TELLS: Final = 3.0
"""How much likelier it must be that packets are lost before a router, or behind it (nats)."""


def own_shares(series: Series, start: int) -> dict[int, float]:
    """Of the routers that surely did, by TTL: the share of its answers that each lost by itself, from index `start` on
    until the target began to lose."""
    target, size = series.target, len(series) - start
    change = split(spread([target], start).by_round, target.counted(start)[0] / max(1, size))
    if change is None or change[1] <= _SURE:
        return {}
    end = start + change[0]
    n, k = target.counted(start, end)
    counts = {hop.ttl: hop.counted(start, end) for hop in series.path()}
    return {
        ttl: lost / asked
        for ttl, (asked, lost) in counts.items()
        if 0 < lost < asked and lost * n > k * asked and gain(k, n, lost, asked) > _SURE
    }


def narrowed(
    lossy: Finding, hops: Sequence[HopSeries], shares: Mapping[int, float], rate: float, phi: float, begin: int
) -> Finding:
    """The place of a loss by which so much is lost (`rate`) from index `begin` on, as far as these routers tell it:
    whether each loses its own share, or that of what comes through. `phi`: by how much more losses vary than by
    chance."""
    if lossy.first_ttl is None or lossy.last_ttl is None or not 0 < rate < 1:
        return lossy
    first, last = lossy.first_ttl, lossy.last_ttl
    telling = set()
    for hop in hops:
        own = shares.get(hop.ttl)
        # One that limits answers as much as before, however few probes come to it.
        if own is None or beat(gaps(hop, 0)) != "chance":
            continue
        telling.add(hop.ttl)
        if not first < hop.ttl < last:
            continue
        n, k = hop.counted(begin)
        both = own + rate - own * rate
        more = (k * math.log(both / own) + (n - k) * math.log((1 - both) / (1 - own))) / phi
        if more < -_TELLS:
            first = hop.ttl
        elif more > _TELLS:
            last = hop.ttl
    surely = lossy.surely
    if surely is not None:
        surely = max(surely[0], first), min(surely[1], last)
    return lossy._replace(first_ttl=first, last_ttl=last, surely=surely, untold=lossy.untold - telling)
