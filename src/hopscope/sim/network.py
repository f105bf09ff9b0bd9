"""The simulated network: whole IP packets in, whole IP packets out at their times.

It has no socket, no clock and no randomness but its own seeded one: times are arguments, in ns of any steady clock, and
changes are counted from the first packet. The same packets at the same times give the same answers, byte for byte.
"""

from __future__ import annotations

import heapq
from math import floor
from random import Random
from typing import NamedTuple

from hopscope.sim import packets
from hopscope.sim.answers import answer
from hopscope.sim.balancing import Fields, fields_of
from hopscope.sim.dns import NameServer
from hopscope.sim.forwarding import FlowLegs, Forwarding
from hopscope.sim.language import Scenario
from hopscope.sim.node_state import NodeState
from hopscope.sim.packets import Packet, Quote4
from hopscope.sim.timetable import Timetable
from hopscope.sim.topology import Edited, NodeStates, Topology
from hopscope.sim.weather import WeatherEffects

_Legs = dict[tuple[Fields, tuple[int, ...]], FlowLegs]
_MAX_LEGS = 8_192
_MAX_PENDING = 100_000
_MAX_QUOTED = packets.MAX_ERROR4 - 28
"""The longest IPv4 packet that an error quotes whole, bytes."""


class PacketTruth(NamedTuple):
    """The truth about one packet that the network was given."""

    at: int
    """When it came in, ns."""
    ttl: int
    protocol: int
    """The IP protocol's number."""
    source: str
    destination: str
    key: bytes
    """The first eight bytes of its transport header: ports or identifier, sequence, checksum."""
    outcome: str
    """``answered``, or why not: ``lost`` (on the way there), ``outage``, ``queue``, ``silent``, ``rate-limited``,
    ``reply-lost``, ``return-lost``, ``mtu-black-hole``, ``swallowed`` (nothing to answer to), ``unreadable``."""
    by: str | None
    """Who answered, or where it ended."""
    hop: int
    """How many routers the packet had met then, the last one among them."""
    due: int | None
    """When its true answer leaves the network, ns."""
    copies: tuple[int, ...]
    """When duplicates of that answer leave the network."""
    answer: bytes
    """The true answer, the whole packet; empty where there is none."""


