"""A loss that leaves its place for another one: the first is over, and another one began. Pure."""

from __future__ import annotations

from typing import Final

from hopscope.judge.hop_series import HopSeries
from hopscope.judge.loss import loss
from hopscope.judge.onset import is_past, is_quiet, split, spread
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding

_OVER: Final = 7.0
"""By how much it must describe the counts better (nats) that newer rounds are cleaner."""
_SURE: Final = 10.0
"""The same for the best of all moments."""
_SHARED: Final = 2
"""Hops that must begin to lose together for a nearer loss to begin."""
_RUNS: Final = 3
"""Runs of rounds with losses that a loss has, to be over."""
_LEAST: Final = 15
"""Rounds that must lie on both sides of the moment."""


def moved(series: Series, stands: Finding, found: Finding, floor: int) -> tuple[int, Finding] | None:
    """The ordinal of the round from which on the loss that `stands` is no longer at its place, and the one that is at
    another place since then; None: it has not moved. `floor`: as for `left`."""
    ended = left(series, stands, found, floor)
    anew = None if ended is None else loss(series, ended, ended)
    if ended is None or anew is None:
        return None
    return ended, anew._replace(since=max(anew.since, ended))


def left(series: Series, stands: Finding, found: Finding, floor: int) -> int | None:
    """The ordinal of the round from which on the loss that `stands` is no longer at its place, but where it is `found`
    now; None: it always was there, for all that is known. `floor`: the ordinal of the present route's first round."""
    first, last, surely = stands.first_ttl, stands.last_ttl, found.surely
    start = series.index(max(stands.since, floor))
    if first is None or last is None or surely is None:
        return None
    if found.first_ttl is not None and found.first_ttl >= last and found.last_ttl != last:
        return _ended(series, _between(series, last, found.first_ttl), start)
    if surely[1] <= first and surely[1] < last and not found.numbers.also_sent:
        return _began(series, _between(series, surely[1], first), start)
    return None


def lessened(series: Series, stands: Finding) -> int:
    """The ordinal of the round from which on the hops from the place of a loss on lose less, as best describes the
    counts: it came on top of another one, which goes on."""
    hops = [*(hop for hop in series.path() if hop.ttl >= (stands.last_ttl or 0)), series.target]
    start = series.index(stands.since)
    by_round = spread(hops, start).by_round
    n = sum(hop.counted(start)[0] for hop in hops)
    return series.base + start + _steepest(by_round, n / max(1, len(by_round)))


def _between(series: Series, first: int, last: int) -> list[HopSeries]:
    return [hop for hop in series.path() if first <= hop.ttl <= last]


def _ended(series: Series, hops: list[HopSeries], start: int) -> int | None:
    """Since when these hops, which told of it, lose nothing any more, or hardly."""
    if not hops:
        return None
    lying = spread(hops, start)
    n, k = (sum(each) for each in zip(*(hop.counted(start) for hop in hops), strict=True))
    size = len(lying.by_round)
    if lying.runs < _RUNS or not n:
        return None
    if not is_quiet(lying.by_round) and not is_past(lying.by_round, n / size, k, n, _OVER * lying.phi):
        return None
    at = len(lying.by_round.rstrip(b"\0")) if is_quiet(lying.by_round) else _steepest(lying.by_round, n / size)
    return series.base + start + at if at >= _LEAST else None


def _began(series: Series, hops: list[HopSeries], start: int) -> int | None:
    """Since when these hops, which were before it, lose as well. One alone may have losses of its own."""
    if len(hops) < _SHARED:
        return None
    lying = spread(hops, start)
    n = sum(hop.counted(start)[0] for hop in hops)
    change = split(lying.by_round, n / max(1, len(lying.by_round)))
    if change is None or change[1] <= _SURE * lying.phi or change[0] < _LEAST:
        return None
    return series.base + start + change[0]


def _steepest(by_round: bytes, trials: float) -> int:
    """The index from which on so much less is lost that it describes the counts best."""
    change = split(by_round[::-1], trials)
    return len(by_round) if change is None else len(by_round) - change[0]
