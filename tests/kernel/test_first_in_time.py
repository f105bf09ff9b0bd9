"""Whoever answered first is the answer, whatever queue and whatever socket it lies in, and however late it is read."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hopscope.probe.inbox import BURST
from hopscope.wire.messages import Answered, Batching, Duplicate, Family, Finished, Method, Plan, Protocol
from tests.kernel.test_overflow import Worker
from tests.lab import netns
from tests.lab.drive import Driver, channel_class
from tests.lab.odd_router import ROUTER, SOURCE, TARGET, OddRouter, echoed, icmp, prohibited

pytestmark = [pytest.mark.usefixtures("lab_allowed"), pytest.mark.needs("tun")]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
WAYS: list[tuple[str, Protocol]] = [
    ("ping-socket", "icmp"),
    ("udp-socket", "udp"),
    ("tcp-socket", "tcp"),
    ("raw", "icmp"),
    ("raw", "udp"),
    ("raw", "tcp"),
    ("scapy", "icmp"),
    ("scapy", "udp"),
    ("scapy", "tcp"),
]
KINDS = {"icmp": "echo-reply", "udp": "other", "tcp": "tcp-reset"}
PORTS = {"icmp": None, "udp": 33434, "tcp": 80}


@contextmanager
def meeting(
    answer: Callable[[bytes], list[bytes]], method: str, protocol: Protocol, family: Family
) -> Iterator[tuple[Driver, OddRouter]]:
    """A flow to the target, through a router that answers like that when the test tells it to."""
    with OddRouter(answer) as router, netns.entered(router.name):
        driver = Driver(channel_class(method), Plan(TARGET[family], family, protocol, port=PORTS[protocol]))
        try:
            yield driver, router
        finally:
            driver.close()


@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), WAYS)
def test_a_strangers_later_error_does_not_displace_the_targets_answer(
    method: str, protocol: Protocol, family: Family
) -> None:
    with meeting(lambda packet: [echoed(packet), prohibited(packet)], method, protocol, family) as (driver, router):
        probe = driver.send(0, 9)
        router.on_ready()  # both answers lie there before the first is read
        assert driver.wait(lambda: driver.answered([probe]))
        first = driver.heard[0][1]
        assert (first.address, first.kind) == (TARGET[family], KINDS[protocol])


@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), WAYS)
def test_an_error_that_came_before_the_targets_answer_is_the_first(
    method: str, protocol: Protocol, family: Family
) -> None:
    with meeting(lambda packet: [prohibited(packet), echoed(packet)], method, protocol, family) as (driver, router):
        probe = driver.send(0, 9)
        router.on_ready()
        assert driver.wait(lambda: driver.answered([probe]))
        first = driver.heard[0][1]
        assert (first.address, first.kind) == (ROUTER[family], "prohibited")


@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), WAYS[:2])
def test_an_error_that_is_read_while_the_next_probe_is_sent_waits_for_its_turn(
    method: str, protocol: Protocol, family: Family
) -> None:
    with meeting(lambda packet: [echoed(packet), prohibited(packet)], method, protocol, family) as (driver, router):
        probe = driver.send(0, 9)
        router.on_ready()
        router.answer = lambda packet: []
        driver.send(1, 9)  # which looks for its stamp on the error queue
        assert driver.wait(lambda: driver.answered([probe]))
        assert [(of.round, reply.address) for of, reply in driver.heard[:2]] == [
            (0, TARGET[family]),
            (0, ROUTER[family]),
        ]


@FAMILIES
def test_a_flood_of_datagrams_leaves_the_schedule_its_turn(lab_allowed: None, family: Family) -> None:
    with meeting(lambda packet: [echoed(packet)], "udp-socket", "udp", family) as (driver, router):
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        stranger = socket.socket(kind, socket.SOCK_DGRAM)
        with stranger:
            for _ in range(4 * BURST):
                stranger.sendto(b"?", (SOURCE[family], driver.flow.info.source_port))
        (key,) = [key for key in driver.watch.selector.get_map().values() if key.fd != router.fd]
        turns = 0
        while driver.context.tally.foreign < 4 * BURST:
            before = driver.context.tally.foreign
            key.data()
            turns += 1
            assert 0 < driver.context.tally.foreign - before <= BURST
            assert turns > 3 or driver.channel.has_backlog
        key.data()
        assert not driver.channel.has_backlog


@FAMILIES
def test_what_raw_sockets_still_hold_after_a_turn_is_not_left_for_the_next_probe(family: Family) -> None:
    with meeting(lambda packet: [], "raw", "icmp", family) as (driver, router):
        nobodys = icmp(family, 0 if family == 4 else 129, b"\x12\x34\x56\x78" + bytes(40), TARGET[family])
        for _ in range(3 * BURST):
            os.write(router.fd, nobodys)
        keys = [key for key in driver.watch.selector.get_map().values() if key.fd != router.fd]
        for turn in range(1, 4):
            for key in keys:
                key.data()
            assert driver.channel.deadline() == 0
            driver.channel.work(0)
            assert driver.context.tally.foreign == turn * BURST
            if turn < 3:
                assert driver.channel.has_backlog
                assert driver.channel.deadline() == 0


@FAMILIES
@pytest.mark.parametrize(
    ("method", "protocol"),
    [("ping-socket", "icmp"), ("udp-socket", "udp"), ("raw", "icmp"), ("raw", "udp"), ("raw", "tcp")],
)
def test_a_worker_that_lets_answers_lie_hears_the_target_first_all_the_same(
    method: Method, protocol: Protocol, family: Family
) -> None:
    before: list[bytes] = []

    def answer(packet: bytes) -> list[bytes]:
        late = [prohibited(earlier) for earlier in before[-1:]]  # of the probe before, a whole interval later
        before.append(packet)
        return [echoed(packet), *late]

    plan = Plan(
        TARGET[family],
        family,
        protocol,
        method,
        PORTS[protocol],
        interval_ns=200_000_000,
        timeout_ns=1_000_000_000,
        max_ttl=1,
        rounds=8,
    )
    with OddRouter(answer) as net, Worker(net, plain=method != "raw") as worker:
        worker.say(plan, Batching(500_000_000))
        worker.until(lambda: bool(worker.heard(Finished)))
        answers = [event for event in worker.events if type(event) is Answered]
        assert {event.address for event in answers} == {TARGET[family]}
        assert len(answers) == 8
        assert all(event.rtt_ns < 100_000_000 for event in answers)
        strangers = [event for event in worker.events if isinstance(event, Duplicate)]
        assert {event.address for event in strangers} == {ROUTER[family]}
