"""Rounds and their times, for whatever is drawn over time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Hop, Path
from hopscope.views.screen.options import ChartView
from hopscope.words.numbers import span_ms, time_of_day

NS_PER_MS = 1_000_000
SECOND = 1_000_000_000
Y_LABEL = 5
"""Cells of a latency axis's labels."""
HEAT_LABEL = 4
"""Cells of the heat map's TTLs."""
STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)
"""Seconds that ticks of a time axis may stand apart."""
_SAID = {LOST: "lost", PENDING: "pending", FAILED: "not sent, this computer", LATE: "late", NO_PROBE: "no probe"}


def seen(path: Path, zoom: int) -> tuple[int, list[int]]:
    """The first round that is in sight, and the times (epoch ns) at which the rounds in sight began."""
    times = path.round_times.tolist()
    count = max(8, len(times) >> zoom)
    start = max(0, len(times) - count)
    while start < len(times) and times[start] <= 0:
        start += 1
    return path.first_round + start, times[start:]


def samples_of(hop: Hop, first: int, count: int) -> list[int | None]:
    """A hop's samples for `count` rounds from `first` on; None where there is none."""
    window = hop.window
    offset = first - window.first_round
    samples = window.samples
    size = len(samples)
    return [samples[i] if 0 <= i < size else None for i in range(offset, offset + count)]


def reading(path: Path, hop: Hop, first: int, times: Sequence[int], cursor: int) -> str:
    """What the cursor reads: time, round and value."""
    index = max(0, len(times) - 1 - cursor)
    sample = samples_of(hop, first, len(times))[index]
    value = "no probe" if sample is None else _SAID.get(sample) or span_ms(sample / NS_PER_MS)
    return f"{time_of_day(times[index])}  hop {hop.ttl}: {value}"


def moment_at(path: Path, view: ChartView, zoom: int, column: int, width: int) -> int | None:
    """The moment (epoch ns) at a column of a chart panel of `width`; None outside of a time axis."""
    if view not in ("time", "heat"):
        return None
    _first, times = seen(path, zoom)
    left, right = 1 + (Y_LABEL + 1 if view == "time" else HEAT_LABEL), width - 2
    if len(times) < 2 or not left <= column <= right:
        return None
    return times[round((column - left) / max(1, right - left) * (len(times) - 1))]


def back_to(path: Path, moment: int | None) -> int | None:
    """How many rounds lie between a moment and the newest; None: it is now, or too long ago."""
    times = path.round_times
    if moment is None or not len(times) or moment < times[0]:
        return None
    return len(times) - bisect_right(times, moment)


def time_ticks(times: Sequence[int], columns: int) -> list[tuple[float, str]]:
    """Ticks of a time axis: round clock times, a dozen columns apart at least."""
    span = (times[-1] - times[0]) / 1e9
    step = next((s for s in STEPS if span / s <= max(1, columns // 14)), STEPS[-1])
    begin = -(-times[0] // (step * SECOND)) * step * SECOND
    ticks = []
    at = begin
    while at <= times[-1]:
        ticks.append(((at - times[0]) / 1e9, time_of_day(at, seconds=step < 60)))
        at += step * SECOND
    return ticks
