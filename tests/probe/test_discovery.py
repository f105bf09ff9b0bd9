"""Which parallel paths there are: what a discovery asks, when it stops, and what it says then."""

from __future__ import annotations

from collections import Counter
from statistics import mean

import pytest

from hopscope.probe.alternation import Alternation
from hopscope.probe.discovery import AT_ONCE, PER_SECOND, Discovery
from hopscope.probe.found_paths import found_paths
from hopscope.probe.parallel import MOST_FLOWS
from hopscope.probe.stopping import at_each_hop, missed, stopping_points
from hopscope.wire.discovered import Discovered
from tests.probe.searching import MS, SECOND, Net, Searched, even, search, weighted

SEEDS = range(10)


def widths(found: Discovered) -> list[int]:
    return [len(hop.routers) for hop in found.hops]


def all_of(net: Net, *, alpha: float = 0.05) -> list[Searched]:
    return [search(net, seed, alpha=alpha) for seed in SEEDS]


# --- what it finds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "expected", "most"),
    [
        (Net(), [], 106),
        (Net({5: even(5, 2)}), [2], 125),
        (Net({5: even(5, 4)}), [4], 140),
        (Net({5: even(5, 8)}), [8], 160),
        (Net({3: even(3, 4), 5: even(5, 4), 7: even(7, 4)}), [4, 4, 4], 190),
    ],
)
def test_all_routers_side_by_side_are_found_with_few_probes(net: Net, expected: list[int], most: int) -> None:
    played = all_of(net)
    assert sum(widths(one.found) == expected for one in played) >= len(SEEDS) - 1
    assert mean(one.found.probes for one in played) <= most
    assert all(one.found.miss_probability <= 0.05 for one in played)
    assert all(one.found.balancing == ("per-flow" if expected else "none") for one in played)
    assert max(one.seconds for one in played) < 30


def test_one_percent_takes_more_probes_and_misses_less() -> None:
    net = Net({5: even(5, 4)})
    sure, less = all_of(net, alpha=0.01), all_of(net)
    assert mean(one.found.probes for one in sure) > 1.15 * mean(one.found.probes for one in less)
    assert all(one.found.miss_probability <= 0.01 for one in sure)


def test_where_flows_run_out_it_says_how_likely_one_was_missed() -> None:
    found = search(Net({5: even(5, 16)}, loss=0), 3).found
    assert found.flows == MOST_FLOWS
    assert found.miss_probability > 0.2


def test_where_nobody_answers_it_is_certain_that_nothing_is_known() -> None:
    found = search(Net(dead=lambda flow, ttl: True), 1).found
    assert found.flows > 1
    assert (found.hops, found.miss_probability) == ((), 1.0)


def test_behind_silent_hops_the_probability_is_that_of_the_rule_by_which_it_stopped() -> None:
    """Four hops are heard; those that were tried beyond them take no part of the error."""
    discovery = Discovery(1, 30, 0.05, 3 * SECOND, {0})
    for flow in range(10):
        for ttl in range(1, 5):
            router = f"10.0.{ttl}.{flow % 2 if ttl == 3 else 0}"
            discovery.heard(flow, ttl, router, 30 * MS, ends=False)
    points = stopping_points(at_each_hop(0.05, 4), MOST_FLOWS)
    whole = (1 - missed(points, 1, 10)) ** 3 * (1 - missed(points, 2, 10))
    assert len(discovery.ttls()) > 4
    found = found_paths(discovery, 1, 0, lambda flow: None, None)
    assert found.miss_probability == pytest.approx(1 - whole, abs=1e-6)


def test_a_path_is_a_combination_and_one_flow_of_each_is_watched_the_first_always() -> None:
    found = search(Net({3: even(3, 2), 6: even(6, 3)}), 1).found
    assert found.found == len(found.paths) == len(found.watched) == 6
    assert found.watched[0] == 0
    flows = [flow for path in found.paths for flow in path.flows]
    assert len(flows) == len(set(flows))
    for path in found.paths:
        assert [ttl for ttl, _ in path.members] == [3, 6]
        assert path.source_ports == tuple(20_000 + flow for flow in path.flows)


def test_of_each_router_a_flow_is_known_at_all_forks() -> None:
    """At the wide fork more flows are asked than at the narrow one."""
    for seed in SEEDS:
        found = search(Net({3: even(3, 2), 6: even(6, 8)}), seed).found
        last = {router for path in found.paths for ttl, router in path.members if ttl == 6}
        assert len(last) == len(found.hops[-1].routers)


def test_uneven_shares_are_said_to_be() -> None:
    even_ones = [search(Net({5: even(5, 4)}), seed).found.is_even for seed in SEEDS]
    uneven = [search(Net({5: weighted(8, 1, 1, 1)}, loss=0), seed).found for seed in SEEDS]
    assert sum(even_ones) >= 9
    assert sum(not found.is_even for found in uneven if found.found > 2) >= 6


# --- what answers not, and what ends elsewhere -----------------------------------------------------------------------


def test_a_silent_router_among_its_siblings_is_one_of_them() -> None:
    net = Net({5: lambda share: None if share < 1 / 3 else f"10.5.0.{int(share * 3)}"})
    for played in all_of(net):
        (hop,) = played.found.hops
        assert len(hop.routers) == 3
        assert [one.address for one in hop.routers].count(None) == 1
        assert played.found.found == 3


