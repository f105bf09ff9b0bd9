"""The part of a report that says which parallel paths were discovered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from hopscope.judge.verdict import Note
from hopscope.wire.discovered import Balancing, Discovered
from hopscope.words.discovery import discovery_words
from hopscope.words.numbers import iso

_DIGITS: Final = 6


class ReportFoundRouter(msgspec.Struct, frozen=True):
    """One of the routers side by side."""

    address: str | None
    """None: it never answered."""
    flows: int
    share_pct: float


class ReportFoundHop(msgspec.Struct, frozen=True):
    """A TTL at which flows part."""

    ttl: int
    balancing: Balancing
    routers: tuple[ReportFoundRouter, ...]


class ReportFoundPath(msgspec.Struct, frozen=True):
    """A path, with all flows that were found to take it."""

    members: dict[str, str | None]
    """By TTL, its router where flows part; None: it never answered."""
    flows: tuple[int, ...]
    source_ports: tuple[int | None, ...]
    share_pct: float
    length: int | None
    """The TTL at which it ends; None: it does not."""
    dead_after: int | None
    """The last TTL that answers these flows; None: they get through."""


class ReportDiscovery(msgspec.Struct, frozen=True):
    """What was found, the last time."""

    found: int
    balancing: Balancing
    miss_probability: float
    """Of having missed a router somewhere, where routers side by side are equally likely; 1: nobody answered, or all
    flows have one port behind a translator."""
    probes: int
    flows: int
    """How many were tried."""
    even_shares: bool
    at: str
    text: str
    hops: tuple[ReportFoundHop, ...]
    paths: tuple[ReportFoundPath, ...]


def report_discovery(found: Discovered | None, notes: Collection[Note] = ()) -> ReportDiscovery | None:
    """None where none was asked for, or none is over yet."""
    if found is None:
        return None
    hops = [
        ReportFoundHop(
            hop.ttl,
            hop.balancing,
            tuple(
                ReportFoundRouter(one.address, one.flows, _share(one.flows, sum(other.flows for other in hop.routers)))
                for one in hop.routers
            ),
        )
        for hop in found.hops
    ]
    count = sum(len(path.flows) for path in found.paths)
    paths = [
        ReportFoundPath(
            {str(ttl): router for ttl, router in path.members},
            path.flows,
            path.source_ports,
            _share(len(path.flows), count),
            path.length,
            path.dead_after,
        )
        for path in found.paths
    ]
    return ReportDiscovery(
        found=found.found,
        balancing=found.balancing,
        miss_probability=found.miss_probability,
        probes=found.probes,
        flows=found.flows,
        even_shares=found.is_even,
        at=iso(found.at),
        text=discovery_words(found, notes),
        hops=tuple(hops),
        paths=tuple(paths),
    )


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, _DIGITS) if whole else 0.0
