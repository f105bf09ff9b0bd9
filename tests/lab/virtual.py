"""Runs in virtual time (`hopscope.probe.virtual`) with the networks' own truth kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

from hopscope.probe.virtual import EPOCH_START_NS, MONOTONIC_START_NS, VirtualEngine
from hopscope.sim import DEFAULT
from hopscope.sim.network import Network, PacketTruth
from hopscope.wire.messages import Event, Plan, Start

ANCHOR: Final = EPOCH_START_NS - MONOTONIC_START_NS
"""Wall clock minus monotonic clock of a run that was given no start, ns."""


@dataclass(slots=True)
class Run:
    """What came of a run."""

    events: list[Event]
    networks: dict[tuple[str, int | None], Network] = field(default_factory=dict)

    @property
    def truth(self) -> list[PacketTruth]:
        """What the networks say that they did, in the order of the packets' arrival."""
        facts = [fact for network in self.networks.values() for fact in network.truth or ()]
        return sorted(facts, key=lambda fact: fact.at)


def run(scenario: str, plan: Plan, seconds: float, *, truth: bool = True) -> Run:
    """Probe one target of `scenario` (a built-in one's name, or a file's path) as `plan` says, which need not name
    method and scenario."""
    return run_all(scenario, [plan], seconds, truth=truth)


def run_all(scenario: str, plans: list[Plan], seconds: float, *, truth: bool = True) -> Run:
    """As `run`, several targets at once, numbered from 1."""
    virtual = VirtualEngine(keep_truth=truth)
    for number, plan in enumerate(plans, 1):
        virtual.handle(Start(number, simulated(plan, scenario)))
    events = virtual.advance(seconds)
    return Run(events, dict(virtual.channel.networks) if virtual.channel is not None else {})


def simulated(plan: Plan, scenario: str = DEFAULT) -> Plan:
    """`plan` by the method ``simulated``."""
    return msgspec.structs.replace(plan, method="simulated", scenario=scenario)
