"""Probing in virtual time: the real engine and sweep, the simulated channel, and a clock that jumps to what is next.

Nothing waits: an hour of probing takes as long as its packets take to compute. The same start, plans and seed give the
same events, byte for byte.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused
from hopscope.probe.channels.simulated import SimulatedChannel
from hopscope.probe.engine import Engine
from hopscope.probe.pacer import NEVER
from hopscope.wire.messages import Command, Event, Method

MONOTONIC_START_NS: Final = 1_000_000_000_000
"""The monotonic clock when a run begins."""
EPOCH_START_NS: Final = 1_700_000_000_000_000_000
"""The wall clock when a run begins, unless told otherwise: a round number of seconds."""


class _NoWatch:
    """Nothing in virtual time has a file descriptor."""

    def add(self, fd: int, ready: Callable[[], None], *, timestamped: bool = False) -> None:
        raise AssertionError("a simulated run has nothing to wait for")

    def remove(self, fd: int) -> None:
        raise AssertionError("a simulated run has nothing to wait for")


class VirtualEngine:
    """An engine whose time is turned by hand. Only the method ``simulated`` exists in it; others are `Refused`."""

    def __init__(self, start_ns: int = EPOCH_START_NS, *, keep_truth: bool = False) -> None:
        """`start_ns`: the wall clock at the beginning, epoch ns. `keep_truth`: the networks write down what they did
        (`hopscope.sim.network.PacketTruth`), for tests."""
        self.now = MONOTONIC_START_NS
        """The monotonic clock, ns."""
        self.anchor = start_ns - MONOTONIC_START_NS
        """Wall clock minus monotonic clock, ns."""
        self.channel: SimulatedChannel | None = None
        """Where the networks are, once a target was started."""
        self._keep_truth = keep_truth
        self.engine = Engine(self._make, _NoWatch(), lambda: self.now, lambda: self.now + self.anchor, self.anchor)

    @property
    def wall(self) -> int:
        """The wall clock, epoch ns."""
        return self.now + self.anchor

    def handle(self, command: Command) -> None:
        """A command, now."""
        self.engine.handle(command)

    def advance(self, seconds: float, *, stop_when_idle: bool = False) -> list[Event]:
        """Play the next seconds; the events of them, in order. `stop_when_idle`: the clock stays where the last thing
        happened, once nothing is due any more."""
        end = self.now + round(seconds * 1e9)
        engine = self.engine
        # Events pile up until they are taken: the collector would go through them again and again.
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            # As a worker does that may wait: answers that know their time are fetched when a probe is due.
            while (deadline := engine.next_deadline(may_defer=True)) <= end:
                if deadline > self.now:
                    self.now = deadline
                engine.tick()
        finally:
            if was_enabled:
                gc.enable()
        if not (stop_when_idle and deadline == NEVER):
            self.now = end
            engine.tick()
        return engine.take()

    def _make(self, method: Method, context: ChannelContext) -> Channel:
        if method != "simulated":
            raise ChannelRefused("unsupported", f"virtual time has simulated networks only, not {method}")
        self.channel = SimulatedChannel(context, keep_truth=self._keep_truth)
        return self.channel
