"""One target of a method that sends whole packets: its template, its port and its entry in the ledger.

UDP and TCP targets each hold a port by a plain socket of their own, so that no other program uses it. UDP's also
hears the target's datagrams; a SYN-ACK finds nobody listening, and the kernel's reset ends the half-open connection.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from hopscope.probe.channel import ChannelContext, Flow, FlowInfo, Match, Probe, Reply
from hopscope.probe.channels.own_ports import OPEN_PORT, OwnPorts, named
from hopscope.probe.own_errors import own_error, own_fault
from hopscope.probe.packets.ledger import FlowEntry, Ledger
from hopscope.probe.packets.template import PacketShape, Template
from hopscope.probe.sockets import endpoint, errqueue, extras, routing
from hopscope.probe.sockets.extras import Lack
from hopscope.probe.stand_in import StandIn
from hopscope.wire.messages import DEFAULT_PORT, Clock, Family, Plan

_IP_PKTINFO, _IPV6_PKTINFO = 8, 50


Handle: TypeAlias = Callable[[errqueue.Message, int], None]
"""What is done with a message and the monotonic ns at which it was read."""


class Sockets(ABC):
    """What a flow asks of its method's sockets, which serve all targets."""

    context: ChannelContext
    ledger: Ledger
    clock: Clock
    timestamped: bool
    passes_by_firewall: bool = False
    """What it sends, this machine's firewall never sees: so it never refuses a probe."""
    lacks: Collection[Lack]
    """What this kernel does not know or do for the method."""

    @abstractmethod
    def transmit(self, family: Family, probe: Probe, packet: bytes, control: list[Any], address: Any) -> None:
        """Send a packet, and fill in the times of its probe. `OSError`: the kernel did not take it."""

    def egress_of(self, plan: Plan) -> endpoint.Egress:
        """Where packets of this plan leave as things are now; see `endpoint.egress_of`."""
        return endpoint.egress_of(plan)

    def read_stamps(self, family: Family, wanted: Probe) -> None:  # noqa: B027 - not all need it
        """Read the stamps of sending until `wanted` has its own or none is left."""

    def listen_to_ports(self, family: Family) -> None:  # noqa: B027 - not all need it
        """A TCP port was added or given back. `OSError`: more ports than a filter holds."""

    def prepare_holder(self, holder: socket.socket, family: Family) -> None:  # noqa: B027 - not all need it
        """Set up a UDP target's own socket before it is bound."""

    @abstractmethod
    def fill(self, sock: socket.socket, handle: Handle) -> None:
        """Read a socket that is ready, for `handle`."""

    @abstractmethod
    def forget(self, sock: socket.socket) -> None:
        """A socket is closed."""

    @abstractmethod
    def drop(self, target: int, flow: PacketFlow) -> None:
        """A flow closed."""


