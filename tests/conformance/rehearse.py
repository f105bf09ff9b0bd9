"""Runs in process and in virtual time, the network's output changed on its way where a test wants that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import msgspec

from hopscope.path.fold import PathFold
from hopscope.path.snapshot import Path
from hopscope.probe.channels import simulated as channel
from hopscope.sim.language import Scenario
from hopscope.sim.network import Network, PacketTruth
from hopscope.sim.values import Duration, Share
from hopscope.sim.weather_tables import Delayed
from hopscope.wire.messages import Counters, Event, Plan
from tests.lab.virtual import Run, run_all

Change = Callable[[Scenario, int], Scenario]
"""A scenario and the timeout of its probes to another scenario."""

GRAIN = 15_000_000
"""`HeldNetwork` is read once in so many ns."""


class HeldNetwork(Network):
    """A network whose packets the program comes to read late, in bunches, and each bunch back to front, but for copies
    of one packet (no socket gives those in another order). The stamps of their arrival are true: so nothing may show.
    """

    def next_due(self) -> int | None:
        at = super().next_due()
        return None if at is None else -(-at // GRAIN) * GRAIN

    def due(self, now: int) -> list[tuple[int, bytes]]:
        at = self.next_due()
        if at is None or at > now:
            return []
        first: dict[bytes, int] = {}
        bunch = super().due(now)
        for number, (_, packet) in enumerate(bunch):
            first.setdefault(packet, -number)
        return sorted(bunch, key=lambda item: (first[item[1]], item[0]))


def as_it_is(scenario: Scenario, timeout: int) -> Scenario:
    """No change."""
    return scenario


def duplicated(scenario: Scenario, timeout: int) -> Scenario:
    """Each answer comes twice."""
    return _weather(scenario, duplicates=Share(1), duplicate_delay=Duration(2_500_000))


def reordered(scenario: Scenario, timeout: int) -> Scenario:
    """Half of the answers are overtaken by the next."""
    return _weather(scenario, reorder=Delayed(share=Share(0.5), delay=Duration(timeout // 12)))


def made_late(scenario: Scenario, timeout: int) -> Scenario:
    """A third of the answers come after the timeout."""
    return _weather(scenario, late=Delayed(share=Share(0.33), delay=Duration(timeout * 3 // 2)))


def _weather(scenario: Scenario, **changes: object) -> Scenario:
    weather = msgspec.structs.replace(scenario.weather, **changes)
    return msgspec.structs.replace(scenario, weather=weather)


@contextmanager
def playing(scenario: Scenario, network: type[Network] = Network) -> Iterator[None]:
    """Within the block each simulated network is this one."""
    with (
        mock.patch.object(channel, "load", return_value=scenario),
        mock.patch.object(channel, "Network", network),
    ):
        yield


def play(scenario: Scenario, plans: list[Plan], network: type[Network] = Network) -> Run:
    """Run all plans at the same time, until nothing more can come."""
    rounds = max((plan.rounds or 0) * plan.interval_ns for plan in plans) / 1e9
    with playing(scenario, network):
        return run_all("conformance", plans, rounds + 8)


def events_of(run: Run, number: int) -> list[Event]:
    """The events of one target."""
    return [event for event in run.events if getattr(event, "target", None) == number]


def counted(events: list[Event]) -> Counters:
    """The totals of what could not be used."""
    return next((event for event in reversed(events) if isinstance(event, Counters)), Counters())


def path_of(events: list[Event], plan: Plan) -> Path:
    """The report's model."""
    fold = PathFold(plan.address, plan.protocol)
    fold.apply_all(events)
    return fold.snapshot()


def facts_of(facts: list[PacketTruth], plan: Plan) -> list[PacketTruth]:
    """What the network knows of one target's probes, where no other target has the same address and protocol."""
    number = {("icmp", 4): 1, ("icmp", 6): 58}.get((plan.protocol, plan.family)) or {"udp": 17, "tcp": 6}[plan.protocol]
    return [fact for fact in facts if (fact.destination, fact.protocol) == (plan.address, number)]
