"""Answers that come late now and then at all hops, the first one among them: a radio, or a busy first link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hopscope.judge.hop_series import ANSWERED, LOST, HopSeries, iqr, nearest_rank_ms
from hopscope.judge.onset import split
from hopscope.judge.series import Series
from hopscope.path.stats import wilson95

_MIN_ROUNDS: Final = 30
"""Rounds below which nothing is said."""
_MIN_ANSWERS: Final = 20
"""Answers of a hop below which it does not tell which of them are late."""
_SPIKE_MS: Final = 20.0
"""Late is what comes so much later (ms) than the quick ones."""
_MIN_LATE: Final = 3
"""Late answers below which it is not known how they vary."""
_STILL: Final = 0.4
"""A share of spikes that stands is believed down to so much of what it takes to be said."""
_SURE_SPLIT: Final = 6.0
_MIN_BEFORE: Final = 15
"""Rounds that must lie before the moment since when answers come late."""
_LATELY: Final = 40
"""Rounds in a row without a spike after which they are over, however seldom they were…"""
_CALM: Final = 10
"""…and below which they are not, however frequent."""
_BY_CHANCE: Final = 1e-3
"""Spikes are over once as many rounds without one would come by chance with less than this probability."""
_SPIKES: Final = 120
"""Rounds in which spikes are counted."""


def is_spiky(series: Series, *, was: bool) -> bool:
    """Whether all hops answer late now and then, the first one among them. `was`: it was so before, and may not come
    and go by chance."""
    measure = _STILL if was else 1.0
    start = max(0, len(series) - _SPIKES)
    hops = series.path()
    if not hops or len(series) < _MIN_ROUNDS:
        return False
    target = _spikes(series.target, start)
    if target is None or 100 * target[0] < measure * target[1]:
        return False
    spikes = [_spikes(hop, start) for hop in hops]
    first = spikes[0]
    if first is None or hops[0].ttl != series.first_ttl or not _vary(series.target, start):
        return False
    if _is_calm(series, hops, start):
        return False
    shares = [*(each for each in spikes if each is not None), target]
    k, n = sum(k for k, _ in shares), sum(n for _, n in shares)
    middle = sorted(k / n for k, n in shares)[len(shares) // 2]
    return (
        middle >= 0.02 * measure
        and wilson95(k, n)[0] > 0.02 * measure
        and first[0] / first[1] >= 0.4 * measure * middle
        and target[0] / target[1] >= 0.4 * measure * middle
    )


def _is_calm(series: Series, hops: Sequence[HopSeries], start: int) -> bool:
    """Whether no hop was late for as many rounds as would hardly be by chance, at the share of rounds in which one was
    before; for `_LATELY` rounds at the most. Rounds in which nobody answered tell nothing of it."""
    late = {i for hop in hops for i in _late_rounds(hop, start)}
    if not late:
        return True
    quiet = max(hop.fates.count(ANSWERED, max(late) + 1) for hop in hops)
    share = len(late) / (max(late) + 1 - min(late))
    return quiet >= _LATELY or (quiet >= _CALM and (1 - min(share, 1.0)) ** quiet < _BY_CHANCE)


def spiky_since(series: Series) -> int:
    """The ordinal of the round from which on answers come late; -1 where that is not clear, or goes back to before the
    window."""
    start = max(0, len(series) - _SPIKES)
    hops = series.path()
    counts = [0] * (len(series) - start)
    for hop in hops:
        for i in _late_rounds(hop, start):
            counts[i - start] += 1
    # A hop that is late in a round is hardly alone: rounds count, not answers.
    late = bytes(2 * count >= len(hops) // 2 and count > 0 for count in counts)
    found = split(late, 1.0)
    if found is None or found[1] < _SURE_SPLIT or found[0] < _MIN_BEFORE:
        return -1
    return series.base + start + found[0]


def last_spike(series: Series, stop: int) -> int | None:
    """The index of the last round before index `stop` in which a hop answered late, or the first one did not; None:
    there is none of late."""
    start = max(0, stop - _SPIKES)
    rounds = [i for hop in series.path() for i in _late_rounds(hop, start) if i < stop]
    first = next((hop for hop in series.path() if hop.ttl == series.first_ttl), series.target)
    return max([*rounds, first.fates.rfind(LOST, start, stop)], default=-1) if rounds else None


def _spikes(column: HopSeries, start: int) -> tuple[int, int] | None:
    """How many answers from index `start` on were late, of how many; None: they are too few to tell."""
    rtts = column.rtts_of(start)
    limit = _late_above(rtts)
    return None if limit is None else (sum(rtt > limit for rtt in rtts), len(rtts))


def _late_rounds(column: HopSeries, start: int) -> list[int]:
    """The indices, from `start` on, of the rounds that were answered late."""
    limit = _late_above(column.rtts_of(start))
    if limit is None:
        return []
    fates, rtts = column.fates, column.rtts
    return [i for i in range(start, len(fates)) if fates[i] == ANSWERED and rtts[i] > limit]


def _late_above(rtts: Sequence[float]) -> float | None:
    """The RTT (ms) above which an answer is late; None: they are too few to tell."""
    return nearest_rank_ms(sorted(rtts), 10) + _SPIKE_MS if len(rtts) >= _MIN_ANSWERS else None


def _vary(column: HopSeries, start: int) -> bool:
    """Whether the late answers are late by more and by less: what holds some packets back for a fixed time is odd, but
    no bad radio."""
    rtts = sorted(column.rtts_of(start))
    if not rtts:
        return False
    low = nearest_rank_ms(rtts, 10)
    late = [rtt - low for rtt in rtts if rtt > low + _SPIKE_MS]
    return len(late) >= _MIN_LATE and iqr(late) > 0.25 * nearest_rank_ms(late, 50)
