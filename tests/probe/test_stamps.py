"""Which send a kernel's stamp belongs to. The sockets send to themselves, over loopback."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest

from hopscope.probe.channel import Probe
from hopscope.probe.sockets import errqueue
from hopscope.probe.sockets.stamps import SendStamps


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        errqueue.switch_on(made)
        yield made


def send(sock: socket.socket, stamps: SendStamps, seq: int) -> Probe:
    probe = Probe(target=1, round=0, ttl=1, seq=seq, sent_wall=time.time_ns())
    sock.sendto(b"probe", sock.getsockname())
    stamps.sent(probe)
    return probe


def read(sock: socket.socket, stamps: SendStamps, count: int) -> list[int]:
    """Take `count` stamps off the error queue; their numbers."""
    numbers: list[int] = []
    poll = select.poll()
    poll.register(sock, 0)
    while len(numbers) < count:
        assert poll.poll(2000), "no stamp came"
        message = errqueue.receive(sock, errors=True)
        if message is not None and message.failure is not None:
            assert message.failure.origin == errqueue.ORIGIN_STAMP
            numbers.append(message.failure.number)
            stamps.stamp(message.failure.number, message.stamp)
    return numbers


def test_each_send_gets_its_own_stamp(sock: socket.socket) -> None:
    stamps = SendStamps(sock, time.time_ns)
    probes = [send(sock, stamps, seq) for seq in range(5)]
    assert read(sock, stamps, 5) == [0, 1, 2, 3, 4]
    now = time.time_ns()
    assert all(probe.sent_wall <= probe.sent_stamp <= now for probe in probes)
    assert sorted(probe.sent_stamp for probe in probes) == [probe.sent_stamp for probe in probes]


def test_after_a_failed_send_stamps_find_their_probes_again(sock: socket.socket) -> None:
    stamps = SendStamps(sock, time.time_ns)
    first = send(sock, stamps, 0)
    assert read(sock, stamps, 1) == [0]
    with pytest.raises(OSError):
        sock.sendto(bytes(70_000), sock.getsockname())
    stamps.failed()
    second = send(sock, stamps, 1)
    assert read(sock, stamps, 1) == [0]
    assert first.sent_stamp < second.sent_stamp


def test_a_stamp_that_no_send_waits_for_is_nobodys() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        stamps = SendStamps(made, time.time_ns)
        probe = Probe(target=1, round=0, ttl=1, seq=1, sent_wall=1_000_000_000)
        stamps.sent(probe)
        stamps.stamp(7, 1_000_000_001)
        assert probe.sent_stamp == 0


@pytest.mark.parametrize("stamp", [0, 1_000_000_000, 9_000_000_000])
def test_a_stamp_from_before_the_send_or_after_now_is_not_believed(stamp: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        stamps = SendStamps(made, lambda: 6_000_000_000)
        probe = Probe(target=1, round=0, ttl=1, seq=1, sent_wall=5_000_000_000)
        stamps.sent(probe)
        stamps.stamp(0, stamp)
        assert probe.sent_stamp == 0


def test_what_never_gets_a_stamp_does_not_pile_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        stamps = SendStamps(made, lambda: 6)
        probes = [Probe(target=1, round=0, ttl=1, seq=seq, sent_wall=5) for seq in range(5000)]
        for probe in probes:
            stamps.sent(probe)
        for number in range(5000):
            stamps.stamp(number, 6)
        assert [probe.sent_stamp for probe in probes] == [0] * 904 + [6] * 4096
