"""Probing in virtual time: the real engine and sweep, the simulated channel, and a clock that jumps to what is next.

Nothing waits: an hour of probing takes as long as its packets take to compute.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from hopscope.probe.channels.base import Channel, Hands
from hopscope.probe.channels.simulated import SimulatedChannel
from hopscope.probe.engine import Engine
from hopscope.sim import DEFAULT, Fact, Network
from hopscope.wire.messages import Command, Event, Method, Plan, Start

BEGIN = 1_000_000_000_000
"""The monotonic clock when a run begins, ns."""

ANCHOR = 1_700_000_000_000_000_000 - BEGIN
"""Wall clock minus monotonic clock: a run begins at a round number of seconds of the epoch."""


class NoWatch:
    """Nothing in virtual time has a file descriptor."""

    def add(self, fd: int, ready: Callable[[], None], *, stamped: bool = False) -> None:
        raise AssertionError("a simulated run has nothing to wait for")

    def remove(self, fd: int) -> None:
        raise AssertionError("a simulated run has nothing to wait for")


@dataclass(slots=True)
class Run:
    """What came of a run."""

    events: list[Event]
    networks: dict[tuple[str, int | None], Network] = field(default_factory=dict)

    @property
    def truth(self) -> list[Fact]:
        """What the networks say that they did, in the order of the packets' arrival."""
        facts = [fact for network in self.networks.values() for fact in network.truth or ()]
        return sorted(facts, key=lambda fact: fact.at)


class Virtual:
    """An engine whose time is turned by hand."""

    def __init__(self, *, keep_truth: bool = True) -> None:
        self.now = BEGIN
        self._keep_truth = keep_truth
        self.channel: SimulatedChannel | None = None
        self.engine = Engine(self._make, NoWatch(), lambda: self.now, lambda: self.now + ANCHOR, ANCHOR)

    def _make(self, method: Method, hands: Hands) -> Channel:
        assert method == "simulated", method
        self.channel = SimulatedChannel(hands, keep_truth=self._keep_truth)
        return self.channel

    def handle(self, command: Command) -> None:
        """A command, now."""
        self.engine.handle(command)

    def advance(self, seconds: float) -> list[Event]:
        """Play the next seconds; the events of them, in order."""
        end = self.now + round(seconds * 1e9)
        engine = self.engine
        # All events of the run are kept: the collector would go through them again and again, a fifth of the time.
        gc.disable()
        try:
            # As a worker does that may wait: answers that know their time are fetched when a probe is due.
            while (deadline := engine.next_deadline(patient=not engine.hurried)) <= end:
                self.now = max(self.now, deadline)
                engine.tick()
        finally:
            gc.enable()
        self.now = end
        engine.tick()
        return engine.take()


def run(scenario: str, plan: Plan, seconds: float, *, truth: bool = True) -> Run:
    """Probe one target of `scenario` (a built-in one's name, or a file's path) as `plan` says, which need not name
    method and scenario."""
    return run_all(scenario, [plan], seconds, truth=truth)


def run_all(scenario: str, plans: list[Plan], seconds: float, *, truth: bool = True) -> Run:
    """As `run`, several targets at once, numbered from 1."""
    virtual = Virtual(keep_truth=truth)
    for number, plan in enumerate(plans, 1):
        virtual.handle(Start(number, simulated(plan, scenario)))
    events = virtual.advance(seconds)
    return Run(events, dict(virtual.channel.networks) if virtual.channel is not None else {})


def simulated(plan: Plan, scenario: str = DEFAULT) -> Plan:
    """`plan` by the method ``simulated``."""
    return msgspec.structs.replace(plan, method="simulated", scenario=scenario)
