"""Is it one of several parallel routers that loses? Where packets take them in turns, it answers less often than the
others, by as much as is lost; where flows keep to them, a comparison of flows has told (`fan`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from hopscope.judge.hop_series import HopSeries
from hopscope.judge.route import is_balanced
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding
from hopscope.judge.verdict import Numbers

if TYPE_CHECKING:
    from hopscope.judge.links import BadLinks

_LEAST: Final = 40
"""Answers of a hop below which nothing is said."""
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
        is_hidden=links.is_hidden,
        ports=links.ports,
        usual_ns=links.usual_ns,
        now_ns=links.now_ns,
        addresses=tuple(router for _, router in links.routers if router is not None),
        sides=links.sides,
        in_all=links.in_all,
    )
    return Finding("bad-member", first, last, ordinal, links.confidence, numbers)


def bad_member(series: Series, lossy: Finding, start: int) -> Finding:
    """The loss, as that of one member where it is one's alone. `start`: index of the first round to look at."""
    if lossy.first_ttl is None or lossy.last_ttl is None:
        return lossy
    for ttl in range(lossy.last_ttl, lossy.first_ttl - 1, -1):
        hop = series.hops.get(ttl)
        if hop is not None and is_balanced(hop, series.end - 1) and _one_is_bad(hop, start):
            return lossy._replace(kind="bad-member", first_ttl=max(1, ttl - 1), last_ttl=ttl)
    return lossy


def _one_is_bad(hop: HopSeries, start: int) -> bool:
    _, lost = hop.counted(start)
    counts = sorted(hop.who.count(place + 1, start) for place in range(len(hop.members)))
    counts = [count for count in counts if count]
    answered = sum(counts)
    if len(counts) < 2 or answered < _LEAST or lost < 2:
        return False
    if _chi_square(counts) <= _critical(len(counts) - 1) or (len(counts) > 2 and _is_uneven(counts[1:])):
        return False
    # The others share alike, and what the worst one lacks is what was lost.
    fair = sum(counts[1:]) / (len(counts) - 1)
    lacks = fair - counts[0]
    return abs(lacks - lost) <= 3 * math.sqrt(fair * (1 + 1 / (len(counts) - 1)))


def _is_uneven(counts: list[int]) -> bool:
    return _chi_square(counts) > _critical(len(counts) - 1)


def _chi_square(counts: list[int]) -> float:
    fair = sum(counts) / len(counts)
    return sum((count - fair) ** 2 for count in counts) / fair


def _critical(freedom: int) -> float:
    """The chi-square distribution's 99 % quantile (Wilson and Hilferty 1931)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + _Z99 * math.sqrt(part)) ** 3)
