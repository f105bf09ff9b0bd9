"""Which nodes a packet meets: the shared hops with the changes of the moment, a target's own, forks by flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from hopscope.sim.balancing import Fields, choose, pick
from hopscope.sim.language import (
    MAX_HOPS,
    Branch,
    Change,
    Hop,
    Node,
    Scenario,
    Target,
    edited,
    inner_hops,
    mention,
    with_keys,
)
from hopscope.sim.node_state import NodeState


@dataclass(frozen=True, slots=True)
class Gap:
    """A link that carries nothing."""

    hop: int


@dataclass(frozen=True, slots=True)
class PassedFork:
    """A fork on a way, and which of the way's stations stand in its branch: `first` to before `end`."""

    fork: Hop
    first: int
    end: int
    fields: Fields
    """Of the packet, as it came to the fork."""


@dataclass(frozen=True, slots=True)
class Way:
    """What one flow meets on its way to one destination."""

    states: tuple[NodeState | Gap, ...]
    fields: tuple[Fields, ...]
    """Of the packet, as it comes to each of them."""
    forks: tuple[PassedFork, ...]
    arrives: bool
    """The last station is the destination."""


_Item = tuple[int | None, Hop | Gap]


class NodeStates:
    """Every node's running state, made once: a change that comes and goes finds a router as it left it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, NodeState]] = {}
        self._mentions: dict[tuple[int, int], tuple[Hop, NodeState]] = {}

    def of(self, node: Node) -> NodeState:
        """The station of a node of the scenario."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = (node, NodeState(node, len(self._known)))
        return known[1]

    def again(self, hop: Hop, router: Hop) -> NodeState:
        """The station of `router` as it is come to by the link of `hop`: all but the link is the same."""
        key = id(hop), id(router)
        known = self._mentions.get(key)
        if known is None:
            state = NodeState(mention(hop, router), 0)
            state.become_one_with(self.of(router))
            known = self._mentions[key] = (hop, state)
        return known[1]


N = TypeVar("N", Hop, Target)


class Edited:
    """The nodes as the ``set`` changes leave them, each made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], Hop | Target] = {}
        self._origins: dict[int, Hop] = {}

    def of(self, node: N, number: int, change: Change) -> N:
        """`node` with the keys that `change` (the `number`-th) sets."""
        key = (id(node), number)
        if key not in self._made:
            if isinstance(node, Hop):
                hop = self._made[key] = edited(node, change)
                self._trace(node, hop)
            else:
                self._made[key] = with_keys(node, change)
        made = self._made[key]
        assert isinstance(made, type(node))
        return made

    def origin(self, fork: Hop) -> Hop:
        """The fork of the scenario that this one was made of: it goes on choosing as that did."""
        return self._origins.get(id(fork), fork)

    def _trace(self, before: Hop, after: Hop) -> None:
        if after is before:
            return
        self._origins[id(after)] = self.origin(before)
        for old, new in zip(before.branches, after.branches, strict=False):
            for inner, made in zip(old.hops, new.hops, strict=False):
                self._trace(inner, made)


class Topology:
    """The network while one set of changes is in force."""

    def __init__(self, scenario: Scenario, active: tuple[int, ...], states: NodeStates, made: Edited) -> None:
        self.states = states
        self._made = made
        edited_hops = _edited_hops(scenario, active, made)
        self._shared = _shared(scenario, edited_hops, active)
        self._ends: dict[bytes, Target] = {}
        self._scenario = scenario
        for target in scenario.targets:
            now = _edited_target(target, scenario, active, made)
            for address in now.at:
                self._ends[address.packed] = now
        hops = [
            *inner_hops(edited_hops),
            *(hop for target in scenario.targets for hop in inner_hops(target.hops)),
            *(hop for change in scenario.changes for hop in inner_hops(change.insert)),
        ]
        self.packet_forks: tuple[Hop, ...] = tuple(hop for hop in hops if hop.branches and hop.balance == "packet")
        self._routers = {hop.id: hop for hop in hops if hop.id is not None}

    def choices(self, rng: Random) -> tuple[int, ...]:
        """A way through each of the forks that balance packet by packet."""
        return tuple(pick(rng.random(), [branch.weight for branch in hop.branches]) for hop in self.packet_forks)

    def way(self, fields: Fields, choices: tuple[int, ...]) -> Way:
        """What a packet with these fields meets on its way to its destination."""
        destination = fields.destination
        chosen = {id(hop): choice for hop, choice in zip(self.packet_forks, choices, strict=True)}
        target = self._ends.get(destination)
        if target is not None:
            items = self._shared if target.shared is None else _up_to(self._shared, target.shared)
            walk = _WayFinder(self, fields, chosen)
            walk.over([*items, *((None, hop) for hop in target.hops)])
            looping = len(walk.states) >= MAX_HOPS
            if not looping:
                walk.come_to(self.states.of(target))
            return walk.way(arrives=not looping)
        for items in self._lists():
            walk = _WayFinder(self, fields, chosen, destination)
            walk.over(items)
            for number, state in enumerate(walk.states):
                if isinstance(state, NodeState) and destination in (*state.addresses[4], *state.addresses[6]):
                    return walk.way(arrives=True, end=number + 1)
        walk = _WayFinder(self, fields, chosen)
        walk.over(self._shared)
        return walk.way(arrives=False)

    def way_home(self, fork: Hop, fields: Fields) -> list[NodeState]:
        """The stations of a fork's branch, in the order of the way there, by which an answer with these fields passes
        it on its way home."""
        walk = _WayFinder(self, fields, {})
        walk.over([(None, hop) for hop in fork.branches[self.branch(fork, fields, {})].hops])
        return [state for state in walk.states if isinstance(state, NodeState)]

    def station(self, hop: Hop) -> NodeState:
        """A hop's."""
        return self.states.of(hop) if hop.same_as is None else self.states.again(hop, self._routers[hop.same_as])

    def branch(self, fork: Hop, fields: Fields, chosen: dict[int, int]) -> int:
        """Which branch a packet with these fields takes; `chosen`: at forks that do not go by fields."""
        number = chosen.get(id(fork))
        if number is None:
            flow, salt = fields.key(fork.hash), self.states.of(self._made.origin(fork)).salt
            number = choose(flow, salt, [branch.weight for branch in fork.branches], resilient=fork.resilient)
        return number

    def _lists(self) -> Iterator[list[_Item]]:
        yield self._shared
        for target in self._scenario.targets:
            items = self._shared if target.shared is None else _up_to(self._shared, target.shared)
            if target.hops:
                yield [*items, *((None, hop) for hop in target.hops)]


