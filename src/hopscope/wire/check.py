"""Can a plan be carried out? Asked wherever one enters: the pipe is as little trusted as a command line."""

from __future__ import annotations

import ipaddress
from typing import Final

from hopscope.wire.messages import Adjust, Batching, Plan
from hopscope.wire.methods import METHODS, able_to_send

SECOND: Final = 1_000_000_000
SHORTEST_INTERVAL_NS: Final = SECOND // 100
LONGEST_NS: Final = 86_400 * SECOND
LARGEST_PACKET: Final = 65_535
LONGEST_TEXT: Final = 4096


def check(plan: Plan) -> None:
    """`ValueError` with one line (which value, and what is allowed) where `plan` cannot be carried out."""
    _text("address", plan.address)
    _text("source", plan.source)
    _text("interface", plan.interface)
    _text("scenario", plan.scenario)
    try:
        address = ipaddress.ip_address(plan.address)
    except ValueError:
        raise ValueError(f"address {plan.address!r}: not a numeric address") from None
    if address.version != plan.family:
        raise ValueError(f"address {plan.address!r}: not of family {plan.family}")
    if plan.source is not None:
        try:
            source = ipaddress.ip_address(plan.source)
        except ValueError:
            raise ValueError(f"source {plan.source!r}: not a numeric address") from None
        if source.version != plan.family:
            raise ValueError(f"source {plan.source!r}: not of the target's family {plan.family}")
    if plan.interface is not None and not 0 < len(plan.interface.encode()) < 16:
        raise ValueError(f"interface {plan.interface!r}: 1 to 15 bytes")
    if plan.method != "auto" and plan.protocol not in METHODS[plan.method].protocols:
        able = ", ".join(able_to_send(plan.protocol))
        raise ValueError(f"method {plan.method!r}: does not send {plan.protocol}; those that do: {able}")
    if plan.protocol == "icmp" and plan.port is not None:
        raise ValueError("port: ICMP has none")
    _within("port", plan.port, 1, 65_535)
    _within("interval_ns", plan.interval_ns, SHORTEST_INTERVAL_NS, LONGEST_NS)
    _within("timeout_ns", plan.timeout_ns, SECOND // 1000, 60 * SECOND)
    _within("max_ttl", plan.max_ttl, 1, 255)
    _within("first_ttl", plan.first_ttl, 1, plan.max_ttl)
    _within("max_unknown", plan.max_unknown, 1, 255)
    _within("packet_size", plan.packet_size, 0, LARGEST_PACKET)
    _within("pattern", plan.pattern, 0, 255)
    _within("tos", plan.tos, 0, 255)
    _within("rounds", plan.rounds, 0, None)
    _within("first_round", plan.first_round, 0, None)
    _within("local_port", plan.local_port, 1, 65_535)
    _within("grace_ns", plan.grace_ns, 0, LONGEST_NS)


def check_adjust(change: Adjust, plan: Plan) -> Plan:
    """The plan after `change`. `ValueError` as in `check`."""
    import msgspec

    named = {name: getattr(change, name) for name in _ADJUSTABLE if getattr(change, name) is not None}
    adjusted = msgspec.structs.replace(plan, **named)
    check(adjusted)
    return adjusted


def check_batching(batching: Batching) -> int:
    """How long events may wait, ns. `ValueError` as in `check`."""
    _within("max_delay_ns", batching.max_delay_ns, 0, SECOND)
    return batching.max_delay_ns


def _text(name: str, value: str | None) -> None:
    """Such a text can be handed to the kernel: it would not take a NUL, and a lone surrogate is no text."""
    if value is not None and not (value.isprintable() and 0 < len(value) <= LONGEST_TEXT):
        raise ValueError(f"{name} {value[:40]!r}: 1 to {LONGEST_TEXT} printable characters")


_ADJUSTABLE: Final = ("interval_ns", "timeout_ns", "first_ttl", "max_ttl", "max_unknown")


def _within(name: str, value: int | None, low: int, high: int | None) -> None:
    if value is None:
        return
    if value < low or (high is not None and value > high):
        allowed = f"{low} to {high}" if high is not None else f"at least {low}"
        raise ValueError(f"{name} {value}: allowed are {allowed}")
