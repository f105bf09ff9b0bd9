"""Parallel flows of one target: their ports, and the engine's part in them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from hopscope.probe.channel import ChannelRefused
from hopscope.probe.engine import MOST_TARGETS
from hopscope.probe.parallel import machine, plans, source_port
from hopscope.wire.messages import (
    Adjust,
    Answered,
    Finished,
    Pause,
    Plan,
    Problem,
    Refused,
    Resume,
    RoundStarted,
    Sent,
    Start,
    Started,
    Stop,
    Stopped,
)
from tests.probe.fake import SECOND, EngineHarness

PLAN = Plan("192.0.2.80", 4, "udp", "simulated", flows=3, max_ttl=2, max_unknown=2, budget=0)


def of(harness: EngineHarness, kind: type) -> list:  # type: ignore[type-arg]  # of any kind
    return [event for event in harness.engine.take() if type(event) is kind]


# --- ports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [f"198.51.100.{number}" for number in range(40)] + ["2001:db8::1"])
def test_each_flow_has_a_port_of_its_own_below_the_kernels_and_the_same_tomorrow(address: str) -> None:
    plan = Plan(address, 6 if ":" in address else 4, "udp", port=33434, flows=64)
    ports = [one.local_port for one in plans(plan)]
    assert ports == [source_port(plan, flow) for flow in range(64)]
    assert len(set(ports)) == 64
    assert all(port is not None and 16_384 <= port < 32_768 for port in ports)


def test_they_lie_an_odd_stride_apart() -> None:
    ports = [source_port(PLAN, flow) for flow in range(64)]
    strides = {(later - before) % 16_384 for before, later in pairwise(ports)}
    assert len(strides) == 1
    assert strides.pop() % 2 == 1


def test_known_ports() -> None:
    """What stands in a ticket must mean the same flow after an upgrade."""
    plan = Plan("192.0.2.80", 4, "udp", port=33434, flows=4)
    assert [source_port(plan, flow, b"0123456789abcdef" * 2) for flow in range(4)] == [29591, 30508, 31425, 32342]
    simulated = msgspec.structs.replace(plan, method="simulated")
    assert [one.local_port for one in plans(simulated)] == [21516, 23855, 26194, 28533]


def test_who_knows_target_and_program_does_not_know_the_ports() -> None:
    plan = Plan("192.0.2.80", 4, "udp", port=33434, flows=64)
    ports = [{source_port(plan, flow, bytes([number] * 32)) for flow in range(64)} for number in range(100)]
    assert len(set[int].union(*ports)) > 4_000  # of the 6,400 some are alike by chance


def test_a_machine_has_its_identifier_until_it_has_none_and_then_one_of_this_run(tmp_path: Path) -> None:
    absent, empty, known, boot = (str(tmp_path / name) for name in ("absent", "empty", "known", "boot"))
    Path(empty).write_text("uninitialized\n", encoding="ascii")
    Path(known).write_text("0123456789abcdef" * 2 + "\n", encoding="ascii")
    Path(boot).write_text("01234567-89ab-cdef-0123-456789abcdef\n", encoding="ascii")
    assert machine([absent, empty, known]) == machine([boot]) == b"0123456789abcdef" * 2
    assert machine([absent, empty]) != machine([absent, empty])


def test_another_target_port_or_source_has_other_ports() -> None:
    plan = Plan("192.0.2.80", 4, "udp", port=33434, flows=2)
    others: list[dict[str, object]] = [
        {"address": "192.0.2.81"},
        {"port": 33435},
        {"source": "192.0.2.1"},
        {"protocol": "tcp"},
    ]
    bases = {source_port(msgspec.structs.replace(plan, **other), 0) for other in others}
    assert source_port(plan, 0) not in bases
    assert len(bases) == 4


def test_one_flow_is_left_as_it_is_and_a_port_that_was_asked_for_is_the_firsts() -> None:
    plan = Plan("192.0.2.80", 4, "udp")
    assert plans(plan) == [plan]
    asked = msgspec.structs.replace(plan, flows=2, local_port=4321)
    assert plans(asked)[0].local_port == 4321
    assert plans(asked)[1].local_port != 4321


# --- the engine ------------------------------------------------------------------------------------------------------


def test_each_flow_is_told_and_probes_by_itself_and_a_round_is_told_once() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(7, PLAN))
    started = of(harness, Started)
    assert [(event.target, event.number) for event in started] == [(7, 0), (7, 1), (7, 2)]
    harness.until(harness.now + 3 * SECOND - 1)
    events = harness.engine.take()
    sent = [event for event in events if isinstance(event, Sent)]
    assert len(sent) == 3 * 3 * 2
    assert {(event.target, event.flow, event.round, event.ttl) for event in sent} == {
        (7, flow, round_, ttl) for flow in range(3) for round_ in range(3) for ttl in (1, 2)
    }
    assert [event.round for event in events if isinstance(event, RoundStarted)] == [0, 1, 2]


def test_an_answer_is_the_flows_whose_probe_it_answers() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(7, PLAN))
    harness.until(harness.now)
    harness.engine.take()
    for probe in list(harness.channel.sent):
        harness.channel.answer(probe, 5, address=f"192.0.2.{1 + abs(probe.target)}")
    answered = of(harness, Answered)
    assert sorted((event.target, event.flow, event.ttl) for event in answered) == [
        (7, flow, ttl) for flow in range(3) for ttl in (1, 2)
    ]
    assert len({event.address for event in answered}) == 3


def test_it_is_finished_when_all_flows_are() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(7, msgspec.structs.replace(PLAN, rounds=2)))
    harness.until(harness.now + 30 * SECOND)
    assert [event.rounds for event in of(harness, Finished)] == [2]


def test_pause_resume_adjust_and_stop_are_for_all_flows() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(7, PLAN))
    harness.until(harness.now + SECOND // 2)
    harness.engine.handle(Pause(7))
    before = len(harness.channel.sent)
    harness.until(harness.now + 5 * SECOND)
    assert len(harness.channel.sent) == before
    harness.engine.handle(Adjust(7, max_ttl=1))
    harness.engine.handle(Resume(7))
    harness.engine.take()
    harness.until(harness.now + SECOND // 2)
    assert sorted(event.flow for event in of(harness, Sent)) == [0, 1, 2]
    harness.engine.handle(Stop(7))
    assert [event.target for event in of(harness, Stopped)] == [7]
    assert all(flow.closed for flow in harness.channel.flows)
    harness.engine.handle(Stop(7))
    assert len(of(harness, Problem)) == 1


def test_a_flow_that_cannot_be_opened_refuses_the_target_and_closes_the_others() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(1, msgspec.structs.replace(PLAN, flows=1)))
    channel = harness.channel
    opens = channel.open

    def third_fails(target: int, plan: Plan) -> object:
        if len(channel.flows) == 3:
            channel.refusal = ChannelRefused("limit", "no more sockets")
        return opens(target, plan)

    channel.open = third_fails  # type: ignore[method-assign, assignment]  # a channel that runs out
    harness.engine.handle(Start(7, PLAN))
    (refused,) = of(harness, Refused)
    assert (refused.target, refused.reason, refused.message) == (7, "limit", "no more sockets")
    assert [flow.closed for flow in channel.flows] == [False, True, True]
    channel.refusal, channel.open = None, opens  # type: ignore[method-assign]  # there are some again
    harness.engine.handle(Start(7, PLAN))
    assert len(of(harness, Started)) == 3


def test_all_flows_count_as_targets_of_a_worker() -> None:
    harness = EngineHarness()
    for number in range(MOST_TARGETS // 64):
        harness.engine.handle(Start(number, msgspec.structs.replace(PLAN, flows=64)))
    harness.engine.take()
    harness.engine.handle(Start(9999, PLAN))
    assert [event.reason for event in of(harness, Refused)] == ["limit"]


def test_icmp_has_no_parallel_flows() -> None:
    harness = EngineHarness()
    harness.engine.handle(Start(7, Plan("192.0.2.80", 4, method="simulated", flows=2)))
    (refused,) = of(harness, Refused)
    assert refused.reason == "unsupported"
    assert "ICMP has none" in refused.message
