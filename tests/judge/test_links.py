"""Which link is bad, where flows meet several forks: the class of links is blamed whose flows lose most."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from hopscope.judge.links import Members, blamed, narrowed_slow, own_routers, score


def wide(count: int) -> Callable[[Random], Members]:
    """One fork."""
    return lambda rng: ((3, f"a{rng.randrange(count)}"),)


def stages(first: int, second: int, *, meshed: bool) -> Callable[[Random], Members]:
    """Two forks: the second right behind the first, all links crossing, or behind a router where all meet."""
    far = 4 if meshed else 5
    return lambda rng: ((3, f"a{rng.randrange(first)}"), (far, f"b{rng.randrange(second)}"))


NETWORKS = [
    ("4 wide", wide(4), 16),
    ("8 wide", wide(8), 38),
    ("4x4 meshed", stages(4, 4, meshed=True), 32),
    ("4-1-4, 32 flows", stages(4, 4, meshed=False), 32),
    ("4-1-4, 64 flows", stages(4, 4, meshed=False), 64),
    ("8-1-2", stages(8, 2, meshed=False), 51),
]


@pytest.mark.parametrize(("bad", "rest", "probes"), [(0.2, 0.01, 60), (0.05, 0.0, 200), (0.05, 0.01, 400)])
@pytest.mark.parametrize(("network", "flows"), [one[1:] for one in NETWORKS], ids=[one[0] for one in NETWORKS])
def test_the_flows_of_the_bad_router_are_blamed_and_no_others(
    network: Callable[[Random], Members], flows: int, bad: float, rest: float, probes: int
) -> None:
    for seed in range(15):
        rng = Random(seed)
        ways = [network(rng) for _ in range(flows)]
        place = rng.choice(rng.choice(ways))
        true = [flow for flow, way in enumerate(ways) if place in way]
        if len(true) == flows:
            continue
        counts = [
            (probes, sum(rng.random() < (bad if flow in true else rest) for _ in range(probes)))
            for flow in range(flows)
        ]
        worst = max(true, key=lambda flow: counts[flow][1])
        assert blamed(ways, [True] * flows, [worst], counts)[0] == true


def test_a_link_into_a_router_that_others_reach_by_other_links_is_blamed_by_its_two_ends() -> None:
    ways: list[Members] = [((2, first), (3, second)) for first in "abc" for second in "xyz"]
    counts = [(100, 40 if way == ((2, "a"), (3, "x")) else 1) for way in ways]
    assert blamed(ways, [True] * 9, [0], counts) == ([0], ((2, "a"), (3, "x")))


def test_links_in_a_row_that_carry_the_same_flows_are_one() -> None:
    ways: list[Members] = [((2, "a"), (3, "x")), ((2, "b"), (3, "y")), ((2, "b"), (3, "y"))]
    assert blamed(ways, [True] * 3, [0], [(50, 20), (50, 0), (50, 0)]) == ([0], ((1, None), (4, None)))


def test_two_bad_routers_are_both_blamed_and_the_stage_between_them_is_not() -> None:
    ways: list[Members] = [((3, f"a{one}"), (5, f"b{other}")) for one in range(4) for other in range(4)]
    bad = {(3, "a1"), (5, "b2")}
    counts = [(100, 40 if bad & set(way) else 1) for way in ways]
    named = [flow for flow, way in enumerate(ways) if bad & set(way)]
    assert blamed(ways, [True] * 16, named, counts) == (named, ())


def test_a_flow_of_which_the_way_is_not_known_explains_itself_alone() -> None:
    ways: list[Members] = [((3, "a"),), ((3, "b"),), ()]
    assert blamed(ways, [True, True, False], [2], [(50, 0), (50, 0), (50, 20)]) == ([2], ())


def test_the_score_is_of_what_loses_more_alone() -> None:
    counts = [(100, 20), (100, 1), (100, 1)]
    # 20 ln 0.2 + 80 ln 0.8 + 2 ln 0.01 + 198 ln 0.99 - 22 ln(22/300) - 278 ln(278/300)
    assert score(counts, {0}, range(3)) == pytest.approx(17.41, abs=0.01)
    assert score(counts, {1}, range(3)) == 0
    assert score(counts, {0, 1, 2}, range(3)) == 0


def test_a_router_that_others_meet_at_another_ttl_is_nobodys_own() -> None:
    short, long = ((2, "a"), (3, "join")), ((2, "b"), (3, "c"))
    assert own_routers([short], [long], {"b", "c", "join"}) == ((2, "a"),)


@pytest.mark.parametrize(
    ("theirs", "place"),
    [
        ({4: [45], 5: [50], 6: [55]}, (3, 4)),
        ({4: [5], 5: [50], 6: [55]}, (4, 5)),
        ({4: [5], 5: [10], 6: [55]}, (5, 6)),
        ({4: [5], 5: [10], 6: [15]}, (6, 7)),
        ({4: [5], 5: [], 6: [55]}, (4, 6)),
        ({4: [], 5: [], 6: []}, (3, 7)),
    ],
)
def test_a_slow_path_is_slow_from_the_first_of_its_routers_that_has_half_of_the_delay(
    theirs: dict[int, list[int]], place: tuple[int, int]
) -> None:
    own = {0: theirs, 1: {4: [5], 5: [10], 6: [15]}, 2: {4: [6], 5: [11], 6: [16]}}
    routers = ((4, "a"), (5, "b"), (6, "c"))
    assert narrowed_slow(lambda flow, ttl: own[flow][ttl], [0], [1, 2], routers, (), 40) == place