class Network:
    """One simulated network. `truth` is filled where `keep_truth` was asked for."""

    def __init__(self, scenario: Scenario, seed: int | None = None, *, keep_truth: bool = False) -> None:
        self.scenario = scenario
        self.truth: list[PacketTruth] | None = [] if keep_truth else None
        self._rng = Random(scenario.seed if seed is None else seed)
        self._start: int | None = None
        self._timetable = Timetable(scenario.changes)
        self._states = NodeStates()
        self._edited = Edited()
        self._topologies: dict[tuple[int, ...], tuple[Topology, _Legs]] = {}
        self._pings: dict[bytes, Forwarding] = {}
        self._topology, self._legs = self._enter(())
        self._until = 0
        self._queue: list[tuple[int, int, bytes | Quote4]] = []
        self._count = 0
        self._weather_effects = (
            WeatherEffects(scenario.weather, self._rng) if scenario.weather != type(scenario.weather)() else None
        )
        self._is_plain = self._weather_effects is None and not keep_truth
        """Nothing befalls an answer, and nobody writes it down."""
        self._names = NameServer(scenario)

    def packet_in(self, now: int, data: bytes) -> None:
        """A packet that was sent at `now`. Times do not run backwards. Never raises over what a packet holds."""
        if self._start is None:
            self._start = now
            self._until = now
        if now >= self._until:
            active, self._until = self._timetable.at(now - self._start, self._start)
            self._topology, self._legs = self._enter(active)
        # The pings of one flow with one TTL are alike to the network, but for their sequence.
        key = data[:1] + data[6:10] + data[12:26]
        fate = self._pings.get(key)
        if fate is not None and len(data) >= 28:
            form = fate.form
            if form is not None and fate.always_answers and self._is_plain and len(data) <= _MAX_QUOTED:
                # As `_follow` would have it.
                random, at = self._rng.random, now + fate.forward + fate.backward
                for width in fate.uniform or ():
                    at += floor(random() * width)
                self._emit(at, Quote4(form, data, fate.quoted_ttl, self._rng.getrandbits(16)))
            else:
                self._follow(now, data, None, fate)
            return
        packet = packets.read(data)
        if packet is None:
            if self.truth is not None:
                self.truth.append(PacketTruth(now, 0, 0, "", "", data[:8], "unreadable", None, 0, None, (), b""))
            return
        start, protocol, ttl = packet.start, packet.protocol, packet.ttl
        if (
            protocol == packets.UDP
            and self._names.serves(packet.destination)
            and data[start + 2 : start + 4] == b"\0\x35"
        ):
            self._ask(now, packet)
            return
        fields = fields_of(packet)
        choices: tuple[int, ...] = ()
        way: tuple[Fields, tuple[int, ...]] = (fields, choices)
        if self._topology.packet_forks:
            choices = self._topology.choices(self._rng)
            way = (fields, choices)
        legs = self._legs.get(way)
        if legs is None:
            if len(self._legs) >= _MAX_LEGS:
                self._legs.clear()
            legs = self._legs[way] = FlowLegs(self._topology, fields, choices, self.scenario)
        fate = legs.fates.get(ttl) or legs.fate(ttl)
        if fate.mtu_limits:
            fate = fate.past_mtu_limits(packet)
        elif protocol == packets.ICMP and data[0] == 0x45 and not choices:
            if len(self._pings) >= _MAX_LEGS:
                self._pings.clear()
            self._pings[key] = fate
        self._follow(now, data, packet, fate)

    def due(self, now: int) -> list[tuple[int, bytes]]:
        """The packets that come out up to `now`, each with its time, in the order of time."""
        return [(at, _written(packet)) for at, _, packet in self.unwritten(now)]

    def unwritten(self, now: int) -> list[tuple[int, int, bytes | Quote4]]:
        """See `due`: each with its time and its number; what quotes a probe need not be a packet yet."""
        queue = self._queue
        out = []
        while queue and queue[0][0] <= now:
            out.append(heapq.heappop(queue))
        return out

    def next_due(self) -> int | None:
        """When the next packet comes out; None: none is on its way."""
        return self._queue[0][0] if self._queue else None

    def _follow(self, now: int, data: bytes, packet: Packet | None, fate: Forwarding) -> None:
        rng = self._rng
        extra = 0
        outcome = fate.outcome
        state: NodeState = fate.state
        at = None
        if fate.uniform is not None:
            random = rng.random
            for width in fate.uniform:
                extra += floor(random() * width)
        else:
            for link, base in fate.dynamic:
                if link.is_uniform:
                    extra += floor(rng.random() * link.uniform)
                    continue
                cost = link.link_delay(now + base + extra, rng)
                if cost is None:
                    outcome, state = "lost", link
                    break
                extra += cost
        if outcome == "answered":
            there = now + fate.forward + extra
            made: bytes | Quote4 | None = None
            if fate.may_be_silent and fate.word((packet or _read(data)).protocol) in state.silent:
                outcome = "silent"
            else:
                form = fate.form
                if form is not None and len(data) <= _MAX_QUOTED:
                    made = Quote4(form, data, fate.quoted_ttl, rng.getrandbits(16))
                else:
                    made = answer(packet or _read(data), fate, rng)
                if made is None:
                    outcome = "swallowed"
                elif state.bucket is not None and not state.bucket.allows(there):
                    outcome = "rate-limited"
                elif state.reply_loss is not None and state.reply_loss.takes(rng):
                    outcome = "reply-lost"
                elif fate.back and any(process.takes(rng) for process in fate.back):
                    outcome = "return-lost"
                else:
                    at = there + fate.backward
                    if state.slow:
                        at += state.reply_time(rng)
            if made is not None and at is not None:
                copies: tuple[int, ...] = ()
                if self._weather_effects is None:
                    self._emit(at, made)
                else:
                    packet, made = packet or _read(data), _written(made)
                    at, copies = self._weather_effects.answered(at, now, made, packet, self._emit)
                if self.truth is not None:
                    packet, made = packet or _read(data), _written(made)
                    by = packets.text(made[12:16] if packet.family == 4 else made[8:24])
                    self.truth.append(_truth_of(now, packet, outcome, by, fate, at, copies, made))
                return
        if self._weather_effects is not None:
            self._weather_effects.passed(now, packet or _read(data), self._emit)
        if self.truth is not None:
            packet = packet or _read(data)
            texts = state.texts[packet.family]
            self.truth.append(_truth_of(now, packet, outcome, texts[0] if texts else None, fate, None, (), b""))

    def _ask(self, now: int, packet: Packet) -> None:
        made = self._names.reply(packet.data, packet.start, self._rng)
        if made is not None:
            self._emit(now + self._names.delay, made)

    def _emit(self, at: int, packet: bytes | Quote4) -> None:
        if len(self._queue) < _MAX_PENDING:
            self._count += 1
            heapq.heappush(self._queue, (at, self._count, packet))

    def _enter(self, active: tuple[int, ...]) -> tuple[Topology, _Legs]:
        self._pings.clear()
        known = self._topologies.get(active)
        if known is None:
            if len(self._topologies) >= 256:
                self._topologies.clear()
            known = self._topologies[active] = (Topology(self.scenario, active, self._states, self._edited), {})
        return known


def _written(packet: bytes | Quote4) -> bytes:
    return packet if isinstance(packet, bytes) else packet.written()


def _read(data: bytes) -> Packet:
    """Of a packet that is known to be one."""
    packet = packets.read(data)
    assert packet is not None
    return packet


def _truth_of(
    now: int, packet: Packet, outcome: str, by: str | None, fate: Forwarding, due: int | None, copies: tuple[int, ...],
    made: bytes,
) -> PacketTruth:  # fmt: skip
    source, destination = packets.text(packet.source), packets.text(packet.destination)
    key = packet.data[packet.start : packet.start + 8]
    return PacketTruth(
        now, packet.ttl, packet.protocol, source, destination, key, outcome, by, fate.met, due, copies, made
    )