class _WayFinder:
    """A packet's walk over hops and forks."""

    def __init__(self, topology: Topology, fields: Fields, chosen: dict[int, int], wanted: bytes | None = None) -> None:
        self.states: list[NodeState | Gap] = []
        self._topology = topology
        self._now = fields
        self._fields: list[Fields] = []
        self._forks: list[PassedFork] = []
        self._chosen = chosen
        self._wanted = wanted

    def come_to(self, state: NodeState | Gap) -> None:
        """The next station."""
        self.states.append(state)
        self._fields.append(self._now)

    def over(self, items: Sequence[_Item]) -> None:
        """Over these hops."""
        for _, hop in items:
            if isinstance(hop, Gap):
                self.come_to(hop)
            elif hop.branches:
                first, fields = len(self.states), self._now
                self.over([(None, inner) for inner in self._branch(hop).hops])
                self._forks.append(PassedFork(hop, first, len(self.states), fields))
            else:
                state = self._topology.station(hop)
                self.come_to(state)
                if state.hop is not None and state.hop.nat is not None:
                    self._now = self._now.translated(state.hop.nat)

    def way(self, *, arrives: bool, end: int | None = None) -> Way:
        """All of it, or its first `end` stations."""
        forks = tuple(fork for fork in self._forks if end is None or fork.end <= end)
        return Way(tuple(self.states[:end]), tuple(self._fields[:end]), forks, arrives=arrives)

    def _branch(self, fork: Hop) -> Branch:
        if self._wanted is not None:
            for branch in fork.branches:
                if any(self._wanted == address.packed for hop in inner_hops(branch.hops) for address in hop.at):
                    return branch
        return fork.branches[self._topology.branch(fork, self._now, self._chosen)]


def _up_to(items: Sequence[_Item], last: int) -> list[_Item]:
    """The shared items up to the hop of that number; what was put in between counts with the hop before it."""
    met: list[_Item] = []
    for item in items:
        if item[0] is not None and item[0] > last:
            break
        met.append(item)
    return met


def _edited_hops(scenario: Scenario, active: tuple[int, ...], made: Edited) -> list[Hop]:
    """The shared hops, with the keys that the active changes set."""
    hops = list(scenario.hops)
    for number in active:
        change = scenario.changes[number]
        if change.set and change.hop is not None:
            hops[change.hop - 1] = made.of(hops[change.hop - 1], number, change)
    return hops


def _shared(scenario: Scenario, hops: Sequence[Hop], active: tuple[int, ...]) -> list[_Item]:
    items: list[_Item] = [(number, hop) for number, hop in enumerate(hops, 1)]
    changes = [(number, scenario.changes[number]) for number in active]
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


def _edited_target(target: Target, scenario: Scenario, active: tuple[int, ...], made: Edited) -> Target:
    node = target
    for number in active:
        change = scenario.changes[number]
        if change.set and change.target == target.name:
            node = made.of(node, number, change)
    return node
