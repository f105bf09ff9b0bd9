"""A worker with a clock of its own: its times are put on this machine's time line, and what a reset means holds."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import pytest

from hopscope.session.model import Probing
from hopscope.session.session import Session
from hopscope.views.screen.header import clock_words
from hopscope.wire.framing import command_reader, encode_all
from hopscope.wire.messages import VERSION, Answered, Event, Hello, RoundStarted, Sent, Start, Started, Welcome
from hopscope.wire.times import MOMENTS, earlier
from tests.probe.test_worker import START as WORKER

SECOND = 1_000_000_000
TARGET = "192.0.2.80"
PROBING = Probing(method="simulated", interval_s=0.1, timeout_s=0.3)


class Elsewhere:
    """`hopscope.session.transport.Transport` without a process: a worker whose clock is ahead."""

    pid = None

    def __init__(self, ahead_ns: int) -> None:
        self.greeted_at = time.monotonic_ns()
        self.ahead_ns = ahead_ns
        self.reader = command_reader()
        self.killed = False

    def open(self, on_bytes: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self.on_bytes = on_bytes
        self.say(Welcome(VERSION, "0", 1, "tester", 0, self.now))

    @property
    def now(self) -> int:
        return time.time_ns() + self.ahead_ns

    def say(self, *events: Event) -> None:
        data = encode_all(events)
        asyncio.get_running_loop().call_soon(lambda: self.on_bytes(data))

    def send(self, data: bytes) -> None:
        for command in self.reader.feed(data):
            if isinstance(command, Start):
                number = command.target
                self.say(Started(number, "raw", "10.0.0.1", None, None, 64, "one", "kernel"))
                self.round(number, 0)

    def round(self, number: int, round_: int) -> None:
        at = self.now
        self.say(RoundStarted(number, round_, at), Sent(number, round_, 1, at))
        self.say(Answered(number, round_, 1, at, 5_000_000, TARGET, "echo-reply"))

    def kill(self) -> None:
        self.killed = True

    async def close(self) -> int:
        return 0

    def last_words(self) -> str:
        return ""


async def heard(session: Session, rounds: int) -> None:
    async with asyncio.timeout(10):
        while session.snapshot().targets[0].path.rounds < rounds:
            await session.changed(session.version)


@pytest.mark.parametrize("ahead_s", [-500, 100_000])
async def test_a_workers_own_clock_is_known_and_its_events_are_of_now(
    ahead_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Elsewhere(ahead_s * SECOND)
    monkeypatch.setattr(Session, "_start_worker", lambda self: worker)
    async with Session([TARGET], Probing()) as session:
        await heard(session, 1)
        snapshot = session.snapshot()
        assert snapshot.clock_offset_ns == pytest.approx(ahead_s * SECOND, abs=SECOND)
        last_at = snapshot.targets[0].path.last_at
        assert last_at is not None
        assert abs(snapshot.now - last_at) < SECOND
        session.reset()
        worker.round(1, 1)
        await heard(session, 1)
        assert [hop.received for hop in session.snapshot().targets[0].path.hops] == [1]


async def test_a_worker_on_this_machine_has_no_offset() -> None:
    async with Session([TARGET], PROBING) as session:
        await heard(session, 1)
        assert session.snapshot().clock_offset_ns == 0


@pytest.mark.needs("root")
@pytest.mark.parametrize("ahead_s", [-500, 100_000])
async def test_a_worker_in_another_time_namespace_is_right(ahead_s: int) -> None:
    ahead_s = max(ahead_s, 60 - int(time.monotonic()))  # no clock can be set back to before the machine began
    elsewhere = ["unshare", "--time", f"--monotonic={ahead_s}", f"--boottime={ahead_s}", "--fork"]
    async with Session([TARGET], PROBING, worker_command=[*elsewhere, sys.executable, "-I", str(WORKER)]) as session:
        await heard(session, 2)
        snapshot = session.snapshot()
        last_at = snapshot.targets[0].path.last_at
        assert last_at is not None
        assert abs(snapshot.now - last_at) < 2 * SECOND
        session.reset()
        await heard(session, 2)
        assert session.snapshot().targets[0].path.hops[0].received > 0


def test_only_moments_are_moved() -> None:
    event = Answered(1, 2, 3, 10 * SECOND, 5, TARGET, "echo-reply")
    assert earlier(event, SECOND) == Answered(1, 2, 3, 9 * SECOND, 5, TARGET, "echo-reply")
    assert earlier(Hello(VERSION), SECOND) == Hello(VERSION)
    fields = {name for kind in Event.__args__ for name in kind.__struct_fields__}  # type: ignore[attr-defined]
    assert {name for name in fields if name == "at" or name.endswith("_at")} == set(MOMENTS)


@pytest.mark.parametrize(("seconds", "words"), [(-500, "00:08:20 behind"), (100_000, "1 d 03:46:40 ahead of")])
def test_the_difference_is_said_in_words(seconds: int, words: str) -> None:
    assert f"the probe worker's clock is {words} this computer's" in clock_words(seconds * SECOND)


async def test_a_name_that_the_demo_network_does_not_have_is_answered_with_those_that_it_has() -> None:
    async with Session(["nosuch"], PROBING, addresses={"www.example.com": "192.0.2.80"}) as session:
        async with asyncio.timeout(10):
            while session.snapshot().targets[0].state != "unresolved":
                await session.changed(session.version)
        error = session.snapshot().targets[0].error
        assert error == "nosuch: the demo network has no such name; its names are www.example.com"
