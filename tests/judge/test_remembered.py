"""What was usual in an earlier run is known from the first round on."""

from __future__ import annotations

import msgspec
import pytest

from hopscope.judge.judge import Judge
from hopscope.wire.facts import Remembered, UsualDelay
from hopscope.wire.messages import Event
from tests.judge.rounds import each_round
from tests.judge.test_delay_places import seldom
from tests.judge.test_since import facts, way
from tests.path.network import TARGET, answered, at, begun, reached, sent

HOPS = 3
MS = 1_000_000


def rounds(first: int, last: int, more_ns: int) -> list[Event]:
    """Rounds in which the target, and all behind the first hop, answer so much later than they usually do."""
    out: list[Event] = []
    for number in range(first, last):
        out.append(begun(number))
        for ttl in range(1, HOPS + 1):
            rtt = 5 * MS * ttl + 100_000 * (number % 3) + (more_ns if ttl > 1 else 0)
            out.append(sent(number, ttl))
            out.append(reached(number, ttl, rtt) if ttl == HOPS else answered(number, ttl, rtt))
    return out


def judge_of(events: list[Event], usual: tuple[UsualDelay, ...] = ()) -> Judge:
    judge = Judge(TARGET)
    if usual:
        judge.apply(Remembered(at(0), usual))
    for event in events:
        judge.apply(event)
    return judge


@pytest.fixture
def usual() -> tuple[UsualDelay, ...]:
    return judge_of(rounds(0, 120, 0)).usual_delays()


def test_what_was_slow_from_the_start_is_known_to_be_slow(usual: tuple[UsualDelay, ...]) -> None:
    slow = rounds(0, 25, 60 * MS)
    assert judge_of(slow).judged().verdict.kind == "healthy"
    verdict = judge_of(slow, usual).judged().verdict
    assert verdict.is_trouble
    assert verdict.numbers.usual_ns == pytest.approx(15 * MS, abs=MS)
    assert verdict.numbers.now_ns == pytest.approx(75 * MS, abs=MS)
    assert verdict.since is None  # it was so before this run began


def test_where_it_was_slow_from_the_start_is_not_settled_while_few_routers_have_answered() -> None:
    before = Judge(TARGET)
    for fact in facts(120, lambda i: way(), 1):
        before.apply(fact)
    judge = Judge(TARGET)
    judge.apply(Remembered(at(0), before.usual_delays()))
    slow = (seldom(fact, (1, 2, 3, 4, 5)) for fact in facts(60, lambda i: way(ms={4: 43.0}), 1))
    said = [judged.verdict for judged in each_round(slow, judge)]
    places = [(verdict.first_ttl, verdict.last_ttl) for verdict in said if verdict.kind == "detour"]
    assert (places[0], places[-1]) == ((0, 6), (3, 4))
    assert said[-1].since is None


def test_what_gets_slow_soon_after_the_start_has_its_moment(usual: tuple[UsualDelay, ...]) -> None:
    slow = [*rounds(0, 12, 0), *rounds(12, 40, 60 * MS)]
    verdict = judge_of(slow, usual).judged().verdict
    assert verdict.is_trouble
    assert verdict.since == at(12)


def test_what_is_as_ever_is_healthy_from_the_third_round_on(usual: tuple[UsualDelay, ...]) -> None:
    for count in range(4, 200):
        assert judge_of(rounds(0, count, 0), usual).judged().verdict.kind == "healthy"


def test_memories_that_no_judge_had_are_ignored() -> None:
    odd = (
        UsualDelay(-1, 1.0, 1.0, 1.0, 1.0),
        UsualDelay(0, float("nan"), 1.0, 1.0, 1.0),
        UsualDelay(0, float("inf"), 1.0, 1.0, 1.0),
        UsualDelay(0, -5.0, 1.0, 1.0, 1.0),
        UsualDelay(300, 1.0, 1.0, 1.0, 1.0),
    )
    assert judge_of(rounds(0, 40, 0), odd * 1000).judged() == judge_of(rounds(0, 40, 0)).judged()


def test_it_is_a_fact_that_can_be_recorded(usual: tuple[UsualDelay, ...]) -> None:
    fact = Remembered(at(0), usual)
    assert msgspec.json.decode(msgspec.json.encode(fact), type=Remembered) == fact
