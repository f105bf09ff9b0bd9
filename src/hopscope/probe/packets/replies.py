"""What raw sockets hear, taken apart by `struct`: just enough to tell whose probe it answers.

A parser's answer is None where the bytes are no well-formed message of the kind; nothing raises, whatever the bytes.
Everything that says more (kind, labels) is read only after a probe was found, by `hopscope.probe.packets.ledger`.

Quoted packets may be as short as RFC 792 allows (their IP header and 8 bytes), may have IP options or IPv6 extension
headers, and may have been changed on their way (addresses and ports by NAT, the TTL, checksums).
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from hopscope.probe.packets.kinds import ECHO_REPLY, ERRORS
from hopscope.wire.messages import Family

ICMP: Final[dict[Family, int]] = {4: 1, 6: 58}
TCP = 6
UDP = 17

_ECHO_REQUEST: Final[dict[Family, int]] = {4: 8, 6: 128}

_STEPPED_OVER = frozenset((0, 43, 44, 60))
"""IPv6 extension headers (RFC 8200): hop-by-hop, routing, fragment, destination options."""
_MOST_EXTENSIONS = 8
_LEAST_QUOTE = 8
_SHORT = struct.Struct("!H")
_WORD = struct.Struct("!I")
_TWO_SHORTS = struct.Struct("!HH")
_SEGMENT = struct.Struct("!HHIIBB")
_PLAIN_ERROR4 = struct.Struct("!B7xBB10xBB2xIBB2xH2xBB6x4sHHH")
"""An ICMP error where both headers are without options, as most are: first byte, TTL and protocol; type, code and
word; of the quoted packet its first byte, type of service, identification, TTL, protocol and destination, and the
beginning of its transport."""


class Heard(msgspec.Struct, frozen=True, gc=False):
    """An ICMP message that may answer a probe. Offsets are into the bytes that were parsed."""

    family: Family
    icmp_type: int
    icmp_code: int
    icmp_at: int
    """Where the ICMP message begins."""
    reply_ttl: int | None
    """Of the message's own IPv4 header."""
    is_error: bool
    protocol: int
    """IPPROTO number of the probe."""
    destination: bytes
    """Where the quoted packet went to; empty for an echo reply."""
    ident: int
    """Source port, or ICMP identifier; -1 where the quoted packet has none that a probe of ours could have."""
    port: int
    """Destination port; 0 for ICMP."""
    at: int
    """Where the quoted transport (of an error) or the echo reply begins."""
    ip_id: int
    """The quoted IPv4 identification; 0 for others."""
    quoted_ttl: int | None
    """What TTL the probe had left where the error was made."""
    quoted_tos: int = 0
    """The quoted packet's type of service, or traffic class."""
    word: int = 0
    """Of an error the four bytes behind its checksum."""


class TcpSegment(msgspec.Struct, frozen=True, gc=False):
    """A TCP segment that may answer a SYN."""

    source_port: int
    port: int
    """Ours."""
    acknowledged: int
    flags: int
    reply_ttl: int | None


def parse_icmp(data: bytes) -> Heard | None:
    """An IPv4 packet, header included, with an ICMP message. Null: malformed."""
    size = len(data)
    if size >= 56:
        (
            first, reply_ttl, number, kind, code, word, quoted, tos, ip_id, ttl, protocol, destination, a, b, c
        ) = _PLAIN_ERROR4.unpack_from(data)  # fmt: skip
        if first == quoted == 0x45 and number == 1 and kind in ERRORS[4]:
            if protocol == 1:
                ident, port = (c, 0) if a >> 8 == 8 else (-1, 0)
            else:
                ident, port = (a, b) if protocol in (UDP, TCP) else (-1, 0)
            return Heard(
                4, kind, code, 20, reply_ttl, True, protocol, destination, ident, port, 48, ip_id, ttl, tos, word
            )  # fmt: skip
    if size < 28 or data[0] >> 4 != 4:
        return None
    at = (data[0] & 15) * 4
    if at < 20 or size < at + 8 or data[9] != 1:
        return None
    kind, code = data[at], data[at + 1]
    if kind == 0:
        (ident,) = _SHORT.unpack_from(data, at + 4)
        return Heard(4, kind, code, at, data[8], False, 1, b"", ident, 0, at, 0, None)
    quote = at + 8
    if kind not in ERRORS[4] or size < quote + 28 or data[quote] >> 4 != 4:
        return None
    transport = quote + (data[quote] & 15) * 4
    if transport < quote + 20 or size < transport + _LEAST_QUOTE:
        return None
    protocol = data[quote + 9]
    (ip_id,) = _SHORT.unpack_from(data, quote + 4)
    ident, port = _ends(data, 4, protocol, transport)
    destination = data[quote + 16 : quote + 20]
    ttl, tos = data[quote + 8], data[quote + 1]
    (word,) = _WORD.unpack_from(data, at + 4)
    return Heard(4, kind, code, at, data[8], True, protocol, destination, ident, port, transport, ip_id, ttl, tos, word)


def parse_icmp6(data: bytes) -> Heard | None:
    """An ICMPv6 message, as a raw socket gives it, without the IPv6 header. Null: malformed."""
    size = len(data)
    if size < 8:
        return None
    kind, code = data[0], data[1]
    if kind == ECHO_REPLY[6]:
        (ident,) = _SHORT.unpack_from(data, 4)
        return Heard(6, kind, code, 0, None, False, 58, b"", ident, 0, 0, 0, None)
    if kind not in ERRORS[6] or size < 56 or data[8] >> 4 != 6:
        return None
    protocol = data[14]
    at = 48
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in _STEPPED_OVER or size < at + 8:
            break
        protocol, at = data[at], at + (8 if protocol == 44 else data[at + 1] * 8 + 8)
    if size < at + _LEAST_QUOTE:
        return None
    ident, port = _ends(data, 6, protocol, at)
    tos = (data[8] & 15) << 4 | data[9] >> 4
    (word,) = _WORD.unpack_from(data, 4)
    return Heard(6, kind, code, 0, None, True, protocol, data[32:48], ident, port, at, 0, data[15], tos, word)


def parse_tcp(data: bytes, family: Family) -> TcpSegment | None:
    """A TCP segment, as a raw socket gives it: after its header in an IPv4 packet, bare in IPv6. Null: malformed."""
    at = 0
    ttl = None
    if family == 4:
        if len(data) < 40 or data[0] >> 4 != 4 or data[9] != TCP:
            return None
        at = (data[0] & 15) * 4
        ttl = data[8]
        if at < 20:
            return None
    if len(data) < at + 20:
        return None
    source, port, _, acknowledged, _, flags = _SEGMENT.unpack_from(data, at)
    return TcpSegment(source, port, acknowledged, flags, ttl)


def _ends(data: bytes, family: Family, protocol: int, at: int) -> tuple[int, int]:
    """`Heard.ident` and `Heard.port` of a quoted transport at `at`, of which 8 bytes are there."""
    if protocol in (UDP, TCP):
        ident, port = _TWO_SHORTS.unpack_from(data, at)
        return ident, port
    if protocol == ICMP[family] and data[at] == _ECHO_REQUEST[family]:
        (ident,) = _SHORT.unpack_from(data, at + 4)
        return ident, 0
    return -1, 0
