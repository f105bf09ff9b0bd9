"""A router that answers as oddly as a test asks it to, behind a TUN device in a namespace of its own.

It runs in the test's own loop: what the kernel sends to the device is given to `answer`, whose packets go back.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

from tests.lab import netns
from tests.needs import uses

SOURCE = {4: "198.18.0.1", 6: "fd00:18::1"}
ROUTER = {4: "198.18.0.9", 6: "fd00:18::9"}
TARGET = {4: "198.18.1.1", 6: "fd00:18:1::1"}

_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x1001


class OddRouter:
    """The namespace and its device, as a context manager. `answer` makes packets from one."""

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self.answer = answer
        self.seen: list[bytes] = []
        self.name = netns.new_name("odd")
        self.fd = -1

    def __enter__(self) -> Self:
        uses("tun")
        netns.add(self.name)
        try:
            netns.sysctl(self.name, {"ipv4.ping_group_range": "0 2147483647", "ipv6.conf.default.accept_dad": "0"})
            with netns.entered(self.name):
                self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
                fcntl.ioctl(self.fd, _TUNSETIFF, struct.pack("16sH22x", b"odd0", _IFF_TUN_NO_PI))
            netns.ip(
                [
                    f"address add {SOURCE[4]}/24 dev odd0",
                    f"address add {SOURCE[6]}/64 dev odd0 nodad",
                    "link set odd0 up",
                    "route add default dev odd0",
                    f"route add default dev odd0 src {SOURCE[6]}",
                ],
                self.name,
            )
            netns.until_local(self.name, [SOURCE[6]])
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the device and the namespace. Idempotent."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        netns.remove([self.name])

    def on_ready(self) -> None:
        """Answer all that waits at the device: packets to the target, that is; the kernel's own chatter is left."""
        while True:
            try:
                packet = os.read(self.fd, 65536)
            except BlockingIOError:
                return
            if destination(packet) in TARGET.values():
                self.seen.append(packet)
                for reply in self.answer(packet):
                    os.write(self.fd, reply)


def family_of(packet: bytes) -> Literal[4, 6]:
    """Of an IP packet."""
    return 4 if packet[0] >> 4 == 4 else 6


def ttl_of(packet: bytes) -> int:
    """TTL or hop limit of an IP packet."""
    return packet[8] if family_of(packet) == 4 else packet[7]


def destination(packet: bytes) -> str:
    """Where an IP packet goes."""
    if family_of(packet) == 4:
        return str(ipaddress.IPv4Address(packet[16:20]))
    return str(ipaddress.IPv6Address(packet[24:40]))


def header_length(packet: bytes) -> int:
    """Of an IP packet; extension headers are not looked for."""
    return (packet[0] & 15) * 4 if family_of(packet) == 4 else 40


def prohibited(packet: bytes, router: str | None = None) -> bytes:
    """A firewall's "administratively prohibited" for `packet`, which it quotes whole."""
    family = family_of(packet)
    kind, code = (3, 13) if family == 4 else (1, 1)
    return icmp(family, kind, bytes(4) + packet, router or ROUTER[family], code)


def expired(packet: bytes, quote: int, *, padded: int = 0, extension: bytes = b"", router: str | None = None) -> bytes:
    """A time-exceeded message for `packet` that quotes its IP header and `quote` bytes behind it, filled up with zeros
    to `padded` bytes, with an ICMP extension (RFC 4884) behind those."""
    family = family_of(packet)
    original = packet[: header_length(packet) + quote].ljust(padded, b"\0")
    if family == 4:
        rest = struct.pack("!BBH", 0, len(original) // 4 if extension else 0, 0)
    else:
        rest = struct.pack("!BBH", len(original) // 8 if extension else 0, 0, 0)
    return icmp(family, 11 if family == 4 else 3, rest + original + extension, router or ROUTER[family])


def icmp(family: int, kind: int, body: bytes, source: str, code: int = 0) -> bytes:
    """An ICMP or ICMPv6 packet to the client, checksums right."""
    if family == 4:
        message = _summed(struct.pack("!BBH", kind, code, 0) + body, b"")
        ends = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(SOURCE[4]).packed
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 0, 0, 64, 1, 0) + ends
        return header[:10] + _sum(header).to_bytes(2, "big") + header[12:] + message
    ends = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(SOURCE[6]).packed
    pseudo = ends + struct.pack("!II", 4 + len(body), 58)
    message = _summed(struct.pack("!BBH", kind, code, 0) + body, pseudo)
    return struct.pack("!IHBB", 0x60000000, len(message), 58, 64) + ends + message


def echoed(packet: bytes, source: str | None = None) -> bytes:
    """The target's answer to a probe: an echo reply, a datagram with the same payload, or a reset."""
    family, at = family_of(packet), header_length(packet)
    protocol, body = packet[9] if family == 4 else packet[6], packet[at:]
    sender = source or destination(packet)
    if protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
        return icmp(family, 0 if family == 4 else 129, body[4:], sender)
    if protocol == socket.IPPROTO_UDP:
        message, checksum_at = body[2:4] + body[:2] + body[4:6] + bytes(2) + body[8:], 6
    else:
        acknowledged = (int.from_bytes(body[4:8], "big") + 1) & 0xFFFFFFFF
        message = body[2:4] + body[:2] + struct.pack("!IIBBHHH", 0, acknowledged, 5 << 4, 0x14, 0, 0, 0)
        checksum_at = 16
    return _ip(family, protocol, message, checksum_at, sender)


def _ip(family: int, protocol: int, message: bytes, checksum_at: int, source: str) -> bytes:
    """A whole packet to the client, with the checksum of its UDP or TCP `message`."""
    if family == 4:
        ends = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(SOURCE[4]).packed
        pseudo = ends + struct.pack("!HH", protocol, len(message))
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 0, 0, 64, protocol, 0) + ends
        header = header[:10] + _sum(header).to_bytes(2, "big") + header[12:]
    else:
        ends = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(SOURCE[6]).packed
        pseudo = ends + struct.pack("!II", len(message), protocol)
        header = struct.pack("!IHBB", 0x60000000, len(message), protocol, 64) + ends
    checksum = _sum(pseudo + message).to_bytes(2, "big")
    return header + message[:checksum_at] + checksum + message[checksum_at + 2 :]


def mpls(label: int) -> bytes:
    """An ICMP extension structure with a stack of one label (RFC 4950), TTL 1."""
    entry = struct.pack("!I", label << 12 | 1 << 8 | 1)
    return _summed(struct.pack("!BBH", 0x20, 0, 0) + struct.pack("!HBB", 8, 1, 1) + entry, b"")


def _summed(message: bytes, pseudo: bytes) -> bytes:
    return message[:2] + _sum(pseudo + message).to_bytes(2, "big") + message[4:]


def _sum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(int(word) for (word,) in struct.iter_unpack("!H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
