"""Stores to which something happens: a few of each draw; ``bench/store.py`` makes thousands."""

from __future__ import annotations

import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hopscope.history.block import LIVE
from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.path.bins import SPANS
from tests.history.recorded import snapshot
from tests.history.rough import Powered, kill, mutate
from tests.history.test_store import BEGUN, S, head, second, written

TOP = Path(__file__).parents[2]
HOUR = 3600 * S
MOST_MEMORY = 400 << 20


@pytest.mark.parametrize("seed", range(3))
def test_a_program_that_is_killed_at_any_moment_loses_nothing_that_it_had_committed(tmp_path: Path, seed: int) -> None:
    kill(tmp_path / "store", random.Random(seed))


def test_whatever_a_power_cut_leaves_opens(tmp_path: Path) -> None:
    powered, chance = Powered(tmp_path / "store", 60), random.Random(1)
    for _ in range(60):
        powered.cut(tmp_path / "cut", chance)


def test_bytes_that_were_changed_in_rows_and_tiers_are_read_or_refused_in_a_line(tmp_path: Path) -> None:
    out = written(tmp_path / "store", 90, end=False)
    out.compact()
    for number in range(90, 120):
        for fact in second(number):
            out.add(1, fact)
        out.commit()
    out.close()
    data, chance = (tmp_path / "store").read_bytes(), random.Random(2)
    said = {mutate(tmp_path / "broken", data, chance) for _ in range(100)}
    assert len(said) > 1


FULL = """
import sys
from pathlib import Path
from hopscope.history.store import Store
from hopscope.history.writer import StoreError
from tests.history.test_store import BEGUN, S, second, written
import subprocess
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", folder], check=True)
out = written(folder / "store", 5, end=False)
said = set()
for number in range(5, 900):
    for fact in second(number):
        out.add(1, fact)
    try:
        out.commit()
        out.compact_if_due()
    except StoreError as why:
        said.add((str(why), why.passes))
assert said == {("the disk is full", True)}, said
subprocess.run(["mount", "-o", "remount,size=8m", folder], check=True)
out.end(BEGUN + 900 * S)
out.close()
with Store(str(folder / "store")) as store:
    (trace,) = store.traces()
    assert (trace.rounds, store.missed(trace.run)) == (900, 0), trace
"""


@pytest.mark.needs("root")
def test_a_disk_that_is_full_in_the_middle_of_a_commit_costs_nothing_once_there_is_room(tmp_path: Path) -> None:
    words = ["unshare", "--mount", sys.executable, "-c", FULL, str(tmp_path)]
    subprocess.run(words, cwd=TOP, check=True, timeout=60)


def test_a_clock_that_is_set_back_an_hour_makes_two_runs_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store"
    written(path, 700)
    back = StoreWriter(str(path), host="box", begun=BEGUN - HOUR, limit=100 << 20)
    for fact in head():
        back.add(1, msgspec.structs.replace(fact, at=BEGUN - HOUR) if hasattr(fact, "at") else fact)
    for number in range(-3600, -3600 + 700):
        for fact in second(number % 10_000 if number < 0 else number):
            name = "at" if hasattr(fact, "at") else "sent_at"
            at = getattr(fact, name) - (10_000 * S if number < 0 else 0)
            back.add(1, msgspec.structs.replace(fact, **{name: at}))
        back.commit()
        back.compact_if_due()
    back.end(BEGUN - HOUR + 700 * S)
    back.close()
    with Store(str(path)) as store:
        first, then = store.traces()
        assert (first.begun, then.begun) == (BEGUN, BEGUN - HOUR)
        assert (first.rounds, then.rounds) == (700, 700)
        assert snapshot(store, then).path.started_at == BEGUN - HOUR
        assert [len(store.bins(trace, SPANS[2])) for trace in (first, then)] == [12, 12]


def test_a_machine_that_slept_leaves_a_gap_and_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "store"
    out = written(path, 100, end=False)
    for number in range(100 + 8 * 3600, 200 + 8 * 3600):
        for fact in second(number):
            out.add(1, fact)
        out.commit()
    out.end(BEGUN + 9 * HOUR)
    out.close()
    with Store(str(path)) as store:
        (trace,) = store.traces()
        assert trace.rounds == 200
        assert snapshot(store, trace, BEGUN + HOUR, BEGUN + 8 * HOUR).path.rounds == 0
        assert store.bins(trace, SPANS[4], BEGUN + HOUR, BEGUN + 8 * HOUR) == []
        assert [span.begin for span in store.bins(trace, SPANS[4])] == [BEGUN, BEGUN + 8 * HOUR]


# --- what somebody made on purpose ---------------------------------------------------------------------------------

READER = """
import sys, time
from pathlib import Path
from hopscope.history.store import StoreError
from tests.history.rough import use
for path in sys.argv[1:]:
    began = time.process_time()
    try:
        print(use(Path(path)))
    except StoreError as why:
        print(str(why))
    assert time.process_time() - began < 5
"""

_pack = msgspec.msgpack.encode
_SERIES = [1, 0, 0, 1, 0, 0, 0, 0]
_COLUMN = [0, 1, b""]


