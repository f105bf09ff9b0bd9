"""From what a user asked for to what a worker is told."""

from __future__ import annotations

import ipaddress
from typing import Final

from hopscope.session.model import Probing
from hopscope.wire.check import check
from hopscope.wire.messages import DEFAULT_PORT, Plan

_SECOND: Final = 1_000_000_000


def plan_of(probing: Probing, address: str) -> Plan:
    """The plan for probing `address` (numeric). `ValueError` with one line where that is not possible."""
    plan = Plan(
        address=address,
        family=6 if ipaddress.ip_address(address).version == 6 else 4,
        protocol=probing.protocol,
        method=probing.method,
        port=probing.port if probing.port is not None else DEFAULT_PORT[probing.protocol],
        interval_ns=nanos(probing.interval_s),
        timeout_ns=nanos(probing.timeout_s),
        first_ttl=probing.first_ttl,
        max_ttl=probing.max_ttl,
        max_unknown=probing.max_unknown,
        packet_size=probing.packet_size,
        pattern=probing.pattern,
        tos=probing.tos,
        source=probing.source,
        interface=probing.interface,
        rounds=probing.rounds,
        scenario=probing.scenario,
        seed=probing.seed,
    )
    check(plan)
    return plan


def nanos(seconds: float) -> int:
    """Seconds as nanoseconds, rounded."""
    return round(seconds * _SECOND)


def numeric(query: str) -> str | None:
    """`query` where it is a numeric address already (a zone is kept); None where it has to be resolved."""
    try:
        ipaddress.ip_address(query)
    except ValueError:
        return None
    return query


def acceptable(query: str) -> str:
    """`query`, which may be a target. `ValueError` with one line where it cannot be one."""
    if not query or query.isspace():
        raise ValueError("a target is needed: a host name or an address")
    if query.startswith("-"):
        raise ValueError(f"target {query!r}: begins with '-'")
    if len(query) > 255:
        raise ValueError(f"target {query[:40]!r}…: a name has at most 255 characters")
    return query
