"""Where all answers come from one other address, that is said and they count; where the target answers, they do not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from hopscope.wire.messages import (
    Answered,
    Event,
    Failed,
    Family,
    Finished,
    Lost,
    Method,
    Plan,
    Protocol,
    Start,
    Started,
)
from tests.kernel.test_overflow import Worker
from tests.lab.chain import Chain
from tests.lab.conversation import Conversation
from tests.lab.odd_router import ROUTER, TARGET, OddRouter, echoed
from tests.lab.plain_user import as_plain_user

pytestmark = [pytest.mark.usefixtures("lab_allowed"), pytest.mark.needs("tun")]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
WAYS: list[tuple[Method, Protocol]] = [
    ("ping-socket", "icmp"),
    ("udp-socket", "udp"),
    ("raw", "icmp"),
    ("raw", "udp"),
    ("raw", "tcp"),
]
OTHER = ROUTER
PORTS = {"icmp": None, "udp": 33434, "tcp": 80}


def heard(
    answer: Callable[[bytes], list[bytes]], method: Method, protocol: Protocol, family: Family, rounds: int = 4
) -> list[Event]:
    """All that a worker says of a target that is answered for like that."""
    plan = Plan(
        TARGET[family],
        family,
        protocol,
        method,
        PORTS[protocol],
        interval_ns=200_000_000,
        timeout_ns=300_000_000,
        max_ttl=1,
        rounds=rounds,
    )
    with OddRouter(answer) as net, Worker(net, plain=method != "raw") as worker:
        worker.say(plan)
        worker.until(lambda: bool(worker.heard(Finished)))
        return worker.events


@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), WAYS)
def test_answers_from_one_other_address_count_and_are_said(method: Method, protocol: Protocol, family: Family) -> None:
    events = heard(lambda packet: [echoed(packet, OTHER[family])], method, protocol, family)
    answers = [event for event in events if isinstance(event, Answered)]
    assert sorted((event.round, event.address) for event in answers) == [(of, OTHER[family]) for of in range(4)]
    assert all(event.rtt_ns < 150_000_000 for event in answers)  # the kernel's stamps, not the moment of belief
    assert not [event for event in events if isinstance(event, Lost)]
    assert [event.answered_by for event in events if isinstance(event, Started)][-1] == OTHER[family]


@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), WAYS)
def test_a_stranger_does_not_answer_for_a_target_that_answers(
    method: Method, protocol: Protocol, family: Family
) -> None:
    events = heard(lambda packet: [echoed(packet, OTHER[family]), echoed(packet)], method, protocol, family)
    answers = [event for event in events if isinstance(event, Answered)]
    assert {event.address for event in answers} == {TARGET[family]}
    assert len(answers) == 4
    assert {event.answered_by for event in events if isinstance(event, Started)} == {None}


@pytest.mark.parametrize("method", ["ping-socket", "raw"])
def test_a_target_that_answers_later_takes_its_place_back(method: Method) -> None:
    asked: list[bytes] = []

    def answer(packet: bytes) -> list[bytes]:
        asked.append(packet)
        return [echoed(packet, OTHER[4]), *([echoed(packet)] if len(asked) > 4 else [])]

    events = heard(answer, method, "icmp", 4, rounds=8)
    last = [event for event in events if isinstance(event, Answered) and event.round == 7]
    assert TARGET[4] in {event.address for event in last}
    told = [event.answered_by for event in events if isinstance(event, Started)]
    assert told == [None, OTHER[4], None]


def test_a_subnet_routers_anycast_address_is_reached_and_who_answers_is_said(lab_allowed: None) -> None:
    with Chain(1) as chain, Conversation(chain.client, "plain") as worker:
        anycast = "fd00:18:a1::"  # of the router's own far network
        worker.say(Start(1, Plan(anycast, 6, max_ttl=3, rounds=2, interval_ns=200_000_000, timeout_ns=400_000_000)))
        worker.until(lambda event: isinstance(event, Finished))
        answers = [event for event in worker.events if isinstance(event, Answered)]
        assert {event.kind for event in answers} == {"echo-reply"}
        assert anycast not in {event.address for event in answers}
        told = [event.answered_by for event in worker.events if isinstance(event, Started)]
        assert told == [None, answers[0].address]
        assert not [event for event in worker.events if isinstance(event, Failed)]


def test_a_report_says_who_answers_instead(lab_allowed: None) -> None:
    with Chain(1) as chain:
        words = ["-I", "-m", "hopscope", "-n", "--format", "json", "-c", "2", "-i", "0.2", "-Z", "0.4", "fd00:18:a1::"]
        done = subprocess.run(
            [*as_plain_user(chain.client), *words], cwd="/", capture_output=True, text=True, check=False
        )
        report = json.loads(done.stdout)
        instead = report["target"]["answered_by"]
        assert (done.returncode, report["reached"]) == (0, True)
        assert instead in {node["address"] for hop in report["hops"] for node in hop["nodes"]}
        assert f"answers come from {instead} instead of fd00:18:a1::" in done.stderr
        assert f"answers come from {instead} instead of fd00:18:a1::" in report["note"]
