"""A question to the kernel's routing by rtnetlink(7), and its answer. Asking needs no privilege and sends nothing to
the network. Constants and layouts are those of linux/netlink.h and linux/rtnetlink.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Final

RTM_GETROUTE: Final = 26
RTM_GETNEIGH: Final = 30
RTA_DST: Final = 1
RTA_SRC: Final = 2
RTA_OIF: Final = 4
RTA_GATEWAY: Final = 5
RTA_VIA: Final = 18
ROUTE: Final = struct.Struct("=BBBBBBBBI")
"""``struct rtmsg``: family, bits of the destination and of the source, TOS, table, protocol, scope, type, flags."""

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_INT = struct.Struct("=i")
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_ANSWER = 1 << 16
_WITHIN_S = 0.2


class Netlink:
    """One socket, a question at a time. For one thread."""

    def __init__(self) -> None:
        """`OSError` where there is no rtnetlink, or a sandbox forbids it."""
        if not hasattr(socket, "AF_NETLINK"):
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.settimeout(_WITHIN_S)
        self._sequence = 0

    def ask(self, kind: int, body: bytes) -> bytes:
        """The answer's message, without its header. `OSError`: what the kernel says instead, or that it is silent."""
        self._sequence += 1
        size = _HEADER.size + len(body)
        self._socket.sendto(_HEADER.pack(size, kind, _NLM_F_REQUEST, self._sequence, 0) + body, (0, 0))
        while True:
            data = self._socket.recv(_ANSWER)
            if len(data) < _HEADER.size:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            length, what, _, sequence, _ = _HEADER.unpack_from(data)
            if sequence == self._sequence:
                break
        message = data[_HEADER.size : length]
        if what == _NLMSG_ERROR:
            number = -_INT.unpack_from(message)[0] if len(message) >= _INT.size else errno.EIO
            raise OSError(number, os.strerror(number))
        return message

    def close(self) -> None:
        """Idempotent."""
        self._socket.close()


def attribute(number: int, value: bytes) -> bytes:
    """An attribute, filled up to a multiple of four bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), number) + value + bytes(-len(value) % 4)


def attributes(data: bytes) -> dict[int, bytes]:
    """Each attribute up to the first that does not fit."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, number = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[number] = data[at + _ATTRIBUTE.size : at + length]
        at += length + -length % 4
    return found
