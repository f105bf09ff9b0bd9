"""Answers that come after the timeout now and then: one verdict in one place, for as long as they do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Verdict
from tests.judge.rounds import each_round
from tests.judge.test_judge import play
from tests.path.network import TARGET

HOPS = 6


def said(share: float, from_ttl: int, rounds: int, seed: int, until: int | None = None) -> Iterator[Verdict]:
    """After each round, where so many of the answers come late from a hop on."""
    rng = Random(seed)
    rows = [
        "".join(
            "l" if ttl >= from_ttl and i < (until or rounds) and rng.random() < share else "a" for i in range(rounds)
        )
        for ttl in range(1, HOPS + 1)
    ]
    return (judged.verdict for judged in each_round(play(rows), Judge(TARGET)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("from_ttl", "place"), [(1, (1, 1)), (4, (3, 4))])
@pytest.mark.parametrize("share", [0.05, 0.1])
def test_a_constant_share_of_late_answers_is_one_verdict_from_where_they_begin(
    share: float, from_ttl: int, place: tuple[int, int], seed: int
) -> None:
    verdicts = [verdict for verdict in said(share, from_ttl, 1200, seed) if verdict.kind != "starting"]
    first = next(i for i, verdict in enumerate(verdicts) if verdict.kind == "late")
    assert {verdict.kind for verdict in verdicts[first:]} == {"late"}
    places = [(verdict.first_ttl, verdict.last_ttl) for verdict in verdicts[first:]]
    assert places[-1] == place
    assert sum(before != after for before, after in pairwise(places)) <= 2


def test_it_is_over_two_minutes_after_the_last_one() -> None:
    kinds = [verdict.kind for verdict in said(0.2, 4, 500, 1, until=300)]
    assert kinds[299] == "late"
    assert "late" not in kinds[420:]


@pytest.mark.parametrize("seed", range(3))
def test_where_far_more_is_lost_than_comes_late_the_loss_is_said(seed: int) -> None:
    rng = Random(seed)
    rows = [
        "".join("x" if ttl >= 3 and rng.random() < 0.2 else "l" if rng.random() < 0.03 else "a" for _ in range(600))
        for ttl in range(1, HOPS + 1)
    ]
    kinds = [judged.verdict.kind for judged in each_round(play(rows), Judge(TARGET))]
    assert set(kinds[60:]) == {"loss"}
