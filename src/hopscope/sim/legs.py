"""One flow's way, worked out once for each TTL: who answers, what it costs to get there, what must be rolled for."""

from __future__ import annotations

from random import Random
from typing import Literal

from hopscope.sim import packets
from hopscope.sim.edits import edits
from hopscope.sim.faults import LossProcess
from hopscope.sim.language import Hop, Scenario, Target
from hopscope.sim.packets import Packet
from hopscope.sim.station import Station
from hopscope.sim.topology import Gap, Way, flow_share, pick
from hopscope.sim.values import Answer, TypeCode

_WORDS = {packets.ICMP: "icmp", packets.ICMP6: "icmp", packets.UDP: "udp", packets.TCP: "tcp"}
_ROUTER = Target(name="router")
"""How a router answers that is itself the destination."""


class Leg:
    """What becomes of packets of one flow with one TTL."""

    __slots__ = (
        "back", "backward", "choices", "dynamic", "edits", "error", "forward", "initial", "may_be_silent", "met", "mtu",
        "outcome", "prefix", "quoted_ttl", "source", "station", "target", "ttl", "uniform", "walls", "weights",
    )  # fmt: skip

    def __init__(self, station: Station, outcome: str, met: int) -> None:
        self.station = station
        """Who answers, or where the packet ends."""
        self.outcome = outcome
        self.met = met
        self.forward = 0
        self.backward = 0
        self.dynamic: tuple[tuple[Station, int], ...] = ()
        """The links whose cost is rolled for, each with the time after which it is come to."""
        self.uniform: tuple[int, ...] | None = None
        """Where all of them have evenly spread jitter and nothing else: how much each, ns."""
        self.back: tuple[LossProcess, ...] = ()
        self.edits: tuple[Hop, ...] = ()
        self.quoted_ttl = 1
        self.error: TypeCode | None = None
        """The ICMP error that is the answer; null: the target answers for itself."""
        self.target: Target | None = None
        self.mtu = 0
        self.source: bytes = b""
        """The answerer's address."""
        self.choices: tuple[bytes, ...] = ()
        """Addresses to choose from packet by packet, if so."""
        self.weights: tuple[float, ...] = ()
        self.ttl = 64
        """TTL of the answer on arrival."""
        self.walls: tuple[tuple[int, Leg], ...] = ()
        """Links on the way that are too narrow for packets above a size, and what becomes of those."""
        self.may_be_silent = bool(station.silent)

    def word(self, protocol: int) -> str:
        """The protocol in the language's words."""
        return _WORDS.get(protocol, "icmp")

    def past_walls(self, packet: Packet) -> Leg:
        """The leg for this packet: it may be too big for a link, and must not be cut (IPv6, or DF)."""
        if packet.family == 4 and not packet.data[6] & 0x40:
            return self
        for mtu, wall in self.walls:
            if len(packet.data) > mtu:
                return wall
        return self

    def address(self, rng: Random) -> bytes:
        """Whom the answer comes from."""
        if self.choices:
            return self.choices[pick(rng.random(), self.weights)]
        return self.source


class Route:
    """All legs of one flow to one destination, each made when it is first needed."""

    def __init__(self, way: Way, flow: bytes, scenario: Scenario) -> None:
        self._way = way
        self._flow = flow
        # The key of a flow begins with both addresses: 8 bytes, or 32.
        self._family: Literal[4, 6] = 4 if len(flow) < 20 else 6
        self._elsewhere = scenario.elsewhere
        self._nowhere = Station(Hop(), 0)
        self.legs: dict[int, Leg] = {}

    def leg(self, ttl: int) -> Leg:
        """What becomes of a packet that leaves with `ttl`."""
        leg = self.legs[ttl] = self._walk(ttl)
        return leg

    def _walk(self, sent: int) -> Leg:
        trail = _Trail(self, self._family)
        ttl = sent
        last = self._nowhere
        stations = self._way.stations
        for number, station in enumerate(stations):
            if isinstance(station, Gap):
                return trail.end(last, "outage")
            trail.meet(station)
            last = station
            if self._way.arrives and number == len(stations) - 1:
                return trail.arrive(station, ttl)
            hop = station.hop
            if hop is None or (hop.decrement and ttl <= 1 and not (hop.zero_ttl_forwarding and ttl == 1)):
                return trail.refuse(station, TypeCode(11, 0) if self._family == 4 else TypeCode(3, 0), ttl)
            if hop.decrement:
                ttl -= 1
                trail.visible += 1
            if hop.error is not None:
                leg = trail.refuse(station, hop.error.family(self._family), ttl)
                if leg.error in (TypeCode(3, 4), TypeCode(2, 0)):
                    leg.mtu = hop.mtu or 0
                return leg
            trail.leave(station, hop, ttl)
        return trail.lose_way(last, self._elsewhere, ttl)

    def choose(self, station: Station) -> tuple[bytes, tuple[bytes, ...], tuple[float, ...]]:
        """Which of its addresses a station answers this flow from, or which to choose from, with their weights."""
        addresses = station.addresses[self._family]
        if not addresses:
            return b"", (), ()
        hop = station.hop
        weights = hop.weights if hop is not None and hop.weights else (1.0,) * len(addresses)
        if len(addresses) == 1:
            return addresses[0], (), ()
        if hop is not None and hop.balance == "packet":
            return addresses[0], addresses, weights
        return addresses[pick(flow_share(self._flow, station.salt), weights)], (), ()

    def destination(self) -> bytes:
        """The address that this flow goes to."""
        return self._flow[4:8] if self._family == 4 else self._flow[16:32]


