"""A recording on the screen: any moment of it, and from event to event."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from hopscope.cli.playback import Playback
from hopscope.history.names import RecordedNames
from hopscope.history.store import Store
from hopscope.judge.verdict import Verdict
from hopscope.path.snapshot import NumbersWindow
from hopscope.path.windows import WindowName
from hopscope.session.facts import Asked, Removed
from hopscope.session.model import Target
from hopscope.session.target_fold import TargetFold
from hopscope.views.screen.source import Recalling, SessionLike, Watching
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


def at(playback: Playback, second: float) -> Target:
    (target,) = playback.recall(BEGIN_NS + int(second * S), 1).targets
    return target


def test_it_can_stand_in_for_a_session_and_shows_its_end(playback: Playback) -> None:
    session: SessionLike = playback
    assert isinstance(session, Recalling)
    assert isinstance(session, Watching)
    assert BEGIN_NS + 1499 * S < session.snapshot().now <= BEGIN_NS + 1500 * S


def test_a_moment_shows_what_led_to_it_and_nothing_later(playback: Playback) -> None:
    target = at(playback, 15)
    assert (target.path.rounds, target.path.hops[-1].lost, target.state) == (16, 0, "running")
    assert target.judged.verdict.kind == "healthy"
    target = at(playback, 1205)
    assert target.path.rounds == 1206
    assert target.path.last_at is not None
    assert target.path.last_at <= BEGIN_NS + 1205 * S
    assert [hop.received for hop in at(playback, 1205.0).path.hops] == [hop.received for hop in target.path.hops]


def test_events_are_walked_one_after_the_other_as_they_were_said(playback: Playback) -> None:
    events = [one for one in playback.happenings(1) if isinstance(one.what, Verdict)]
    assert len(events) >= 20
    assert {one.what.kind for one in events if isinstance(one.what, Verdict)} == {"outage"}
    for one in (events[0], events[7], events[-1]):
        verdict = at(playback, (one.at - BEGIN_NS) / S).judged.verdict
        assert (verdict.kind, verdict.last_ttl) == ("outage", 6)
    assert events == sorted(events, key=lambda one: one.at)


def test_what_was_said_then_is_shown_where_the_judge_says_something_else_by_now(playback: Playback) -> None:
    said = playback._said[1]
    said.insert(1, msgspec.structs.replace(said[0], verdict=Verdict(kind="bufferbloat", at=BEGIN_NS + 12 * S)))
    assert at(playback, 15).judged.verdict.kind == "bufferbloat"
    assert at(playback, 11).judged.verdict.kind != "bufferbloat"


def test_a_step_costs_little_once_a_part_is_known(playback: Playback) -> None:
    at(playback, 700)
    took = []
    for second in range(699, 680, -1):
        began = time.process_time()
        at(playback, second)
        took.append(time.process_time() - began)
    assert sorted(took)[len(took) // 2] < 0.06


def shown(target: Target) -> object:
    """What the table has of a path."""
    return target.path.hops, target.path.target, target.path.rounds, target.path.round_times.tolist(), target.judged


@pytest.mark.parametrize("second", [302.0, 601.5, 744.25, 1210.0, 1499.0])
def test_a_moment_is_the_same_whether_one_comes_from_before_or_from_afterwards(path: str, second: float) -> None:
    with Store(path) as store:
        cold, before, after = (Playback(store, store.traces(), RecordedNames({})) for _ in range(3))
        at(before, second - 40)
        at(after, min(second + 40, 1500))
        while not after.is_recalled:
            at(after, min(second + 40, 1500))
        assert shown(at(cold, second)) == shown(at(before, second)) == shown(at(after, second))


def test_the_chosen_target_is_shown_at_once_and_the_others_and_the_rest_of_the_axis_follow(path: str) -> None:
    with Store(path) as store:
        playback = Playback(store, store.traces() * 3, RecordedNames({}))
        moment = BEGIN_NS + 700 * S
        seen: list[list[bool]] = []
        while not seen or not playback.is_recalled:
            version = playback.version
            seen.append([bool(target.path.hops) for target in playback.recall(moment, 2).targets])
            assert (playback.version > version) is not playback.is_recalled  # who waits for news looks again
        assert seen[0] == [False, True, False]
        assert seen[-1] == [True, True, True]
        fine = playback.bins(3, moment + 10 * S, moment + 20 * S, S, (0,))
        assert [one.begin for one in fine] == [moment + i * S for i in range(10, 20)]


def test_what_is_broken_behind_a_moment_hides_it_no_sooner_than_that_is_asked_for(path: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(Path(path).read_bytes())
    connection = sqlite3.connect(broken)
    connection.execute("UPDATE segment SET data = x'00' WHERE first_row = (SELECT max(first_row) FROM segment)")
    connection.execute("UPDATE run SET ended = ended + 3600000000000")
    connection.commit()
    connection.close()
    with Store(str(broken)) as store:
        playback = Playback(store, store.traces(), RecordedNames({}))
        assert at(playback, 1100).path.hops
        for _ in range(2):
            with pytest.raises(ValueError, match="this part of the recording cannot be shown: it is broken"):
                at(playback, 1201)


def test_the_axis_has_the_whole_recording(playback: Playback) -> None:
    playback.recall(BEGIN_NS + 700 * S, 1)
    minutes = playback.bins(1, BEGIN_NS, BEGIN_NS + 1500 * S, 60 * S, (0,))
    assert sum(one.bins[0].sent for one in minutes) == 1500
    mixed = playback.bins(1, BEGIN_NS, BEGIN_NS + 1500 * S, S, (0,))
    assert {one.span for one in mixed} == {S, 60 * S}
    ends = [(one.begin, one.begin + one.span) for one in mixed]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(ends))


@pytest.mark.parametrize(("window", "second"), [("start", 1490), ("start", 1100), ("15m", 1490), ("1h", 1490)])
def test_numbers_over_more_than_was_loaded_are_those_of_all_that_was_recorded(
    path: str, playback: Playback, window: WindowName, second: float
) -> None:
    playback.numbers_over(window)
    shown = at(playback, second).path
    begin = BEGIN_NS + 600 * S if window == "15m" else BEGIN_NS
    with Store(path) as store:
        (trace,) = store.traces()
        (first, *facts) = [fact for _, fact in store.facts(trace, begin, BEGIN_NS + int(second * S))]
    assert isinstance(first, Asked)
    fold = TargetFold(1, first)
    for fact in facts:
        assert not isinstance(fact, Removed)
        fold.apply(fact)
    whole = fold.path.snapshot()
    assert shown.numbers == NumbersWindow(window, begin, shown.numbers.rounds)
    assert shown.started_at == trace.begun
    for mine, its in zip(shown.rows, whole.rows, strict=True):
        assert abs(mine.sent - its.sent) <= 1
        assert abs(mine.received - its.received) <= 1
        assert abs(mine.lost - its.lost) <= 4  # what was under way at the moment is lost in the whole
        assert mine.rtt is not None
        assert its.rtt is not None
        assert (mine.rtt.best, mine.rtt.worst) == (its.rtt.best, its.rtt.worst)
        assert mine.rtt.avg == pytest.approx(its.rtt.avg, rel=1e-3)
        assert mine.rtt.stddev == pytest.approx(its.rtt.stddev, rel=2e-2)
        assert mine.rtt.gmean == pytest.approx(its.rtt.gmean, rel=0.016)
        for ranked in ("median", "p95", "p99"):
            assert getattr(mine.rtt, ranked) == pytest.approx(getattr(its.rtt, ranked), rel=0.04)


def test_the_end_says_what_was_said_of_the_whole_and_not_of_the_part_that_was_loaded(playback: Playback) -> None:
    (target,) = playback.snapshot().targets
    (outage,) = target.judged.incidents
    assert (outage.begin, outage.times) == (BEGIN_NS + 20 * S, 25)
    assert target.judged.verdict.was == outage.id
    assert at(playback, 1499.9).judged.incidents == (outage,)


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
        with pytest.raises(ValueError, match="this part of the recording cannot be shown: it is broken"):
            playback.recall(BEGIN_NS)
        assert playback.snapshot().now > BEGIN_NS + 1499 * S


def test_the_screen_walks_through_a_recording_and_probes_nothing(path: str) -> None:
    with on_terminal("history", "replay", path, "--at", "2026-11-25 03:05") as screen:
        screen.until("2026-11-25 03:05:00, 20 min before the end · recording".encode())
        screen.type(b".")
        screen.until(b"event ")
        screen.type(b"[")
        screen.until(b"03:05:2")
        screen.type(b"\x1b")
        screen.until(b"recording of 25 min")
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
