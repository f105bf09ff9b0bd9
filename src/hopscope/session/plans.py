"""From what a user asked for to what a worker is told."""

from __future__ import annotations

import ipaddress
import math
from typing import Final

import msgspec

from hopscope.session.model import Probing
from hopscope.wire.check import check, check_adjust
from hopscope.wire.messages import DEFAULT_PORT, Adjust, Plan

_SECOND: Final = 1_000_000_000


def plan_of(probing: Probing, address: str, port: int | None = None) -> Plan:
    """The plan for probing `address` (numeric). `port` stood beside the target: for a protocol that has ports, and
    where `probing` names none. `ValueError` with one line where that is not possible."""
    protocol = probing.first_protocol
    if probing.port is not None:
        port = probing.port
    elif protocol == "icmp" or port is None:
        port = DEFAULT_PORT[protocol]
    plan = Plan(
        address=address,
        family=6 if ipaddress.ip_address(address).version == 6 else 4,
        protocol=protocol,
        method=probing.method,
        port=port,
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
        opening=probing.opening,
        local_port=probing.local_port,
        grace_ns=None if probing.grace_s is None else nanos(probing.grace_s),
    )
    check(plan)
    return plan


def fallback_plan(probing: Probing, refused: Plan, reason: str, port: int | None = None) -> Plan | None:
    """The plan by UDP for a target whose ICMP was refused for `reason` (that of `wire.Refused`); None where something
    explicit was asked for, or another protocol would be refused just the same. `port` as for `plan_of`."""
    is_free = probing.protocol == "auto" and probing.method == "auto" and refused.protocol == "icmp"
    if not is_free or reason not in ("permission", "unsupported"):
        return None
    plan = plan_of(msgspec.structs.replace(probing, protocol="udp"), refused.address, port)
    return msgspec.structs.replace(plan, first_round=refused.first_round, rounds=refused.rounds)


def checked(probing: Probing) -> Probing:
    """`probing`, where some target could be probed like that. `ValueError` with one line: which value, what is
    allowed."""
    try:
        probing = msgspec.convert(msgspec.to_builtins(probing), Probing)
    except (msgspec.ValidationError, TypeError) as error:
        raise ValueError(f"probing: {error}") from None
    plan_of(probing, "::1" if probing.family_of_names == 6 else "127.0.0.1")
    return probing


def adjusted(probing: Probing, plan: Plan | None, change: Adjust) -> tuple[Probing, Plan | None]:
    """Both after `change`; `plan` is None while the target's name is being resolved. `ValueError` with one line."""
    new = {
        "interval_s": None if change.interval_ns is None else change.interval_ns / _SECOND,
        "timeout_s": None if change.timeout_ns is None else change.timeout_ns / _SECOND,
        "first_ttl": change.first_ttl,
        "max_ttl": change.max_ttl,
        "max_unknown": change.max_unknown,
    }
    given = {name: value for name, value in new.items() if value is not None}
    probing = msgspec.structs.replace(probing, **given)
    if plan is None:
        return checked(probing), None
    return probing, check_adjust(change, plan)


def nanos(seconds: float) -> int:
    """Seconds as nanoseconds, rounded. `ValueError` where that is no number."""
    if not math.isfinite(seconds):
        raise ValueError(f"{seconds} s is no length of time")
    return round(seconds * _SECOND)


def numeric(query: str) -> str | None:
    """`query` where it is a numeric address already (a zone is kept); None where it has to be resolved."""
    try:
        ipaddress.ip_address(query)
    except ValueError:
        return None
    return query
