"""From what stands to a verdict, with the numbers that it rests on."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from hopscope.judge.hop_series import nearest_rank_ms
from hopscope.judge.series import Series
from hopscope.judge.slow import LASTING
from hopscope.judge.standing import StandingFinding
from hopscope.judge.verdict import Note, Numbers, Verdict

STARTING: Final = 3
"""Rounds that must have their fates before anything but facts is said."""
_NOW: Final = 60
"""Rounds whose median RTT is the one that there is now."""
_MIN_ANSWERS: Final = 10
_SPAN: Final = 120
"""Rounds that a verdict's numbers speak of, where it says nothing else."""


def verdict_of(
    series: Series,
    standing: StandingFinding,
    *,
    at: int,
    floor: int,
    since: int | None,
    notes: tuple[Note, ...],
    was: str | None,
) -> Verdict:
    """The verdict as of `at`. `floor`: the ordinal of the first round that counts; `since`: when the trouble that
    stands began; `was`: the newest incident."""
    found = standing.found
    size = len(series)
    if not size:
        return Verdict(kind="starting")
    round_ = series.rounds[-1]
    if found is None:
        start = max(0, size - _SPAN, series.index(floor))
        n, k = series.reached_of(start)
        # What is over since the newest round has no round behind it yet.
        numbers = Numbers(span_from=series.times[min(start, size - 1)], rounds=size - start, sent=n, lost=k)
        ended = standing.ended
        if standing.is_recovered(series.end) and ended is not None:
            return Verdict(
                kind="recovered",
                at=at,
                round=round_,
                since=series.times[min(series.index(ended), size - 1)],
                confidence=0.9,
                numbers=numbers,
                notes=notes,
                was=was,
            )
        if size < STARTING or series.target_ttl is None:
            return Verdict(kind="starting", at=at, round=round_, numbers=numbers)
        sure = min(0.95, size / (size + 20))
        numbers = replace(numbers, now_ns=_rtt(series, max(start, size - _NOW)))
        return Verdict(kind="healthy", at=at, round=round_, confidence=sure, numbers=numbers, notes=notes)
    numbers = found.numbers
    if not numbers.rounds:
        start = min(series.index(found.since), size - 1)
        n, k = series.reached_beside_outages(start) if found.kind in LASTING else series.reached_of(start)
        numbers = replace(numbers, span_from=series.times[start], rounds=size - start, sent=n, lost=k)
    return Verdict(
        kind=found.kind,
        at=at,
        round=round_,
        first_ttl=found.first_ttl,
        last_ttl=found.last_ttl,
        since=since,
        confidence=round(found.confidence, 3),
        numbers=numbers,
        notes=notes,
    )


def _rtt(series: Series, start: int) -> int | None:
    """The target's median RTT (ns) since the round at index `start`; None: of too few answers."""
    rtts = sorted(series.target.rtts_of(start))
    return round(nearest_rank_ms(rtts, 50) * 1e6) if len(rtts) >= _MIN_ANSWERS else None
