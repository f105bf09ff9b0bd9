"""All or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from hopscope.history import schema


class Transaction:
    """A context manager for writing. Errors of SQLite's become `StoreError`."""

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
