"""Changes of route, and the epochs between them.

A change is two steady runs of different addresses at a hop, one after the other; hops that change within a few rounds
are one. A hop at which addresses come in turns is a balancer's, and changes nothing.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from hopscope.judge.hop_series import LOST, HopSeries, nearest_rank_ms
from hopscope.judge.series import Series
from hopscope.judge.verdict import Epoch

STEADY: Final = 5
"""Answers of one address in a row from which on it is no balancing."""
TOGETHER: Final = 3
"""Rounds within which changes of several hops are one."""
AT_ONCE: Final = 4
"""Rounds between a change of route and what it does."""
FLAPS: Final = 3
FLAPS_HARMLESS: Final = 8
SPAN: Final = 200
"""`FLAPS` changes in `SPAN` rounds are flapping; of harmless ones `FLAPS_HARMLESS` are needed."""
CALM: Final = 60
CALM_AT_MOST: Final = 120
"""Rounds without a change after which it flaps no more, or twice the usual time between two, if that is longer."""
MAX_EPOCHS: Final = 256
_MAX_PARALLEL: Final = 8
_MAX_CHANGES: Final = 64
_TURNS: Final = 60
_BRIEF: Final = 2
"""More runs below `STEADY` answers than these in `_TURNS` rounds are a balancer's."""


class RouteChange(NamedTuple):
    """The route changed."""

    at: int
    """The ordinal of the first round of the new route."""
    ttl: int
    """The first hop that changed."""
    before: str | None
    after: str | None
    harm: bool
    """Whether the target lost something then, or answers in another time."""


class RouteWatch:
    """The route of one path, in time."""

    def __init__(self) -> None:
        self.changes: deque[RouteChange] = deque(maxlen=_MAX_CHANGES)
        self.epochs: deque[Epoch] = deque(maxlen=MAX_EPOCHS)
        self._begin = 0
        """The ordinal of the first round of the epoch that lasts."""
        self._begin_at: int | None = None
        self._ttl = 0
        self._ttl_since = 0
        self._ttl_answers = 0
        self._steady_ttl = 0
        self._brief_ttls: deque[int] = deque(maxlen=_BRIEF + 1)
        """The ordinals of the last rounds for which it stood at a TTL for a few answers only."""

    def look(self, series: Series, target: HopSeries) -> RouteChange | None:
        """Whether the newest round shows that the route changed. `target`: the series that tells of harm."""
        if self._begin_at is None:
            self._begin_at = series.times[0]
        newest = series.end - 1
        found: RouteChange | None = None
        for hop in series.path():
            runs = hop.runs
            if len(runs) < 2 or runs[-1].last != newest or runs[-1].answers != STEADY or is_balanced(hop, newest):
                continue
            before = next((run for run in reversed(list(runs)[:-1]) if run.answers >= STEADY), None)
            if before is None or before.address == runs[-1].address:
                continue
            if found is None or hop.ttl < found.ttl:
                found = RouteChange(runs[-1].first, hop.ttl, before.address, runs[-1].address, False)
        moved = self._moved(series)
        if moved is not None and (found is None or moved.at < found.at - TOGETHER):
            found = moved
        return None if found is None else self._changed(series, found, target)

    def _moved(self, series: Series) -> RouteChange | None:
        """Whether the target steadily answers at another TTL than before."""
        ttl = series.target_ttl
        if ttl is None or not series.target.fates.endswith(b"A"):
            return None
        newest = series.end - 1
        if ttl != self._ttl:
            if 0 < self._ttl_answers < STEADY:
                self._brief_ttls.append(newest)
            self._ttl, self._ttl_since, self._ttl_answers = ttl, newest, 0
        self._ttl_answers += 1
        if self._ttl_answers != STEADY or ttl == self._steady_ttl:
            return None
        if len(self._brief_ttls) > _BRIEF and self._brief_ttls[0] >= newest - _TURNS:
            return None  # packets take ways of other lengths in turns
        before, self._steady_ttl = self._steady_ttl, ttl
        if not before:
            return None
        return RouteChange(self._ttl_since, min(before, ttl), None, None, False)

    def _changed(self, series: Series, change: RouteChange, target: HopSeries) -> RouteChange | None:
        last = self.changes[-1] if self.changes else None
        if last is not None and abs(change.at - last.at) <= TOGETHER:
            if change.ttl < last.ttl:
                self.changes[-1] = last._replace(ttl=change.ttl, before=change.before, after=change.after)
            return None
        change = change._replace(harm=_is_harmful(target, series.index(change.at)))
        self.epochs.append(self._epoch(series, change.at))
        self._begin = change.at
        self._begin_at = series.times[series.index(change.at)]
        self.changes.append(change)
        return change

    def flapping(self, series: Series, *, stands: bool = False) -> tuple[RouteChange, int] | None:
        """The first of the changes in a row, and how many there were; None where the route does not flap. `stands`: it
        is said already, and only calm takes it back, not that one change more is long ago."""
        if len(self.changes) < FLAPS:
            return None
        recent = [change for change in self.changes if change.at >= series.end - (2 * SPAN if stands else SPAN)]
        if len(recent) < FLAPS:
            return None
        between = (recent[-1].at - recent[0].at) // (len(recent) - 1)
        if recent[-1].at < series.end - max(CALM, min(CALM_AT_MOST, 2 * between)):
            return None
        harmful = sum(change.harm for change in recent)
        if 2 * harmful < len(recent) and len(recent) < FLAPS_HARMLESS:
            return None
        return min(recent, key=lambda change: (change.ttl, change.at)), len(recent)

    def all_epochs(self, series: Series) -> tuple[Epoch, ...]:
        """All epochs, the one that lasts among them."""
        if self._begin_at is None:
            return ()
        return (*self.epochs, self._epoch(series, None))

    def _epoch(self, series: Series, end: int | None) -> Epoch:
        last = series.target_ttl
        rows: list[tuple[str, ...]] = []
        columns = {hop.ttl: hop for hop in series.path()}
        far = max(columns, default=0)
        first = min(series.first_ttl, min(columns, default=series.first_ttl))
        for ttl in range(first, far + 1):
            column = columns.get(ttl)
            seen: dict[str, None] = {}
            for run in column.runs if column is not None else ():
                if run.last >= self._begin and (end is None or run.first < end):
                    seen[run.address] = None
            rows.append(tuple(seen)[:_MAX_PARALLEL])
        if last is not None:
            rows = rows[: last - first]
            rows += [()] * (last - first - len(rows))
            rows.append((series.address,))
        begin = self._begin_at if self._begin_at is not None else series.times[0]
        return Epoch(
            begin=begin,
            end=None if end is None else series.times[series.index(end)],
            first_ttl=first,
            addresses=tuple(rows),
        )


def is_balanced(hop: HopSeries, newest: int) -> bool:
    """Whether the addresses of the last rounds come in turns."""
    short = 0
    for run in reversed(hop.runs):
        if run.last < newest - _TURNS:
            break
        # The newest run may still grow.
        short += run.answers < STEADY and run.last != newest
    return short > _BRIEF


def _is_harmful(target: HopSeries, index: int) -> bool:
    if target.fates.count(LOST, max(0, index - 3), index + 4) >= 2:
        return True
    before = sorted(target.rtts_of(max(0, index - 10), index))
    after = sorted(target.rtts_of(index))
    if len(before) < 3 or len(after) < 3:
        return False
    usual = nearest_rank_ms(before, 50)
    return abs(nearest_rank_ms(after, 50) - usual) > max(4.0, 0.06 * usual)
