"""Where a store stands: what strangers lay beside it, or around it, is neither believed nor followed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from hopscope.cli.replacing import open_own
from hopscope.history import schema
from hopscope.history.store import Store, StoreError
from tests.history.test_store import written

NOBODY = 65534
PAGE = 4096
_MAGIC = bytes.fromhex("d9d505f920a163d7")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "night"
    written(path, 3)
    return path


def hot_journal(store: Path, names: Path) -> bytes:
    """A rollback journal that, once played back, has SQLite delete the file that it names (sqlite.org/fileformat2.html,
    section 3)."""
    name = os.fsencode(names)
    pages = store.stat().st_size // PAGE
    head = (_MAGIC + struct.pack(">IIIII", 0, 0, pages, 512, PAGE)).ljust(512, b"\0")
    total = sum(byte - 256 if byte > 127 else byte for byte in name) & 0xFFFFFFFF
    return head + struct.pack(">I", 0x40000000 // PAGE + 1) + name + struct.pack(">II", len(name), total) + _MAGIC


OPENINGS: list[Callable[[str], object]] = [
    schema.open_to_write,
    schema.open_to_read,
    lambda path: schema.make_ready(path, os.open),
]


@pytest.mark.parametrize("opening", OPENINGS, ids=["to write", "to read", "for a confined process"])
def test_a_journal_that_was_laid_beside_a_store_deletes_nothing(
    path: Path, tmp_path: Path, opening: Callable[[str], object]
) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    Path(f"{path}-journal").write_bytes(hot_journal(path, thesis))
    with pytest.raises(StoreError, match="night-journal stands beside it"):
        opening(str(path))
    assert thesis.exists()


def test_the_journal_of_that_test_would_delete_the_file_for_who_believes_it(path: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    Path(f"{path}-journal").write_bytes(hot_journal(path, thesis))
    connection = sqlite3.connect(path)
    connection.execute("SELECT count(*) FROM run").fetchone()
    connection.close()
    assert not thesis.exists()


@pytest.mark.needs("root")
@pytest.mark.parametrize("opening", OPENINGS, ids=["to write", "to read", "for a confined process"])
def test_a_log_that_another_user_laid_beside_a_store_is_not_believed(
    path: Path, tmp_path: Path, opening: Callable[[str], object]
) -> None:
    other = tmp_path / "other"
    out = written(other, 9, end=False)
    shutil.copy(f"{other}-wal", f"{path}-wal")
    out.close()
    os.chown(f"{path}-wal", NOBODY, NOBODY)
    with pytest.raises(StoreError, match="night-wal is another user's"):
        opening(str(path))


@pytest.mark.parametrize(
    "lays", [os.symlink, os.link, lambda _, beside: os.mkfifo(beside)], ids=["link", "name", "pipe"]
)
@pytest.mark.parametrize("ending", ["-wal", "-shm"])
def test_what_stands_beside_a_store_is_a_plain_file_of_one_name(
    path: Path, tmp_path: Path, ending: str, lays: Callable[[str, str], None]
) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    lays(str(precious), f"{path}{ending}")
    for opening in OPENINGS:
        with pytest.raises(StoreError, match=f"night{ending} is no plain file"):
            opening(str(path))
    assert precious.read_bytes() == b"precious"


@pytest.mark.needs("root")
@pytest.mark.parametrize(
    ("owner", "mode", "why"),
    [(NOBODY, 0o755, "is another user's"), (0, 0o777, "everybody may write to"), (0, 0o1777, None), (0, 0o755, None)],
)
@pytest.mark.parametrize("depth", ["", "below/"])
def test_root_records_only_where_nobody_else_can_exchange_the_file(
    tmp_path: Path, owner: int, mode: int, why: str | None, depth: str
) -> None:
    folder = tmp_path / "folder"
    (folder / depth).mkdir(parents=True)
    os.chown(folder, owner, owner)
    folder.chmod(mode)
    target = str(folder / f"{depth}night")
    if why is None:
        assert schema.make_ready(target, open_own)[0] == target
        return
    with pytest.raises(StoreError, match=why):
        schema.make_ready(target, open_own)
    with pytest.raises(StoreError, match=why):
        schema.open_to_write(target)
    assert os.listdir(folder / depth) == []


def test_a_recording_is_one_file_again_when_it_is_closed_and_can_be_continued(path: Path) -> None:
    assert [found.name for found in path.parent.iterdir()] == ["night"]
    written(path, 4)
    assert [found.name for found in path.parent.iterdir()] == ["night"]
    with Store(str(path)) as store:
        assert sum(trace.rounds for trace in store.traces()) == 7


def test_a_umask_that_leaves_nobody_a_right_keeps_the_owner_from_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "night"
    before = os.umask(0o777)
    try:
        written(path, 3)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_recording_that_its_owner_made_unreadable_is_a_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: object, **more: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    for opening in (schema.open_to_write, schema.open_to_read):
        with pytest.raises(StoreError):
            opening(str(path))
