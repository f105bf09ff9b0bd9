"""``history follow``: a screen on a store that another process writes."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hopscope.cli.follow import Follow
from hopscope.history.forgetting import forget
from hopscope.history.names import RecordedNames
from hopscope.history.notes import Named
from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.session.model import Target
from hopscope.session.replay import replay
from hopscope.views.screen.source import Recalling, SessionLike, Watching
from tests.cli.command import run, start
from tests.cli.test_live import on_terminal
from tests.history.test_store import BEGUN, TARGET, S, head, second, written
from tests.screen.terminal import Terminal

PROGRAM = """
import sys
from pathlib import Path
from hopscope.history.notes import Named
from hopscope.names.facts import AddressInfo
from tests.history.test_store import BEGUN, S, second, written
out = written(Path(sys.argv[1]), 0, end=False, target=sys.argv[2])
number = 0
for line in sys.stdin:
    word, count = line.split()
    for _ in range(int(count)):
        for fact in second(number):
            out.add(1, fact)
        number += 1
        out.commit()
        out.compact_if_due()
    if word == "name":
        out.add(0, Named.of("192.0.2.1", AddressInfo("gw.example")))
        out.commit()
    if word == "compact":
        out.compact()
    if word == "end":
        out.end(BEGUN + number * S)
    print(number, flush=True)
"""


class Writer:
    """A program that records, a command at a time."""

    def __init__(self, path: Path, target: str = TARGET) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path), target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self.do("write")

    def do(self, word: str, rounds: int = 0) -> None:
        """Do it, and wait until it is in the store."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word} {rounds}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    writer = Writer(path)
    yield writer
    writer.kill()


@pytest.fixture
def follow() -> Iterator[Callable[[Path], Follow]]:
    """Begins to follow a store; it is let go of at the end of the test."""
    begun: list[Follow] = []

    def begin(path: Path) -> Follow:
        begun.append(Follow(str(path), RecordedNames))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def rounds(followed: Follow) -> list[int]:
    return [target.path.rounds for target in followed.snapshot().targets]


def test_it_can_stand_in_for_a_session(path: Path, writer: Writer, follow: Callable[[Path], Follow]) -> None:
    session: SessionLike = follow(path)
    assert isinstance(session, Watching)
    assert isinstance(session, Recalling)
    with pytest.raises(ValueError, match="nothing is probed"):
        session.add("192.0.2.1")


def test_what_another_process_writes_is_seen_by_every_reader(
    path: Path, writer: Writer, follow: Callable[[Path], Follow]
) -> None:
    writer.do("write", 5)
    readers = [follow(path) for _ in range(3)]
    assert [rounds(reader) for reader in readers] == [[5]] * 3
    before = readers[0].version
    assert not readers[0].look()
    assert readers[0].version == before
    writer.do("write", 7)
    assert [reader.look() for reader in readers] == [True] * 3
    assert [rounds(reader) for reader in readers] == [[12]] * 3
    assert readers[0].version > before


def test_it_shows_what_a_replay_of_all_would_show(path: Path, writer: Writer, follow: Callable[[Path], Follow]) -> None:
    """Also where rows went into segments before they were looked at, once or time and again."""
    followed = follow(path)
    for word, count in (("write", 3), ("compact", 4), ("write", 1), ("write", 640), ("compact", 2), ("write", 5)):
        writer.do(word, count)
        if count != 1:
            followed.look()
    (seen,) = followed.snapshot().targets
    with Store(str(path)) as store:
        facts = [(1, fact) for _, fact in store.facts(store.traces()[0])]
    assert seen.path == replay(facts)[1].snapshot().path
    assert seen.judged == replay(facts)[1].snapshot().judged
    assert seen.path.rounds == 655


def test_names_come_as_they_become_known(path: Path, writer: Writer, follow: Callable[[Path], Follow]) -> None:
    writer.do("write", 2)
    followed = follow(path)
    assert followed.snapshot().targets[0].names["192.0.2.1"].hostname is None
    writer.do("name", 1)
    followed.look()
    assert followed.snapshot().targets[0].names["192.0.2.1"].hostname == "gw.example"


def test_a_run_that_begins_later_comes_in_and_one_that_ends_stays(
    path: Path, writer: Writer, follow: Callable[[Path], Follow]
) -> None:
    writer.do("write", 2)
    followed = follow(path)
    other = Writer(path, "192.0.2.81")
    other.do("write", 4)
    followed.look()
    shown = followed.snapshot().targets
    assert [(target.query, target.path.rounds) for target in shown] == [(TARGET, 2), ("192.0.2.81", 4)]
    assert len({target.id for target in shown}) == 2
    other.do("end")
    followed.look()
    first, second = followed.snapshot().targets
    assert (first.state, second.state) == ("running", "finished")
    assert "it ended at" in second.notes[0]
    other.kill()


