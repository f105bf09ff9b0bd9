"""What a discovery found: paths, how sure that is, and the flows that are worth watching."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from hopscope.probe.discovery import Discovery
from hopscope.probe.hop_search import HopSearch
from hopscope.probe.stopping import missed
from hopscope.wire.discovered import Balancing, Discovered, FoundHop, FoundPath, FoundRouter

_Z99: Final = 2.326
_DIGITS: Final = 6


def found_paths(
    discovery: Discovery,
    target: int,
    at: int,
    port: Callable[[int], int | None],
    note: str | None,
    one_port: tuple[int, int] | None = None,
) -> Discovered:
    """What is known now. `at`: the moment, epoch ns; `port`: a flow's source port; `one_port`: as in `Discovered`."""
    parting = discovery.parting()
    hops = tuple(_hop(discovery, hop) for hop in parting)
    by_flow = [hop for hop, found in zip(parting, hops, strict=True) if found.balancing != "per-packet"]
    paths = _paths(discovery, by_flow, port)
    kinds = {hop.balancing for hop in hops}
    balancing: Balancing = "none"
    if kinds:
        balancing = next(kind for kind in ("per-flow", "unknown", "per-packet") if kind in kinds)
    elif one_port or not discovery.is_over:
        balancing = "unknown"
    return Discovered(
        target,
        at,
        balancing,
        len(paths),
        1.0 if one_port else round(_miss_probability(discovery), _DIGITS),
        discovery.probes,
        len(_flows(discovery)),
        all(_is_even([router.flows for router in hop.routers]) for hop in hops if hop.balancing != "per-packet"),
        hops,
        tuple(paths),
        _watched(paths),
        note,
        one_port,
    )


def _flows(discovery: Discovery) -> list[int]:
    """All flows that were heard, or tried in vain."""
    found = {flow for ttl in discovery.ttls() for flow in (*discovery.hop(ttl).seen, *discovery.hop(ttl).tries)}
    return sorted(found)


def _hop(discovery: Discovery, hop: HopSearch) -> FoundHop:
    by_packet = discovery.is_by_packet(hop)
    balancing: Balancing = "unknown" if by_packet is None else "per-packet" if by_packet else "per-flow"
    groups = sorted(discovery.groups(hop).items(), key=lambda group: min(group[1]))
    return FoundHop(hop.ttl, balancing, tuple(FoundRouter(address, len(flows)) for address, flows in groups))


def _paths(discovery: Discovery, parting: Sequence[HopSearch], port: Callable[[int], int | None]) -> list[FoundPath]:
    at = [
        (hop.ttl, {flow: router for router, flows in discovery.groups(hop).items() for flow in flows})
        for hop in parting
    ]
    found: dict[tuple[object, ...], list[int]] = {}
    for flow in _flows(discovery):
        end, dead = discovery.ends.get(flow), discovery.dead_after(flow)
        members: list[tuple[int, str | None]] = []
        for ttl, routers in at:
            if (end is not None and end <= ttl) or (dead is not None and ttl > dead + 1):
                continue  # no router of it stands there
            if flow not in routers:
                break
            members.append((ttl, routers[flow]))
        else:
            found.setdefault((dead, *members), []).append(flow)
    return [
        FoundPath(
            tuple(key[1:]),  # type: ignore[arg-type]  # the members
            tuple(flows),
            tuple(port(flow) for flow in flows),
            next((discovery.ends[flow] for flow in flows if flow in discovery.ends), None),
            discovery.dead_after(flows[0]),
        )
        for key, flows in found.items()
    ]


def _watched(paths: Sequence[FoundPath]) -> tuple[int, ...]:
    """A flow of each path, the first flow in any case."""
    return tuple(sorted({0, *(path.flows[0] for path in paths if 0 not in path.flows)}))


def _miss_probability(discovery: Discovery) -> float:
    """The probability that at one hop at least a router more of equal share would not have been seen: 1 where nobody
    was heard at any."""
    whole, is_heard = 1.0, False
    for hop in map(discovery.hop, discovery.ttls()):
        groups = discovery.groups(hop)
        is_heard = is_heard or bool(groups)
        if groups and discovery.is_by_packet(hop) is not True:
            whole *= 1 - missed(discovery.points, len(groups), sum(map(len, groups.values())))
    return 1 - whole if is_heard else 1.0


def _is_even(counts: Sequence[int]) -> bool:
    """Whether counts of routers side by side agree with equal shares (chi-square, 99 %; Wilson and Hilferty 1931)."""
    fair = sum(counts) / len(counts)
    square = sum((count - fair) ** 2 for count in counts) / fair
    freedom = len(counts) - 1
    part = 2 / (9 * freedom)
    return square <= freedom * (1 - part + _Z99 * math.sqrt(part)) ** 3
