"""More is due than is soon done: answers are heard and events told in between, and that is no standstill."""

from __future__ import annotations

import pytest

from hopscope.probe.channel import Probe
from hopscope.probe.engine import LONGEST_TICK_NS, STANDSTILL_NS
from hopscope.wire.messages import Failed, Plan, Sent, Start
from tests.probe.fake import MS, SECOND, EngineHarness, FakeFlow

PLAN = Plan("192.0.2.1", 4, method="simulated", max_ttl=1, budget=0.0)
TARGETS = 100


def begun(monkeypatch: pytest.MonkeyPatch, send_ns: int) -> EngineHarness:
    """Many targets, of which each probe takes so long to send."""
    harness = EngineHarness()
    send = FakeFlow.send

    def slow(self: FakeFlow, probe: Probe) -> None:
        send(self, probe)
        harness.now += send_ns

    monkeypatch.setattr(FakeFlow, "send", slow)
    for number in range(1, TARGETS + 1):
        harness.engine.handle(Start(number, PLAN))
    return harness


def test_a_tick_leaves_the_rest_to_the_next_and_that_one_is_due_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = begun(monkeypatch, MS)
    left = []
    while len(harness.channel.sent) < TARGETS:
        before = harness.now
        harness.engine.tick()
        assert harness.now - before <= LONGEST_TICK_NS + 2 * MS
        left.append(len(harness.channel.sent))
        assert left[-1] == TARGETS or harness.engine.next_deadline() <= harness.now
    assert len(left) > 3
    assert [event.target for event in harness.engine.take() if isinstance(event, Sent)] == [*range(1, TARGETS + 1)]


def test_being_busy_for_long_is_no_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = begun(monkeypatch, STANDSTILL_NS // 40)
    begin = harness.now
    events = []
    while harness.now - begin < 8 * SECOND:
        harness.engine.tick()
        events += harness.engine.take()
    assert len({event.target for event in events if isinstance(event, Sent)}) == TARGETS
    assert not [event for event in events if isinstance(event, Failed)]
