"""Routers that lost answers of their own before the target lost anything: what they lose later tells of a loss on the
way only as far as it is more than that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hopscope.judge.hop_series import HopSeries
from hopscope.judge.limits import beat, gaps
from hopscope.judge.onset import gain
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding

_SURE: Final = 6.0
"""By how much losses of its own must describe a router's better (nats)."""
LEARNS: Final = 60
"""Rounds of a path that is fine after which it is looked at again."""
_MOST: Final = 3600
"""Probes of each router that are remembered; of more, half of what was counted is forgotten."""
_STILL: Final = 60
"""Rounds in which a router must have answered to be the one that is known."""
_TELLS: Final = 5.0
"""How much likelier it must be that packets are lost before a router, or behind it (nats)."""


class OwnLoss(NamedTuple):
    """What a router lost of the probes to it, and the target of those to it meanwhile, while all was fine."""

    router: str
    asked: int
    lost: int
    sent: int
    """To the target."""
    missed: int

    @property
    def share(self) -> float:
        """Of its answers."""
        return self.lost / self.asked

    @property
    def is_sure(self) -> bool:
        """Whether it surely loses by itself."""
        is_more = 0 < self.lost < self.asked and self.lost * self.sent > self.missed * self.asked
        return is_more and gain(self.missed, self.sent, self.lost, self.asked) > _SURE


class OwnLosses:
    """What routers lose by themselves, as far as that is known."""

    def __init__(self) -> None:
        self._learned: dict[int, OwnLoss] = {}
        """By TTL, what was counted while all was fine."""

    def of(self, series: Series) -> dict[int, OwnLoss]:
        """Of the routers that answer still and surely lose some, by TTL."""
        known = self._learned.items()
        return {ttl: own for ttl, own in known if own.is_sure and _answers(series, ttl, own.router)}

    def learn(self, series: Series, start: int) -> None:
        """From the newest `LEARNS` rounds of a path that is fine from index `start` on."""
        begin = len(series) - LEARNS
        if begin < start:
            return
        n, k = series.target.counted(begin)
        for hop in series.path():
            known, (asked, lost) = self._learned.get(hop.ttl), hop.counted(begin)
            if known is None or not _answers(series, hop.ttl, known.router):
                known = OwnLoss(hop.runs[-1].address, 0, 0, 0, 0)
            keep = 1 if known.asked < _MOST else 2
            counts = (
                known.asked // keep + asked,
                known.lost // keep + lost,
                known.sent // keep + n,
                known.missed // keep + k,
            )
            self._learned[hop.ttl] = OwnLoss(known.router, *counts)


def _answers(series: Series, ttl: int, router: str) -> bool:
    since, hop = series.end - _STILL, series.hops.get(ttl)
    return hop is not None and any(run.address == router and run.last >= since for run in hop.runs)


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
