"""TCP sockets over real kernel routers."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from hopscope.probe.channels.tcp_socket import TcpSocketChannel
from hopscope.probe.one_at_a_time import HEARING_NS
from hopscope.wire.messages import Family, Plan
from tests.kernel.judge import ROUNDS, Run, survey_as
from tests.lab import netns
from tests.lab.capture import NUMBERS, Capture
from tests.lab.chain import Chain
from tests.lab.drive import Driver

FAMILIES = pytest.mark.parametrize("family", [4, 6])
USERS = pytest.mark.parametrize("user", ["plain", "root"])
CLOSED = 9


@FAMILIES
@USERS
def test_routers_and_an_open_port_are_heard(chain: Chain, capture: Capture, user: str, family: Family) -> None:
    plan = Plan(chain.destination(family), family, "tcp", port=chain.listen(family))
    run = Run(chain, capture, user, "tcp-socket", plan)
    run.each_hop_answers_as_itself("tcp-open")
    run.rtt_is_the_captures(50_000, clock="kernel", ttls=range(4, 5))
    run.rtt_is_the_captures(100_000, clock="program", ttls=range(1, 4))


@FAMILIES
@USERS
def test_a_closed_port_answers_too(chain: Chain, capture: Capture, user: str, family: Family) -> None:
    run = Run(chain, capture, user, "tcp-socket", Plan(chain.destination(family), family, "tcp", port=CLOSED))
    run.each_hop_answers_as_itself("tcp-reset")
    run.rtt_is_the_captures(100_000, clock="program", ttls=range(1, 4))


@FAMILIES
def test_each_ttl_keeps_its_source_port(chain: Chain, capture: Capture, family: Family) -> None:
    run = Run(chain, capture, "plain", "tcp-socket", Plan(chain.destination(family), family, "tcp", port=CLOSED))
    by_ttl = [{packet.ports for packet in run.packets[ttl :: run.ttls]} for ttl in range(run.ttls)]
    assert [len(ports) for ports in by_ttl] == [1] * run.ttls
    assert len(run.packets) == ROUNDS * run.ttls
    facts = run.told["facts"]
    assert (facts["flow"], facts["clock"], facts["port"]) == ("per-ttl", "program", CLOSED)
    assert {packet.length for packet in run.packets} == {facts["packet_size"]}


@FAMILIES
def test_a_lone_probes_reset_is_near_the_captures(in_client: Chain, capture: Capture, family: Family) -> None:
    destination = in_client.destination(family)
    driver = Driver(TcpSocketChannel, Plan(destination, family, "tcp", port=CLOSED))
    try:
        told = []
        for number in range(9):
            probe = driver.send(number, 4)
            assert driver.wait(lambda probe=probe: driver.answered([probe]))  # type: ignore[misc] # a lambda's default
        told = [line["rtt_ns"] for line in driver.story()]
    finally:
        driver.close()
    seen = [trip.rtt_ns for trip in capture.round_trips(NUMBERS["tcp", family], destination)]
    # The kernel stamps no refusal: this is how fast the program wakes up, here and now.
    off = sorted(abs(one - other) for one, other in zip(told, seen, strict=True))
    assert off[len(off) // 2] <= 200_000, off


@FAMILIES
def test_an_unanswered_syn_is_never_sent_again(in_client: Chain, capture: Capture, family: Family) -> None:
    silent = {4: "198.18.3.77", 6: "fd00:18:a3::77"}[family]  # on the last link, and nobody's
    driver = Driver(TcpSocketChannel, Plan(silent, family, "tcp", port=CLOSED))
    try:
        first, second = driver.send(0, 4), driver.send(1, 4)
        due = driver.channel.deadline()
        assert due == first.sent_mono + HEARING_NS
        assert not driver.wait(lambda: bool(driver.heard), 1.3)
        assert driver.channel.deadline() is None
        third = driver.send(2, 4)
        driver.flow.forget(third)
        assert driver.channel.deadline() is None
    finally:
        driver.close()
    syns = [trip.probe.ports for trip in capture.round_trips(NUMBERS["tcp", family], silent)]
    assert len(syns) == 3, second
    # Two at once cannot have the same ends; when one is over, its port is the TTL's again.
    assert syns[0] != syns[1]
    assert syns[2] == syns[0]


def test_a_connection_leaves_nothing_behind(in_client: Chain) -> None:
    driver = Driver(TcpSocketChannel, Plan(in_client.destination(4), 4, "tcp", port=in_client.listen(4)))
    try:
        before = len(os.listdir("/proc/self/fd"))
        assert driver.answered(driver.sweep(5, 4))
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        driver.close()
    with open("/proc/thread-self/net/tcp", encoding="ascii") as table:
        assert len(table.readlines()) == 1


def test_the_machine_itself_answers_at_once(in_client: Chain) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        for port, kind in ((listener.getsockname()[1], "tcp-open"), (CLOSED, "tcp-reset")):
            driver = Driver(TcpSocketChannel, Plan("127.0.0.1", 4, "tcp", port=port))
            try:
                assert driver.answered(driver.sweep(2, 1))
                assert {(reply.address, reply.kind) for _, reply in driver.heard} == {("127.0.0.1", kind)}
            finally:
                driver.close()


def test_the_survey_says_that_everybody_may(chain: Chain) -> None:
    states = survey_as(chain, "plain", "tcp-socket")
    assert [(state["protocol"], state["family"], state["works"]) for state in states] == [
        ("tcp", 4, True),
        ("tcp", 6, True),
    ]


@FAMILIES
def test_an_interface_down_in_mid_trace_fails_to_send_and_heals_by_itself(in_client: Chain, family: Family) -> None:
    driver = Driver(TcpSocketChannel, Plan(in_client.destination(family), family, "tcp", port=CLOSED))
    try:
        assert driver.answered(driver.sweep(1, 4))
        in_client.link("down")
        try:
            with pytest.raises(OSError) as failed:
                driver.send(1, 1)
            assert failed.value.errno in (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
        finally:
            in_client.link("up")
        assert driver.wait(lambda: driver.answered(driver.sweep(1, 4)), 10)
    finally:
        driver.close()


def test_a_port_that_something_else_holds_is_replaced(in_client: Chain) -> None:
    driver = Driver(TcpSocketChannel, Plan(in_client.destination(4), 4, "tcp", port=CLOSED))
    try:
        (probe,) = driver.sweep(1, 1)
        assert driver.answered([probe])
        flow = driver.flow
        port = flow._ports._ports[1][0]  # type: ignore[attr-defined] # the test takes this very port away
        with netns.entered(in_client.client), socket.socket() as other:
            other.bind(("198.18.0.1", port))
            other.listen()
            assert driver.answered(driver.sweep(1, 1))
        assert driver.answered(driver.sweep(1, 1))
    finally:
        driver.close()
