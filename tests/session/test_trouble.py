"""What a worker, or the session's user, can do wrong, and what becomes of it."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from hopscope.session.errors import WorkerFailed
from hopscope.session.events import EndEvent, ProbeEvent, StartEvent
from hopscope.session.feeds import Feeds
from hopscope.session.launch import launch
from hopscope.session.model import Probing
from hopscope.session.plans import plan_of
from hopscope.session.session import Session
from tests.session.fake_worker import STORM
from tests.session.test_session import SIMULATED, TARGET, fake, until

ONE_ROUND = Probing(rounds=1)


async def test_a_worker_that_falls_silent_is_started_again_and_goes_on(tmp_path: Path) -> None:
    probing = Probing(rounds=2, interval_s=0.1)
    command = fake("stalls", tmp_path / "memory")
    async with Session(["192.0.2.1"], probing, worker_command=command, stall_timeout_s=0.3) as session:
        silent = await until(session, lambda snapshot: snapshot.restarts == 1)
        assert "said nothing for" in (silent.worker_note or "")
        await session.finished()
        (target,) = session.snapshot().targets
    assert (target.path.hops[0].failed, target.path.hops[0].lost, target.path.hops[0].received) == (1, 0, 1)


async def test_a_paused_target_may_be_silent(tmp_path: Path) -> None:
    command = fake("waits-to-be-killed")
    async with Session(["192.0.2.1"], worker_command=command, stall_timeout_s=0.05) as session:
        session.pause()
        await until(session, lambda snapshot: snapshot.user is not None)
        silence = asyncio.get_running_loop().create_future()
        # Longer than a running target would be allowed; nothing else is there to wait for.
        asyncio.get_running_loop().call_later(0.3, silence.set_result, None)
        await silence
        assert session.snapshot().restarts == 0


@pytest.mark.parametrize(
    ("manner", "words"), [("other-version", "speaks version 1"), ("refuses-the-version", "speaks version 9")]
)
async def test_a_worker_of_another_version_is_not_tried_again(tmp_path: Path, manner: str, words: str) -> None:
    memory = tmp_path / "memory"
    async with Session(["192.0.2.1"], worker_command=fake(manner, memory)) as session:
        with pytest.raises(WorkerFailed, match=words):
            await session.finished()
        assert session.worker_pid is None
    assert memory.read_text().count("started\n") == 1


async def test_totals_outlive_the_worker_that_counted_them(tmp_path: Path) -> None:
    async with Session(["192.0.2.1"], Probing(rounds=2), worker_command=fake("counts", tmp_path / "memory")) as session:
        await session.finished()
        snapshot = session.snapshot()
    assert snapshot.restarts == 1
    assert (snapshot.counters.malformed, snapshot.counters.foreign) == (1 + 2, 10 + 20)


async def test_a_survey_that_killed_the_worker_is_asked_again(tmp_path: Path) -> None:
    async with Session(worker_command=fake("dies-when-asked", tmp_path / "memory")) as session:
        report = await asyncio.wait_for(session.capabilities(), 20)
    assert report.user == "tester"


async def test_a_flood_on_standard_error_neither_stalls_nor_is_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    launched = launch(command=fake("floods"))
    async with Session(["192.0.2.1"], ONE_ROUND, launched=launched) as session:
        await session.finished()
    assert launched.last_words() == "the last line"
    assert len(launched._words) <= 2000
    assert capfd.readouterr() == ("", "")


async def test_a_worker_that_says_nothing_but_nonsense_is_ended_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async with Session(["192.0.2.1"], Probing(rounds=2), worker_command=fake("babbles")) as session:
        snapshot = await until(session, lambda snapshot: snapshot.restarts == 1)
        assert "said something unintelligible more than 1000 times" in (snapshot.worker_note or "")
        await session.finished()
        assert session.snapshot().targets[0].path.reached


async def test_a_storm_of_events_keeps_nothing_else_from_its_turn() -> None:
    async with Session(["192.0.2.1"], worker_command=fake("storms")) as session:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        heard = [0]

        def turn() -> None:
            hops = session.snapshot().targets[0].path.hops
            heard.append(hops[0].duplicates if hops else 0)
            if heard[-1] == STORM:
                done.set_result(None)
            else:
                loop.call_soon(turn)

        turn()
        await asyncio.wait_for(done, 60)
    assert max(later - earlier for earlier, later in pairwise(heard)) < 300


async def test_what_is_no_address_is_counted_and_changes_nothing_and_words_are_cleaned() -> None:
    async with Session(["192.0.2.1"], ONE_ROUND, worker_command=fake("rude")) as session:
        await session.finished()
        snapshot = session.snapshot()
    (target,) = snapshot.targets
    assert snapshot.worker_note is not None
    assert "(4 times)" in snapshot.worker_note
    assert snapshot.worker_note.isprintable()
    assert [[node.address for node in hop.nodes] for hop in target.path.hops][:2] == [["10.0.0.254"], ["192.0.2.1"]]
    assert target.started is not None
    facts = target.started
    assert {facts.note, facts.source, facts.answered_by} == {r"\x1b]0;owned\x07"}
    assert all(note.isprintable() for note in target.notes)


async def test_a_refusals_words_are_cleaned() -> None:
    async with Session(["192.0.2.1"], worker_command=fake("refuses-rudely")) as session:
        await session.finished()
        refusal = session.snapshot().targets[0].refusal
    assert refusal is not None
    assert (refusal.message, refusal.remedy) == (r"no\x1b[2J\x0amore", r"\u202etry")


async def test_lost_then_late_are_two_events_and_nothing_follows_the_end() -> None:
    async with Session(["192.0.2.1"], ONE_ROUND, worker_command=fake("late")) as session:
        feed = session.events()
        events = []
        async for event in feed:
            events.append(event)
            if isinstance(event, EndEvent):
                break
        await until(session, lambda snapshot: snapshot.targets[0].path.hops[1].duplicates == 1)
        session.remove(1)
        assert isinstance(events[0], StartEvent)
        assert [event.outcome for event in events if isinstance(event, ProbeEvent)] == ["lost", "late", "answered"]
    assert [event async for event in feed] == []


async def test_who_comes_later_is_told_the_head_first() -> None:
    async with Session([TARGET], SIMULATED) as session:
        await until(session, lambda snapshot: snapshot.targets[0].path.reached)
        first = await anext(session.events())
    assert isinstance(first, StartEvent)
    assert first.target == TARGET


async def test_another_way_of_probing_ends_the_old_events_and_begins_new_ones() -> None:
    async with Session([TARGET], SIMULATED) as session:
        feed = session.events()
        await until(session, lambda snapshot: snapshot.targets[0].path.reached)
        session.restart(1, Probing(method="simulated", protocol="udp", interval_s=0.05))
        kinds = []
        async for event in feed:
            if not isinstance(event, ProbeEvent):
                kinds.append((type(event), getattr(event, "protocol", None)))
            if len(kinds) == 3:
                break
    assert kinds == [(StartEvent, "icmp"), (EndEvent, None), (StartEvent, "udp")]


def test_a_consumer_that_went_away_holds_nothing() -> None:
    feeds = Feeds()
    feed = feeds.subscribe()
    assert feeds.wanted
    del feed
    gc.collect()
    assert not feeds.wanted


class SlowResolver:
    """Names that lead somewhere when they are let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may = threading.Event()

    def __call__(self, query: str, *how: object) -> list[tuple[object, ...]]:
        self.asked.append(query)
        assert self.may.wait(20)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", (TARGET, 0))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> SlowResolver:
    resolver = SlowResolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return resolver


