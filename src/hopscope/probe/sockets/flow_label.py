"""The IPv6 flow label of a flow that needs a new socket for each probe.

Left to itself, Linux gives each connected socket a random label, and each repeated SYN another one; a balancer that
hashes the label then sends each probe another way. A label that stands in the address of ``connect`` is kept, for a
plain user too (ipv6(7); `IPV6_FLOWINFO_SEND` in linux/in6.h).
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any, Final
from zlib import crc32

from hopscope.probe.sockets.extras import ask
from hopscope.wire.messages import Plan

_IPV6_FLOWINFO_SEND: Final = 33
_OWN: Final = 0x80000
"""The half of the labels that need no lease of the kernel's (net.ipv6.flowlabel_state_ranges)."""


class FlowLabel:
    """One flow's label, chosen once."""

    __slots__ = ("value",)

    def __init__(self, plan: Plan) -> None:
        """One of several parallel flows has a label that follows from its port, to go the same way tomorrow."""
        seed = f"{plan.address} {plan.local_port}".encode()
        number = crc32(seed) if plan.flows > 1 else int.from_bytes(os.urandom(3), "big")
        self.value = _OWN | number % _OWN if plan.family == 6 else 0
        """20 bits; 0: none is asked for, so the kernel chooses."""

    def mark(self, sock: socket.socket) -> None:
        """Let `sock` take its label from the address that it connects to."""
        if self.value and not ask(sock, socket.IPPROTO_IPV6, _IPV6_FLOWINFO_SEND, 1):
            self.value = 0

    def on(self, address: Any) -> Any:
        """The socket address `address`, with the label."""
        return (address[0], address[1], self.value, address[3]) if self.value else address

    def is_refused(self, problem: OSError, address: Any) -> bool:
        """Whether connecting to `address` failed for the label: some program here holds one for itself alone, and then
        the kernel takes none but those that are leased. From then on none is asked for."""
        if problem.errno != errno.EINVAL or not self.value:
            return False
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            if sock.connect_ex(address):
                return False  # a route that discards, say: it is not the label
        self.value = 0
        return True
