"""Whole packets through raw sockets, over real kernel routers."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from hopscope.probe.channel import ChannelRefused
from hopscope.probe.channels.raw import REMEDY, RawChannel, open_sockets
from hopscope.probe.sockets import raw_sockets
from hopscope.wire.messages import Family, Kind, Plan, Protocol
from tests.kernel.judge import Run, survey_as
from tests.lab import netns
from tests.lab.capture import Capture
from tests.lab.chain import EAST, Chain
from tests.lab.drive import Driver

FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
LAST = {"icmp": "echo-reply", "udp": "port-unreachable", "tcp": "tcp-reset"}


def driver_of(plan: Plan) -> Driver:
    return Driver(lambda context: RawChannel(context, open_sockets()), plan)


@FAMILIES
@PROTOCOLS
def test_each_hop_is_heard_by_the_kernels_clock(
    chain: Chain, capture: Capture, protocol: Protocol, family: Family
) -> None:
    run = Run(chain, capture, "root", "raw", Plan(chain.destination(family), family, protocol))
    run.each_hop_answers_as_itself(LAST[protocol])
    run.the_answers_ttl_is_told()
    run.rtt_is_the_captures(50_000, clock="kernel")


@FAMILIES
@PROTOCOLS
def test_all_probes_are_one_flow_on_the_wire(
    chain: Chain, capture: Capture, protocol: Protocol, family: Family
) -> None:
    plan = Plan(chain.destination(family), family, protocol, packet_size=101, tos=0x28, pattern=0xA5)
    run = Run(chain, capture, "root", "raw", plan)
    run.each_hop_answers_as_itself(LAST[protocol])
    size = {4: 44, 6: 64}[family] if protocol == "tcp" else 101
    assert {(packet.length, packet.tos) for packet in run.packets} == {(size, 0x28)}
    assert len({packet.checksum for packet in run.packets}) == 1
    assert len({packet.transport for packet in run.packets}) == len(run.packets)
    if protocol == "icmp":
        assert len({packet.transport[4:6] for packet in run.packets}) == 1
    else:
        facts = run.told["facts"]
        assert {packet.ports for packet in run.packets} == {(facts["source_port"], facts["port"])}
        assert facts["port"] == {"udp": 33434, "tcp": 80}[protocol]


@FAMILIES
def test_an_open_port_answers_as_one(in_client: Chain, family: Family) -> None:
    driver = driver_of(Plan(in_client.destination(family), family, "tcp", port=in_client.listen(family)))
    try:
        for number in range(3):
            probe = driver.send(number, 30)
            assert driver.wait(lambda probe=probe: driver.answered([probe]))  # type: ignore[misc] # a lambda's default
        assert {reply.kind for _, reply in driver.heard} == {"tcp-open"}
    finally:
        driver.close()


@FAMILIES
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(lambda data: data, "other", id="echo"),
        pytest.param(lambda data: data[:2] + b"as DNS", "other", id="begins as the probe"),
        pytest.param(lambda data: b"go away", "port-unreachable", id="names none: asked again at a port of its own"),
    ],
)
def test_a_datagram_of_the_target_is_an_answer_where_it_names_the_probe(
    in_client: Chain, family: Family, answer: Callable[[bytes], bytes], kind: Kind
) -> None:
    with netns.entered(in_client.target):
        service = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    with service:
        service.bind((in_client.destination(family), 0))
        service.settimeout(5)
        driver = driver_of(Plan(in_client.destination(family), family, "udp", port=service.getsockname()[1]))
        try:
            sent = [driver.send(0, ttl) for ttl in (1, 2, 3)]
            assert driver.wait(lambda: driver.answered(sent))
            probe = driver.send(0, 4)
            data, client = service.recvfrom(2048)
            service.sendto(answer(data), client)
            assert driver.wait(lambda: driver.answered([probe]))
            reply = driver.heard[-1][1]
            assert (reply.address, reply.kind) == (in_client.destination(family), kind)
            assert driver.flow.info.flow == ("one" if kind == "other" else "per-probe")
        finally:
            driver.close()


def test_targets_that_share_the_sockets_never_mix_their_answers(in_client: Chain) -> None:
    plans = [
        Plan(in_client.destination(family), family, protocol)
        for family in (4, 6)
        for protocol in ("icmp", "udp", "tcp")
        for _ in range(2)
    ]
    driver = driver_of(plans[0])
    try:
        flows = [driver.flow, *(driver.channel.open(number, plan) for number, plan in enumerate(plans[1:], 2))]
        probes = []
        for number, flow in enumerate(flows, 1):
            for ttl in range(1, 5):
                driver.flow = flow
                driver.seq = ttl
                probe = driver.send(0, ttl)
                probe.target = number
                probes.append(probe)
        assert driver.wait(lambda: driver.answered(probes))
        assert len(driver.heard) == len(probes)
        for probe, reply in driver.heard:
            assert reply.address == in_client.hop(probe.ttl, plans[probe.target - 1].family)
    finally:
        driver.close()


def test_what_answers_no_probe_of_ours_is_counted_as_foreign(in_client: Chain) -> None:
    driver = driver_of(Plan(in_client.destination(4), 4))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as other:
            other.sendto(bytes.fromhex("0800f7fd00010001"), (in_client.destination(4), 0))
            assert driver.wait(lambda: driver.context.tally.foreign == 1)
        assert driver.heard == []
    finally:
        driver.close()


@FAMILIES
def test_answers_that_the_buffer_drops_are_this_machines_overflow(in_client: Chain, family: Family) -> None:
    sockets = open_sockets()
    sockets.families[family].icmp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
    driver = Driver(lambda context: RawChannel(context, sockets), Plan(in_client.destination(family), family))
    try:
        for _ in range(50):
            driver.send(0, 1)
        assert driver.wait(lambda: bool(driver.heard))
        # The kernel tells of what it dropped with the next answer that it keeps.
        last = driver.send(1, 1)
        assert driver.wait(lambda: driver.answered([last]))
        assert driver.context.tally.overflow == 51 - len(driver.heard) > 0
    finally:
        driver.close()


@FAMILIES
def test_the_tcp_listener_lets_nothing_in_but_answers_to_its_ports(in_client: Chain, family: Family) -> None:
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    sockets = open_sockets()
    try:
        listener = sockets.families[family].tcp
        port = in_client.listen(family)
        with socket.socket(kind, socket.SOCK_STREAM) as wanted, socket.socket(kind, socket.SOCK_STREAM) as other:
            for sock in (wanted, other):
                sock.bind((in_client.source(family), 0))
            raw_sockets.attach_port_filter(listener, family, [1, wanted.getsockname()[1], 65535])
            for sock in (other, wanted):
                sock.connect((in_client.destination(family), port))
                sock.sendall(b"x")
            data = listener.recv(2048)
            at = (data[0] & 15) * 4 if family == 4 else 0
            assert struct.unpack_from("!HH", data, at) == (port, wanted.getsockname()[1])
            with pytest.raises(BlockingIOError):
                listener.recv(2048)
    finally:
        sockets.close()


@FAMILIES
@PROTOCOLS
def test_an_interface_down_in_mid_trace_fails_to_send_and_heals_by_itself(
    in_client: Chain, protocol: Protocol, family: Family
) -> None:
    driver = driver_of(Plan(in_client.destination(family), family, protocol))
    try:
        assert driver.answered(driver.sweep(1, 4))
        in_client.link("down")
        try:
            with pytest.raises(OSError) as failed:
                driver.send(1, 1)
            assert failed.value.errno in (errno.ENETUNREACH, errno.ENETDOWN)
        finally:
            in_client.link("up")
        assert driver.wait(lambda: driver.answered(driver.sweep(1, 4)), 10)
        stamps = [probe.sent_stamp for probe in driver.sweep(1, 4)]
        assert all(stamps)
    finally:
        driver.close()


@PROTOCOLS
def test_a_source_address_that_changes_is_followed_and_told(in_client: Chain, protocol: Protocol) -> None:
    driver = driver_of(Plan(in_client.destination(4), 4, protocol))
    port = driver.flow.info.source_port
    try:
        in_client.default_routes("delete")
        netns.ip([f"address add 198.18.0.7/24 dev {EAST}", "route add default via 198.18.0.2 src 198.18.0.7"])
        try:
            assert driver.flow.follow()
            assert driver.answered(driver.sweep(1, 4))
            assert (driver.flow.info.source, driver.flow.info.source_port) == ("198.18.0.7", port)
            assert driver.changes == 1
        finally:
            netns.ip(["route delete default", f"address delete 198.18.0.7/24 dev {EAST}"])
            in_client.default_routes("replace")
    finally:
        driver.close()


@FAMILIES
@PROTOCOLS
def test_a_source_and_an_interface_that_are_asked_for_are_used(
    in_client: Chain, protocol: Protocol, family: Family
) -> None:
    source = {4: "198.18.0.9", 6: "fd00:18:a0::9"}[family]
    netns.ip([f"address add {source}/{24 if family == 4 else 64} dev {EAST} {'nodad' if family == 6 else ''}"])
    try:
        netns.until_local(in_client.client, [source] if family == 6 else [])
        plan = Plan(in_client.destination(family), family, protocol, source=source, interface=EAST)
        driver = driver_of(plan)
        try:
            assert driver.flow.info.source == source
            assert driver.answered(driver.sweep(1, 4))
        finally:
            driver.close()
    finally:
        netns.ip([f"address delete {source}/{24 if family == 4 else 64} dev {EAST}"])


def test_a_source_that_is_not_this_machines_is_refused(in_client: Chain) -> None:
    with pytest.raises(ChannelRefused) as refused:
        driver_of(Plan(in_client.destination(4), 4, source="192.0.2.1"))
    assert (refused.value.reason, "192.0.2.1" in refused.value.message) == ("address", True)


def test_a_link_local_target_answers_with_its_zone(in_client: Chain) -> None:
    with netns.entered(in_client.names[1]):
        lines = [line.split() for line in Path("/proc/thread-self/net/if_inet6").read_text().splitlines()]
    (digits,) = (line[0] for line in lines if line[5] == "west" and line[0].startswith("fe80"))
    target = f"{ipaddress.IPv6Address(bytes.fromhex(digits))}%{EAST}"
    driver = driver_of(Plan(target, 6))
    try:
        assert driver.answered(driver.sweep(1, 1))
        assert driver.heard[0][1].address == target
    finally:
        driver.close()


def test_a_next_hop_that_is_not_there_is_no_answer(in_client: Chain) -> None:
    # The machine reports host unreachable to itself, in its own name.
    netns.sysctl(in_client.client, {"ipv4.neigh.east.retrans_time_ms": "20"})
    driver = driver_of(Plan("198.18.0.99", 4))
    try:
        driver.send(0, 1)
        assert not driver.wait(lambda: bool(driver.heard), 1.0)
        assert driver.context.tally.foreign == 0
    finally:
        driver.close()
        netns.sysctl(in_client.client, {"ipv4.neigh.east.retrans_time_ms": "1000"})


@FAMILIES
@PROTOCOLS
@pytest.mark.parametrize(
    ("route", "error"),
    [("prohibit", errno.EACCES), ("unreachable", errno.EHOSTUNREACH), ("blackhole", errno.EINVAL)],
)
def test_a_route_that_forbids_fails_the_send_and_only_that(
    in_client: Chain, protocol: Protocol, family: Family, route: str, error: int
) -> None:
    destination = in_client.destination(family)
    driver = driver_of(Plan(destination, family, protocol))
    try:
        netns.ip([f"route add {route} {destination}"])
        try:
            for _ in range(3):
                with pytest.raises(OSError) as failed:
                    driver.send(1, 2)
                assert failed.value.errno == error
        finally:
            netns.ip([f"route delete {route} {destination}"])
        probes = driver.sweep(1, 4)
        assert driver.answered(probes)
        assert all(probe.sent_stamp for probe in probes), "stamps still find their probes"
    finally:
        driver.close()


def test_a_packet_too_large_for_the_link_is_this_machines_fault(in_client: Chain) -> None:
    driver = driver_of(Plan(in_client.destination(4), 4, packet_size=1500))
    try:
        netns.ip([f"link set {EAST} mtu 1400"])
        with pytest.raises(OSError) as failed:
            driver.send(0, 1)
        assert failed.value.errno == errno.EMSGSIZE
        with pytest.raises(ChannelRefused, match="larger than the interface's MTU, 1400"):
            driver_of(Plan(in_client.destination(4), 4, packet_size=1500))
    finally:
        netns.ip([f"link set {EAST} mtu 1500"])
        driver.close()


def test_a_plain_user_is_told_what_is_missing_and_root_that_it_works(chain: Chain) -> None:
    states = survey_as(chain, "plain", "raw")
    assert [(state["protocol"], state["family"]) for state in states] == [
        (protocol, family) for protocol in ("icmp", "udp", "tcp") for family in (4, 6)
    ]
    assert {(state["works"], state["reason"], state["remedy"]) for state in states} == {
        (False, "needs the capability CAP_NET_RAW", REMEDY)
    }
    assert all(state["works"] and "remedy" not in state for state in survey_as(chain, "root", "raw"))
