"""Routers that lost answers of their own before the target lost anything: what they lose later tells of a loss on the
way only as far as it is more than that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hopscope.judge.hop_series import HopSeries
from hopscope.judge.limits import beat, gaps
from hopscope.judge.onset import gain, split, spread
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding

_SURE: Final = 6.0
"""By how much a moment must describe the target's losses better, and losses of its own a router's (nats)."""
_ENOUGH: Final = 120
"""Rounds of a path that is fine that tell it."""
_STILL: Final = 60
"""Rounds in which a router must have answered to be the one that is known."""
_TELLS: Final = 3.0
"""How much likelier it must be that packets are lost before a router, or behind it (nats)."""


class OwnLoss(NamedTuple):
    """What a router loses by itself."""

    router: str
    share: float
    """Of its answers."""
    asked: int
    """By so many probes."""


class OwnLosses:
    """What routers lose by themselves, as far as that is known."""

    def __init__(self) -> None:
        self._known: dict[int, OwnLoss] = {}
        """By TTL."""

    def of(self, series: Series) -> dict[int, OwnLoss]:
        """Of the routers that answer still, by TTL."""
        since = series.end - _STILL
        return {
            ttl: own
            for ttl, own in self._known.items()
            if ttl in series.hops
            and any(run.address == own.router and run.last >= since for run in series.hops[ttl].runs)
        }

    def learn(self, series: Series, start: int) -> None:
        """From a path that is fine, from index `start` on."""
        if len(series) - start >= _ENOUGH:
            self._compare(series, start, len(series))

    def learn_before(self, series: Series, start: int) -> None:
        """The same of a path that was fine from index `start` on until its target began to lose, if it was."""
        target = series.target
        trials = target.counted(start)[0] / max(1, len(series) - start)
        change = split(spread([target], start).by_round, trials)
        if change is not None and change[1] > _SURE:
            self._compare(series, start, start + change[0])

    def _compare(self, series: Series, start: int, end: int) -> None:
        n, k = series.target.counted(start, end)
        for hop in series.path():
            asked, lost = hop.counted(start, end)
            if 0 < lost < asked and lost * n > k * asked and gain(k, n, lost, asked) > _SURE:
                self._known[hop.ttl] = OwnLoss(hop.runs[-1].address, lost / asked, asked)
            elif asked >= _ENOUGH:
                self._known.pop(hop.ttl, None)


def narrowed(
    lossy: Finding, hops: Sequence[HopSeries], known: Mapping[int, OwnLoss], rate: float, phi: float, begin: int
) -> Finding:
    """The place of a loss by which so much is lost (`rate`) from index `begin` on, as far as these routers tell it:
    whether each loses its own share, or that of what comes through. `phi`: by how much more losses vary than by
    chance."""
    if lossy.first_ttl is None or lossy.last_ttl is None or not 0 < rate < 1:
        return lossy
    first, last = lossy.first_ttl, lossy.last_ttl
    telling = set()
    for hop in hops:
        own = known.get(hop.ttl)
        # One that limits answers as much as before, however few probes come to it.
        if own is None or beat(gaps(hop, 0)) != "chance":
            continue
        telling.add(hop.ttl)
        if not first < hop.ttl < last:
            continue
        n, k = hop.counted(begin)
        alone, both = own.share, own.share + rate - own.share * rate
        more = k * math.log(both / alone) + (n - k) * math.log((1 - both) / (1 - alone))
        more /= phi * (1 + n / own.asked)  # its own share is not known better than by so many
        if more < -_TELLS:
            first = hop.ttl
        elif more > _TELLS:
            last = hop.ttl
    surely = lossy.surely
    if surely is not None:
        surely = max(surely[0], first), min(surely[1], last)
    return lossy._replace(first_ttl=first, last_ttl=last, surely=surely, untold=lossy.untold - telling)
