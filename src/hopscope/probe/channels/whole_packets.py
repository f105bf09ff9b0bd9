"""What the methods that send whole packets share (`raw`, `scapy`): sockets for all targets, and one matcher."""

from __future__ import annotations

import socket
from abc import abstractmethod
from collections.abc import Collection
from functools import partial
from typing import Final, NamedTuple

from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused
from hopscope.probe.channels.packet_flow import Handle, PacketFlow, Sockets
from hopscope.probe.inbox import Inbox
from hopscope.probe.packets.matcher import Answer, Matcher
from hopscope.probe.sockets import endpoint, errqueue
from hopscope.probe.sockets.extras import Lack
from hopscope.wire.messages import Clock, Family, Plan, Protocol

_STILL_FULL_NS = 1_000_000_000
"""A drop that is heard of so long after a buffer was seen full was for want of room."""
_FRAGMENTING: Final[dict[Protocol, str]] = {"icmp": "--method ping-socket", "udp": "--method udp-socket"}
"""Methods whose packets the kernel fragments."""


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


class PacketChannel(Channel, Sockets):
    """All targets of a method; subclasses have the sockets. What their sockets held is handled by `work`, all
    of it in the order of its arrival."""

    clock: Clock = "kernel"
    remedy: str
    lacks: Collection[Lack] = ()

    def __init__(self, context: ChannelContext) -> None:
        self.context = context
        self.matcher = Matcher(context.tally)
        self.ledger = self.matcher.ledger
        self._flows: dict[int, PacketFlow] = {}
        self._dropped: dict[socket.socket, int] = {}
        self._full_at = -_STILL_FULL_NS
        self._inbox: Inbox[tuple[Handle, errqueue.Message, int]] = Inbox()

    # --- what subclasses say -----------------------------------------------------------------------------------

    @abstractmethod
    def has(self, family: Family) -> bool:
        """Whether this machine has the family."""

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
        if mtu is not None and flow.info.packet_size > mtu:
            flow.close()
            size = flow.info.packet_size
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

    def work(self, now: int) -> None:
        """Handle what was read."""
        for handle, message, received in self._inbox.take() if self._inbox else ():
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
        self._on_answer(self.matcher.icmp(family, data, *arrival))

    def on_tcp(self, family: Family, data: bytes, arrival: Arrival) -> None:
        """A TCP packet (from its IPv4 header on) or, in IPv6, segment."""
        self._on_answer(self.matcher.tcp(family, data, *arrival))

    def _on_answer(self, answer: Answer | None) -> None:
        if answer is None:
            return
        probe, reply = answer
        flow = self._flows.get(probe.target)
        if flow is None:
            self.context.tally.foreign += 1
        else:
            flow.on_reply(probe, reply)
