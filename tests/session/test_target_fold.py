"""What phase a target is in: a table, by the phase before and the fact."""

from __future__ import annotations

import asyncio
from typing import get_args

import msgspec
import pytest

from hopscope.session.facts import Asked, SessionFact, TargetFact
from hopscope.session.model import Probing
from hopscope.session.phases import PHASES, Phase
from hopscope.session.replay import replay
from hopscope.session.session import Session
from hopscope.session.target_fold import IllegalFact, TargetFold
from hopscope.wire.facts import Begun, Continued, Found, Paused, Reset, Resumed, Unresolved
from hopscope.wire.messages import Answered, Event, Finished, Lost, Plan, Refused, RoundStarted, Sent, Started

TARGET = "192.0.2.80"
PLAN = Plan(TARGET, 4)
STARTED = Started(1, "ping-socket", "192.0.2.1", None, None, 64, "one", "kernel")
REFUSED = Refused(1, "no-route", "no route")
NO_NAME = Unresolved(0, "no such name")
TO: dict[Phase, tuple[TargetFact, ...]] = {
    "resolving": (),
    "unresolved": (NO_NAME,),
    "starting": (Begun(0, PLAN),),
    "running": (Begun(0, PLAN), STARTED),
    "finished": (Begun(0, PLAN), STARTED, Finished(1, 3)),
    "refused": (Begun(0, PLAN), REFUSED),
}
"""How a target comes into each phase."""


def fold(*facts: TargetFact) -> TargetFold:
    made = TargetFold(1, Asked(0, TARGET, Probing()))
    for fact in facts:
        made.apply(fact)
    return made


@pytest.mark.parametrize("phase", TO)
def test_each_phase_is_come_to(phase: Phase) -> None:
    assert fold(*TO[phase]).phase == phase


@pytest.mark.parametrize(
    ("phase", "fact", "after"),
    [
        ("unresolved", Found(0, TARGET), "unresolved"),
        ("unresolved", Begun(0, PLAN), "starting"),
        ("starting", REFUSED, "refused"),
        ("refused", Continued(0, PLAN), "refused"),
        ("refused", STARTED, "running"),
        ("running", Continued(0, PLAN), "running"),
        ("running", REFUSED, "refused"),
        ("finished", Lost(1, 0, 1, 0), "finished"),
        ("finished", Asked(0, TARGET, Probing(tos=8)), "resolving"),
    ],
)
def test_a_fact_leads_on(phase: Phase, fact: TargetFact, after: Phase) -> None:
    made = fold(*TO[phase])
    made.apply(fact)
    assert made.phase == after


@pytest.mark.parametrize(
    ("phase", "fact"),
    [
        ("resolving", STARTED),
        ("resolving", Sent(1, 0, 1, 0)),
        ("starting", NO_NAME),
        ("finished", REFUSED),
        ("finished", Begun(0, PLAN)),
        ("refused", Finished(1, 3)),
    ],
)
def test_a_fact_that_cannot_be_changes_nothing(phase: Phase, fact: TargetFact) -> None:
    made = fold(*TO[phase])
    before = made.snapshot()
    with pytest.raises(IllegalFact, match=f"{type(fact).__name__} of a target that is {phase}"):
        made.apply(fact)
    assert made.snapshot() is before


def test_every_event_that_names_a_target_has_its_place_in_the_table() -> None:
    for kind in get_args(Event):
        if "target" in kind.__struct_fields__ and kind.__name__ != "Stopped":
            assert kind in PHASES, kind


@pytest.mark.parametrize("phase", TO)
def test_a_pause_is_seen_while_it_runs_and_kept_in_every_phase(phase: Phase) -> None:
    made = fold(*TO[phase], Paused(0))
    assert made.state == ("paused" if phase == "running" else phase)
    made.apply(Resumed(0))
    assert made.state == phase


def test_a_reset_counts_nothing_that_was_sent_before() -> None:
    at = 10**18
    made = fold(*TO["running"], RoundStarted(1, 0, at), Sent(1, 0, 1, at), Reset(at + 5))
    made.apply(Answered(1, 0, 1, at, 1000, TARGET, "echo-reply"))
    assert made.snapshot().path.hops == ()


async def test_a_sessions_facts_replayed_are_its_snapshots() -> None:
    facts: list[tuple[int, SessionFact]] = []
    probing = Probing(method="simulated", rounds=4, interval_s=0.1, timeout_s=0.3)
    session = Session([TARGET, "nowhere.invalid"], probing, on_fact=lambda number, fact: facts.append((number, fact)))
    async with session:
        async with asyncio.timeout(10):
            while not session.snapshot().targets[0].path.reached:
                await session.changed(session.version)
            session.pause(1)
            session.resume(1)
            session.adjust(1, max_unknown=3)
            session.reset(1)
            await session.finished()
        seen = session.snapshot().targets
    again = replay(facts)
    assert tuple(again[target.id].snapshot() for target in seen) == seen
    decoded = msgspec.json.decode(msgspec.json.encode([fact for _, fact in facts if isinstance(fact, Begun)]))
    assert [fact["type"] for fact in decoded] == ["begun"]


# --- windows and the past ------------------------------------------------------------------------------------------

_S = 1_000_000_000
_EPOCH = 1_700_000_000 * _S


def probed(first: int, rounds: int) -> list[TargetFact]:
    """Rounds a second apart, in which one hop answers."""
    facts: list[TargetFact] = []
    for round_ in range(first, first + rounds):
        at = _EPOCH + round_ * _S
        facts += [RoundStarted(1, round_, at), Sent(1, round_, 1, at)]
        facts.append(Answered(1, round_, 1, at, 10_000_000 + round_, TARGET, "echo-reply", 0, 0, 60))
    return facts


def test_a_targets_numbers_can_be_over_a_window() -> None:
    running = fold(Begun(_EPOCH, PLAN), STARTED, *probed(0, 600))
    now = _EPOCH + 600 * _S
    whole = running.snapshot(now=now).path
    last = running.snapshot(window="60s", now=now).path
    assert (whole.numbers.name, whole.hops[0].sent) == ("start", 600)
    assert (last.numbers.name, last.numbers.begin, last.hops[0].sent) == ("60s", now - 60 * _S, 60)
    assert last.target is not None
    assert (last.target.sent, last.hops[0].window) == (60, whole.hops[0].window)
    assert running.snapshot(window="60s", now=now) is running.snapshot(window="60s", now=now)


def test_a_past_moment_of_another_flow_is_gone_back_to() -> None:
    """What was asked for in another way later on hides nothing of what was before."""
    running = fold(Begun(_EPOCH, PLAN), STARTED, *probed(0, 50))
    then = running.snapshot().path
    again = msgspec.structs.replace(PLAN, tos=8, first_round=50)
    for fact in (Asked(0, TARGET, Probing(tos=8)), Begun(_EPOCH + 50 * _S, again), STARTED, *probed(50, 20)):
        running.apply(fact)
    assert running.snapshot().path.rounds == 20
    found = running.past.path(_EPOCH + 49 * _S + 20_000_000)
    assert found is not None
    assert (found.rounds, found.hops) == (50, then.hops)


def test_a_copy_of_a_target_has_the_same_past() -> None:
    running = fold(Begun(_EPOCH, PLAN), STARTED, *probed(0, 400))
    twin = running.copy()
    for fact in probed(400, 10):
        running.apply(fact)
    moment = _EPOCH + 300 * _S
    assert twin.past.path(moment) == running.past.path(moment)
    assert twin.path.snapshot().rounds == 400