async def test_a_target_that_is_restarted_while_it_is_looked_up_has_one_flow(
    resolver: SlowResolver, tmp_path: Path
) -> None:
    memory = tmp_path / "memory"
    async with Session(["name.example"], ONE_ROUND, worker_command=fake("well", memory)) as session:
        session.restart(1, Probing(rounds=1, packet_size=100))
        with pytest.raises(ValueError, match="max_ttl 0"):
            session.adjust(1, max_ttl=0)
        session.adjust(1, max_ttl=7)
        resolver.may.set()
        await session.finished()
        (target,) = session.snapshot().targets
    assert memory.read_text().count('"type":"start"') == 1
    assert target.plan is not None
    assert (target.plan.packet_size, target.plan.max_ttl) == (100, 7)


async def test_a_target_that_is_removed_while_it_is_looked_up_is_never_probed(
    resolver: SlowResolver, tmp_path: Path
) -> None:
    memory = tmp_path / "memory"
    async with Session(["name.example", TARGET], ONE_ROUND, worker_command=fake("well", memory)) as session:
        session.remove(1)
        resolver.may.set()
        await session.finished()
    assert memory.read_text().count('"type":"start"') == 1


async def test_a_session_ends_at_once_whatever_a_name_server_does(resolver: SlowResolver) -> None:
    async with Session(["name.example"], worker_command=fake("well")) as session:
        await until(session, lambda snapshot: snapshot.user is not None)
    assert session.worker_pid is None or not _runs(session.worker_pid)
    resolver.may.set()


async def test_a_name_server_that_never_answers_delays_the_end_of_others_by_half_a_second(
    resolver: SlowResolver,
) -> None:
    probing = Probing(rounds=1, interval_s=60.0)
    async with Session(["name.example", TARGET], probing, worker_command=fake("well")) as session:
        await asyncio.wait_for(session.finished(), 20)
        lost, good = session.snapshot().targets
        assert good.path.reached
        assert (lost.state, lost.error) == (
            "unresolved",
            "name.example: the name server does not answer; an address works without it",
        )
    resolver.may.set()


