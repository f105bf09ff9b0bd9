"""A worker that may wait tells its events together, fetches stamped answers when it is awake anyway, and notices a
driver that does not read."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from hopscope.probe import worker
from hopscope.probe.schedule import GRAIN_NS
from hopscope.wire.framing import encode, event_reader
from hopscope.wire.messages import VERSION, Answered, Finished, Hello, Patience, Plan, Problem, Sent, Start
from tests.lab.virtual import run
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
    loop = worker.Loop()
    heard: list[bytes] = []
    loop.add(ends[0].fileno(), lambda: heard.append(ends[0].recv(9)), stamped=True)
    ends[1].send(b"answer")
    until = time.monotonic_ns() + 20_000_000
    loop.wait(until, patient=True)
    assert time.monotonic_ns() >= until
    assert not heard
    loop.hear()
    assert heard == [b"answer"]


@pytest.mark.parametrize(("stamped", "patient"), [(True, False), (False, True), (False, False)])
def test_everything_else_ends_the_waiting_at_once(
    ends: tuple[socket.socket, socket.socket], stamped: bool, patient: bool
) -> None:
    loop = worker.Loop()
    heard: list[bytes] = []
    loop.add(ends[0].fileno(), lambda: heard.append(ends[0].recv(9)), stamped=stamped)
    loop.wait(0, patient=True)
    ends[1].send(b"answer")
    until = time.monotonic_ns() + FAR
    loop.wait(until, patient=patient)
    assert time.monotonic_ns() < until
    loop.hear()
    assert heard == [b"answer"]


def test_what_is_removed_is_heard_no_more(ends: tuple[socket.socket, socket.socket]) -> None:
    loop = worker.Loop()
    loop.add(ends[0].fileno(), lambda: pytest.fail("it was removed"), stamped=True)
    ends[1].send(b"answer")
    loop.remove(ends[0].fileno())
    loop.wait(0, patient=False)
    loop.hear()


def holds(it: worker.Worker) -> bool:
    """Whether no probes are sent, since nobody reads."""
    return it._full


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


def test_a_patient_worker_tells_a_round_in_few_words_and_its_first_round_and_its_end_at_once() -> None:
    driver = Driver()
    try:
        driver.tell(Hello(VERSION), Patience(1_000_000_000), Start(1, SIM))
        began = time.monotonic()
        chunks = _chunks(driver)
        took = time.monotonic() - began
    finally:
        driver.process.kill()
        driver.process.communicate()
    steady = [chunk for chunk in chunks if any(isinstance(event, Sent) and 1 <= event.round <= 6 for event in chunk)]
    sent = [event for chunk in steady for event in chunk if isinstance(event, Sent)]
    assert len(sent) > 50
    assert len(steady) < len(sent) / 4
    answered = [event for chunk in chunks for event in chunk if isinstance(event, Answered)]
    assert len(answered) > 50
    # The last probe's fate ends it: nobody waits for the patience to be over.
    assert took < 8 * 0.1 + 3 + 1 + 1


@pytest.mark.parametrize("nanos", [-1, 1_000_000_001, 2**62])
def test_a_patience_that_makes_no_sense_is_refused_in_words(nanos: int) -> None:
    driver = Driver()
    try:
        driver.tell(Hello(VERSION), Patience(nanos))
        problem = driver.hear_a(Problem)
        assert str(nanos) in problem.message
        assert "0 to 1000000000" in problem.message
    finally:
        driver.process.kill()
        driver.process.communicate()


def test_a_driver_that_does_not_read_gets_no_more_probes_and_the_rest_when_it_reads_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "UNREAD_NS", 150_000_000)
    monkeypatch.setattr(worker, "LOOK_AT_READER_NS", 10_000_000)
    commands, into = os.pipe()
    out, events = os.pipe()
    it = worker.Worker("nobody", None, None, commands, events)
    running = threading.Thread(target=it.run)
    running.start()
    try:
        os.write(into, encode(Hello(VERSION)) + encode(Start(1, SIM)))
        deadline = time.monotonic() + 20
        while not holds(it):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        reader = event_reader()
        heard: list[Any] = []
        while not any(isinstance(event, Finished) for event in heard):
            heard += reader.feed(os.read(out, 1 << 16))
    finally:
        os.close(into)
        running.join(20)
        for fd in (commands, out, events):
            os.close(fd)
    assert not holds(it)
    assert any("nobody reads" in event.message for event in heard if isinstance(event, Problem))


def test_probes_that_would_follow_each_other_closely_leave_together_and_never_early() -> None:
    plan = Plan("192.0.2.80", 4, interval_ns=100_000_000, rounds=5)
    sent = [event for event in run("tour", plan, 5).events if isinstance(event, Sent) and event.round >= 2]
    by_round: dict[int, list[int]] = {}
    for event in sent:
        by_round.setdefault(event.round, []).append(event.sent_at)
    assert len(by_round) == 3
    for times in by_round.values():
        groups = sorted(set(times))
        assert 1 < len(groups) <= 100_000_000 // GRAIN_NS
        assert all(later - earlier >= GRAIN_NS for earlier, later in pairwise(groups))


def test_at_a_round_a_second_every_probe_leaves_alone() -> None:
    plan = Plan("192.0.2.80", 4, rounds=3)
    sent = [event.sent_at for event in run("tour", plan, 9).events if isinstance(event, Sent) and event.round == 2]
    assert len(set(sent)) == len(sent)
    assert len(sent) > 5
