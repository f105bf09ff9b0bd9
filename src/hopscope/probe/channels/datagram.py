"""What ping sockets and UDP sockets share: one socket a target, stamps and ICMP errors from its error queue.

After each send the stamp of it is read at once, which saves a wake-up a probe. An answer that is found there already
is kept until the engine asks for it (`Channel.deadline`): nothing is delivered from inside `send`. What both queues
held is handled in the order of its arrival (`inbox`), a bounded number of messages a turn.
"""

from __future__ import annotations

import socket
from abc import abstractmethod
from contextlib import suppress
from typing import Any, Final

from hopscope.probe.channel import Channel, ChannelContext, Flow, FlowInfo, Match, Probe, Reply
from hopscope.probe.inbox import Inbox
from hopscope.probe.own_errors import own_error, own_fault
from hopscope.probe.packets.extensions import mpls_from_extension
from hopscope.probe.packets.kinds import ERRORS, kind_of
from hopscope.probe.sockets import endpoint, errqueue, extras, stamps
from hopscope.probe.sockets.datagram_socket import DatagramSocket, Read, read_clocks, ttl_control
from hopscope.probe.sockets.errqueue import Message
from hopscope.probe.sockets.scout import Scouts
from hopscope.probe.stand_in import StandIn
from hopscope.wire.messages import Kind, Plan

_UNKNOWN = -1
_ERRORS: Final = "error queue"
_REPLIES: Final = "receive queue"


class Unnamed(Exception):
    """An answer to a probe of ours, and nothing in it tells to which."""


class DatagramChannel(Channel):
    """The flows of one method, and which of them hold what was not handled yet."""

    timestamped = True

    def __init__(self, context: ChannelContext) -> None:
        self.context = context
        self._holding: dict[DatagramFlow, bool] = {}
        """Flows that were read and not handled to the end, and whether more lies in their socket."""
        self._flows: set[DatagramFlow] = set()
        self.scouts = Scouts()
        self._warm: socket.socket | None = None
        with suppress(OSError):
            self._warm = stamps.keep_warm()
        self.timestamped = self._warm is not None

    def deadline(self) -> int | None:
        """At once, while some flow holds what was not handled."""
        return 0 if self._holding else None

    @property
    def has_backlog(self) -> bool:
        """See `Channel.has_backlog`."""
        return any(self._holding.values())

    def work(self, now: int) -> None:
        """Handle what flows hold."""
        for flow in list(self._holding) if self._holding else ():
            flow.on_ready()

    def holds(self, flow: DatagramFlow, *, anything: bool, backlog: bool) -> None:
        """A flow was read: whether `anything` of it is still to be handled, and whether more is to be read."""
        if anything or backlog:
            self._holding[flow] = backlog
        else:
            self._holding.pop(flow, None)

    def close(self) -> None:
        """Close all flows."""
        for flow in list(self._flows):
            flow.close()
        self.scouts.close()
        if self._warm is not None:
            self._warm.close()
            self._warm = None

    def keep(self, flow: DatagramFlow) -> None:
        """A flow opened."""
        self._flows.add(flow)

    def drop(self, flow: DatagramFlow) -> None:
        """A flow closed."""
        self._flows.discard(flow)
        self._holding.pop(flow, None)


