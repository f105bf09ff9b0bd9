"""A probe's packet without Scapy, byte for byte what `template.build` makes of a shape.

A simulated network is there at once, for a demo and for an hour in virtual time, and Scapy takes a fifth of a second to
import. The tests hold these bytes against Scapy's.
"""

from __future__ import annotations

import ipaddress
import struct

from hopscope.probe.packets.checksum import complement, ones_sum
from hopscope.probe.packets.kinds import SYN
from hopscope.probe.packets.replies import ICMP, TCP, UDP
from hopscope.probe.packets.template import SYN_MSS, SYN_WINDOW, PacketShape, payload_of

_ECHO_REQUEST = {4: 8, 6: 128}
_CHECKSUM_AT = {"icmp": 2, "udp": 6, "tcp": 16}


def plain(shape: PacketShape) -> bytes:
    """The probe with TTL 0 and sequence number 0."""
    family, protocol = shape.family, shape.protocol
    ends = b"".join(ipaddress.ip_address(end).packed for end in (shape.source, shape.destination))
    pair = (0, complement(0, shape.total))
    if protocol == "tcp":
        number = TCP
        head = struct.pack("!HHHHIBBHHH", shape.ident, shape.port, *pair, 0, 6 << 4, SYN, SYN_WINDOW, 0, 0)
        body = head + struct.pack("!BBH", 2, 4, SYN_MSS[family])
    else:
        payload = payload_of(shape, pair)
        if protocol == "udp":
            number = UDP
            body = struct.pack("!HHHH", shape.ident, shape.port, 8 + len(payload), 0) + payload
        else:
            number = ICMP[family]
            body = struct.pack("!BBHHH", _ECHO_REQUEST[family], 0, 0, shape.ident, pair[0]) + payload
    pseudo = b"" if protocol == "icmp" and family == 4 else ends + struct.pack("!II", len(body), number)
    at = _CHECKSUM_AT[protocol]
    value = _checksum(pseudo + body)
    if protocol == "udp":
        value = value or 0xFFFF
    body = body[:at] + value.to_bytes(2, "big") + body[at + 2 :]
    if family == 6:
        label = shape.cookie & 0xFFFFF
        return struct.pack("!IHBB", 6 << 28 | shape.tos << 20 | label, len(body), number, 0) + ends + body
    flags = 0x4000 if protocol == "tcp" else 0
    header = struct.pack("!BBHHHBBH", 0x45, shape.tos, 20 + len(body), shape.ip_id(0), flags, 0, number, 0) + ends
    return header[:10] + _checksum(header).to_bytes(2, "big") + header[12:] + body


def _checksum(data: bytes) -> int:
    return 0xFFFF - (ones_sum(data) or 0xFFFF)
