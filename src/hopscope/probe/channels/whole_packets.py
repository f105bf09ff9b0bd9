"""What the methods that send whole packets share (`raw`, `scapy`): one template and one ledger entry a target.

UDP and TCP targets each hold a port by a plain socket of their own, so that no other program uses it. UDP's also
hears the target's datagrams; a SYN-ACK finds nobody listening, and the kernel's reset ends the half-open connection.
"""

from __future__ import annotations

import errno
import secrets
import socket
import struct
from abc import abstractmethod
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused, Flow, FlowInfo, Match, Probe, Reply
from hopscope.probe.inbox import Inbox
from hopscope.probe.own_errors import own_error, silent_next_hop
from hopscope.probe.packets.checksum import is_checked
from hopscope.probe.packets.extensions import mpls_of
from hopscope.probe.packets.kinds import kind_of
from hopscope.probe.packets.ledger import FlowEntry, Ledger
from hopscope.probe.packets.replies import ACK, RST, SYN, parse_icmp, parse_icmp6, parse_tcp
from hopscope.probe.packets.template import PacketShape, Template
from hopscope.probe.sockets import endpoint, errqueue, extras, routing
from hopscope.probe.sockets.extras import Lack
from hopscope.probe.stand_in import StandIn
from hopscope.wire.messages import DEFAULT_PORT, Clock, Family, Kind, Plan, Protocol

_STILL_FULL_NS = 1_000_000_000
"""A drop that is heard of so long after a buffer was seen full was for want of room."""
_FRAGMENTING: Final[dict[Protocol, str]] = {"icmp": "--method ping-socket", "udp": "--method udp-socket"}
"""Methods whose packets the kernel fragments."""
_IP_PKTINFO, _IPV6_PKTINFO = 8, 50


class Arrival(NamedTuple):
    """How a packet came in."""

    address: str
    """Who sent it: numeric, with a zone where the address needs one."""
    ttl: int | None
    """Of its IPv6 header; IPv4's is in the packet."""
    mono: int
    """Monotonic ns, read right after the system call."""
    stamp: int
    """The kernel's, 0 where there is none."""


Handle: TypeAlias = Callable[[errqueue.Message, int], None]
"""What is done with a message and the monotonic ns at which it was read."""


