"""The parallel flows of one target: each a plan of its own, told apart by its source port.

Balancers hash addresses, protocol and ports, so flows that differ by their source port spread over parallel links. The
ports follow from the target and this machine, that a bad one can be named in a ticket and be asked again tomorrow; they
lie below the range that the kernel hands out, an odd stride apart, since some hardware's hash hardly sees the lowest
bits. What they follow from is a secret of the machine's: who is not on the path must not know a port, or a quote of 28
bytes would have only 16 bits that he has to guess (RFC 6056).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final
from zlib import crc32

from msgspec.structs import replace

try:
    from _blake2 import blake2b  # hashlib brings OpenSSL along, which costs milliseconds
except ImportError:
    from hashlib import blake2b

from hopscope.wire.messages import Plan

MOST_FLOWS: Final = 64
"""Of one target: each takes a mapping of every translator on the way."""
_FIRST_PORT: Final = 16_384
_PORTS: Final = 16_384
"""A power of two: an odd stride meets each of them once."""
_IDS: Final = ("/etc/machine-id", "/proc/sys/kernel/random/boot_id")
"""machine-id(5), which is not to be shown to anybody; random(4): until the next boot."""


def machine(paths: Iterable[str] = _IDS) -> bytes:
    """What only this machine knows: the identifier in the first of these files that has one, else one of this run."""
    for path in paths:
        with suppress(OSError), open(path, "rb") as file:
            found = file.read(64).strip().replace(b"-", b"")
            if len(found) == 32:
                return found
    return os.urandom(32)


_MACHINE: Final = machine()  # read before the file system is taken away


def source_port(plan: Plan, flow: int, key: bytes = _MACHINE) -> int:
    """Of one of a target's flows; where another program has it, the kernel chooses one. `key`: the machine's."""
    if flow == 0 and plan.local_port is not None:
        return plan.local_port
    words = f"{plan.address} {plan.protocol} {plan.port} {plan.source}".encode()
    if plan.method == "simulated":  # no stranger is there, and it is the same on every machine
        seed = crc32(words)
    else:
        seed = int.from_bytes(blake2b(words, key=key, digest_size=4).digest(), "big")
    base, stride = seed % _PORTS, (seed >> 16) | 1
    return _FIRST_PORT + (base + flow * stride) % _PORTS


def plans(plan: Plan) -> list[Plan]:
    """The plan of each flow to begin with; one flow alone leaves by a port of the kernel's choice."""
    if plan.flows == 1:
        return [plan]
    return [plan_of_flow(plan, flow) for flow in range(max(1, plan.flows))]


def plan_of_flow(plan: Plan, flow: int) -> Plan:
    """The plan of one of several flows. Where their number is to be found out, each leaves as one of `MOST_FLOWS`."""
    return replace(plan, local_port=source_port(plan, flow), flows=plan.flows or MOST_FLOWS)
