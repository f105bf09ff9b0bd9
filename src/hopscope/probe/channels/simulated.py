"""The method ``simulated``: real probe packets into a simulated network (`hopscope.sim`), its packets back.

The packets are those of the method ``raw``, byte for byte, and answers pass the same parsers; what is missing is the
kernel. No privileges, no socket, nothing leaves the process. Targets of the same scenario and seed share one network.
RTTs are the network's own times, exact, whenever the program comes to read them.
"""

from __future__ import annotations

import ipaddress
from random import Random
from typing import Final

from hopscope.probe.channel import (
    SEQUENCES,
    Channel,
    ChannelContext,
    ChannelRefused,
    Flow,
    FlowInfo,
    Probe,
    Reply,
)
from hopscope.probe.packets.alike import Alike
from hopscope.probe.packets.checksum import is_checked, ones_sum
from hopscope.probe.packets.ledger import FlowEntry
from hopscope.probe.packets.matcher import Answer, Matcher
from hopscope.probe.packets.plain import plain
from hopscope.probe.packets.template import PacketShape, Template
from hopscope.sim import DEFAULT, ScenarioError, load
from hopscope.sim.network import Network
from hopscope.wire.messages import DEFAULT_PORT, Family, Method, MethodState, Plan
from hopscope.wire.methods import PROTOCOLS

_TCP: Final = 6
_UDP: Final = 17
_ICMP: Final = 1
_ICMP6: Final = 58
_MOST_TEXTS: Final = 4096


class SimulatedChannel(Channel):
    """All simulated targets, each in the network that its plan names."""

    method: Method = "simulated"
    timestamped = True
    has_backlog = False

    def __init__(self, context: ChannelContext, *, keep_truth: bool = False) -> None:
        """`keep_truth`: the networks write down what they did (`hopscope.sim.network.PacketTruth`), for tests."""
        self.context = context
        self.networks: dict[tuple[str, int | None], Network] = {}
        self._keep_truth = keep_truth
        self._worlds: dict[Network, _World] = {}

    def open(self, target: int, plan: Plan) -> SimulatedFlow:
        """See `Channel.open`. Raises `ChannelRefused` where the scenario cannot be used."""
        key = (plan.scenario or DEFAULT, plan.seed)
        network = self.networks.get(key)
        if network is None:
            try:
                scenario = load(key[0])
            except ScenarioError as error:
                raise ChannelRefused("scenario", str(error)) from None
            network = Network(scenario, plan.seed, keep_truth=self._keep_truth)
            self.networks[key] = network
            self._worlds[network] = _World(self.context, network)
        return SimulatedFlow(self._worlds[network], target, plan)

    def deadline(self) -> int | None:
        """When the next packet comes out of a network."""
        earliest: int | None = None
        for network in self._worlds:
            at = network.next_due()
            if at is not None and (earliest is None or at < earliest):
                earliest = at
        return earliest

    def work(self, now: int) -> None:
        """Read what came out of the networks."""
        for world in self._worlds.values():
            world.hear(now)

    def close(self) -> None:
        """Forget all networks."""
        self.networks.clear()
        self._worlds.clear()


