"""Where packets leave: asked of the kernel by a socket of the same owner as those that send.

Routing may depend on the user who owns the socket (``ip rule`` with ``uidrange``) and on its mark (``fwmark``; SO_MARK
in socket(7)). Raw sockets are their opener's for ever, a socket that the worker opens later is the user's that it
became: asked by that one, the kernel would give the source address of another way than the packets take. It may depend
on ports, too, where a route has several next hops: a scout always asks from the same port.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded as root, by raw_sockets: nothing beyond the standard library is
    from hopscope.probe.sockets.endpoint import Egress
    from hopscope.probe.sockets.rtnetlink import FlowKey, Routes
    from hopscope.wire.messages import Family, Plan

_UNSPECIFIED = struct.pack("=H14x", socket.AF_UNSPEC)
"""A socket address that dissolves the association of a datagram socket: connect(2)."""
_TRIES = 8


def _bind_named(sock: socket.socket) -> int:
    """Bind to a free port by its number, which the socket then keeps when it is dissolved (net/ipv4/af_inet.c,
    SOCK_BINDPORT_LOCK); the port."""
    for _ in range(_TRIES):
        with socket.socket(sock.family, socket.SOCK_DGRAM) as finder:
            finder.bind(("", 0))
            port: int = finder.getsockname()[1]
        with suppress(OSError):  # somebody was quicker
            sock.bind(("", port))
            return port
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


class Scout:
    """One family's. It sends nothing."""

    def __init__(self, family: Family, mark: int | None = None) -> None:
        """To be opened by whoever opens the sockets that send. `OSError`."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._uid, self._mark = os.geteuid(), mark or 0
        self._routes: Routes | None = None
        self._socket = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        try:
            if mark is not None:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", mark))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # nobody reads what strangers send there
            self._port = _bind_named(self._socket)
        except OSError:
            self._socket.close()
            raise

    def egress_of(self, plan: Plan) -> Egress:
        """As `endpoint.egress_of`, for the sockets that were opened with this one."""
        from hopscope.probe.sockets import endpoint

        if plan.source is not None or plan.interface is not None or not sys.platform.startswith("linux"):
            return endpoint.egress_of(plan)  # what was asked for holds, whoever sends
        self._dissolve()
        source = endpoint.source_by(self._socket, plan)
        if "%" not in plan.address:
            with suppress(OSError):  # a kernel, or what stands for one, that does not tell its routes
                return self._held(plan, source) or endpoint.Egress(source, 0)
        return endpoint.Egress(source, 0)

    def goes_another_way(self, plan: Plan) -> bool:
        """Whether packets of the sockets that were opened with this one take another way than those of a socket that
        this process would open now; no, where nobody says."""
        if (self._uid == os.geteuid() and not self._mark) or "%" in plan.address:
            return False
        with suppress(OSError):
            routes, flow = self._asked(), self._flow()
            ours = flow._replace(uid=os.geteuid(), mark=0)
            return routes.way(plan.family, plan.address, flow) != routes.way(plan.family, plan.address, ours)
        return False

    def close(self) -> None:
        """Idempotent."""
        self._socket.close()
        if self._routes is not None:
            self._routes.close()
            self._routes = None

    def _held(self, plan: Plan, source: tuple[str, int]) -> Egress | None:
        """The source, and the interface to hold on to, where the route has next hops on several. `OSError`."""
        from hopscope.probe.sockets import endpoint

        way = self._asked().one_of_several(plan.family, plan.address, self._flow())
        return endpoint.Egress((way.source, 0, *source[2:]), 0, way.interface) if way is not None else None

    def _asked(self) -> Routes:
        from hopscope.probe.sockets.rtnetlink import Routes

        if self._routes is None:
            self._routes = Routes()
        return self._routes

    def _flow(self) -> FlowKey:
        from hopscope.probe.sockets.endpoint import DISCARD_PORT
        from hopscope.probe.sockets.rtnetlink import FlowKey

        return FlowKey(self._port, DISCARD_PORT, self._uid, self._mark)

    def _dissolve(self) -> None:
        """Else the kernel would keep to the source that it gave before."""
        if self._libc.connect(self._socket.fileno(), _UNSPECIFIED, len(_UNSPECIFIED)) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


class Scouts:
    """Those of a channel whose sockets are the worker's own."""

    def __init__(self) -> None:
        self._by_family: dict[Family, Scout] = {}

    def egress_of(self, plan: Plan) -> Egress:
        """See `Scout.egress_of`."""
        scout = self._by_family.get(plan.family)
        if scout is None:
            scout = self._by_family[plan.family] = Scout(plan.family)
        return scout.egress_of(plan)

    def close(self) -> None:
        """Idempotent."""
        for scout in self._by_family.values():
            scout.close()
        self._by_family.clear()
