"""A recording on the screen: any moment of it, and from event to event."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hopscope.cli.playback import Playback
from hopscope.cli.stores import RecordedNames
from hopscope.history.store import Store
from hopscope.views.screen.source import SessionLike, Timed
from tests.cli.command import run
from tests.cli.test_live import on_terminal

BEGIN = "2026-11-25T03:00:00Z"
S = 1_000_000_000
BEGIN_NS = 1_795_575_600 * S


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("recording") / "night")
    done = run("demo", "outage", "--fast", "-c", "1500", "--start", BEGIN, "--record", path, "-r")
    assert (done.returncode, done.stderr) == (0, "")
    return path


@pytest.fixture
def playback(path: str) -> Iterator[Playback]:
    with Store(path) as store:
        yield Playback(store, store.traces(), RecordedNames({}))


def test_it_can_stand_in_for_a_session(playback: Playback) -> None:
    session: SessionLike = playback
    assert isinstance(session, Timed)
    assert BEGIN_NS + 1499 * S < session.snapshot().now <= BEGIN_NS + 1500 * S


def test_a_moment_shows_what_led_to_it_and_nothing_later(playback: Playback, monkeypatch: pytest.MonkeyPatch) -> None:
    before = playback.version
    playback._go(BEGIN_NS + 15 * S)
    assert playback.version > before
    (target,) = playback.snapshot().targets
    assert (target.path.rounds, target.path.hops[-1].lost, target.state) == (16, 0, "running")
    assert playback.snapshot().now == BEGIN_NS + 15 * S
    playback._go(BEGIN_NS + 1200 * S)
    (target,) = playback.snapshot().targets
    assert target.path.rounds == 601


def test_a_step_is_ten_rounds_and_the_ends_are_ends(playback: Playback) -> None:
    playback._go(BEGIN_NS + 100 * S)
    playback.step(1)
    assert playback.snapshot().now == BEGIN_NS + 110 * S
    playback.step(-2)
    assert playback.snapshot().now == BEGIN_NS + 90 * S
    assert playback.step(-1000).endswith("(the beginning)")
    assert playback.step(1000).endswith("(the end)")


def test_events_are_walked_one_after_the_other_as_they_were_said(playback: Playback) -> None:
    playback.step(-1000)
    said = []
    for _ in range(4):
        said.append(playback.event(1))
        (target,) = playback.snapshot().targets
        assert target.judged.verdict.kind in said[-1]
    assert ["outage at hop 6" in words for words in said] == [True, False, True, False]
    assert ["recovered" in words for words in said] == [False, True, False, True]
    assert playback.event(-1) == said[2]
    playback.step(1000)
    assert playback.event(1) == "nothing happened later"


def test_a_time_is_gone_to_by_its_name(playback: Playback) -> None:
    end = playback.snapshot().now
    playback.go_to("-10m")
    assert playback.snapshot().now == end - 600 * S
    playback.go_to("2026-11-25T03:05:00Z")
    assert playback.snapshot().now == BEGIN_NS + 300 * S
    with pytest.raises(ValueError, match="'soon' is no moment"):
        playback.go_to("soon")


def test_nothing_is_probed(playback: Playback) -> None:
    with pytest.raises(ValueError, match="recording"):
        playback.add("192.0.2.1")
    before = playback.snapshot()
    playback.pause()
    playback.reset()
    playback.remove(1)
    assert playback.snapshot() == before


def test_a_part_that_is_broken_is_said_and_the_rest_can_be_seen(path: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(Path(path).read_bytes())
    connection = sqlite3.connect(broken)
    connection.execute("UPDATE segment SET data = x'00' WHERE first_row = (SELECT min(first_row) FROM segment)")
    connection.commit()
    connection.close()
    with Store(str(broken)) as store:
        playback = Playback(store, store.traces(), RecordedNames({}))
        assert playback.step(-1000) == "this part of the recording cannot be shown: it is broken"
        assert playback.snapshot().now > BEGIN_NS + 1499 * S


def test_the_screen_walks_through_a_recording_and_probes_nothing(path: str) -> None:
    with on_terminal("history", "replay", path, "--at", "2026-11-25 03:05") as screen:
        screen.until(b"recording, 2026-11-25 03:05:00")
        screen.type(b".")
        screen.until(b"outage at hop 6 since 03:05:20")
        screen.type(b",")
        screen.until(b"recovered since")
        screen.type(b"p")
        screen.until(b"this is a recording: nothing is probed")
        screen.type(b"q")
        assert screen.end() == 0
        assert b"Traceback" not in screen.drawn


def test_the_live_screen_is_recorded(tmp_path: Path) -> None:
    path = str(tmp_path / "night")
    with on_terminal("demo", "healthy", "-i", "100ms", "--record", path) as screen:
        screen.until(b"Fine")
        screen.type(b"q")
        assert screen.end() == 0
    report = run("history", "replay", path, "-r", "-w")
    assert report.returncode == 0
    assert "www.example.com" in report.stdout
