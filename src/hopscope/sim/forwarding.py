"""One flow's way, worked out once for each TTL: who answers, what it costs to get there, what must be rolled for."""

from __future__ import annotations

from random import Random
from typing import Literal

from hopscope.sim import packets
from hopscope.sim.balancing import Fields, choose, pick
from hopscope.sim.faults import LossProcess
from hopscope.sim.language import Hop, Scenario, Target
from hopscope.sim.node_state import NodeState
from hopscope.sim.packets import ErrorForm4, Packet
from hopscope.sim.rewrites import rewrites
from hopscope.sim.topology import Gap, PassedFork, Topology, Way
from hopscope.sim.values import Answer, TypeCode

_WORDS = {packets.ICMP: "icmp", packets.ICMP6: "icmp", packets.UDP: "udp", packets.TCP: "tcp"}
_ROUTER = Target(name="router")
"""How a router answers that is itself the destination."""


class Forwarding:
    """What becomes of packets of one flow with one TTL."""

    __slots__ = (
        "always_answers",
        "back",
        "backward",
        "choices",
        "dynamic",
        "error",
        "form",
        "forward",
        "initial",
        "may_be_silent",
        "met",
        "mtu",
        "mtu_limits",
        "outcome",
        "prefix",
        "quoted_ttl",
        "rewrites",
        "source",
        "state",
        "target",
        "ttl",
        "uniform",
        "weights",
    )  # fmt: skip

    def __init__(self, state: NodeState, outcome: str, met: int) -> None:
        self.state = state
        """Who answers, or where the packet ends."""
        self.outcome = outcome
        self.met = met
        self.forward = 0
        self.backward = 0
        self.dynamic: tuple[tuple[NodeState, int], ...] = ()
        """The links whose cost is rolled for, each with the time after which it is come to."""
        self.uniform: tuple[int, ...] | None = None
        """Where all of them have evenly spread jitter and nothing else: how much each, ns."""
        self.back: tuple[LossProcess, ...] = ()
        self.rewrites: tuple[Hop, ...] = ()
        self.quoted_ttl = 1
        self.error: TypeCode | None = None
        """The ICMP error that is the answer; None: the target answers for itself."""
        self.form: ErrorForm4 | None = None
        """Of the errors, where nothing in them is to be chosen or put back; made with the first of them."""
        self.target: Target | None = None
        self.mtu = 0
        self.source: bytes = b""
        """The answerer's address."""
        self.choices: tuple[bytes, ...] = ()
        """Addresses to choose from packet by packet, if so."""
        self.weights: tuple[float, ...] = ()
        self.ttl = 64
        """TTL of the answer on arrival."""
        self.mtu_limits: tuple[tuple[int, Forwarding], ...] = ()
        """Links on the way that are too narrow for packets above a size, and what becomes of those."""
        self.may_be_silent = bool(state.silent)
        self.always_answers = False
        """Nothing but the way's jitter is to be rolled for."""

    def word(self, protocol: int) -> str:
        """The protocol in the language's words."""
        return _WORDS.get(protocol, "icmp")

    def past_mtu_limits(self, packet: Packet) -> Forwarding:
        """The leg for this packet: it may be too big for a link, and must not be cut (IPv6, or DF)."""
        if packet.family == 4 and not packet.data[6] & 0x40:
            return self
        for mtu, limit in self.mtu_limits:
            if len(packet.data) > mtu:
                return limit
        return self

    def address(self, rng: Random) -> bytes:
        """Whom the answer comes from."""
        if self.choices:
            return self.choices[pick(rng.random(), self.weights)]
        return self.source


