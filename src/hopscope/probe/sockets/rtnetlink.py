"""Routes as rtnetlink(7) tells them, for one question: by which of several uplinks does a flow leave?

A route may have several next hops (``ip route add default nexthop … nexthop …``). The kernel chooses one by a hash of
the flow, and for a socket that is bound to a source address that hash is another one than for the look-up that gave the
address: the packets of such a socket may leave by one uplink with the address of another. Whoever knows the interface
can hold on to it. include/uapi/linux/rtnetlink.h; asking needs no privilege.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from hopscope.probe.sockets.netlink import (
    ROUTE,
    RTA_DST,
    RTA_GATEWAY,
    RTA_OIF,
    RTA_VIA,
    RTM_GETROUTE,
    Netlink,
    attribute,
    attributes,
)
from hopscope.wire.messages import Family

_NEXTHOP = struct.Struct("=HBBi")
_RTM_F_FIB_MATCH = 0x2000
"""The answer is the entry of the table, with all its next hops, and not what the flow would get (Linux 4.13)."""
_RTA_PREFSRC, _RTA_MULTIPATH = 7, 9
_RTA_MARK, _RTA_UID, _RTA_IP_PROTO, _RTA_SPORT, _RTA_DPORT = 16, 25, 27, 28, 29


class FlowKey(NamedTuple):
    """What the kernel's choice may depend on, beside the destination."""

    source_port: int
    port: int
    uid: int
    mark: int


class RouteAnswer(NamedTuple):
    """One of several ways."""

    interface: int
    source: str


class Routes:
    """A question at a time. For one thread."""

    def __init__(self) -> None:
        """`OSError` where there is no rtnetlink."""
        self._netlink = Netlink()

    def one_of_several(self, family: Family, destination: str, flow: FlowKey) -> RouteAnswer | None:
        """By which interface, and with which source, a UDP flow leaves; None where its route has next hops on one
        interface alone. `OSError`: no route, or a kernel that does not say."""
        entry = self._ask(family, destination, flow, _RTM_F_FIB_MATCH)
        if len(_interfaces(entry.get(_RTA_MULTIPATH, b""))) < 2:
            return None
        chosen = self._ask(family, destination, flow, 0)
        if RTA_OIF not in chosen or _RTA_PREFSRC not in chosen:
            return None
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        return RouteAnswer(struct.unpack("=i", chosen[RTA_OIF])[0], socket.inet_ntop(kind, chosen[_RTA_PREFSRC]))

    def way(self, family: Family, destination: str, flow: FlowKey) -> tuple[object, ...]:
        """What tells the way of a UDP flow from another one: interface, next hop and source, or why there is none."""
        try:
            found = self._ask(family, destination, flow, 0)
        except OSError as problem:
            return (problem.errno,)
        return tuple(found.get(kind) for kind in (RTA_OIF, RTA_GATEWAY, RTA_VIA, _RTA_PREFSRC))

    def close(self) -> None:
        """Idempotent."""
        self._netlink.close()

    def _ask(self, family: Family, destination: str, flow: FlowKey, flags: int) -> dict[int, bytes]:
        """The attributes of the route that the kernel tells."""
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        packed = socket.inet_pton(kind, destination)
        body = ROUTE.pack(kind, 8 * len(packed), 0, 0, 0, 0, 0, 0, flags) + attribute(RTA_DST, packed)
        body += attribute(_RTA_UID, struct.pack("=I", flow.uid))
        if flow.mark:
            body += attribute(_RTA_MARK, struct.pack("=I", flow.mark))
        body += attribute(_RTA_IP_PROTO, bytes([socket.IPPROTO_UDP]))
        body += attribute(_RTA_SPORT, struct.pack("!H", flow.source_port))
        body += attribute(_RTA_DPORT, struct.pack("!H", flow.port))
        return attributes(self._netlink.ask(RTM_GETROUTE, body)[ROUTE.size :])


def _interfaces(multipath: bytes) -> set[int]:
    """The interfaces of a list of ``struct rtnexthop``."""
    found: set[int] = set()
    at = 0
    while at + _NEXTHOP.size <= len(multipath):
        length, _, _, interface = _NEXTHOP.unpack_from(multipath, at)
        if length < _NEXTHOP.size:
            break
        found.add(interface)
        at += (length + 3) & ~3
    return found
