"""ICMP echo over a ping socket (icmp(7), ``socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)``): no privilege at all.

The kernel sets identifier and checksum and shows a process only what answers its own probes. The sequence number
tells probes apart, and the payload's first two bytes are its complement, so that the checksum, which per-flow
balancers hash, is the same for every probe of a target. A random cookie follows, which an answer must quote as far as
it quotes.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from hopscope.probe.channel import Flow, FlowInfo, Match, Probe
from hopscope.probe.channels.datagram import DatagramChannel, DatagramFlow
from hopscope.probe.packets.quotes import COOKIE, shown
from hopscope.probe.sockets import endpoint, extras
from hopscope.probe.sockets.datagram_socket import tried, ttl_control
from hopscope.probe.sockets.errqueue import Message
from hopscope.wire.messages import Family, Kind, Method, MethodState, Plan

_HEADER = struct.Struct("!BBHHH")
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_TAG = struct.Struct("!H")
_SMALLEST_PAYLOAD = _TAG.size
_SYSCTL = "net.ipv4.ping_group_range"
REMEDY = f'sudo sysctl -w {_SYSCTL}="0 2147483647"'


class PingSocketChannel(DatagramChannel):
    """ICMP for everybody whom ``net.ipv4.ping_group_range`` holds."""

    method: Method = "ping-socket"

    def open(self, target: int, plan: Plan) -> Flow:
        """A socket for this target."""
        try:
            return _PingFlow(self, target, plan)
        except OSError as problem:
            raise endpoint.refusal(problem, plan, REMEDY) from None


class _PingFlow(DatagramFlow):
    def __init__(self, channel: DatagramChannel, target: int, plan: Plan) -> None:
        overhead = endpoint.IP_HEADER[plan.family] + _HEADER.size
        length = max(plan.packet_size - overhead, _SMALLEST_PAYLOAD)
        self._size = overhead + length
        self._cookie = os.urandom(min(COOKIE, length - _SMALLEST_PAYLOAD))
        filling = bytes([plan.pattern]) * (length - _SMALLEST_PAYLOAD - len(self._cookie))
        blank = bytes(_SMALLEST_PAYLOAD)
        # Identifier and checksum are the kernel's.
        self._bytes = bytearray(_HEADER.pack(_REQUEST[plan.family], 0, 0, 0, 0) + blank + self._cookie + filling)
        super().__init__(channel, target, plan)

    def _make_socket(self) -> socket.socket:
        return _socket(self.plan.family)

    def _ttl_control(self, ttl: int) -> list[tuple[int, int, bytes]]:
        if self.plan.family == 4:
            return ttl_control(4, ttl)
        # Before Linux 5.18 an IPv6 ping socket sends with control messages and heeds none of them.
        self._socket.set_hop_limit(ttl)
        return []

    def _make_info(self) -> FlowInfo:
        return FlowInfo(endpoint.text_of(self._source), None, None, self._size)

    def _packet(self, probe: Probe) -> tuple[bytearray, Any]:
        _TAG.pack_into(self._bytes, 6, probe.seq)
        _TAG.pack_into(self._bytes, _HEADER.size, probe.seq ^ 0xFFFF)
        return self._bytes, self._destination

    def _match_error(self, message: Message) -> Match | None:
        return self._named_by(message.data, _REQUEST[self.plan.family])

    def _match_reply(self, message: Message) -> Match | None:
        return self._named_by(message.data, _REPLY[self.plan.family], whole=True)

    def _match_elsewhere(self, message: Message) -> Match | None:
        return self._match_reply(message)

    def _kind_of_reply(self) -> tuple[Kind, int | None, int | None]:
        return "echo-reply", _REPLY[self.plan.family], 0

    def _named_by(self, data: bytes, icmp_type: int, *, whole: bool = False) -> Match | None:
        """The probe that an ICMP header and what follows of its payload (`whole`: all of it) name."""
        if len(data) < _HEADER.size:
            raise ValueError("too short for an ICMP header")
        found, _, _, _, sequence = _HEADER.unpack_from(data)
        probe = self._probes.get(sequence) if found == icmp_type else None
        if probe is None:
            return None
        head = _TAG.pack(sequence ^ 0xFFFF)
        if whole and not data.startswith(head + self._cookie, _HEADER.size):
            return None
        vouched = shown(data[_HEADER.size :], head, self._cookie)
        return None if vouched is None else Match(probe, vouched)


def capabilities() -> list[MethodState]:
    """Try a ping socket of each family."""
    return [_state(family) for family in (4, 6)]


def _state(family: Family) -> MethodState:
    try:
        sock = _socket(family)
    except OSError as problem:
        if problem.errno in (errno.EACCES, errno.EPERM):
            allowed = "?"
            with suppress(OSError):
                allowed = "-".join(Path("/proc/sys", *_SYSCTL.split(".")).read_text().split())
            reason = f"{_SYSCTL} ({allowed}) does not hold your group"
            return MethodState("ping-socket", "icmp", family, False, reason, REMEDY)
        reason = f"this system has no IPv{family} ping socket: {problem.strerror or problem}"
        return MethodState("ping-socket", "icmp", family, False, reason)
    try:
        lacks = tried(sock)
    except OSError as problem:
        return MethodState("ping-socket", "icmp", family, False, extras.missing(problem))
    return MethodState("ping-socket", "icmp", family, True, extras.in_words(lacks, "no privilege needed"))


def _socket(family: Family) -> socket.socket:
    protocol = socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
    return socket.socket(endpoint.socket_family(family), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol)