class PacketFlow(Flow):
    """One target."""

    def __init__(self, sockets: Sockets, target: int, plan: Plan) -> None:
        """`OSError`: no route, no such source or interface, no port."""
        self.plan = plan
        self._sockets = sockets
        self._context = sockets.context
        self._target = target
        self._holder: socket.socket | None = None
        self._ports = OwnPorts(0 if plan.protocol == "icmp" else plan.port or DEFAULT_PORT[plan.protocol] or 0)
        self._stand_in = StandIn(self._context.tally)
        try:
            self._settle(self._sockets.egress_of(plan), None)
        except OSError:
            self._release()
            raise

    def send(self, probe: Probe) -> None:
        """See `Flow.send`."""
        if self._ports.note:
            if self._ports.end_if_unneeded(self._context.monotonic()):
                self._tell()
            self._template.to_port(self._ports.assign(probe))
        packet = self._template.packet(probe.ttl, probe.seq)
        self._entry.probes[probe.seq] = probe
        try:
            self._sockets.transmit(self.plan.family, probe, packet, self._control, self._address)
        except OSError:
            del self._entry.probes[probe.seq]
            raise

    def forget(self, probe: Probe) -> None:
        """See `Flow.forget`."""
        self._stand_in.forget(probe)
        if self._entry.probes.get(probe.seq) is probe:
            del self._entry.probes[probe.seq]
        if self._ports.note:
            self._ports.forget(probe)

    def last_word(self, probe: Probe) -> Reply | None:
        """See `Flow.last_word`."""
        before = self._stand_in.address
        reply = self._stand_in.last_word(probe)
        if self._stand_in.address != before:
            self._tell()
        return reply

    def close(self) -> None:
        """Give the port back."""
        self._sockets.ledger.remove(self._entry)
        self._entry.probes.clear()
        self._ports.clear()
        self._release()
        self._sockets.drop(self._target, self)

    # --- answers -------------------------------------------------------------------------------------------------

    def is_target(self, address: str) -> bool:
        """Whether this is the target's address, whatever its zone."""
        packed = socket.inet_pton(endpoint.socket_family(self.plan.family), address.partition("%")[0])
        return packed == self._entry.destination

    def on_reply(self, probe: Probe, reply: Reply) -> None:
        """An answer to a probe of this flow, for the engine."""
        if not probe.sent_stamp:
            self._sockets.read_stamps(self.plan.family, probe)
        is_target = self.is_target(reply.address)
        if reply.icmp_type is None or reply.kind == "echo-reply":
            if not is_target and not self._stand_in.takes(probe, reply):
                return
            if is_target and self._stand_in.on_target():
                self._tell()
        elif reply.address == self.info.source and not is_target:
            # A stranger who uses this machine's address does not know the probe; who does, on its path, saw it leave.
            if reply.vouched and not probe.sent_stamp and not self._sockets.passes_by_firewall:
                own = own_error(self.plan, self.info.source, reply.icmp_type, reply.icmp_code or 0)
                self._context.failed_here(probe, *own)
            else:
                self._context.tally.foreign += 1
            return
        elif reply.kind == "port-unreachable":
            is_news = self._stand_in.on_target() if is_target else self._stand_in.on_end(reply.address)
            if is_news:
                self._tell()
        self._context.deliver(probe, reply)

    def _tell(self) -> None:
        self.info = self._told(self.info)
        self._context.changed(self, self._target)

    def _told(self, info: FlowInfo) -> FlowInfo:
        """`info` with what was heard since."""
        ports, lacking = self._ports, extras.note(self._sockets.lacks)
        return replace(
            info,
            port=None if ports.note else ports.asked or None,
            flow="per-probe" if ports.note else "one",
            note="; ".join(filter(None, (ports.note, lacking))) or None,
            answered_by=self._stand_in.answers,
        )

    def _on_datagram(self, message: errqueue.Message, received: int) -> None:
        match = self._entry.by_payload(message.data)
        if match is None and self.is_target(message.address[0]):
            match = self._named(message)
        if match is None:
            self._context.tally.foreign += 1
            return
        address = endpoint.text_of(message.address)
        reply = Reply(address, "other", None, None, message.ttl, (), received, message.stamp, match.vouched)
        self.on_reply(match.probe, reply)

    def _named(self, message: errqueue.Message) -> Match | None:
        """What a datagram of the target answers that does not repeat a probe's payload."""
        port, ports = message.address[1], self._ports
        if ports.note:
            probe = None if port == ports.asked else ports.probe_at(port)
            if probe is not None:
                ports.needed(self._context.monotonic())
        elif port == ports.asked:
            probe = named(self._entry.probes.values(), message.data)
            if probe is None:
                self._fall_back()
        else:
            return None
        return None if probe is None else Match(probe, vouched=False)

    def _fall_back(self) -> None:
        """Give each probe a port of its own from here on. What is still in flight is sent again that way, or it would
        count as lost for that."""
        self._ports.begin(OPEN_PORT, self._context.monotonic())
        self._tell()
        for probe in list(self._entry.probes.values()):
            if probe.fate is None:
                with suppress(OSError):
                    self.send(probe)

    # --- where probes leave from ---------------------------------------------------------------------------------

    def follow(self) -> bool:
        """See `Flow.follow`: another source or interface needs another template."""
        try:
            egress = self._sockets.egress_of(self.plan)
            if egress == self._egress:
                return False
            self._settle(egress, self._entry)
        except OSError:
            return False
        self._context.changed(self, self._target)
        return True

    def mtu(self) -> int | None:
        """The MTU of the interface by which probes leave; None where it is not known."""
        plan, source = self.plan, self.info.source
        address, _, zone = plan.address.partition("%")
        index = routing.index_of(plan.interface or zone or None)
        try:
            way = routing.way_to(address, plan.family, source.partition("%")[0] if source else None, index)
        except OSError:
            return None
        return None if way is None else routing.mtu_of(way.interface)

    def own_fault(self) -> tuple[str, str] | None:
        """See `Flow.own_fault`."""
        return own_fault(self.plan, self.info.source)

    def _settle(self, egress: endpoint.Egress, before: FlowEntry | None) -> None:
        """Take identifier or port, build the template and write the flow into the ledger. `before` is the flow's
        entry until now, whose identity and probes in flight go on."""
        plan, ledger, source = self.plan, self._sockets.ledger, egress.source
        self._address = endpoint.socket_address(plan.address, plan.family)  # a zone's number may be another one now
        asked = plan.local_port if plan.protocol == "udp" or plan.flows > 1 else None
        held = self._hold_port(source, before.shape.ident if before else asked or 0)
        if before is not None:
            ledger.remove(before)
        while True:
            shape = PacketShape(
                family=plan.family,
                protocol=plan.protocol,
                source=source[0].partition("%")[0],
                destination=self._address[0],
                ident=held or (before.shape.ident if before else int.from_bytes(os.urandom(2), "big")),
                port=self._ports.asked,
                cookie=before.shape.cookie if before else int.from_bytes(os.urandom(4), "big"),
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
                self._sockets.listen_to_ports(plan.family)
        except OSError:
            ledger.remove(self._entry)
            raise
        self._egress = egress
        self._control = _pktinfo(plan, shape.source, egress.interface or egress.held)
        self.info = self._told(
            FlowInfo(
                source=endpoint.text_of(source),
                source_port=held or None,
                port=shape.port or None,
                packet_size=len(self._template),
                clock=self._sockets.clock,
            )
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
                self._sockets.prepare_holder(holder, self.plan.family)
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
            timestamped = self._sockets.timestamped
            ready = partial(self._sockets.fill, holder, self._on_datagram)
            self._context.watch.add(holder.fileno(), ready, timestamped=timestamped)
        port: int = holder.getsockname()[1]
        return port

    def _release(self) -> None:
        if self._holder is None:
            return
        if self.plan.protocol == "udp":
            self._context.watch.remove(self._holder.fileno())
            self._sockets.forget(self._holder)
        self._holder.close()
        self._holder = None
        if self.plan.protocol == "tcp":
            with suppress(OSError):
                self._sockets.listen_to_ports(self.plan.family)


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
