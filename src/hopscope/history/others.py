"""What others took out of a store while a run is written to it: they forgot the run or some of its targets, or took its
writer for dead and let its rows go. What is written afterwards must not rest on that."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import NamedTuple


class Taken(NamedTuple):
    """What is there no more."""

    run: bool
    targets: frozenset[int]
    rows: int
    """How many rows there are still."""


class Others:
    """Whoever else writes to the store of one run."""

    def __init__(self, connection: sqlite3.Connection, run: int) -> None:
        self._run = run
        self._version = _version(connection)

    def taken(self, do: sqlite3.Connection, targets: Collection[int]) -> Taken | None:
        """What they took of the run, of whose `targets` something was kept; None: nobody wrote since the last time.
        To be asked in the transaction that writes."""
        version = _version(do)
        if version == self._version:
            return None
        self._version = version
        is_there = do.execute("SELECT 1 FROM run WHERE id = ?", (self._run,)).fetchone() is not None
        words = "SELECT 1 FROM note WHERE run = ? AND target = ? LIMIT 1"
        gone = frozenset(one for one in targets if do.execute(words, (self._run, one)).fetchone() is None)
        (rows,) = do.execute("SELECT count(*) FROM live WHERE run = ?", (self._run,)).fetchone()
        return Taken(not is_there, gone, rows)


def _version(connection: sqlite3.Connection) -> int:
    """Another number whenever another connection has written (sqlite.org/pragma.html, data_version)."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version