def _block(**changed: Any) -> bytes:
    fields: dict[str, Any] = {
        "rows": _COLUMN, "facts": _COLUMN, "shapes": [], "codes": _COLUMN, "series": [], "rounds": _COLUMN,
        "times": _COLUMN, "answered": _COLUMN, "lost": _COLUMN, "rtts": _COLUMN, "odd": [],
    }  # fmt: skip
    return zlib.compress(_pack(list((fields | changed).values())))


def _into(table: str, data: bytes) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(f"UPDATE {table} SET data = ?", (data,))


def _targets(connection: sqlite3.Connection) -> None:
    words = (
        "INSERT INTO note (run, row, target, kind, fact) WITH RECURSIVE n(i) AS"
        " (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT 1, 0, i, kind, fact FROM n, note"
        " WHERE note.kind = 'asked' AND note.target = 1"
    )
    connection.execute(words)


def _runs(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO run (begun, host, hopscope) WITH RECURSIVE n(i) AS"
        " (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT i, 'box', '1' FROM n"
    )


def _hollow(connection: sqlite3.Connection) -> None:
    """The index of the segments says NULL where its table could not."""
    ((page,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'segment_of'")
    ((path,),) = connection.execute("SELECT file FROM pragma_database_list")
    with open(path, "r+b") as file:
        file.seek((page - 1) * 4096)
        data = bytearray(file.read(4096))
        # The one cell: its payload's length, its header's length, then a type for each column.
        at = int.from_bytes(data[8:10], "big")
        data[at + 2 : at + 2 + data[at + 1] - 2] = bytes(data[at + 1] - 2)
        file.seek((page - 1) * 4096)
        file.write(data)


def _row(data: bytes) -> Callable[[sqlite3.Connection], object]:
    words = "INSERT INTO live (run, row, at, data) VALUES (1, 9999, 0, ?)"
    return lambda connection: connection.execute(words, (data,))


HARM: dict[str, Callable[[sqlite3.Connection], object]] = {
    "a bomb for a segment": _into("segment", zlib.compress(b"\x90" * (300 << 20), 9)),
    "a bomb for bins": _into("tier", zlib.compress(b"\x90" * (300 << 20), 9)),
    "more facts in a series than there can be": _into("segment", _block(series=[[1, 0, 0, 2**40, 0, 0, 0, 0]])),
    "a fact of no shape": _into("segment", _block(codes=[0, 1, b"\1"], facts=[0, 1, b"\1"], rows=[0, 1, b"\0"])),
    "a series without its columns": _into("segment", _block(series=[[1, 0, 0, 9, 9, 9, 0, 0]])),
    "millions of series": _into("segment", _block(series=[_SERIES] * 1_700_000)),
    "millions of shapes": _into("segment", _block(shapes=[[1, 1, 0]] * 3_000_000)),
    "a column that is wider than it says": _into("segment", _block(codes=[0, 3, b"123456"])),
    "numbers of more than 64 bits": _into("segment", _block(codes=[2**63, 1, b"\1"])),
    "ten million targets in a row": _row(b"\xdd" + (10_000_000).to_bytes(4, "big") + b"\x98" * 1000),
    "a million targets in a row": _row(_pack([[n, 0, [], b"", b"", b"", b"", []] for n in range(1_000_000)])),
    "a row that knows shapes that nobody told": _row(_pack([[1, 9, [], b"\1\0", b"", b"", b"", []]])),
    "columns of a row that are cut off": _row(_pack([[1, 0, [[2, 1, 0]], b"\1\0", b"\1", b"", b"", []]])),
    "more facts than a row has": _row(LIVE + _pack([[[1, 0, [], 2**40, 0, []]], *[[0, 1, b""]] * 4])),
    "a column of a row of an unknown width": _row(
        LIVE + _pack([[[1, 0, [], 0, 0, []]], [0, 3, b""], *[[0, 1, b""]] * 3])
    ),
    "a row that counts from beyond any moment": _row(
        LIVE + _pack([[[1, 0, [[2, 1, 0]], 1, 0, []]], [0, 1, b"\1"], [0, 1, b"\1"], [2**62, 1, b"\1"], [0, 1, b""]])
    ),
    "millions of spans": _into("tier", zlib.compress(_pack([[0, SPANS[2], []]] * 2_000_000))),
    "bins that count what cannot be": _into(
        "tier", zlib.compress(_pack([[0, SPANS[2], [[1, 5, 0, 0, 0, 0, 9, 0, 9, 4, 3, [1], [7]]]]]))
    ),
    "an index that says nothing of its rows": _hollow,
    "hundreds of thousands of targets": _targets,
    "hundreds of thousands of runs": _runs,
}


def test_hostile_files_are_refused_in_a_line_quickly_and_in_little_memory(tmp_path: Path) -> None:
    written(tmp_path / "store", 30)
    paths = []
    for number, harm in enumerate(HARM.values()):
        path = tmp_path / f"store{number}"
        shutil.copy(tmp_path / "store", path)
        connection = sqlite3.connect(path)
        harm(connection)
        connection.commit()
        connection.close()
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", READER, *paths],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY)),
        check=False,
    )
    assert done.stderr == ""
    said = dict(zip(HARM, done.stdout.splitlines(), strict=True))
    assert {harm: why for harm, why in said.items() if why.isdigit()} == {}
