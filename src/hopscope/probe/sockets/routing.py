"""What this machine's routing says of a destination: next hop, interface, kind of route, and whether the next hop
answers. Asked by rtnetlink(7), which any user may; nothing is sent to the network.

Constants are those of linux/rtnetlink.h and linux/neighbour.h.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress
from typing import Final, NamedTuple

from hopscope.probe.sockets.netlink import (
    ROUTE,
    RTA_DST,
    RTA_GATEWAY,
    RTA_OIF,
    RTA_SRC,
    RTA_VIA,
    RTM_GETNEIGH,
    RTM_GETROUTE,
    Netlink,
    attribute,
    attributes,
)
from hopscope.wire.messages import Family

RTN_UNICAST: Final = 1
RTN_LOCAL: Final = 2
RTN_BROADCAST: Final = 3

_DOMAINS: Final[dict[Family, socket.AddressFamily]] = {4: socket.AF_INET, 6: socket.AF_INET6}
_SIOCGIFMTU = 0x8921
_IFREQ = struct.Struct("=16si20x")
_NDA_DST = 1
_NUD_INCOMPLETE, _NUD_FAILED, _NUD_NOARP = 0x01, 0x20, 0x40
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_INT = struct.Struct("=i")


class Route(NamedTuple):
    """The first step to a destination."""

    kind: int
    """`RTN_UNICAST`, `RTN_LOCAL`, `RTN_BROADCAST` …"""
    next_hop: str
    """The gateway; the destination itself where it is on the link."""
    interface: int


def way_to(destination: str, family: Family, source: str | None = None, interface: int = 0) -> Route | None:
    """The way that packets from `source` take to `destination`, both numeric and without a zone; None where it cannot
    be asked for. `OSError`: there is none (ENETUNREACH, EHOSTUNREACH; EACCES of a prohibit route, EINVAL of a blackhole
    route)."""
    asked = attribute(RTA_DST, _packed(destination, family))
    if source is not None:
        asked += attribute(RTA_SRC, _packed(source, family))
    if interface:
        asked += attribute(RTA_OIF, _INT.pack(interface))
    bits = 32 if family == 4 else 128
    answer = _ask(RTM_GETROUTE, ROUTE.pack(_DOMAINS[family], bits, 0, 0, 0, 0, 0, 0, 0) + asked)
    if answer is None or len(answer) < ROUTE.size:
        return None
    found = attributes(answer[ROUTE.size :])
    # A gateway of the other family stands behind that family's number.
    hop = _text(found.get(RTA_GATEWAY, b"")) or _text(found.get(RTA_VIA, b"")[2:]) or destination
    index = found.get(RTA_OIF, b"")
    return Route(ROUTE.unpack_from(answer)[7], hop, _INT.unpack(index)[0] if len(index) == _INT.size else 0)


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


def is_silent(way: Route) -> bool | None:
    """Whether the next hop answered no ARP or neighbour solicitation; None where the kernel does not tell, or nobody is
    asked on that link (a tunnel)."""
    family: Family = 6 if ":" in way.next_hop else 4
    head = _NEIGHBOUR.pack(_DOMAINS[family], way.interface, 0, 0, 0)
    try:
        answer = _ask(RTM_GETNEIGH, head + attribute(_NDA_DST, _packed(way.next_hop, family)))
    except OSError:
        return None
    if answer is None or len(answer) < _NEIGHBOUR.size:
        return None
    state = _NEIGHBOUR.unpack_from(answer)[2]
    return None if state & _NUD_NOARP else bool(state & (_NUD_INCOMPLETE | _NUD_FAILED))


def _ask(kind: int, body: bytes) -> bytes | None:
    """The body of the kernel's answer; None where there is no netlink here. `OSError` is what the kernel says."""
    try:
        netlink = Netlink()
    except OSError:
        return None
    try:
        return netlink.ask(kind, body)
    except TimeoutError:
        return None
    finally:
        netlink.close()


def _packed(address: str, family: Family) -> bytes:
    return socket.inet_pton(_DOMAINS[family], address)


def _text(value: bytes) -> str | None:
    with suppress(ValueError, OSError):
        return socket.inet_ntop(socket.AF_INET if len(value) == 4 else socket.AF_INET6, value)
    return None
