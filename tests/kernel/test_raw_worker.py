"""The real worker as root: it opens raw sockets, gives every privilege up for good, and only then probes by them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hopscope.probe import start
from hopscope.wire.messages import (
    VERSION,
    Answered,
    Capabilities,
    CapabilitiesReport,
    Command,
    Event,
    Failed,
    Finished,
    Hello,
    Lost,
    Method,
    Plan,
    Refused,
    Start,
    Started,
    Welcome,
)
from tests.lab.chain import Chain

ROUNDS = 2
LAST = {"icmp": "echo-reply", "udp": "port-unreachable", "tcp": "tcp-reset"}
PLANS = [(protocol, family) for protocol in ("icmp", "udp", "tcp") for family in (4, 6)]


def converse(chain: Chain, commands: list[Command], *options: str) -> Iterator[tuple[Event, int]]:
    """A worker's events with its process id; its input ends with the iteration."""
    words = ["ip", "netns", "exec", chain.client, sys.executable, "-I", start.__file__, *options]
    with subprocess.Popen(words, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(b"".join(msgspec.json.encode(one) + b"\n" for one in (Hello(VERSION), *commands)))
            worker.stdin.flush()
            for line in worker.stdout:
                yield msgspec.json.decode(line, type=Event), worker.pid
        finally:
            worker.stdin.close()


@pytest.mark.parametrize(("method", "options"), [("raw", ()), ("scapy", ("--scapy",))])
def test_all_protocols_trace_after_every_privilege_is_gone(
    chain: Chain, method: Method, options: tuple[str, ...]
) -> None:
    starts: list[Command] = [
        Start(
            number,
            Plan(
                chain.destination(family),  # type: ignore[arg-type] # of the literals in PLANS
                family,  # type: ignore[arg-type]
                protocol,  # type: ignore[arg-type]
                method,
                interval_ns=100_000_000,
                rounds=ROUNDS,
                budget=0.0,  # each asks the first routers in each of its rounds
            ),
        )
        for number, (protocol, family) in enumerate(PLANS)
    ]
    answered: dict[int, set[tuple[int, int, str, str]]] = {number: set() for number in range(len(PLANS))}
    finished = 0
    for event, pid in converse(chain, starts, *options):
        assert not isinstance(event, Failed | Lost | Refused), event
        if isinstance(event, Welcome):
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
            assert {int(status[name], 16) for name in sets} == {0}
            assert status["NoNewPrivs"] == "1"
        elif isinstance(event, Started):
            assert (event.method, event.flow) == (method, "one")
        elif isinstance(event, Answered):
            answered[event.target].add((event.round, event.ttl, event.address, event.kind))
        elif isinstance(event, Finished):
            finished += 1
            if finished == len(PLANS):
                break
    for number, (protocol, family) in enumerate(PLANS):
        for ttl in range(1, 5):
            kind = "time-exceeded" if ttl < 4 else LAST[protocol]
            expected = {(round_, ttl, chain.hop(ttl, family), kind) for round_ in range(ROUNDS)}  # type: ignore[arg-type]
            assert expected <= answered[number]


@pytest.mark.parametrize(("method", "options"), [("raw", ()), ("scapy", ("--scapy",))])
def test_the_survey_knows_what_was_opened_before_the_privileges_went(
    chain: Chain, method: Method, options: tuple[str, ...]
) -> None:
    for event, _ in converse(chain, [Capabilities()], *options):
        if isinstance(event, CapabilitiesReport):
            states = [state for state in event.states if state.method == method]
            assert [state.works for state in states] == [True] * 6
            break
