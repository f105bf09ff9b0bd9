"""Why a probe failed on this machine: the source address that was asked for is gone, the next hop does not answer, or
ICMP errors that this machine sends to itself, of its firewall or of a next hop.

Such errors come by the same ways as a router's, from this machine's own address, and are no answer of the network: the
probe failed here, and nobody lost it.
"""

from __future__ import annotations

import errno
import socket
from typing import Final, NamedTuple

from hopscope.probe.packets.kinds import kind_of
from hopscope.probe.refusals import WORDS
from hopscope.probe.sockets import routing
from hopscope.probe.sockets.endpoint import socket_address, socket_family
from hopscope.wire.messages import Plan

FIREWALL: Final = "this computer's firewall refuses it"


class OwnError(NamedTuple):
    """Why a probe failed here: `wire.Failed.error` and its words."""

    error: str
    message: str


def own_error(plan: Plan, source: str | None, icmp_type: int, code: int) -> OwnError:
    """What this machine says of a probe by an ICMP error of its own."""
    kind = kind_of(plan.family, icmp_type, code)
    if kind == "fragmentation-needed":
        return OwnError("EMSGSIZE", WORDS[errno.EMSGSIZE])
    if kind != "host-unreachable":
        return OwnError("EPERM", FIREWALL)
    # Both a neighbour that answers no ARP and a rule of a firewall are told so: the neighbour's state tells them apart.
    way = _way(plan, source)
    silent = None if way is None else routing.is_silent(way)
    if way is None or silent is None:
        return OwnError("EHOSTUNREACH", WORDS[errno.EHOSTUNREACH])
    return _silent(way) if silent else OwnError("EPERM", FIREWALL)


def own_fault(plan: Plan, source: str | None) -> OwnError | None:
    """Why nothing can come back of what this plan sends now: this machine has not the source address that was asked for
    (whole packets leave with it all the same), or the next hop does not answer ARP or neighbour solicitations: the
    kernel keeps packets for three seconds before it says so by itself. Null where neither is so, or nobody knows."""
    missing = _missing_source(plan)
    if missing is not None:
        return missing
    way = _way(plan, source)
    return _silent(way) if way is not None and routing.is_silent(way) else None


def _missing_source(plan: Plan) -> OwnError | None:
    """That this machine has not, or no longer, the source address that was asked for; null where it has it, or none was
    asked for. What the kernel says of a send is then a consequence: of a socket that is bound to it ENETUNREACH, of a
    whole IPv6 packet EINVAL (net/ipv4/route.c, net/ipv6/ip6_output.c)."""
    if plan.source is None:
        return None
    try:
        with socket.socket(socket_family(plan.family), socket.SOCK_DGRAM) as sock:
            sock.bind(socket_address(plan.source, plan.family))
    except OSError as problem:
        if problem.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):  # ENODEV: its zone is gone
            return OwnError("EADDRNOTAVAIL", WORDS[errno.EADDRNOTAVAIL])
    return None


def is_beyond_first_hop(plan: Plan, source: str | None) -> bool:
    """Whether the plan's target is reached by a gateway: then no packet of TTL 1 comes to it."""
    way = _way(plan, source)
    return way is not None and way.kind == routing.RTN_UNICAST and way.next_hop != plan.address.partition("%")[0]


def _silent(way: routing.Route) -> OwnError:
    return OwnError("EHOSTUNREACH", f"the next hop {way.next_hop} does not answer this computer")


def _way(plan: Plan, source: str | None) -> routing.Route | None:
    address, _, zone = plan.address.partition("%")
    index = routing.index_of(plan.interface or zone or None)
    try:
        return routing.way_to(address, plan.family, source.partition("%")[0] if source else None, index)
    except OSError:
        return None
