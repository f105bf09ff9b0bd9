"""The packets of one target: built by Scapy once, patched byte by byte for each probe.

All probes of a target are one flow to the network: addresses, ports, identifiers, flow label and the transport's
checksum stay. A probe is told by a pair of 16-bit words, its sequence number and a second one which keeps the sum of
both what it was: ICMP has it in its sequence field and the first word of its payload, UDP in the first two words of
its payload, TCP in its sequence number. IPv4 packets also count it in their identification, from a random number on,
which the shortest quotes still show. After the pair follows a random number of the target's own, where there is room
(the cookie): what quotes a wrong one is no answer to us.

Scapy costs a fifth of a second to import, so it is loaded with the first template, in the worker alone.
"""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hopscope.probe import scapy_home
from hopscope.probe.packets.checksum import complement, ones_sum
from hopscope.wire.messages import Family, Protocol

if TYPE_CHECKING:
    from scapy.packet import Packet

IP_HEADER: Final[dict[Family, int]] = {4: 20, 6: 40}
PAIR_AT: Final[dict[Protocol, int]] = {"icmp": 6, "udp": 8, "tcp": 4}
"""Where the sequence and its complement stand in the transport."""
COOKIE_AT: Final[dict[Protocol, int]] = {"icmp": 10, "udp": 12}
"""Where the cookie stands in the transport; a SYN has no payload for one."""
COOKIE_SIZE = 4
ID_OF_ZERO = 0x8000
"""What stands for an IPv4 identification of 0."""

_TRANSPORT_HEADER: Final[dict[Protocol, int]] = {"icmp": 8, "udp": 8, "tcp": 24}
SYN_MSS: Final[dict[Family, int]] = {4: 1460, 6: 1440}
SYN_WINDOW: Final = 64240
_PAIR = struct.Struct("!HH")
_SHORT = struct.Struct("!H")
_HEAD4 = struct.Struct("!HHBBH")
"""IPv4's identification, flags, TTL, protocol and checksum."""


@dataclass(frozen=True, slots=True)
class PacketShape:
    """What all packets of a target have in common."""

    family: Family
    protocol: Protocol
    source: str
    """Numeric, without a zone."""
    destination: str
    """Numeric, without a zone."""
    ident: int
    """The ICMP identifier, or the source port."""
    port: int
    """The destination port; 0 for ICMP."""
    cookie: int
    """32 random bits."""
    size: int = 64
    """Bytes, IP header included; see `packet_size` for what a packet really has."""
    pattern: int = 0
    tos: int = 0

    @property
    def first_id(self) -> int:
        """The IPv4 identification of sequence 0. A quote that is right in it, too, was made from the probe."""
        return self.cookie >> 16

    def ip_id(self, seq: int) -> int:
        """The IPv4 identification of a probe, never 0: the kernel would put one of its own choice in its place."""
        return (self.first_id + seq) & 0xFFFF or ID_OF_ZERO

    @property
    def total(self) -> int:
        """What a probe's pair of words adds up to, 0 to 65534. As random as the cookie, and all there is of it in
        a SYN and in the shortest quotes of a ping."""
        return (self.cookie & 0xFFFF) % 0xFFFF


def packet_size(family: Family, protocol: Protocol, wanted: int) -> int:
    """The bytes of a probe, IP header included: `wanted`, raised to what the pair needs. A SYN has the size of a
    SYN with its MSS option, whatever is wanted: payload in one looks like an attack to many a firewall."""
    least = IP_HEADER[family] + max(_TRANSPORT_HEADER[protocol], PAIR_AT[protocol] + _PAIR.size)
    return least if protocol == "tcp" else max(wanted, least)