class FlowLegs:
    """All legs of one flow to one destination, each made when it is first needed."""

    def __init__(self, topology: Topology, fields: Fields, choices: tuple[int, ...], scenario: Scenario) -> None:
        self.fields = fields
        self.topology = topology
        self.way: Way = topology.way(fields, choices)
        self._family: Literal[4, 6] = 4 if len(fields.source) == 4 else 6
        self._elsewhere = scenario.elsewhere
        self._nowhere = NodeState(Hop(), 0)
        self.fates: dict[int, Forwarding] = {}

    def fate(self, ttl: int) -> Forwarding:
        """What becomes of a packet that leaves with `ttl`."""
        fate = self.fates[ttl] = self._walk(ttl)
        return fate

    def _walk(self, sent: int) -> Forwarding:
        walk = _Passage(self, self._family)
        ttl = sent
        last = self._nowhere
        states = self.way.states
        for number, state in enumerate(states):
            if isinstance(state, Gap):
                return walk.end(last, "outage")
            walk.meet(state)
            last = state
            if self.way.arrives and number == len(states) - 1:
                return walk.arrive(state, ttl)
            hop = state.hop
            if hop is None or (hop.decrement and ttl <= 1 and not (hop.zero_ttl_forwarding and ttl == 1)):
                return walk.refuse(state, TypeCode(11, 0) if self._family == 4 else TypeCode(3, 0), ttl)
            if hop.decrement:
                ttl -= 1
            if hop.error is not None:
                fate = walk.refuse(state, hop.error.family(self._family), ttl)
                if fate.error in (TypeCode(3, 4), TypeCode(2, 0)):
                    fate.mtu = hop.mtu or 0
                return fate
            walk.leave(state, hop, ttl)
        return walk.lose_way(last, self._elsewhere, ttl)

    def choose(self, state: NodeState, place: int) -> tuple[bytes, tuple[bytes, ...], tuple[float, ...]]:
        """Which of its addresses the station at this place of the way answers this flow from, or which to choose from,
        with their weights."""
        addresses = state.addresses[self._family]
        if not addresses:
            return b"", (), ()
        hop = state.hop
        weights = hop.weights if hop is not None and hop.weights else (1.0,) * len(addresses)
        if len(addresses) == 1:
            return addresses[0], (), ()
        if hop is not None and hop.balance == "packet":
            return addresses[0], addresses, weights
        flow = self.way.fields[place].key(None if hop is None else hop.hash)
        chosen = choose(flow, state.salt, weights, resilient=hop is not None and hop.resilient)
        return addresses[chosen], (), ()

    def destination(self) -> bytes:
        """The address that this flow goes to."""
        return self.fields.destination

    def home(self, place: int, error: TypeCode | None, by: bytes) -> list[NodeState]:
        """The stations, in the order of the way there, whose links an answer passes on its way home from that at
        `place`: an ICMP error of the address `by`, or the destination's own answer."""
        way, done = self.way, 0
        home: list[NodeState | Gap] = []
        forks = [fork for fork in way.forks if fork.end <= place and fork.fork.return_balance == "flow"]
        for fork in sorted(forks, key=lambda fork: fork.first):
            if fork.first < done:  # it stands in a branch by which the answer does not go
                continue
            home += way.states[done : fork.first]
            home += self.topology.way_home(fork.fork, _of_answer(fork, error, by))
            done = fork.end
        home += way.states[done : place + 1]
        return [state for state in home if isinstance(state, NodeState)]


def _of_answer(fork: PassedFork, error: TypeCode | None, by: bytes) -> Fields:
    """What a fork may hash of an answer on its way home."""
    if error is None:
        return fork.fields.answered()
    if fork.fork.hash is not None and "inner" in fork.fork.hash:
        return fork.fields
    return fork.fields.refused(by, error.type, error.code)


