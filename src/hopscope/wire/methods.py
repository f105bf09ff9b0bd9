"""The registry of methods: each way to probe, once, as data that every floor may read.

The engine's order of trying, the worker's channels, the doctor's survey, checks, command line, completion, settings
and docs read it. To add a method is an entry here (and its name in `messages.Method`, which a test asks for), a
channel in `hopscope.probe.channels`, and its name in the docs that a test asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:  # the command line reads this before anything heavy is loaded
    from hopscope.wire.messages import Method, Protocol

PrivilegedSockets: TypeAlias = Literal["raw", "scapy"]
"""Sockets that a worker opens before it gives its privileges up."""
PROTOCOLS: Final[tuple[Protocol, ...]] = ("icmp", "udp", "tcp")


class MethodEntry(NamedTuple):
    """One method."""

    name: Method
    brief: str
    """What it is, in a few words."""
    protocols: tuple[Protocol, ...]
    """What it can send."""
    channel: str
    """Module and class below `hopscope.probe.channels`; the module has `capabilities`, too."""
    auto: Mapping[Protocol, int]
    """Its place in the order in which ``auto`` tries; a protocol that is not there: never."""
    needs: PrivilegedSockets | None = None
    """Sockets that it is handed."""


_ALL: Final = (
    # The kernel sorts a ping socket's answers, so it is the cheapest; raw sockets keep one flow where others cannot.
    MethodEntry("ping-socket", "ICMP of a plain user", ("icmp",), "ping_socket:PingSocketChannel", {"icmp": 1}),
    MethodEntry("udp-socket", "UDP of a plain user", ("udp",), "udp_socket:UdpSocketChannel", {"udp": 2}),
    MethodEntry("tcp-socket", "TCP of a plain user", ("tcp",), "tcp_socket:TcpSocketChannel", {"tcp": 2}),
    MethodEntry("raw", "whole packets, with privileges", PROTOCOLS, "raw:RawChannel",
                {"icmp": 2, "udp": 1, "tcp": 1}, "raw"),
    MethodEntry("scapy", "through Scapy's sockets, with privileges", PROTOCOLS, "scapy:ScapyChannel",
                {"icmp": 3, "udp": 3, "tcp": 3}, "scapy"),
    MethodEntry("simulated", "a simulated network", PROTOCOLS, "simulated:SimulatedChannel", {}),
)  # fmt: skip

METHODS: Final[dict[Method, MethodEntry]] = {entry.name: entry for entry in _ALL}
"""By name."""
REAL: Final[tuple[Method, ...]] = tuple(entry.name for entry in _ALL if entry.name != "simulated")
"""Those that probe a network that is there. The other one is asked for on the command line alone: what it shows is
nobody's path, and a default that was forgotten would show it for one."""


def tried_by_auto(protocol: Protocol) -> tuple[Method, ...]:
    """The methods that ``auto`` tries for a protocol, in order."""
    able = [entry for entry in _ALL if protocol in entry.auto]
    return tuple(entry.name for entry in sorted(able, key=lambda entry: entry.auto[protocol]))


def able_to_send(protocol: Protocol) -> tuple[Method, ...]:
    """The methods that can send a protocol."""
    return tuple(entry.name for entry in _ALL if protocol in entry.protocols)
