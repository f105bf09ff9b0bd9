"""Routers that limit how often they answer beside a link that loses packets: a limit is no beginning of the loss."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

import pytest

from hopscope.judge.hop_series import ANSWERED, LOST, NONE, HopSeries
from hopscope.judge.limits import gaps, is_limit
from hopscope.judge.verdict import Verdict
from tests.judge.test_judge import judge_of, verdict_of

HOPS = 6


def limited_rows(
    rng: Random, limited: Collection[int], place: int, share: float, rate: float, rounds: int = 300, burst: float = 6.0
) -> list[str]:
    """From the hop at `place` on the share is lost; those that are `limited` answer `rate` probes a round at most after
    a burst: a token bucket, as Linux has. The last hop is the target."""
    rows = []
    for hop in range(1, HOPS + 1):
        tokens, row = burst, ""
        for _ in range(rounds):
            tokens = min(burst, tokens + rate)
            is_lost = hop >= place and rng.random() < share
            if not is_lost and hop in limited:
                is_lost = tokens < 1
                tokens -= not is_lost
            row += "x" if is_lost else "a"
        rows.append(row)
    return rows


def widest(limited: Collection[int], place: int) -> tuple[int, int]:
    """From the last hop before the place that has no limit (0: none) to the first behind it that has none."""
    before = [hop for hop in range(1, place) if hop not in limited]
    return max(before, default=0), min(hop for hop in range(place, HOPS + 1) if hop not in limited)


@pytest.mark.parametrize("seed", [7])
@pytest.mark.parametrize(("rate", "share"), [(0.5, 0.1), (0.5, 0.3), (0.3, 0.1), (0.7, 0.05), (0.9, 0.1)])
@pytest.mark.parametrize(
    ("limited", "place"),
    [
        ((1, 2, 3, 4, 5), 1),
        ((1, 2, 3, 4, 5), 3),
        ((1, 2, 3, 4, 5), 6),
        ((1, 2), 3),
        ((2, 3, 4, 5), 5),
        ((4, 5), 3),
        ((4, 5), 6),
        ((2, 4), 3),
    ],
)
def test_a_loss_beside_limits_is_placed_between_hops_that_have_none(
    limited: Sequence[int], place: int, rate: float, share: float, seed: int
) -> None:
    verdict = verdict_of(limited_rows(Random(seed), limited, place, share, rate))
    assert verdict.kind == "loss"
    first, last = verdict.first_ttl, verdict.last_ttl
    assert first is not None
    assert last is not None
    assert first < place <= last or (first, place, last) == (1, 1, 1)
    assert widest(limited, place)[0] <= first
    assert last <= widest(limited, place)[1]


def test_where_all_routers_limit_it_is_not_in_ones_own_network() -> None:
    verdict = verdict_of(limited_rows(Random(1), range(1, HOPS), 3, 0.1, 0.5))
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 0, HOPS)


def test_a_hop_that_loses_less_than_goes_on_bounds_it_though_it_limits() -> None:
    verdict = verdict_of(limited_rows(Random(1), (3,), 5, 0.4, 0.95))
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 4, 5)
    rows = limited_rows(Random(1), (3,), 5, 0.4, 0.95)
    rows[3] = "x" * 300  # the hop before it never answers
    verdict = verdict_of(rows)
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 3, 5)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_limit_a_loss_has_one_place(seed: int) -> None:
    verdict = verdict_of(limited_rows(Random(seed), (), 3, 0.1, 1.0))
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 2, 3)


def test_a_limits_losses_come_at_even_distances_and_those_by_chance_hardly_ever() -> None:
    for rate in (0.3, 0.5, 0.7, 0.9, 0.97):
        assert is_limit(gaps(_column(limited_rows(Random(0), (1,), HOPS, 0.0, rate)[0]), 0))
    wrong = sum(
        is_limit(gaps(_column(limited_rows(Random(seed), (), 1, share, 1.0, rounds)[0]), 0))
        for seed in range(100)
        for share in (0.03, 0.1, 0.3, 0.5)
        for rounds in (30, 100, 300)
    )
    assert wrong <= 6


def test_distances_are_counted_in_probes_whose_fate_is_known() -> None:
    column = _column("aaxaaxa-axax")
    assert gaps(column, 0) == [3, 3, 2]
    assert gaps(column, 3) == [3, 2]
    assert gaps(_column("axxaxxaxx"), 0) == [3]
    assert gaps(_column("aaaa"), 0) == []


def _column(row: str) -> HopSeries:
    column = HopSeries(1, 0)
    for letter in row:
        column.put({"a": ANSWERED, "x": LOST, "-": NONE}[letter])
    return column


def _share(rows: list[str]) -> tuple[Verdict, float]:
    verdict = verdict_of(rows)
    return verdict, verdict.numbers.lost / max(1, verdict.numbers.sent)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rate", "share"), [(0.3, 0.05), (0.3, 0.2), (0.3, 0.4), (0.5, 0.1), (0.5, 0.2), (0.7, 0.05)])
@pytest.mark.parametrize(("limited", "place"), [((), 1), ((), 3), ((2,), 3)])
def test_a_loss_before_a_target_that_limits_has_its_own_place_and_share(
    limited: Sequence[int], place: int, rate: float, share: float, seed: int
) -> None:
    verdict, lost = _share(limited_rows(Random(seed), (*limited, HOPS), place, share, rate))
    first, last = verdict.first_ttl, verdict.last_ttl
    assert verdict.kind == "loss"
    assert first is not None
    assert last is not None
    assert first < place <= last or (first, place, last) == (1, 1, 1)
    assert last < HOPS
    assert 0.6 * share < lost < 1.7 * share
    assert [note.kind for note in verdict.notes][-2:] == ["target-limits", "stand-in"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("place", "share"), [(3, 0.1), (3, 0.4), (HOPS, 0.2), (HOPS, 0.6)])
def test_where_the_target_does_not_limit_nobody_stands_in_for_it(place: int, share: float, seed: int) -> None:
    verdict, lost = _share(limited_rows(Random(seed), (), place, share, 1.0))
    assert verdict.kind == "loss"
    assert 0.7 * share < lost < 1.4 * share
    assert "stand-in" not in [note.kind for note in verdict.notes]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7])
def test_a_router_that_loses_answers_by_chance_before_a_target_that_limits_is_no_loss(rate: float, seed: int) -> None:
    rng = Random(seed)
    rows = limited_rows(rng, (HOPS,), HOPS + 1, 0.0, rate)
    rows[3] = "".join("x" if rng.random() < 0.2 else "a" for _ in rows[3])
    assert verdict_of(rows).kind == "healthy"


def test_what_a_target_leaves_out_by_its_limit_is_not_in_the_incident() -> None:
    judge = judge_of(limited_rows(Random(3), (HOPS,), 3, 0.2, 0.5, 600))
    (incident,) = judge.judged().incidents
    assert incident.stand_in == HOPS - 1
    assert 0.15 < incident.lost / incident.sent < 0.25
    assert incident.sent > 500