class PacketChannel(Channel):
    """All targets of a method; subclasses have the sockets. What their sockets held is handled by `on_deadline`, all
    of it in the order of its arrival."""

    clock: Clock = "kernel"
    remedy: str
    lacks: Collection[Lack] = ()
    """What this kernel does not know or do for the method."""

    def __init__(self, context: ChannelContext) -> None:
        self.context = context
        self.ledger = Ledger()
        self._flows: dict[int, PacketFlow] = {}
        self._dropped: dict[socket.socket, int] = {}
        self._full_at = -_STILL_FULL_NS
        self._inbox: Inbox[tuple[Handle, errqueue.Message, int]] = Inbox()

    # --- what subclasses say -----------------------------------------------------------------------------------

    @abstractmethod
    def has(self, family: Family) -> bool:
        """Whether this machine has the family."""

    @abstractmethod
    def transmit(self, family: Family, probe: Probe, packet: bytearray, control: list[Any], address: Any) -> None:
        """Send a packet, and fill in the times of its probe. `OSError`: the kernel did not take it."""

    def egress_of(self, plan: Plan) -> endpoint.Egress:
        """Where packets of this plan leave as things are now; see `endpoint.egress_of`."""
        return endpoint.egress_of(plan)

    def read_stamps(self, family: Family, wanted: Probe) -> None:
        """Read the stamps of sending until `wanted` has its own or none is left."""

    def listen_to_ports(self, family: Family) -> None:
        """A TCP port was added or given back. `OSError`: more ports than a filter holds."""

    def prepare_holder(self, holder: socket.socket, family: Family) -> None:
        """Set up a UDP target's own socket before it is bound."""

    # --- targets -----------------------------------------------------------------------------------------------

    def open(self, target: int, plan: Plan) -> PacketFlow:
        """See `Channel.open`."""
        if not self.has(plan.family):
            raise ChannelRefused("unsupported", f"this machine has no IPv{plan.family}")
        try:
            flow = PacketFlow(self, target, plan)
        except OSError as problem:
            raise endpoint.refusal(problem, plan, self.remedy) from problem
        mtu = flow.mtu()
        if mtu is not None and flow.facts.packet_size > mtu:
            flow.close()
            size = flow.facts.packet_size
            words = f"a packet of {size} bytes is larger than the interface's MTU, {mtu}, and the method {self.method}"
            raise ChannelRefused("limit", f"{words} sends whole packets only", _FRAGMENTING.get(plan.protocol))
        self._flows[target] = flow
        return flow

    def close(self) -> None:
        """Close all flows."""
        for flow in list(self._flows.values()):
            flow.close()

    def drop(self, target: int, flow: PacketFlow) -> None:
        """A flow closed."""
        if self._flows.get(target) is flow:
            del self._flows[target]

    # --- receiving ---------------------------------------------------------------------------------------------

    def deadline(self) -> int | None:
        """At once, while something was read and not handled, or lies unread."""
        return 0 if self._inbox or self._inbox.has_backlog else None

    @property
    def has_backlog(self) -> bool:
        """See `Channel.has_backlog`."""
        return self._inbox.has_backlog

    def on_deadline(self, now: int) -> None:
        """Handle what was read."""
        for handle, message, received in self._inbox.take():
            handle(message, received)

    def fill(self, sock: socket.socket, handle: Handle) -> None:
        """Read a socket that is ready."""
        self._inbox.fill(sock, partial(self._next, sock, handle))

    def forget(self, sock: socket.socket) -> None:
        """A socket is closed."""
        self._inbox.forget(sock)
        self._dropped.pop(sock, None)

    def _next(self, sock: socket.socket, handle: Handle) -> tuple[int, tuple[Handle, errqueue.Message, int]] | None:
        read = self.read(sock)
        return None if read is None else (self.arrived_at(*read), (handle, *read))

    def arrived_at(self, message: errqueue.Message, received: int) -> int:
        """When a message came, by the clock that orders the messages of all sockets."""
        return message.stamp or self.context.wall()

    def read(self, sock: socket.socket) -> tuple[errqueue.Message, int] | None:
        """The next packet of a socket and when it was read, its losses counted; None where there is none."""
        try:
            message = errqueue.receive(sock, errors=False)
        except OSError:  # of an interface that went down, and off the socket now
            return None
        received = self.context.monotonic()
        if message is None:
            return None
        if message.dropped is not None:
            before = self._dropped.get(sock, 0)
            more = max(0, message.dropped - before)
            self._dropped[sock] = before + more
            if received - self._full_at < _STILL_FULL_NS:
                self.context.tally.overflow += more
            else:
                self.context.tally.malformed += more  # the kernel counts what does not add up as dropped, too
        return message, received

    def on_receive_overflow(self, at: int) -> None:
        """This machine dropped answers, perhaps, at `at`: of any flow, since they share the sockets."""
        self._full_at = at
        for flow in self._flows.values():
            flow.receive_overflow_at = at

    def on_icmp(self, family: Family, data: bytes, arrival: Arrival) -> None:
        """An ICMP packet (from its IPv4 header on) or ICMPv6 message."""
        heard = parse_icmp(data) if family == 4 else parse_icmp6(data)
        # A raw IPv4 socket is given what the kernel itself would drop (RFC 1122, 3.2.2).
        if heard is None or (family == 4 and not is_checked(data[heard.icmp_at :])):
            self.context.tally.malformed += 1
            return
        match = self.ledger.probe_of(heard, data)
        flow = None if match is None else self._flows.get(match.probe.target)
        if match is None or flow is None:
            self.context.tally.foreign += 1
            return
        icmp_type, code = heard.icmp_type, heard.icmp_code
        kind = kind_of(family, icmp_type, code)
        mpls = mpls_of(data[heard.icmp_at :], family) if heard.is_error else ()
        ttl = arrival.ttl if heard.reply_ttl is None else heard.reply_ttl
        flow.on_reply(
            match.probe,
            Reply(arrival.address, kind, icmp_type, code, ttl, mpls, arrival.mono, arrival.stamp, match.vouched),
        )

    def on_tcp(self, family: Family, data: bytes, arrival: Arrival) -> None:
        """A TCP packet (from its IPv4 header on) or, in IPv6, segment."""
        segment = parse_tcp(data, family)
        if segment is None:
            self.context.tally.malformed += 1
            return
        if not segment.flags & RST and segment.flags & (SYN | ACK) != SYN | ACK:
            return  # what a filter keeps out, where there is one
        match = self.ledger.probe_of_segment(segment, family)
        flow = None if match is None else self._flows.get(match.probe.target)
        if match is None or flow is None:
            self.context.tally.foreign += 1
            return
        kind: Kind = "tcp-reset" if segment.flags & RST else "tcp-open"
        ttl = arrival.ttl if segment.reply_ttl is None else segment.reply_ttl
        flow.on_reply(match.probe, Reply(arrival.address, kind, None, None, ttl, (), arrival.mono, arrival.stamp))


