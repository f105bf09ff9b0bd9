"""TCP over plain stream sockets: a connection attempt a probe, no privilege at all.

A non-blocking ``connect`` with a TTL: a router's ICMP error comes through the socket's error queue (IP_RECVERR), a
connection or its refusal is the target's own answer. Each TTL keeps its source port over the rounds where it is free,
and over IPv6 all have one flow label, so that a TTL's probes are one flow. One of several parallel flows has one port
for all its probes, and so one of them in flight: two attempts between the same ends cannot be.

The kernel sends an unanswered SYN again after one second, whatever it is told (``TCP_SYNCNT`` cannot be 0), and then an
answer could be to either. So an attempt ends just before: what answers later is not heard. (A forged acknowledgement
makes it repeat the SYN at once; whoever can send one can lie about more than that.)

Clocks: the kernel measures the handshake of an open port itself (``tcpi_rtt``). It stamps an ICMP error's arrival and
no SYN's departure: that is the program's clock, read just before ``connect`` (and after a `rehearsal`, which takes most
of the error out of it); as is the arrival of a refusal.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from hopscope.probe.channel import Channel, ChannelContext, Flow, FlowInfo, Probe, Reply
from hopscope.probe.one_at_a_time import HEARING_NS
from hopscope.probe.own_errors import is_beyond_first_hop, own_error, own_fault
from hopscope.probe.packets.extensions import mpls_from_extension
from hopscope.probe.packets.kinds import kind_of
from hopscope.probe.sockets import endpoint, extras, stamps, stream
from hopscope.probe.sockets.attempt_ports import AttemptPorts
from hopscope.probe.sockets.errqueue import Message
from hopscope.probe.sockets.extras import Lack
from hopscope.probe.sockets.flow_label import FlowLabel
from hopscope.probe.sockets.rehearsal import Rehearsal
from hopscope.probe.sockets.scout import Scouts
from hopscope.wire.messages import DEFAULT_PORT, Family, FlowKind, Kind, Method, MethodState, Plan

_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLERR if hasattr(select, "epoll") else 0
_TRIES = 3
ANSWERED_FOR: Final = (
    "the target's answers come at the first hop, before its gateway: this computer's firewall or a proxy sends them"
)
NOTE: Final = "a source port for each TTL; answers are heard for 0.95 s, until the kernel would repeat the SYN"
NOTE_ONE: Final = (
    "a flow has one probe in flight: it asks the target in each round and its hops in turn; answers are heard for"
    " 0.95 s, until the kernel would repeat the SYN"
)


@dataclass(slots=True, eq=False)
class _Attempt:
    """One connection attempt: one probe."""

    flow: TcpFlow
    probe: Probe
    sock: socket.socket
    port: int
    due: int
    """Monotonic ns at which it ends."""
    at_once: Message | None
    """An ICMP error that had come when ``connect`` returned: so fast is only this machine itself."""


class TcpSocketChannel(Channel):
    """TCP for everybody. `OSError` where there is no epoll, or no file descriptor left for it."""

    method: Method = "tcp-socket"

    def __init__(self, context: ChannelContext) -> None:
        self.context = context
        # The engine waits for what can be read; an open connection can be written. An epoll is readable for both.
        self._epoll = select.epoll()
        context.watch.add(self._epoll.fileno(), self._on_ready)
        self._attempts: dict[int, _Attempt] = {}
        self._by_age: deque[_Attempt] = deque()
        self._early: deque[tuple[_Attempt, int, int]] = deque()
        self.scouts = Scouts()
        self._warm: socket.socket | None = None
        with suppress(OSError):
            self._warm = stamps.keep_warm()
        self._rehearsals: dict[Family, Rehearsal] = {}
        stream.allow_many_sockets()

    def rehearsal(self, family: Family) -> Rehearsal:
        """What makes the clock's reading before ``connect`` a good one."""
        if family not in self._rehearsals:
            self._rehearsals[family] = Rehearsal(family)
        return self._rehearsals[family]

    def open(self, target: int, plan: Plan) -> Flow:
        """A flow for this target; it sends nothing yet."""
        try:
            return TcpFlow(self, target, plan)
        except OSError as problem:
            raise endpoint.refusal(problem, plan) from None

    def deadline(self) -> int | None:
        """When the oldest attempt ends; at once where a target answered inside of the call."""
        return 0 if self._early else self._next_end()

    def work(self, now: int) -> None:
        """Deliver early answers; end the attempts whose SYN would be sent again."""
        while self._early:
            attempt, error, received = self._early.popleft()
            if attempt.at_once is not None:
                attempt.flow.on_router(attempt, attempt.at_once, received)
            else:
                attempt.flow.on_outcome(attempt, error, received)
        while (due := self._next_end()) is not None and due <= now:
            self.end(self._by_age.popleft())

    def _next_end(self) -> int | None:
        """When the oldest attempt ends that has not."""
        while self._by_age and self._by_age[0].sock.fileno() < 0:
            self._by_age.popleft()
        return self._by_age[0].due if self._by_age else None

    def close(self) -> None:
        """End all attempts."""
        for attempt in list(self._attempts.values()):
            self.end(attempt)
        self.scouts.close()
        if not self._epoll.closed:
            self.context.watch.remove(self._epoll.fileno())
            self._epoll.close()
        for rehearsal in self._rehearsals.values():
            rehearsal.close()
        if self._warm is not None:
            self._warm.close()
            self._warm = None

    def begin(self, attempt: _Attempt, error: int) -> None:
        """An attempt was made; `error` is what ``connect`` said."""
        self._attempts[attempt.sock.fileno()] = attempt
        self._by_age.append(attempt)
        if error == errno.EINPROGRESS and attempt.at_once is None:
            self._epoll.register(attempt.sock.fileno(), _EVENTS)
        else:
            self._early.append((attempt, error, self.context.monotonic()))

    def end(self, attempt: _Attempt) -> None:
        """Close an attempt's socket, and with it its state in the kernel. Idempotent."""
        fd = attempt.sock.fileno()
        if fd >= 0:
            self._attempts.pop(fd, None)
            attempt.sock.close()
            attempt.flow.ended(attempt)

    def _on_ready(self) -> None:
        ready = self._epoll.poll(0)
        received = self.context.monotonic()
        for fd, _ in ready:
            attempt = self._attempts.get(fd)
            if attempt is not None:
                attempt.flow.on_ready(attempt, received)


