"""The parallel flows of one target: each a plan of its own, told apart by its source port.

Balancers hash addresses, protocol and ports, so flows that differ by their source port spread over parallel links. The
ports follow from the target alone, that a bad one can be named in a ticket and be asked again tomorrow; they lie below
the range that the kernel hands out, an odd stride apart, since some hardware's hash hardly sees the lowest bits.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from msgspec.structs import replace

from hopscope.wire.messages import Plan

_FIRST_PORT: Final = 16_384
_PORTS: Final = 16_384
"""A power of two: an odd stride meets each of them once."""


def source_port(plan: Plan, flow: int) -> int:
    """Of one of a target's flows; where another program has it, the kernel chooses one."""
    if flow == 0 and plan.local_port is not None:
        return plan.local_port
    seed = crc32(f"{plan.address} {plan.protocol} {plan.port} {plan.source}".encode())
    base, stride = seed % _PORTS, (seed >> 16) | 1
    return _FIRST_PORT + (base + flow * stride) % _PORTS


def plans(plan: Plan) -> list[Plan]:
    """The plan of each flow; one flow alone leaves by a port of the kernel's choice."""
    if plan.flows == 1:
        return [plan]
    return [replace(plan, local_port=source_port(plan, flow)) for flow in range(plan.flows)]
