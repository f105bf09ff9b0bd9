"""Two losses on one path: which of them is named, how soon, and what each is an incident of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from tests.judge.rounds import each_round
from tests.judge.test_since import facts, second, way
from tests.path.network import TARGET, at

_BEGINS, _ENDS = 400, 650


def each(losses: Callable[[int], dict[int, float]], seed: int) -> list[Judged]:
    """What is judged after each round, where so much is lost on the link before a TTL."""
    return list(each_round(facts(900, lambda round_: way(loss=losses(round_)), seed), Judge(TARGET)))


def rounds_until_named(said: list[Judged], ttl: int) -> int:
    """After that at which the other loss began."""
    return next(i for i, judged in enumerate(said[_BEGINS:]) if judged.verdict.last_ttl == ttl)


@pytest.mark.parametrize("seed", [2, 3, 5, 6])
@pytest.mark.parametrize(
    ("less", "there", "more", "here"), [(0.05, 1, 0.3, 4), (0.1, 2, 0.4, 5), (0.05, 1, 0.2, 4), (0.05, 2, 0.3, 5)]
)
def test_a_graver_loss_that_begins_farther_on_is_named_within_a_minute_and_a_half(
    less: float, there: int, more: float, here: int, seed: int
) -> None:
    said = each(lambda round_: {there: less, here: more * (_BEGINS <= round_ < _ENDS)}, seed)
    assert rounds_until_named(said, here) < 90
    during = said[_ENDS - 50]
    assert (during.verdict.last_ttl, during.verdict.numbers.also_ttl) == (here, there)
    assert second(during) == pytest.approx(_BEGINS, abs=15)


@pytest.mark.parametrize("seed", [1, 4])
def test_a_graver_loss_that_begins_nearer_is_named_within_a_minute(seed: int) -> None:
    said = each(lambda round_: {5: 0.1, 2: 0.3 * (round_ >= _BEGINS)}, seed)
    assert rounds_until_named(said, 2) < 60


@pytest.mark.parametrize("seed", [2, 3, 5, 6])
def test_a_graver_loss_is_an_incident_of_its_own_beside_the_one_that_goes_on(seed: int) -> None:
    said = each(lambda round_: {2: 0.1, 5: 0.4 * (_BEGINS <= round_ < _ENDS)}, seed)
    less, more = said[-1].incidents
    assert (less.last_ttl, less.begin, less.end, less.times) == (2, at(0), None, 1)
    assert (more.last_ttl, more.times) == (5, 1)
    assert more.begin == pytest.approx(at(_BEGINS), abs=15e9)
    assert more.end == pytest.approx(at(_ENDS), abs=15e9)
    assert (said[-1].verdict.last_ttl, second(said[-1])) == (2, 0)
    assert "recovered" not in {judged.verdict.kind for judged in said}


@pytest.mark.parametrize("seed", [1, 4, 5, 6])
def test_a_loss_that_moves_is_said_at_its_new_place_within_a_minute(seed: int) -> None:
    said = each(lambda round_: {1 if round_ < _BEGINS else 4: 0.1 * (round_ >= 100)}, seed)
    assert rounds_until_named(said, 4) <= 60
