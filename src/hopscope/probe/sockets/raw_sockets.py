"""Raw sockets, opened while there are privileges, with filters in the kernel that keep out what answers no probe.

What is loaded here is loaded as root: the standard library alone.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hopscope.probe.packets.kinds import ACK, HEARD_TYPES, RST, SYN
from hopscope.probe.sockets import errqueue, stamps
from hopscope.probe.sockets.extras import Lack, ask
from hopscope.probe.sockets.scout import Scout

if TYPE_CHECKING:
    from hopscope.wire.messages import Family, Plan

FAMILIES: Final[tuple[Family, ...]] = (4, 6)

_RECEIVE_BUFFER = 4 << 20
_SOL_RAW, _ICMP_FILTER = 255, 1
_SOL_ICMPV6, _ICMP6_FILTER = 58, 1
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_IP_RECVTTL = 12
_IPV6_RECVHOPLIMIT = 51
_IPV6_MTU_DISCOVER, _IPV6_PMTUDISC_PROBE = 23, 3

# Classic BPF, linux/bpf_common.h: X is where the TCP header begins.
_INSTRUCTION = struct.Struct("=HBBI")
_LDX_HEADER_LENGTH, _LDX_NUMBER = 0xB1, 0x01
_LOAD_SHORT, _LOAD_BYTE = 0x48, 0x50
_JUMP_IF_EQUAL, _JUMP_IF_SET, _RETURN = 0x15, 0x45, 0x06


@dataclass(slots=True)
class FamilySockets:
    """One family's sockets."""

    sender: socket.socket
    icmp: socket.socket
    tcp: socket.socket
    scout: Scout


@dataclass(slots=True)
class RawSockets:
    """All that `RawChannel` needs privileges for."""

    families: dict[Family, FamilySockets] = field(default_factory=dict)
    """Without a family that this kernel does not have."""
    lacks: set[Lack] = field(default_factory=set)
    """What this kernel's raw sockets do not know or do."""

    def goes_another_way(self, plan: Plan) -> bool:
        """See `Scout.goes_another_way`."""
        sockets = self.families.get(plan.family)
        return sockets is not None and sockets.scout.goes_another_way(plan)

    def close(self) -> None:
        """Close all. Idempotent."""
        for sockets in self.families.values():
            for sock in (sockets.sender, sockets.icmp, sockets.tcp, sockets.scout):
                sock.close()


def open_sockets(mark: int | None = None) -> RawSockets:
    """Open all raw sockets; `mark`: of what they send (socket(7), SO_MARK). `OSError`: EPERM where this user
    may not, EAFNOSUPPORT where there is no family at all."""
    opened = RawSockets()
    missing: OSError | None = None
    for family in FAMILIES:
        try:
            opened.families[family] = _open_family(family, mark, opened.lacks)
        except OSError as problem:
            if problem.errno not in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
                opened.close()
                raise
            missing = problem
    if missing is not None and not opened.families:
        raise missing
    return opened


def _open_family(family: Family, mark: int | None, lacks: set[Lack]) -> FamilySockets:
    domain = socket.AF_INET if family == 4 else socket.AF_INET6
    with ExitStack() as undo:

        def raw(protocol: int) -> socket.socket:
            sock = undo.enter_context(socket.socket(domain, socket.SOCK_RAW, protocol))
            sock.setblocking(False)
            return sock

        # Each listener has its filter before anything else can reach it.
        tcp = raw(socket.IPPROTO_TCP)
        try:
            attach_port_filter(tcp, family, ())
        except OSError:
            lacks.add("filter")
        icmp = raw(socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6)
        if not _filter_icmp(icmp, family):
            lacks.add("filter")
        for sock in (tcp, icmp):
            lacks |= listen(sock, family)
        sender = raw(socket.IPPROTO_RAW)
        if mark is not None:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", mark))
        if family == 6:
            # Only the interface bounds a probe: what a router said of the path's MTU keeps none from leaving.
            ask(sender, socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _IPV6_PMTUDISC_PROBE)
        _widen(sender)
        sockets = FamilySockets(sender, icmp, tcp, Scout(family, mark))
        undo.pop_all()
        return sockets


def _filter_icmp(sock: socket.socket, family: Family) -> bool:
    """raw(7), ICMP_FILTER; RFC 3542 section 3.2, ICMP6_FILTER: a set bit keeps a type out. Whether it is there."""
    types = HEARD_TYPES[family]
    if family == 4:
        blocked = 0xFFFFFFFF
        for kind in types:
            blocked &= ~(1 << kind)
        return ask(sock, _SOL_RAW, _ICMP_FILTER, struct.pack("=I", blocked))
    words = [0xFFFFFFFF] * 8
    for kind in types:
        words[kind >> 5] &= ~(1 << (kind & 31))
    return ask(sock, _SOL_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))


def listen(sock: socket.socket, family: Family) -> set[Lack]:
    """Stamps, the arrival's TTL, and the count of what the buffer dropped; what this kernel lacks of them."""
    lacks: set[Lack] = set()
    if not stamps.SendStamps(sock, time.time_ns).works:
        lacks.add("stamps")
    if family == 6 and not ask(sock, socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1):
        lacks.add("reply-ttl")
    if family == 4:
        ask(sock, socket.IPPROTO_IP, _IP_RECVTTL, 1)  # of a datagram; a raw socket gives the header itself
    if not ask(sock, socket.SOL_SOCKET, errqueue.SO_RXQ_OVFL, 1):
        lacks.add("drops")
    _widen(sock)
    return lacks


def _widen(sock: socket.socket) -> None:
    """A roomy receive buffer, which bounds the error queue with its stamps too."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except OSError:  # without CAP_NET_ADMIN, as much as net.core.rmem_max allows
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def attach_port_filter(sock: socket.socket, family: Family, ports: Iterable[int]) -> None:
    """Let only SYN-ACKs and resets to these ports reach a raw TCP socket (a classic BPF program, socket(7)). A raw
    socket's filter sees an IPv4 packet from its header on, an IPv6 one from its TCP header on."""
    find_header = (_LDX_HEADER_LENGTH, 0, 0, 0) if family == 4 else (_LDX_NUMBER, 0, 0, 0)
    # Offsets of a jump count from the next step: to the last of these, which loads the port, or to the drop before it.
    program = [
        find_header,
        (_LOAD_BYTE, 0, 0, 13),
        (_JUMP_IF_SET, 3, 0, RST),
        (_JUMP_IF_SET, 0, 1, SYN),
        (_JUMP_IF_SET, 1, 0, ACK),
        (_RETURN, 0, 0, 0),
        (_LOAD_SHORT, 0, 0, 2),
    ]
    for port in ports:
        # Jumps reach 255 instructions far: so each port has its own way out.
        program += [(_JUMP_IF_EQUAL, 0, 1, port), (_RETURN, 0, 0, 0xFFFFFFFF)]
    program.append((_RETURN, 0, 0, 0))
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*step) for step in program))
    # struct sock_fprog, linux/filter.h
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))
