"""A stream socket that makes one connection attempt with a TTL, and what the kernel tells of it."""

from __future__ import annotations

import resource
import socket
import struct
from contextlib import suppress
from pathlib import Path

from hopscope.probe.channel import Tally
from hopscope.probe.packets.kinds import ERRORS
from hopscope.probe.sockets import endpoint, errqueue, extras, stamps
from hopscope.probe.sockets.errqueue import Message
from hopscope.probe.sockets.extras import Lack, ask, need
from hopscope.wire.messages import Family, MethodState

_HEADERS: dict[Family, int] = {4: 40, 6: 60}
_TCPI_RTT = struct.Struct("=68xI")
_TCP_INFO_LENGTH = 104
_LINGER = struct.pack("=ii", 1, 0)
_TRIES = 3


def prepare(sock: socket.socket, ttl: int) -> set[Lack]:
    """Set all options of an attempt; what this kernel lacks of them. `OSError`: it lacks what an attempt needs."""
    lacks = errqueue.switch_on(sock)
    stamps.ask_for_arrivals(sock)
    if sock.family == socket.AF_INET:
        need(sock, socket.IPPROTO_IP, socket.IP_TTL, ttl, "IP_TTL")
    else:
        need(sock, socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl, "IPV6_UNICAST_HOPS")
    # An attempt ends before its SYN would be sent again anyway, and a port that is still taken is passed over.
    ask(sock, socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
    ask(sock, socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    ask(sock, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return lacks


def new_socket(family: Family) -> socket.socket:
    """One that does not block, with no option set. `OSError`: this system has no such family."""
    return socket.socket(endpoint.socket_family(family), socket.SOCK_STREAM | socket.SOCK_NONBLOCK, socket.IPPROTO_TCP)


def router_error(sock: socket.socket, tally: Tally) -> Message | None:
    """The first ICMP error on the error queue that ends an attempt; others are counted."""
    errors = ERRORS[4 if sock.family == socket.AF_INET else 6]
    for _ in range(_TRIES):
        try:
            message = errqueue.receive(sock, errors=True)
        except OSError:
            continue
        if message is None:
            return None
        failure = message.failure
        if failure is None or failure.origin not in (errqueue.ORIGIN_ICMP, errqueue.ORIGIN_ICMP6):
            continue
        if failure.icmp_type in errors:
            return message
        tally.foreign += 1  # of no probe's end
    return None


def kernel_rtt(sock: socket.socket) -> int:
    """The handshake's round trip time in ns as the kernel measured it (microseconds); 0 where it did not."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH)
    except OSError:
        return 0
    return int(_TCPI_RTT.unpack_from(info)[0]) * 1000 if len(info) >= _TCPI_RTT.size else 0


def syn_size(family: Family) -> int:
    """Bytes of a SYN with the options that this machine's sysctls switch on (net/ipv4/tcp_output.c)."""

    def is_on(name: str) -> bool:
        try:
            return Path("/proc/sys/net/ipv4", name).read_text().strip() != "0"
        except OSError:
            return True

    stamped = is_on("tcp_timestamps")
    options = 4 + 12 * stamped + 4 * is_on("tcp_window_scaling") + 4 * (is_on("tcp_sack") and not stamped)
    return _HEADERS[family] + options


def allow_many_sockets() -> None:
    """A probe in flight is a socket: allow as many as this user may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def state(family: Family, *, has_epoll: bool) -> MethodState:
    """Whether attempts of a family can be made here."""
    try:
        sock = new_socket(family)
    except OSError as problem:
        reason = f"this system has no IPv{family}: {problem.strerror or problem}"
        return MethodState("tcp-socket", "tcp", family, False, reason)
    with sock:
        if not has_epoll:
            return MethodState("tcp-socket", "tcp", family, False, "needs Linux: an error queue and epoll")
        try:
            lacks = prepare(sock, 1)
        except OSError as problem:
            return MethodState("tcp-socket", "tcp", family, False, extras.missing(problem))
    return MethodState("tcp-socket", "tcp", family, True, extras.in_words(lacks, "no privilege needed"))
