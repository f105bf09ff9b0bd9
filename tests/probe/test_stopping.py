"""After how many flows to stop: against exact enumeration, and the table that Veitch's rule is known by."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import pytest

from hopscope.probe.stopping import at_each_hop, missed, stopping_points

AT_5 = (6, 11, 16, 21, 27, 33, 39, 45, 51, 57, 63, 70, 76, 83, 90, 96)
AT_1 = (8, 15, 21, 28, 36, 43, 51, 58, 66, 74, 82, 90, 98, 106, 115)
SPLIT_5 = (9, 17, 24, 32, 40, 48, 56, 65)
SPLIT_1 = (12, 20, 30, 39, 49, 59, 68, 79)


def enumerated(stops: Sequence[int], members: int) -> Fraction:
    """The share of all sequences of flows after which one stops with fewer than all `members` seen."""

    @cache
    def left(flows: int, seen: int) -> Fraction:
        if seen == members:
            return Fraction(0)
        if seen and flows >= stops[seen - 1]:
            return Fraction(1)
        again = Fraction(seen, members)
        found = (1 - again) * left(flows + 1, seen + 1)
        return found + (again * left(flows + 1, seen) if seen else 0)

    return left(0, 0)


@pytest.mark.parametrize(
    ("alpha", "points"),
    [(0.05, AT_5), (0.01, AT_1), (at_each_hop(0.05, 11), SPLIT_5), (at_each_hop(0.01, 11), SPLIT_1)],
)
def test_the_points_are_those_of_the_sequential_rule(alpha: float, points: tuple[int, ...]) -> None:
    assert stopping_points(alpha, points[-1]) == points


@pytest.mark.parametrize(("stops", "probability"), [((6,), 0.03125), ((6, 11), 0.03771), ((6, 11, 16), 0.04239)])
def test_the_worked_probabilities(stops: tuple[int, ...], probability: float) -> None:
    assert missed(AT_5, len(stops), stops[-1]) == pytest.approx(probability, abs=5e-6)


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.005, 0.2])
@pytest.mark.parametrize("members", range(2, 7))
def test_the_probability_of_a_stop_too_early_is_the_enumerated_one(alpha: float, members: int) -> None:
    points = stopping_points(alpha, 90)[: members - 1]
    exact = enumerated(points, members)
    assert missed(points, members - 1, points[-1]) == pytest.approx(float(exact), rel=1e-9)
    assert exact <= alpha


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_no_point_is_later_than_it_has_to_be(alpha: float) -> None:
    points = stopping_points(alpha, 30)
    for place in range(len(points)):
        earlier = [*points[:place], points[place] - 1]
        is_last = points[place] - 1 <= (points[place - 1] if place else 0)
        assert is_last or enumerated(earlier, place + 2) > alpha


def test_fewer_flows_than_the_rule_asks_for_miss_more() -> None:
    assert missed(SPLIT_5, 8, 64) == pytest.approx(0.0047, abs=2e-4)
    assert missed(AT_5, 3, 4) == float(enumerated((4, 4, 4), 4))
    assert missed(AT_5, 1, 1) == 1.0


def test_no_more_points_than_there_are_flows() -> None:
    assert stopping_points(0.05, 20) == (6, 11, 16)
    assert stopping_points(0.05, 5) == ()


def test_the_error_is_split_over_the_hops() -> None:
    each = at_each_hop(0.05, 11)
    assert 1 - (1 - each) ** 11 == pytest.approx(0.05)
    assert at_each_hop(0.05, 1) == at_each_hop(0.05, 0) == pytest.approx(0.05)
