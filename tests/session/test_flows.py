"""A target's parallel flows are paths of their own beside the first one's."""

from __future__ import annotations

import pytest

from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.plans import plan_of
from hopscope.session.replay import replay
from hopscope.session.report import report
from hopscope.session.target_fold import TargetFold
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import Abandoned, Begun, Reset
from hopscope.wire.messages import Answered, Finished, Lost, RoundStarted, Sent, Started

MS = 1_000_000
SECOND = 1000 * MS
EPOCH = 1_700_000_000 * SECOND
TARGET = "192.0.2.80"


def facts(rounds: int, flows: int = 3, bad: int = 1) -> list[object]:
    """Two hops; the flow `bad` loses every other probe of the target."""
    probing = Probing(method="simulated", protocol="udp", flows=flows)
    told: list[object] = [Asked(EPOCH, TARGET, probing), Begun(EPOCH, plan_of(probing, TARGET))]
    for flow in range(flows):
        told.append(Started(1, "simulated", "10.0.0.1", 20_000 + flow, 33434, 64, "one", "kernel", number=flow))
    for round_ in range(rounds):
        at = EPOCH + round_ * SECOND
        told.append(RoundStarted(1, round_, at))
        for flow in range(flows):
            for ttl, address in ((1, f"198.51.100.{flow}"), (2, TARGET)):
                told.append(Sent(1, round_, ttl, at + flow, flow))
                if ttl == 2 and flow == bad and round_ % 2:
                    told.append(Lost(1, round_, ttl, at + flow, flow))
                    continue
                kind = "port-unreachable" if ttl == 2 else "time-exceeded"
                told.append(Answered(1, round_, ttl, at + flow, (5 + flow) * MS, address, kind, 3, 3, flow=flow))  # type: ignore[arg-type]  # one of the two
    return told


def folded(told: list[object]) -> TargetFold:
    (fold,) = replay([(1, fact) for fact in told]).values()  # type: ignore[misc]  # facts
    return fold


def test_the_report_has_each_flow_with_its_port_and_what_became_of_its_probes() -> None:
    made = report(folded(facts(10)).snapshot(), now=EPOCH, host="box")
    assert [(flow.flow, flow.source_port, flow.port) for flow in made.flows] == [
        (0, 20_000, 33434),
        (1, 20_001, 33434),
        (2, 20_002, 33434),
    ]
    assert [(flow.sent, flow.received, flow.lost) for flow in made.flows] == [(10, 10, 0), (10, 5, 5), (10, 10, 0)]
    assert [flow.rtt_ms.median for flow in made.flows if flow.rtt_ms is not None] == [5, 6, 7]


def test_the_report_has_the_paths_that_the_flows_take_and_says_which_is_bad() -> None:
    made = report(folded(facts(140)).snapshot(), now=EPOCH, host="box")
    assert [(path.members, path.flows, path.state) for path in made.paths] == [
        ({"1": "198.51.100.0"}, (0,), "ok"),
        ({"1": "198.51.100.1"}, (1,), "bad"),
        ({"1": "198.51.100.2"}, (2,), "ok"),
    ]
    assert [flow.path for flow in made.flows] == [0, 1, 2]
    assert (made.paths[1].sent, made.paths[1].lost, made.paths[1].loss_pct) == (140, 70, 50.0)
    assert made.paths[1].share_pct == pytest.approx(100 / 3, abs=1e-4)
    assert made.paths[1].confidence >= 0.99
    assert made.note == (
        "1 of 3 flows lose 50 %, by 198.51.100.1 (hop 1), the others 0 %: one of several links is bad, there or back"
        " (source ports 20001)"
    )


def test_hops_target_series_and_verdict_are_the_first_flows() -> None:
    made = report(folded(facts(60)).snapshot(), now=EPOCH, host="box")
    assert [hop.sent for hop in made.hops] == [60, 60]
    assert [node.address for node in made.hops[0].nodes] == ["198.51.100.0"]
    assert made.target_series.lost == 0
    assert made.verdict.kind == "healthy"


def test_one_flow_is_a_list_of_one() -> None:
    made = report(folded(facts(4, flows=1)).snapshot(), now=EPOCH, host="box")
    assert [(flow.flow, flow.sent) for flow in made.flows] == [(0, 4)]


def test_before_anything_stands_there_is_none() -> None:
    made = report(folded(facts(0)[:2]).snapshot(), now=EPOCH, host="box")
    assert made.flows == ()


def test_a_reset_and_a_dead_worker_are_for_all_flows() -> None:
    fold = folded(facts(6))
    fold.apply(Reset(EPOCH + 10 * SECOND))
    assert [flow.path.rounds for flow in fold.snapshot().flows] == [0, 0]
    fold.apply(RoundStarted(1, 6, EPOCH + 11 * SECOND))
    fold.apply(Sent(1, 6, 2, EPOCH + 11 * SECOND, 2))
    fold.apply(Abandoned(EPOCH + 12 * SECOND, "gone"))
    (_, last) = fold.snapshot().flows
    assert [hop.failed for hop in last.path.hops] == [0, 1]


def test_the_last_round_counts_when_all_is_over() -> None:
    fold = folded([*facts(3), Finished(1, 3)])
    assert [flow.path.target.received for flow in fold.snapshot().flows if flow.path.target] == [2, 3]


def test_a_copy_goes_on_by_itself() -> None:
    fold = folded(facts(4))
    twin = fold.copy()
    twin.apply(Reset(EPOCH + 10 * SECOND))
    assert [flow.path.target.sent for flow in fold.snapshot().flows if flow.path.target] == [4, 4]


def test_once_one_path_is_left_no_other_flow_vouches_for_a_target_that_is_silent() -> None:
    """The parallel paths were there, and are gone: what they told of the target is no news of it."""
    fold = folded(facts(40, bad=-1))
    fold.apply(Discovered(1, EPOCH + 40 * SECOND, "none", 1, 0.05, 40, 8, True, (), (), (0,)))
    for round_ in range(40, 100):
        at = EPOCH + round_ * SECOND
        fold.apply(RoundStarted(1, round_, at))
        for ttl in (1, 2):
            fold.apply(Sent(1, round_, ttl, at))
            fold.apply(Lost(1, round_, ttl, at))
    assert fold.snapshot().judged.verdict.kind == "outage"