async def test_a_name_that_hangs_is_called_unresolved_and_asked_for_no_second_time_until_it_comes_back(
    resolver: SlowResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hopscope.session.targets.LOOKUP_S", 0.01)
    monkeypatch.setattr("hopscope.session.targets.TARGET_PAUSES_S", (0.01,))
    monkeypatch.setattr("hopscope.session.target.TARGET_PAUSES_S", (0.01,))
    async with Session(["name.example"], worker_command=fake("well")) as session:
        record = session._targets[1]
        await until(session, lambda snapshot: record.retries.failures >= 3)
        assert session.snapshot().targets[0].state == "unresolved"
        assert len(resolver.asked) == 1
        resolver.may.set()
        await until(session, lambda snapshot: snapshot.targets[0].path.reached)
    assert len(resolver.asked) == 1


async def test_a_report_of_one_name_that_hangs_ends(resolver: SlowResolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hopscope.session.targets.LOOKUP_S", 0.01)
    probing = Probing(rounds=1, interval_s=0.01)
    async with Session(["name.example"], probing, worker_command=fake("well")) as session:
        await asyncio.wait_for(session.finished(), 20)
        assert session.snapshot().targets[0].state == "unresolved"
    resolver.may.set()


async def test_names_that_hang_take_the_place_of_no_other_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    may = threading.Event()

    def getaddrinfo(name: bytes, *how: object) -> list[tuple[object, ...]]:
        assert name == b"good.example" or may.wait(20)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", (TARGET, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("hopscope.session.targets.LOOKUP_S", 0.1)
    names = [*(f"bad{number}.example" for number in range(20)), "good.example"]
    async with Session(names, worker_command=fake("well")) as session:
        await until(session, lambda snapshot: snapshot.targets[-1].path.reached)
    may.set()


async def test_no_name_is_looked_up_for_a_simulated_network(resolver: SlowResolver) -> None:
    async with Session(["video.example"], Probing(method="simulated")) as session:
        (target,) = session.snapshot().targets
    assert target.state == "unresolved"
    assert resolver.asked == []


async def test_what_was_begun_before_and_is_not_wanted_is_stopped(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    launched = launch(command=fake("well", memory))
    plan = plan_of(ONE_ROUND, "192.0.2.1")
    launched.begin("unwanted", plan)
    launched.begin("wanted", plan)
    async with Session(["wanted"], ONE_ROUND, launched=launched) as session:
        await session.finished()
        assert session.snapshot().targets[0].path.reached
    assert '{"type":"stop","target":1}' in memory.read_text()


async def test_the_same_target_twice_is_two_targets() -> None:
    async with Session([TARGET, TARGET], Probing(method="simulated", rounds=1, timeout_s=0.3)) as session:
        await session.finished()
        assert [target.path.reached for target in session.snapshot().targets] == [True, True]


@pytest.mark.parametrize("manner", ["well", "dies-at-once", "waits-to-be-killed"])
async def test_a_session_leaves_no_descriptor_process_or_task_behind(manner: str, tmp_path: Path) -> None:
    before = _descriptors()
    tasks = asyncio.all_tasks()
    async with Session(["192.0.2.1"], ONE_ROUND, worker_command=fake(manner, tmp_path / "memory")) as session:
        enough: dict[str, Callable[[], bool]] = {
            "well": lambda: session.snapshot().targets[0].state == "finished",
            "dies-at-once": lambda: session.snapshot().restarts > 0,
            "waits-to-be-killed": lambda: bool(session.snapshot().targets[0].path.rounds),
        }
        await until(session, lambda _: enough[manner]())
        pid = session.worker_pid
        assert pid is not None
    assert not _runs(pid)
    assert asyncio.all_tasks() == tasks
    assert _descriptors() == before


def _descriptors() -> list[str]:
    gc.collect()
    return sorted(os.readlink(entry) for entry in _entries())


def _entries() -> list[str]:
    folder = "/proc/self/fd"
    return [path for name in os.listdir(folder) if os.path.islink(path := f"{folder}/{name}")]


def _runs(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


async def test_another_way_of_probing_that_is_none_is_refused() -> None:
    async with Session([TARGET], worker_command=fake("well")) as session:
        with pytest.raises(TypeError, match="a way of probing is a Probing, and not NoneType"):
            session.restart(1, None)  # type: ignore[arg-type]  # the point


async def test_bins_of_no_time_are_refused() -> None:
    async with Session([TARGET], worker_command=fake("well")) as session:
        for span in (0, -1):
            with pytest.raises(ValueError, match="it lasts 1 ns and more"):
                session.bins(1, 0, 10, span, [1])
