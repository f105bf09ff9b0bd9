"""What kind of address it is, where it is not a plain public one: the IANA special-purpose registries' facts.

`ipaddress` knows private from global, but not why; people want the why (a CGNAT hop is their provider's).
Sources: RFC 6890 and the registries it set up, RFC 1918, 6598, 3927, 4193, 4291, 5737, 3849, 9637, 2544, 5180.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_TABLE: Final = (
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("100.64.0.0/10", "cgnat"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("192.0.2.0/24", "documentation"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("198.18.0.0/15", "benchmark"),
    ("192.0.0.0/24", "protocol"),
    ("192.88.99.0/24", "6to4-relay"),
    ("224.0.0.0/4", "multicast"),
    ("0.0.0.0/8", "this-network"),
    ("240.0.0.0/4", "reserved"),
    ("::1/128", "loopback"),
    ("::/128", "this-network"),
    ("fe80::/10", "link-local"),
    ("fc00::/7", "private"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("2001:2::/48", "benchmark"),
    ("ff00::/8", "multicast"),
)
_NETWORKS: Final = tuple((ipaddress.ip_network(network), name) for network, name in _TABLE)

WORDS: Final = {
    "private": "private network",
    "cgnat": "carrier-grade NAT",
    "loopback": "this machine",
    "link-local": "this link",
    "documentation": "documentation range",
    "benchmark": "benchmark range",
    "protocol": "IETF protocol range",
    "6to4-relay": "6to4 relay",
    "multicast": "multicast",
    "this-network": "this network",
    "reserved": "reserved range",
}
"""A scope, as people say it."""

INSIDE: Final = frozenset(("private", "cgnat", "link-local", "loopback"))
"""Scopes of addresses that no network has for itself."""


def parse(address: str) -> IpAddress | None:
    """The address without its zone, or None where it is none."""
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def scope(address: str) -> str | None:
    """The special purpose that `address` belongs to (a key of `WORDS`); None: plain public, or no address."""
    parsed = parse(address)
    if parsed is None:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        parsed = mapped
    for network, name in _NETWORKS:
        if parsed.version == network.version and parsed in network:
            return name
    return None


def asks_the_system(address: str) -> bool:
    """Whether the address is local enough for the hosts file and mDNS to know it better than the DNS does."""
    return scope(address) in ("private", "link-local", "loopback")


def may_leave(address: str) -> bool:
    """Whether a third party may be asked about the address: only where it is a plain public one."""
    return parse(address) is not None and scope(address) is None
