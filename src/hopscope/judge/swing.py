"""Round trips that swing from packet to packet, at all hops from a place on: a queue, though it was never quiet before.

How far they lie apart is taken within blocks of ten rounds, so that another level of delay is none; and what lies at
two levels with nothing in between is packets that take turns on two ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from hopscope.judge.hop_series import ANSWERED, HopSeries, nearest_rank_ms
from hopscope.judge.series import Series

_BLOCK: Final = 10
"""Rounds in a block."""
_BLOCKS: Final = 6
"""The newest blocks, which are looked at."""
_MIN_IN_BLOCK: Final = 6
"""Answers below which a block tells nothing."""
_MIN_BLOCKS: Final = 5
"""Blocks that must tell, for a hop to."""
_WIDE_MS: Final = 60.0
_WIDE: Final = 0.2
"""Round trips swing from this width on: ms, and a multiple of the quick ones' RTT; the greater counts."""
_STILL: Final = 0.6
"""A swing that was found goes on down to this share of that width."""
_WITH: Final = 0.5
"""A hop has the swing from this share of the target's width on."""
_WITHOUT: Final = 0.25
"""A hop lies before the swing up to this share of the target's width; between the two, no place can be named."""
_MIN_BETWEEN: Final = 0.08
"""The least share of round trips in the inner half of the width: of evenly spread ones it is nearly a half, of packets
that take turns on two ways none."""


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
    if len(series) < _BLOCKS * _BLOCK:
        return None
    starts = _newest(series.target)
    width = _width(series.target, starts)
    if width is None:
        return was
    rtts = sorted(series.target.rtts_of(starts[-1]))
    quick, slow = nearest_rank_ms(rtts, 10), nearest_rank_ms(rtts, 90)
    least = max(_WIDE_MS, _WIDE * quick) * (1.0 if was is None else _STILL)
    if width < least or not _is_filled(rtts, quick, slow):
        return None
    hops = {hop.ttl: here for hop in series.path() if (here := _width(hop, starts)) is not None}
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
    return Swing(ttl, before, _since(series, starts[-1], _WITH * width), quick, slow)


def _newest(target: HopSeries) -> list[int]:
    """The indices at which the newest blocks begin that tell of the target, the last one first: while it is silent
    nothing is known of how its round trips swing."""
    fates = target.fates
    starts = range(len(fates) - _BLOCK, -1, -_BLOCK)
    return list(islice((i for i in starts if fates.count(ANSWERED, i, i + _BLOCK) >= _MIN_IN_BLOCK), _BLOCKS))


def _width(column: HopSeries, starts: Sequence[int]) -> float | None:
    """How far apart (ms) most RTTs lie in the middle one of the blocks at these indices; None: too few tell."""
    widths = sorted(width for i in starts if (width := _width_of(column, i)) is not None)
    return widths[len(widths) // 2] if len(widths) >= _MIN_BLOCKS else None


def _width_of(column: HopSeries, start: int) -> float | None:
    """The same of one block."""
    rtts = sorted(column.rtts_of(start, start + _BLOCK))
    return nearest_rank_ms(rtts, 90) - nearest_rank_ms(rtts, 10) if len(rtts) >= _MIN_IN_BLOCK else None


def _is_filled(rtts: Sequence[float], quick: float, slow: float) -> bool:
    """Whether there are times in between."""
    edge = (slow - quick) / 4
    return sum(quick + edge < rtt < slow - edge for rtt in rtts) >= _MIN_BETWEEN * len(rtts)


def _since(series: Series, start: int, least: float) -> int:
    """The ordinal of the round from which on the target's blocks are as wide as `least` (ms), looked for from index
    `start` back; -1: all are."""
    first = start
    while start >= 0:
        width = _width_of(series.target, start)
        if width is not None:
            if width < least:
                return series.base + first
            first = start
        start -= _BLOCK
    return -1
