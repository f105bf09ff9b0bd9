"""The bench's arithmetic, by hand-made numbers."""

from __future__ import annotations

import os
from typing import Literal

import pytest

from bench import measure
from bench.parts import PARTS
from bench.parts.accuracy import told_by_trip
from bench.parts.wire import errors, late, told_by_bare
from bench.run import BEGIN, END, Result, merged, page
from tests.lab.capture import Packet, RoundTrip


def test_the_marginal_cost_leaves_start_and_end_out() -> None:
    start, each = 0.5, 150e-6
    cost = measure.marginal(start + each * 2000, start + each * 500, 2000, 500)
    assert abs(cost - 150) < 1e-6


def test_a_percentile_is_the_nearest_rank() -> None:
    assert measure.nearest_rank([4, 1, 3, 2], 0.5) == 2
    assert measure.nearest_rank(list(range(1, 101)), 0.99) == 99
    assert measure.nearest_rank([7], 0.99) == 7


def test_lateness_is_against_the_grid_of_the_earliest_send() -> None:
    assert measure.lateness([1_000_000, 101_000_000, 204_000_000], 100_000_000) == [0, 0, 3]


def test_a_first_send_that_was_late_does_not_make_the_others_early() -> None:
    assert measure.lateness([5_000_000, 100_000_000, 200_000_000], 100_000_000) == [5, 0, 0]


def test_a_goal_is_judged_by_the_median_and_a_miss_is_shown_in_the_table() -> None:
    good = measure.Row("cost", "a", "µs", (1.0, 9.0, 2.0), goal=2)
    bad = measure.Row("cost", "b", "µs", (3.0,), goal=2, peers={"mtr": 200.0})
    assert (good.met, bad.met, measure.Row("x", "y", "s", (1.0,)).met) == (True, False, None)
    lines = measure.table([good, bad]).splitlines()
    assert "1 to 9" in lines[2]
    assert "| met |" in lines[2]
    assert "**not met**" in lines[3]
    assert "mtr 200" in lines[3]


def test_cpu_and_memory_of_this_very_process_are_seen() -> None:
    pids = measure.tree(os.getpid())
    assert pids[0] == os.getpid()
    assert measure.cpu_seconds(pids) > 0
    assert measure.pss_mib(pids[:1]) > 1
    assert measure.wake_ups(pids[:1]) >= 0


def _trip(ttl: int, sent_ns: int, rtt_ns: int | None) -> RoundTrip:
    def packet(outgoing: bool, stamp: int) -> Packet:
        family: Literal[4] = 4
        return Packet(outgoing, stamp, family, "192.0.2.1", "192.0.2.80", ttl, 0, 1, 64, b"")

    return RoundTrip(packet(True, sent_ns), None if rtt_ns is None else packet(False, sent_ns + rtt_ns))


def test_the_mean_error_is_of_averages_and_the_singles_are_of_probes() -> None:
    trips = {1: [_trip(1, 0, 1_000_000), _trip(1, 0, 3_000_000)], 2: [_trip(2, 0, 5_000_000)]}
    found = errors(trips, {1: [1.25, 2.75], 2: [5.5]})
    assert found.mean == pytest.approx(0.25), "hop 1 is right on average, hop 2 is half a millisecond off"
    assert found.singles == pytest.approx((0.25, 0.25, 0.5))
    assert found.note() == ""


def test_a_hop_whose_answers_cannot_be_paired_is_left_out_and_said() -> None:
    trips = {1: [_trip(1, 0, 1_000_000), _trip(1, 0, None)], 2: [_trip(2, 0, 1_000_000), _trip(2, 0, 2_000_000)]}
    found = errors(trips, {1: [1.0], 2: [1.0]})
    assert (found.mean, found.left_out) == (0, 1)
    assert found.note() == "1 of 2 hops not paired, left out"
    with pytest.raises(RuntimeError, match="nothing to compare"):
        errors(trips, {})


def test_the_first_two_rounds_do_not_count_for_pacing() -> None:
    times = [0, 50, 200, 303, 400]
    assert late({1: [_trip(1, at * 1_000_000, None) for at in times]}, 100_000_000) == [0, 3, 0]


def test_what_a_bare_loop_and_trippy_print_is_read() -> None:
    told, cpu, wakes = told_by_bare(b"0 1 1000 2001000\n0 2 1000 4001000\n1 1 5000 1005000\ncpu 1500 20\n")
    assert (told, cpu, wakes) == ({1: [2.0, 1.0], 2: [4.0]}, 1500, 20)
    hops = b'{"hops": [{"ttl": 1, "recv": 2, "avg": "1.25"}, {"ttl": 2, "recv": 0, "avg": "0.00"}]}'
    assert told_by_trip(hops) == {1: 1.25}


def test_a_part_that_was_run_again_leaves_the_other_parts_rows() -> None:
    def result(what: str, quick: bool) -> Result:
        return Result({}, (measure.Row("x", what, "ms", (1.0,)),), quick, "2026-11-23 10:00")

    results = {
        "day": result("old day", False),
        "cost": result("old cost", False),
        "gone": result("a part no more", True),
    }
    results = merged(results, "cost", result("new cost", True))
    assert [name for name in PARTS if name in results] == list(results) == ["cost", "day"]
    text = page(f"before\n{BEGIN}\nold\n{END}\nafter\n", results)
    assert text.startswith(f"before\n{BEGIN}\n| part |")
    assert text.endswith(f"Taken: cost (`--quick`) 2026-11-23 10:00; day 2026-11-23 10:00.\n{END}\nafter\n")
    assert "new cost" in text
    assert "old day" in text
    assert "old cost" not in text
    assert page(text, results) == text
