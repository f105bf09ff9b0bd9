"""A store that has grown too large loses the oldest, in small steps: probes first, then minutes, then hours; what was
said, and everything else that is no probe's, goes last, with its run."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from time import time_ns
from typing import Final

from hopscope.history import schema
from hopscope.history.block import BadBlock
from hopscope.history.parcels import Parcels, Unsent
from hopscope.history.tiers import HOUR, MINUTE
from hopscope.history.transaction import Transaction
from hopscope.history.unpacking import inflated
from hopscope.path.bins import SpanBins, decode, encode, together

KEPT_TRACES: Final = 5_000
"""Targets of all runs together, of which a history keeps more for no room that there is."""
AHEAD_NS: Final = 24 * HOUR
"""What is of a time that is so far ahead is of a clock that was wrong, or a lie: it goes before what is the oldest."""
_CLOCK_IS_SET_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01, before which nothing was recorded: a clock that shows less was not set yet, and calls nothing ahead."""
_STEP: Final = 8
"""Segments that go at once: some hundred pages, a few milliseconds."""
_MOST_STEPS: Final = 8
"""Of one call, each a transaction of its own: a second's commit does not wait long for them."""
_NEVER_NS: Final = 1 << 62
_FREE_PAGES: Final = 2000
"""Given back to the file system at once."""


