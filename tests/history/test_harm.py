"""Recordings that were made to do harm: what does not fit the tables is one line, and nothing of theirs is run."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from hopscope.history import schema
from hopscope.history.block import LIVE, PACKED, PackedRow
from hopscope.history.forgetting import forget
from hopscope.history.notes import Named
from hopscope.history.store import Store, StoreError
from hopscope.wire.messages import Answered
from tests.history.test_store import BEGUN, TARGET, S, head, second, use, written

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "night"
    written(path, 30)
    return path


@pytest.mark.parametrize(
    "change",
    [
        "run SET begun = 'x'", "run SET begun = NULL", "run SET ended = x'00'", "run SET host = NULL",
        "run SET hopscope = x'05'", "note SET fact = NULL", "note SET fact = 'text'", "note SET row = 1e300",
        "segment SET data = NULL", "segment SET since = 'x'", "segment SET until = x'ff'", "segment SET rounds = 'x'",
        "segment SET bytes = 1.5", "segment SET first_row = NULL", "tier SET data = 7",
    ],
)  # fmt: skip
def test_a_value_of_a_type_that_the_table_does_not_have_is_one_line(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        told = dict(connection.execute("SELECT name, sql FROM sqlite_schema"))
        for name, words in told.items():
            loose = words.replace(" STRICT", "").replace(" NOT NULL", "")
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (loose, name))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE {change}")
        connection.execute("PRAGMA writable_schema = ON")
        for name, words in told.items():
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (words, name))
    with pytest.raises(StoreError) as refused:
        list(use(path))
    assert len(str(refused.value).splitlines()) == 1


DEEP = 100_000


@pytest.mark.parametrize(
    ("table", "data"),
    [
        ("note", b'{"type":"ended","at":1,"x":' + b"[" * DEEP + b"]" * DEEP + b"}"),
        ("note", b"[" * DEEP),
        ("segment", zlib.compress(b"\x99" + b"\x91" * DEEP + b"\xc0")),
        ("tier", zlib.compress(b"\x91" * DEEP + b"\xc0")),
        ("live", PACKED + msgspec.msgpack.encode(PackedRow([], b""))[:-1] + b"\x91" * DEEP + b"\xc0"),
        ("live", PACKED + msgspec.msgpack.encode(PackedRow([], zlib.compress(b"\x91" * DEEP + b"\xc0")))),
        ("live", LIVE + b"\x91" * DEEP + b"\xc0"),
        ("live", b"\x91" * DEEP + b"\xc0"),
    ],
)
def test_what_nests_deeper_than_anything_is_left_out_or_refused_in_a_line(path: Path, table: str, data: bytes) -> None:
    """Also where it stands in what would be skipped."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if table == "live" and not connection.execute("SELECT 1 FROM live").fetchone():
            connection.execute("INSERT INTO live (run, row, at, data) VALUES (1, 999999, ?, x'00')", (BEGUN,))
        assert connection.execute(f"UPDATE {table} SET {'fact' if table == 'note' else 'data'} = ?", (data,)).rowcount
    said: list[str] = []
    try:
        list(use(path))
    except StoreError as refused:
        said = str(refused).splitlines()
    assert len(said) <= 1


