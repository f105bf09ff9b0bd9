"""A session keeps many targets and one worker, whatever becomes of the worker."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec
import pytest

from hopscope.names.facts import AddressInfo
from hopscope.path.windows import WindowName
from hopscope.session.events import EndEvent, ProbeEvent, SentEvent, SessionEvent, StartEvent
from hopscope.session.facts import Asked
from hopscope.session.feeds import Feeds
from hopscope.session.launch import launch
from hopscope.session.model import Probing, Snapshot
from hopscope.session.plans import plan_of
from hopscope.session.remedy import as_root
from hopscope.session.session import MOST_RESTARTS, Session, WorkerFailed
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun
from hopscope.wire.messages import RoundStarted

FAKE = str(Path(__file__).with_name("fake_worker.py"))
SIMULATED = Probing(method="simulated", interval_s=0.05, timeout_s=0.2)
TARGET = "192.0.2.80"


def fake(manner: str, memory: Path | None = None) -> list[str]:
    return [sys.executable, FAKE, manner, *([str(memory)] if memory else [])]


async def until(session: Session, enough: Callable[[Snapshot], bool], seconds: float = 20) -> Snapshot:
    """The first snapshot that is enough."""
    async with asyncio.timeout(seconds):
        while not enough(snapshot := session.snapshot()):
            await session.changed(session.version)
    return snapshot


async def test_a_path_is_found_and_the_rounds_come_to_their_end() -> None:
    async with Session([TARGET], Probing(method="simulated", rounds=3, interval_s=0.05, timeout_s=0.3)) as session:
        await session.finished()
        (target,) = session.snapshot().targets
    assert target.state == "finished"
    assert target.path.reached
    assert [hop.sent for hop in target.path.hops] == [3] * 12
    assert target.started is not None
    assert target.started.method == "simulated"


async def test_a_window_that_is_none_is_refused_and_changes_nothing() -> None:
    async with Session([TARGET], Probing(method="simulated", rounds=1, interval_s=0.05, timeout_s=0.3)) as session:
        with pytest.raises(ValueError, match="'7m': the windows are start, 60s"):
            session.numbers_over(cast(WindowName, "7m"))
        assert session.snapshot().targets


async def test_a_worker_that_was_launched_before_is_taken_over_with_what_it_probes() -> None:
    launched = launch()
    launched.begin(TARGET, plan_of(SIMULATED, TARGET))
    async with Session([TARGET, "192.0.2.81"], SIMULATED, launched=launched) as session:
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].path.reached)
    assert launched.process.returncode == 0
    assert snapshot.targets[0].state == "running"
    assert session.snapshot().targets[1].query == "192.0.2.81"


async def test_events_are_typed_begin_with_the_head_and_end_with_the_result() -> None:
    async with Session([TARGET], Probing(method="simulated", rounds=1, interval_s=0.05, timeout_s=0.3)) as session:
        feed = session.events()
        await session.finished()
    events = [event async for event in feed]
    assert isinstance(events[0], StartEvent)
    assert (events[0].target, events[0].method) == (TARGET, "simulated")
    assert isinstance(events[-1], EndEvent)
    assert (events[-1].rounds, events[-1].reached) == (1, True)
    probes = [event for event in events if isinstance(event, ProbeEvent)]
    assert {event.outcome for event in probes} == {"answered", "lost"}
    assert all((event.rtt_ms is not None) == (event.outcome == "answered") for event in probes)


async def test_a_worker_that_is_killed_is_started_again_and_nothing_counted_is_lost() -> None:
    async with Session([TARGET], SIMULATED) as session:
        before = await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 3)
        assert session.worker_pid is not None
        os.kill(session.worker_pid, signal.SIGKILL)
        gone = await until(session, lambda snapshot: snapshot.worker == "restarting")
        assert gone.worker_note is not None
        assert "started again" in gone.worker_note
        after = await until(
            session, lambda snapshot: snapshot.targets[0].path.rounds >= before.targets[0].path.rounds + 3
        )
    assert after.restarts == 1
    assert after.worker == "running"
    for old, new in zip(before.targets[0].path.hops, after.targets[0].path.hops, strict=True):
        assert new.received >= old.received
        assert new.lost >= old.lost
        assert new.sent == new.received + new.lost + new.late + new.pending + new.failed


async def test_what_was_in_flight_when_the_worker_died_has_failed_and_is_not_lost(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    async with Session(["192.0.2.1"], Probing(rounds=4), worker_command=fake("dies-in-flight", memory)) as session:
        await session.finished()
        snapshot = session.snapshot()
    near, far = snapshot.targets[0].path.hops
    assert snapshot.restarts == 2
    assert (near.received, near.lost, near.failed) == (3, 0, 0)
    assert (far.received, far.lost, far.failed) == (1, 0, 2)
    assert far.last_error is not None
    assert "worker" in far.last_error.message
    told = memory.read_text()
    assert told.count("started\n") == 3
    assert '"first_round":1' in told
    assert '"first_round":2' in told
    assert '"rounds":2' in told


async def test_who_waits_for_rounds_gives_a_worker_up_that_cannot_live_with_its_last_words(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    probing = Probing(rounds=2)
    async with Session(["192.0.2.1"], probing, worker_command=fake("dies-at-once", memory)) as session:
        with pytest.raises(
            WorkerFailed, match=rf"exit status 7: no such luck\), {MOST_RESTARTS + 1} times; the next try"
        ):
            await session.finished()
        with pytest.raises(WorkerFailed):
            await session.capabilities()
    assert memory.read_text().count("started") == MOST_RESTARTS + 1


async def test_a_worker_that_cannot_be_started_is_one_line() -> None:
    with pytest.raises(WorkerFailed, match="cannot be started"):
        async with Session(["192.0.2.1"], worker_command=["/nonexistent/worker"]):
            pass


async def test_garbage_among_the_events_costs_no_event() -> None:
    async with Session(["192.0.2.1"], Probing(rounds=1), worker_command=fake("garbage")) as session:
        await session.finished()
        snapshot = session.snapshot()
    assert snapshot.restarts == 0
    assert snapshot.targets[0].path.reached
    assert snapshot.worker_note is not None
    assert "unintelligible" in snapshot.worker_note


async def test_a_refusal_carries_reason_and_remedy() -> None:
    async with Session(["192.0.2.1"], worker_command=fake("refuses")) as session:
        await session.finished()
        (target,) = session.snapshot().targets
    assert target.state == "refused"
    assert target.refusal is not None
    assert (target.refusal.reason, target.refusal.remedy) == ("permission", as_root("something"))


async def test_a_name_that_leads_nowhere_is_unresolved_with_the_reason_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    probing = msgspec.structs.replace(SIMULATED, method="auto")
    async with Session(["no-such-host.invalid"], probing) as session:
        session.add(TARGET, SIMULATED)
        snapshot = await until(
            session, lambda snapshot: snapshot.targets[0].state == "unresolved" and snapshot.targets[1].path.reached
        )
    assert snapshot.targets[0].error is not None
    assert snapshot.targets[0].error.startswith("no-such-host.invalid: the name server does not answer")


@pytest.mark.parametrize("query", ["", " ", "-x", "--help", "a" * 300])
def test_what_can_be_no_target_is_refused_at_once(query: str) -> None:
    with pytest.raises(ValueError, match="target"):
        Session([query])


async def test_pausing_resetting_adjusting_and_restarting_do_what_they_say() -> None:
    async with Session([TARGET], SIMULATED) as session:
        await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 2)
        session.pause()
        assert session.snapshot().targets[0].state == "paused"
        session.reset(1)
        assert session.snapshot().targets[0].path.rounds == 0
        session.adjust(1, interval_s=0.02)
        session.resume(1)
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 4)
        assert snapshot.targets[0].plan is not None
        assert snapshot.targets[0].plan.interval_ns == 20_000_000
        assert session.probing(1).interval_s == 0.02
        session.restart(1, Probing(method="simulated", protocol="tcp", interval_s=0.05))
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].path.reached)
        assert snapshot.targets[0].plan is not None
        assert (snapshot.targets[0].plan.protocol, snapshot.targets[0].plan.port) == ("tcp", 80)
        with pytest.raises(ValueError, match=r"interval_s 0\.0001 s: allowed are 0\.01 to 86400 s"):
            session.adjust(1, interval_s=0.0001)


async def test_a_target_that_is_removed_is_gone_and_one_that_is_added_is_probed() -> None:
    async with Session([TARGET], SIMULATED) as session:
        await until(session, lambda snapshot: snapshot.targets[0].path.reached)
        number = session.add("2001:db8:300::80")
        session.remove(1)
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].path.reached)
    assert [target.id for target in snapshot.targets] == [number]
    assert snapshot.targets[0].path.hops[0].nodes[0].address == "2001:db8:1::1"


@pytest.mark.parametrize(
    ("probing", "words"),
    [
        (Probing(method="udp-socket"), "does not send icmp"),
        (Probing(max_ttl=300), "max_ttl 300"),
        (Probing(interval_s=float("nan")), "allowed are 0.01 to 86400 s"),
        (Probing(timeout_s=float("inf")), "allowed are 0.001 to 60 s"),
        (Probing(port=80), "ICMP has none"),
        (Probing(family=4, source="::1"), "not of the target's family 4"),
        (Probing(interval_s="1"), r"Expected `float`, got `str`"),  # type: ignore[arg-type]  # as it may come
    ],
)
def test_what_no_target_can_be_probed_with_is_refused_at_once(probing: Probing, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Session([TARGET], probing)


async def test_a_plan_that_does_not_fit_the_target_is_its_refusal() -> None:
    async with Session([TARGET], Probing(source="::1")) as session:
        await session.finished()
        (target,) = session.snapshot().targets
        assert target.refusal is not None
        assert "not of the target's family" in target.refusal.message
        session.restart(1, Probing(method="udp-socket"))
        (target,) = session.snapshot().targets
        assert target.refusal is not None
        assert "does not send icmp" in target.refusal.message


async def test_the_survey_is_answered() -> None:
    async with Session() as session:
        report = await asyncio.wait_for(session.capabilities(), 20)
    assert {state.method for state in report.states} >= {"ping-socket", "raw", "tcp-socket"}


class Names:
    """A namer that learns one name when it is told to."""

    def __init__(self) -> None:
        self.version = 0
        self.name: str | None = None
        self.closed = False

    def look_up(self, address: str) -> AddressInfo:
        return AddressInfo(hostname=self.name)

    async def settle(self, seconds: float) -> None: ...

    async def close(self) -> None:
        self.closed = True


async def test_a_name_that_becomes_known_changes_the_snapshot() -> None:
    names = Names()
    async with Session(["192.0.2.1"], Probing(rounds=1), worker_command=fake("well"), namer=names) as session:
        await session.finished()
        version = session.version
        waiting = asyncio.create_task(session.changed(version))
        names.name = "gw.example"
        names.version += 1
        assert await asyncio.wait_for(waiting, 5) > version
        assert session.snapshot().targets[0].names["10.0.0.254"].hostname == "gw.example"
    assert names.closed


async def test_an_unchanged_target_is_the_same_object_in_two_snapshots() -> None:
    async with Session(["192.0.2.1"], Probing(rounds=1), worker_command=fake("well")) as session:
        await session.finished()
        assert session.snapshot().targets[0] is session.snapshot().targets[0]


async def test_several_consumers_each_get_every_event() -> None:
    feeds = Feeds()
    first, second = feeds.subscribe(), feeds.subscribe()
    events: list[SessionEvent] = [EndEvent(target=str(number), rounds=1, reached=True) for number in range(3)]
    for event in events:
        feeds.put(event)
    feeds.close()
    assert [event async for event in first] == [event async for event in second] == events


def test_no_worker_survives_a_killed_session() -> None:
    program = (
        "import asyncio\n"
        "from hopscope.session.session import Session\n"
        "from hopscope.session.model import Probing\n"
        "async def main():\n"
        f"    async with Session(['{TARGET}'], Probing(method='simulated')) as session:\n"
        "        while session.snapshot().user is None:\n"
        "            await session.changed(session.version)\n"
        "        print(session.worker_pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        handle = os.pidfd_open(int(driver.stdout.readline()))
        driver.kill()
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            assert selector.select(10), "the worker still runs"
        os.close(handle)


async def test_who_asks_for_departures_hears_of_each_probe_before_its_fate_and_nobody_else_does() -> None:
    probing = Probing(method="simulated", rounds=2, interval_s=0.05, timeout_s=0.3)
    async with Session([TARGET], probing) as session:
        plain, departures = session.events(), session.events(departures=True)
        await session.finished()
    heard = [event async for event in departures]
    assert {type(event).__name__ for event in [event async for event in plain]} == {
        "StartEvent",
        "EpochEvent",
        "ProbeEvent",
        "EndEvent",
    }
    sent: set[tuple[int, int]] = set()
    for event in heard:
        if isinstance(event, SentEvent):
            sent.add((event.round, event.ttl))
        elif isinstance(event, ProbeEvent):
            assert (event.round, event.ttl) in sent
    assert len(sent) > 2


def test_after_the_last_round_began_a_silent_worker_is_due_only_by_the_timeout() -> None:
    """A timeout longer than a worker may be silent (-Z 23) once had it killed before its last probes were lost."""
    fold = TargetFold(1, Asked(0, "192.0.2.1", Probing(rounds=3)))
    fold.apply(Begun(0, plan_of(Probing(rounds=3), "192.0.2.1")))
    told = []
    for number in range(3):
        told.append(fold.has_begun_all_rounds)
        fold.apply(RoundStarted(1, number, number))
    told.append(fold.has_begun_all_rounds)
    fold.apply(Begun(0, plan_of(Probing(), "192.0.2.1")))
    told.append(fold.has_begun_all_rounds)
    assert told == [False, False, False, True, False]
