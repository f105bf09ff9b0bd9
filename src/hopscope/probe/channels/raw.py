"""The method ``raw``: whole IP packets out, raw ICMP and TCP sockets in; all protocols, both families, Linux.

`open_sockets` needs CAP_NET_RAW and is called before the worker gives its privileges up; nothing at the top of this
module loads Scapy. All targets share the sockets: one a family that sends (IPPROTO_RAW, the header included), one that
hears ICMP, one that hears TCP. Both times of an RTT are the kernel's stamps.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from hopscope.probe.channel import ChannelContext, Probe
from hopscope.probe.channels.packet_flow import Handle
from hopscope.probe.channels.whole_packets import Arrival, PacketChannel
from hopscope.probe.refusals import AS_ROOT
from hopscope.probe.sockets import endpoint, errqueue, extras, raw_sockets, stamps
from hopscope.probe.sockets.raw_sockets import RawSockets, open_sockets
from hopscope.wire.messages import Family, Method, MethodState, Plan
from hopscope.wire.methods import PROTOCOLS

__all__ = ["REMEDY", "RawChannel", "RawSockets", "capabilities", "open_sockets"]

REMEDY: Final = AS_ROOT.format("raw")
"""Not a capability on the interpreter: that would give raw sockets to every script."""

Hear: TypeAlias = Callable[[Family, bytes, Arrival], None]


class RawChannel(PacketChannel):
    """All targets on the shared raw sockets, which it closes in the end."""

    method: Method = "raw"
    timestamped = True
    remedy = REMEDY

    def __init__(self, context: ChannelContext, sockets: RawSockets) -> None:
        super().__init__(context)
        self._sockets = sockets
        self._stamps: dict[Family, stamps.SendStamps] = {}
        self.lacks = sockets.lacks
        if "stamps" in sockets.lacks:
            self.timestamped, self.clock = False, "program"
        for family, one in sockets.families.items():
            self._stamps[family] = stamps.SendStamps(one.sender, context.wall)
            for sock, hear in ((one.icmp, self.on_icmp), (one.tcp, self.on_tcp)):
                handle = partial(_handle, hear, family)
                context.watch.add(sock.fileno(), partial(self._on_ready, sock, handle), timestamped=self.timestamped)

    def close(self) -> None:
        """Close all flows and sockets."""
        super().close()
        for sockets in self._sockets.families.values():
            for sock in (sockets.icmp, sockets.tcp):
                if sock.fileno() >= 0:
                    self.context.watch.remove(sock.fileno())
        self._sockets.close()

    def has(self, family: Family) -> bool:
        """See `PacketChannel.has`."""
        return family in self._sockets.families

    def transmit(self, family: Family, probe: Probe, packet: bytes, control: list[Any], address: Any) -> None:
        """See `Sockets.transmit`."""
        sender = self._sockets.families[family].sender
        probe.sent_stamp = 0
        probe.sent_wall = self.context.wall()
        probe.sent_mono = self.context.monotonic()
        try:
            sender.sendmsg((packet,), control, 0, address)
        except OSError:
            self._stamps[family].failed()
            raise
        self._stamps[family].sent(probe)
        self.read_stamps(family, probe)

    def egress_of(self, plan: Plan) -> endpoint.Egress:
        """See `Sockets.egress_of`."""
        return self._sockets.families[plan.family].scout.egress_of(plan)

    def read_stamps(self, family: Family, wanted: Probe) -> None:
        """See `Sockets.read_stamps`."""
        sender = self._sockets.families[family].sender
        while not wanted.sent_stamp:
            try:
                message = errqueue.receive(sender, errors=True)
            except OSError:
                return
            if message is None:
                return
            if message.failure is not None and message.failure.origin == errqueue.ORIGIN_STAMP:
                self._stamps[family].stamp(message.failure.number, message.stamp)

    def listen_to_ports(self, family: Family) -> None:
        """See `Sockets.listen_to_ports`."""
        if "filter" in self.lacks:
            return
        ports = self.ledger.ports(family, "tcp")
        raw_sockets.attach_port_filter(self._sockets.families[family].tcp, family, ports)

    def prepare_holder(self, holder: socket.socket, family: Family) -> None:
        """See `Sockets.prepare_holder`."""
        raw_sockets.listen(holder, family)

    def _on_ready(self, sock: socket.socket, handle: Handle) -> None:
        if errqueue.buffer_of(sock)[1]:
            self.on_receive_overflow(self.context.monotonic())  # a message that tells of drops comes only behind a drop
        self.fill(sock, handle)


def _handle(hear: Hear, family: Family, message: errqueue.Message, received: int) -> None:
    """Give a packet to what understands it."""
    address = endpoint.text_of(message.address)
    hear(family, message.data, Arrival(address, message.ttl, received, message.stamp))


def capabilities(sockets: RawSockets | OSError | None = None) -> list[MethodState]:
    """Whether raw sockets can be opened: as `sockets` show, which a worker opened (or failed to) before it gave its
    privileges up, or by trying it now."""
    opened = None if isinstance(sockets, OSError) else sockets
    problem = sockets if isinstance(sockets, OSError) else None
    reason, remedy = "", None
    if opened is None and problem is None:
        try:
            opened = open_sockets()
        except OSError as found:
            problem = found
        else:
            opened.close()
    if problem is not None:
        denied = problem.errno in (errno.EPERM, errno.EACCES)
        words = problem.strerror or str(problem)
        reason = "needs the capability CAP_NET_RAW" if denied else f"raw sockets cannot be opened: {words}"
        remedy = REMEDY if denied else None
    states = []
    for protocol in PROTOCOLS:
        for family in raw_sockets.FAMILIES:
            works = opened is not None and family in opened.families
            why = reason or f"this machine has no IPv{family}"
            if works and opened is not None:
                why = extras.in_words(opened.lacks, "raw sockets")
            states.append(MethodState("raw", protocol, family, works, why, remedy))
    return states
