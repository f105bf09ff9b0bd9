"""From what a user asked for to what a worker is told."""

from __future__ import annotations

import ipaddress
import math
from typing import Any, Final

import msgspec

from hopscope.session.model import Probing
from hopscope.wire.check import check, check_adjust
from hopscope.wire.messages import DEFAULT_PORT, Adjust, Family, Plan

_SECOND: Final = 1_000_000_000


def plan_of(probing: Probing, address: str, port: int | None = None) -> Plan:
    """The plan for probing `address` (numeric). `port` stood beside the target: for a protocol that has ports, and
    where `probing` names none. `ValueError` with one line where that is not possible."""
    protocol = probing.first_protocol
    if probing.port is not None:
        port = probing.port
    elif protocol == "icmp" or port is None:
        port = DEFAULT_PORT[protocol]
    family: Family = 6 if ipaddress.ip_address(address).version == 6 else 4
    carried = {**_carried(probing), "address": address, "family": family, "protocol": protocol, "port": port}
    plan = Plan(**carried)
    check(plan)
    return plan


def _place(name: str) -> str:
    """The field of `Plan` that a field of `Probing` arrives in."""
    place = name if name in Plan.__struct_fields__ else name.removesuffix("_s") + "_ns"
    if place not in Plan.__struct_fields__:
        raise LookupError(f"Probing.{name} arrives nowhere: wire.messages.Plan has neither {name} nor {place}")
    return place


_PLACES: Final = {name: _place(name) for name in Probing.__struct_fields__}
"""Where each field of `Probing` arrives. Looked up when this is imported: an option that was forgotten is an error."""


def _carried(probing: Probing) -> dict[str, Any]:
    """What `probing` says of a plan's fields; seconds become nanoseconds."""
    values = ((name, place, getattr(probing, name)) for name, place in _PLACES.items())
    return {place: value if name == place or value is None else nanos(value) for name, place, value in values}


def fallback_plan(probing: Probing, refused: Plan, reason: str) -> Plan | None:
    """The plan by UDP for a target whose ICMP was refused for `reason` (that of `wire.Refused`); None where something
    explicit was asked for, or another protocol would be refused just the same. A port that stood beside the target is
    hardly one of UDP: traceroute's own, which nobody listens to, is answered more often."""
    is_free = probing.protocol == "auto" and probing.method == "auto" and refused.protocol == "icmp"
    if not is_free or reason not in ("permission", "unsupported"):
        return None
    plan = plan_of(msgspec.structs.replace(probing, protocol="udp"), refused.address)
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
