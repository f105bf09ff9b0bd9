"""What an agent has recorded and its hub does not have yet, read out of the agent's own store: there is no copy."""

from __future__ import annotations

from time import time_ns
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from hopscope.fleet.messages import (
    Bins,
    Body,
    Ended,
    Facts,
    FleetMessage,
    Gone,
    Probes,
    Sealed,
    SegmentRows,
    SentBins,
    SentSegment,
)
from hopscope.history import schema
from hopscope.history.parcels import NEWEST_ROW, add_tables
from hopscope.history.transaction import Transaction

AT_ONCE: Final = 128
"""Rows that are read at once."""
BYTES_AT_ONCE: Final = 2 << 20


class Boot(NamedTuple):
    """One run of this agent."""

    run: int
    name: str
    begun: int
    """Epoch ns."""
    hopscope: str
    mark: int
    """The last row that the hub has; -1: none."""
    newest: int
    """The last row that there is; -1: none."""


Place: TypeAlias = tuple[int, int]
"""The id and the row number of a row of probes."""
_NOWHERE: Final = (0, -1)


class SiteOutbox:
    """Of one site, over a store that somebody else writes. For one thread at a time."""

    def __init__(self, path: str, site: str) -> None:
        """`StoreError`, `OSError`."""
        self._connection = schema.open_to_write(path)
        self._site = site
        self._read: dict[int, tuple[int, Place]] = {}
        """By run: up to which row it was read, and where the last row of probes stands."""
        try:
            add_tables(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Idempotent."""
        schema.leave_plain(self._connection)
        self._connection.close()

    def boots(self) -> list[Boot]:
        """Those of which the hub lacks something, the oldest first. `StoreError`."""
        return [boot for boot in self._all() if boot.mark < boot.newest]

    def _all(self) -> list[Boot]:
        words = (
            f"SELECT boot.run, boot, begun, hopscope, mark, {NEWEST_ROW} FROM boot JOIN run ON run.id = boot.run"  # noqa: S608
            " WHERE site = ? ORDER BY boot.run"
        )
        return [Boot(*row) for row in self._asked(words, self._site)]

    def boot(self, name: str) -> Boot | None:
        """One of them, whether the hub lacks something of it or not. `StoreError`."""
        return next((boot for boot in self._all() if boot.name == name), None)

    def has(self, boot: str, mark: int) -> None:
        """The hub has all rows of a boot up to this one on its disk, and no more. `StoreError`."""
        with Transaction(self._connection) as do:
            words = f"UPDATE boot SET mark = min(?, {NEWEST_ROW}) WHERE site = ? AND boot = ? AND mark != ?"  # noqa: S608
            do.execute(words, (mark, self._site, boot, mark))

    def targets(self) -> tuple[int, list[str]]:
        """What the hub assigned last, with its version; 0: nothing yet. `StoreError`."""
        for version, data in self._asked("SELECT version, targets FROM assigned WHERE site = ?", self._site):
            return version, msgspec.json.decode(data, type=list[str])
        return 0, []

    def assign(self, version: int, targets: list[str]) -> None:
        """Keep that. `StoreError`."""
        with Transaction(self._connection) as do:
            do.execute("DELETE FROM assigned WHERE site = ?", (self._site,))
            words = "INSERT INTO assigned (site, version, targets) VALUES (?, ?, ?)"
            do.execute(words, (self._site, version, msgspec.json.encode(targets)))

    def messages(self, boot: Boot, after: int) -> list[FleetMessage]:
        """The rows behind `after`, as many as are sent at once. `StoreError`."""
        run = boot.run
        upto = min(boot.newest, after + AT_ONCE)
        known, probes = self._read.get(run, (-1, _NOWHERE))
        if known != after:
            probes = _NOWHERE
        try:
            self._connection.execute("BEGIN")  # all of it as it is at one moment
            try:
                notes = self._notes(run, after, upto)
                live, probes = self._live(run, after, upto, probes)
                bodies = self._bodies(run, after, upto, notes, live)
            finally:
                self._connection.execute("COMMIT")
        except schema.ERRORS as error:
            raise schema.explained(error) from None
        messages = [
            FleetMessage(boot.name, first, last, boot.begun, boot.hopscope, time_ns(), body)
            for first, last, body in bodies
        ]
        if messages and messages[-1].last == upto:
            self._read[run] = upto, probes
        return messages

    def _asked(self, words: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(words, values).fetchall()
        except schema.ERRORS as error:
            raise schema.explained(error) from None

    def _behind(self, run: int, place: Place) -> int:
        """The id from which on later probes stand: SQLite gives the highest one plus one, so what is there still has
        lower ones. Where it is gone, as all rows of probes are once they became segments, ids may begin anew."""
        words = "SELECT id FROM live WHERE id = ? AND run = ? AND row = ?"
        found = self._connection.execute(words, (place[0], run, place[1])).fetchone()
        return 0 if found is None else place[0]

    def _notes(self, run: int, after: int, upto: int) -> dict[int, list[tuple[int, bytes]]]:
        """By row: what happened."""
        notes: dict[int, list[tuple[int, bytes]]] = {}
        words = "SELECT row, target, fact FROM note WHERE run = ? AND row > ? AND row <= ? ORDER BY id"
        for row, target, fact in self._connection.execute(words, (run, after, upto)):
            notes.setdefault(row, []).append((target, fact))
        return notes

    def _live(self, run: int, after: int, upto: int, last: Place) -> tuple[dict[int, Probes], Place]:
        """By row: probes, and where the last of them stand."""
        live: dict[int, Probes] = {}
        behind = self._behind(run, last)
        words = "SELECT id, row, at, data FROM live WHERE id > ? AND run = ? AND row > ? AND row <= ? ORDER BY id"
        for id_, row, at, data in self._connection.execute(words, (behind, run, after, upto)):
            live[row] = Probes(at, data)
            last = id_, row
        return live, last

    def _bodies(
        self, run: int, after: int, upto: int, notes: dict[int, list[tuple[int, bytes]]], live: dict[int, Probes]
    ) -> list[tuple[int, int, Body]]:
        """First row, last row, and what they hold."""
        words = "SELECT row, kind, first, last FROM parcel WHERE run = ? AND row > ? AND row <= ?"
        parcels = {row: rest for row, *rest in self._connection.execute(words, (run, after, upto))}
        bodies: list[tuple[int, int, Body]] = []
        size = 0
        for row in range(after + 1, upto + 1):
            body: Body = Gone()
            if row in notes:
                body = Facts(notes[row])
            elif row in live:
                body = live[row]
                size += len(body.data)
            elif row in parcels:
                body, of_body = self._parcel(run, row, *parcels[row])
                size += of_body
            first = row
            if isinstance(body, Gone) and bodies and isinstance(bodies[-1][2], Gone):
                first = bodies.pop()[0]
            bodies.append((first, row, body))
            if size > BYTES_AT_ONCE:
                break
        return bodies

    def _parcel(self, run: int, row: int, kind: str, first: int, last: int) -> tuple[Body, int]:
        """What a parcel is of, and its bytes. What went since may have left its ids to segments of later rows."""
        if kind == "sealed":
            return Sealed(first), 0
        if kind == "ended":
            return Ended(first), 0
        if kind == "segments":
            columns = "target, first_row, last_row, since, until, rounds, probes, data"
            words = f"SELECT {columns} FROM segment WHERE id BETWEEN ? AND ? AND run = ? AND last_row < ?"  # noqa: S608
            segments = [SentSegment(*one) for one in self._connection.execute(words, (first, last, run, row))]
            return (SegmentRows(segments) if segments else Gone()), sum(len(one.data) for one in segments)
        words = "SELECT target, span, since, until, data FROM tier WHERE id BETWEEN ? AND ? AND run = ?"
        bins = [SentBins(*one) for one in self._connection.execute(words, (first, last, run))]
        return (Bins(bins) if bins else Gone()), sum(len(one.data) for one in bins)
