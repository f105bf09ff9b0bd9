"""What this machine's routing says of a destination: next hop, interface, kind of route, and whether the next hop
answers. Asked by rtnetlink(7), which any user may; nothing is sent to the network.

Constants are those of linux/rtnetlink.h and linux/neighbour.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from hopscope.wire.messages import Family

RTN_UNICAST: Final = 1
RTN_LOCAL: Final = 2
RTN_BROADCAST: Final = 3

_DOMAINS: Final[dict[Family, socket.AddressFamily]] = {4: socket.AF_INET, 6: socket.AF_INET6}
_SIOCGIFMTU = 0x8921
_IFREQ = struct.Struct("=16si20x")
_NETLINK_ROUTE = 0
_RTM_GETROUTE, _RTM_GETNEIGH = 26, 30
_NLMSG_ERROR = 2
_NLM_F_REQUEST = 1
_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_GATEWAY, _RTA_VIA = 1, 2, 4, 5, 18
_NDA_DST = 1
_NUD_INCOMPLETE, _NUD_FAILED, _NUD_NOARP = 0x01, 0x20, 0x40
_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_INT = struct.Struct("=i")
_ANSWER = 32768
_WITHIN_S = 0.2


class Way(NamedTuple):
    """The first step to a destination."""

    kind: int
    """`RTN_UNICAST`, `RTN_LOCAL`, `RTN_BROADCAST` …"""
    next_hop: str
    """The gateway; the destination itself where it is on the link."""
    interface: int


def way_to(destination: str, family: Family, source: str | None = None, interface: int = 0) -> Way | None:
    """The way that packets from `source` take to `destination`, both numeric and without a zone; None where it cannot
    be asked for. `OSError`: there is none (ENETUNREACH, EHOSTUNREACH; EACCES of a prohibit route, EINVAL of a blackhole
    route)."""
    attributes = _attribute(_RTA_DST, _packed(destination, family))
    if source is not None:
        attributes += _attribute(_RTA_SRC, _packed(source, family))
    if interface:
        attributes += _attribute(_RTA_OIF, _INT.pack(interface))
    bits = 32 if family == 4 else 128
    head = _ROUTE.pack(_DOMAINS[family], bits, 0, 0, 0, 0, 0, 0, 0)
    answer = _ask(_RTM_GETROUTE, head + attributes)
    if answer is None or len(answer) < _ROUTE.size:
        return None
    kind, hop, index = _ROUTE.unpack_from(answer)[7], destination, 0
    for number, value in _attributes(answer[_ROUTE.size :]):
        if number == _RTA_OIF and len(value) >= _INT.size:
            (index,) = _INT.unpack_from(value)
        elif number == _RTA_GATEWAY:
            hop = _text(value) or hop
        elif number == _RTA_VIA:  # a gateway of the other family, behind that family's number
            hop = _text(value[2:]) or hop
    return Way(kind, hop, index)


def index_of(interface: str | None) -> int:
    """An interface's number, by its name or its number in words; 0 where there is none."""
    if interface is None:
        return 0
    if interface.isdecimal():
        return int(interface)
    with suppress(OSError):
        return socket.if_nametoindex(interface)
    return 0


def mtu_of(interface: int) -> int | None:
    """The MTU of an interface, in bytes; None where it is not known."""
    try:
        name = socket.if_indextoname(interface).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            answer = fcntl.ioctl(sock, _SIOCGIFMTU, _IFREQ.pack(name, 0))
    except OSError:
        return None
    mtu: int = _IFREQ.unpack(answer)[1]
    return mtu


def is_silent(way: Way) -> bool | None:
    """Whether the next hop answered no ARP or neighbour solicitation; None where the kernel does not tell, or nobody is
    asked on that link (a tunnel)."""
    family: Family = 6 if ":" in way.next_hop else 4
    head = _NEIGHBOUR.pack(_DOMAINS[family], way.interface, 0, 0, 0)
    try:
        answer = _ask(_RTM_GETNEIGH, head + _attribute(_NDA_DST, _packed(way.next_hop, family)))
    except OSError:
        return None
    if answer is None or len(answer) < _NEIGHBOUR.size:
        return None
    state = _NEIGHBOUR.unpack_from(answer)[2]
    return None if state & _NUD_NOARP else bool(state & (_NUD_INCOMPLETE | _NUD_FAILED))


def _ask(kind: int, body: bytes) -> bytes | None:
    """The body of the kernel's answer; None where there is no netlink here. `OSError` is what the kernel says."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as sock:
            sock.settimeout(_WITHIN_S)
            sock.sendto(_HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST, 1, 0) + body, (0, 0))
            answer = sock.recv(_ANSWER)
    except (OSError, AttributeError):  # forbidden, or not Linux
        return None
    if len(answer) < _HEADER.size:
        return None
    length, found, *_ = _HEADER.unpack_from(answer)
    answer = answer[_HEADER.size : length]
    if found != _NLMSG_ERROR:
        return answer
    number = -_INT.unpack_from(answer)[0] if len(answer) >= _INT.size else errno.EIO
    raise OSError(number, os.strerror(number))


def _packed(address: str, family: Family) -> bytes:
    return socket.inet_pton(_DOMAINS[family], address)


def _text(value: bytes) -> str | None:
    with suppress(ValueError, OSError):
        return socket.inet_ntop(socket.AF_INET if len(value) == 4 else socket.AF_INET6, value)
    return None


def _attribute(number: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), number) + value + bytes(-len(value) % 4)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, number = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield number, data[at + _ATTRIBUTE.size : at + length]
        at += length + -length % 4
