"""What an AF_PACKET socket hears: a classic BPF program, which the kernel runs (socket(7), linux/filter.h)."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Collection
from typing import Final, NamedTuple, TypeAlias

from hopscope.probe.packets.kinds import ACK, ECHO_REPLY, ERRORS, RST, SYN
from hopscope.probe.packets.replies import ICMP, TCP
from hopscope.probe.packets.template import COOKIE_AT
from hopscope.wire.messages import Family

_SO_ATTACH_FILTER = 26
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_STATISTICS = struct.Struct("@II")
_NETWORK_HEADER = 0xFFF00000
"""SKF_NET_OFF: offsets from the IP header, whatever link header comes before it."""
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD_BYTE, _LOAD_BYTE_BEHIND_X, _LOAD_SHORT_BEHIND_X, _LOAD_WORD_BEHIND_X = 0x30, 0x50, 0x48, 0x40
_AND, _SHIFT_LEFT, _TO_X, _LOAD_X = 0x54, 0x64, 0x07, 0x01
_JUMP, _JUMP_IF_EQUAL, _JUMP_IF_SET, _RETURN = 0x05, 0x15, 0x45, 0x06
_ALL: Final = 0xFFFFFFFF

_Step: TypeAlias = tuple[int, int, int, int]


class Own(NamedTuple):
    """By what answers to a channel's own probes are known."""

    identifiers: Collection[int]
    """Of echo requests."""
    cookies: Collection[bytes]
    """In their payload, where the identifier was rewritten on the way."""
    ports: Collection[int]
    """That SYNs leave from."""


def attach(sock: socket.socket, family: Family, own: Own | None) -> None:
    """Let only errors, echo replies, SYN-ACKs and resets in (of UDP, a flow's own socket hears); of the last three
    those for `own` flows, where these are given. `OSError`: they are more than a filter holds."""
    header: list[_Step]  # X: where the IP header ends
    if family == 4:
        header = [(_LOAD_BYTE, 0, 0, _NETWORK_HEADER), (_AND, 0, 0, 15), (_SHIFT_LEFT, 0, 0, 2), (_TO_X, 0, 0, 0)]
    else:
        header = [(_LOAD_X, 0, 0, 40)]
    icmp = [*header, (_LOAD_BYTE_BEHIND_X, 0, 0, _NETWORK_HEADER), *_one_of(ERRORS[family])]
    icmp += [(_JUMP_IF_EQUAL, 1, 0, ECHO_REPLY[family]), (_RETURN, 0, 0, 0)]
    tcp = [(_JUMP_IF_EQUAL, 1, 0, TCP), (_RETURN, 0, 0, 0), *header]
    tcp += [
        (_LOAD_BYTE_BEHIND_X, 0, 0, _NETWORK_HEADER + 13),
        (_JUMP_IF_SET, 3, 0, RST),
        (_JUMP_IF_SET, 0, 1, SYN),
        (_JUMP_IF_SET, 1, 0, ACK),
        (_RETURN, 0, 0, 0),
    ]
    if own is not None:
        icmp += [(_LOAD_SHORT_BEHIND_X, 0, 0, _NETWORK_HEADER + 4), *_one_of(own.identifiers)]
        cookies = [int.from_bytes(cookie, "big") for cookie in own.cookies]
        icmp += [(_LOAD_WORD_BEHIND_X, 0, 0, _NETWORK_HEADER + COOKIE_AT["icmp"]), *_one_of(cookies)]
        tcp += [(_LOAD_SHORT_BEHIND_X, 0, 0, _NETWORK_HEADER + 2), *_one_of(own.ports)]
    end: _Step = (_RETURN, 0, 0, _ALL if own is None else 0)
    program: list[_Step] = [(_LOAD_BYTE, 0, 0, _NETWORK_HEADER + (9 if family == 4 else 6))]
    program += [(_JUMP_IF_EQUAL, 1, 0, ICMP[family]), (_JUMP, 0, 0, len(icmp) + 1), *icmp, end, *tcp, end]
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*step) for step in program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))


def _one_of(numbers: Collection[int]) -> list[_Step]:
    """In it goes where it is one of these. Jumps reach 255 steps far: so each number has its own way out."""
    return [step for number in numbers for step in ((_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALL))]


def dropped(sock: socket.socket) -> int:
    """How many packets had no room since the last time. packet(7)."""
    return int(_STATISTICS.unpack(sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size))[1])
