"""UDP sockets over real kernel routers."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hopscope.probe.channels.own_ports import OPEN_PORT
from hopscope.probe.channels.udp_socket import UdpSocketChannel
from hopscope.wire.messages import Family, Plan
from tests.kernel.judge import Run, survey_as
from tests.lab import netns
from tests.lab.capture import NUMBERS, Capture
from tests.lab.chain import Chain
from tests.lab.drive import Driver

FAMILIES = pytest.mark.parametrize("family", [4, 6])
USERS = pytest.mark.parametrize("user", ["plain", "root"])


@contextmanager
def service(chain: Chain, family: Family, answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A UDP service at the target, until the block ends."""
    with netns.entered(chain.target):
        sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind((chain.destination(family), 0))

    def serve() -> None:
        while True:
            data, address = sock.recvfrom(2048)
            if data == b"end":
                return
            sock.sendto(answer(data), address)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(sock.getsockname()[1])
    finally:
        with netns.entered(chain.target), socket.socket(sock.family, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", sock.getsockname())
        thread.join()
        sock.close()


@FAMILIES
@USERS
def test_each_hop_is_heard_by_the_kernels_clock(chain: Chain, capture: Capture, user: str, family: Family) -> None:
    run = Run(chain, capture, user, "udp-socket", Plan(chain.destination(family), family, "udp", port=33434))
    run.each_hop_answers_as_itself("port-unreachable")
    run.the_answers_ttl_is_told()
    run.rtt_is_the_captures(50_000, clock="kernel")
    facts = run.told["facts"]
    assert (facts["flow"], facts["clock"], facts["note"]) == ("one", "kernel", None)
    assert (facts["source"], facts["source_port"]) == (chain.source(family), run.packets[0].ports[0])


@FAMILIES
@pytest.mark.parametrize("asked", [1, 64, 1201])
def test_ports_and_checksum_are_the_same_for_every_probe(
    chain: Chain, capture: Capture, family: Family, asked: int
) -> None:
    plan = Plan(chain.destination(family), family, "udp", port=4242, packet_size=asked, tos=0x28)
    run = Run(chain, capture, "plain", "udp-socket", plan)
    run.each_hop_answers_as_itself("port-unreachable")
    assert len({packet.ports for packet in run.packets}) == 1
    assert len({packet.checksum for packet in run.packets}) == 1
    assert run.packets[0].ports[1] == 4242
    smallest = {4: 32, 6: 52}[family]
    assert {packet.length for packet in run.packets} == {max(asked, smallest)} == {run.told["facts"]["packet_size"]}
    assert {packet.tos for packet in run.packets} == {0x28}


def test_the_survey_says_that_everybody_may(chain: Chain) -> None:
    states = survey_as(chain, "plain", "udp-socket")
    assert [(state["protocol"], state["family"], state["works"]) for state in states] == [
        ("udp", 4, True),
        ("udp", 6, True),
    ]


@FAMILIES
def test_a_service_that_sends_back_what_it_got_names_the_probe(in_client: Chain, family: Family) -> None:
    with service(in_client, family, lambda data: data) as port:
        driver = Driver(UdpSocketChannel, Plan(in_client.destination(family), family, "udp", port=port))
        try:
            probes = [driver.send(0, ttl) for ttl in (4, 5, 6)]
            assert driver.wait(lambda: driver.answered(probes))
            assert {(reply.address, reply.kind, reply.icmp_type) for _, reply in driver.heard} == {
                (in_client.destination(family), "other", None)
            }
            assert driver.flow.info.flow == "one"
            assert [probe.sent_stamp > 0 for probe in probes] == [True] * 3
        finally:
            driver.close()


@FAMILIES
def test_an_open_port_whose_answers_name_no_probe_makes_the_flow_fall_back(
    in_client: Chain, capture: Capture, family: Family
) -> None:
    with service(in_client, family, lambda data: b"") as port:
        destination = in_client.destination(family)
        driver = Driver(UdpSocketChannel, Plan(destination, family, "udp", port=port))
        try:
            probes = [driver.send(0, ttl) for ttl in (1, 4, 5)]
            assert driver.wait(lambda: driver.answered(probes))
            assert {(probe.ttl, reply.kind) for probe, reply in driver.heard} == {
                (1, "time-exceeded"),
                (4, "port-unreachable"),
                (5, "port-unreachable"),
            }
            assert (driver.flow.info.flow, driver.flow.info.note, driver.changes) == ("per-probe", OPEN_PORT, 1)
            assert driver.answered(driver.sweep(1, 4))
            trips = capture.round_trips(NUMBERS["udp", family], destination)
            assert len({trip.probe.ports[1] for trip in trips[-4:]}) == 4
        finally:
            driver.close()


@FAMILIES
def test_a_word_of_an_open_port_that_names_no_probe_makes_it_ask_again_at_a_port_of_its_own(
    in_client: Chain, family: Family
) -> None:
    with service(in_client, family, lambda data: b"hello") as port:
        driver = Driver(UdpSocketChannel, Plan(in_client.destination(family), family, "udp", port=port))
        try:
            assert driver.answered(driver.sweep(1, 1))
            probe = driver.send(1, 4)
            assert driver.wait(lambda: driver.answered([probe]))
            assert driver.heard[-1][1].kind == "port-unreachable"
            assert (driver.flow.info.flow, driver.flow.info.note) == ("per-probe", OPEN_PORT)
        finally:
            driver.close()


@FAMILIES
def test_an_interface_down_in_mid_trace_fails_to_send_and_heals_by_itself(in_client: Chain, family: Family) -> None:
    driver = Driver(UdpSocketChannel, Plan(in_client.destination(family), family, "udp", port=33434))
    try:
        assert driver.answered(driver.sweep(1, 4))
        port = driver.flow.info.source_port
        in_client.link("down")
        try:
            with pytest.raises(OSError) as failed:
                driver.send(1, 1)
            assert failed.value.errno in (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
        finally:
            in_client.link("up")
        assert driver.wait(lambda: driver.answered(driver.sweep(1, 4)), 10)
        assert driver.flow.info.source_port == port
    finally:
        driver.close()


def test_a_strangers_datagram_is_foreign(in_client: Chain) -> None:
    driver = Driver(UdpSocketChannel, Plan(in_client.destination(4), 4, "udp", port=33434))
    try:
        probe = driver.send(0, 30)
        with netns.entered(in_client.names[1]), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            port = driver.flow.info.source_port
            assert port is not None
            stranger.sendto(probe.seq.to_bytes(2, "big") * 8, ("198.18.0.1", port))
        assert driver.wait(lambda: driver.context.tally.foreign == 1 and driver.answered([probe]))
        assert [reply.kind for _, reply in driver.heard] == ["port-unreachable"]
    finally:
        driver.close()
