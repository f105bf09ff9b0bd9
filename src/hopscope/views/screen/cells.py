"""What a cell of the time axis stands for: what became of one hop's probes in a span of time, and how it compares with
what is usual there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

from hopscope.path.bins import TARGET, Bin, SpanBins
from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Hop, Path
from hopscope.views.screen.axis import S, TimeAxis

LIMITS_MS: Final = (3, 6, 12, 25, 50, 100, 200)
"""How much more than usual, ms, each step of sparkline, heat map and ribbon begins with; µs where the whole path is
quicker than a millisecond."""
_BINS: Final = (S, 10 * S, 60 * S, 600 * S, 3600 * S)
_ANEW: Final = 16
"""Rounds after which the usual is looked for anew."""

Binned: TypeAlias = Callable[[int, int, int, Container[int]], list[SpanBins]]
"""``(begin, end, span, ttls)``: bins of a time that the path's window does not hold."""


class Cell(msgspec.Struct, frozen=True):
    """One hop in a span of time. RTTs are ns, 0 where nothing was answered."""

    answered: int = 0
    lost: int = 0
    pending: int = 0
    late: int = 0
    failed: int = 0
    best: int = 0
    median: int = 0
    p95: int = 0

    @property
    def share(self) -> float:
        """What share of the probes with a fate is lost."""
        return self.lost / (self.lost + self.answered) if self.lost else 0.0


NONE: Final = Cell()


def cell_of(samples: Sequence[int]) -> Cell:
    """The cell of some rounds' samples (see `path.snapshot`)."""
    if len(samples) == 1:
        sample = samples[0]
        return Cell(1, best=sample, median=sample, p95=sample) if sample >= 0 else _ALONE.get(sample, NONE)
    answered = sorted([sample for sample in samples if sample >= 0])
    count = len(answered)
    rest = [sample for sample in samples if sample < 0] if count < len(samples) else ()
    return Cell(
        count,
        rest.count(LOST),
        rest.count(PENDING),
        rest.count(LATE),
        rest.count(FAILED),
        answered[0] if count else 0,
        answered[(count - 1) // 2] if count else 0,
        answered[(95 * count + 99) // 100 - 1] if count else 0,
    )


_ALONE: Final = {
    LOST: Cell(lost=1),
    PENDING: Cell(pending=1),
    LATE: Cell(late=1),
    FAILED: Cell(failed=1),
    NO_PROBE: NONE,
}


def _of_bin(one: Bin) -> Cell:
    counts = one.received, max(0, one.lost), max(0, one.pending), one.late, one.failed
    return Cell(*counts, one.best, one.nearest(50), one.nearest(95)) if one.received else Cell(*counts)


def rows_of(axis: TimeAxis, path: Path, hops: Sequence[Hop], binned: Binned | None = None) -> list[list[Cell]]:
    """The cells of some of the path's rows. A column in which no round began has those of the round before, where that
    was the last one due. `binned` knows what was before the path's window."""
    times = path.round_times.tolist()
    known = bisect_left(times, 1)
    has_all = bool(len(times) > known and (times[known] <= axis.begin or path.first_round + known == 0))
    if not has_all and binned is not None:
        return _from_bins(axis, path, hops, binned)
    edges = _edges(axis, times)
    rows = []
    for hop in hops:
        window = hop.window
        offset = path.first_round - window.first_round
        samples = window.samples.tolist()
        if offset > 0:
            samples = samples[offset:]
        elif offset < 0:
            samples = [NO_PROBE] * -offset + samples
        rows.append([NONE if start == end else cell_of(samples[start:end]) for start, end in edges])
    return rows


def _edges(axis: TimeAxis, times: Sequence[int]) -> list[tuple[int, int]]:
    """By column, from which round to which it reaches, as places in `times`."""
    step, begin = axis.step, axis.begin
    places = [bisect_left(times, begin + column * step) for column in range(axis.columns + 1)]
    edges = [(places[i], places[i + 1]) for i in range(axis.columns)]
    apart = _apart(times)
    if apart <= step:
        return edges
    for i, (start, end) in enumerate(edges):
        if start == end and 0 < start < len(times) and begin + i * step - times[start - 1] <= 1.5 * apart:
            edges[i] = start - 1, start
    return edges


def _apart(times: Sequence[int]) -> int:
    """How long it is from one of the newest rounds to the next, at the most."""
    tail = times[-8:]
    return max((b - a for a, b in pairwise(tail)), default=S)


def _from_bins(axis: TimeAxis, path: Path, hops: Sequence[Hop], binned: Binned) -> list[list[Cell]]:
    length = max((each for each in _BINS if each <= axis.step), default=S)
    target = path.target_hop
    ttls = {id(hop): TARGET if hop is target and hop is path.target else hop.ttl for hop in hops}
    columns: list[dict[int, Bin]] = [{} for _ in range(axis.columns)]
    for part in binned(axis.begin, axis.end, length, set(ttls.values())):
        first = max(0, axis.column(part.begin))
        last = min(axis.columns - 1, axis.column(part.begin + part.span - 1))
        for column in range(first, last + 1):
            for ttl, one in part.bins.items():
                into = columns[column].get(ttl)
                if into is None and part.span >= axis.step:
                    columns[column][ttl] = one
                    continue
                if into is None:
                    into = columns[column][ttl] = Bin()
                into.merge(one)
    return [[_of_bin(column[ttl]) if (ttl := ttls[id(hop)]) in column else NONE for column in columns] for hop in hops]


class UsualTimes:
    """A hop's usual RTT: the tenth percentile of its rounds, looked for anew from time to time, and kept while the new
    one is no other for the eye."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}

    def of(self, hop: Hop) -> int | None:
        """By TTL, ns; None before it answered."""
        newest = hop.window.first_round + len(hop.window.samples)
        known = self._known.get(hop.ttl)
        if known is not None and 0 <= newest - known[0] < (_ANEW if newest > 2 * _ANEW else 1):
            return known[1]
        answered = sorted([sample for sample in hop.window.samples.tolist() if sample >= 0])
        if not answered:
            return None if known is None else known[1]
        usual = answered[len(answered) // 10]
        if known is not None and abs(usual - known[1]) <= max(known[1] // 20, 20_000):
            usual = known[1]
        self._known[hop.ttl] = newest, usual
        return usual

    def forget(self) -> None:
        """Another path's may be another."""
        self._known.clear()


def step_of(excess_ns: int, in_us: bool) -> int:
    """Which step so much more than usual is: 0 to 7."""
    unit = 1_000 if in_us else 1_000_000
    level = 0
    for limit in LIMITS_MS:
        if excess_ns < limit * unit:
            break
        level += 1
    return level
