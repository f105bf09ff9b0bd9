"""A worker that may wait tells its events together, fetches stamped answers when it is awake anyway, and notices a
driver that does not read."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from hopscope.probe import outbox, worker
from hopscope.probe.engine import Engine
from hopscope.probe.pacer import SEND_SLOT_NS
from hopscope.probe.poller import Poller
from hopscope.wire.framing import encode, event_reader
from hopscope.wire.messages import (
    VERSION,
    Answered,
    Batching,
    Command,
    Finished,
    Hello,
    Pause,
    Plan,
    Problem,
    Sent,
    Start,
    Stop,
    Stopped,
)
from tests.lab.virtual import run
from tests.probe.fake import MS, SECOND, EngineHarness
from tests.probe.test_worker import Driver

FAR = 60_000_000_000
SIM = Plan(
    "192.0.2.80", 4, method="simulated", scenario="tour", interval_ns=100_000_000, timeout_ns=400_000_000, rounds=8
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_who_is_patient_does_not_wait_for_what_is_stamped_and_hears_it_all_the_same(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    loop = Poller()
    heard: list[bytes] = []
    loop.add(ends[0].fileno(), lambda: heard.append(ends[0].recv(9)), timestamped=True)
    ends[1].send(b"answer")
    until = time.monotonic_ns() + 20_000_000
    loop.wait(until, may_defer=True)
    assert time.monotonic_ns() >= until
    assert not heard
    loop.hear()
    assert heard == [b"answer"]


@pytest.mark.parametrize(("timestamped", "patient"), [(True, False), (False, True), (False, False)])
def test_everything_else_ends_the_waiting_at_once(
    ends: tuple[socket.socket, socket.socket], timestamped: bool, patient: bool
) -> None:
    loop = Poller()
    heard: list[bytes] = []
    loop.add(ends[0].fileno(), lambda: heard.append(ends[0].recv(9)), timestamped=timestamped)
    loop.wait(0, may_defer=True)
    ends[1].send(b"answer")
    until = time.monotonic_ns() + FAR
    loop.wait(until, may_defer=patient)
    assert time.monotonic_ns() < until
    loop.hear()
    assert heard == [b"answer"]


def test_what_is_removed_is_heard_no_more(ends: tuple[socket.socket, socket.socket]) -> None:
    loop = Poller()
    loop.add(ends[0].fileno(), lambda: pytest.fail("it was removed"), timestamped=True)
    ends[1].send(b"answer")
    loop.remove(ends[0].fileno())
    loop.wait(0, may_defer=False)
    loop.hear()


def _chunks(driver: Driver) -> list[list[Any]]:
    """What a worker says, read by read, until its target's end."""
    assert driver.process.stdout is not None
    reader = event_reader()
    chunks: list[list[Any]] = []
    while not (chunks and any(isinstance(event, Finished) for event in chunks[-1])):
        data = os.read(driver.process.stdout.fileno(), 1 << 16)
        assert data
        chunks.append(list(reader.feed(data)))
    return chunks


def test_a_patient_worker_tells_a_round_in_few_words() -> None:
    driver = Driver()
    try:
        driver.tell(Hello(VERSION), Batching(1_000_000_000), Start(1, SIM))
        chunks = _chunks(driver)
    finally:
        driver.process.kill()
        driver.process.communicate()
    steady = [chunk for chunk in chunks if any(isinstance(event, Sent) and 1 <= event.round <= 6 for event in chunk)]
    sent = [event for chunk in steady for event in chunk if isinstance(event, Sent)]
    assert len(sent) > 50
    assert len(steady) < len(sent) / 4
    answered = [event for chunk in chunks for event in chunk if isinstance(event, Answered)]
    assert len(answered) > 50


