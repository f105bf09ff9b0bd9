"""A session lets its worker wait with what it says, until somebody wants each event."""

from __future__ import annotations

import fcntl
import os
import signal

import pytest

from hopscope.session.events import EndEvent
from hopscope.session.model import Probing
from hopscope.session.session import Session
from hopscope.session.supervisor import TOGETHER_NS
from hopscope.session.transport import WorkerPipes
from hopscope.wire.framing import Garbage, command_reader
from hopscope.wire.messages import Batching, Command


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    commands: list[Command] = []
    real = WorkerPipes.send

    def send(self: WorkerPipes, data: bytes) -> None:
        commands.extend(one for one in command_reader().feed(data) if not isinstance(one, Garbage))
        real(self, data)

    monkeypatch.setattr(WorkerPipes, "send", send)
    return commands


def _stall_timeout(told: list[Command]) -> list[int]:
    return [command.max_delay_ns for command in told if isinstance(command, Batching)]


async def test_events_may_wait_for_each_other_until_somebody_wants_each(told: list[Command]) -> None:
    probing = Probing(method="simulated", rounds=3, interval_s=0.05, timeout_s=0.2)
    async with Session(["192.0.2.80"], probing) as session:
        assert _stall_timeout(told) == [TOGETHER_NS]
        async for event in session.events():
            if isinstance(event, EndEvent):
                break
        session.events()
    assert _stall_timeout(told) == [TOGETHER_NS, 0]


async def test_a_new_worker_is_told_the_same(told: list[Command]) -> None:
    async with Session(["192.0.2.80"], Probing(method="simulated")) as session:
        session.events()
        assert session.worker_pid is not None
        os.kill(session.worker_pid, signal.SIGKILL)
        while session._supervisor.restarts == 0:
            await session.changed()
        assert _stall_timeout(told) == [TOGETHER_NS, 0]


async def test_the_workers_pipe_holds_what_many_targets_say_while_this_process_does_something_else() -> None:
    async with Session(["192.0.2.80"], Probing(method="simulated")) as session:
        pipes = session._supervisor._transport
        assert isinstance(pipes, WorkerPipes)
        assert fcntl.fcntl(pipes._source, fcntl.F_GETPIPE_SZ) >= 1 << 20
