"""A kernel router that sends flows over four others, side by side: client, fork, m1 … m4, join, target.

Hop 1 is the fork, hop 2 one of the members, hop 3 the join, hop 4 the target; all that comes home goes by m1. The fork
hashes what the kernel is told (`fields`, see `fib_multipath_hash_fields` in ip-sysctl): with the kernel's own choice of
fields a veth would carry the sender's hash along. One link towards a member may lose packets: it is a wire of this
module's own, two TAP devices and a thread between them, which leaves out a part of what goes there.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import threading
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Final, Literal, Self

from tests.lab import netns
from tests.lab.chain import _EVERYWHERE, _ROUTER
from tests.needs import uses

Family = Literal[4, 6]
MEMBERS: Final = 4
PORTS: Final = 0x37
"""Addresses, protocol and ports."""
PORTS_AND_LABEL: Final = 0x3F
_TUNSETIFF = 0x400454CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_TRANSPORTS = (6, 17)


class LossyWire:
    """A link between two namespaces; `loss`: the share of TCP and UDP packets that never arrive at its second end."""

    def __init__(self, near: tuple[str, str], far: tuple[str, str], loss: float, seed: int) -> None:
        """Namespace and name of each end."""
        uses("tun")
        self.loss = loss
        self._chance = Random(seed)
        self._near, self._far = _tap(*near), _tap(*far)
        self._stop, self._ring = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        other = {self._near: self._far, self._far: self._near}
        while True:
            ready, _, _ = select.select([self._near, self._far, self._stop], [], [])
            if self._stop in ready:
                return
            for fd in ready:
                with suppress(BlockingIOError):
                    while True:
                        frame = os.read(fd, 65536)
                        if fd == self._near and _is_transport(frame) and self._chance.random() < self.loss:
                            continue
                        with suppress(OSError):
                            os.write(other[fd], frame)

    def close(self) -> None:
        os.close(self._ring)
        self._thread.join(5)
        for fd in (self._near, self._far, self._stop):
            os.close(fd)


def _tap(namespace: str, name: str) -> int:
    with netns.entered(namespace):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return fd


def _is_transport(frame: bytes) -> bool:
    kind = frame[12:14]
    return (kind == b"\x08\x00" and frame[23] in _TRANSPORTS) or (kind == b"\x86\xdd" and frame[20] in _TRANSPORTS)


class Fan:
    """The lab, as a context manager. `lossy`: the member (1 to 4) to which the way is a `LossyWire`."""

    def __init__(self, lossy: int | None = None, loss: float = 0.0) -> None:
        roles = ["client", "fork", *(f"m{n}" for n in range(1, MEMBERS + 1)), "join", "target"]
        self._names = {role: netns.new_name(role) for role in roles}
        self.client = self._names["client"]
        self._lossy = lossy
        self._loss = loss
        self._wire: LossyWire | None = None

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
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        netns.remove(list(self._names.values()))

    def member(self, number: int, family: Family) -> str:
        """The address of a member."""
        return f"198.18.1{number}.2" if family == 4 else f"fd00:18:1{number}::2"

    def members(self, family: Family) -> set[str]:
        return {self.member(number, family) for number in range(1, MEMBERS + 1)}

    def destination(self, family: Family) -> str:
        """The target's address."""
        return "198.18.3.2" if family == 4 else "fd00:18:3::2"

    def hash(self, fields: int) -> None:
        """What the fork hashes from now on."""
        for family in ("ipv4", "ipv6"):
            settings = {f"{family}.fib_multipath_hash_policy": "3", f"{family}.fib_multipath_hash_fields": str(fields)}
            netns.sysctl(self._names["fork"], settings)

    def _build(self) -> None:
        names, numbers = self._names, range(1, MEMBERS + 1)
        netns.add(*names.values())
        for role, name in names.items():
            netns.sysctl(name, _EVERYWHERE | ({} if role in ("client", "target") else _ROUTER))
        links = [("client", "east", "fork", "west", 0), ("join", "east", "target", "west", 3)]
        links += [(f"m{n}", "east", "join", f"m{n}", 20 + n) for n in numbers]
        links += [("fork", f"m{n}", f"m{n}", "west", 10 + n) for n in numbers]
        veths = [link for link in links if link[2] != f"m{self._lossy}"]
        netns.ip(
            [
                f"link add name {near} index {100 + at} netns {names[a]} type veth"
                f" peer name {far} index {200 + at} netns {names[b]}"
                for at, (a, near, b, far, _) in enumerate(veths)
            ]
        )
        if self._lossy is not None:
            ends = (names["fork"], f"m{self._lossy}"), (names[f"m{self._lossy}"], "west")
            self._wire = LossyWire(*ends, self._loss, 7)
        for a, near, b, far, net in links:
            for role, name, end in ((a, near, 1), (b, far, 2)):
                netns.ip(
                    [
                        f"address add 198.18.{net}.{end}/24 dev {name}",
                        f"address add fd00:18:{net}::{end}/64 dev {name} nodad",
                        f"link set {name} up",
                    ],
                    names[role],
                )
        self._route(numbers)
        self.hash(PORTS)
        for role, address in (("client", "fd00:18:0::1"), ("target", "fd00:18:3::2")):
            netns.until_local(names[role], [address.replace(":0::", "::") if ":0::" in address else address])

    def lose(self, share: float) -> None:
        """What the lossy member's wire loses from now on."""
        assert self._wire is not None
        self._wire.loss = share

    def _route(self, numbers: range) -> None:
        names = self._names
        for family, prefix, all_ in ((4, "198.18.{}.{}", "/24"), (6, "fd00:18:{}::{}", "/64")):
            home = prefix.format(0, 0) + all_ if family == 4 else "fd00:18:0::/64"

            def route(role: str, words: str, family: int = family) -> None:
                netns.ip([f"route add {words}"], names[role], family=family)  # type: ignore[arg-type]  # 4 or 6

            ways = " ".join(f"nexthop via {prefix.format(10 + n, 2)}" for n in numbers)
            route("client", f"default via {prefix.format(0, 2)}")
            route("fork", f"default {ways}")
            for n in numbers:
                route(f"m{n}", f"default via {prefix.format(20 + n, 2)}")
                route(f"m{n}", f"{home} via {prefix.format(10 + n, 1)}")
            route("join", f"{home} via {prefix.format(21, 1)}")
            route("target", f"default via {prefix.format(3, 1)}")
