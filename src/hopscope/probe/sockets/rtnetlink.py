"""Routes as rtnetlink(7) tells them, for one question: by which of several uplinks does a flow leave?

A route may have several next hops (``ip route add default nexthop … nexthop …``). The kernel chooses one by a hash of
the flow, and for a socket that is bound to a source address that hash is another one than for the look-up that gave the
address: the packets of such a socket may leave by one uplink with the address of another. Whoever knows the interface
can hold on to it. include/uapi/linux/rtnetlink.h; asking needs no privilege.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final, NamedTuple

from hopscope.wire.messages import Family

_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_NEXTHOP = struct.Struct("=HBBi")

_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_RTM_F_FIB_MATCH = 0x2000
"""The answer is the entry of the table, with all its next hops, and not what the flow would get (Linux 4.13)."""
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC, _RTA_MULTIPATH, _RTA_VIA = 1, 4, 5, 7, 9, 18
_RTA_MARK, _RTA_UID, _RTA_IP_PROTO, _RTA_SPORT, _RTA_DPORT = 16, 25, 27, 28, 29
_ANSWER: Final = 1 << 16


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
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._sequence = 0

    def one_of_several(self, family: Family, destination: str, flow: FlowKey) -> RouteAnswer | None:
        """By which interface, and with which source, a UDP flow leaves; None where its route has next hops on one
        interface alone. `OSError`: no route, or a kernel that does not say."""
        entry = self._ask(family, destination, flow, _RTM_F_FIB_MATCH)
        if len(_interfaces(entry.get(_RTA_MULTIPATH, b""))) < 2:
            return None
        chosen = self._ask(family, destination, flow, 0)
        if _RTA_OIF not in chosen or _RTA_PREFSRC not in chosen:
            return None
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        return RouteAnswer(struct.unpack("=i", chosen[_RTA_OIF])[0], socket.inet_ntop(kind, chosen[_RTA_PREFSRC]))

    def way(self, family: Family, destination: str, flow: FlowKey) -> tuple[object, ...]:
        """What tells the way of a UDP flow from another one: interface, next hop and source, or why there is none."""
        try:
            found = self._ask(family, destination, flow, 0)
        except OSError as problem:
            return (problem.errno,)
        return tuple(found.get(kind) for kind in (_RTA_OIF, _RTA_GATEWAY, _RTA_VIA, _RTA_PREFSRC))

    def close(self) -> None:
        """Idempotent."""
        self._socket.close()

    def _ask(self, family: Family, destination: str, flow: FlowKey, flags: int) -> dict[int, bytes]:
        """The attributes of the route that the kernel tells."""
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        packed = socket.inet_pton(kind, destination)
        body = _ROUTE.pack(kind, 8 * len(packed), 0, 0, 0, 0, 0, 0, flags) + _attribute(_RTA_DST, packed)
        body += _attribute(_RTA_UID, struct.pack("=I", flow.uid))
        if flow.mark:
            body += _attribute(_RTA_MARK, struct.pack("=I", flow.mark))
        body += _attribute(_RTA_IP_PROTO, bytes([socket.IPPROTO_UDP]))
        body += _attribute(_RTA_SPORT, struct.pack("!H", flow.source_port))
        body += _attribute(_RTA_DPORT, struct.pack("!H", flow.port))
        self._sequence += 1
        request = _HEADER.pack(_HEADER.size + len(body), _RTM_GETROUTE, _NLM_F_REQUEST, self._sequence, 0) + body
        self._socket.sendto(request, (0, 0))
        while True:
            data = self._socket.recv(_ANSWER)
            _, what, _, sequence, _ = _HEADER.unpack_from(data)
            if sequence == self._sequence:
                break
        if what == _NLMSG_ERROR:
            number = -struct.unpack_from("=i", data, _HEADER.size)[0]
            raise OSError(number, os.strerror(number))
        return _attributes(data[_HEADER.size + _ROUTE.size :]) if what == _RTM_NEWROUTE else {}


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


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