def test_a_hop_that_nobody_hears_is_passed_over() -> None:
    for played in all_of(Net({4: lambda share: None, 6: even(6, 2)})):
        assert widths(played.found) == [2]
        assert sum(ttl == 4 for _, _, ttl in played.asked) <= 8


def test_a_lossy_router_is_none_that_is_silent() -> None:
    silent = [
        one
        for seed in range(20)
        for hop in search(Net({5: even(5, 4)}, loss=0.15), seed).found.hops
        for one in hop.routers
        if one.address is None
    ]
    assert silent == []


@pytest.mark.parametrize("loss", [0.5, 0.8])
def test_where_routers_seldom_answer_none_is_called_silent_and_no_flow_dead(loss: float) -> None:
    for seed in range(6):
        played = search(Net({3: even(3, 4)}, length=lambda flow: 5, loss=loss), seed, limit=400)
        assert None not in [one.address for hop in played.found.hops for one in hop.routers]
        assert not [path for path in played.found.paths if path.dead_after is not None]
        assert len(played.asked) < 1_500


def test_flows_that_end_after_a_hop_are_a_class_of_their_own() -> None:
    for seed in SEEDS:
        net = Net(dead=lambda flow, ttl: flow % 4 == 3 and ttl >= 2)
        found = search(net, seed).found
        (dead,) = [path for path in found.paths if path.dead_after is not None]
        assert dead.dead_after == 1
        assert dead.length is None
        assert set(dead.flows) <= {flow for flow in range(MOST_FLOWS) if flow % 4 == 3}
        assert found.found == 2


def test_a_first_flow_that_ends_there_keeps_nobody_from_finding_the_others() -> None:
    net = Net({5: even(5, 2)}, dead=lambda flow, ttl: flow % 3 == 0 and ttl >= 2)
    found = search(net, 2).found
    assert {path.dead_after for path in found.paths} == {1, None}
    assert sorted(len(path.members) for path in found.paths) == [1, 2, 2]
    assert 0 in found.watched


def test_paths_of_unequal_length_have_each_their_own() -> None:
    ways = {0: ["10.1.0.0", "10.2.0.1", "10.9.0.9"], 1: ["10.1.0.0", "10.2.0.2", "10.3.0.2", "10.9.0.9"]}
    for seed in SEEDS:
        net = Net(length=lambda flow: 4 + flow % 2, branch=lambda flow, ttl: ways[flow % 2][ttl - 1])
        found = search(net, seed).found
        assert {path.length: {flow % 2 for flow in path.flows} for path in found.paths} == {4: {0}, 5: {1}}
        assert found.miss_probability <= 0.05


# --- packet by packet ------------------------------------------------------------------------------------------------


def test_a_flow_whose_packets_take_turns_has_no_paths() -> None:
    played = [search(Net({5: even(5, 2)}, by_packet={5}), seed).found for seed in range(8)]
    assert sum(found.balancing == "per-packet" for found in played) >= 7
    assert all(found.watched == (0,) and found.found == 1 for found in played if found.balancing == "per-packet")


def test_a_fork_by_flow_beside_one_by_packet_is_told_apart() -> None:
    net = Net({3: even(3, 2), 7: even(7, 3)}, by_packet={3})
    found = search(net, 4).found
    assert [(hop.ttl, hop.balancing) for hop in found.hops] == [(3, "per-packet"), (7, "per-flow")]
    assert found.balancing == "per-flow"
    assert found.found == 3
    assert all([ttl for ttl, _ in path.members] == [7] for path in found.paths)


@pytest.mark.parametrize(
    ("answers", "is_by_packet"),
    [
        ("aaaaaaa", None),
        ("aaaaaaaa", False),
        ("aaaaab", None),
        ("ababababab", None),
        ("abababababab", True),
        ("aaaaaabbbbbb", None),
        ("aaaaaaaabbbbbbbb", False),  # a change of the route
        ("aaaabbbbaaaaaaaa", False),  # there and back
        ("aaabbbaaabbb", True),
        ("ababab" + "a" * 16, False),  # long ago
    ],
)
def test_three_changes_among_twelve_answers_are_packet_by_packet(answers: str, is_by_packet: bool | None) -> None:
    alternation = Alternation()
    for one in answers:
        alternation.add(one)
    assert alternation.is_by_packet is is_by_packet


# --- what it asks of the net -----------------------------------------------------------------------------------------


def test_it_asks_at_most_twenty_times_a_second_one_question_a_flow_and_never_twice_in_a_round() -> None:
    played = search(Net({5: even(5, 8)}, loss=0.1), 5)
    times = [at for at, _, _ in played.asked]
    assert all(sum(at - SECOND < other <= at for other in times) <= PER_SECOND for at in times)
    assert max(Counter((at // SECOND, flow, ttl) for at, flow, ttl in played.asked).values()) == 1
    assert 0 not in {flow for _, flow, _ in played.asked}
    assert AT_ONCE == 4


def test_a_target_is_asked_once_for_each_router_before_it() -> None:
    played = search(Net({10: even(10, 3)}, loss=0), 1)
    assert sum(ttl == 11 for _, _, ttl in played.asked) == 2
    assert {path.length for path in played.found.paths} == {11}


def test_a_router_is_asked_no_more_often_than_it_may_be() -> None:
    net = Net(length=lambda flow: 3, loss=0)
    slow, quick = search(net, 1), search(net, 1, budget=False)
    assert quick.seconds < slow.seconds
    at_first = [at for at, _, ttl in slow.asked if ttl == 1]
    assert at_first[-1] - at_first[0] >= (len(at_first) - 5) * SECOND
