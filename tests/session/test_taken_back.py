"""A reset, another way of probing and a removal can be taken back for a minute, and nothing that was found is lost."""

from __future__ import annotations

import asyncio
import os
import signal

import msgspec
import pytest

from hopscope.path.snapshot import Path
from hopscope.session import targets
from hopscope.session.facts import Asked, Removed, SessionFact
from hopscope.session.former import KEPT_NS
from hopscope.session.model import Probing
from hopscope.session.replay import replay
from hopscope.session.session import Session
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Found, Paused, Reset, Resumed, TakenBack
from hopscope.wire.messages import Answered, Plan, RoundStarted, Sent, Started
from tests.session.test_session import SIMULATED, TARGET, until

S = 1_000_000_000
AT = 1_795_446_120 * S
PLAN = Plan(TARGET, 4)
STARTED = Started(1, "ping-socket", "192.0.2.1", None, None, 64, "one", "kernel")


def play(fold: TargetFold, first: int, rounds: int) -> None:
    """Rounds of one hop, a second each."""
    for round_ in range(first, first + rounds):
        at = AT + round_ * S
        fold.apply(RoundStarted(1, round_, at))
        fold.apply(Sent(1, round_, 1, at))
        fold.apply(Answered(1, round_, 1, at, 20_000_000 + round_, TARGET, "echo-reply"))


def begun(rounds: int = 40) -> TargetFold:
    fold = TargetFold(1, Asked(AT, TARGET, Probing()))
    for fact in (Found(AT, TARGET), Begun(AT, PLAN), STARTED):
        fold.apply(fact)
    play(fold, 0, rounds)
    return fold


def content(path: Path) -> Path:
    """All but the number of the version."""
    return msgspec.structs.replace(path, version=0)


