"""What is to be forgotten leaves the file for good: the bytes that held it are overwritten."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import Final

from hopscope.history import notes, schema
from hopscope.history.block import BadBlock
from hopscope.history.parcels import Parcels
from hopscope.history.rows import without
from hopscope.history.store import Store, StoreError, Trace
from hopscope.wire.undecodable import UNDECODABLE

_OF_RUN: Final = (
    "DELETE FROM note WHERE run = ?",
    "DELETE FROM live WHERE run = ?",
    "DELETE FROM segment WHERE run = ?",
    "DELETE FROM tier WHERE run = ?",
    "DELETE FROM run WHERE id = ?",
)


def forget(path: str, target: str | None, before: int | None) -> int:
    """Forget the traces of a target (by its query or address), or all that ended before a moment (epoch ns); how many.
    `StoreError`, `FileNotFoundError`, `OSError`."""
    with Store(path) as store:
        traces = store.traces()
        gone = {
            (trace.run.id, trace.target)
            for trace in traces
            if (target is None or target in (trace.query, trace.address)) and (before is None or trace.until < before)
        }
        is_agents = store.is_agents()
        known = _met_in(store, [trace for trace in traces if (trace.run.id, trace.target) not in gone], gone)
    left = {trace.run.id for trace in traces if (trace.run.id, trace.target) not in gone}
    with closing(schema.open_to_write(path)) as connection:
        try:
            connection.execute("PRAGMA secure_delete = ON")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for run, number in sorted(gone):
                    connection.execute("DELETE FROM note WHERE run = ? AND target = ?", (run, number))
                    connection.execute("DELETE FROM segment WHERE run = ? AND target = ?", (run, number))
                    connection.execute("DELETE FROM tier WHERE run = ? AND target = ?", (run, number))
                for run in {run for run, _ in gone}:
                    if run in left:
                        _thin_out(connection, run, {number for one, number in gone if one == run})
                        _forget_names(connection, run, known.get(run, set()))
                    else:
                        for words in _OF_RUN:
                            connection.execute(words, (run,))
                        if is_agents:  # a hub goes on knowing how far it had got, or it would be sent that again
                            Parcels.forget(connection, run)
                connection.execute("COMMIT")
            with suppress(sqlite3.Error):
                connection.executescript("PRAGMA incremental_vacuum")
        except schema.ERRORS as error:
            raise schema.explained(error) from None
        schema.leave_plain(connection)
    return len(gone)


def _met_in(store: Store, staying: list[Trace], gone: set[tuple[int, int]]) -> dict[int, set[str]]:
    """By run of which a part goes: the addresses that were met in what stays of it."""
    runs = {run for run, _ in gone}
    met: dict[int, set[str]] = {}
    for trace in staying:
        if trace.run.id in runs:
            met.setdefault(trace.run.id, set()).update(store.addresses(trace))
    return met


def _forget_names(connection: sqlite3.Connection, run: int, met: set[str]) -> None:
    """Names of addresses that nothing in what stays has met."""
    words = "SELECT id, fact FROM note WHERE run = ? AND target = 0 AND kind = 'named'"
    for id_, data in connection.execute(words, (run,)).fetchall():
        try:
            fact = notes.decode(data)
        except (*UNDECODABLE, ValueError):
            raise StoreError("it is broken") from None
        if isinstance(fact, notes.Named) and fact.address not in met:
            connection.execute("DELETE FROM note WHERE id = ?", (id_,))


def _thin_out(connection: sqlite3.Connection, run: int, numbers: set[int]) -> None:
    """Rows that are in no segment yet hold all targets together."""
    rows = connection.execute("SELECT id, data FROM live WHERE run = ?", (run,)).fetchall()
    for id_, data in rows:
        try:
            row = without(data, numbers)
        except BadBlock:
            raise StoreError("it is broken") from None
        connection.execute("UPDATE live SET data = ? WHERE id = ?", (row, id_))