class _Trail:
    """A packet's walk so far."""

    def __init__(self, route: Route, family: Literal[4, 6]) -> None:
        self.route = route
        self.family = family
        self.visible = 0
        self.met: list[Station] = []
        self.forward = 0
        self.dynamic: list[tuple[Station, int]] = []
        self.edits: list[Hop] = []
        self.walls: list[tuple[int, Leg]] = []

    def meet(self, station: Station) -> None:
        """Over the link that leads to `station`."""
        self.forward += station.delay - station.delay // 2
        self.met.append(station)
        if not station.plain:
            self.dynamic.append((station, self.forward))

    def leave(self, station: Station, hop: Hop, ttl: int) -> None:
        """Out of `station`, towards the next: what it does to packets that it forwards."""
        if hop.mtu is not None and not any(hop.mtu >= mtu for mtu, _ in self.walls):
            error = TypeCode(3, 4) if self.family == 4 else TypeCode(2, 0)
            wall = self.end(station, "mtu-black-hole") if hop.mtu_silent else self.refuse(station, error, ttl)
            wall.mtu = hop.mtu
            wall.walls = ()
            self.walls.append((hop.mtu, wall))
        if edits(hop):
            self.edits.append(hop)

    def end(self, station: Station, outcome: str) -> Leg:
        """The packet gets no further, and nobody says so."""
        leg = Leg(station, outcome, len(self.met))
        leg.dynamic = tuple(self.dynamic)
        if all(station.is_uniform for station, _ in self.dynamic):
            leg.uniform = tuple(station.uniform for station, _ in self.dynamic)
        leg.walls = tuple(self.walls)
        return leg

    def refuse(self, station: Station, error: TypeCode, ttl: int) -> Leg:
        """`station` answers with an ICMP error."""
        leg = self._answered(station)
        leg.error = error
        leg.quoted_ttl = max(0, ttl)
        return leg

    def arrive(self, station: Station, ttl: int) -> Leg:
        """`station` is the destination."""
        leg = self._answered(station)
        leg.target = station.target or _ROUTER
        leg.quoted_ttl = max(1, ttl)
        leg.source, leg.choices = self.route.destination(), ()
        leg.outcome = "answered"
        return leg

    def lose_way(self, station: Station, elsewhere: Answer, ttl: int) -> Leg:
        """Behind the last router there is no such address."""
        if elsewhere.error is None:
            return self.end(station, "swallowed")
        return self.refuse(station, elsewhere.error.family(self.family), ttl)

    def _answered(self, station: Station) -> Leg:
        leg = self.end(station, "answered")
        leg.source, leg.choices, leg.weights = self.route.choose(station)
        if not leg.source:
            leg.outcome = "silent"
        # In a loop, an answer goes home the short way.
        first = next(number for number, known in enumerate(self.met) if known is station)
        home = self.met[: first + 1]
        leg.forward = self.forward
        leg.backward = sum(known.delay // 2 for known in home)
        leg.back = tuple(known.return_loss for known in home if known.return_loss is not None)
        leg.edits = tuple(self.edits)
        node = station.node
        initial = node.reply_ttl or (64 if station.target is not None else 255)
        visible = sum(known.hop is None or known.hop.decrement for known in home[:-1])
        leg.ttl = max(1, initial - (visible if node.return_hops is None else node.return_hops))
        return leg
