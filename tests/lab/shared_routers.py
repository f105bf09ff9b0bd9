"""Many targets on one link behind kernel routers that limit their answers, as Linux does unless told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import netns
from tests.lab.chain import WEST, Chain

ROUTERS = 2


def addresses(count: int) -> list[str]:
    """The targets."""
    return [f"198.18.{ROUTERS}.{3 + number}" for number in range(count)]


@contextmanager
def shared_routers(targets: int, ratelimit_ms: int = 1000) -> Iterator[Chain]:
    """The chain, its routers with one answer to each asker in so many ms; six may follow each other."""
    with Chain(routers=ROUTERS) as chain:
        netns.ip([f"address add {address}/24 dev {WEST}" for address in addresses(targets)], chain.target)
        for name in chain.names[1 : 1 + ROUTERS]:
            netns.sysctl(name, {"ipv4.icmp_ratelimit": str(ratelimit_ms)})
        yield chain
