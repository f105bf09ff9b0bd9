"""A queue that was there from the first round: no quiet time tells of it, but round trips that swing do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Verdict
from tests.path.network import MS, TARGET, answered, at, begun, reached, sent

HOPS = 8
Wait = Callable[[Random, int], float]
"""How long (ms) a packet of a round waits."""


def said(wait: Wait, from_ttl: int, rounds: int = 150, hops: int = HOPS) -> list[Verdict]:
    """After each round, where packets wait from a hop on; hops 1 and 2 are private."""
    judge = Judge(TARGET)
    rng = Random(3)
    private = {1: "192.168.1.1", 2: "192.168.1.2"}
    out = []
    for round_ in range(rounds):
        judge.apply(begun(round_))
        for ttl in range(1, hops + 1):
            judge.apply(sent(round_, ttl))
            rtt = int((3 * ttl + rng.random() + (wait(rng, round_) if ttl >= from_ttl else 0.0)) * MS)
            judge.apply(reached(round_, ttl, rtt) if ttl == hops else answered(round_, ttl, rtt, private.get(ttl)))
        out.append(judge.judged().verdict)
    return out


def swings(rng: Random, round_: int) -> float:
    return rng.uniform(0, 150)


@pytest.mark.parametrize(
    ("from_ttl", "kind", "place"), [(1, "local-network", (1, 1)), (3, "bufferbloat", (2, 3)), (6, "congestion", (5, 6))]
)
def test_a_queue_of_the_first_round_is_named_by_where_it_begins_and_stays(
    from_ttl: int, kind: str, place: tuple[int, int]
) -> None:
    verdicts = said(swings, from_ttl, rounds=1200)
    assert {(verdict.kind, verdict.first_ttl, verdict.last_ttl) for verdict in verdicts[70:]} == {(kind, *place)}
    assert sum(before.kind != after.kind for before, after in pairwise(verdicts)) == 2


def test_its_numbers_are_those_between_which_round_trips_swing() -> None:
    numbers = said(swings, 3)[-1].numbers
    assert numbers.usual_ns is None
    assert numbers.quick_ns == pytest.approx((24 + 15) * MS, abs=12 * MS)
    assert numbers.slow_ns == pytest.approx((24 + 135) * MS, abs=12 * MS)


def test_a_neighbour_whose_answers_swing_tells_of_the_network_between() -> None:
    verdict = said(swings, 1, hops=1)[-1]
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("local-network", 1, 1)


def test_when_the_queue_is_gone_it_has_ended_in_that_round() -> None:
    verdicts = said(lambda rng, round_: swings(rng, round_) if round_ < 200 else 0.0, 3, rounds=400)
    assert verdicts[199].kind == "bufferbloat"
    recovered = next(verdict for verdict in verdicts if verdict.kind == "recovered")
    assert at(195) <= (recovered.since or 0) <= at(200)
    assert verdicts[-1].kind == "healthy"


@pytest.mark.parametrize(
    ("wait", "from_ttl"),
    [
        pytest.param(swings, HOPS, id="the-target-alone"),
        pytest.param(lambda rng, round_: rng.choice((0.0, 150.0)), 3, id="packets-by-turns-on-two-ways"),
        pytest.param(lambda rng, round_: 150.0 * (round_ % 1000 < 100), 3, id="another-level"),
        pytest.param(lambda rng, round_: rng.expovariate(1 / 20), 3, id="a-mobile-line"),
    ],
)
def test_what_swings_for_another_reason_is_no_queue(wait: Wait, from_ttl: int) -> None:
    assert {verdict.kind for verdict in said(wait, from_ttl, rounds=400)} == {"starting", "healthy"}


def test_swings_that_grow_from_hop_to_hop_begin_at_no_place() -> None:
    judge = Judge(TARGET)
    rng = Random(4)
    for round_ in range(300):
        judge.apply(begun(round_))
        for ttl in range(1, HOPS + 1):
            judge.apply(sent(round_, ttl))
            rtt = int((3 * ttl + sum(rng.uniform(0, 50) for _ in range(ttl - 1))) * MS)
            judge.apply(reached(round_, ttl, rtt) if ttl == HOPS else answered(round_, ttl, rtt))
    assert judge.judged().verdict.kind == "healthy"
