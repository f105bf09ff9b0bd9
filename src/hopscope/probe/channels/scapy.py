"""The method ``scapy``: the portable one, for root where the Linux facilities of ``raw`` are missing. Slower.

Packets go out and come in by Scapy's own sockets. A sniffer thread hands what it saw to the engine's thread through a
queue and a socket pair. RTTs have the program's clock: the arrival is Scapy's packet time, the sending is read before
the system call. On Linux the kernel routes what is sent and a filter keeps what answers no probe from being dissected,
half a millisecond a packet; elsewhere Scapy does as well as it can.

`open_sockets` loads Scapy with privileges, so it is called only for who asked for this method.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hopscope.probe import scapy_home
from hopscope.probe.channel import ChannelContext, Probe
from hopscope.probe.channels.packet_flow import Handle, PacketFlow
from hopscope.probe.channels.whole_packets import Arrival, PacketChannel
from hopscope.probe.packets.replies import ICMP, TCP
from hopscope.probe.refusals import AS_ROOT
from hopscope.probe.sockets import endpoint, packet_filter, stamps
from hopscope.probe.sockets.errqueue import Message
from hopscope.probe.sockets.scout import Scout
from hopscope.wire.messages import Clock, Family, Method, MethodState, Plan
from hopscope.wire.methods import PROTOCOLS

if TYPE_CHECKING:
    from scapy.packet import Packet
    from scapy.supersocket import SuperSocket

REMEDY: Final = AS_ROOT.format("scapy")

_FAMILIES: Final[tuple[Family, ...]] = (4, 6)
_MOST_WAITING = 65536
_LONGEST_WAY_NS = 1_000_000_000
"""A packet's time is believed only if it lies at most so long before the moment at which it was handed over."""
_BELLS = 65536
_START_S = 5.0
_SNIFFING_NS = 20_000_000
"""From a packet's arrival until the sniffer's thread has handed it over, at the most."""

_SO_TIMESTAMPNS = 35
_IS_FILTERED = sys.platform.startswith("linux")
_COUNT_EVERY_NS = 100_000_000


@dataclass(slots=True)
class ScapySockets:
    """All that `ScapyChannel` needs privileges for."""

    families: dict[Family, SuperSocket] = field(default_factory=dict)
    scouts: dict[Family, Scout] = field(default_factory=dict)

    def close(self) -> None:
        """Close all. Idempotent."""
        for sock in self.families.values():
            sock.close()
        for scout in self.scouts.values():
            scout.close()


def open_sockets() -> ScapySockets:
    """Load Scapy and open its sockets. `OSError`: this user may not, or Scapy cannot here."""
    logging.getLogger("scapy").setLevel(logging.ERROR)  # standard error is not Scapy's to write to
    with scapy_home.kept_out():
        from scapy import consts
        from scapy.config import conf
        from scapy.error import Scapy_Exception
        from scapy.layers import inet, inet6  # noqa: F401 - teaches the sockets to dissect IP

    opened = ScapySockets()
    missing: OSError | None = None
    for family in _FAMILIES:
        try:
            if consts.LINUX:
                from scapy.supersocket import L3RawSocket, L3RawSocket6

                sock: SuperSocket = (L3RawSocket if family == 4 else L3RawSocket6)()
                _prepare(sock, family)
            else:
                sock = (conf.L3socket if family == 4 else conf.L3socket6)()
            opened.families[family] = sock
            opened.scouts[family] = Scout(family)
        except (OSError, Scapy_Exception) as problem:
            missing = problem if isinstance(problem, OSError) else OSError(errno.ENOTSUP, str(problem))
            if missing.errno not in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ENOTSUP):
                opened.close()
                raise missing from problem
    if missing is not None and not opened.families:
        raise missing
    return opened


def _prepare(sock: SuperSocket, family: Family) -> None:
    """Let only what may be an answer in, with the kernel's stamp, which Scapy asks for in IPv4 only."""
    packet_filter.attach(sock.ins, family, None)
    sock.ins.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.auxdata_available = True  # that is: read control messages
    with suppress(OSError):
        sock.ins.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)


