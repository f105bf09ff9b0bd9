"""The real worker, started as a plain user and as root, over real kernel routers: commands in, events out."""

from __future__ import annotations

import subprocess
from typing import Any

import msgspec
import pytest

from hopscope.wire.messages import (
    VERSION,
    Answered,
    Command,
    Event,
    Failed,
    Finished,
    Hello,
    Lost,
    Plan,
    Refused,
    Sent,
    Start,
    Started,
    Stop,
)
from tests.lab import plain_user
from tests.lab.chain import Chain

ROUNDS = 3


class Conversation:
    """A worker and what it said."""

    def __init__(self, chain: Chain, user: str) -> None:
        # A plain user's copy of the package stands where the package of the plain user's Python says.
        words = (plain_user.as_plain_user if user == "plain" else plain_user.as_root)(chain.client)
        program = "import hopscope.probe.start as start, sys; sys.exit(start.main())"
        self._worker = subprocess.Popen(
            [*words, "-I", "-c", program], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.say(Hello(VERSION))

    def say(self, *commands: Command) -> None:
        assert self._worker.stdin is not None
        for command in commands:
            self._worker.stdin.write(msgspec.json.encode(command) + b"\n")
        self._worker.stdin.flush()

    def hear(self) -> Event:
        assert self._worker.stdout is not None
        line = self._worker.stdout.readline()
        assert line, "the worker ended"
        event: Event = msgspec.json.decode(line, type=Event)
        return event

    def until_finished(self, target: int) -> list[Any]:
        events: list[Event] = []
        while not isinstance(events[-1] if events else None, Finished | Refused):
            event = self.hear()
            if getattr(event, "target", None) == target:
                events.append(event)
        return events

    def end(self) -> int:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.close()
        self._worker.stdout.close()
        return self._worker.wait(10)


@pytest.mark.parametrize("user", ["plain", "root"])
def test_each_protocol_and_family_finds_the_whole_path(chain: Chain, user: str) -> None:
    worker = Conversation(chain, user)
    number = 0
    for protocol, method, port, last in (
        ("icmp", "ping-socket", None, "echo-reply"),
        ("udp", "udp-socket", 33434, "port-unreachable"),
        ("tcp", "tcp-socket", 9, "tcp-reset"),
    ):
        for family in (4, 6):
            number += 1
            plan = Plan(
                chain.destination(family),
                family,
                protocol,  # type: ignore[arg-type] # of the literals above
                method,  # type: ignore[arg-type] # of the literals above
                port=port,
                interval_ns=50_000_000,
                rounds=ROUNDS,
            )
            worker.say(Start(number, plan))
            events = worker.until_finished(number)
            assert isinstance(events[0], Started), events[0]
            assert events[0].method == method
            assert not [event for event in events if isinstance(event, Failed | Lost)]
            known: set[tuple[int, int]] = set()
            for event in events:
                if isinstance(event, Sent):
                    known.add((event.round, event.ttl))
                elif isinstance(event, Answered):
                    # No answer comes before the news of its sending, however near the network is.
                    assert (event.round, event.ttl) in known
                    assert event.address == chain.hop(event.ttl, family)
                    assert event.kind == ("time-exceeded" if event.ttl < 4 else last)
                    assert event.rtt_ns < 50_000_000
            answered = {(event.round, event.ttl) for event in events if isinstance(event, Answered)}
            assert {(round_, ttl) for round_ in range(ROUNDS) for ttl in range(1, 5)} <= answered
            worker.say(Stop(number))
    assert worker.end() == 0


def test_an_interface_down_is_this_machines_fault_and_never_loss(chain: Chain) -> None:
    worker = Conversation(chain, "plain")
    worker.say(Start(1, Plan(chain.destination(4), 4, interval_ns=50_000_000, timeout_ns=10_000_000_000)))

    def until(kind: type[Event]) -> None:
        while True:
            event = worker.hear()
            assert not isinstance(event, Lost | Refused), event
            if isinstance(event, kind):
                return

    until(Answered)
    chain.link("down")
    try:
        until(Failed)
    finally:
        chain.link("up")
    until(Answered)
    assert worker.end() == 0
