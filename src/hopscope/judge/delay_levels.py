"""Two delays at once, each told from the other by how slow the hops are before, between and behind their places. Pure.

Hops between two places have the nearer delay alone, and all alike: what they tell together no single one of them can
belie by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hopscope.judge.delay import MIN_ANSWERS, RECENT, Delays, Rise, Usual
from hopscope.judge.delay_place import GOOD, place_in
from hopscope.judge.hop_series import ANSWERED, HopSeries, nearest_rank_ms
from hopscope.judge.series import Series

_FEWEST: Final = 3
"""Answers below which a hop tells nothing."""
_FIRST_MS: Final = 10.0
_FIRST: Final = 0.25
"""By so much more (ms, and of the whole) the hops farther on must have, that a part of the delay begins there."""
_SURE: Final = 30
"""By so many rounds those that have such a part must outnumber those that have not."""


def came(series: Series, delays: Delays, hops: Sequence[HopSeries], start: int) -> int | None:
    """The index of the round, after index `start`, in which most of these hops became slow; None: they did not."""
    now = {hop: its for hop in hops if (its := _newest(series, delays, hop)) is not None}
    told = [hop for hop, its in now.items() if its[0] > its[1].noise]
    if 2 * len(told) <= len(now):
        return None
    level = _median(now[hop][0] for hop in told)
    at, _ = _turned(series, delays, (), told, level / 2, start, is_up=True)
    before = known(_level(series, delays, hop, start, at) for hop in told)
    return at if at - start >= MIN_ANSWERS and before and _median(before) < GOOD * level else None


def went(series: Series, delays: Delays, hops: Sequence[HopSeries], start: int) -> int | None:
    """The index of the round, after index `start`, in which most of these hops lost most of what made them slow; None:
    they did not."""
    turns = []
    for hop in hops:
        newest, was = _newest(series, delays, hop), _level(series, delays, hop, start, len(series) - 2 * RECENT)
        if newest is not None and was is not None:
            now, usual = newest
            turns.append((hop, was, now, was - now > usual.noise and now < GOOD * was))
    told = [turn for turn in turns if turn[3]]
    if 2 * len(told) <= len(turns):
        return None
    middle = (_median(was for _, was, _, _ in told) + _median(now for _, _, now, _ in told)) / 2
    return _turned(series, delays, (), [hop for hop, *_ in told], middle, start, is_up=False)[0]


def _newest(series: Series, delays: Delays, hop: HopSeries) -> tuple[float, Usual] | None:
    """How much slower than usual (ms) a hop is of late, and what is usual; None: it tells nothing."""
    usual = delays.usual(hop.ttl, series.end)
    rtts = sorted(hop.rtts_of(len(series) - RECENT))
    if usual is None or len(rtts) < MIN_ANSWERS:
        return None
    return nearest_rank_ms(rtts, 50) - usual.median, usual


def levels(series: Series, delays: Delays, start: int, end: int | None = None) -> list[float | None]:
    """By hop of the path and the target, how much slower than usual (ms, of medians) it is from index `start` on; None:
    not known."""
    return [_level(series, delays, hop, start, end) for hop in (*series.path(), series.target)]


def _level(series: Series, delays: Delays, hop: HopSeries, start: int, end: int | None) -> float | None:
    usual = delays.usual(hop.ttl, series.end)
    rtts = sorted(hop.rtts_of(start, end))
    return None if usual is None or len(rtts) < _FEWEST else nearest_rank_ms(rtts, 50) - usual.median


def nearer_place(series: Series, delays: Delays, start: int, first: int) -> tuple[int, int] | None:
    """The place (as `place_in`) of what is slow before the hop with TTL `first`, and at it, from index `start` on: by
    those hops alone, since others have another delay as well. None: none of them has it."""
    count = sum(hop.ttl <= first for hop in series.path())
    near = levels(series, delays, start)[:count]
    own = next((its for its in reversed(near) if its is not None), None)
    where = None if own is None else place_in(near, own)
    return None if where is None or where[1] >= count else where


def gap_at(profile: Sequence[float | None], near: int, far: int) -> float | None:
    """How much more of the delay (ms) the hops from index `far` on have than those from `near` to before it."""
    before, behind = known(profile[near:far]), known(profile[far:])
    return _median(behind) - _median(before) if before and behind else None


def split_in(profile: Sequence[float | None], near: int) -> tuple[int, float] | None:
    """The index of the hop behind the one with index `near` from which on hops have more of the delay, and how much
    more (ms), as it divides them best; None: they do not. The target is the last of the profile."""
    best: tuple[float, int, float] | None = None
    whole = max(known(profile[near:]), default=0.0)
    for far in range(near + 1, len(profile)):
        gap = None if profile[far] is None else gap_at(profile, near, far)
        if gap is None or gap <= max(_FIRST_MS, _FIRST * whole):
            continue
        before, behind = known(profile[near:far]), known(profile[far:])
        left = sum(abs(its - _median(side)) for side in (before, behind) for its in side)
        if best is None or left < best[0]:
            best = left, far, gap
    return None if best is None else best[1:]


def parted_at(series: Series, delays: Delays, sides: tuple[int, int], gap: float, start: int) -> int | None:
    """The index of the round, after index `start`, since when the hops from the second of these indices on have so much
    more of the delay than those from the first to before it; None: that is not sure."""
    at, sure = _turned(series, delays, *_sides(series, sides), gap / 2, start, is_up=True)
    return at if sure >= _SURE else None


def gap_over(series: Series, delays: Delays, sides: tuple[int, int], start: int) -> int | None:
    """The index of the round, after index `start`, since when they have no more of it; None: they have, or had not."""
    end = len(series)
    if end - 2 * RECENT - start < MIN_ANSWERS:
        return None
    was = gap_at(levels(series, delays, start, end - 2 * RECENT), *sides)
    now = gap_at(levels(series, delays, end - RECENT), *sides)
    if was is None or now is None or was <= _FIRST_MS or now >= GOOD * was:
        return None
    return _turned(series, delays, *_sides(series, sides), (was + now) / 2, start, is_up=False)[0]


def _sides(series: Series, sides: tuple[int, int]) -> tuple[Sequence[HopSeries], Sequence[HopSeries]]:
    columns = [*series.path(), series.target]
    return columns[slice(*sides)], columns[sides[1] :]


def _turned(
    series: Series,
    delays: Delays,
    before: Sequence[HopSeries],
    behind: Sequence[HopSeries],
    middle: float,
    start: int,
    *,
    is_up: bool,
) -> tuple[int, int]:
    """The index of the round since when, after index `start`, the hops `behind` have more than so much more of the
    delay than those `before` (or than usual, where those are none), or less; and by how many rounds it is so."""
    hops = (*before, *behind)
    usual = {hop.ttl: its.median for hop in hops if (its := delays.usual(hop.ttl, series.end)) is not None}
    sure, best, at = 0, 0, len(series) - 1
    for i in range(len(series) - 1, start - 1, -1):
        short = known(_more(hop, usual, i) for hop in before)
        long = known(_more(hop, usual, i) for hop in behind)
        if (before and not short) or not long:
            continue
        more = _median(long) - (_median(short) if short else 0.0)
        sure += 1 if (more > middle) == is_up else -1
        if sure > best:
            best, at = sure, i
        elif best - sure >= RECENT:
            break
    return at, best


def _median(values: Iterable[float]) -> float:
    """Of at least one; `statistics` would be loaded with every start."""
    each = sorted(values)
    half = len(each) // 2
    return each[half] if len(each) % 2 else (each[half - 1] + each[half]) / 2


def _more(hop: HopSeries, usual: dict[int, float], index: int) -> float | None:
    if hop.ttl not in usual or hop.fates[index] != ANSWERED:
        return None
    return hop.rtts[index] - usual[hop.ttl]


def known(values: Iterable[float | None]) -> list[float]:
    """Those that are."""
    return [each for each in values if each is not None]


def rise_of(series: Series, delays: Delays, hop: HopSeries) -> Rise | None:
    """Of a hop by itself; None: it tells nothing."""
    usual = delays.usual(hop.ttl, series.end)
    rtts = sorted(hop.rtts_of(len(series) - RECENT))
    if usual is None or len(rtts) < MIN_ANSWERS:
        return None
    now = nearest_rank_ms(rtts, 50)
    return Rise(usual, now, (now - usual.median) / max(usual.sigma, 0.1))