class Pruner:
    """Keeps a store within `limit` bytes."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        run: int,
        limit: int,
        parcels: Parcels | None = None,
        traces: int | None = None,
        now: Callable[[], int] = time_ns,
        *,
        is_hubs: bool = False,
    ) -> None:
        """`run`: the one that is being written, whose facts are not forgotten. `parcels`: nor is what they wait to
        send. `traces`: as many are kept; None: as many as a history keeps. `is_hubs`: of too many the site loses
        that has the most."""
        self._is_hubs = is_hubs
        self._connection = connection
        self._run = run
        self._parcels = parcels
        self._now = now
        self._traces = KEPT_TRACES if traces is None else traces
        self.limit = limit
        self._unsent = Unsent()
        self._is_counted = False
        """Whether the number of traces was looked at; one run adds few."""
        self._is_past = False
        """Whether this call found nothing that is ahead of time: it looks through all rows for that."""

    def prune(self) -> bool:
        """Let some of the oldest go where there is too much; whether that was enough. `StoreError`: what is there
        stays."""
        is_enough = self._is_past = False
        try:
            if self._parcels is not None:
                self._unsent = self._parcels.unsent()
            for _ in range(_MOST_STEPS):
                is_enough = not self._thin_out() and (self._used() <= self.limit or not self._step())
                if is_enough:
                    break
            if self._pages("page_count") * self._pages("page_size") > self.limit:
                # One call of execute() would free one page.
                self._connection.executescript(f"PRAGMA incremental_vacuum({_FREE_PAGES})")
        except schema.ERRORS as error:
            raise schema.explained(error) from None
        return is_enough

    def _thin_out(self) -> bool:
        """Let a part of the oldest run go where there are more traces than are kept; whether there were."""
        if self._is_counted:
            return False
        words = "SELECT count(*) FROM (SELECT DISTINCT run, target FROM note WHERE target > 0)"
        with Transaction(self._connection) as do:
            (traces,) = do.execute(words).fetchone()
            goes = self._oldest_of_most if self._is_hubs else self._oldest
            self._is_counted = traces <= self._traces or not goes(do)
        return not self._is_counted

    def count_again(self) -> None:
        """There may be more traces than there were."""
        self._is_counted = False

    def _oldest(self, do: sqlite3.Connection) -> bool:
        return self._ahead_of_time(do) or self._rows_of_the_dead(do) or self._oldest_run(do)

    def _oldest_of_most(self, do: sqlite3.Connection) -> bool:
        """Of the site of several runs that has the most traces the oldest one, a part at a time."""
        words = (
            "SELECT min(run) FROM (SELECT DISTINCT run, target FROM note WHERE target > 0) JOIN boot USING (run)"
            " GROUP BY site HAVING count(DISTINCT run) > 1 ORDER BY count(*) DESC LIMIT 1"
        )
        for (oldest,) in do.execute(words).fetchall():
            do.execute("DELETE FROM live WHERE run = ?", (oldest,))
            self._forget(do, oldest)
            return True
        return False

    def _pages(self, of: str) -> int:
        number: int = self._connection.execute(f"PRAGMA {of}").fetchone()[0]
        return number

    def _used(self) -> int:
        return (self._pages("page_count") - self._pages("freelist_count")) * self._pages("page_size")

    def _step(self) -> bool:
        """Let some of the oldest go; whether there was anything."""
        with Transaction(self._connection) as do:
            return (
                self._ahead_of_time(do)
                or self._oldest_segments(do)
                or self._rows_of_the_dead(do)
                or self._oldest_hour(do, MINUTE)
                or self._oldest_hour(do, HOUR)
                or self._oldest_run(do)
            )

    def _ahead_of_time(self, do: sqlite3.Connection) -> bool:
        """What is of a time that cannot be yet, whatever kind it is of. Of rows all of their run: later ones rest on
        them."""
        if self._is_past:
            return False
        unsent, ahead = self._unsent, self._ahead
        some = "DELETE FROM {0} WHERE id IN (SELECT id FROM {0} WHERE {1} > ? AND id < ? LIMIT ?)"
        rows = "DELETE FROM live WHERE run IN (SELECT run FROM live WHERE at > ? AND run != ? AND run < ?)"
        self._is_past = not (
            do.execute(some.format("segment", "until"), (ahead, unsent.segment, _STEP)).rowcount > 0
            or do.execute(rows, (ahead, self._run, unsent.run)).rowcount > 0
            or do.execute(some.format("tier", "since"), (ahead, unsent.tier, _STEP)).rowcount > 0
        )
        return not self._is_past

    def _oldest_segments(self, do: sqlite3.Connection) -> bool:
        words = "DELETE FROM segment WHERE id IN (SELECT id FROM segment WHERE id < ? ORDER BY until LIMIT ?)"
        return do.execute(words, (self._unsent.segment, _STEP)).rowcount > 0

    @property
    def _ahead(self) -> int:
        """The moment (epoch ns) from which on nothing can be true yet."""
        now = self._now()
        return now + AHEAD_NS if now >= _CLOCK_IS_SET_NS else _NEVER_NS

    def _rows_of_the_dead(self, do: sqlite3.Connection) -> bool:
        """Rows that a killed writer left: where somebody has written since for twice as long as rows stay rows."""
        words = (
            "DELETE FROM live WHERE run IN (SELECT run FROM live WHERE run != ?1 AND run < ?2 GROUP BY run"
            " HAVING max(at) < (SELECT max(at) FROM live WHERE at <= ?4) - ?3)"
        )
        return do.execute(words, (self._run, self._unsent.run, HOUR, self._ahead)).rowcount > 0

    def _oldest_hour(self, do: sqlite3.Connection, span: int) -> bool:
        """Whole hours, so that an hour is told by its minutes or by itself."""
        (oldest,) = do.execute("SELECT min(since) FROM tier WHERE span = ?", (span,)).fetchone()
        if oldest is None:
            return False
        until = oldest // HOUR * HOUR + HOUR
        if span == MINUTE:
            self._make_hours(do, until - HOUR, until)
        words = "DELETE FROM tier WHERE span = ? AND since < ? AND id < ?"
        return do.execute(words, (span, until, self._unsent.tier)).rowcount > 0

    @staticmethod
    def _make_hours(do: sqlite3.Connection, since: int, until: int) -> None:
        """An hour of whatever has its minutes alone: a hub is told an hour when the agent has begun another one."""
        words = (
            "SELECT run, target, data FROM tier AS one WHERE span = ? AND since >= ? AND since < ? AND NOT EXISTS"
            " (SELECT 1 FROM tier WHERE run = one.run AND target = one.target AND span = ? AND since = ?)"
            " ORDER BY run, target"
        )
        found = do.execute(words, (MINUTE, since, until, HOUR, since)).fetchall()
        for key, rows in groupby(found, key=itemgetter(0, 1)):
            minutes: list[SpanBins] = []
            for *_, data in rows:
                with suppress(BadBlock, ValueError):  # an agent may have sent anything
                    minutes += decode(inflated(data))
            words = "INSERT INTO tier (run, target, span, since, until, data) VALUES (?, ?, ?, ?, ?, ?)"
            for hour in together([one for one in minutes if since <= one.begin < until], HOUR):
                packed = zlib.compress(encode([hour]))
                do.execute(words, (*key, HOUR, hour.begin, hour.begin + HOUR, packed))

    def _oldest_run(self, do: sqlite3.Connection) -> bool:
        words = "SELECT min(id) FROM run WHERE id != ? AND id < ? AND id NOT IN (SELECT run FROM live)"
        (oldest,) = do.execute(words, (self._run, self._unsent.run)).fetchone()
        if oldest is None:
            return False
        self._forget(do, oldest)
        return True

    def _forget(self, do: sqlite3.Connection, run: int) -> None:
        """A run, or some of its segments."""
        few = "DELETE FROM segment WHERE id IN (SELECT id FROM segment WHERE run = ? LIMIT ?)"
        if do.execute(few, (run, _STEP)).rowcount > 0:
            return
        do.execute("DELETE FROM tier WHERE run = ?", (run,))
        do.execute("DELETE FROM note WHERE run = ?", (run,))
        if self._parcels is not None:
            self._parcels.forget(do, run)
        do.execute("DELETE FROM run WHERE id = ?", (run,))
