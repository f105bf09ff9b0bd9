"""What is done otherwise than was asked for, and why: a line each."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from hopscope.names.clean import clean
from hopscope.session.hostname import ascii_name
from hopscope.session.plans import numeric
from hopscope.session.query import Query
from hopscope.wire.messages import Plan, Refused, Started


class HowProbed(msgspec.Struct, frozen=True):
    """What was typed, and what became of it."""

    query: str
    address: str | None
    wanted: Query
    as_typed: str
    plan: Plan | None
    started: Started | None


def notes_of(target: HowProbed, fell_back: Refused | None, went_over: str | None) -> tuple[str, ...]:
    """See `Target.notes`. `fell_back`: why ICMP was refused; `went_over`: from when on it is probed in another way."""
    notes = [went_over] if went_over is not None else []
    (host, port), plan, started = target.wanted, target.plan, target.started
    if fell_back is not None:
        how = f"; for ICMP: {fell_back.remedy}" if fell_back.remedy else ""
        begun = plan.first_round if plan is not None else 0
        since = f" from round {begun + 1} on, and the numbers are of those alone" if begun else ""
        notes.append(f"ICMP is refused here, so probes are UDP{since}{how}")
    elif port is not None and started is not None and plan is not None and plan.protocol == "icmp":
        notes.append(f"ICMP has no port {port}: add -T (TCP) or -u (UDP) to probe it")
    if started is not None and started.answered_by is not None:
        notes.append(f"answers come from {started.answered_by} instead of {target.address}")
    typed = clean(target.as_typed)
    if typed.startswith(f"{host}/") and numeric(host) is not None:  # as `ip address` shows an interface's
        notes.append(f"{typed}: the address is probed, and not its network")
    if not host.isascii() and target.address is not None:
        with suppress(ValueError):
            notes.append(f"{target.query} is looked up as {ascii_name(host)}")
    return tuple(notes)
