"""UDP over a plain datagram socket: no privilege at all, IPv4 and IPv6.

Source, both ports and the checksum are the same for every probe of a target. A probe is told apart by its payload,
which a router's ICMP error quotes: a sequence number, its complement (so that the checksum stays), a cookie. Some
routers quote the first 8 bytes only, which is the UDP header, and the kernel shows no other part of it than the
destination port. Then this target's probes get a destination port each, and the flow says so, until no answer has
needed that for a minute: a single such quote may have been forged.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from typing import Any

from hopscope.probe.channel import Flow, FlowInfo, Match, Probe
from hopscope.probe.channels.datagram import DatagramChannel, DatagramFlow, Unnamed
from hopscope.probe.channels.own_ports import OPEN_PORT, SHORT_QUOTE, OwnPorts, named
from hopscope.probe.packets.quotes import COOKIE, VOUCHING, shown
from hopscope.probe.sockets import endpoint, extras
from hopscope.probe.sockets.datagram_socket import tried
from hopscope.probe.sockets.errqueue import Message
from hopscope.wire.messages import DEFAULT_PORT, Family, FlowKind, Kind, Method, MethodState, Plan

_HEADER = 8
_TAG = struct.Struct("!HH")


class UdpSocketChannel(DatagramChannel):
    """UDP for everybody."""

    method: Method = "udp-socket"

    def open(self, target: int, plan: Plan) -> Flow:
        """A socket for this target."""
        try:
            return UdpFlow(self, target, plan)
        except OSError as problem:
            raise endpoint.refusal(problem, plan) from None


class UdpFlow(DatagramFlow):
    """One target's probes over UDP."""

    def __init__(self, channel: DatagramChannel, target: int, plan: Plan) -> None:
        overhead = endpoint.IP_HEADER[plan.family] + _HEADER
        length = max(plan.packet_size - overhead, _TAG.size)
        self._size = overhead + length
        self._ports = OwnPorts(plan.port or DEFAULT_PORT["udp"] or 0)
        self._cookie = os.urandom(min(COOKIE, length - _TAG.size))
        filling = bytes([plan.pattern]) * (length - _TAG.size - len(self._cookie))
        self._bytes = bytearray(bytes(_TAG.size) + self._cookie + filling)
        super().__init__(channel, target, plan)

    def send(self, probe: Probe) -> None:
        """See `Flow.send`."""
        if self._ports.note and self._ports.end_if_unneeded(self.context.monotonic()):
            self._tell()
        super().send(probe)

    def forget(self, probe: Probe) -> None:
        """No answer to `probe` counts any more."""
        super().forget(probe)
        self._ports.forget(probe)

    def close(self) -> None:
        """Close the socket."""
        super().close()
        self._ports.clear()

    def _make_socket(self) -> socket.socket:
        return _socket(self.plan.family)

    def _make_info(self) -> FlowInfo:
        note = self._ports.note
        flow: FlowKind = "per-probe" if note else "one"
        source = endpoint.text_of(self._source)
        return FlowInfo(source, self._port, None if note else self._ports.asked, self._size, flow=flow, note=note)

    # --- sending -----------------------------------------------------------------------------------------------

    def _packet(self, probe: Probe) -> tuple[bytearray, Any]:
        _TAG.pack_into(self._bytes, 0, probe.seq, probe.seq ^ 0xFFFF)
        return self._bytes, (self._destination[0], self._ports.assign(probe), *self._destination[2:])

    def _fall_back(self, note: str) -> None:
        """Give each probe a port of its own from here on. What is still in flight is sent again that way: answers to
        its first sending can no longer be told apart, and it must not count as lost for that."""
        self._ports.begin(note, self.context.monotonic())
        self._tell()
        for probe in list(self._probes.values()):
            if probe.fate is None:
                with suppress(OSError):
                    self._transmit(probe)

    # --- receiving ---------------------------------------------------------------------------------------------

    def _match_error(self, message: Message) -> Match | None:
        if self._ports.note:
            return self._by_own_port(message, quoted=True)
        if len(message.data) < 2 or not message.data.strip(b"\0"):
            self._fall_back(SHORT_QUOTE)
            raise Unnamed
        (sequence,) = struct.unpack_from("!H", message.data)
        return self._quoted(self._probes.get(sequence), message.data)

    def _match_reply(self, message: Message) -> Match | None:
        """The target's own datagram: its port is open. Only a service that sends back what it got (echo), or that
        begins with what it got (DNS), names the probe."""
        if self._ports.note:
            return self._by_own_port(message, quoted=False)
        if message.address[1] != self._ports.asked:
            return None
        probe = named(self._probes.values(), message.data)
        if probe is None:
            self._fall_back(OPEN_PORT)
            raise Unnamed
        return self._answered(probe, message.data)

    def _match_elsewhere(self, message: Message) -> Match | None:
        if len(message.data) < _TAG.size:
            return None
        match = self._answered(self._probes.get(_TAG.unpack_from(message.data)[0]), message.data)
        return match if match is not None and match.vouched else None

    def _kind_of_reply(self) -> tuple[Kind, int | None, int | None]:
        return "other", None, None

    def _by_own_port(self, message: Message, *, quoted: bool) -> Match | None:
        """After the fallback: whose probe the destination port names. Raises `Unnamed` for the port that all had
        before."""
        port = message.address[1]
        if port == self._ports.asked:
            raise Unnamed
        probe = self._ports.probe_at(port)
        match = self._quoted(probe, message.data) if quoted else self._answered(probe, message.data)
        if match is not None and not match.vouched:
            self._ports.needed(self.context.monotonic())
        return match

    def _quoted(self, probe: Probe | None, data: bytes) -> Match | None:
        """`probe`, if what a router quoted of a payload, zeros that fill it up aside, can be of it."""
        vouched = None if probe is None else shown(data, self._head(probe), self._cookie)
        return None if probe is None or vouched is None else Match(probe, vouched)

    def _answered(self, probe: Probe | None, data: bytes) -> Match | None:
        """`probe`, whatever the target's service made of it."""
        if probe is None:
            return None
        secret = self._cookie[:VOUCHING]
        return Match(probe, len(secret) == VOUCHING and data.startswith(self._head(probe) + secret))

    def _head(self, probe: Probe) -> bytes:
        return _TAG.pack(probe.seq, probe.seq ^ 0xFFFF)


def capabilities() -> list[MethodState]:
    """Try a datagram socket of each family."""
    return [_state(family) for family in (4, 6)]


def _state(family: Family) -> MethodState:
    try:
        sock = _socket(family)
    except OSError as problem:
        reason = f"this system has no IPv{family}: {problem.strerror or problem}"
        return MethodState("udp-socket", "udp", family, False, reason)
    try:
        lacks = tried(sock)
    except OSError as problem:
        return MethodState("udp-socket", "udp", family, False, extras.missing(problem))
    return MethodState("udp-socket", "udp", family, True, extras.in_words(lacks, "no privilege needed"))


def _socket(family: Family) -> socket.socket:
    return socket.socket(endpoint.socket_family(family), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.IPPROTO_UDP)
