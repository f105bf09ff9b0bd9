"""IP packets as bytes, both families: what a probe says, and how the answers to it are built.

RFC 791, 792, 768, 9293 (IPv4, ICMP, UDP, TCP), 8200, 4443 (IPv6), 4884, 4950, 5837 (ICMP extensions). No Scapy:
a packet costs a few microseconds here, and the tests hold these bytes against Scapy's.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Final, Literal

import msgspec

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMP6: Final = 58

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
ACK: Final = 0x10

MAX_ERROR4: Final = 576
"""The longest ICMP error of IPv4 (RFC 1812, 4.3.2.3)."""
MAX_ERROR6: Final = 1280
"""The longest ICMPv6 error (RFC 4443, 2.4)."""


_IP4: Final = struct.Struct("!BBHHHBBH4s4s")
_HEAD4: Final = struct.Struct("!B5xHBBxx4s4s")
_TTL: Final = struct.Struct("!BBH")
_ERROR: Final = struct.Struct("!BBHI")
_IP4_ERROR: Final = struct.Struct("!BBHHHBBH4s4sHHI")


class Packet(msgspec.Struct, frozen=True, gc=False):
    """An IP packet, read once."""

    data: bytes
    """The whole packet."""
    family: Literal[4, 6]
    start: int
    """Where the transport header begins."""
    protocol: int
    """The IP protocol's number."""
    ttl: int
    source: bytes
    destination: bytes


def read(data: bytes) -> Packet | None:
    """None for what no network would carry to anywhere: a header that is broken or cut, a fragment, a destination
    that is no host's, less than eight bytes of transport header."""
    try:
        if data[0] >> 4 == 4:
            first, fragment, ttl, protocol, source, destination = _HEAD4.unpack_from(data)
            start = (first & 15) * 4
            if start < 20 or fragment & 0x1FFF or not 0 < destination[0] < 224 or len(data) < start + 8:
                return None
            return Packet(data, 4, start, protocol, ttl, source, destination)
        if data[0] >> 4 != 6 or not 0 < data[24] < 255 or len(data) < 48:
            return None
        return Packet(data, 6, 40, data[6], data[7], data[8:24], data[24:40])
    except (IndexError, struct.error):
        return None


def checksum(data: bytes | bytearray, extra: int = 0) -> int:
    """The Internet checksum (RFC 1071) of `data`; `extra` is added to its sum, for a pseudo-header.

    2^16 is 1 modulo 65,535, so the number that the bytes spell has the same remainder as the sum of its words.
    """
    if len(data) & 1:
        data = bytes(data) + b"\0"
    total = int.from_bytes(data, "big") + extra
    return 0xFFFF - (total % 0xFFFF or 0xFFFF) if total else 0xFFFF


def ip4(
    source: bytes, destination: bytes, protocol: int, ttl: int, payload: bytes, ident: int = 0, tos: int = 0
) -> bytes:
    """An IPv4 packet without options."""
    size = 20 + len(payload)
    # The sum of the header's words, as `checksum` would have it of the bytes.
    total = 0x4500 + tos + size + ident + (ttl << 8 | protocol) + int.from_bytes(source + destination, "big")
    value = 0xFFFF - (total % 0xFFFF or 0xFFFF)
    return _IP4.pack(0x45, tos, size, ident, 0, ttl, protocol, value, source, destination) + payload


def ip6(source: bytes, destination: bytes, protocol: int, ttl: int, payload: bytes) -> bytes:
    """An IPv6 packet without extension headers."""
    return struct.pack("!IHBB", 0x60000000, len(payload), protocol, ttl) + source + destination + payload


def packet(source: bytes, destination: bytes, protocol: int, ttl: int, payload: bytes, ident: int = 0) -> bytes:
    """An IP packet of the addresses' family."""
    if len(source) == 4:
        return ip4(source, destination, protocol, ttl, payload, ident)
    return ip6(source, destination, protocol, ttl, payload)


def sealed(source: bytes, destination: bytes, protocol: int, payload: bytes, at: int) -> bytes:
    """`payload` with its transport checksum (two bytes at `at`) made right for these addresses."""
    body = payload[:at] + b"\0\0" + payload[at + 2 :]
    extra = 0
    if protocol != ICMP:
        extra = int.from_bytes(source + destination, "big") + protocol + len(payload)
    value = checksum(body, extra)
    if value == 0 and protocol == UDP:
        value = 0xFFFF
    return body[:at] + value.to_bytes(2, "big") + body[at + 2 :]


CHECKSUM_AT: Final = {ICMP: 2, ICMP6: 2, UDP: 6, TCP: 16}
"""Where the checksum stands in a transport header."""


def icmp(source: bytes, destination: bytes, ttl: int, message: bytes, ident: int = 0) -> bytes:
    """An IP packet with an ICMP or ICMPv6 message, whose checksum is set here."""
    if len(source) == 4:
        body = message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
        return ip4(source, destination, ICMP, ttl, body, ident)
    extra = int.from_bytes(source + destination, "big") + ICMP6 + len(message)
    body = message[:2] + checksum(message, extra).to_bytes(2, "big") + message[4:]
    return ip6(source, destination, ICMP6, ttl, body)


def udp(source: bytes, destination: bytes, sport: int, dport: int, data: bytes, ttl: int = 64, ident: int = 0) -> bytes:
    """An IP packet with a UDP datagram."""
    body = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return packet(source, destination, UDP, ttl, sealed(source, destination, UDP, body, 6), ident)


