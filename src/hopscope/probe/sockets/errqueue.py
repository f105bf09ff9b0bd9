"""What a datagram or stream socket tells: its receive queue and its error queue, control messages parsed.

ip(7) and ipv6(7), IP_RECVERR; include/uapi/linux/errqueue.h for ``struct sock_extended_err``, which is followed by
the address of whoever reported the error.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from typing import Any, Final, NamedTuple

from hopscope.probe.sockets import stamps
from hopscope.probe.sockets.extras import Lack, ask, need

ORIGIN_LOCAL: Final = 1
ORIGIN_ICMP: Final = 2
ORIGIN_ICMP6: Final = 3
ORIGIN_STAMP: Final = 4

SO_RXQ_OVFL: Final = 40
"""Makes a socket tell `Message.dropped`; ping sockets are silent about it (see `buffer_of`)."""
IP_RECVERR_RFC4884: Final = 26
IPV6_RECVERR_RFC4884: Final = 31

LEFT_BY_ICMP: Final = frozenset(
    getattr(errno, name, 0)  # not every system knows them all
    for name in (
        "ENETUNREACH",
        "EHOSTUNREACH",
        "ENOPROTOOPT",
        "ECONNREFUSED",
        "EMSGSIZE",
        "EOPNOTSUPP",
        "EHOSTDOWN",
        "ENONET",
        "EACCES",
        "EPROTO",
        "EREMOTEIO",
    )
)
"""What an ICMP error leaves on a socket for the next system call to fail with (net/ipv4/icmp.c, icmp_err_convert;
net/ipv6/icmp.c, icmpv6_err_convert): such a failure says nothing of this machine until it is repeated."""

_IP_TTL = 2
_IP_RECVERR = 11
_IP_RECVTTL = 12
_IPV6_RECVERR = 25
_IPV6_RECVHOPLIMIT = 51
_IPV6_HOPLIMIT = 52
_TOLD: Final = {
    (socket.SOL_SOCKET, stamps.SO_TIMESTAMPING): "stamp",
    (socket.SOL_SOCKET, SO_RXQ_OVFL): "dropped",
    (socket.IPPROTO_IP, _IP_RECVERR): "failure",
    (socket.IPPROTO_IPV6, _IPV6_RECVERR): "failure",
    (socket.IPPROTO_IP, _IP_TTL): "ttl",
    (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT): "ttl",
}
"""What a control message tells, by its level and kind."""
_INT = struct.Struct("=i")
_COUNT = struct.Struct("=I")
_EXTENDED = struct.Struct("=IBBBxII")
_RFC4884 = struct.Struct("=HB")
_RFC4884_INVALID = 1
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=II24xI")
"""What is allocated, the limit, and at the end what was dropped."""
_LARGEST_SKB = 4096
"""Memory that a queued packet of ours may take."""
_DATA = 2048
"""More than any router quotes that matters: the probe's first bytes and the extension behind them."""
_CONTROL = 512
# As numbers: the enumeration's own "or" costs a microsecond a call.
_ANSWERS = int(getattr(socket, "MSG_DONTWAIT", 0))
_ERRORS = _ANSWERS | int(getattr(socket, "MSG_ERRQUEUE", 0))


class Failure(NamedTuple):
    """One entry of the error queue."""

    origin: int
    error: int
    """The errno."""
    icmp_type: int
    icmp_code: int
    number: int
    """ee_data: of a stamp, which send it belongs to."""
    extension: int
    """Where in the data an ICMP extension structure starts (RFC 4884); 0 where there is none."""
    offender: str | None
    """Who reported it: numeric, with a zone where the address needs one."""
    info: int = 0
    """ee_info: where a packet was too large, the MTU that the router says."""


class Message(NamedTuple):
    """One message of either queue."""

    data: bytes
    address: Any
    """The socket address: the sender's; on the error queue where the probe was going to."""
    stamp: int
    """Kernel's stamp, wall clock ns; 0 where there is none."""
    ttl: int | None
    dropped: int | None
    """How many messages this socket's buffer has dropped so far, where the socket was asked to tell."""
    failure: Failure | None


