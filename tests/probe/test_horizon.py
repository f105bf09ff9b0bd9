"""How far a path reaches, as a table of answers."""

from __future__ import annotations

import pytest

from hopscope.probe.horizon import Horizon, Part, part_of
from hopscope.wire.messages import Kind, Plan, Protocol

PLAN = Plan("192.0.2.1", 4, max_ttl=30, max_unknown=5)


def horizon(*answers: tuple[int, int, Part]) -> Horizon:
    """After answers of (ttl, round, part)."""
    made = Horizon(PLAN)
    for ttl, round_, part in answers:
        made.answered(ttl, round_, part)
    return made


@pytest.mark.parametrize(
    ("answers", "ttl"),
    [
        ((), 5),
        (((1, 0, "router"), (3, 0, "router")), 8),
        (((29, 0, "router"),), 30),
        (((1, 0, "router"), (4, 0, "target")), 4),
        (((4, 0, "target"), (6, 0, "target")), 4),
        (((4, 0, "target"), (6, 0, "router")), 11),  # a router answers from beyond
        (((4, 5, "target"), (6, 4, "router")), 4),  # but not one of an older round
        (((8, 0, "target"), (5, 1, "target")), 5),
        (((5, 3, "target"), (5, 2, "router")), 5),  # an older round says nothing new
        (((5, 3, "target"), (5, 4, "router")), 10),
        (((3, 0, "refusal"),), 8),  # in the first round it is looked at who is behind it
        (((3, 0, "refusal"), (4, 0, "refusal")), 8),
    ],
)
def test_the_horizon_is_where_the_target_answers_or_beyond_the_farthest_router(
    answers: tuple[tuple[int, int, Part], ...], ttl: int
) -> None:
    assert horizon(*answers).ttl == ttl


def test_each_miss_of_the_target_looks_one_hop_further_until_it_answers() -> None:
    made = horizon((4, 0, "target"))
    reached = []
    for _ in range(7):
        made.missed(4)
        made.begin_round()
        reached.append(made.ttl)
    assert reached == [5, 6, 7, 8, 9, 9, 9]
    made.answered(4, 8, "target")
    assert made.ttl == 4


def test_a_round_goes_no_farther_for_its_own_loss() -> None:
    made = horizon((4, 0, "target"))
    made.begin_round()
    made.missed(4)
    assert made.ttl == 4


def test_a_miss_before_the_target_says_nothing_of_the_paths_length() -> None:
    made = horizon((4, 0, "target"))
    made.missed(2)
    assert made.ttl == 4


@pytest.mark.parametrize("behind", ["router", "target"])
def test_a_refusal_ends_nothing_while_somebody_behind_it_answers(behind: Part) -> None:
    made = horizon((2, 0, "router"), (3, 0, "refusal"), (4, 0, "refusal"), (5, 0, behind))
    made.begin_round()
    far = made.ttl
    assert far >= 5
    for round_ in range(1, 9):
        made.missed(5)
        made.answered(3, round_, "refusal")
        made.answered(4, round_, "refusal")
        assert made.ttl >= far
    made.answered(5, 9, "refusal")
    assert (made.end, made.ttl) == (3, 5)  # it is looked at whether that is over
    made.answered(5, 10, behind)
    assert made.ttl == far


def test_whoever_refuses_farther_away_was_reached_past_those_who_refuse_nearer() -> None:
    """As where each refuses what expires at its own hop, and little is to be tried beyond the last answer."""
    made = Horizon(Plan("192.0.2.1", 4, first_ttl=2, max_unknown=1))
    tried = [made.ttl]
    for ttl in range(2, 9):
        made.answered(ttl, 0, "refusal", f"198.51.100.{ttl}")
        tried.append(made.ttl)
    made.answered(9, 0, "target", "192.0.2.1")
    assert tried == [2, 3, 4, 5, 6, 7, 8, 9]
    assert (made.end, made.ttl) == (9, 9)


@pytest.mark.parametrize("addresses", [("198.51.100.3",), ("198.51.100.3", "198.51.100.4")])
def test_behind_a_firewall_the_first_round_looks_a_few_hops_further_and_no_other_does(
    addresses: tuple[str, ...],
) -> None:
    """Balanced ones are one place, too."""
    made = horizon((1, 0, "router"), (2, 0, "router"))
    for ttl in range(3, 9):
        made.answered(ttl, 0, "refusal", addresses[ttl % len(addresses)])
        assert made.ttl <= 9
    made.begin_round()
    assert made.end == made.ttl
    assert made.ttl in (3, 4)


def test_where_a_firewall_refuses_everything_no_more_is_asked_than_before() -> None:
    """In its first round probes beyond the target reach it, too: that is no place of it."""
    made = horizon()
    for ttl in range(1, 9):
        made.answered(ttl, 0, "router" if ttl < 4 else "target")
    made.begin_round()
    assert (made.end, made.ttl) == (4, 4)
    for round_ in range(1, 12):
        for ttl in range(3, made.ttl + 1):
            made.answered(ttl, round_, "refusal")
    assert (made.end, made.ttl) == (3, 4)


@pytest.mark.parametrize(
    ("kind", "address", "protocol", "part"),
    [
        ("time-exceeded", "192.0.2.1", "icmp", "router"),
        ("fragmentation-needed", "198.51.100.1", "icmp", "router"),
        ("echo-reply", "198.51.100.1", "icmp", "target"),
        ("tcp-open", "192.0.2.1", "tcp", "target"),
        ("port-unreachable", "198.51.100.1", "udp", "target"),
        ("port-unreachable", "198.51.100.1", "icmp", "refusal"),
        ("prohibited", "198.51.100.1", "icmp", "refusal"),
        ("prohibited", "192.0.2.1", "icmp", "target"),
        ("prohibited", "fe80::1%eth0", "icmp", "refusal"),
        ("other", "198.51.100.1", "tcp", "refusal"),
    ],
)
def test_what_ends_a_path_is_an_answer_by_decision(kind: Kind, address: str, protocol: Protocol, part: Part) -> None:
    assert part_of(kind, address, Plan("192.0.2.1", 4, protocol=protocol)) == part
