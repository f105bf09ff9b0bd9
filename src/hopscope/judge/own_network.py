"""Which hops are the user's own network, by addresses alone: private ranges, and this computer's own prefix."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from hopscope.judge.hop_series import HopSeries

_PRIVATE: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    ip_network(prefix)
    for prefix in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
_CARRIER: Final = ip_network("100.64.0.0/10")
"""A provider's own NAT (RFC 6598)."""


def own_hops(hops: Sequence[HopSeries], source: str | None) -> int:
    """The TTL of the last hop of the user's own network; 0 where the first that answers is none of it."""
    last = 0
    for hop in hops:
        address = newest_address(hop)
        if address is None or not is_own(address, source):
            break
        last = hop.ttl
    return last


def newest_address(hop: HopSeries) -> str | None:
    """Who answered last at this hop."""
    return hop.runs[-1].address if hop.runs else None


def is_own(address: str, source: str | None) -> bool:
    """Whether it is private, or of the same subnet as this computer's own address."""
    parsed = _parse(address)
    if parsed is None:
        return False
    if any(parsed in network for network in _PRIVATE if network.version == parsed.version):
        return True
    own = None if source is None else _parse(source)
    if own is None or own.version != parsed.version:
        return False
    return parsed in ip_network(f"{own}/{24 if own.version == 4 else 64}", strict=False)


def translations(hops: Sequence[HopSeries], source: str | None) -> int:
    """How many translators of addresses (NAT) the path's addresses show: one where private addresses end, and one more
    where a private network or a carrier's lies behind another."""
    areas: list[str] = []
    for address in (source, *(newest_address(hop) for hop in hops)):
        parsed = None if address is None else _parse(address)
        if parsed is None or parsed.version != 4:
            continue
        area = _area(str(parsed))
        if not areas or areas[-1] != area:
            areas.append(area)
        if area == "public":
            break
    if "public" not in areas:
        return 0
    private = [area for area in areas if area != "public"]
    return min(2, len(private))


def _area(address: str) -> str:
    parsed = ip_address(address)
    if parsed in _CARRIER:
        return "carrier"
    for network in _PRIVATE:
        if network.version == parsed.version and parsed in network:
            # An office's networks are many of one kind; at home a second one is another router's.
            return str(ip_network(f"{address}/24", strict=False)) if address.startswith("192.168.") else str(network)
    return "public"


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address.partition("%")[0])
    except ValueError:
        return None
