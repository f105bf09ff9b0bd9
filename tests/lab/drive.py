"""Drives one channel by itself, without the engine, and prints what it heard as one JSON document.

Run as a program by the kernel tests, inside a namespace and as whichever user they choose: rounds of a plan, each TTL
once a round, every probe awaited before the next round.
"""

from __future__ import annotations

import importlib
import json
import selectors
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from hopscope.probe.channel import Channel, ChannelContext, Flow, Probe, Reply
from hopscope.probe.clocks import rtt
from hopscope.wire.messages import Plan


class SelectorWatch:
    """`Watch` over a selector."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()

    def add(self, fd: int, ready: Callable[[], None], *, timestamped: bool = False) -> None:
        """Wait for `fd`."""
        self.selector.register(fd, selectors.EVENT_READ, ready)

    def remove(self, fd: int) -> None:
        """Do not wait for `fd` any more."""
        self.selector.unregister(fd)


class Driver:
    """One flow of one channel, and what it heard."""

    def __init__(self, make: Callable[[ChannelContext], Channel], plan: Plan) -> None:
        self.watch = SelectorWatch()
        self.heard: list[tuple[Probe, Reply]] = []
        self.changes = 0
        self.has_failed = False
        self.context = ChannelContext(
            watch=self.watch,
            deliver=self._deliver,
            changed=self._changed,
            monotonic=time.monotonic_ns,
            wall=time.time_ns,
        )
        self.channel = make(self.context)
        try:
            self.flow = self.channel.open(1, plan)
        except BaseException:
            self.channel.close()
            self.watch.selector.close()
            raise
        self.plan = plan
        self.seq = 65530  # so that it wraps within the first rounds

    def close(self) -> None:
        """Close flow and channel."""
        self.flow.close()
        self.channel.close()
        self.watch.selector.close()

    def send(self, round_: int, ttl: int) -> Probe:
        """Send one probe. `OSError` where this machine could not."""
        self.seq = (self.seq + 1) & 0xFFFF
        probe = Probe(target=1, round=round_, ttl=ttl, seq=self.seq)
        if self.has_failed:  # as the engine does
            self.flow.follow()
        self.has_failed = True
        self.flow.send(probe)
        self.has_failed = False
        return probe

    def wait(self, done: Callable[[], bool], seconds: float = 2.0) -> bool:
        """Hear until `done` or the time is over; whether it is done."""
        until = time.monotonic_ns() + int(seconds * 1e9)
        while not done():
            now = time.monotonic_ns()
            if now >= until:
                return False
            due = self.channel.deadline()
            timeout = max(0, min(until, until if due is None else due) - now) / 1e9
            for key, _ in self.watch.selector.select(timeout):
                key.data()
            due = self.channel.deadline()
            if due is not None and due <= time.monotonic_ns():
                self.channel.work(time.monotonic_ns())
        return True

    def answered(self, probes: list[Probe]) -> bool:
        """Whether each of these probes has an answer."""
        have = {id(probe) for probe, _ in self.heard}
        return all(id(probe) in have for probe in probes)

    def sweep(self, rounds: int, ttls: int) -> list[Probe]:
        """Rounds of one probe for each TTL, each round's answers awaited."""
        probes: list[Probe] = []
        for number in range(rounds):
            mine = [self.send(number, ttl) for ttl in range(1, ttls + 1)]
            self.wait(lambda mine=mine: self.answered(mine))  # type: ignore[misc] # mypy: a lambda's default
            probes += mine
        return probes

    def _deliver(self, probe: Probe, reply: Reply) -> None:
        probe.fate = "answered"
        self.heard.append((probe, reply))

    def _changed(self, flow: Flow, target: int) -> None:
        self.changes += 1

    def story(self) -> list[dict[str, Any]]:
        """What was heard, as plain data."""
        lines = []
        for probe, reply in self.heard:
            nanos, clock = rtt(probe, reply)
            lines.append(
                {
                    "round": probe.round,
                    "ttl": probe.ttl,
                    "seq": probe.seq,
                    "address": reply.address,
                    "kind": reply.kind,
                    "icmp": [reply.icmp_type, reply.icmp_code],
                    "reply_ttl": reply.reply_ttl,
                    "mpls": msgspec.to_builtins(reply.mpls),
                    "rtt_ns": nanos,
                    "clock": clock,
                }
            )
        return lines


def channel_class(name: str) -> Callable[[ChannelContext], Channel]:
    """The channel class of a method, ``ping-socket`` for one."""
    module = importlib.import_module(f"hopscope.probe.channels.{name.replace('-', '_')}")
    made = getattr(module, "".join(part.title() for part in name.split("-")) + "Channel")
    if not hasattr(module, "open_sockets"):
        return made  # type: ignore[no-any-return] # of a module that is known by its name only

    def with_sockets(context: ChannelContext) -> Channel:
        """A channel whose sockets are opened before it, while there are privileges."""
        channel: Channel = made(context, module.open_sockets())
        return channel

    return with_sockets


def main() -> None:
    """``drive.py METHOD PLAN-AS-JSON ROUNDS TTLS``."""
    method, plan, rounds, ttls = sys.argv[1:]
    driver = Driver(channel_class(method), msgspec.json.decode(plan, type=Plan))
    # The kernel begins to stamp arrivals some milliseconds after it was first asked to.
    driver.wait(lambda: False, 0.05)
    probes = driver.sweep(int(rounds), int(ttls))
    facts = {name: getattr(driver.flow.info, name) for name in driver.flow.info.__slots__}
    tally = driver.context.tally
    json.dump(
        {
            "sent": len(probes),
            "facts": facts,
            "heard": driver.story(),
            "changes": driver.changes,
            "tally": [tally.malformed, tally.foreign, tally.overflow],
        },
        sys.stdout,
    )
    driver.close()


if __name__ == "__main__":
    main()
