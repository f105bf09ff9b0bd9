"""Round trips that swing from packet to packet, at all hops from a place on: a queue, though it was never quiet before.

How far they lie apart is taken within blocks of ten rounds, so that another level of delay is none; and what lies at
two levels with nothing in between is packets that take turns on two ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from hopscope.judge.hop_series import HopSeries, nearest_rank_ms
from hopscope.judge.series import Series

_BLOCK: Final = 10
_BLOCKS: Final = 6
_MIN_IN_BLOCK: Final = 6
_MIN_BLOCKS: Final = 5
_WIDE_MS: Final = 60.0
_WIDE: Final = 0.2
"""Round trips lie far apart that do by so much (ms, and times the quick ones)."""
_STILL: Final = 0.6
"""What was wide is so down to so much of that."""
_WITH: Final = 0.5
_WITHOUT: Final = 0.25
"""So much of the target's width a hop has that has the delay, and so much one has that is before it, at most."""
_MIN_BETWEEN: Final = 0.08
"""Of evenly spread times nearly a half lies in the inner half of their width."""


class Swing(NamedTuple):
    """How far apart round trips lie, and from where on."""

    ttl: int
    """The first hop that has it; 0: the target alone, which is the first one."""
    before: int
    """The last one before it that answers; 0: there is none."""
    since: int
    """The ordinal of the round in which it began; -1: before what is remembered."""
    quick_ms: float
    slow_ms: float
    """Of the target: nine in ten are longer, nine in ten are shorter."""


def swing(series: Series, was: Swing | None) -> Swing | None:
    """Of the newest rounds. `was`: what it was before; that has its place, and is not over by chance."""
    start = len(series) - _BLOCKS * _BLOCK
    if start < 0:
        return None
    width = _width(series.target, start)
    if width is None:
        return None
    rtts = sorted(series.target.rtts_of(start))
    quick, slow = nearest_rank_ms(rtts, 10), nearest_rank_ms(rtts, 90)
    least = max(_WIDE_MS, _WIDE * quick) * (1.0 if was is None else _STILL)
    if width < least or not _is_filled(rtts, quick, slow):
        return None
    hops = {hop.ttl: here for hop in series.path() if (here := _width(hop, start)) is not None}
    if was is not None:
        widths = [width, *(here for ttl, here in hops.items() if 0 < was.ttl <= ttl)]
        if sorted(widths)[len(widths) // 2] < least:
            return None
        return was._replace(quick_ms=quick, slow_ms=slow)
    ttl, before, widths = 0, 0, [width]
    for hop, here in reversed(hops.items()):
        if here < _WITH * width:
            # One that has a part of it tells that it comes little by little, from no one place.
            if here > _WITHOUT * width:
                return None
            before = hop
            break
        ttl = hop
        widths.append(here)
    # What the target has alone is how it answers, unless it is the first one.
    is_alone = not ttl and series.target_ttl != series.first_ttl
    if is_alone or sorted(widths)[len(widths) // 2] < least:
        return None
    return Swing(ttl, before, _since(series, _WITH * width), quick, slow)


def _width(column: HopSeries, start: int) -> float | None:
    """How far apart most RTTs lie in the middle one of the blocks from index `start` on."""
    widths = sorted(
        width for i in range(start, start + _BLOCKS * _BLOCK, _BLOCK) if (width := _width_of(column, i)) is not None
    )
    return widths[len(widths) // 2] if len(widths) >= _MIN_BLOCKS else None


def _width_of(column: HopSeries, start: int) -> float | None:
    rtts = sorted(column.rtts_of(start, start + _BLOCK))
    return nearest_rank_ms(rtts, 90) - nearest_rank_ms(rtts, 10) if len(rtts) >= _MIN_IN_BLOCK else None


def _is_filled(rtts: Sequence[float], quick: float, slow: float) -> bool:
    """Whether there are times in between."""
    edge = (slow - quick) / 4
    return sum(quick + edge < rtt < slow - edge for rtt in rtts) >= _MIN_BETWEEN * len(rtts)


def _since(series: Series, least: float) -> int:
    """The round from which on the target's blocks are as wide."""
    first = start = len(series) - _BLOCKS * _BLOCK
    while start >= 0:
        width = _width_of(series.target, start)
        if width is not None:
            if width < least:
                return series.base + first
            first = start
        start -= _BLOCK
    return -1
