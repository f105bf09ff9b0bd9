"""Where raw sockets' packets leave: asked of the kernel by a socket that was opened with them.

Routing may depend on the user who owns the socket (``ip rule`` with ``uidrange``) and on its mark (``fwmark``; SO_MARK
in socket(7)). Raw sockets are their opener's for ever, a socket that the worker opens later is the user's that it
became: asked by that one, the kernel would give the source address of another way than the packets take.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded as root, by raw_sockets: nothing beyond the standard library is
    from hopscope.probe.endpoint import Egress
    from hopscope.wire.messages import Family, Plan

_UNSPECIFIED = struct.pack("=H14x", socket.AF_UNSPEC)
"""A socket address that dissolves the association of a datagram socket: connect(2)."""


class Scout:
    """One family's. It sends nothing."""

    def __init__(self, family: Family, mark: int | None = None) -> None:
        """To be opened by whoever opens the sockets that send. `OSError`."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._socket = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        try:
            if mark is not None:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", mark))
        except OSError:
            self._socket.close()
            raise

    def egress_of(self, plan: Plan) -> Egress:
        """As `endpoint.egress_of`, for the sockets that were opened with this one."""
        from hopscope.probe import endpoint

        if plan.source is not None or plan.interface is not None or not sys.platform.startswith("linux"):
            return endpoint.egress_of(plan)  # what was asked for holds, whoever sends
        self._dissolve()
        return endpoint.Egress(endpoint.source_by(self._socket, plan), 0)

    def close(self) -> None:
        """Idempotent."""
        self._socket.close()

    def _dissolve(self) -> None:
        """Else the kernel would keep to the source that it gave before."""
        if self._libc.connect(self._socket.fileno(), _UNSPECIFIED, len(_UNSPECIFIED)) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