class ScapyChannel(PacketChannel):
    """All targets on Scapy's sockets, which it closes in the end."""

    method: Method = "scapy"
    clock: Clock = "program"
    passes_by_firewall = True  # packet(7)
    remedy = REMEDY

    def __init__(self, context: ChannelContext, sockets: ScapySockets) -> None:
        from scapy.sendrecv import AsyncSniffer

        super().__init__(context)
        self._sockets = sockets
        self._waiting: deque[tuple[Packet, int]] = deque()
        self._not_before = 0
        self._counted_at = 0
        self._is_closing = False
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        context.watch.add(self._ear.fileno(), self._on_ready)
        started = threading.Event()
        self._sniffer = AsyncSniffer(
            opened_socket=list(sockets.families.values()),
            store=False,
            prn=self._on_sniffed,
            started_callback=started.set,
        )
        self._sniffer.start()
        started.wait(_START_S)

    def close(self) -> None:
        """Close all flows, end the sniffer, close the sockets."""
        from scapy.error import Scapy_Exception

        self._is_closing = True
        super().close()
        if self._ear.fileno() >= 0:
            with suppress(Scapy_Exception):  # it has ended by itself
                self._sniffer.stop()
            self.context.watch.remove(self._ear.fileno())
            self._ear.close()
            self._bell.close()
        self._sockets.close()

    def open(self, target: int, plan: Plan) -> PacketFlow:
        """See `Channel.open`."""
        flow = super().open(target, plan)
        self.listen_to_ports(plan.family)
        return flow

    def drop(self, target: int, flow: PacketFlow) -> None:
        """See `PacketChannel.drop`."""
        super().drop(target, flow)
        self.listen_to_ports(flow.plan.family)

    def listen_to_ports(self, family: Family) -> None:
        """See `Sockets.listen_to_ports`; to the identifiers of echo requests, too. Where they are more than a filter
        holds, all are heard."""
        if self._is_closing or not _IS_FILTERED:
            return
        sock, ledger = self._sockets.families[family].ins, self.ledger
        own = packet_filter.Own(ledger.ports(family, "icmp"), ledger.cookies(family), ledger.ports(family, "tcp"))
        try:
            packet_filter.attach(sock, family, own)
        except OSError:
            packet_filter.attach(sock, family, None)

    def has(self, family: Family) -> bool:
        """See `PacketChannel.has`."""
        return family in self._sockets.families

    def egress_of(self, plan: Plan) -> endpoint.Egress:
        """See `Sockets.egress_of`."""
        return self._sockets.scouts[plan.family].egress_of(plan)

    def transmit(self, family: Family, probe: Probe, packet: bytes, control: list[Any], address: Any) -> None:
        """See `Sockets.transmit`."""
        sock = self._sockets.families[family]
        outs = sock.outs
        is_raw = isinstance(outs, socket.socket) and outs.family in (socket.AF_INET, socket.AF_INET6)
        whole = None if is_raw else _as_packet(family, bytes(packet))
        probe.sent_wall = self.context.wall()
        probe.sent_mono = self.context.monotonic()
        if isinstance(outs, socket.socket) and is_raw:
            # Scapy's own `send` swallows errors here, and knows no zones.
            outs.sendmsg((packet,), control, 0, address)
        elif whole is not None:
            sock.send(whole)

    # --- the sniffer's thread ------------------------------------------------------------------------------------

    def _on_sniffed(self, packet: Packet) -> None:
        """Hand a packet over, with the monotonic time of its arrival. Counts only: the rest is the engine's thread."""
        now = self.context.monotonic()
        ago = self.context.wall() - int(float(packet.time) * 1e9)
        if len(self._waiting) >= _MOST_WAITING:
            self.context.tally.overflow += 1
            return
        self._waiting.append((packet, now - ago if 0 <= ago <= _LONGEST_WAY_NS else now))
        with suppress(OSError):  # full: it rings already
            self._bell.send(b"!")

    # --- the engine's thread -------------------------------------------------------------------------------------

    def deadline(self) -> int | None:
        """When what was sniffed or read is to be handled."""
        return self._not_before if self._waiting or self._inbox else None

    def work(self, now: int) -> None:
        """Handle what was sniffed and read."""
        if now >= self._not_before and (self._waiting or self._inbox):
            self._inbox.fill(self, self._next_sniffed)
            super().work(now)

    def prepare_holder(self, holder: socket.socket, family: Family) -> None:
        """See `Sockets.prepare_holder`."""
        stamps.ask_for_arrivals(holder)

    def fill(self, sock: socket.socket, handle: Handle) -> None:
        """See `Sockets.fill`: what the sniffer's thread has still in hand may have come before it."""
        super().fill(sock, handle)
        self._not_before = self.context.monotonic() + _SNIFFING_NS

    def arrived_at(self, message: Message, received: int) -> int:
        """See `PacketChannel.arrived_at`: by the monotonic clock, as the packets that Scapy sniffed."""
        waited = self.context.wall() - message.stamp if message.stamp else 0
        return received - waited if 0 <= waited <= _LONGEST_WAY_NS else received

    def _on_ready(self) -> None:
        with suppress(BlockingIOError):
            self._ear.recv(_BELLS)
        now = self.context.monotonic()
        if _IS_FILTERED and now - self._counted_at >= _COUNT_EVERY_NS:
            self._counted_at = now
            dropped = sum(packet_filter.dropped(sock.ins) for sock in self._sockets.families.values())
            if dropped:
                self.context.tally.overflow += dropped
                self.on_receive_overflow(now)
        self._inbox.fill(self, self._next_sniffed)

    def _next_sniffed(self) -> tuple[int, tuple[Handle, Message, int]] | None:
        if not self._waiting:
            return None
        packet, mono = self._waiting.popleft()
        return mono, (self._on_sniffed_packet, Message(packet.original, None, 0, None, None, None), mono)

    def _on_sniffed_packet(self, message: Message, mono: int) -> None:
        self._on_packet(message.data, mono)

    def _on_packet(self, data: bytes, mono: int) -> None:
        """An IP packet, with whatever the link put behind it."""
        version = data[0] >> 4 if data else 0
        if version == 4 and len(data) >= 20:
            data = data[: int.from_bytes(data[2:4], "big")]
            arrival = Arrival(socket.inet_ntop(socket.AF_INET, data[12:16]), None, mono, 0) if len(data) >= 20 else None
            protocol, body, family = data[9:10], data, _FAMILIES[0]
        elif version == 6 and len(data) >= 40:
            arrival = Arrival(self._named(data[8:24]), data[7], mono, 0)
            end = 40 + int.from_bytes(data[4:6], "big")
            protocol, body, family = data[6:7], data[40:end], _FAMILIES[1]
        else:
            arrival = None
        if arrival is None:
            self.context.tally.malformed += 1
        elif protocol[0] == TCP:
            self.on_tcp(family, body, arrival)
        elif protocol[0] == ICMP[family]:
            self.on_icmp(family, body, arrival)

    def _named(self, packed: bytes) -> str:
        """An IPv6 address in words. A sniffed packet does not tell its zone: a link-local target's is the plan's."""
        address = socket.inet_ntop(socket.AF_INET6, packed)
        for flow in self._flows.values():
            if "%" in flow.plan.address and flow.is_target(address):
                return endpoint.text_of(endpoint.socket_address(flow.plan.address, 6))
        return address


def _as_packet(family: Family, data: bytes) -> Packet:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6

    return IP(data) if family == 4 else IPv6(data)


def capabilities(sockets: object | None = None) -> list[MethodState]:
    """Whether Scapy's sockets can be opened: any `sockets` that a worker opened while it had privileges show that they
    can; else it is tried now."""
    reason, remedy = "Scapy's sockets", None
    families = getattr(sockets, "families", None)
    if families is None:
        try:
            if isinstance(sockets, OSError):
                raise sockets
            opened = open_sockets()
        except OSError as problem:
            denied = problem.errno in (errno.EPERM, errno.EACCES)
            words = problem.strerror or str(problem)
            reason = "needs root or the capability CAP_NET_RAW" if denied else f"Scapy cannot open sockets: {words}"
            remedy, families = REMEDY if denied else None, {}
        else:
            families = opened.families
            opened.close()
    states = []
    for protocol in PROTOCOLS:
        for family in _FAMILIES:
            works = family in families
            why = reason if works or not families else f"this machine has no IPv{family}"
            states.append(MethodState("scapy", protocol, family, works, why, None if works else remedy))
    return states