def test_a_trigger_of_a_tables_name_is_never_run(tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    with closing(sqlite3.connect(evil)) as connection:
        tables = dict(schema._TABLES)
        connection.execute(tables.pop("run"))
        connection.execute("CREATE TRIGGER tier_of AFTER INSERT ON run BEGIN SELECT 1; END")
        for words in tables.values():
            connection.execute(words)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
        connection.execute(f"PRAGMA user_version = {schema.VERSION}")
        connection.commit()
    for opening in (schema.open_to_write, schema.open_to_read):
        with pytest.raises(StoreError, match="its tables are not those"):
            opening(str(evil))


def test_rows_that_share_their_bytes_hold_no_more_than_the_file(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM note")
        connection.execute("VACUUM")
        words = "INSERT INTO note (run, row, target, kind, fact) VALUES (1, 0, 1, 'x', zeroblob(1000000))"
        connection.execute(words)
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'note'").fetchone()[0]
    data = bytearray(path.read_bytes())
    at = (root - 1) * PAGE
    assert data[at] == 13  # a leaf of a table (sqlite.org/fileformat2.html, 1.6), with one cell
    cells = 400
    (cell,) = struct.unpack_from(">H", data, at + 8)
    struct.pack_into(">H", data, at + 3, cells)
    struct.pack_into(f">{cells}H", data, at + 8, *[cell] * cells)
    path.write_bytes(data)
    with Store(str(path)) as store, pytest.raises(StoreError, match="broken"):
        store._tables.rows("SELECT fact FROM note NOT INDEXED WHERE kind = 'x'")


def test_what_is_forgotten_of_a_run_takes_the_names_along_that_only_it_had_met(tmp_path: Path) -> None:
    path = tmp_path / "night"
    out = written(path, 3, end=False)
    for fact in [*head("192.0.2.81"), *second(3)]:
        if isinstance(fact, Answered):
            fact = msgspec.structs.replace(fact, address="192.0.2.81" if fact.ttl == 3 else fact.address)
        out.add(2, fact)
    for address in (TARGET, "192.0.2.1", "192.0.2.81"):
        out.add(0, Named(address, f"name-of-{address.replace('.', '-')}.example"))
    out.end(BEGUN + 10 * S)
    out.close()
    assert forget(str(path), TARGET, None) == 1
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"name-of-192-0-2-80" not in left
    assert TARGET.encode() not in left
    with Store(str(path)) as store:
        (run,) = store.runs()
        assert set(store.names(run)) == {"192.0.2.1", "192.0.2.81"}


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_run_that_is_forgotten_while_it_is_written_breaks_nothing_and_is_kept_no_more(
    tmp_path: Path, is_killed: bool
) -> None:
    path = tmp_path / "history.db"
    written(path, 3, target="192.0.2.99")
    out = written(path, 3, end=False)
    assert forget(str(path), TARGET, None) == 1
    for number in range(3, 6):
        for fact in second(number):
            out.add(1, fact)
        out.commit()
    with Store(str(path)) as store:
        assert [trace.query for trace in store.traces()] == ["192.0.2.99"]
    if not is_killed:
        out.end(BEGUN + 9 * S)
    out.close()
    list(use(path))
    assert TARGET.encode() not in path.read_bytes()
    assert forget(str(path), "192.0.2.99", None) == 1


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_target_that_is_forgotten_while_it_is_written_costs_the_others_of_its_run_nothing(
    tmp_path: Path, is_killed: bool
) -> None:
    path = tmp_path / "history.db"
    out = written(path, 3, end=False)
    for fact in head("192.0.2.99"):
        out.add(2, fact)
    for number in range(3, 9):
        if number == 6:
            assert forget(str(path), TARGET, None) == 1
        for fact in second(number):
            out.add(1, fact)
            out.add(2, fact)
        out.commit()
    if not is_killed:
        out.end(BEGUN + 9 * S)
    out.close()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert (trace.query, trace.rounds) == ("192.0.2.99", 6)
        answered = [fact for _, fact in store.facts(trace) if type(fact) is Answered]
        assert len(answered) == 6 * 3 - 1
        assert store._tables.rows("SELECT id FROM note WHERE target = 1") == []


def test_a_writer_whose_rows_were_let_go_of_tells_all_that_they_had_told(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    out = written(path, 3, end=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM live")
    for number in range(3, 9):
        for fact in second(number):
            out.add(1, fact)
        out.commit()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert trace.rounds == 5
        assert store.missed(trace.run) == len(second(3))
    out.end(BEGUN + 9 * S)
    out.close()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert trace.rounds == 5
