"""Writes small MaxMind DB files (format 2.0, IPv4, 24-bit records), enough to test a reader with."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any, NamedTuple

_UINT16, _UINT32, _UINT64 = 5, 6, 9


class Number(NamedTuple):
    """An integer of a certain type: the format's readers insist on the metadata's."""

    kind: int
    value: int


def write_mmdb(path: Path, networks: dict[str, dict[str, Any]]) -> None:
    """A database that maps `networks` to their records."""
    nodes: list[list[int | None]] = [[None, None]]  # child node's index, -(record + 1), or None
    records: list[bytes] = []
    for text, record in networks.items():
        network = ipaddress.IPv4Network(text)
        records.append(_encode(record))
        at = 0
        for depth in range(network.prefixlen):
            bit = int(network.network_address) >> (31 - depth) & 1
            if depth == network.prefixlen - 1:
                nodes[at][bit] = -len(records)
                continue
            child = nodes[at][bit]
            if child is None:
                nodes.append([None, None])
                child = nodes[at][bit] = len(nodes) - 1
            at = child
    offsets = [sum(map(len, records[:index])) for index in range(len(records))]
    tree = b"".join(_pointer(child, len(nodes), offsets) for node in nodes for child in node)
    metadata = {
        "binary_format_major_version": Number(_UINT16, 2),
        "binary_format_minor_version": Number(_UINT16, 0),
        "build_epoch": Number(_UINT64, 1_700_000_000),
        "database_type": "Test",
        "description": {"en": "test"},
        "ip_version": Number(_UINT16, 4),
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": Number(_UINT16, 24),
    }
    path.write_bytes(tree + b"\0" * 16 + b"".join(records) + b"\xab\xcd\xefMaxMind.com" + _encode(metadata))


def _pointer(child: int | None, count: int, offsets: list[int]) -> bytes:
    if child is None:
        value = count
    elif child < 0:
        value = count + 16 + offsets[-child - 1]
    else:
        value = child
    return value.to_bytes(3, "big")


def _encode(value: Any) -> bytes:
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(_encode(key) + _encode(item) for key, item in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encode, value))
    if isinstance(value, str):
        data = value.encode()
        return _control(2, len(data)) + data
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, int):
        return _unsigned(_UINT32, value)
    if isinstance(value, Number):
        return _unsigned(value.kind, value.value)
    return _control(3, 8) + struct.pack("!d", value)


def _unsigned(kind: int, value: int) -> bytes:
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(data)) + data


def _control(kind: int, size: int) -> bytes:
    head, extra = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([kind << 5 | head]) + extra if kind < 8 else bytes([head, kind - 7]) + extra
