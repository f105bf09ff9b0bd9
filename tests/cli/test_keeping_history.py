"""The history of the live screen: on for what is real, modest, and never in the way of a probe."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hopscope.cli import config
from hopscope.cli.errors import UsageError
from hopscope.cli.options import read
from hopscope.history.store import Store, StoreError
from hopscope.session.facts import SessionFact
from hopscope.wire.facts import Remembered
from hopscope.wire.messages import RoundStarted
from tests.cli.command import run
from tests.cli.test_live import Terminal, on_terminal
from tests.lab.plain_user import as_plain_user

LOOPBACK = ("-u", "-n", "-i", "100ms", "127.0.0.1")


@contextmanager
def tracing(state: Path, *words: str) -> Iterator[Terminal]:
    """The live screen of this machine itself."""
    with on_terminal(*(words or LOOPBACK), XDG_STATE_HOME=str(state)) as screen:
        screen.until(b"127.0.0.1")
        yield screen


def traces(state: Path) -> list[dict[str, object]]:
    done = run("history", "list", "--format", "json", XDG_STATE_HOME=str(state))
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout)["traces"])


def leave(screen: Terminal) -> None:
    screen.until(b"Fine")
    screen.type(b"q")
    assert screen.end() == 0
    assert b"Traceback" not in screen.drawn


def test_a_trace_on_the_screen_leaves_a_history_that_is_its_users_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with tracing(tmp_path / "state") as screen:
            leave(screen)
    finally:
        os.umask(before)
    (trace,) = traces(tmp_path / "state")
    assert (trace["target"], trace["protocol"]) == ("127.0.0.1", "udp")
    assert isinstance(trace["rounds"], int)
    assert trace["rounds"] >= 3
    folder = tmp_path / "state" / "hopscope"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {"history.db": 0o600}
    again = run("history", "replay", "127.0.0.1", "-r", XDG_STATE_HOME=str(tmp_path / "state"))
    assert (again.returncode, again.stderr) == (0, "")
    assert "127.0.0.1" in again.stdout


def test_who_wants_no_history_has_none(tmp_path: Path) -> None:
    with tracing(tmp_path / "one", "--no-history", *LOOPBACK) as screen:
        leave(screen)
    file = tmp_path / "config.toml"
    file.write_text("[history]\nkeep = false\n")
    with tracing(tmp_path / "two", "--config", str(file), *LOOPBACK) as screen:
        leave(screen)
    assert list(tmp_path.iterdir()) == [file]


def test_a_demo_leaves_no_history_and_neither_does_a_report(tmp_path: Path) -> None:
    for words in (("demo", "healthy"), ("--method", "simulated", "192.0.2.80")):
        with on_terminal(*words, "-i", "100ms", XDG_STATE_HOME=str(tmp_path)) as screen:
            leave(screen)
    done = run(*LOOPBACK, "-c", "1", "-r", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["history.db", "no folder"])
def test_a_store_that_is_none_costs_the_history_alone_and_is_said_in_a_line(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "hopscope"
    if name == "no folder":
        folder.write_text("a file in its place\n")
    else:
        folder.mkdir()
        (folder / name).write_text("a diary, no database\n")
    with tracing(tmp_path) as screen:
        screen.until(b"no history is kept: ")
        leave(screen)
    assert b"no database" in (folder / name).read_bytes() if folder.is_dir() else folder.is_file()


def test_a_recording_and_the_history_are_kept_both(tmp_path: Path) -> None:
    path = str(tmp_path / "night")
    with tracing(tmp_path / "state", "--record", path, *LOOPBACK) as screen:
        leave(screen)
    report = run("history", "replay", path, "--format", "json")
    assert report.stdout
    assert (
        report.stdout
        == run("history", "replay", "127.0.0.1", "--format", "json", XDG_STATE_HOME=str(tmp_path / "state")).stdout
    )


def test_a_trace_of_the_same_target_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    with tracing(tmp_path) as screen:
        screen.pump(lambda: sum(isinstance(fact, RoundStarted) for fact in facts_of_last(tmp_path)) >= 30)
        leave(screen)
    with tracing(tmp_path) as screen:
        screen.pump(lambda: any(isinstance(fact, Remembered) for fact in facts_of_last(tmp_path)))
        leave(screen)
    first, second = traces(tmp_path)
    remembered = next(fact for fact in facts_of_last(tmp_path) if isinstance(fact, Remembered))
    assert {one.ttl for one in remembered.delays} == {0}
    report = run("history", "replay", "127.0.0.1", "--format", "json", XDG_STATE_HOME=str(tmp_path))
    assert json.loads(report.stdout)["rounds"] == second["rounds"]
    assert first["rounds"] != second["rounds"]


def test_of_many_targets_each_goes_on_where_it_was(tmp_path: Path) -> None:
    targets = [f"127.0.0.{number}" for number in range(1, 11)]
    words = *LOOPBACK[:-1], *targets
    with tracing(tmp_path, *words) as screen:
        screen.pump(lambda: all(len(facts_of_last(tmp_path, target)) > 20 for target in targets))
        leave(screen)
    with tracing(tmp_path, *words) as screen:
        screen.pump(
            lambda: all(
                any(isinstance(fact, Remembered) for fact in facts_of_last(tmp_path, target)) for target in targets
            )
        )
        leave(screen)


def facts_of_last(state: Path, target: str = "127.0.0.1") -> list[SessionFact]:
    """Of the newest trace of a target; none while there is none."""
    try:
        with Store(str(state / "hopscope" / "history.db")) as store:
            last = [trace for trace in store.traces() if trace.query == target][-1]
            return [fact for _, fact in store.facts(last)]
    except (StoreError, FileNotFoundError, IndexError):
        return []


@pytest.mark.needs("root")
def test_under_sudo_the_history_is_its_callers(tmp_path: Path) -> None:
    for above in (tmp_path, *tmp_path.parents[:-1]):
        if above.stat().st_uid == os.geteuid():
            above.chmod(above.stat().st_mode | 0o711)
    os.chown(tmp_path, 12345, 12346)
    command = (as_plain_user()[-1], "-m", "hopscope")
    called = {"SUDO_UID": "12345", "SUDO_GID": "12346", "XDG_STATE_HOME": str(tmp_path)}
    with on_terminal(*LOOPBACK, command=command, **called) as screen:
        screen.until(b"127.0.0.1")
        leave(screen)
    made = [tmp_path / "hopscope", tmp_path / "hopscope" / "history.db"]
    assert [(file.stat().st_uid, file.stat().st_gid) for file in made] == [(12345, 12346)] * 2


def test_two_screens_write_one_history(tmp_path: Path) -> None:
    with tracing(tmp_path) as one, tracing(tmp_path) as two:
        leave(one)
        leave(two)
    assert len(traces(tmp_path)) == 2


@pytest.mark.parametrize(
    ("keep", "size"),
    [("true", 256 << 20), ("false", None), ('"1.5 GiB"', 3 << 29), ('"64MB"', 64_000_000)],
)
def test_how_much_is_kept_is_a_size(keep: str, size: int | None) -> None:
    assert config.kept_bytes(config.parse(f"[history]\nkeep = {keep}\n")) == size


@pytest.mark.parametrize("keep", ['"much"', '"1KiB"', '"9999GiB"', "7", '"-1GiB"'])
def test_what_is_no_size_is_said_with_the_keys_name(keep: str) -> None:
    with pytest.raises(UsageError, match=r"config.toml: history.keep: "):
        config.parse(f"[history]\nkeep = {keep}\n")


def test_the_command_line_turns_it_off() -> None:
    assert read(["h"], {"HOME": "/nowhere"}).keep == 256 << 20
    assert read(["--no-history", "h"], {"HOME": "/nowhere"}).keep is None


def test_the_doctor_says_what_is_kept_and_how_to_turn_it_off(tmp_path: Path) -> None:
    said = "".join(run("doctor", XDG_STATE_HOME=str(tmp_path)).stdout.split())
    words = f"keeps its history in {tmp_path}/hopscope: 0.0 of 256 MiB, for this user alone"
    assert words.replace(" ", "") in said
    assert "--no-history" in said
    off = tmp_path / "config.toml"
    off.write_text("[history]\nkeep = false\n")
    told = json.loads(run("doctor", "--format", "json", "--config", str(off), XDG_STATE_HOME=str(tmp_path)).stdout)
    assert told["history"] == {"folder": f"{tmp_path}/hopscope", "bytes": 0, "limit_bytes": None}