class TcpFlow(Flow):
    """One target's attempts."""

    def __init__(self, channel: TcpSocketChannel, target: int, plan: Plan) -> None:
        """Looks the route up. `OSError` where there is none."""
        self.target = target
        self.plan = plan
        self.context = channel.context
        self._channel = channel
        self._port = plan.port or DEFAULT_PORT["tcp"] or 0
        self.one_at_a_time = plan.flows > 1
        self._label = FlowLabel(plan)
        self._destination = self._destination_now()
        self._egress = channel.scouts.egress_of(plan)
        self._rehearsal = channel.rehearsal(plan.family)
        self._flying: dict[Probe, _Attempt] = {}
        self._ports = AttemptPorts(is_one=self.one_at_a_time, wanted=plan.local_port)
        self._lacks: set[Lack] = set()
        self._is_first_hop_seen = False
        self._is_answered_for = False
        with self._make_socket(1) as sock:
            if self.one_at_a_time:
                self._ports.bind(sock, 1, self._source, afresh=False)
        self.info = self._make_info()

    # --- sending -----------------------------------------------------------------------------------------------

    def send(self, probe: Probe) -> None:
        """Try to connect with the probe's TTL; see `Flow.send`."""
        if self.one_at_a_time:
            self._end_all()
        probe.sent_wall, probe.sent_mono = self.context.wall(), self.context.monotonic()
        for attempt in range(_TRIES):
            try:
                self._connect(probe, afresh=attempt > 0)
                return
            except OSError as problem:
                # The port, or the pair of ends, is taken by something else on this machine: another port.
                again = problem.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL) or self._is_for_label(problem)
                if not again or attempt == _TRIES - 1:
                    raise

    def _is_for_label(self, problem: OSError) -> bool:
        refused = self._label.is_refused(problem, self._destination)
        if refused:
            self._tell()
        return refused

    def forget(self, probe: Probe) -> None:
        """End the probe's attempt."""
        attempt = self._flying.get(probe)
        if attempt is not None:
            self._channel.end(attempt)

    def close(self) -> None:
        """End all attempts to this target."""
        self._end_all()

    def _end_all(self) -> None:
        for attempt in list(self._flying.values()):
            self._channel.end(attempt)

    def _connect(self, probe: Probe, *, afresh: bool) -> None:
        sock = self._make_socket(probe.ttl)
        try:
            port = self._ports.bind(sock, probe.ttl, self._source, afresh=afresh)
            self._rehearsal.run()
            probe.sent_stamp = 0
            probe.sent_wall = self.context.wall()
            probe.sent_mono = self.context.monotonic()
            error = sock.connect_ex(self._label.on(self._destination))
            if error not in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
                raise OSError(error, os.strerror(error))
            at_once = (
                stream.router_error(sock, self.context.tally)
                if self.plan.family == 6 and error == errno.EINPROGRESS
                else None
            )
        except BaseException:
            sock.close()
            raise
        attempt = _Attempt(self, probe, sock, port, probe.sent_mono + HEARING_NS, at_once)
        self._flying[probe] = attempt
        self._ports.take(port)
        self._channel.begin(attempt, error)
        if self.info.source_port != self._ports.one:
            self._tell()

    def _make_socket(self, ttl: int) -> socket.socket:
        sock = stream.new_socket(self.plan.family)
        try:
            endpoint.mark(sock, self.plan, self._egress)
            self._lacks = stream.prepare(sock, ttl)
            self._label.mark(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def follow(self) -> bool:
        """See `Flow.follow`. Each attempt has a socket of its own: those in flight go on."""
        try:
            egress = self._channel.scouts.egress_of(self.plan)
            if egress == self._egress:
                return False
            self._destination = self._destination_now()
        except OSError:
            return False
        self._egress = egress
        self._ports.moved()
        self._tell()
        return True

    def own_fault(self) -> tuple[str, str] | None:
        """See `Flow.own_fault`."""
        return own_fault(self.plan, self.info.source)

    @property
    def _source(self) -> Any:
        return self._egress.source

    def _destination_now(self) -> Any:
        """See `DatagramFlow._destination_now`."""
        return endpoint.socket_address(self.plan.address, self.plan.family, self._port)

    def _tell(self) -> None:
        old, self.info = self.info, self._make_info()
        if old != self.info:
            self.context.changed(self, self.target)

    def _kind(self) -> FlowKind:
        if self.plan.family == 6 and not self._label.value:
            return "per-probe"
        return "one" if self.one_at_a_time else "per-ttl"

    def _make_info(self) -> FlowInfo:
        note = NOTE_ONE if self.one_at_a_time else NOTE
        return FlowInfo(
            endpoint.text_of(self._source),
            self._ports.one,
            self._port,
            stream.syn_size(self.plan.family),
            flow=self._kind(),
            clock="program",
            note=extras.note(self._lacks, f"{note}; {ANSWERED_FOR}" if self._is_answered_for else note),
            label=self._label.value or None,
        )

    # --- receiving ---------------------------------------------------------------------------------------------

    def on_ready(self, attempt: _Attempt, received: int) -> None:
        """The socket of an attempt has something to tell."""
        message = stream.router_error(attempt.sock, self.context.tally)
        if message is not None:
            self.on_router(attempt, message, received)
            return
        try:
            error = attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error == 0:
                attempt.sock.getpeername()
        except OSError as problem:
            if problem.errno == errno.ENOTCONN:
                return  # no news: the attempt goes on
            error = problem.errno or errno.EIO
        self.on_outcome(attempt, error, received)

    def on_outcome(self, attempt: _Attempt, error: int, received: int) -> None:
        """``connect`` ended: with a connection, or as `error` says."""
        if attempt.sock.fileno() < 0:
            return
        if error == 0:
            nanos = stream.kernel_rtt(attempt.sock)
            if nanos:
                attempt.probe.sent_stamp = attempt.probe.sent_wall
            self._answer(attempt, "tcp-open", received, attempt.probe.sent_wall + nanos if nanos else 0)
        elif error == errno.ECONNREFUSED:
            self._answer(attempt, "tcp-reset", received, 0)
        else:
            # This machine gave up (its next hop does not answer, say): nothing was heard from the network.
            self._channel.end(attempt)

    def ended(self, attempt: _Attempt) -> None:
        """The channel closed an attempt's socket: its port is free again."""
        self._ports.free(attempt.port)
        if self._flying.get(attempt.probe) is attempt:
            del self._flying[attempt.probe]

    def on_router(self, attempt: _Attempt, message: Message, received: int) -> None:
        """An ICMP error about the attempt."""
        if attempt.sock.fileno() < 0:
            return
        failure = message.failure
        if failure is None or failure.offender is None:
            self.context.tally.malformed += 1
            return
        if failure.offender == self.info.source and failure.offender != self.plan.address:
            self._channel.end(attempt)
            own = own_error(self.plan, self.info.source, failure.icmp_type, failure.icmp_code)
            # Over IPv6 whoever is on the path may write from this address, but later: then it is a stranger's word, and
            # the kernel has given the attempt up. A next hop that does not answer is told later as well.
            if self.plan.family == 4 or message is attempt.at_once or own.error == "EHOSTUNREACH":
                self.context.failed_here(attempt.probe, *own)
            else:
                self.context.tally.foreign += 1
            return
        kind = kind_of(self.plan.family, failure.icmp_type, failure.icmp_code)
        mpls = mpls_from_extension(message.data[failure.extension :]) if failure.extension else ()
        if message.stamp:
            # Since the arrival the kernel's clock went on by this much; the program's went on as far.
            since = self.context.wall() - message.stamp
            arrived = self.context.monotonic() - since
            received = arrived if attempt.probe.sent_mono <= arrived <= received else received
        icmp_type, code = failure.icmp_type, failure.icmp_code
        mtu = failure.info if kind == "fragmentation-needed" else None
        reply = Reply(failure.offender, kind, icmp_type, code, message.ttl, mpls, received, 0, mtu=mtu)
        self._finish(attempt, reply)

    def _answer(self, attempt: _Attempt, kind: Kind, received: int, stamp: int) -> None:
        """The target's own answer."""
        if attempt.probe.ttl == 1 and not self._is_first_hop_seen:
            self._is_first_hop_seen = True
            self._is_answered_for = is_beyond_first_hop(self.plan, self.info.source)
            if self._is_answered_for:
                self._tell()
        self._finish(attempt, Reply(endpoint.text_of(self._destination), kind, None, None, None, (), received, stamp))

    def _finish(self, attempt: _Attempt, reply: Reply) -> None:
        self._channel.end(attempt)
        if reply.received_mono < attempt.due + (1_000_000_000 - HEARING_NS):
            self.context.deliver(attempt.probe, reply)


def capabilities() -> list[MethodState]:
    """Try a stream socket of each family."""
    return [stream.state(family, has_epoll=bool(_EVENTS)) for family in (4, 6)]
