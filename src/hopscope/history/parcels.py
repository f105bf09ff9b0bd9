"""What of a run can be sent, one row after the other: rows as they were committed, and between them what a writer made
of older ones. So one number says how far another store has got (`schema`, ``parcel``)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from hopscope.history import schema
from hopscope.history.transaction import Transaction

MOST_SENT_FACTS: Final = 12_000
"""Facts of a segment that is sent: some 30 KB."""
PARCEL_BYTES: Final = 56 << 10
"""Of segments or bins that are sent as one message; one that is larger goes by itself."""
_NOTHING: Final = 1 << 62
NEWEST_ROW: Final = (
    "max((SELECT ifnull(max(row), -1) FROM note WHERE run = boot.run),"
    " (SELECT ifnull(max(row), -1) FROM live WHERE run = boot.run),"
    " (SELECT ifnull(max(row), -1) FROM parcel WHERE run = boot.run))"
)
"""The last row of a boot's run."""
_FIRST_UNSENT: Final = f"SELECT min(run) FROM boot WHERE mark < {NEWEST_ROW}"  # noqa: S608 - of our tables


class Written(NamedTuple):
    """Something with a number of its own, and its bytes."""

    id: int
    size: int


class Unsent(NamedTuple):
    """What is to be kept until it was sent: all from these on."""

    run: int = _NOTHING
    segment: int = _NOTHING
    tier: int = _NOTHING


class Parcels:
    """Of one store that is open for writing; by its thread alone."""

    def __init__(self, site: str, boot: str) -> None:
        """`boot`: the run's name, which no other has."""
        self._site = site
        self._boot = boot

    def begin(self, connection: sqlite3.Connection, run: int) -> None:
        """A new run. `StoreError`."""
        self._connection = connection
        self._run = run
        add_tables(connection)
        with Transaction(connection) as do:
            do.execute("INSERT INTO boot VALUES (?, ?, ?, -1, 0, 0)", (run, self._site, self._boot))

    def add(
        self, do: sqlite3.Connection, row: int, before: int, segments: Iterable[Written], tiers: Iterable[Written]
    ) -> int:
        """Rows from `row` on for what took the place of all rows before another one; the first one that is free
        then."""
        begin = row
        for kind, written in (("segments", segments), ("tiers", tiers)):
            for first, last in _bundles(written):
                self._parcel(do, row, kind, first, last)
                row += 1
        if row == begin:
            return row
        self._parcel(do, row, "sealed", before, before)
        return row + 1

    def end(self, do: sqlite3.Connection, row: int, at: int) -> int:
        """The same for the end of the run at `at` (epoch ns)."""
        self._parcel(do, row, "ended", at, at)
        return row + 1

    def _parcel(self, do: sqlite3.Connection, row: int, kind: str, first: int, last: int) -> None:
        words = "INSERT INTO parcel (run, row, kind, first, last) VALUES (?, ?, ?, ?, ?)"
        do.execute(words, (self._run, row, kind, first, last))

    def unsent(self) -> Unsent:
        """What no other store has yet."""
        one = self._connection.execute
        (run,) = one(_FIRST_UNSENT).fetchone()
        words = "SELECT min(first) FROM parcel JOIN boot USING (run) WHERE parcel.row > boot.mark AND kind = ?"
        (segment,) = one(words, ("segments",)).fetchone()
        (tier,) = one(words, ("tiers",)).fetchone()
        return Unsent(*(_NOTHING if value is None else value for value in (run, segment, tier)))

    @staticmethod
    def forget(do: sqlite3.Connection, run: int) -> None:
        """A run that is not kept any more."""
        do.execute("DELETE FROM parcel WHERE run = ?", (run,))
        do.execute("DELETE FROM boot WHERE run = ?", (run,))


def new_run(do: sqlite3.Connection, begun: int, host: str, hopscope: str) -> int:
    """A run (epoch ns, name, version), under a number that neither a run nor what is left of a forgotten one has."""
    words = "INSERT INTO run (id, begun, host, hopscope) SELECT 1 + ifnull(max(id), 0), ?, ?, ? FROM run"
    if do.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'boot'").fetchone()[0]:
        words = (
            "INSERT INTO run (id, begun, host, hopscope) SELECT 1 + max(ifnull((SELECT max(id) FROM run), 0),"
            " ifnull((SELECT max(run) FROM boot), 0)), ?, ?, ?"
        )
    run = do.execute(words, (begun, host, hopscope)).lastrowid
    assert run is not None
    return run


def add_tables(connection: sqlite3.Connection) -> None:
    """What a fleet's store has besides. `StoreError`."""
    with Transaction(connection) as do:
        if not do.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'boot'").fetchone()[0]:
            for words in schema.FLEET_TABLES.values():
                do.execute(words)


def _bundles(written: Iterable[Written]) -> Iterator[tuple[int, int]]:
    """The first and the last of each bundle."""
    first = last = None
    size = 0
    for one in written:
        if first is not None and last is not None and (size + one.size > PARCEL_BYTES or one.id != last + 1):
            yield first, last
            first, size = None, 0
        first = one.id if first is None else first
        last = one.id
        size += one.size
    if first is not None and last is not None:
        yield first, last