class DatagramFlow(Flow):
    """One target on one datagram socket. Subclasses say how a probe looks and whose an answer is."""

    _cookie: bytes
    """Random bytes in each probe's payload; empty where that is too small."""

    def __init__(self, channel: DatagramChannel, target: int, plan: Plan) -> None:
        """Opens the socket. `OSError` where that fails."""
        self.target = target
        self.plan = plan
        self.context = channel.context
        self._channel = channel
        self._probes: dict[int, Probe] = {}
        self._inbox: Inbox[Read] = Inbox()
        self._stand_in = StandIn(self.context.tally)
        self._why_closed: OSError | None = None
        self._port = plan.local_port or 0 if plan.protocol == "udp" else 0
        self._destination = self._destination_now()
        self._egress = channel.scouts.egress_of(plan)
        self._is_timestamped = True
        self._socket = self._open_socket()
        self.info = self._info()
        self._listen()
        channel.keep(self)

    # --- what subclasses say -----------------------------------------------------------------------------------

    @abstractmethod
    def _make_socket(self) -> socket.socket:
        """A new socket of the right type."""

    @abstractmethod
    def _make_info(self) -> FlowInfo:
        """What `wire.Started` tells, but for what this system lacks."""

    @abstractmethod
    def _packet(self, probe: Probe) -> tuple[bytes | bytearray, Any]:
        """What to hand to the kernel for this probe, and where to send it."""

    @abstractmethod
    def _match_error(self, message: Message) -> Match | None:
        """Whose probe an ICMP error quotes; None: nobody's. `ValueError`: it cannot be parsed."""

    @abstractmethod
    def _match_reply(self, message: Message) -> Match | None:
        """Whose probe a datagram of the target's answers; None: nobody's. `ValueError`: it cannot be parsed."""

    @abstractmethod
    def _match_elsewhere(self, message: Message) -> Match | None:
        """Whose probe a datagram of somebody else repeats. As for `_match_reply`."""

    @abstractmethod
    def _kind_of_reply(self) -> tuple[Kind, int | None, int | None]:
        """Kind, ICMP type and code of a datagram that answers a probe."""

    # --- sending -----------------------------------------------------------------------------------------------

    def send(self, probe: Probe) -> None:
        """Send `probe`; see `Flow.send`."""
        if self._why_closed is not None:
            read_clocks(probe, self.context)
            raise self._why_closed
        self._probes[probe.seq] = probe
        try:
            self._transmit(probe)
        except OSError:
            del self._probes[probe.seq]
            raise

    def forget(self, probe: Probe) -> None:
        """No answer to `probe` counts any more."""
        self._stand_in.forget(probe)
        if self._probes.get(probe.seq) is probe:
            del self._probes[probe.seq]

    def close(self) -> None:
        """Close the socket."""
        if self._socket.fileno() >= 0:
            self.context.watch.remove(self._socket.fileno())
            self._socket.close()
        self._channel.drop(self)
        self._probes.clear()

    def _transmit(self, probe: Probe) -> None:
        data, destination = self._packet(probe)
        self._socket.send(probe, data, self._ttl_control(probe.ttl), destination)
        self._overhear(probe)

    def _ttl_control(self, ttl: int) -> list[tuple[int, int, bytes]]:
        return ttl_control(self.plan.family, ttl)

    def _overhear(self, wanted: Probe) -> None:
        """Read the error queue until `wanted` has its stamp; answers are kept for later."""
        inbox = self._inbox
        while inbox.has_room(_ERRORS):
            entry = self._socket.next_error(until=wanted)
            if entry is None:
                break
            inbox.put(_ERRORS, *entry)
        if inbox:
            self._channel.holds(self, anything=True, backlog=inbox.has_backlog)

    # --- receiving ---------------------------------------------------------------------------------------------

    def on_ready(self) -> None:
        """Read both queues of the socket, and handle what came in the order in which it came."""
        self._look_at_buffer()
        inbox, sock = self._inbox, self._socket
        inbox.fill(_ERRORS, sock.next_error)
        # An error that came between the two readings may be earlier than an answer that was found.
        while inbox.fill(_REPLIES, sock.next_reply):
            inbox.fill(_ERRORS, sock.next_error)
        if self._is_timestamped and "stamps" in sock.lacks:
            self._distrust_stamps()
        for message, received in inbox.take():
            if message.failure is not None:
                self.on_error(message, received)
            else:
                self._on_reply(message, received)
        self._channel.holds(self, anything=bool(inbox), backlog=inbox.has_backlog)

    def _on_reply(self, message: Message, received: int) -> None:
        """A datagram: deliver it if it answers a probe of ours."""
        from_target = endpoint.same_host(message.address, self._destination)
        try:
            match = self._match_reply(message) if from_target else self._match_elsewhere(message)
        except Unnamed:
            return
        except ValueError:
            self.context.tally.malformed += 1
            return
        if match is None:
            self.context.tally.foreign += 1
            return
        kind, icmp_type, icmp_code = self._kind_of_reply()
        reply = Reply(
            endpoint.text_of(message.address),
            kind,
            icmp_type,
            icmp_code,
            message.ttl,
            (),
            received,
            message.stamp,
            match.vouched,
        )
        if not from_target and not self._stand_in.takes(match.probe, reply):
            return
        if from_target and self._stand_in.on_target():
            self._tell()
        self.context.deliver(match.probe, reply)

    def on_error(self, message: Message, received: int) -> None:
        """An entry of the error queue that is no stamp: deliver it if it answers a probe of ours."""
        failure = message.failure
        if failure is None or failure.origin not in (errqueue.ORIGIN_ICMP, errqueue.ORIGIN_ICMP6):
            return
        offender = failure.offender
        if offender is None:
            self.context.tally.malformed += 1
            return
        if failure.icmp_type not in ERRORS[self.plan.family]:
            self.context.tally.foreign += 1  # a redirect, a source quench: of no probe's end
            return
        # On the error queue a message's address is the destination of the packet that is quoted (ip(7)).
        if message.address and not endpoint.same_host(message.address, self._destination):
            self.context.tally.foreign += 1
            return
        try:
            match = self._match_error(message)
        except Unnamed:
            return
        except ValueError:
            self.context.tally.malformed += 1
            return
        if match is None:
            self.context.tally.foreign += 1
            return
        if offender == self.info.source and offender != self.plan.address:
            # This machine itself; a stranger who uses its address does not know the probe. Who is on the path does, and
            # over IPv6 may write from this address: but then the probe had left, and what left was not refused here.
            if (match.vouched or not self._cookie) and not match.probe.sent_stamp:
                own = own_error(self.plan, self.info.source, failure.icmp_type, failure.icmp_code)
                self.context.failed_here(match.probe, *own)
            else:
                self.context.tally.foreign += 1
            return
        icmp_type, code = failure.icmp_type, failure.icmp_code
        kind = kind_of(self.plan.family, icmp_type, code)
        mpls = mpls_from_extension(message.data[failure.extension :]) if failure.extension else ()
        if kind == "port-unreachable" and self._on_end(offender):
            self._tell()
        mtu = failure.info if kind == "fragmentation-needed" else None
        reply = Reply(
            offender, kind, icmp_type, code, message.ttl, mpls, received, message.stamp, match.vouched, mtu=mtu
        )
        self.context.deliver(match.probe, reply)

    def _on_end(self, address: str) -> bool:
        """A probe met a closed port. Whether the flow's note changed."""
        is_target = address == self.plan.address
        return self._stand_in.on_target() if is_target else self._stand_in.on_end(address)

    def last_word(self, probe: Probe) -> Reply | None:
        """See `Flow.last_word`."""
        before = self._stand_in.address
        reply = self._stand_in.last_word(probe)
        if self._stand_in.address != before:
            self._tell()
        return reply

    def _tell(self) -> None:
        self.info = self._info()
        self.context.changed(self, self.target)

    def _look_at_buffer(self) -> None:
        dropped = self._socket.look_at_buffer()
        if dropped.is_full:
            self.context.tally.overflow += dropped.packets
            self.receive_overflow_at = self.context.monotonic()
        else:
            self.context.tally.malformed += dropped.packets  # what does not add up is counted as dropped, too

    # --- the socket --------------------------------------------------------------------------------------------

    def _open_socket(self) -> DatagramSocket:
        made = self._make_socket()
        try:
            endpoint.mark(made, self.plan, self._egress)
        except BaseException:
            made.close()
            raise
        sock = DatagramSocket(made, self.context)
        try:
            self._port = sock.bind(self._source, self._port)
        except BaseException:
            sock.close()
            raise
        return sock

    def _listen(self) -> None:
        self._is_timestamped = "stamps" not in self._socket.lacks
        self.context.watch.add(self._socket.fileno(), self.on_ready, timestamped=self._is_timestamped)

    def _distrust_stamps(self) -> None:
        """This kernel was asked for stamps and gives none: from here on, what arrives is fetched at once."""
        self.context.watch.remove(self._socket.fileno())
        self._listen()
        self._channel.timestamped = False
        self._tell()

    def _info(self) -> FlowInfo:
        """What `wire.Started` tells: what the method says of itself, and what this system does not know."""
        info = self._make_info()
        if "stamps" in self._socket.lacks:
            info.clock = "program"
        info.note = extras.note(self._socket.lacks, info.note)
        info.answered_by = self._stand_in.answers
        return info

    @property
    def _source(self) -> Any:
        return self._egress.source

    def _destination_now(self) -> Any:
        """The target's socket address; a zone's number is another one when its interface was made anew. `OSError`."""
        return endpoint.socket_address(self.plan.address, self.plan.family, self.plan.port or 0)

    def follow(self) -> bool:
        """See `Flow.follow`: another source or interface needs another socket."""
        try:
            egress = self._channel.scouts.egress_of(self.plan)
            if egress == self._egress:
                return False
        except OSError:
            return False
        try:
            self._move(egress)
        except OSError as problem:
            self._why_closed = problem
        return True

    def own_fault(self) -> tuple[str, str] | None:
        """See `Flow.own_fault`."""
        return own_fault(self.plan, self.info.source)

    def _move(self, egress: endpoint.Egress) -> None:
        """Open a socket there, in place of the old one, of which what has arrived is heard before. `OSError` where that
        fails; the next look tries again."""
        if self._socket.fileno() >= 0:
            self.on_ready()
            self.context.watch.remove(self._socket.fileno())
            self._socket.close()
        self._egress = egress._replace(interface=_UNKNOWN)  # until the new socket stands
        self._destination = self._destination_now()
        self._socket = self._open_socket()
        self._egress, self._why_closed = egress, None
        self._listen()
        old, self.info = self.info, self._info()
        if old != self.info:
            self.context.changed(self, self.target)
