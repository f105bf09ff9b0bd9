"""A chain of real kernel routers: client, r1 … rN, target, each in a namespace of its own, joined by veth pairs.

Link *i* joins node *i* (west) and node *i + 1* (east), the client being node 0. Its west end is 198.18.*i*.1 and
fd00:18:a*i*::1 (*i* below ten), its east end ends in 2. Hop *n* answers as the east end of link *n - 1*, and so does
the target, which is hop N + 1. Nothing limits the rate of ICMP errors; IPv6 addresses are usable at once.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
import time
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Literal, Self

from tests.lab import netns

Family = Literal[4, 6]
EAST = "east"
"""The interface towards the target, in the client and in each router."""
WEST = "west"
"""The interface towards the client, in each router and in the target."""

_EVERYWHERE = {
    "ipv4.icmp_ratelimit": "0",
    "ipv4.icmp_msgs_per_sec": "1000000",
    "ipv4.icmp_msgs_burst": "1000000",
    "ipv4.conf.all.rp_filter": "0",
    "ipv4.conf.default.rp_filter": "0",
    "ipv6.icmp.ratelimit": "0",
    "ipv6.conf.all.disable_ipv6": "0",
    "ipv6.conf.default.disable_ipv6": "0",
    "ipv6.conf.all.accept_dad": "0",
    "ipv6.conf.default.accept_dad": "0",
    "ipv6.conf.default.accept_ra": "0",
}
_ROUTER = {"ipv4.ip_forward": "1", "ipv6.conf.all.forwarding": "1", "ipv6.conf.default.forwarding": "1"}
_PING_OPEN = "0 2147483647"
_PING_CLOSED = "1 0"


class Chain:
    """The chain, as a context manager. `routers` is how many stand between client and target."""

    def __init__(self, routers: int = 3) -> None:
        self.routers = routers
        roles = ["client", *(f"r{n}" for n in range(1, routers + 1)), "target"]
        self.names = [netns.new_name(role) for role in roles]
        self.client = self.names[0]
        self.target = self.names[-1]
        self._held = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete everything. Idempotent."""
        self._held.close()
        netns.remove(self.names)

    def hop(self, ttl: int, family: Family) -> str:
        """The address that answers a probe of this TTL: routers first, the target at N + 1 and beyond."""
        link = min(ttl, self.routers + 1) - 1
        return f"198.18.{link}.2" if family == 4 else f"fd00:18:a{link}::2"

    def hops(self, family: Family) -> list[str]:
        """The addresses of hops 1 to N + 1."""
        return [self.hop(ttl, family) for ttl in range(1, self.routers + 2)]

    def destination(self, family: Family) -> str:
        """The target's address."""
        return self.hop(self.routers + 1, family)

    def source(self, family: Family) -> str:
        """The client's address."""
        return "198.18.0.1" if family == 4 else "fd00:18:a0::1"

    def ping_group_range(self, *, opened: bool) -> None:
        """Allow or forbid ping sockets to everybody in the client's namespace."""
        netns.sysctl(self.client, {"ipv4.ping_group_range": _PING_OPEN if opened else _PING_CLOSED})

    def link(self, state: Literal["up", "down"]) -> None:
        """Take the client's interface down, or up again with its addresses and routes restored."""
        commands = [f"link set {EAST} {state}"]
        if state == "up":
            # Going down took the IPv6 addresses and all routes away.
            commands += ["address replace fd00:18:a0::1/64 dev east nodad", *_client_routes("replace")]
        netns.ip(commands, self.client)

    def default_routes(self, action: Literal["replace", "delete"]) -> None:
        """Give the client its default routes, or take them away."""
        netns.ip(_client_routes(action), self.client)

    def listen(self, family: Family = 4) -> int:
        """Open a TCP port at the target, chosen by its kernel, until the chain closes."""
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        with netns.entered(self.target):
            listener = self._held.enter_context(socket.socket(kind, socket.SOCK_STREAM))
        listener.bind((self.destination(family), 0))
        listener.listen(1024)
        port: int = listener.getsockname()[1]
        return port

    def _build(self) -> None:
        netns.add(*self.names)
        for index, name in enumerate(self.names):
            router = 0 < index <= self.routers
            netns.sysctl(name, _EVERYWHERE | (_ROUTER if router else {}))
        netns.ip(
            [
                # Where both ends have one index, the kernel puts the news that a link is up off for up to a second.
                f"link add name {EAST} index 10 netns {west} type veth peer name {WEST} index 20 netns {east}"
                for west, east in zip(self.names, self.names[1:], strict=False)
            ]
        )
        for index, name in enumerate(self.names):
            netns.ip([*self._addresses(index), *self._routes(index)], name)
            # A checksum that is left to a device that never computes it would be what the capture sees.
            for interface in ([EAST] if index <= self.routers else []) + ([WEST] if index else []):
                _compute_checksums(name, interface)
        self.ping_group_range(opened=True)
        for family in (4, 6):
            self._wait_for_target(family)

    def _wait_for_target(self, family: Family) -> None:
        """Ping the target until it answers: then all links are up and each neighbour knows the next."""
        kind, protocol, request = (
            (socket.AF_INET, socket.IPPROTO_ICMP, 8) if family == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6, 128)
        )
        with netns.entered(self.client):
            pinger = socket.socket(kind, socket.SOCK_DGRAM, protocol)
        with pinger:
            pinger.settimeout(0.05)
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with suppress(OSError):
                    pinger.sendto(bytes([request, 0, 0, 0, 0, 0, 0, 0]), (self.destination(family), 0))
                    pinger.recv(64)
                    return
        raise OSError(f"the chain does not carry IPv{family}")

    def _addresses(self, index: int) -> list[str]:
        commands = []
        if index <= self.routers:
            commands += [
                f"address add 198.18.{index}.1/24 dev {EAST}",
                f"address add fd00:18:a{index}::1/64 dev {EAST} nodad",
                f"link set {EAST} up",
            ]
        if index:
            commands += [
                f"address add 198.18.{index - 1}.2/24 dev {WEST}",
                f"address add fd00:18:a{index - 1}::2/64 dev {WEST} nodad",
                f"link set {WEST} up",
            ]
        return commands

    def _routes(self, index: int) -> list[str]:
        if index == 0:
            return _client_routes("replace")
        commands = []
        if index <= self.routers:
            commands += [f"route add default via 198.18.{index}.2", f"route add default via fd00:18:a{index}::2"]
        if index > 1:
            commands += [
                f"route add 198.18.0.0/24 via 198.18.{index - 1}.1",
                f"route add fd00:18:a0::/64 via fd00:18:a{index - 1}::1",
            ]
        return commands


def _client_routes(action: str) -> list[str]:
    return [f"route {action} default via 198.18.0.2", f"route {action} default via fd00:18:a0::2"]


def _compute_checksums(name: str, interface: str) -> None:
    """Turn the transmit checksum offload of an interface off (ETHTOOL_STXCSUM, linux/ethtool.h)."""
    siocethtool, stxcsum = 0x8946, 0x17
    value = bytearray(struct.pack("=II", stxcsum, 0))
    buffer = (ctypes.c_char * len(value)).from_buffer(value)
    request = struct.pack("=16sQ16x", interface.encode(), ctypes.addressof(buffer))
    with netns.entered(name), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, siocethtool, request)