class Template:
    """One target's packet. `transport` patches one buffer and hands it out: it is the next probe's, too, so it must
    have been sent (or copied) before the next call."""

    def __init__(self, shape: PacketShape, packet: bytes | None = None) -> None:
        """`packet`: what it begins with, of sequence 0; None: what Scapy builds."""
        self.shape = shape
        self._packet = bytearray(bytes(build(shape)) if packet is None else packet)
        self._pair_at = IP_HEADER[shape.family] + PAIR_AT[shape.protocol]
        self._transport = memoryview(self._packet)[IP_HEADER[shape.family] :]
        self._total = shape.total
        self._first_id = shape.first_id
        self._is_v4 = shape.family == 4
        self._flags, self._protocol = _HEAD4.unpack_from(self._packet, 4)[1:4:2]
        # The header's sum without what changes: TTL, identification and the checksum itself.
        header = bytearray(self._packet[: IP_HEADER[shape.family]])
        header[4:6] = header[10:12] = bytes(2)
        header[8] = 0
        self._header_sum = ones_sum(header)
        # The bytes that stay, and between them the numbers that do not.
        rest = f"{self._pair_at - (12 if self._is_v4 else 8)}sHH{len(self) - self._pair_at - _PAIR.size}s"
        self._form = struct.Struct(("!4sHHBBH" if self._is_v4 else "!7sB") + rest)
        self._settle()

    def _settle(self) -> None:
        packet, at = bytes(self._packet), self._pair_at
        self._first, self._middle = (packet[:4], packet[12:at]) if self._is_v4 else (packet[:7], packet[8:at])
        self._last = packet[at + _PAIR.size :]

    def __len__(self) -> int:
        return len(self._packet)

    def packet(self, ttl: int, seq: int) -> bytes:
        """The whole IP packet of a probe: `ttl` 0 to 255, `seq` 0 to 65535."""
        other = (self._total - seq) % 0xFFFF
        if not self._is_v4:
            return self._form.pack(self._first, ttl, self._middle, seq, other, self._last)
        ident = (self._first_id + seq) & 0xFFFF or ID_OF_ZERO
        value = -(self._header_sum + (ttl << 8) + ident) % 0xFFFF
        return self._form.pack(
            self._first, ident, self._flags, ttl, self._protocol, value, self._middle, seq, other, self._last
        )

    def to_port(self, port: int) -> None:
        """Send the next ones to this UDP port. The checksum follows (RFC 1624, equation 3)."""
        at = IP_HEADER[self.shape.family]
        (before,) = _SHORT.unpack_from(self._packet, at + 2)
        (checksum,) = _SHORT.unpack_from(self._packet, at + 6)
        total = (checksum ^ 0xFFFF) + (before ^ 0xFFFF) + port
        total = (total & 0xFFFF) + (total >> 16)
        _SHORT.pack_into(self._packet, at + 2, port)
        _SHORT.pack_into(self._packet, at + 6, ((total & 0xFFFF) + (total >> 16) ^ 0xFFFF) or 0xFFFF)
        self._settle()

    def transport(self, seq: int) -> memoryview:
        """The probe without its IP header, for sockets whose kernel makes that."""
        _PAIR.pack_into(self._packet, self._pair_at, seq, complement(seq, self._total))
        return self._transport


def payload_of(shape: PacketShape, pair: tuple[int, int]) -> bytes:
    """What follows the transport's header, of UDP or ICMP."""
    protocol = shape.protocol
    room = packet_size(shape.family, protocol, shape.size) - IP_HEADER[shape.family] - _TRANSPORT_HEADER[protocol]
    head = _PAIR.pack(*pair)[PAIR_AT["udp"] - PAIR_AT[protocol] :] + struct.pack("!I", shape.cookie)
    # A cookie that does not fit whole is left out: a part of one would say nothing.
    head = head if len(head) <= room else head[:-COOKIE_SIZE]
    return head + bytes([shape.pattern]) * (room - len(head))


def build(shape: PacketShape, ttl: int = 0, seq: int = 0) -> Packet:
    """A probe as Scapy makes it, slowly: what a template begins with, and what its patches are checked against."""
    logging.getLogger("scapy").setLevel(logging.ERROR)  # standard error is not Scapy's to write to
    with scapy_home.kept_out():
        from scapy.layers.inet import ICMP, IP, TCP, UDP
        from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
        from scapy.packet import Raw

    family, protocol = shape.family, shape.protocol
    ip: Packet
    if family == 4:
        ip = IP(src=shape.source, dst=shape.destination, tos=shape.tos, ttl=ttl, id=shape.ip_id(seq))
        if protocol == "tcp":
            ip.flags = "DF"  # as each SYN of Linux
    else:
        label = shape.cookie & 0xFFFFF
        ip = IPv6(src=shape.source, dst=shape.destination, tc=shape.tos, hlim=ttl, fl=label)
    pair = (seq, complement(seq, shape.total))
    if protocol == "tcp":
        options = [("MSS", SYN_MSS[family])]
        number = pair[0] << 16 | pair[1]
        syn = TCP(sport=shape.ident, dport=shape.port, seq=number, flags="S", window=SYN_WINDOW, options=options)
        return ip / syn
    payload = Raw(payload_of(shape, pair))
    if protocol == "udp":
        return ip / UDP(sport=shape.ident, dport=shape.port) / payload
    if family == 4:
        return ip / ICMP(type=8, id=shape.ident, seq=seq) / payload
    return ip / ICMPv6EchoRequest(id=shape.ident, seq=seq, data=payload.load)