def test_a_run_that_has_the_number_of_a_forgotten_one_comes_in(path: Path, follow: Callable[[Path], Follow]) -> None:
    writer = written(path, 3, end=False)
    writer.add(0, Named("192.0.2.1", "gw.example"))
    writer.commit()
    writer.close()
    followed = follow(path)
    assert followed.snapshot().targets[0].names["192.0.2.1"].hostname == "gw.example"
    assert forget(str(path), TARGET, None) == 1
    assert followed.look()
    assert followed.snapshot().targets == ()
    assert not followed.look()
    written(path, 5, end=False, target="192.0.2.99").close()
    with Store(str(path)) as store:
        assert [run.id for run in store.runs()] == [1]
    assert followed.look()
    (target,) = followed.snapshot().targets
    assert (target.query, target.path.rounds, target.names["192.0.2.1"].hostname) == ("192.0.2.99", 5, None)


def test_where_nobody_writes_the_last_run_is_shown(
    path: Path, writer: Writer, follow: Callable[[Path], Follow]
) -> None:
    writer.do("write", 9)
    writer.do("end")
    writer.kill()
    followed = follow(path)
    assert rounds(followed) == [9]
    assert followed.snapshot().targets[0].state == "finished"
    assert not followed.look()


def test_what_is_not_written_any_more_is_not_shown_as_news(path: Path, writer: Writer) -> None:
    writer.do("write", 5)
    clock = [BEGUN + 5 * S]
    followed = Follow(str(path), RecordedNames, clock=lambda: clock[0])
    with closing(followed):

        def said(seconds: int) -> tuple[bool, str | None, int | None]:
            clock[0] += seconds * S
            is_new = followed.look()
            snapshot = followed.snapshot()
            return is_new, snapshot.stale, snapshot.targets[0].unheard_s

        assert said(9) == (False, None, None)
        writer.process.kill()
        words = "nothing has been written for 15 s: has the program ended that writes it?"
        assert said(6) == (True, words, 15)
        assert said(1) == (False, words, 15)
        assert said(3600)[2] == 3600
    # Whoever looks later is told at once.
    late = Follow(str(path), RecordedNames, clock=lambda: clock[0])
    with closing(late):
        assert late.snapshot().stale is not None
    again = Writer(path)
    with closing(Follow(str(path), RecordedNames, clock=lambda: clock[0])) as follow:
        again.do("write", 9)
        follow.look()
        assert follow.snapshot().stale is None
    again.kill()


def test_the_screen_says_that_a_recording_was_removed_and_made_anew_or_its_program_killed(tmp_path: Path) -> None:
    recording = tmp_path / "night"
    words = ["demo", "healthy", "-i", "0.2", "-c", "100000", "--record", str(recording), "--format", "ndjson"]
    process = start(words)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with on_terminal("history", "follow", str(recording)) as screen:
            screen.until(b"watched in")
            for name in (recording, Path(f"{recording}-wal"), Path(f"{recording}-shm")):
                name.unlink()
            process.kill()
            screen.until(b"othing has been written for")
            screen.type(b"q")
            screen.end()
    finally:
        process.kill()
        process.communicate()


def test_earlier_moments_can_be_gone_back_to_while_it_goes_on(
    path: Path, writer: Writer, follow: Callable[[Path], Follow]
) -> None:
    writer.do("write", 60)
    followed = follow(path)
    then = followed.recall(BEGUN + 20 * S, 1).targets[0]
    assert then.path.rounds == 21
    writer.do("write", 1)
    followed.look()
    assert rounds(followed) == [61]


def test_the_screen_shows_what_another_program_measures(tmp_path: Path) -> None:
    path = str(tmp_path / "night")
    process = start(["demo", "lossy-link", "-i", "50ms", "-c", "100000", "--record", path, "--format", "json"])
    try:
        while run("history", "replay", path, "-r").returncode:
            assert process.poll() is None
        with on_terminal("history", "follow", path) as screen:
            screen.until(b"www.example.com")
            screen.until(b"watched in ")
            screen.type(b"p")
            screen.until(b"nothing is probed")
            screen.type(b"q")
            assert screen.end() == 0
            assert b"Traceback" not in screen.drawn
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", "b"), "'b' is one word too many"),
        (("--format", "json"), "it is a screen; history replay prints reports"),
        (("/no/such",), "the screen needs a terminal"),
    ],
)
def test_what_is_wrong_is_a_line(words: tuple[str, ...], said: str) -> None:
    done = run("history", "follow", *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"hopscope: history follow: {said}\n")


def test_a_store_that_is_not_there_is_a_line(tmp_path: Path) -> None:
    with on_terminal("history", "follow", str(tmp_path)) as screen:
        assert screen.end() == 2
        assert b"history.db: no such recording" in screen.drawn


