"""ICMP multi-part messages (RFC 4884) and what is read from them: MPLS label stacks (RFC 4950).

An extension structure is a header (version 2, a checksum of which zero means "not computed") and objects, each with
its length, class and type; an object that is not understood, such as an interface's (RFC 5837), is stepped over.
It begins where the message's length field says: in 32-bit words in ICMP, in 64-bit words in ICMPv6. Routers from
before the RFC leave that field zero and begin at byte 128 of the quoted packet. There, and where the field says less
than the 128 bytes that the RFC demands, quoted payload could look like an extension: it is one only with a checksum.

Nothing here raises, whatever the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from hopscope.probe.packets.checksum import is_checked
from hopscope.wire.messages import Family, Label

_ICMP_HEADER = 8
_QUOTE = 128
"""Bytes of the quoted packet, padding included, that an extension follows (RFC 4884, section 3)."""
_WITH_EXTENSION: Final[dict[Family, frozenset[int]]] = {4: frozenset((3, 11, 12)), 6: frozenset((1, 3))}
_MPLS_STACK = (1, 1)
"""Class and type of an incoming label stack, RFC 4950."""
MAX_LABELS = 32
"""More labels than this of one message are not read."""


def extension_of(icmp: bytes, family: Family) -> bytes:
    """The extension structure of an ICMP or ICMPv6 error, `icmp` beginning at its type; empty where there is none."""
    if len(icmp) < _ICMP_HEADER + 4 or icmp[0] not in _WITH_EXTENSION[family]:
        return b""
    length = icmp[5] * 4 if family == 4 else icmp[4] * 8
    at = _ICMP_HEADER + (length or _QUOTE)
    if len(icmp) < at + 4:
        return b""
    extension = bytes(icmp[at:])
    if not _is_valid(extension) or (length < _QUOTE and not _has_checksum(extension)):
        return b""
    return extension


def mpls_from_extension(data: bytes) -> tuple[Label, ...]:
    """The label stack, outermost label first, of an extension structure, `data` beginning at its header. Empty where
    there is none, and for bytes that are no valid structure."""
    if not _is_valid(data):
        return ()
    labels: list[Label] = []
    for kind, body in _objects(data):
        if kind == _MPLS_STACK:
            whole = len(body) & ~3
            labels += (_label(entry) for (entry,) in struct.iter_unpack("!I", body[:whole]))
    return tuple(labels[:MAX_LABELS])


def mpls_of(icmp: bytes, family: Family) -> tuple[Label, ...]:
    """The label stack that an ICMP or ICMPv6 error carries, `icmp` beginning at its type."""
    extension = extension_of(icmp, family)
    return mpls_from_extension(extension) if extension else ()


def _is_valid(data: bytes) -> bool:
    return len(data) >= 4 and data[0] >> 4 == 2 and (not _has_checksum(data) or is_checked(data))


def _has_checksum(data: bytes) -> bool:
    return data[2:4] != b"\0\0"


def _objects(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Class and type, and the body, of each object up to the first that does not fit."""
    at = 4
    while at + 4 <= len(data):
        length, number, kind = struct.unpack_from("!HBB", data, at)
        if length < 4 or at + length > len(data):
            return
        yield (number, kind), data[at + 4 : at + length]
        at += length


def _label(entry: int) -> Label:
    return Label(label=entry >> 12, tc=entry >> 9 & 7, bottom=bool(entry >> 8 & 1), ttl=entry & 0xFF)
