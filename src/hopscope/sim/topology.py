"""Which nodes a packet meets: the shared hops with the changes of the moment, a target's own, forks by flow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from hopscope.sim.language import (
    MAX_HOPS,
    Branch,
    Change,
    Hop,
    Node,
    Scenario,
    Target,
    every_hop,
    inner_hops,
    with_keys,
)
from hopscope.sim.node_state import NodeState


@dataclass(frozen=True, slots=True)
class Gap:
    """A link that carries nothing."""

    hop: int


@dataclass(frozen=True, slots=True)
class Way:
    """What one flow meets on its way to one destination."""

    states: tuple[NodeState | Gap, ...]
    arrives: bool
    """The last station is the destination."""


N = TypeVar("N", Hop, Target)
_Item = tuple[int | None, Hop | Gap]


def flow_share(flow: bytes, salt: bytes) -> float:
    """A number of 0 to 1 that depends on the flow, different for each balancer."""
    return int.from_bytes(hashlib.blake2b(flow, key=salt, digest_size=4).digest(), "big") / 2**32


def pick(share: float, weights: Sequence[float]) -> int:
    """Which of the weighted choices `share` of 0 to 1 falls on."""
    rest = share * sum(weights)
    for number, weight in enumerate(weights):
        rest -= weight
        if rest < 0:
            return number
    return len(weights) - 1


class NodeStates:
    """Every node's running state, made once: a change that comes and goes finds a router as it left it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, NodeState]] = {}

    def of(self, node: Node) -> NodeState:
        """The station of a node of the scenario."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = (node, NodeState(node, len(self._known)))
        return known[1]


class Edited:
    """The nodes as the ``set`` changes leave them, each made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], Hop | Target] = {}

    def of(self, node: N, number: int, change: Change) -> N:
        """`node` with the keys that `change` (the `number`-th) sets."""
        key = (id(node), number)
        if key not in self._made:
            self._made[key] = with_keys(node, change)
        made = self._made[key]
        assert isinstance(made, type(node))
        return made


class Topology:
    """The network while one set of changes is in force."""

    def __init__(self, scenario: Scenario, active: tuple[int, ...], states: NodeStates, edited: Edited) -> None:
        self._states = states
        self._shared = _shared(scenario, active, edited)
        self._ends: dict[bytes, Target] = {}
        self._scenario = scenario
        for target in scenario.targets:
            now = _edited_target(target, scenario, active, edited)
            for address in now.at:
                self._ends[address.packed] = now
        self.packet_forks: tuple[Hop, ...] = tuple(
            hop for hop in every_hop(scenario) if hop.branches and hop.balance == "packet"
        )

    def choices(self, rng: Random) -> tuple[int, ...]:
        """A way through each of the forks that balance packet by packet."""
        return tuple(pick(rng.random(), [branch.weight for branch in hop.branches]) for hop in self.packet_forks)

    def way(self, destination: bytes, flow: bytes, choices: tuple[int, ...]) -> Way:
        """What a packet of this flow meets on its way to `destination`."""
        chosen = {id(hop): choice for hop, choice in zip(self.packet_forks, choices, strict=True)}
        target = self._ends.get(destination)
        if target is not None:
            items = self._shared if target.shared is None else _up_to(self._shared, target.shared)
            met = list(self._flat([*items, *((None, hop) for hop in target.hops)], flow, chosen))
            looping = len(met) >= MAX_HOPS
            return Way(tuple(met) if looping else (*met, self._states.of(target)), arrives=not looping)
        for items in self._lists():
            met = list(self._flat(items, flow, chosen, destination))
            for number, state in enumerate(met):
                if isinstance(state, NodeState) and destination in (*state.addresses[4], *state.addresses[6]):
                    return Way(tuple(met[: number + 1]), arrives=True)
        return Way(tuple(self._flat(self._shared, flow, chosen)), arrives=False)

    def _lists(self) -> Iterator[list[_Item]]:
        yield self._shared
        for target in self._scenario.targets:
            items = self._shared if target.shared is None else _up_to(self._shared, target.shared)
            if target.hops:
                yield [*items, *((None, hop) for hop in target.hops)]

    def _flat(
        self, items: Sequence[_Item], flow: bytes, chosen: dict[int, int], wanted: bytes | None = None
    ) -> Iterator[NodeState | Gap]:
        for _, hop in items:
            if isinstance(hop, Gap):
                yield hop
                continue
            if not hop.branches:
                yield self._states.of(hop)
                continue
            branch = self._branch(hop, flow, chosen, wanted)
            yield from self._flat([(None, inner) for inner in branch.hops], flow, chosen, wanted)

    def _branch(self, fork: Hop, flow: bytes, chosen: dict[int, int], wanted: bytes | None) -> Branch:
        if wanted is not None:
            for branch in fork.branches:
                if any(wanted == address.packed for hop in inner_hops(branch.hops) for address in hop.at):
                    return branch
        number = chosen.get(id(fork))
        if number is None:
            share = flow_share(flow, self._states.of(fork).salt)
            number = pick(share, [branch.weight for branch in fork.branches])
        return fork.branches[number]


def _up_to(items: Sequence[_Item], last: int) -> list[_Item]:
    """The shared items up to the hop of that number; what was put in between counts with the hop before it."""
    met: list[_Item] = []
    for item in items:
        if item[0] is not None and item[0] > last:
            break
        met.append(item)
    return met


def _shared(scenario: Scenario, active: tuple[int, ...], edited: Edited) -> list[_Item]:
    items: list[_Item] = [(number, hop) for number, hop in enumerate(scenario.hops, 1)]
    changes = [(number, scenario.changes[number]) for number in active]
    for number, change in changes:
        if change.set and change.hop is not None:
            items = [
                (place, edited.of(hop, number, change))
                if place == change.hop and isinstance(hop, Hop)
                else (place, hop)
                for place, hop in items
            ]
    for _, change in changes:
        if change.outage is not None:
            where = next((at for at, item in enumerate(items) if item[0] == change.outage), len(items))
            items.insert(where, (change.outage, Gap(change.outage)))
    for _, change in changes:
        if change.from_hop is not None:
            last = change.from_hop + change.remove
            before = [item for item in items if item[0] is None or item[0] < change.from_hop]
            after = [item for item in items if item[0] is not None and item[0] >= last]
            items = [*before, *((None, hop) for hop in change.insert), *after]
    for _, change in changes:
        if change.loop is not None:
            items = _looped(items, change.loop.at, change.loop.back_to)
    return items


def _looped(items: list[_Item], at: int, back_to: int) -> list[_Item]:
    ends = [number for number, item in enumerate(items) if item[0] == at]
    begins = [number for number, item in enumerate(items) if item[0] == back_to]
    if not ends or not begins or begins[0] > ends[-1]:
        return items
    cycle = items[begins[0] : ends[-1] + 1]
    looped = items[: ends[-1] + 1]
    while len(looped) < MAX_HOPS:
        looped += cycle
    return looped


def _edited_target(target: Target, scenario: Scenario, active: tuple[int, ...], edited: Edited) -> Target:
    node = target
    for number in active:
        change = scenario.changes[number]
        if change.set and change.target == target.name:
            node = edited.of(node, number, change)
    return node