@pytest.mark.parametrize(
    ("table", "where", "left"),
    [
        ("live", "row = (SELECT max(row) - 2 FROM live)", 11),
        ("segment", "first_row = (SELECT min(first_row) FROM segment)", 0),
        ("note", "kind = 'named'", 10),
        ("note", "kind = 'begun'", 0),
    ],
)
def test_what_is_broken_is_left_out_and_the_rest_is_followed(
    path: Path, follow: Callable[[Path], Follow], table: str, where: str, left: int
) -> None:
    """From the first look on, as well as where it breaks under one's eyes; another run is followed all the same."""
    one = written(path, 10, end=False, target="192.0.2.81")
    two = written(path, 0, end=False, target="192.0.2.82")
    one.add(0, Named("192.0.2.1", "gw.example"))
    one.commit()
    if table == "segment":
        one.compact()
    there = follow(path)
    column = "fact" if table == "note" else "data"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {table} SET {column} = x'00' WHERE {where} AND run = 1")
        connection.commit()
    begun = follow(path)
    for writer, first, rounds in ((one, 10, 2), (two, 0, 3)):
        for number in range(first, first + rounds):
            writer.extend(1, second(number))
            writer.commit()
    for followed in (there, begun):
        followed.look()
        assert followed.trouble is None
        assert by_query(followed)["192.0.2.82"].path.rounds == 3
    broken = by_query(begun)["192.0.2.81"]
    assert broken.path.rounds >= left
    assert broken.notes[0].endswith("where another program writes it; a part of it is broken and left out")
    for writer in (one, two):
        writer.close()


@pytest.mark.parametrize("is_live", [False, True], ids=["followed", "recorded"])
def test_a_store_that_is_cut_short_under_its_reader_or_writer_leaves_the_terminal_as_it_was(
    tmp_path: Path, path: Path, writer: Writer, is_live: bool
) -> None:
    """What SQLite has mapped is gone: SIGBUS, which nobody can get over."""
    writer.do("write", 3)
    own = tmp_path / "own"
    words = ("demo", "--record", str(own)) if is_live else ("history", "follow", str(path))
    with Terminal(*words) as screen:
        # What was written there was years ago.
        screen.read(b"leaf12.dc3.hosting.example" if is_live else b"othing has been written")
        mapped = Path(f"{own if is_live else path}-shm")
        assert mapped.stat().st_size
        os.truncate(mapped, 0)
        assert screen.wait() == 128 + signal.SIGBUS
        assert screen.is_restored()
        assert screen.bytes.endswith(b"\x1b[?25hhopscope: ended, for somebody cut short a file that it had open\r\n")


def test_a_recording_that_is_removed_meanwhile_is_said_on_the_screen_and_at_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with on_terminal("demo", "--record", str(folder / "night")) as screen:
        screen.until(b"leaf12.dc3.hosting.example")
        shutil.rmtree(folder)
        screen.until(b"nothing is recorded: somebody removed it meanwhile")
        screen.type(b"q")
        assert screen.end() == 0
        assert b"night: somebody removed it meanwhile; what happened since then is not in it" in screen.drawn


def test_rows_that_rest_on_a_broken_one_are_left_out_and_no_other_targets(
    path: Path, follow: Callable[[Path], Follow]
) -> None:
    """A row says once what an answer is like, and the next ones by number; a segment says it anew."""
    writer = written(path, 1, end=False, target="192.0.2.81")
    writer.extend(2, head("192.0.2.82"))
    writer.commit()
    there = follow(path)

    def add(number: int, hops: int = 4) -> None:
        writer.extend(1, second(number, hops))
        writer.extend(2, second(number))
        writer.commit()

    def rounds() -> list[int]:
        there.look()
        return [by_query(there)[query].path.rounds for query in ("192.0.2.81", "192.0.2.82")]

    add(1, 3)
    assert rounds() == [2, 1]
    add(2)  # the first one with a fourth hop
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE live SET data = x'00' WHERE row = (SELECT max(row) FROM live)")
        connection.commit()
    for number in (3, 4):
        add(number)
    assert rounds() == [2, 3]
    assert all("a part of it is broken" in target.notes[0] for target in there.snapshot().targets)
    writer.compact()
    add(5)
    assert rounds() == [3, 4]
    writer.close()


def by_query(followed: Follow) -> dict[str, Target]:
    return {target.query: target for target in followed.snapshot().targets}


def test_a_run_that_has_only_begun_is_followed_from_its_first_row_on(
    path: Path, follow: Callable[[Path], Follow]
) -> None:
    writer = StoreWriter(str(path), host="box", begun=BEGUN)
    followed = follow(path)
    assert followed.snapshot().targets == ()
    writer.extend(1, [*head(), *second(0)])
    writer.commit()
    followed.look()
    assert rounds(followed) == [1]
    writer.close()


def test_a_run_that_was_killed_before_its_first_row_hides_no_later_one(
    path: Path, follow: Callable[[Path], Follow]
) -> None:
    StoreWriter(str(path), host="box", begun=BEGUN - 3600 * S).close()
    written(path, 5)
    assert rounds(follow(path)) == [5]
