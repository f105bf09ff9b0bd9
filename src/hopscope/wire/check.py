"""Can a plan be carried out? Asked wherever one enters: the pipe is as little trusted as a command line."""

from __future__ import annotations

import ipaddress
from typing import Final

from hopscope.wire.messages import Adjust, Batching, Plan
from hopscope.wire.methods import METHODS, able_to_send
from hopscope.wire.probing_options import ADJUSTABLE, check_bounds

MAX_DELAY_NS: Final = 1_000_000_000
"""The longest that events may be kept back (`Batching`)."""
LONGEST_TEXT: Final = 4096


def check_address(plan: Plan) -> None:
    """`ValueError` with one line where `plan` has no address that could be probed."""
    _text("address", plan.address)
    try:
        address = ipaddress.ip_address(plan.address)
    except ValueError:
        raise ValueError(f"address {plan.address!r}: not a numeric address") from None
    if address.version != plan.family:
        raise ValueError(f"address {plan.address!r}: not of family {plan.family}")


def check(plan: Plan) -> None:
    """`ValueError` with one line (which value, and what is allowed) where `plan` cannot be carried out."""
    check_address(plan)
    _text("source", plan.source)
    _text("interface", plan.interface)
    _text("scenario", plan.scenario)
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
    check_bounds(plan, on_wire=True)
    if plan.flows != 1 and plan.protocol == "icmp":
        raise ValueError(
            f"flows {plan.flows or 'auto'}: parallel flows differ by their ports, and ICMP has none;"
            " probe by UDP or TCP"
        )
    if plan.first_round < 0:
        raise ValueError(f"first_round {plan.first_round}: allowed are at least 0")


def check_adjust(change: Adjust, plan: Plan) -> Plan:
    """The plan after `change`. `ValueError` as in `check`."""
    import msgspec

    named = {option.place: getattr(change, option.place) for option in ADJUSTABLE}
    adjusted = msgspec.structs.replace(plan, **{name: value for name, value in named.items() if value is not None})
    check(adjusted)
    return adjusted


def check_batching(batching: Batching) -> int:
    """How long events may wait, ns. `ValueError` as in `check`."""
    if not 0 <= batching.max_delay_ns <= MAX_DELAY_NS:
        raise ValueError(f"max_delay_ns {batching.max_delay_ns}: allowed are 0 to {MAX_DELAY_NS}")
    return batching.max_delay_ns


def _text(name: str, value: str | None) -> None:
    """Such a text can be handed to the kernel: it would not take a NUL, and a lone surrogate is no text."""
    if value is not None and not (value.isprintable() and 0 < len(value) <= LONGEST_TEXT):
        raise ValueError(f"{name} {value[:40]!r}: 1 to {LONGEST_TEXT} printable characters")