class _Passage:
    """A packet's walk so far."""

    def __init__(self, legs: FlowLegs, family: Literal[4, 6]) -> None:
        self.legs = legs
        self.family = family
        self.met: list[NodeState] = []
        self.forward = 0
        self.dynamic: list[tuple[NodeState, int]] = []
        self.rewrites: list[Hop] = []
        self.mtu_limits: list[tuple[int, Forwarding]] = []

    def meet(self, state: NodeState) -> None:
        """Over the link that leads to `state`."""
        self.forward += state.delay - state.delay // 2
        self.met.append(state)
        if not state.plain:
            self.dynamic.append((state, self.forward))

    def leave(self, state: NodeState, hop: Hop, ttl: int) -> None:
        """Out of `state`, towards the next: what it does to packets that it forwards."""
        if hop.mtu is not None and not any(hop.mtu >= mtu for mtu, _ in self.mtu_limits):
            error = TypeCode(3, 4) if self.family == 4 else TypeCode(2, 0)
            limit = self.end(state, "mtu-black-hole") if hop.mtu_silent else self.refuse(state, error, ttl)
            limit.mtu = hop.mtu
            limit.mtu_limits = ()
            self.mtu_limits.append((hop.mtu, limit))
        if rewrites(hop):
            self.rewrites.append(hop)

    def end(self, state: NodeState, outcome: str) -> Forwarding:
        """The packet gets no further, and nobody says so."""
        fate = Forwarding(state, outcome, len(self.met))
        fate.dynamic = tuple(self.dynamic)
        if all(state.is_uniform for state, _ in self.dynamic):
            fate.uniform = tuple(state.uniform for state, _ in self.dynamic)
        fate.mtu_limits = tuple(self.mtu_limits)
        return fate

    def refuse(self, state: NodeState, error: TypeCode, ttl: int) -> Forwarding:
        """`state` answers with an ICMP error."""
        fate = self._answered(state, error)
        fate.quoted_ttl = max(0, ttl)
        return fate

    def arrive(self, state: NodeState, ttl: int) -> Forwarding:
        """`state` is the destination."""
        target = state.target or _ROUTER
        fate = self._answered(state, self._said(target))
        fate.error, fate.target = None, target
        fate.quoted_ttl = max(1, ttl)
        fate.source, fate.choices = self.legs.destination(), ()
        fate.outcome = "answered"
        return fate

    def lose_way(self, state: NodeState, elsewhere: Answer, ttl: int) -> Forwarding:
        """Behind the last router there is no such address."""
        if elsewhere.error is None:
            return self.end(state, "swallowed")
        return self.refuse(state, elsewhere.error.family(self.family), ttl)

    def _said(self, target: Target) -> TypeCode | None:
        """The ICMP error that the destination answers with; None: it answers for itself."""
        fields = self.legs.fields
        answer = target.icmp
        if fields.protocol == packets.UDP:
            answer = target.udp
        elif fields.protocol == packets.TCP:
            if int.from_bytes(fields.transport[2:], "big") in target.open:
                return None
            answer = target.closed
        return None if answer.error is None else answer.error.family(self.family)

    def _answered(self, state: NodeState, error: TypeCode | None) -> Forwarding:
        fate = self.end(state, "answered")
        # In a loop, an answer goes home the short way.
        place = next(number for number, known in enumerate(self.met) if known is state)
        fate.error = error
        fate.source, fate.choices, fate.weights = self.legs.choose(state, place)
        if not fate.source:
            fate.outcome = "silent"
        home = self.legs.home(place, error, fate.source)
        fate.forward = self.forward
        fate.backward = sum(known.delay // 2 for known in home)
        fate.back = tuple(known.return_loss for known in home if known.return_loss is not None)
        fate.always_answers = fate.outcome == "answered" and fate.uniform is not None and not (
            fate.back or fate.may_be_silent or state.bucket or state.reply_loss or state.slow
        )  # fmt: skip
        fate.rewrites = tuple(self.rewrites)
        node = state.node
        initial = node.reply_ttl or (64 if state.target is not None else 255)
        visible = sum(known.hop is None or known.hop.decrement for known in home[:-1])
        fate.ttl = max(1, initial - (visible if node.return_hops is None else node.return_hops))
        return fate
