"""From what a user asked for to what a worker is told."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec

from hopscope.session.model import Probing
from hopscope.wire.check import check, check_adjust
from hopscope.wire.messages import DEFAULT_PORT, Adjust, Family, Plan
from hopscope.wire.probing_options import ADJUSTABLE, PROBING_OPTIONS, check_bounds


def plan_of(probing: Probing, address: str, port: int | None = None) -> Plan:
    """The plan for probing `address` (numeric). `port` stood beside the target: for a protocol that has ports, and
    where `probing` names none. `ValueError` with one line where that is not possible."""
    check_bounds(probing)
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


def _carried(probing: Probing) -> dict[str, Any]:
    """What `probing` says of a plan's fields."""
    return {option.place: option.on_wire(getattr(probing, option.name)) for option in PROBING_OPTIONS.values()}


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


def adjustment(flow_id: int, **values: float | None) -> Adjust:
    """The command that changes these options of a flow, in a user's units; None leaves one as it is. `ValueError` with
    one line."""
    for name, value in values.items():
        PROBING_OPTIONS[name].check(value)
    carried = {PROBING_OPTIONS[name].place: PROBING_OPTIONS[name].on_wire(value) for name, value in values.items()}
    return Adjust(flow_id, **carried)


def adjusted(probing: Probing, plan: Plan | None, change: Adjust) -> tuple[Probing, Plan | None]:
    """Both after `change`; `plan` is None while the target's name is being resolved. `ValueError` with one line."""
    new = {option.name: option.for_user(getattr(change, option.place)) for option in ADJUSTABLE}
    probing = msgspec.structs.replace(probing, **{name: value for name, value in new.items() if value is not None})
    check_bounds(probing)
    if plan is None:
        return checked(probing), None
    return probing, check_adjust(change, plan)


def numeric(query: str) -> str | None:
    """`query` where it is a numeric address already (a zone is kept); None where it has to be resolved."""
    try:
        ipaddress.ip_address(query)
    except ValueError:
        return None
    return query


def continued(plan: Plan, last_round: int) -> Plan | None:
    """The plan of a flow that goes on after this round; None: all were begun."""
    rounds, first = plan.rounds, last_round + 1
    if rounds is not None:
        rounds -= first - plan.first_round
        if rounds <= 0:
            return None
    return msgspec.structs.replace(plan, first_round=first, rounds=rounds)
