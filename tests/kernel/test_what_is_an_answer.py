"""Which messages answer a probe, and how well an answer is vouched for, by every method."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hopscope.probe.channels.own_ports import OPEN_PORT
from hopscope.wire.messages import Family, Plan, Protocol
from tests.lab import netns
from tests.lab.drive import Driver, channel_class
from tests.lab.odd_router import TARGET, OddRouter, echoed, expired, header_length, icmp, ttl_of

pytestmark = [pytest.mark.usefixtures("lab_allowed"), pytest.mark.needs("tun")]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PLAIN: list[tuple[str, Protocol]] = [("ping-socket", "icmp"), ("udp-socket", "udp"), ("tcp-socket", "tcp")]
RAW: list[tuple[str, Protocol]] = [("raw", "icmp"), ("raw", "udp"), ("raw", "tcp")]
PORTS: dict[str, int] = {"udp": 33434, "tcp": 80}
GATEWAY = {4: "198.18.0.254", 6: "fe80::254"}


@contextmanager
def meeting(
    answer: Callable[[bytes], list[bytes]], method: str, protocol: Protocol, family: Family
) -> Iterator[Driver]:
    """A flow to the target, through a router that answers like that."""
    with OddRouter(answer) as router, netns.entered(router.name):
        driver = Driver(channel_class(method), Plan(TARGET[family], family, protocol, port=PORTS.get(protocol)))
        driver.watch.add(router.fd, router.on_ready)
        try:
            yield driver
        finally:
            driver.watch.remove(router.fd)
            driver.close()


def redirect(packet: bytes) -> bytes:
    """A redirect for `packet`, which its sender forwards all the same."""
    better = bytes([198, 18, 0, 9])
    return icmp(4, 5, better + packet, GATEWAY[4], code=1)


def quench(packet: bytes) -> bytes:
    """A source quench for `packet`."""
    return icmp(4, 4, bytes(4) + packet, GATEWAY[4])


@pytest.mark.parametrize("told", [redirect, quench])
@pytest.mark.parametrize(("method", "protocol"), PLAIN + RAW)
def test_what_a_gateway_says_of_the_route_is_no_answer(
    method: str, protocol: Protocol, told: Callable[[bytes], bytes]
) -> None:
    with meeting(lambda packet: [told(packet), expired(packet, 44)], method, protocol, 4) as driver:
        probes = driver.sweep(3, 2)
        assert driver.answered(probes)
        assert GATEWAY[4] not in {reply.address for _, reply in driver.heard}
        assert len(driver.heard) == len(probes)  # and the true answer is no duplicate


@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), PLAIN + RAW)
def test_a_whole_quote_vouches_for_an_answer(method: str, protocol: Protocol, family: Family) -> None:
    with meeting(lambda packet: [expired(packet, 44)], method, protocol, family) as driver:
        assert driver.answered(driver.sweep(1, 2))
        assert {reply.vouched for _, reply in driver.heard} == {True}


@pytest.mark.parametrize(
    ("method", "protocol", "family"),
    # Eight bytes of a raw UDP probe name nothing of it in IPv6, which has no identification.
    [(*way, family) for way in PLAIN + RAW for family in (4, 6) if (*way, family) != ("raw", "udp", 6)],
)
def test_the_shortest_quote_is_told_apart_where_it_shows_nothing_random(
    method: str, protocol: Protocol, family: Family
) -> None:
    with meeting(lambda packet: [expired(packet, 8)], method, protocol, family) as driver:
        assert driver.answered(driver.sweep(1, 2))
        # The kernel compares a SYN's whole sequence number; raw sees the random identification of IPv4.
        vouched = protocol == "tcp" or (method, protocol, family) == ("raw", "icmp", 4)
        assert {reply.vouched for _, reply in driver.heard} == {vouched}


@FAMILIES
@pytest.mark.parametrize(("method", "protocol"), [("ping-socket", "icmp"), ("raw", "icmp"), ("raw", "udp")])
def test_sequence_numbers_begin_where_nobody_can_guess(method: str, protocol: Protocol, family: Family) -> None:
    with meeting(lambda packet: [], method, protocol, family) as driver:
        firsts = {driver.flow.first_sequence() for _ in range(64)}
        assert len(firsts) > 32
        assert firsts <= set(range(1 << 16))


def test_the_identification_of_a_whole_packet_does_not_follow_from_its_sequence_number() -> None:
    gaps = set()
    for _ in range(4):
        seen: list[bytes] = []
        with meeting(lambda packet, seen=seen: seen.append(packet) or [], "raw", "icmp", 4) as driver:  # type: ignore[misc]
            driver.send(0, 1)
            assert driver.wait(lambda seen=seen: bool(seen))  # type: ignore[misc]
        (packet,) = seen
        (number,) = struct.unpack_from("!H", packet, 4)
        (sequence,) = struct.unpack_from("!H", packet, header_length(packet) + 6)
        gaps.add(number - sequence & 0xFFFF)
    assert len(gaps) > 1


@FAMILIES
@pytest.mark.parametrize("method", ["udp-socket", "raw"])
def test_who_writes_blindly_from_a_dead_targets_port_is_not_taken_for_the_target(method: str, family: Family) -> None:
    def answer(packet: bytes) -> list[bytes]:
        if ttl_of(packet) < 3:
            return [expired(packet, 44)]
        # A stranger knows address and port of the target, hits the source port, and has not seen the probe.
        at = header_length(packet)
        ends = packet[at : at + 2] + PORTS["udp"].to_bytes(2, "big")
        guess = packet[:at] + ends + packet[at + 4 : at + 8] + b"\x5a" * (len(packet) - at - 8)
        return [echoed(guess), echoed(guess)]

    with meeting(answer, method, "udp", family) as driver:
        assert driver.answered(driver.sweep(2, 2))
        beyond = [driver.send(2, 3), driver.send(3, 3)]
        driver.wait(lambda: driver.context.tally.foreign >= 2)
        assert not driver.wait(lambda: any(driver.answered([probe]) for probe in beyond), 0.2)
        assert (driver.flow.info.flow, driver.flow.info.note) == ("per-probe", OPEN_PORT)
