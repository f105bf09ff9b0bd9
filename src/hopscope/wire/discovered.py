"""What a discovery of parallel paths found: an event of the worker's."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hopscope.wire.numbers import Int

Balancing: TypeAlias = Literal["none", "per-flow", "per-packet", "unknown"]
"""By what packets are spread over routers side by side."""


class FoundRouter(msgspec.Struct, frozen=True):
    """One of the routers side by side at a TTL. Null: one that never answers."""

    address: str | None
    flows: Int
    """How many flows went by it."""


class FoundHop(msgspec.Struct, frozen=True):
    """A TTL at which flows part."""

    ttl: Int
    balancing: Balancing
    routers: tuple[FoundRouter, ...]


class FoundPath(msgspec.Struct, frozen=True):
    """Flows that go the same way wherever flows part and keep to their ways."""

    members: tuple[tuple[Int, str | None], ...]
    """TTL and router, where flows part; null: it never answers."""
    flows: tuple[Int, ...]
    source_ports: tuple[Int | None, ...]
    """Of each of them."""
    length: Int | None
    """The TTL at which it ends; null: it does not."""
    dead_after: Int | None = None
    """The last TTL that answers these flows; behind it nobody does. Null: they get through."""


class Discovered(msgspec.Struct, frozen=True, tag="discovered"):
    """Which parallel paths there are, as far as was to be found (`Plan.flows`). It is said again after each search."""

    target: Int
    at: Int
    balancing: Balancing
    found: Int
    """How many paths."""
    miss_probability: float
    """The probability of having missed a router somewhere, where routers side by side are equally likely; 1 where
    nobody answered any flow, or a translator gives all flows one port."""
    probes: Int
    """What it took."""
    flows: Int
    """How many flows were tried."""
    is_even: bool
    """Whether the routers' shares agree with being equally likely; if not, those of small shares may be missed."""
    hops: tuple[FoundHop, ...]
    paths: tuple[FoundPath, ...]
    watched: tuple[Int, ...]
    """The flows that are probed in rounds from here on: one for each path."""
    note: str | None = None
    """In words, what kept it from finding more."""
    one_port: tuple[Int, Int] | None = None
    """The nearest TTL at which a translator (NAT) made several flows have one source port, and that port; null: none is
    seen to."""


def one_port_words(ttl: int, port: int) -> str:
    """What `Discovered.one_port` means, also where no search is made."""
    return (
        f"before hop {ttl} a translator (NAT) gives all flows one source port, {port}: who stands behind it takes them "
        "for one flow, and parallel paths there cannot be told apart"
    )