def switch_on(sock: socket.socket) -> set[Lack]:
    """Ask a socket for all that `receive` understands; what this kernel lacks of it. `OSError`: it has no error queue,
    and no router would be heard."""
    lacks: set[Lack] = set()
    if sock.family == socket.AF_INET6:
        need(sock, socket.IPPROTO_IPV6, _IPV6_RECVERR, 1, "IPV6_RECVERR")
        reply_ttl = ask(sock, socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
        labels = ask(sock, socket.IPPROTO_IPV6, IPV6_RECVERR_RFC4884, 1)
    else:
        need(sock, socket.IPPROTO_IP, _IP_RECVERR, 1, "IP_RECVERR")
        reply_ttl = ask(sock, socket.IPPROTO_IP, _IP_RECVTTL, 1)
        labels = ask(sock, socket.IPPROTO_IP, IP_RECVERR_RFC4884, 1)  # since Linux 5.9
    if not reply_ttl:
        lacks.add("reply-ttl")
    if not labels:
        lacks.add("labels")
    return lacks


def receive(sock: socket.socket, *, errors: bool) -> Message | None:
    """The next message of the error queue (`errors`) or of the receive queue; None where that is empty.

    `OSError`: the error that an ICMP message left on the socket, which the next call on it reports and so takes off.
    """
    try:
        data, control, _, address = sock.recvmsg(_DATA, _CONTROL, _ERRORS if errors else _ANSWERS)
    except (BlockingIOError, InterruptedError):
        return None
    stamp, ttl, dropped, failure = 0, None, None, None
    for level, kind, value in control:
        what = _TOLD.get((level, kind))
        if what == "stamp":
            stamp = stamps.nanoseconds(value)
        elif what == "failure":
            failure = parse_failure(value)
        elif what == "ttl" and len(value) >= 4:
            ttl = _INT.unpack_from(value)[0]
        elif what == "dropped" and len(value) >= 4:
            dropped = _COUNT.unpack_from(value)[0]
    # As `Message(...)`, in half the time.
    return tuple.__new__(Message, (data, address, stamp, ttl, dropped, failure))


def buffer_of(sock: socket.socket) -> tuple[int, bool]:
    """How many packets the socket's buffer has dropped so far, and whether it is full right now (SO_MEMINFO, Linux
    4.12): what does not fit on the error queue is dropped without being counted. (0, False) where that is unknown."""
    try:
        counts = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return 0, False
    if len(counts) != _MEMINFO.size:
        return 0, False
    allocated, limit, dropped = _MEMINFO.unpack(counts)
    return dropped, allocated > max(limit - _LARGEST_SKB, limit // 2)


def parse_failure(value: bytes) -> Failure | None:
    """``struct sock_extended_err`` and the offender behind it; None where the bytes are too few."""
    if len(value) < _EXTENDED.size:
        return None
    number_of_error, origin, icmp_type, icmp_code, info, number = _EXTENDED.unpack_from(value)
    if origin == ORIGIN_STAMP:
        return tuple.__new__(Failure, (origin, number_of_error, icmp_type, icmp_code, number, 0, None, 0))
    extension = 0
    if origin in (ORIGIN_ICMP, ORIGIN_ICMP6):
        length, flags = _RFC4884.unpack_from(value, 12)
        extension = 0 if flags & _RFC4884_INVALID else length
    offender = _offender(value[_EXTENDED.size :])
    return tuple.__new__(Failure, (origin, number_of_error, icmp_type, icmp_code, number, extension, offender, info))


def _offender(name: bytes) -> str | None:
    if len(name) < 8:
        return None
    (family,) = struct.unpack_from("=H", name)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, name[4:8])
    if family == socket.AF_INET6 and len(name) >= 28:
        (scope,) = struct.unpack_from("=I", name, 24)
        return zoned(str(ipaddress.IPv6Address(name[8:24])), scope)
    return None


def zoned(address: str, scope: int) -> str:
    """A numeric IPv6 address with the name of its zone (RFC 4007), where it is link-local and the zone is known."""
    if not scope or not ipaddress.IPv6Address(address).is_link_local:
        return address
    try:
        return f"{address}%{socket.if_indextoname(scope)}"
    except OSError:
        return f"{address}%{scope}"
