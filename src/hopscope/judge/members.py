"""Is it one of several parallel routers that loses? Where packets take them in turns, it answers less often than the
others, by as much as is lost; where flows keep to them, a comparison of flows has told (`fan`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hopscope.judge.hop_series import LOST, HopSeries
from hopscope.judge.parallel import ALPHA
from hopscope.judge.route import is_balanced
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding
from hopscope.judge.verdict import Numbers

if TYPE_CHECKING:
    from hopscope.judge.links import BadLinks

_LEAST: Final = 40
"""Answers of a hop below which nothing is said."""
_ODDS: Final = (0.8, 0.5, 0.2)
"""Of a bad member to answer, beside the others."""
_APART: Final = 1.5
_REFUTED: Final = 4.0
"""Standard errors by which what it lacks may differ from what was lost, for it to be named, and to stay so: a balancer
may give one of them less to carry, and what it lacks by that has nothing to do with what is lost."""
_Z99: Final = 2.326


def bad_links(links: BadLinks, series: Series) -> Finding:
    """What is known of bad or slow links, as a finding. Its numbers are of the flows that go by them."""
    first, last = links.place or (None, None)
    rounds = series.rounds[-1] - links.since + 1
    ordinal = series.end - rounds
    at = series.times[series.index(ordinal)] if ordinal < series.end else None
    numbers = Numbers(
        span_from=at,
        rounds=rounds,
        sent=links.sent,
        lost=links.lost,
        paths=links.paths,
        bad_paths=links.bad,
        others_sent=links.others_sent,
        others_lost=links.others_lost,
        others_now=links.others_now,
        is_hidden=links.is_hidden,
        ports=links.ports,
        usual_ns=links.usual_ns,
        now_ns=links.now_ns,
        addresses=tuple(router for _, router in links.routers if router is not None),
        sides=links.sides,
        in_all=links.in_all,
    )
    return Finding("bad-member", first, last, ordinal, links.confidence, numbers)


class _Shares:
    """How often each of a hop's routers answered, for as long as the route stays."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._end = floor
        self._counts: list[int] = []
        self._lost = 0

    def take(self, series: Series, hop: HopSeries) -> None:
        """The rounds that are new."""
        start = series.index(self._end)
        self._end = series.end
        self._counts += [0] * (len(hop.members) - len(self._counts))
        for place in range(len(hop.members)):
            self._counts[place] += hop.who.count(place + 1, start)
        self._lost += hop.fates.count(LOST, start)

    def is_bad(self, *, stands: bool) -> bool:
        """Whether one answers less often than the others, by as much as is lost. What `stands` is believed until that
        is refuted, so that chance does not name and unname it."""
        counts = sorted(count for count in self._counts if count)
        if len(counts) < 2 or sum(counts) < _LEAST or self._lost < 2:
            return False
        if _evidence(counts) < (0.0 if stands else -math.log(ALPHA)):
            return False
        if not stands and len(counts) > 2 and _is_uneven(counts[1:]):
            return False
        # The others share alike, and what the worst one lacks is what was lost.
        fair = sum(counts[1:]) / (len(counts) - 1)
        lacks = fair - counts[0]
        apart = _REFUTED if stands else _APART
        return abs(lacks - self._lost) <= apart * math.sqrt(fair * (1 + 1 / (len(counts) - 1)))


class MemberWatch:
    """Looks which loss is one router's of several that packets take in turns."""

    def __init__(self) -> None:
        self._shares: dict[int, _Shares] = {}
        """By TTL."""

    def named(self, series: Series, lossy: Finding, floor: int, stands: Finding | None) -> Finding:
        """The loss, as that of one member where it is one's alone. `floor`: the ordinal of the first round of the
        present route; `stands`: the loss that is said already."""
        first, last = lossy.first_ttl, lossy.last_ttl
        if first is None or last is None:
            return lossy
        at = None
        if stands is not None and stands.kind == "bad-member" and not stands.numbers.paths:
            at = stands.last_ttl
        if at is not None and first <= at <= last + 1:
            first, last = min(first, at), max(last, at)
        for ttl in range(last, first - 1, -1):
            hop = series.hops.get(ttl)
            if hop is None or len(hop.members) < 2 or not (ttl == at or is_balanced(hop, series.end - 1)):
                continue
            shares = self._shares.get(ttl)
            if shares is None or shares.floor != floor:
                shares = self._shares[ttl] = _Shares(floor)
            shares.take(series, hop)
            if shares.is_bad(stands=ttl == at):
                return lossy._replace(kind="bad-member", first_ttl=max(1, ttl - 1), last_ttl=ttl)
        return lossy


def _evidence(counts: Sequence[int]) -> float:
    """How much speaks for the first of them, the least, being less likely than the others to answer, however often one
    looks: the logarithm of an e-value (see `parallel`)."""
    size, all_of_them, least = len(counts), sum(counts), counts[0]
    logs = [least * math.log(odds) + all_of_them * math.log(size / (size - 1 + odds)) for odds in _ODDS]
    most = max(logs)
    # It might have been any of them.
    return most + math.log(sum(math.exp(log - most) for log in logs) / len(logs) / size)


def _is_uneven(counts: list[int]) -> bool:
    return _chi_square(counts) > _critical(len(counts) - 1)


def _chi_square(counts: list[int]) -> float:
    fair = sum(counts) / len(counts)
    return sum((count - fair) ** 2 for count in counts) / fair


def _critical(freedom: int) -> float:
    """The chi-square distribution's 99 % quantile (Wilson and Hilferty 1931)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + _Z99 * math.sqrt(part)) ** 3)
