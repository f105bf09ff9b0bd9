"""What is usual: the quietest of a long time, so that what grows slowly is said; and each hop's of the same rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Verdict
from tests.path.network import MS, TARGET, answered, at, begun, reached, sent

HOPS = 4
FLAT, GROWS = 1500, 5000
"""Rounds without a queue, and those after them in which it grows."""


def said(
    wait: Callable[[int], float], rounds: int, *, from_ttl: int = 3, other: int | None = None
) -> Iterator[Verdict]:
    """After each round, where packets wait so long (ms) from a hop on. `other`: from that round on another router
    answers at hop 2."""
    judge = Judge(TARGET)
    rng = Random(5)
    for round_ in range(rounds):
        judge.apply(begun(round_))
        for ttl in range(1, HOPS + 1):
            judge.apply(sent(round_, ttl))
            rtt = int((10 * ttl + rng.random() + (wait(round_) if ttl >= from_ttl else 0.0)) * MS)
            address = "203.0.113.2" if ttl == 2 and other is not None and round_ >= other else None
            judge.apply(reached(round_, ttl, rtt) if ttl == HOPS else answered(round_, ttl, rtt, address))
        yield judge.verdict()


def grows(round_: int) -> float:
    """By 40 ms, so slowly that eight minutes hardly show it, and back from one round to the next."""
    return 40.0 * max(0, round_ - FLAT) / GROWS if round_ < FLAT + GROWS else 0.0


def test_a_queue_that_grows_for_hours_is_said_from_what_was_usual_before_until_it_is_over() -> None:
    verdicts = list(said(grows, FLAT + GROWS + 200))
    assert {verdict.kind for verdict in verdicts[:FLAT]} == {"starting", "healthy"}
    full = verdicts[FLAT + GROWS - 1]
    assert (full.kind, full.first_ttl, full.last_ttl) == ("congestion", 2, 3)
    assert full.numbers.usual_ns == pytest.approx(40.5 * MS, abs=2 * MS)
    assert full.numbers.now_ns == pytest.approx(80.5 * MS, abs=2 * MS)
    begun_at = next(i for i, verdict in enumerate(verdicts) if verdict.is_trouble)
    assert {verdict.kind for verdict in verdicts[begun_at : FLAT + GROWS]} == {"congestion"}
    recovered = next(verdict for verdict in verdicts if verdict.kind == "recovered")
    assert recovered.since == at(FLAT + GROWS)


def test_what_grows_by_less_than_one_would_notice_is_healthy() -> None:
    assert {verdict.kind for verdict in said(lambda round_: 0.4 * grows(round_), FLAT + GROWS)} <= {
        "starting",
        "healthy",
    }


def test_another_route_need_not_be_as_quick_as_the_old_one_was_for_hours() -> None:
    half = FLAT + GROWS // 2
    verdicts = list(said(lambda round_: 0.7 * grows(round_), FLAT + GROWS, other=half - 400))
    assert {verdict.kind for verdict in verdicts} <= {"starting", "healthy"}


@pytest.mark.parametrize("from_ttl", [2, 3])
def test_what_is_slow_for_half_of_each_minute_begins_where_it_does_each_time(from_ttl: int) -> None:
    verdicts = said(lambda round_: 20.0 if round_ % 60 >= 30 else 0.0, 900, from_ttl=from_ttl)
    slow = {(verdict.first_ttl, verdict.last_ttl) for verdict in verdicts if verdict.is_trouble}
    assert slow == {(from_ttl - 1, from_ttl)}


def test_a_path_that_became_quicker_takes_what_it_takes_since_then() -> None:
    verdict = list(said(lambda round_: 40.0 if round_ < 300 else 0.0, 400))[-1]
    assert verdict.kind == "healthy"
    assert verdict.numbers.now_ns == pytest.approx(40.5 * MS, abs=MS)