def test_a_target_is_in_a_hurry_in_its_first_round_and_after_its_last_probe() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, Plan("192.0.2.1", 4, method="simulated", max_ttl=1, rounds=3)))
    told = []
    for _ in range(3):
        harness.until(harness.now + MS)
        told.append(harness.engine.is_latency_critical)
        harness.until(harness.now + SECOND - MS)
    assert told == [True, False, True]
    harness.until(harness.now + 10 * SECOND)
    assert not harness.engine.is_latency_critical


@pytest.mark.parametrize("nanos", [-1, 1_000_000_001, 2**62])
def test_a_patience_that_makes_no_sense_is_refused_in_words(nanos: int) -> None:
    driver = Driver()
    try:
        driver.tell(Hello(VERSION), Batching(nanos))
        problem = driver.hear_a(Problem)
        assert str(nanos) in problem.message
        assert "0 to 1000000000" in problem.message
    finally:
        driver.process.kill()
        driver.process.communicate()


class Running:
    """A worker in a thread, on pipes of ours, which takes a driver that reads nothing for 150 ms for a stopped one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "UNREAD_NS", 150_000_000)
        monkeypatch.setattr(outbox, "LOOK_AT_READER_NS", 10_000_000)
        self.held = threading.Event()
        hold = Engine.hold

        def told(engine: Engine, held: bool) -> None:
            hold(engine, held)
            if held:
                self.held.set()

        monkeypatch.setattr(Engine, "hold", told)
        self._commands, self._into = os.pipe()
        self._out, self._events = os.pipe()
        self._reader = event_reader()
        self._thread = threading.Thread(target=worker.Worker("nobody", {}, self._commands, self._events).run)
        self._thread.start()

    def tell(self, *commands: Command) -> None:
        os.write(self._into, b"".join(map(encode, commands)))

    def hear_until(self, kind: type) -> list[Any]:
        heard: list[Any] = []
        while not any(isinstance(event, kind) for event in heard):
            assert select.select([self._out], [], [], 20)[0], heard[-5:]
            heard += self._reader.feed(os.read(self._out, 1 << 16))
        return heard

    def close(self) -> None:
        os.close(self._into)
        self._thread.join(20)
        for fd in (self._commands, self._out, self._events):
            os.close(fd)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    one = Running(monkeypatch)
    yield one
    one.close()


def test_a_driver_that_does_not_read_gets_no_more_probes_and_the_rest_when_it_reads_again(running: Running) -> None:
    running.tell(Hello(VERSION), Start(1, SIM))
    assert running.held.wait(20)
    heard = running.hear_until(Finished)
    assert any("nobody reads" in event.message for event in heard if isinstance(event, Problem))


def test_a_driver_that_reads_again_is_heard_again_where_nothing_is_due(running: Running) -> None:
    running.tell(Hello(VERSION), Start(1, SIM), Pause())
    while not running.held.is_set():
        running.tell(Pause(2))  # each is answered, and nobody reads it
        running.held.wait(0.02)
    running.tell(Stop(1))
    running.hear_until(Stopped)


def test_probes_that_would_follow_each_other_closely_leave_together_and_never_early() -> None:
    plan = Plan("192.0.2.80", 4, interval_ns=100_000_000, rounds=5)
    sent = [event for event in run("tour", plan, 5).events if isinstance(event, Sent) and event.round >= 2]
    by_round: dict[int, list[int]] = {}
    for event in sent:
        by_round.setdefault(event.round, []).append(event.sent_at)
    assert len(by_round) == 3
    for times in by_round.values():
        groups = sorted(set(times))
        assert 1 < len(groups) <= 100_000_000 // SEND_SLOT_NS
        assert all(later - earlier >= SEND_SLOT_NS for earlier, later in pairwise(groups))


def test_at_a_round_a_second_every_probe_leaves_alone() -> None:
    plan = Plan("192.0.2.80", 4, rounds=3)
    sent = [event.sent_at for event in run("tour", plan, 9).events if isinstance(event, Sent) and event.round == 2]
    assert len(set(sent)) == len(sent)
    assert len(sent) > 5
