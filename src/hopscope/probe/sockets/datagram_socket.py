"""A datagram socket that probes: its options, its stamps, both of its queues, and what its buffer dropped.

It knows nothing of targets or answers. What an ICMP error leaves on a socket for the next system call to fail with is
taken off here, so that no send and no reading fails for what a stranger said.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from hopscope.probe.channel import ChannelContext, Probe
from hopscope.probe.sockets import endpoint, errqueue, extras, stamps
from hopscope.probe.sockets.errqueue import Message
from hopscope.probe.sockets.extras import Lack
from hopscope.wire.messages import Family

_TRIES: Final = 16
"""How often a system call is made that fails with what an ICMP error left on the socket. Each failure takes one such
error off, and under a storm of forged ones the next is there within microseconds."""
_UNSTAMPED: Final = 4
"""Messages running without a stamp that show a kernel which was asked for them and gives none."""
_STAMPING_NS: Final = 1_000_000_000
"""From a socket's opening until its kernel stamps for certain: it begins some milliseconds after it is asked."""

_INT = struct.Struct("=i")
_IPV4_TTL = 2
_IPV6_HOPLIMIT = 52

Read: TypeAlias = tuple[Message, int]
"""A message, and the monotonic ns at which it was read."""


class Dropped(NamedTuple):
    """What a socket's buffer dropped since the last look, and whether it is full now."""

    packets: int
    is_full: bool


_NOTHING: Final = Dropped(0, False)


class DatagramSocket:
    """Takes a new socket over, and closes it where it cannot be used."""

    def __init__(self, sock: socket.socket, context: ChannelContext) -> None:
        """`OSError`: this kernel lacks what probing needs."""
        self._socket = sock
        self._context = context
        self._dropped = 0
        self._unstamped = 0
        self._opened_at = context.monotonic()
        try:
            endpoint.make_room(sock)
            self.lacks = prepare(sock)
        except BaseException:
            sock.close()
            raise
        self._stamps = stamps.SendStamps(sock, context.wall)
        if not self._stamps.works:
            self.lacks.add("stamps")

    def fileno(self) -> int:
        """The file descriptor; -1 once it is closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Idempotent."""
        self._socket.close()

    def bind(self, source: Any, port: int) -> int:
        """To a source address, and to `port` (a ping socket's is its identifier) where that is free, else to one of
        the kernel's choice; the port."""
        try:
            self._socket.bind((source[0], port, *source[2:]))
        except OSError as problem:
            if not port or problem.errno != errno.EADDRINUSE:
                raise
            self._socket.bind(source)
        bound: int = self._socket.getsockname()[1]
        return bound

    def set_hop_limit(self, ttl: int) -> None:
        """The IPv6 hop limit of what is sent from here on."""
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)

    def send(self, probe: Probe, data: bytes | bytearray, control: list[Any], destination: Any) -> None:
        """Send a probe, and fill in its times. `OSError`: this machine could not."""
        for attempt in range(_TRIES):
            read_clocks(probe, self._context)
            try:
                self._socket.sendmsg((data,), control, 0, destination)
                break
            except OSError as problem:
                self._stamps.failed()
                if problem.errno not in errqueue.LEFT_BY_ICMP or attempt == _TRIES - 1:
                    raise
        self._stamps.sent(probe)

    def next_error(self, until: Probe | None = None) -> tuple[int, Read] | None:
        """The next of the error queue that is no stamp of a sending, and when it arrived (wall clock ns); None where
        there is none, or `until` got its stamp."""
        while until is None or not until.sent_stamp:
            message = self._receive(errors=True)
            if message is None:
                return None
            failure = message.failure
            if failure is None:
                continue
            if failure.origin != errqueue.ORIGIN_STAMP:
                return self._arrived(message)
            self._stamps.stamp(failure.number, message.stamp)
        return None

    def next_reply(self) -> tuple[int, Read] | None:
        """The next of the receive queue, as `next_error`."""
        message = self._receive(errors=False)
        return None if message is None else self._arrived(message)

    def look_at_buffer(self) -> Dropped:
        """Once before the queues are read. What does not fit on the error queue is dropped without being counted."""
        dropped, is_full = errqueue.buffer_of(self._socket)
        if dropped == self._dropped and not is_full:
            return _NOTHING
        more, self._dropped = max(dropped - self._dropped, 0), max(dropped, self._dropped)
        return Dropped(max(more, 1) if is_full else more, is_full)

    def _receive(self, *, errors: bool) -> Message | None:
        try:
            return errqueue.receive(self._socket, errors=errors)
        except OSError:
            pass  # the error was an ICMP message's or the interface's, and is off the socket now
        for _ in range(_TRIES - 1):
            with suppress(OSError):
                return errqueue.receive(self._socket, errors=errors)
        return None

    def _arrived(self, message: Message) -> tuple[int, Read]:
        if not message.stamp or self._unstamped:
            self._see_stamp(message)
        return message.stamp or self._context.wall(), (message, self._context.monotonic())

    def _see_stamp(self, message: Message) -> None:
        """Notice a kernel that was asked for stamps and gives none."""
        is_new = self._context.monotonic() - self._opened_at < _STAMPING_NS
        self._unstamped = 0 if message.stamp or is_new else self._unstamped + 1
        if self._unstamped >= _UNSTAMPED:
            self.lacks.add("stamps")


@lru_cache(maxsize=512)
def ttl_control(family: Family, ttl: int) -> list[tuple[int, int, bytes]]:
    """The control messages that give a packet its TTL. Not to be changed."""
    value = _INT.pack(ttl)
    if family == 4:
        return [(socket.IPPROTO_IP, _IPV4_TTL, value)]
    return [(socket.IPPROTO_IPV6, _IPV6_HOPLIMIT, value)]


def read_clocks(probe: Probe, context: ChannelContext) -> None:
    """Fill in the times of a sending that follows at once."""
    probe.sent_stamp = 0
    probe.sent_wall = context.wall()
    probe.sent_mono = context.monotonic()


def prepare(sock: socket.socket) -> set[Lack]:
    """Ask a socket for all that it is heard by; what this kernel lacks of it. `OSError` as for
    `errqueue.switch_on`."""
    lacks = errqueue.switch_on(sock)
    # Routers may fragment a large probe: it is the path that is asked for, not its MTU.
    if sock.family == socket.AF_INET and not extras.ask(
        sock, socket.IPPROTO_IP, endpoint.IP_MTU_DISCOVER, endpoint.IP_PMTUDISC_DONT
    ):
        lacks.add("fragments")
    return lacks


def tried(sock: socket.socket) -> set[Lack]:
    """What this kernel lacks of all that is asked of a new socket, which is closed. `OSError`: it cannot be used."""
    with sock:
        lacks = prepare(sock)
        if not stamps.SendStamps(sock, time.time_ns).works:
            lacks.add("stamps")
    return lacks