class _World:
    """One network and the flows in it."""

    def __init__(self, context: ChannelContext, network: Network) -> None:
        self.context = context
        self.network = network
        # Only that weather breaks what a kernel would check before it hands a packet on.
        self._trusts = network.scenario.weather.malformed is None
        self.matcher = Matcher(context.tally, trusts=self._trusts)
        self.ledger = self.matcher.ledger
        self.flows: dict[int, SimulatedFlow] = {}
        self._alike = Alike()
        # Identifiers and ports follow the scenario's seed: the same run again has the same flows.
        self.rng = Random(network.scenario.seed)
        self._texts: dict[bytes, str] = {}
        self.base = context.wall() - context.monotonic()
        """What stamps are later than the monotonic clock, ns: as a kernel's, of one wall clock that is never set."""

    def add(self, target: int, flow: SimulatedFlow) -> None:
        """Expect answers to this flow's probes."""
        self.ledger.add(flow.entry)
        self.flows[target] = flow
        self._alike.forget()

    def remove(self, target: int, flow: SimulatedFlow) -> None:
        """Expect none any more. Idempotent."""
        self.ledger.remove(flow.entry)
        if self.flows.get(target) is flow:
            del self.flows[target]
        self._alike.forget()

    def hear(self, now: int) -> None:
        """Deliver all packets that came out up to now."""
        for at, _, packet in self.network.unwritten(now):
            if isinstance(packet, bytes):
                answer = self._parsed(packet, at, now)
            else:
                answer = self._alike.answer(packet.form, packet.probe, now, at + self.base)
                if answer is None:
                    answer = self._parsed(packet.written(), at, now)
                    if answer is not None:
                        probe, reply = answer
                        self._alike.learn(packet.form, packet.probe, self.flows[probe.target].entry, reply)
            if answer is not None:
                self.context.deliver(*answer)

    def _parsed(self, packet: bytes, at: int, now: int) -> Answer | None:
        """The answer that a packet is which came out at `at`; None: it is none to a probe of ours."""
        if packet[0] >> 4 == 4 and len(packet) >= 28 and (self._trusts or self._whole4(packet)):
            family: Family = 4
            protocol, ttl, source = packet[9], packet[8], packet[12:16]
            # What a raw socket of the family gives: IPv4 with its header, IPv6 without.
            data = packet
        elif packet[0] >> 4 == 6 and len(packet) >= 48 and (self._trusts or self._whole6(packet)):
            family = 6
            protocol, ttl, source = packet[6], packet[7], packet[8:24]
            data = packet[40:]
        else:
            self.context.tally.malformed += 1
            return None
        address = self._texts.get(source)
        if address is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            address = self._texts[source] = str(ipaddress.ip_address(source))
        if protocol in (_ICMP, _ICMP6):
            answer = self.matcher.icmp(family, data, address, ttl, now, at + self.base)
        elif protocol == _TCP:
            answer = self.matcher.tcp(family, data, address, ttl, now, at + self.base)
        else:
            answer = self._of_datagram(data, family, protocol, address, ttl, now, at + self.base)
        if answer is None:
            return None
        probe, reply = answer
        flow = self.flows.get(probe.target)
        # Whatever is no ICMP error must come from the target itself.
        is_error = reply.icmp_type is not None and reply.kind != "echo-reply"
        if flow is None or not (is_error or source == flow.destination):
            self.context.tally.foreign += 1
            return None
        return answer

    def _whole4(self, packet: bytes) -> bool:
        """What a kernel would let through: a header that adds up and tells the packet's size."""
        size = (packet[0] & 15) * 4
        if size < 20 or len(packet) < size + 8 or int.from_bytes(packet[2:4], "big") != len(packet):
            return False
        return is_checked(packet[:size])

    def _whole6(self, packet: bytes) -> bool:
        size = int.from_bytes(packet[4:6], "big")
        if size != len(packet) - 40:
            return False
        return packet[6] != _ICMP6 or (ones_sum(packet[8:]) + size + _ICMP6) % 0xFFFF == 0

    def _of_datagram(
        self, data: bytes, family: Family, protocol: int, address: str, ttl: int, mono: int, stamp: int
    ) -> Answer | None:
        """The probe that a UDP datagram of the target answers: one that repeats the payload."""
        datagram = data[(data[0] & 15) * 4 :] if family == 4 else data
        if protocol == _UDP and len(datagram) >= 8:
            port = int.from_bytes(datagram[2:4], "big")
            for flow in self.flows.values():
                shape = flow.entry.shape
                if (shape.family, shape.protocol, shape.ident) == (family, "udp", port):
                    match = flow.entry.by_payload(datagram[8:])
                    if match is not None:
                        reply = Reply(address, "other", None, None, ttl, (), mono, stamp, match.vouched)
                        return match.probe, reply
                    break
        self.context.tally.foreign += 1
        return None


class SimulatedFlow(Flow):
    """One target in a simulated network."""

    def __init__(self, world: _World, target: int, plan: Plan) -> None:
        self._world = world
        self._target = target
        self._network = world.network
        self._monotonic = world.context.monotonic
        shape = _shape(world, plan)
        self._first_sequence = Random(shape.cookie).randrange(SEQUENCES)
        self._template = Template(shape, plain(shape))
        self.entry = FlowEntry(shape)
        self.destination = self.entry.destination
        world.add(target, self)
        self.info = FlowInfo(
            source=shape.source,
            source_port=None if plan.protocol == "icmp" else shape.ident,
            port=shape.port or None,
            packet_size=len(self._template),
            note=f"demo network: {self._network.scenario.title or plan.scenario or DEFAULT}",
        )

    def first_sequence(self) -> int:
        """See `Flow.first_sequence`: the same in every run of a scenario and seed."""
        return self._first_sequence

    def send(self, probe: Probe) -> None:
        """See `Flow.send`. A simulated machine can always send."""
        self.entry.probes[probe.seq] = probe
        now = self._monotonic()
        probe.sent_mono = now
        probe.sent_stamp = probe.sent_wall = now + self._world.base
        self._network.packet_in(now, self._template.packet(probe.ttl, probe.seq))

    def forget(self, probe: Probe) -> None:
        """See `Flow.forget`."""
        if self.entry.probes.get(probe.seq) is probe:
            del self.entry.probes[probe.seq]

    def close(self) -> None:
        """See `Flow.close`."""
        self._world.remove(self._target, self)
        self.entry.probes.clear()


def _shape(world: _World, plan: Plan) -> PacketShape:
    """The packets of a target, with an identity that no other flow of this network has."""
    sources = world.network.scenario.source.family(plan.family)
    source = plan.source or (sources[0] if sources else None)
    if source is None:
        raise ChannelRefused("no-route", f"the scenario's machine has no IPv{plan.family} address")
    wanted = plan.local_port if plan.flows > 1 else None
    while True:
        ident, wanted = wanted or world.rng.randrange(32_768, 61_000), None
        shape = PacketShape(
            family=plan.family,
            protocol=plan.protocol,
            source=str(source),
            destination=plan.address,
            ident=ident,
            port=0 if plan.protocol == "icmp" else plan.port or DEFAULT_PORT[plan.protocol] or 0,
            cookie=world.rng.getrandbits(32),
            size=plan.packet_size,
            pattern=plan.pattern,
            tos=plan.tos,
        )
        if world.ledger.is_free(shape):
            return shape


def capabilities() -> list[MethodState]:
    """It works everywhere, for everybody."""
    return [
        MethodState("simulated", protocol, family, works=True, reason="a simulated network, in this process")
        for protocol in PROTOCOLS
        for family in (4, 6)
    ]
