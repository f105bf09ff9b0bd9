"""A channel that is driven without the engine: probes sent one by one, answers collected as they are delivered."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hopscope.probe.channels.base import Channel, Flow, Hands, Probe, Reply

PATIENCE_S = 5.0


@dataclass
class Selector:
    """`hopscope.probe.channels.base.Watch` over the standard library's selectors."""

    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)

    def add(self, fd: int, ready: Callable[[], None]) -> None:
        self.selector.register(fd, selectors.EVENT_READ, ready)

    def remove(self, fd: int) -> None:
        self.selector.unregister(fd)


class Drive:
    """Hands for a channel, and what came into them."""

    def __init__(self) -> None:
        self.watch = Selector()
        self.answers: list[tuple[Probe, Reply]] = []
        self.changes: list[tuple[Flow, int]] = []
        self.hands = Hands(
            watch=self.watch,
            deliver=lambda probe, reply: self.answers.append((probe, reply)),
            changed=lambda flow, target: self.changes.append((flow, target)),
            monotonic=time.monotonic_ns,
            wall=time.time_ns,
        )

    def send(self, flow: Flow, ttls: Iterable[int], target: int = 1, first_seq: int = 0) -> list[Probe]:
        """One probe a TTL, in one go."""
        probes = [Probe(target, 0, ttl, first_seq + index) for index, ttl in enumerate(ttls)]
        for probe in probes:
            flow.send(probe)
        return probes

    def wait(self, channel: Channel, until: Callable[[], bool], patience: float = PATIENCE_S) -> bool:
        """Give the channel its turns until `until` holds; whether it did before the patience ended."""
        end = time.monotonic() + patience
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return False
            deadline = channel.deadline()
            if deadline is not None:
                left = min(left, max(0.0, (deadline - time.monotonic_ns()) / 1e9))
            for key, _ in self.watch.selector.select(left):
                key.data()
            if channel.deadline() is not None:
                channel.on_deadline(time.monotonic_ns())
        return True

    def answer_of(self, probe: Probe) -> Reply:
        """The first answer to a probe."""
        return next(reply for answered, reply in self.answers if answered is probe)
