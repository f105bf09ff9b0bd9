"""The engine looks where probes leave from: seldom, and before the network is blamed."""

from __future__ import annotations

import msgspec

from hopscope.probe.channel import FlowInfo
from hopscope.probe.probed import LOOK_EVERY_NS
from hopscope.wire.messages import Event, Failed, Lost, Pause, Plan, Sent, SourceChanged, Start, Started
from tests.probe.fake import MS, SECOND, EngineHarness, FakeFlow

PLAN = Plan("192.0.2.1", 4, method="simulated", max_ttl=1, interval_ns=100 * MS)


class Roaming:
    """A desk with one target, and a flow whose way out moves when it is told to."""

    def __init__(self, plan: Plan = PLAN) -> None:
        self.harness = EngineHarness()
        self.looks: list[int] = []
        self.source: str | None = None
        self.harness.engine.handle(Start(1, plan))
        self.flow: FakeFlow = self.harness.channel.flows[0]
        self.flow.follow = self._follow  # type: ignore[method-assign]
        self.begun_at = self.harness.now

    def _follow(self) -> bool:
        self.looks.append(self.harness.now - self.begun_at)
        if self.source in (None, self.flow.info.source):
            return False
        self.flow.info = FlowInfo(self.source, 4000, None, 64)
        self.harness.channel.context.changed(self.flow, 1)
        return True

    def until(self, after: int) -> list[Event]:
        self.harness.until(self.begun_at + after)
        return self.harness.engine.take()


def test_a_route_is_looked_at_once_a_second_however_often_probes_leave() -> None:
    roaming = Roaming()
    sent = [event for event in roaming.until(5 * SECOND) if isinstance(event, Sent)]
    assert len(sent) == 51
    assert roaming.looks == [second * LOOK_EVERY_NS for second in range(1, 6)]


def test_a_route_is_looked_at_again_after_a_probe_that_could_not_be_sent() -> None:
    roaming = Roaming()
    roaming.until(100 * MS)
    roaming.harness.channel.error = OSError(101, "no route")
    roaming.until(250 * MS)
    roaming.harness.channel.error = None
    roaming.until(450 * MS)
    assert roaming.looks == [300 * MS]


def test_while_nothing_is_sent_a_route_is_looked_at_for_what_is_in_flight_alone() -> None:
    roaming = Roaming()
    roaming.until(50 * MS)
    roaming.harness.engine.handle(Pause(1))
    roaming.until(10 * SECOND)
    assert roaming.looks == [PLAN.timeout_ns]


def test_another_source_is_told_with_its_moment_before_the_whole_of_it() -> None:
    roaming = Roaming()
    roaming.until(950 * MS)
    roaming.source = "10.9.9.9"
    events = roaming.until(1100 * MS)
    at = roaming.begun_at + SECOND + roaming.harness.engine.time_line.anchor
    assert [event for event in events if isinstance(event, SourceChanged)] == [
        SourceChanged(1, at, "10.0.0.1", "10.9.9.9")
    ]
    kinds = [type(event) for event in events]
    assert kinds.index(Started) == kinds.index(SourceChanged) + 1


def test_what_was_in_flight_when_the_source_changed_is_never_lost() -> None:
    roaming = Roaming(msgspec.structs.replace(PLAN, timeout_ns=3 * SECOND))
    roaming.until(950 * MS)
    roaming.source = "10.9.9.9"
    events = roaming.until(4500 * MS)
    changed_at = SECOND + roaming.begun_at + roaming.harness.engine.time_line.anchor
    failed = {event.sent_at for event in events if isinstance(event, Failed)}
    lost = {event.sent_at for event in events if isinstance(event, Lost)}
    assert len(failed) == 10
    assert {event.error for event in events if isinstance(event, Failed)} == {"MOVED"}
    assert max(failed) < changed_at <= min(lost)


def test_a_timeout_shorter_than_the_pause_between_looks_blames_no_network_for_a_route_that_moved() -> None:
    roaming = Roaming(msgspec.structs.replace(PLAN, timeout_ns=50 * MS))
    roaming.source = "10.9.9.9"
    events = roaming.until(80 * MS)
    assert [event.error for event in events if isinstance(event, Failed)] == ["MOVED"]
    assert roaming.looks == [50 * MS]
