"""What was really on the wire: an AF_PACKET socket with the kernel's own stamps, on the client's interface.

`Capture.packets` are IP packets as the client sent and got them. `round_trips` pairs each probe with its answers by
what no program can choose freely: the bytes that a router quotes, the identity of an echo, the ports and numbers of a
TCP handshake. It knows nothing of how hopscope tells its probes apart, and so can judge it.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from tests.lab import netns

_SO_TIMESTAMPNS = 35
_PACKET_OUTGOING = 4
_ETH_P_ALL = 3
_IP_TYPES = (0x0800, 0x86DD)
_ERRORS = {4: (3, 4, 5, 11, 12), 6: (1, 2, 3, 4)}
_ECHO = {4: (8, 0), 6: (128, 129)}
NUMBERS = {
    ("icmp", 4): socket.IPPROTO_ICMP,
    ("icmp", 6): socket.IPPROTO_ICMPV6,
    ("udp", 4): socket.IPPROTO_UDP,
    ("udp", 6): socket.IPPROTO_UDP,
    ("tcp", 4): socket.IPPROTO_TCP,
    ("tcp", 6): socket.IPPROTO_TCP,
}
"""What `Capture.round_trips` calls a protocol of a family."""
_ICMP = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}


@dataclass(frozen=True)
class Packet:
    """An IP packet, taken apart as far as tests ask for."""

    outgoing: bool
    stamp: int
    """Wall clock ns, the kernel's."""
    family: Literal[4, 6]
    source: str
    destination: str
    ttl: int
    tos: int
    protocol: int
    length: int
    """Bytes, IP header included, as the header says."""
    transport: bytes
    """What follows the IP header, as far as it was captured or quoted."""
    label: int = 0
    """IPv6's flow label."""

    @property
    def icmp(self) -> tuple[int, int] | None:
        """ICMP or ICMPv6 type and code; null for other protocols."""
        if self.protocol == _ICMP[self.family] and len(self.transport) >= 2:
            return self.transport[0], self.transport[1]
        return None

    @property
    def is_echo_request(self) -> bool:
        """Whether this is a ping."""
        return self.icmp is not None and self.icmp[0] == _ECHO[self.family][0]

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination port of a UDP or TCP packet."""
        source, destination = struct.unpack_from("!HH", self.transport)
        return source, destination

    @property
    def checksum(self) -> int:
        """The transport's checksum."""
        at = {socket.IPPROTO_UDP: 6, socket.IPPROTO_TCP: 16}.get(self.protocol, 2)
        value: int = struct.unpack_from("!H", self.transport, at)[0]
        return value

    @property
    def quoted(self) -> Packet | None:
        """The packet that an ICMP error quotes."""
        if self.icmp is None or self.icmp[0] not in _ERRORS[self.family]:
            return None
        return parse(self.transport[8:], outgoing=False, stamp=self.stamp)

    def answers(self, probe: Packet) -> bool:
        """Whether this packet answers `probe`."""
        if len(self.transport) < (20 if self.protocol == socket.IPPROTO_TCP else 8):
            return False
        quoted = self.quoted
        if quoted is not None:
            length = min(len(quoted.transport), len(probe.transport))
            return (
                (quoted.protocol, quoted.destination) == (probe.protocol, probe.destination)
                and length >= 8
                and quoted.transport[:length] == probe.transport[:length]
            )
        if self.protocol != probe.protocol or self.source != probe.destination:
            return False
        if self.icmp is not None:
            request, reply = _ECHO[self.family]
            same = self.transport[4:8] == probe.transport[4:8]
            return same and self.icmp[0] == reply and probe.transport[0] == request
        if self.ports != probe.ports[::-1]:
            return False
        if self.protocol == socket.IPPROTO_TCP:
            sequence = struct.unpack_from("!I", probe.transport, 4)[0]
            acknowledged = struct.unpack_from("!I", self.transport, 8)[0]
            return bool(acknowledged == (sequence + 1) & 0xFFFFFFFF)
        return True


@dataclass(frozen=True)
class RoundTrip:
    """A probe on the wire and its first answer, if there was one."""

    probe: Packet
    answer: Packet | None

    @property
    def rtt_ns(self) -> int:
        """Between the kernel's two stamps."""
        assert self.answer is not None
        return self.answer.stamp - self.probe.stamp


class Capture:
    """Captures from the moment it is made until it is closed; reading is when the tests ask for it."""

    def __init__(self, namespace: str, interface: str) -> None:
        with netns.entered(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        with netns.entered(namespace):
            self._socket.bind((interface, _ETH_P_ALL))
        self._socket.setblocking(False)
        self._packets: list[Packet] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop. Idempotent."""
        self._socket.close()

    def packets(self) -> list[Packet]:
        """All IP packets so far, in order."""
        while True:
            try:
                data, control, _, address = self._socket.recvmsg(65536, 256)
            except BlockingIOError:
                return self._packets
            except OSError:  # the interface went down
                continue
            stamp = 0
            for level, kind, value in control:
                if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    seconds, nanos = struct.unpack("=qq", value[:16])
                    stamp = seconds * 1_000_000_000 + nanos
            if address[1] in _IP_TYPES:
                packet = parse(data, outgoing=address[2] == _PACKET_OUTGOING, stamp=stamp)
                if packet is not None:
                    self._packets.append(packet)

    def round_trips(self, protocol: int, destination: str) -> list[RoundTrip]:
        """Each probe sent to `destination` by `protocol` (an IPPROTO number), in order, with its first answer. A TCP
        probe is a SYN."""
        packets = self.packets()
        trips = []
        for index, probe in enumerate(packets):
            if not probe.outgoing or (probe.protocol, probe.destination) != (protocol, destination):
                continue
            if probe.icmp is not None and not probe.is_echo_request:
                continue
            if protocol == socket.IPPROTO_TCP and probe.transport[13] & 0x3F != 0x02:
                continue
            answers = (packet for packet in packets[index + 1 :] if not packet.outgoing and packet.answers(probe))
            trips.append(RoundTrip(probe, next(answers, None)))
        return trips


def parse(data: bytes, *, outgoing: bool, stamp: int) -> Packet | None:
    """Take an IP packet apart; null where it is none. IPv6 extension headers are not followed."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        header = (data[0] & 15) * 4
        (length,) = struct.unpack_from("!H", data, 2)
        return Packet(
            outgoing,
            stamp,
            4,
            str(ipaddress.IPv4Address(data[12:16])),
            str(ipaddress.IPv4Address(data[16:20])),
            data[8],
            data[1],
            data[9],
            length,
            data[header:length],
        )
    if len(data) >= 40 and data[0] >> 4 == 6:
        (payload,) = struct.unpack_from("!H", data, 4)
        return Packet(
            outgoing,
            stamp,
            6,
            str(ipaddress.IPv6Address(data[8:24])),
            str(ipaddress.IPv6Address(data[24:40])),
            data[7],
            (struct.unpack_from("!H", data)[0] >> 4) & 0xFF,
            data[6],
            payload + 40,
            data[40 : payload + 40],
            struct.unpack_from("!I", data)[0] & 0xFFFFF,
        )
    return None
