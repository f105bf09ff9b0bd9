"""What an ICMP message says about a probe, in the words of `hopscope.wire.messages.Kind`.

The numbers are those of RFC 792, RFC 1122 and RFC 1812 (IPv4) and RFC 4443 (IPv6). Which types can answer a probe at
all is said here for every method: a redirect (5, 137), whose sender forwards the probe, or a source quench (4, RFC
6633) says nothing of where it ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # loaded as root, by raw_sockets: nothing beyond the standard library is
    from hopscope.wire.messages import Family, Kind

SYN, RST, ACK = 0x02, 0x04, 0x10
"""Flags of a TCP segment (RFC 9293)."""

ECHO_REPLY: Final[dict[Family, int]] = {4: 0, 6: 129}
ERRORS: Final[dict[Family, frozenset[int]]] = {4: frozenset((3, 11, 12)), 6: frozenset((1, 2, 3, 4))}
"""The types of error that end a probe: unreachable, packet too big, time exceeded, parameter problem."""
HEARD_TYPES: Final[dict[Family, tuple[int, ...]]] = {
    family: tuple(sorted((ECHO_REPLY[family], *ERRORS[family]))) for family in ERRORS
}
"""The ICMP types that can answer a probe."""

_ICMP: dict[tuple[int, int], Kind] = {
    (0, 0): "echo-reply",
    (3, 0): "net-unreachable",
    (3, 1): "host-unreachable",
    (3, 3): "port-unreachable",
    (3, 4): "fragmentation-needed",
    (3, 6): "net-unreachable",  # destination network unknown
    (3, 7): "host-unreachable",  # destination host unknown
    (3, 8): "host-unreachable",  # source host isolated
    (3, 9): "prohibited",
    (3, 10): "prohibited",
    (3, 11): "net-unreachable",  # for this type of service
    (3, 12): "host-unreachable",  # for this type of service
    (3, 13): "prohibited",
    (3, 14): "prohibited",  # host precedence violation
    (3, 15): "prohibited",  # precedence cutoff
    (11, 0): "time-exceeded",
}

_ICMP6: dict[tuple[int, int], Kind] = {
    (1, 0): "net-unreachable",  # no route to destination
    (1, 1): "prohibited",
    (1, 2): "net-unreachable",  # beyond the scope of the source address
    (1, 3): "host-unreachable",
    (1, 4): "port-unreachable",
    (1, 5): "prohibited",  # the source address failed a policy
    (1, 6): "prohibited",  # reject route
    (2, 0): "fragmentation-needed",  # packet too big
    (3, 0): "time-exceeded",
    (129, 0): "echo-reply",
}


def mtu_of(family: Family, word: int) -> int:
    """The largest packet (bytes) that gets through, of ``fragmentation-needed``: `word` is the four bytes behind the
    checksum, of which RFC 1191 (IPv4) has the lower two. 0: it does not say."""
    return word & 0xFFFF if family == 4 else word


def kind_of(family: Family, icmp_type: int, icmp_code: int) -> Kind:
    """The kind of answer that an ICMP (`family` 4) or ICMPv6 (6) message is; ``other`` for what has no word here,
    a reassembly that timed out among it (11/1 and 3/1: the target got a part of the probe; no TTL ran out)."""
    return (_ICMP if family == 4 else _ICMP6).get((icmp_type, icmp_code), "other")
