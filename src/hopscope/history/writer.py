"""Facts into a store: rows that wait, commits, and the segments that rows become.

Not for several threads at once. What it is given costs memory until the next `commit`; what a store does not take
waits, up to `MOST_WAITING`, and is counted as missed beyond that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from hopscope._version import __version__
from hopscope.history import notes, pack, schema
from hopscope.history.notes import Missed, Note
from hopscope.history.pack import PROBE_FACTS, ProbeFact, Rowed
from hopscope.history.schema import StoreError
from hopscope.session.facts import SessionFact
from hopscope.wire.messages import RoundStarted, Sent

SEGMENT_ROWS: Final = 600
"""Rows that become segments: ten minutes, at a commit a second."""
SEGMENT_FACTS: Final = 40_000
"""Facts that do, where they come thicker: as many as are held in memory at once. A segment has no more either."""
ROW_FACTS: Final = 20_000
"""Facts of a row, at the most."""
MOST_WAITING: Final = 8 << 20
"""Bytes of rows that a store does not take."""


class _OpenRow:
    """What stands between two notes, or two commits: the notes first."""

    __slots__ = ("data", "facts", "notes", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.notes: list[tuple[int, bytes]] = []
        self.data = b""
        self.facts = 0


class StoreWriter:
    """One run in a store."""

    def __init__(self, path: str, *, host: str, begun: int) -> None:
        """`host` is this machine's name, `begun` epoch ns. `StoreError`, `OSError`."""
        self._connection = schema.open_to_write(path)
        try:
            words = "INSERT INTO run (begun, host, hopscope) VALUES (?, ?, ?)"
            self._run = self._connection.execute(words, (begun, host, __version__)).lastrowid
        except schema.ERRORS as error:
            self._connection.close()
            raise schema.explained(error) from None
        self._row = _OpenRow(0)
        self._probes: dict[int, list[ProbeFact]] = {}
        """Of the row that is open, by target."""
        self._waiting: list[_OpenRow] = []
        self._missed = 0
        self._live_rows = 0
        self._live_facts = 0

    def add(self, target: int, fact: SessionFact | Note) -> None:
        """The next fact. Of a note that is no target's, `target` is 0."""
        if type(fact) in PROBE_FACTS:
            facts = self._probes.get(target)
            if facts is None:
                facts = self._probes[target] = []
            facts.append(fact)  # type: ignore[arg-type]
            self._row.facts += 1
            if self._row.facts >= ROW_FACTS:
                self.cut()
        else:
            if target in self._probes:
                self.cut()
            self._row.notes.append((target, notes.encode(fact)))  # type: ignore[arg-type]

    def miss(self, facts: int) -> None:
        """Count `facts` facts that were not handed over."""
        self._missed += facts

    def cut(self) -> None:
        """What comes from now on stands in a later row."""
        row = self._row
        if self._probes:
            row.data = pack.pack_row(self._probes)
            self._probes = {}
        elif not row.notes:
            return
        self._waiting.append(row)
        self._row = _OpenRow(row.number + 1)
        self._bound()

    def _bound(self) -> None:
        """What no store takes is let go, the oldest first; notes are kept, without which the rest means nothing."""
        size = sum(len(row.data) for row in self._waiting)
        for row in self._waiting:
            if size <= MOST_WAITING:
                break
            size -= len(row.data)
            self._missed += row.facts
            row.data, row.facts = b"", 0

    def commit(self) -> None:
        """All of it into the store. `StoreError`: it waits on."""
        self.cut()
        if not self._waiting:
            return
        if self._missed:
            self._waiting[-1].notes.append((0, notes.encode(Missed(self._missed))))
            self._missed = 0
        notes_of = [(self._run, row.number, *note) for row in self._waiting for note in row.notes]
        rows = [(self._run, row.number, row.data) for row in self._waiting if row.data]
        with _Transaction(self._connection) as do:
            do.executemany("INSERT INTO note (run, row, target, fact) VALUES (?, ?, ?, ?)", notes_of)
            do.executemany("INSERT INTO live (run, row, data) VALUES (?, ?, ?)", rows)
        self._live_rows += len(rows)
        self._live_facts += sum(row.facts for row in self._waiting)
        self._waiting = []

    def compact_if_due(self) -> None:
        """Rows that are old or many enough become segments. `StoreError`: they stay what they are."""
        if self._live_rows >= SEGMENT_ROWS or self._live_facts >= SEGMENT_FACTS:
            self.compact()

    def compact(self) -> None:
        """All rows that were committed become segments, in one transaction. `StoreError`."""
        told: dict[int, list[Rowed]] = {}
        last = -1
        try:
            words = "SELECT row, data FROM live WHERE run = ? ORDER BY id"
            for row, data in self._connection.execute(words, (self._run,)):
                last = row
                for target, facts in pack.unpack_row(data):
                    told.setdefault(target, []).extend((row, fact) for fact in facts)
        except schema.ERRORS as error:
            raise schema.explained(error) from None
        segments = [(self._run, target, *_segment(part)) for target, facts in told.items() for part in _parts(facts)]
        with _Transaction(self._connection) as do:
            do.executemany(
                "INSERT INTO segment (run, target, first_row, last_row, since, until, rounds, probes, data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                segments,
            )
            do.execute("DELETE FROM live WHERE run = ? AND row <= ?", (self._run, last))
        self._live_rows = self._live_facts = 0

    def end(self, at: int) -> None:
        """The run is over at `at` (epoch ns): commit, and leave a file that is as small as it can be. `StoreError`."""
        self.commit()
        with _Transaction(self._connection) as do:
            do.execute("UPDATE run SET ended = ? WHERE id = ?", (at, self._run))
        self.compact()
        with suppress(sqlite3.Error):
            # One call of execute() would free one page.
            self._connection.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Let go of the store; what was not committed is lost."""
        schema.leave_plain(self._connection)
        self._connection.close()


class _Transaction:
    """All or nothing. Errors of SQLite's become `StoreError`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except schema.ERRORS as error:
            raise schema.explained(error) from None
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        try:
            if problem is None:
                self._connection.execute("COMMIT")
                return
        except schema.ERRORS as error:
            problem = error
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        if isinstance(problem, schema.ERRORS):
            raise schema.explained(problem) from None


def _parts(told: list[Rowed]) -> Iterator[list[Rowed]]:
    """What becomes one segment each: not too long, and no round twice, which is another flow's."""
    part: list[Rowed] = []
    newest = -1
    for one in told:
        fact = one[1]
        is_again = False
        if isinstance(fact, RoundStarted):
            is_again = fact.round <= newest
            newest = fact.round
        if part and (is_again or len(part) >= SEGMENT_FACTS):
            yield part
            part = []
        part.append(one)
    yield part


def _segment(told: list[Rowed]) -> tuple[int, int, int, int, int, int, bytes]:
    moments = [pack.moment(fact) for _, fact in told]
    return (
        told[0][0],
        told[-1][0],
        min(moments),
        max(moments),
        sum(isinstance(fact, RoundStarted) for _, fact in told),
        sum(isinstance(fact, Sent) for _, fact in told),
        pack.pack(told),
    )


__all__ = ["StoreError", "StoreWriter"]
