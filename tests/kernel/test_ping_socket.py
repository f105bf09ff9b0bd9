"""Ping sockets over real kernel routers."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from pathlib import Path

import pytest

from hopscope.probe.channel import ChannelRefused
from hopscope.probe.channels.ping_socket import REMEDY, PingSocketChannel
from hopscope.wire.messages import Family, Plan
from tests.kernel.judge import Run, survey_as
from tests.lab import netns
from tests.lab.capture import Capture
from tests.lab.chain import EAST, Chain
from tests.lab.drive import Driver

FAMILIES = pytest.mark.parametrize("family", [4, 6])
USERS = pytest.mark.parametrize("user", ["plain", "root"])


@FAMILIES
@USERS
def test_each_hop_is_heard_by_the_kernels_clock(chain: Chain, capture: Capture, user: str, family: Family) -> None:
    run = Run(chain, capture, user, "ping-socket", Plan(chain.destination(family), family))
    run.each_hop_answers_as_itself("echo-reply")
    run.the_answers_ttl_is_told()
    run.rtt_is_the_captures(50_000, clock="kernel")
    assert run.told["facts"] == {
        "source": chain.source(family),
        "source_port": None,
        "port": None,
        "packet_size": 64,
        "flow": "one",
        "clock": "kernel",
        "note": None,
        "answered_by": None,
        "label": None,
    }


@FAMILIES
def test_identifier_and_checksum_are_the_same_for_every_probe(chain: Chain, capture: Capture, family: Family) -> None:
    plan = Plan(chain.destination(family), family, packet_size=101, tos=0x28, pattern=0xA5)
    run = Run(chain, capture, "plain", "ping-socket", plan)
    run.each_hop_answers_as_itself("echo-reply")
    assert len({packet.checksum for packet in run.packets}) == 1
    assert len({packet.transport[4:6] for packet in run.packets}) == 1
    assert len({packet.transport[6:8] for packet in run.packets}) == len(run.packets)
    assert {(packet.length, packet.tos, packet.transport[-1]) for packet in run.packets} == {(101, 0x28, 0xA5)}


@FAMILIES
@pytest.mark.parametrize("asked", [1, 32])
def test_a_size_too_small_is_raised_to_what_is_sent(chain: Chain, capture: Capture, family: Family, asked: int) -> None:
    run = Run(chain, capture, "plain", "ping-socket", Plan(chain.destination(family), family, packet_size=asked))
    run.each_hop_answers_as_itself("echo-reply")
    smallest = {4: 30, 6: 50}[family]
    assert {packet.length for packet in run.packets} == {max(asked, smallest)} == {run.told["facts"]["packet_size"]}
    assert len({packet.checksum for packet in run.packets}) == 1


@USERS
def test_a_closed_group_range_is_refused_with_the_command_that_opens_it(in_client: Chain, user: str) -> None:
    in_client.ping_group_range(opened=False)
    try:
        states = survey_as(in_client, user, "ping-socket")
        assert [(state["family"], state["works"], state["remedy"]) for state in states] == [
            (4, False, REMEDY),
            (6, False, REMEDY),
        ]
        assert all(state["reason"] == "net.ipv4.ping_group_range (1-0) does not hold your group" for state in states)
        with pytest.raises(ChannelRefused) as refused:
            Driver(PingSocketChannel, Plan(in_client.destination(4), 4))
        assert (refused.value.reason, refused.value.remedy) == ("permission", REMEDY)
    finally:
        in_client.ping_group_range(opened=True)
    assert all(state["works"] for state in survey_as(in_client, user, "ping-socket"))


@FAMILIES
def test_an_interface_down_in_mid_trace_fails_to_send_and_heals_by_itself(in_client: Chain, family: Family) -> None:
    driver = Driver(PingSocketChannel, Plan(in_client.destination(family), family))
    try:
        assert driver.answered(driver.sweep(1, 4))
        in_client.link("down")
        try:
            for ttl in (1, 4):
                with pytest.raises(OSError) as failed:
                    driver.send(1, ttl)
                assert failed.value.errno in (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
        finally:
            in_client.link("up")
        assert driver.wait(lambda: driver.answered(driver.sweep(1, 4)), 10)
    finally:
        driver.close()


def test_an_interface_that_comes_back_as_another_one_is_used_again(lab_allowed: None) -> None:
    with Chain(1) as chain, netns.entered(chain.client):
        make = [
            f"link add name other type veth peer name other netns {chain.names[1]}",
            "address add 198.18.9.1/24 dev other",
            "link set other up",
        ]
        answer = ["address add 198.18.9.2/24 dev other", "link set other up"]
        netns.ip(make)
        netns.ip(answer, chain.names[1])
        driver = Driver(PingSocketChannel, Plan("198.18.9.2", 4, interface="other"))
        try:
            assert driver.answered(driver.sweep(1, 1))
            netns.ip(["link delete other"])
            with pytest.raises(OSError):
                driver.send(1, 1)
            netns.ip(make)
            netns.ip(answer, chain.names[1])
            assert driver.answered(driver.sweep(1, 1))
        finally:
            driver.close()


def test_a_route_that_goes_and_returns_is_this_machines_fault_meanwhile(in_client: Chain) -> None:
    driver = Driver(PingSocketChannel, Plan(in_client.destination(4), 4))
    try:
        in_client.default_routes("delete")
        try:
            with pytest.raises(OSError) as failed:
                driver.send(0, 1)
            assert failed.value.errno == errno.ENETUNREACH
            with pytest.raises(ChannelRefused) as refused:
                Driver(PingSocketChannel, Plan(in_client.destination(4), 4))
            assert refused.value.reason == "no-route"
        finally:
            in_client.default_routes("replace")
        assert driver.answered(driver.sweep(1, 4))
    finally:
        driver.close()


def test_a_source_address_that_changes_is_followed_and_told(in_client: Chain) -> None:
    driver = Driver(PingSocketChannel, Plan(in_client.destination(4), 4))
    try:
        netns.ip([f"address add 198.18.0.7/24 dev {EAST}", f"address delete 198.18.0.1/24 dev {EAST}"])
        try:
            # The kernel promotes nothing: with the first address went the routes, and the second brings none.
            netns.ip([f"address replace 198.18.0.7/24 dev {EAST}"])
            in_client.default_routes("replace")
            with pytest.raises(OSError):
                driver.send(0, 1)
            assert driver.answered(driver.sweep(1, 4))
            assert (driver.flow.info.source, driver.changes) == ("198.18.0.7", 1)
        finally:
            netns.ip([f"address replace 198.18.0.1/24 dev {EAST}", f"address delete 198.18.0.7/24 dev {EAST}"])
            netns.ip([f"address replace 198.18.0.1/24 dev {EAST}"])
            in_client.default_routes("replace")
    finally:
        driver.close()


def test_a_source_that_is_not_this_machines_is_refused(in_client: Chain) -> None:
    with pytest.raises(ChannelRefused) as refused:
        Driver(PingSocketChannel, Plan(in_client.destination(4), 4, source="192.0.2.1"))
    assert refused.value.reason == "address"
    assert "192.0.2.1" in refused.value.message


def test_an_interface_that_does_not_exist_is_refused(in_client: Chain) -> None:
    with pytest.raises(ChannelRefused) as refused:
        Driver(PingSocketChannel, Plan(in_client.destination(4), 4, interface="none0"))
    assert (refused.value.reason, refused.value.message) == ("address", "there is no interface none0")


def test_a_link_local_target_answers_with_its_zone(in_client: Chain) -> None:
    with netns.entered(in_client.names[1]):
        lines = [line.split() for line in Path("/proc/thread-self/net/if_inet6").read_text().splitlines()]
    (digits,) = (line[0] for line in lines if line[5] == "west" and line[0].startswith("fe80"))
    target = f"{ipaddress.IPv6Address(bytes.fromhex(digits))}%{EAST}"
    driver = Driver(PingSocketChannel, Plan(target, 6))
    try:
        assert driver.answered(driver.sweep(1, 1))
        assert driver.heard[0][1].address == target
        assert driver.flow.info.source is not None
        assert driver.flow.info.source.endswith(f"%{EAST}")
    finally:
        driver.close()


def test_a_next_hop_that_is_not_there_is_no_answer(in_client: Chain) -> None:
    # The machine reports EHOSTUNREACH to itself three seconds later, in its own name.
    driver = Driver(PingSocketChannel, Plan("198.18.0.99", 4))
    try:
        driver.send(0, 1)
        assert not driver.wait(lambda: bool(driver.heard), 3.5)
    finally:
        driver.close()


@FAMILIES
def test_what_the_receive_buffer_drops_is_counted_as_this_machines(in_client: Chain, family: Family) -> None:
    driver = Driver(PingSocketChannel, Plan(in_client.destination(family), family, packet_size=1200))
    try:
        (key,) = driver.watch.selector.get_map().values()
        with socket.socket(fileno=os.dup(key.fd)) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        probes = [driver.send(0, 9) for _ in range(60)]
        assert not driver.wait(lambda: driver.answered(probes), 0.2)
        assert driver.context.tally.overflow == len(probes) - len(driver.heard) > 0
    finally:
        driver.close()
