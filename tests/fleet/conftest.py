"""What all tests of the fleet share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from hopscope.history import schema


@pytest.fixture(autouse=True)
def stores_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test leaves no store open, whether it killed what had it or just ended: newer Pythons warn of each."""
    opened: list[sqlite3.Connection] = []
    open_to_write = schema.open_to_write

    def remembered(path: str) -> sqlite3.Connection:
        opened.append(open_to_write(path))
        return opened[-1]

    monkeypatch.setattr(schema, "open_to_write", remembered)
    yield
    for connection in opened:
        connection.close()