class PacketFlow(Flow):
    """One target."""

    def __init__(self, channel: PacketChannel, target: int, plan: Plan) -> None:
        """`OSError`: no route, no such source or interface, no port."""
        self.plan = plan
        self._channel = channel
        self._context = channel.context
        self._target = target
        self._holder: socket.socket | None = None
        self._last_router = (0, 0)
        self._stand_in = StandIn(self._context.tally)
        try:
            self._settle(self._channel.egress_of(plan), None)
        except OSError:
            self._release()
            raise

    def send(self, probe: Probe) -> None:
        """See `Flow.send`."""
        packet = self._template.packet(probe.ttl, probe.seq)
        self._entry.probes[probe.seq] = probe
        try:
            self._channel.transmit(self.plan.family, probe, packet, self._control, self._address)
        except OSError:
            del self._entry.probes[probe.seq]
            raise

    def forget(self, probe: Probe) -> None:
        """See `Flow.forget`."""
        self._stand_in.forget(probe)
        if self._entry.probes.get(probe.seq) is probe:
            del self._entry.probes[probe.seq]

    def last_word(self, probe: Probe) -> Reply | None:
        """See `Flow.last_word`."""
        before = self._stand_in.address
        reply = self._stand_in.last_word(probe)
        if self._stand_in.address != before:
            self._tell()
        return reply

    def close(self) -> None:
        """Give the port back."""
        self._channel.ledger.remove(self._entry)
        self._entry.probes.clear()
        self._release()
        self._channel.drop(self._target, self)

    # --- answers -------------------------------------------------------------------------------------------------

    def is_target(self, address: str) -> bool:
        """Whether this is the target's address, whatever its zone."""
        packed = socket.inet_pton(endpoint.socket_family(self.plan.family), address.partition("%")[0])
        return packed == self._entry.destination

    def on_reply(self, probe: Probe, reply: Reply) -> None:
        """An answer to a probe of this flow, for the engine."""
        if not probe.sent_stamp:
            self._channel.read_stamps(self.plan.family, probe)
        is_target = self.is_target(reply.address)
        if reply.icmp_type is None or reply.kind == "echo-reply":
            if not is_target and not self._stand_in.takes(probe, reply):
                return
            if is_target and self._stand_in.on_target():
                self._tell()
        elif reply.address == self.facts.source and not is_target:
            # A stranger who uses this machine's address does not know the probe; who does, on its path, saw it leave.
            if reply.vouched and not probe.sent_stamp:
                own = own_error(self.plan, self.facts.source, reply.icmp_type, reply.icmp_code or 0)
                self._context.failed_here(probe, *own)
            else:
                self._context.tally.foreign += 1
            return
        elif reply.kind == "time-exceeded":
            last_round, last_ttl = self._last_router
            if probe.ttl >= last_ttl or probe.round > last_round + 1:
                self._last_router = (probe.round, probe.ttl)
        elif reply.kind == "port-unreachable":
            is_news = self._stand_in.on_target() if is_target else self._stand_in.on_end(reply.address)
            if is_news:
                self._tell()
        self._context.deliver(probe, reply)

    def _tell(self) -> None:
        self.facts = replace(self.facts, answered_by=self._stand_in.answers)
        self._context.changed(self, self._target)

    def _on_datagram(self, message: errqueue.Message, received: int) -> None:
        match = self._entry.by_payload(message.data)
        if match is None and self.is_target(message.address[0]) and message.address[1] == self._template.shape.port:
            match = self._first_beyond_routers()
        if match is None:
            self._context.tally.foreign += 1
            return
        address = endpoint.text_of(message.address)
        reply = Reply(address, "other", None, None, message.ttl, (), received, message.stamp, match.vouched)
        self.on_reply(match.probe, reply)

    def _first_beyond_routers(self) -> Match | None:
        """What a datagram answers that does not repeat a probe's payload: it cannot say, but no router took that
        probe, so it is the first of those pending that went beyond the last router known."""
        pending = (probe for probe in self._entry.probes.values() if probe.fate is None)
        beyond = (probe for probe in pending if probe.ttl > self._last_router[1])
        first = min(beyond, key=lambda probe: probe.sent_mono, default=None)
        return None if first is None else Match(first, vouched=False)

    # --- where probes leave from ---------------------------------------------------------------------------------

    def follow(self) -> bool:
        """See `Flow.follow`: another source or interface needs another template."""
        try:
            egress = self._channel.egress_of(self.plan)
            if egress == self._egress:
                return False
            self._settle(egress, self._entry)
        except OSError:
            return False
        self._context.changed(self, self._target)
        return True

    def mtu(self) -> int | None:
        """The MTU of the interface by which probes leave; None where it is not known."""
        plan, source = self.plan, self.facts.source
        address, _, zone = plan.address.partition("%")
        index = routing.index_of(plan.interface or zone or None)
        try:
            way = routing.way_to(address, plan.family, source.partition("%")[0] if source else None, index)
        except OSError:
            return None
        return None if way is None else routing.mtu_of(way.interface)

    def own_fault(self) -> tuple[str, str] | None:
        """See `Flow.own_fault`."""
        return silent_next_hop(self.plan, self.facts.source)

    def _settle(self, egress: endpoint.Egress, before: FlowEntry | None) -> None:
        """Take identifier or port, build the template and write the flow into the ledger. `before` is the flow's
        entry until now, whose identity and probes in flight go on."""
        plan, ledger, source = self.plan, self._channel.ledger, egress.source
        self._address = endpoint.socket_address(plan.address, plan.family)  # a zone's number may be another one now
        asked = plan.local_port if plan.protocol == "udp" else None
        held = self._hold_port(source, before.shape.ident if before else asked or 0)
        if before is not None:
            ledger.remove(before)
        while True:
            shape = PacketShape(
                family=plan.family,
                protocol=plan.protocol,
                source=source[0].partition("%")[0],
                destination=self._address[0],
                ident=held or (before.shape.ident if before else secrets.randbits(16)),
                port=0 if plan.protocol == "icmp" else plan.port or DEFAULT_PORT[plan.protocol] or 0,
                cookie=before.shape.cookie if before else secrets.randbits(32),
                size=plan.packet_size,
                pattern=plan.pattern,
                tos=plan.tos,
            )
            if before is not None or ledger.is_free(shape):
                break
        self._template = Template(shape)
        self._entry = FlowEntry(shape)
        if before is not None:
            self._entry.probes = before.probes
        ledger.add(self._entry)
        try:
            if plan.protocol == "tcp":
                self._channel.listen_to_ports(plan.family)
        except OSError:
            ledger.remove(self._entry)
            raise
        self._egress = egress
        self._control = _pktinfo(plan, shape.source, egress.interface or egress.held)
        self.facts = FlowInfo(
            source=endpoint.text_of(source),
            source_port=held or None,
            port=shape.port or None,
            packet_size=len(self._template),
            clock=self._channel.clock,
            note=extras.note(self._channel.lacks),
            answered_by=self._stand_in.answers,
        )

    def _hold_port(self, source: Any, wanted: int) -> int:
        """Hold `wanted`, or where that is taken or 0 a port of the kernel's choice; 0 for ICMP, which has none."""
        if self.plan.protocol == "icmp":
            return 0
        is_udp = self.plan.protocol == "udp"
        family = endpoint.socket_family(self.plan.family)
        holder = socket.socket(family, socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM)
        try:
            holder.setblocking(False)
            if is_udp:
                self._channel.prepare_holder(holder, self.plan.family)
            try:
                holder.bind((source[0], wanted, *source[2:]))
            except OSError as problem:
                if not wanted or problem.errno != errno.EADDRINUSE:
                    raise
                holder.bind(source)
        except BaseException:
            holder.close()
            raise
        self._release()
        self._holder = holder
        if is_udp:
            timestamped = self._channel.timestamped
            ready = partial(self._channel.fill, holder, self._on_datagram)
            self._context.watch.add(holder.fileno(), ready, timestamped=timestamped)
        port: int = holder.getsockname()[1]
        return port

    def _release(self) -> None:
        if self._holder is None:
            return
        if self.plan.protocol == "udp":
            self._context.watch.remove(self._holder.fileno())
            self._channel.forget(self._holder)
        self._holder.close()
        self._holder = None
        if self.plan.protocol == "tcp":
            with suppress(OSError):
                self._channel.listen_to_ports(self.plan.family)


def _pktinfo(plan: Plan, source: str, index: int) -> list[tuple[int, int, bytes]]:
    """Route by the source and interface that were asked for; ip(7) and ipv6(7), IP_PKTINFO and IPV6_PKTINFO."""
    if plan.source is None and not index:
        return []
    packed = socket.inet_pton(endpoint.socket_family(plan.family), source)
    if plan.family == 4:
        return [(socket.IPPROTO_IP, _IP_PKTINFO, struct.pack("=I4s4x", index, packed))]
    # The packet has its source already. With one here, too, the kernel would take the interface for a wish
    # (net/ipv6/route.c, RT6_LOOKUP_F_IFACE).
    return [(socket.IPPROTO_IPV6, _IPV6_PKTINFO, struct.pack("=16sI", bytes(16) if index else packed, index))]