def tcp(
    source: bytes, destination: bytes, sport: int, dport: int, seq: int, ack: int, flags: int, ttl: int = 64,
    ident: int = 0,
) -> bytes:  # fmt: skip
    """An IP packet with a TCP segment without data; a SYN offers an MSS of 1,460 (IPv6: 1,440)."""
    options = b""
    if flags & SYN:
        options = struct.pack("!BBH", 2, 4, 1460 if len(source) == 4 else 1440)
    words = (20 + len(options)) // 4
    window = 0 if flags & RST else 64_240
    body = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, words << 4, flags, window, 0, 0) + options
    return packet(source, destination, TCP, ttl, sealed(source, destination, TCP, body, 16), ident)


def with_ttl(probe: bytes, ttl: int) -> bytes:
    """`probe` as a router sees it when `ttl` is left: IPv4's header checksum is made right."""
    if probe[0] >> 4 == 6:
        return probe[:7] + bytes((ttl,)) + probe[8:]
    # The header's sum without the old TTL and checksum, as `checksum` would have it of the bytes.
    header = int.from_bytes(probe[: (probe[0] & 15) * 4], "big")
    total = header + (ttl - probe[8] << 8) - (probe[10] << 8 | probe[11])
    return probe[:8] + _TTL.pack(ttl, probe[9], 0xFFFF - (total % 0xFFFF or 0xFFFF)) + probe[12:]


def aged(probe: bytes, ttl: int) -> bytes:
    """`probe`, whose header is right, when `ttl` is left: as `with_ttl`, by the way of routers (RFC 1624)."""
    if probe[0] >> 4 == 6:
        return probe[:7] + bytes((ttl,)) + probe[8:]
    before, protocol, value = _TTL.unpack_from(probe, 8)
    return probe[:8] + _TTL.pack(ttl, protocol, (value + (before - ttl << 8)) % 0xFFFF) + probe[12:]


class ErrorForm4:
    """What all ICMP errors of one IPv4 router to one host have in common, but for what they quote."""

    __slots__ = ("_destination", "_head", "_kind", "_source", "_sum", "_ttl", "_word")

    def __init__(self, source: bytes, destination: bytes, ttl: int, kind: int, code: int, word: int = 0) -> None:
        """As of `error`."""
        self._source, self._destination = source, destination
        self._ttl, self._kind, self._word = ttl, kind << 8 | code, word
        self._head = 0x4500 + (ttl << 8 | ICMP) + int.from_bytes(source + destination, "big")
        self._sum = self._kind + word

    def about(self, probe: bytes, ttl: int, ident: int) -> bytes:
        """The packet that quotes all of an IPv4 `probe`, whose header is right, as it is when `ttl` is left (see
        `aged`)."""
        before, protocol, value = _TTL.unpack_from(probe, 8)
        changed = _TTL.pack(ttl, protocol, (value + (before - ttl << 8)) % 0xFFFF)
        return self.around(probe[:8] + changed + probe[12:], ident)

    def around(self, quote: bytes, ident: int) -> bytes:
        """The packet with this quote, which is not too long, and this identification."""
        size = 28 + len(quote)
        head = 0xFFFF - ((self._head + size + ident) % 0xFFFF or 0xFFFF)
        total = int.from_bytes(quote, "big")
        value = 0xFFFF - (((total << 8 if size & 1 else total) + self._sum) % 0xFFFF or 0xFFFF)
        return (
            _IP4_ERROR.pack(
                0x45, 0, size, ident, 0, self._ttl, ICMP, head, self._source, self._destination, self._kind, value,
                self._word,
            )
            + quote
        )  # fmt: skip


class Quote4(msgspec.Struct, frozen=True, gc=False):
    """An ICMP error that quotes all of an IPv4 probe: a packet that is written where somebody reads it."""

    form: ErrorForm4
    probe: bytes
    ttl: int
    """What the probe had left."""
    ident: int

    def written(self) -> bytes:
        """The packet."""
        return self.form.about(self.probe, self.ttl, self.ident)


def error(
    source: bytes,
    destination: bytes,
    ttl: int,
    kind: int,
    code: int,
    quote: bytes,
    extension: bytes = b"",
    word: int = 0,
    with_length: bool = True,
    ident: int = 0,
) -> bytes:
    """An ICMP error. `word` is the four bytes behind the checksum (an MTU); an extension stands behind a quote that
    is padded as RFC 4884 says, with its length told unless not `with_length`."""
    four = len(source) == 4
    unit = 4 if four else 8
    if extension:
        room = (MAX_ERROR4 - 28 if four else MAX_ERROR6 - 48) - len(extension)
        quote = quote[: max(128, room // unit * unit)]
        quote = quote.ljust(max(128, -(-len(quote) // unit) * unit), b"\0")
        if with_length:
            word |= (len(quote) // 4 << 16) if four else (len(quote) // 8 << 24)
    else:
        quote = quote[: MAX_ERROR4 - 28 if four else MAX_ERROR6 - 48]
    if extension:
        quote += extension
    if four:
        return ErrorForm4(source, destination, ttl, kind, code, word).around(quote, ident)
    return icmp(source, destination, ttl, _ERROR.pack(kind, code, 0, word) + quote)


def extension_header(objects: bytes, version: int = 2, good: bool = True) -> bytes:
    """An ICMP extension structure (RFC 4884, section 7) around `objects`."""
    raw = bytes((version << 4, 0, 0, 0)) + objects
    value = checksum(raw)
    if not good:
        value ^= 0x5555
    return raw[:2] + value.to_bytes(2, "big") + raw[4:]


def extension_object(number: int, kind: int, data: bytes) -> bytes:
    """One object of an extension structure; data is padded to words."""
    data = data.ljust(-(-len(data) // 4) * 4, b"\0")
    return struct.pack("!HBB", 4 + len(data), number, kind) + data


def text(address: bytes) -> str:
    """A packed address as text."""
    return str(ipaddress.ip_address(address))
