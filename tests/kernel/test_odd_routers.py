"""Routers that quote too little, fill up with zeros, add labels, or lie; met by real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hopscope.probe.channels import own_ports
from hopscope.probe.channels.own_ports import SHORT_QUOTE
from hopscope.wire.messages import Family, Label, Method, Plan, Protocol
from tests.lab import netns, odd_router
from tests.lab.drive import Driver, channel_class
from tests.lab.odd_router import ROUTER, TARGET, OddRouter, expired, header_length, icmp, mpls

pytestmark = [pytest.mark.usefixtures("lab_allowed"), pytest.mark.needs("tun")]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])


@contextmanager
def meeting(
    answer: Callable[[bytes], list[bytes]], protocol: Protocol, family: Family, size: int = 64
) -> Iterator[tuple[Driver, OddRouter]]:
    """A flow to the target, through a router that answers like that."""
    port = None if protocol == "icmp" else 33434
    make = channel_class({"icmp": "ping-socket", "udp": "udp-socket", "tcp": "tcp-socket"}[protocol])
    with OddRouter(answer) as router, netns.entered(router.name):
        driver = Driver(make, Plan(TARGET[family], family, protocol, port=port, packet_size=size))
        driver.watch.add(router.fd, router.on_ready)
        try:
            yield driver, router
        finally:
            driver.watch.remove(router.fd)
            driver.close()


@FAMILIES
@PROTOCOLS
def test_eight_quoted_bytes_are_enough(protocol: Protocol, family: Family) -> None:
    with meeting(lambda packet: [expired(packet, 8)], protocol, family) as (driver, _):
        probes = driver.sweep(2, 3)
        assert driver.answered(probes)
        assert {reply.address for _, reply in driver.heard} == {ROUTER[family]}
        assert len(driver.heard) == len(probes)


@FAMILIES
@pytest.mark.parametrize("padded", [0, 128])
def test_a_udp_flow_falls_back_to_a_port_for_each_probe_and_says_so(family: Family, padded: int) -> None:
    with meeting(lambda packet: [expired(packet, 8, padded=padded)], "udp", family) as (driver, router):
        first = driver.sweep(1, 3)
        facts = driver.flow.info
        assert (facts.flow, facts.port, facts.note, driver.changes) == ("per-probe", None, SHORT_QUOTE, 1)
        # Nothing of what was in flight is lost by it: it was sent again, and each RTT is of its second sending.
        assert driver.answered(first)
        again = driver.sweep(1, 3)
        assert driver.answered(again)
        ports = [packet[header_length(packet) :][2:4] for packet in router.seen]
        assert len(router.seen) == 9
        assert set(ports[:3]) == {(33434).to_bytes(2, "big")}
        assert len(set(ports[3:])) == 6
        assert all(line["clock"] == "kernel" for line in driver.story())
        assert driver.context.tally.foreign == driver.context.tally.malformed == 0


@FAMILIES
def test_one_short_quote_that_may_be_forged_does_not_cost_the_one_flow_for_good(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_ports, "NEEDED_NS", 0)
    quoted = [8]
    with meeting(lambda packet: [expired(packet, quoted[0])], "udp", family) as (driver, router):
        assert driver.answered(driver.sweep(1, 1))
        assert driver.flow.info.flow == "per-probe"
        quoted[0] = 44
        assert driver.answered(driver.sweep(1, 3))
        assert (driver.flow.info.flow, driver.flow.info.port, driver.flow.info.note) == ("one", 33434, None)
        assert router.seen[-1][header_length(router.seen[-1]) :][2:4] == (33434).to_bytes(2, "big")


@FAMILIES
def test_a_router_that_always_quotes_little_keeps_a_port_for_each_probe(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_ports, "NEEDED_NS", 5_000_000_000)
    with meeting(lambda packet: [expired(packet, 8)], "udp", family) as (driver, _):
        assert driver.answered(driver.sweep(3, 2))
        assert (driver.flow.info.flow, driver.changes) == ("per-probe", 1)


@FAMILIES
@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_a_quote_that_ends_within_the_cookie_is_ours(protocol: Protocol, family: Family) -> None:
    with meeting(lambda packet: [expired(packet, 15)], protocol, family) as (driver, _):
        assert driver.answered(driver.sweep(1, 3))
        assert driver.flow.info.flow == "one"


@FAMILIES
@PROTOCOLS
def test_labels_behind_a_quote_are_read(protocol: Protocol, family: Family) -> None:
    def answer(packet: bytes) -> list[bytes]:
        return [expired(packet, 88, padded=128, extension=mpls(24001))]

    with meeting(answer, protocol, family, size=128) as (driver, _):
        assert driver.answered(driver.sweep(1, 2))
        assert {reply.mpls for _, reply in driver.heard} == {(Label(24001, 0, True, 1),)}


@FAMILIES
@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_an_answer_that_quotes_another_cookie_is_foreign(protocol: Protocol, family: Family) -> None:
    def answer(packet: bytes) -> list[bytes]:
        forged = bytearray(packet)
        forged[header_length(packet) + 8 + 6] ^= 0x55  # within the cookie, behind sequence and complement
        return [expired(bytes(forged), 44)]

    with meeting(answer, protocol, family) as (driver, _):
        driver.send(0, 1)
        assert driver.wait(lambda: driver.context.tally.foreign == 1), (driver.context.tally, driver.story())
        assert driver.heard == []


@FAMILIES
@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_an_answer_to_a_sequence_never_sent_is_foreign(protocol: Protocol, family: Family) -> None:
    def answer(packet: bytes) -> list[bytes]:
        forged = bytearray(packet)
        at = header_length(packet) + (6 if protocol == "icmp" else 8)
        forged[at : at + 2] = b"\x12\x34"
        return [expired(bytes(forged), 44), expired(packet, 44)]

    with meeting(answer, protocol, family) as (driver, _):
        probe = driver.send(0, 1)
        assert driver.wait(lambda: driver.answered([probe]))
        assert driver.context.tally.foreign == 1
        assert len(driver.heard) == 1


@FAMILIES
@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_answers_that_pile_up_between_two_sends_never_fail_the_second(protocol: Protocol, family: Family) -> None:
    # Each ICMP error also leaves its errno on the socket, for the next system call to trip over.
    with meeting(lambda packet: [expired(packet, 44)] * 3, protocol, family) as (driver, router):
        probes = []
        for number in range(20):
            probes.append(driver.send(number, 1))
            router.on_ready()
        assert driver.wait(lambda: len(driver.heard) == 60)
        assert driver.answered(probes)
        assert all(line["clock"] == "kernel" for line in driver.story())


@FAMILIES
def test_an_echo_reply_with_another_payload_is_foreign(family: Family) -> None:
    def answer(packet: bytes) -> list[bytes]:
        message = packet[header_length(packet) :]
        kind = 0 if family == 4 else 129
        reply = odd_router.icmp(family, kind, message[4:], TARGET[family])
        return [odd_router.icmp(family, kind, message[4:8] + bytes(len(message) - 8), TARGET[family]), reply]

    with meeting(answer, "icmp", family) as (driver, _):
        probe = driver.send(0, 9)
        assert driver.wait(lambda: driver.answered([probe]))
        assert (driver.context.tally.foreign, len(driver.heard)) == (1, 1)
        assert driver.heard[0][1].kind == "echo-reply"


# Over IPv4 these sockets' probes may be cut up on the way (no "don't fragment"), and no router says so.
@pytest.mark.parametrize(
    ("method", "protocol", "family"),
    [("ping-socket", "icmp", 6), ("udp-socket", "udp", 6), ("raw", "icmp", 6), ("raw", "icmp", 4)],
)
def test_what_a_router_says_of_the_largest_packet_comes_along(
    method: Method, protocol: Protocol, family: Family
) -> None:
    told = 1300

    def too_big(packet: bytes) -> list[bytes]:
        kind, code = (3, 4) if family == 4 else (2, 0)
        return [icmp(family, kind, told.to_bytes(4, "big") + packet[:400], ROUTER[family], code=code)]

    port = 33434 if protocol == "udp" else None
    with OddRouter(too_big) as router, netns.entered(router.name):
        driver = Driver(
            channel_class(method), Plan(TARGET[family], family, protocol, method, port=port, packet_size=1400)
        )
        try:
            probe = driver.send(0, 2)
            router.on_ready()
            assert driver.wait(lambda: driver.answered([probe]))
            ((_, reply),) = driver.heard
            assert (reply.kind, reply.mtu, reply.quoted_dscp) == ("fragmentation-needed", told, None)
        finally:
            driver.close()
