"""A store's tables, asked: what they answer is of the types that they should have, and no more than the file holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from hopscope.history import schema
from hopscope.history.schema import StoreError

BROKEN: Final = "it is broken"
_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "data": bytes,
    "fact": bytes,
    "host": str,
    "kind": str,
    "site": str,
    "hopscope": str,
    "ended": (int, type(None)),
    "newest": (int, type(None)),
}
"""Of what a column holds; all others are integers."""


class Tables:
    """Of one store that is open for reading."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()

    def rows(self, words: str, *values: int) -> list[tuple[Any, ...]]:
        """What is found, at once. `StoreError`."""
        return list(self.cursor(words, *values))

    def cursor(self, words: str, *values: int) -> Iterator[tuple[Any, ...]]:
        """What is found, read as it is used: not longer than must be, for the log grows as long. SQLite checks the
        tables' types when it writes, and a file may have been written by something else; nor need each of its bytes
        belong to one row alone, so that a small one could hold more than memory does. `StoreError`."""
        try:
            found = self._connection.execute(words, values)
            kinds = [_KINDS.get(column[0], int) for column in found.description or ()]
            most = size = 0
            for row in found:
                if not all(map(isinstance, row, kinds)):
                    raise StoreError(BROKEN)
                size += sum(len(value) for value in row if isinstance(value, bytes))
                if size > most:
                    most = self._size()
                    if size > most:
                        raise StoreError(BROKEN)
                yield row
        except schema.ERRORS as error:
            raise schema.explained(error) from None

    def _size(self) -> int:
        """Bytes of the store, its log included."""
        pages, size = (int(self._connection.execute(f"PRAGMA page_{of}").fetchone()[0]) for of in ("count", "size"))
        return pages * size
