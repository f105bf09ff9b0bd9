"""What hopscope calls one flow has one IPv6 flow label on the wire, as a plain user too."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import pytest

from hopscope.probe.channels.tcp_socket import TcpSocketChannel
from hopscope.probe.sockets import stream
from hopscope.probe.sockets.flow_label import FlowLabel
from hopscope.wire.messages import Plan, Protocol
from tests.kernel.judge import Run
from tests.lab.capture import NUMBERS, Capture
from tests.lab.chain import Chain
from tests.lab.drive import Driver

CLOSED = 9
SILENT = "fd00:18:a3::77"
"""On the last link, and nobody's."""
_IPV6_FLOWLABEL_MGR = 32
_GET, _CREATE, _ALONE = 0, 1, 1


@pytest.mark.parametrize(
    ("user", "method", "protocol"),
    [
        ("plain", "tcp-socket", "tcp"),
        ("plain", "udp-socket", "udp"),
        ("plain", "ping-socket", "icmp"),
        ("root", "raw", "tcp"),
        ("root", "raw", "udp"),
        ("root", "raw", "icmp"),
    ],
)
def test_all_probes_of_a_target_have_one_label(
    chain: Chain, capture: Capture, user: str, method: str, protocol: Protocol
) -> None:
    port = None if protocol == "icmp" else CLOSED
    run = Run(chain, capture, user, method, Plan(chain.destination(6), 6, protocol, port=port))
    assert len(run.packets) == len(run.told["heard"])
    assert len({packet.label for packet in run.packets}) == 1
    if method == "tcp-socket":
        assert run.packets[0].label
        assert run.told["facts"]["flow"] == "per-ttl"


def test_two_targets_have_two_labels(in_client: Chain, capture: Capture) -> None:
    for _ in range(2):
        driver = Driver(TcpSocketChannel, Plan(in_client.destination(6), 6, "tcp", port=CLOSED))
        try:
            probe = driver.send(0, 4)
            assert driver.wait(lambda driver=driver, probe=probe: driver.answered([probe]))  # type: ignore[misc] # a lambda's defaults
        finally:
            driver.close()
    trips = capture.round_trips(NUMBERS["tcp", 6], in_client.destination(6))
    assert len({trip.probe.label for trip in trips}) == len(trips) == 2


def test_a_syn_that_the_kernel_repeats_keeps_its_label(in_client: Chain, capture: Capture) -> None:
    label = FlowLabel(Plan(SILENT, 6, "tcp"))
    with stream.new_socket(6) as sock:
        stream.prepare(sock, 64)
        label.mark(sock)
        sock.connect_ex(label.on((SILENT, CLOSED, 0, 0)))
        # The kernel repeats it after a second; the last router says that it knows no such neighbour after three.
        until = time.monotonic() + 5
        while len(syns := capture.round_trips(NUMBERS["tcp", 6], SILENT)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
    assert [trip.probe.label for trip in syns] == [label.value] * 2


@pytest.fixture
def somebody_elses_label(in_client: Chain) -> Iterator[None]:
    """Another program of this machine holds a label for itself alone."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as holder:
        address = socket.inet_pton(socket.AF_INET6, in_client.destination(6))
        wanted = struct.pack("=16s4sBBHHHI", address, struct.pack("!I", 0x12345), _GET, _ALONE, _CREATE, 60, 0, 0)
        holder.setsockopt(socket.IPPROTO_IPV6, _IPV6_FLOWLABEL_MGR, wanted)
        yield


@pytest.mark.usefixtures("somebody_elses_label")
def test_where_the_kernel_takes_no_label_the_probes_leave_and_are_called_a_flow_each(
    in_client: Chain, capture: Capture
) -> None:
    driver = Driver(TcpSocketChannel, Plan(in_client.destination(6), 6, "tcp", port=CLOSED))
    try:
        assert len(driver.sweep(3, 4)) == len(driver.heard) == 12
        assert driver.flow.info.flow == "per-probe"
        assert driver.changes == 1
    finally:
        driver.close()
    trips = capture.round_trips(NUMBERS["tcp", 6], in_client.destination(6))
    assert len({trip.probe.label for trip in trips}) > 1
