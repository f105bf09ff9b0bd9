"""How far a path reaches, as a table of answers."""

from __future__ import annotations

import pytest

from hopscope.probe.horizon import ON_THE_WAY, Horizon
from hopscope.wire.messages import Kind, Plan

PLAN = Plan("192.0.2.1", 4, max_ttl=30, max_unknown=5)


def horizon(*answers: tuple[int, int, bool]) -> Horizon:
    """After answers of (ttl, round, ends)."""
    made = Horizon(PLAN)
    for ttl, round_, ends in answers:
        made.answered(ttl, round_, ends)
    return made


@pytest.mark.parametrize(
    ("answers", "ttl"),
    [
        ((), 5),
        (((1, 0, False), (3, 0, False)), 8),
        (((29, 0, False),), 30),
        (((1, 0, False), (4, 0, True)), 4),
        (((4, 0, True), (6, 0, True)), 4),
        (((4, 0, True), (6, 0, False)), 11),  # a router answers from beyond
        (((4, 5, True), (6, 4, False)), 4),  # but not one of an older round
        (((8, 0, True), (5, 1, True)), 5),
        (((5, 3, True), (5, 2, False)), 5),  # an older round says nothing new
        (((5, 3, True), (5, 4, False)), 10),
    ],
)
def test_the_horizon_is_where_the_target_answers_or_beyond_the_farthest_router(
    answers: tuple[tuple[int, int, bool], ...], ttl: int
) -> None:
    assert horizon(*answers).ttl == ttl


def test_each_miss_of_the_target_looks_one_hop_further_until_it_answers() -> None:
    made = horizon((4, 0, True))
    reached = []
    for _ in range(7):
        made.missed(4)
        reached.append(made.ttl)
    assert reached == [5, 6, 7, 8, 9, 9, 9]
    made.answered(4, 8, True)
    assert made.ttl == 4


def test_a_miss_before_the_target_says_nothing_of_the_paths_length() -> None:
    made = horizon((4, 0, True))
    made.missed(2)
    assert made.ttl == 4


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        ("time-exceeded", False),
        ("fragmentation-needed", False),
        ("echo-reply", True),
        ("prohibited", True),
        ("tcp-open", True),
    ],
)
def test_what_ends_a_path_is_an_answer_by_decision(kind: Kind, ends: bool) -> None:
    assert (kind not in ON_THE_WAY) is ends