def test_after_a_reset_is_taken_back_all_is_as_if_there_had_been_none() -> None:
    fold = begun()
    fold.apply(Reset(AT + 40 * S - 1))
    play(fold, 40, 20)
    assert fold.snapshot().path.rounds == 20
    fold.apply(TakenBack(AT + 60 * S))
    whole = begun(60).snapshot()
    assert content(fold.snapshot().path) == content(whole.path)
    assert fold.snapshot().judged == whole.judged
    assert fold.snapshot().path.version > 60 * 3
    for moment in (AT + 50 * S + S // 2, AT + 61 * S):
        then = fold.past.path(moment)
        assert then is not None
        assert content(then) == content(begun(min(60, (moment - AT) // S + 1)).snapshot().path)


def test_several_resets_are_taken_back_one_after_the_other() -> None:
    fold = begun(10)
    for round_ in (10, 20, 30):
        fold.apply(Reset(AT + round_ * S - 1))
        play(fold, round_, 10)
    seen = []
    for _ in range(4):
        fold.apply(TakenBack(AT + 40 * S))
        seen.append(fold.snapshot().path.rounds)
    assert seen == [20, 30, 40, 40]


def test_it_is_too_late_after_a_minute_and_nothing_is_kept_longer() -> None:
    fold = begun(10)
    at = AT + 10 * S - 1
    fold.apply(Reset(at))
    assert fold.taken_back(at + KEPT_NS) == TakenBack(at + KEPT_NS)
    assert fold.taken_back(at + KEPT_NS + 1) is None
    play(fold, 10, 60)
    assert fold.formers.kept
    play(fold, 70, 2)
    assert not fold.formers.kept
    fold.apply(TakenBack(AT + 80 * S))
    assert fold.snapshot().path.rounds == 62


def test_another_way_of_probing_is_taken_back_with_what_was_found_before_it() -> None:
    fold = begun(10)
    fold.apply(RoundStarted(1, 10, AT + 10 * S))
    fold.apply(Sent(1, 10, 1, AT + 10 * S))
    before = fold.snapshot()
    udp = Plan(TARGET, 4, "udp", port=33434)
    for fact in (Asked(AT + 11 * S, TARGET, Probing(protocol="udp")), Begun(AT + 11 * S, udp), STARTED):
        fold.apply(fact)
    play(fold, 0, 5)
    assert fold.snapshot().path.protocol == "udp"
    back = fold.taken_back(AT + 20 * S)
    assert back is not None
    assert back.plan == msgspec.structs.replace(PLAN, first_round=11)
    fold.apply(back)
    after = fold.snapshot()
    assert (after.state, after.plan, fold.probing) == ("starting", back.plan, Probing())
    assert after.path.rounds == before.path.rounds
    assert [hop.failed for hop in after.path.hops] == [1]
    then = fold.past.path(AT + 21 * S)
    assert then is not None
    assert content(then) == content(after.path)


def test_where_nothing_is_remembered_the_flow_that_is_told_of_is_begun() -> None:
    fold = begun(10)
    fold.apply(TakenBack(AT + 10 * S, PLAN))
    assert (fold.phase, fold.snapshot().path.rounds) == ("starting", 0)


async def test_a_session_takes_a_reset_and_another_protocol_back() -> None:
    facts: list[tuple[int, SessionFact]] = []
    async with Session([TARGET], SIMULATED, on_fact=lambda number, fact: facts.append((number, fact))) as session:
        await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 5)
        assert not session.take_back(1)
        session.reset(1)
        await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 2)
        assert session.take_back(1)
        rounds = session.snapshot().targets[0].path.rounds
        assert rounds >= 7
        session.restart(1, Probing(method="simulated", protocol="udp", interval_s=0.05))
        await until(
            session, lambda snapshot: snapshot.targets[0].path.protocol == "udp" and snapshot.targets[0].path.rounds > 1
        )
        assert session.take_back(1)
        snapshot = await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= rounds + 2)
        assert snapshot.targets[0].path.protocol == "icmp"
        assert snapshot.targets[0].state == "running"
        assert session.probing(1) == SIMULATED
        again = replay(facts)[1].snapshot()
        assert again.path == session.snapshot().targets[0].path


async def test_a_target_that_is_set_aside_comes_back_in_its_place_with_all_that_was_found() -> None:
    async with Session([TARGET, "192.0.2.81", "192.0.2.84"], SIMULATED) as session:
        before = await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 3)
        session.pause(2)
        session.set_aside(1)
        session.set_aside(2)
        assert [target.id for target in session.snapshot().targets] == [3]
        assert session.bring_back(2)
        assert session.bring_back(1)
        assert not session.bring_back(1)
        snapshot = await until(
            session, lambda snapshot: snapshot.targets[0].path.rounds >= before.targets[0].path.rounds + 2
        )
    assert [target.id for target in snapshot.targets] == [1, 2, 3]
    assert [target.state for target in snapshot.targets] == ["running", "paused", "running"]
    assert [mark.kind for mark in snapshot.targets[0].judged.marks] == ["pause"]


async def test_a_target_that_is_brought_back_goes_on_with_the_worker_that_came_meanwhile() -> None:
    async with Session([TARGET, "192.0.2.81"], SIMULATED) as session:
        before = await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 3)
        session.set_aside(1)
        assert session.worker_pid is not None
        os.kill(session.worker_pid, signal.SIGKILL)
        await until(session, lambda snapshot: snapshot.restarts == 1 and snapshot.worker == "running")
        assert session.bring_back(1)
        await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= before.targets[0].path.rounds + 2)


async def test_a_target_that_nobody_brings_back_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    facts: list[tuple[int, SessionFact]] = []
    monkeypatch.setattr(targets, "ASIDE_S", 0.05)
    async with Session([TARGET, "192.0.2.81"], SIMULATED, on_fact=lambda n, fact: facts.append((n, fact))) as session:
        await until(session, lambda snapshot: snapshot.targets[0].path.rounds >= 2)
        session.set_aside(1)
        async with asyncio.timeout(20):
            while not any(isinstance(fact, Removed) for _, fact in facts):
                await asyncio.sleep(0.01)
        assert not session.bring_back(1)
        kinds = [type(fact) for number, fact in facts if number == 1]
        assert kinds[-1] is Removed
        assert Paused in kinds
        assert Resumed not in kinds
        session.set_aside(2)
    assert [number for number, fact in facts if isinstance(fact, Removed)] == [1, 2]
