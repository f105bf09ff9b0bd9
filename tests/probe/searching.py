"""A network of the tests' own, in which one discovery is played: no engine, no packets, a clock that is turned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import TypeAlias

from hopscope.probe.discovery import Discovery
from hopscope.probe.found_paths import found_paths
from hopscope.wire.discovered import Discovered

MS = 1_000_000
SECOND = 1000 * MS
TARGET = "192.0.2.80"

Router: TypeAlias = Callable[[float], str | None]
"""By a flow's share of 0 to 1 at this hop, its router; None: silent."""


def even(ttl: int, width: int) -> Router:
    """Routers side by side of equal share."""
    return lambda share: f"10.{ttl}.0.{int(share * width)}"


def weighted(*weights: float) -> Router:
    """Routers side by side of these shares."""

    def pick(share: float) -> str:
        rest = share * sum(weights)
        for place, weight in enumerate(weights):
            rest -= weight
            if rest < 0:
                return f"10.0.1.{place}"
        return f"10.0.1.{len(weights) - 1}"

    return pick


@dataclass
class Net:
    """Hops by TTL; those that are not named have one router. The target stands at `length`."""

    hops: dict[int, Router] = field(default_factory=dict)
    length: Callable[[int], int] = lambda flow: 11
    branch: Callable[[int, int], str | None] = lambda flow, ttl: None
    """By flow and TTL, the router; None: as `hops` say."""
    by_packet: Collection[int] = ()
    """TTLs at which each packet goes its own way."""
    dead: Callable[[int, int], bool] = lambda flow, ttl: False
    """Whether nothing comes back to a flow from this TTL."""
    loss: float = 0.02


@dataclass
class Searched:
    """What came of it."""

    found: Discovered
    seconds: float
    asked: list[tuple[int, int, int]]
    """When, by which flow, at which TTL."""


def search(net: Net, seed: int, *, alpha: float = 0.05, limit: float = 120.0, budget: bool = True) -> Searched:
    """Play it: flow 0 has a round each second, an answer takes 30 ms."""
    rng = Random(seed)
    salt = rng.random()

    def answer(flow: int, ttl: int) -> str | None:
        if net.dead(flow, ttl) or rng.random() < net.loss:
            return None
        if ttl >= net.length(flow):
            return TARGET
        if (router := net.branch(flow, ttl)) is not None:
            return router
        if ttl in net.by_packet:
            share = rng.random()
        else:
            digest = hashlib.blake2b(f"{salt} {flow} {ttl}".encode(), digest_size=6).digest()
            share = int.from_bytes(digest, "big") / 2**48
        return net.hops[ttl](share) if ttl in net.hops else f"10.{ttl}.0.0"

    discovery = Discovery(1, 30, alpha, 3 * SECOND, {0})
    free: dict[str, int] = {}

    def may_ask(routers: Collection[str]) -> bool:
        return not budget or all(now >= free.get(router, 0) - 4 * SECOND for router in routers)

    flying: list[tuple[int, int, int, int, str | None]] = []
    asked: list[tuple[int, int, int]] = []
    now, round_, count = 0, -1, 0
    while not discovery.is_over and now < limit * SECOND:
        if now // SECOND > round_:
            round_ = now // SECOND
            for ttl in range(1, net.length(0) + 1):
                count += 1
                router = answer(0, ttl)
                heappush(flying, (now + (30 * MS if router else 3 * SECOND), count, 0, ttl, router))
        while flying and flying[0][0] <= now:
            _, _, flow, ttl, router = heappop(flying)
            if router is None:
                discovery.missed(flow, ttl)
            else:
                discovery.heard(flow, ttl, router, 30 * MS, ends=router == TARGET)
        while (question := discovery.take(now, round_, may_ask)) is not None:
            asked.append((now, *question))
            count += 1
            if (router := answer(*question)) is not None:
                heappush(flying, (now + 30 * MS, count, *question, router))
                free[router] = max(free.get(router, 0), now) + SECOND
        now += 50 * MS
    return Searched(found_paths(discovery, 1, now, lambda flow: 20_000 + flow, None), now / SECOND, asked)
