"""A receive buffer that overflows, met by the real worker on real sockets, stopped while a flood of answers comes.

What was in flight then may have been answered, and nobody can know: it is this machine's fault, never the network's
loss.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import msgspec
import pytest

from hopscope.wire.messages import (
    VERSION,
    Answered,
    Command,
    Counters,
    Event,
    Failed,
    Family,
    Hello,
    Late,
    Lost,
    Method,
    Plan,
    Protocol,
    Refused,
    Sent,
    Start,
)
from tests.lab.odd_router import TARGET, OddRouter, expired, family_of, header_length, icmp
from tests.lab.plain_user import as_plain_user, as_root

pytestmark = [pytest.mark.usefixtures("lab_allowed"), pytest.mark.needs("tun")]
PATIENCE_S = 20.0
FLOOD = 4000
"""Packets of 1,400 bytes: more than the largest buffer that the worker asks for (4 MiB, which the kernel doubles)."""
WIDE = 1380
FILLERS = 50
HEARD_AGAIN = 3


class Worker:
    """A worker in the router's namespace, and the router's own loop."""

    def __init__(self, router: OddRouter, *, plain: bool) -> None:
        self._router = router
        words = (as_plain_user if plain else as_root)(router.name)
        program = "import hopscope.probe.start as start, sys; sys.exit(start.main())"
        self.process = subprocess.Popen(
            [*words, "-I", "-c", program], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.events: list[Event] = []
        self._rest = b""

    def say(self, plan: Plan, *before: Command) -> None:
        """Start a target, after these commands."""
        assert self.process.stdin is not None
        for command in (Hello(VERSION), *before, Start(1, plan)):
            self.process.stdin.write(msgspec.json.encode(command) + b"\n")
        self.process.stdin.flush()

    def until(self, done: Callable[[], bool]) -> None:
        """Answer probes and hear events until `done`."""
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        while not done():
            ready, _, _ = select.select([fd, self._router.fd], [], [], PATIENCE_S)
            assert ready, f"nothing for {PATIENCE_S} s; the last: {self.events[-5:]}"
            if self._router.fd in ready:
                self._router.on_ready()
            if fd in ready:
                data = os.read(fd, 1 << 16)
                assert data, "the worker ended"
                *lines, self._rest = (self._rest + data).split(b"\n")
                self.events += [msgspec.json.decode(line, type=Event) for line in lines]

    def heard(self, *kinds: type[Event]) -> list[Event]:
        """The events of exactly these kinds."""
        return [event for event in self.events if type(event) in kinds]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(10) == 0 or problem is not None


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process does nothing in the meantime."""
    os.kill(pid, signal.SIGSTOP)
    try:
        _, status = os.waitpid(pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def reply_to(packet: bytes, wide: int = 0) -> bytes:
    """The target's echo reply, with so much more behind it."""
    family = family_of(packet)
    return icmp(family, 0 if family == 4 else 129, packet[header_length(packet) + 4 :] + bytes(wide), TARGET[family])


def error_to(packet: bytes, wide: int = 0) -> bytes:
    """A router's time-exceeded, its quote filled up to so much."""
    return expired(packet, 64, padded=wide)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("method", "protocol", "answer"),
    [
        ("ping-socket", "icmp", reply_to),
        ("ping-socket", "icmp", error_to),
        ("udp-socket", "udp", error_to),
        ("raw", "icmp", reply_to),
        ("raw", "udp", error_to),
    ],
)
def test_a_probe_whose_answer_this_machines_own_buffer_dropped_is_not_lost(
    method: Method, protocol: Protocol, answer: Callable[..., bytes], family: Family
) -> None:
    held: list[bytes] = []
    holding = False

    def router(packet: bytes) -> list[bytes]:
        if holding:
            held.append(packet)
            return []
        return [answer(packet)]

    with OddRouter(router) as net, Worker(net, plain=method != "raw") as worker:
        worker.say(
            Plan(
                TARGET[family],
                family,
                protocol,
                method,
                33434 if protocol == "udp" else None,
                interval_ns=100_000_000,
                timeout_ns=1_500_000_000,
                max_ttl=1,
            )
        )
        worker.until(lambda: len(worker.heard(Answered)) >= 2)
        answered = net.seen[0]
        holding = True
        worker.until(lambda: bool(held))
        with stopped(worker.process.pid):
            for wide in [*FLOOD * [WIDE], *FILLERS * [0]]:  # the small ones fill what room is left for a small one
                os.write(net.fd, answer(answered, wide))
            net.on_ready()  # what else it sent before it was stopped
            for packet in held:
                os.write(net.fd, answer(packet))
        holding = False
        worker.until(lambda: len(worker.heard(Failed, Lost)) >= len(held))
        until = len(worker.heard(Answered)) + HEARD_AGAIN
        worker.until(lambda: len(worker.heard(Answered)) >= until and bool(worker.heard(Counters)))

        assert worker.heard(Lost, Late, Refused) == []
        failed = [event for event in worker.events if isinstance(event, Failed)]
        assert {event.error for event in failed} == {"OVERFLOW"}
        assert all("this computer's receive buffer" in event.message for event in failed)
        # They are those whose answers were dropped, each sent before it failed.
        sent = {event.round: event.sent_at for event in worker.events if isinstance(event, Sent)}
        assert all(sent[event.round] == event.sent_at for event in failed)
        assert {event.round for event in failed} <= set(range(min(event.round for event in failed), max(sent)))
        counters = [event for event in worker.events if isinstance(event, Counters)]
        assert counters[-1].overflow > 0
