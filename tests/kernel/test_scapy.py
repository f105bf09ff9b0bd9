"""The portable channel on Scapy's own sockets, over real kernel routers."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hopscope.probe.channels.scapy import REMEDY, ScapyChannel, open_sockets
from hopscope.probe.packets.kinds import ECHO_REPLY, RST
from hopscope.probe.packets.replies import ICMP, TCP
from hopscope.probe.sockets import packet_filter
from hopscope.wire.messages import Family, Plan, Protocol
from tests.kernel.judge import Run, survey_as
from tests.lab import netns
from tests.lab.capture import Capture
from tests.lab.chain import EAST, Chain
from tests.lab.drive import Driver

FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
LAST = {"icmp": "echo-reply", "udp": "port-unreachable", "tcp": "tcp-reset"}


def driver_of(plan: Plan) -> Driver:
    return Driver(lambda context: ScapyChannel(context, open_sockets()), plan)


@FAMILIES
@PROTOCOLS
def test_each_hop_is_heard_in_one_flow(chain: Chain, capture: Capture, protocol: Protocol, family: Family) -> None:
    run = Run(chain, capture, "root", "scapy", Plan(chain.destination(family), family, protocol))
    run.each_hop_answers_as_itself(LAST[protocol])
    run.the_answers_ttl_is_told()
    # The program's clock begins before the system call: that much is more than the wire's.
    run.rtt_is_the_captures(250_000, clock="program")
    assert len({packet.checksum for packet in run.packets}) == 1
    if protocol != "icmp":
        assert {packet.ports for packet in run.packets} == {
            (run.told["facts"]["source_port"], run.told["facts"]["port"])
        }


@FAMILIES
def test_an_open_port_answers_as_one(in_client: Chain, family: Family) -> None:
    driver = driver_of(Plan(in_client.destination(family), family, "tcp", port=in_client.listen(family)))
    try:
        probe = driver.send(0, 30)
        assert driver.wait(lambda: driver.answered([probe]))
        assert driver.heard[0][1].kind == "tcp-open"
    finally:
        driver.close()


@FAMILIES
def test_a_datagram_of_the_target_is_an_answer(in_client: Chain, family: Family) -> None:
    with netns.entered(in_client.target):
        service = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    with service:
        service.bind((in_client.destination(family), 0))
        service.settimeout(5)
        driver = driver_of(Plan(in_client.destination(family), family, "udp", port=service.getsockname()[1]))
        try:
            probe = driver.send(0, 30)
            data, client = service.recvfrom(2048)
            service.sendto(data, client)
            assert driver.wait(lambda: driver.answered([probe]))
            assert driver.heard[0][1].kind == "other"
        finally:
            driver.close()


@FAMILIES
def test_the_sniffer_is_spared_what_answers_no_probe(in_client: Chain, family: Family) -> None:
    port = in_client.listen(family)
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    sockets = open_sockets()
    try:
        listener = sockets.families[family].ins
        with netns.entered(in_client.target):
            far = socket.socket(kind, socket.SOCK_DGRAM)
        with far, socket.socket(kind, socket.SOCK_DGRAM) as near, socket.socket(kind, socket.SOCK_STREAM) as stream:
            near.bind((in_client.source(family), 0))
            near.settimeout(5)
            far.sendto(b"datagram", near.getsockname())
            near.recv(100)
            stream.connect((in_client.destination(family), port))
            stream.sendall(b"x")
            stream.shutdown(socket.SHUT_WR)
        listener.setblocking(False)
        flags = []
        while True:
            try:
                packet, _, _, address = listener.recvmsg(2048, 512)
            except BlockingIOError:
                break
            if address[2] != socket.PACKET_OUTGOING and packet[23 if family == 4 else 20] == socket.IPPROTO_TCP:
                flags.append(packet[47 if family == 4 else 67])
            assert packet[23 if family == 4 else 20] != socket.IPPROTO_UDP
        assert flags == [0x12]
    finally:
        sockets.close()


@FAMILIES
def test_the_sniffer_is_spared_replies_to_what_others_sent_and_counts_what_had_no_room(
    in_client: Chain, family: Family
) -> None:
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    sockets = open_sockets()
    try:
        listener = sockets.families[family].ins
        packet_filter.attach(listener, family, packet_filter.Own([7, 9], [b"ours", b"mine"], [5000]))
        with netns.entered(in_client.target):
            far = socket.socket(kind, socket.SOCK_RAW, ICMP[family])
            stack = socket.socket(kind, socket.SOCK_RAW, TCP)

        def reply(ident: int, cookie: bytes) -> None:
            head = struct.pack("!BBHHH", ECHO_REPLY[family], 0, 0, ident, 1)
            far.sendto(head + bytes(2) + cookie, (in_client.source(family), 0))

        def reset(port: int) -> None:
            segment = struct.pack("!HHIIBBHHH", 80, port, 0, 0, 5 << 4, RST, 0, 0, 0)
            stack.sendto(segment, (in_client.source(family), 0))

        with far, stack:
            for ident, cookie in ((8, b"none"), (7, b"none"), (10, b"none"), (8, b"mine"), (9, b"ours")):
                reply(ident, cookie)
            reset(5001)
            reset(5000)
            listener.settimeout(5)
            start = 14 + (20 if family == 4 else 40)
            heard = [listener.recv(2048)[start:] for _ in range(4)]
            assert [packet[4:6] + packet[10:14] for packet in heard[:3]] == [b"\0\7none", b"\0\x08mine", b"\0\x09ours"]
            assert heard[3][2:4] == (5000).to_bytes(2, "big")
            assert packet_filter.dropped(listener) == 0
            for _ in range(20_000):
                reply(7, b"none")
            assert packet_filter.dropped(listener) > 0
            with pytest.raises(OSError, match=r"Invalid argument|Cannot allocate"):
                packet_filter.attach(listener, family, packet_filter.Own(range(3000), [], []))
    finally:
        sockets.close()


@FAMILIES
def test_replies_to_another_programs_pings_cost_a_trace_nothing(in_client: Chain, family: Family) -> None:
    driver = driver_of(Plan(in_client.destination(family), family))
    try:
        with netns.entered(in_client.target):
            far = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, ICMP[family])
        (own,) = driver.flow._sockets.ledger.ports(family, "icmp")  # type: ignore[attr-defined]
        with far:
            for ident in range(own + 1, own + 50):
                head = struct.pack("!BBHHH", ECHO_REPLY[family], 0, 0, ident & 0xFFFF, 1)
                far.sendto(head, (in_client.source(family), 0))
        probe = driver.send(0, 30)
        assert driver.wait(lambda: driver.answered([probe]))
        assert driver.heard[0][1].kind == "echo-reply"
        assert driver.context.tally.foreign + driver.context.tally.malformed == 0
    finally:
        driver.close()


def test_an_interface_down_in_mid_trace_fails_to_send_and_heals_by_itself(in_client: Chain) -> None:
    driver = driver_of(Plan(in_client.destination(4), 4))
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
    finally:
        driver.close()


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


def test_closing_ends_the_sniffer_and_may_be_done_twice(in_client: Chain) -> None:
    before = set(threading.enumerate())
    driver = driver_of(Plan(in_client.destination(4), 4))
    assert len(set(threading.enumerate()) - before) == 1
    driver.channel.close()
    driver.channel.close()
    driver.watch.selector.close()
    assert set(threading.enumerate()) == before


def test_loading_scapy_with_privileges_touches_no_home_folder(lab_allowed: None, tmp_path: Path) -> None:
    program = "from hopscope.probe.channels.scapy import open_sockets; open_sockets().close()"
    home = {"HOME": str(tmp_path), "SHELL": "/bin/bash", "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", program], check=True, env=home)
    assert list(tmp_path.iterdir()) == []


def test_a_plain_user_is_told_what_is_missing_and_root_that_it_works(chain: Chain) -> None:
    states = survey_as(chain, "plain", "scapy")
    assert len(states) == 6
    assert {(state["works"], state["remedy"]) for state in states} == {(False, REMEDY)}
    assert all(state["works"] and "remedy" not in state for state in survey_as(chain, "root", "scapy"))
