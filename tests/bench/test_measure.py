"""The bench's arithmetic, by hand-made numbers."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any


def _load() -> Any:
    place = Path(__file__).resolve().parents[2] / "bench" / "measure.py"
    spec = importlib.util.spec_from_file_location("bench_measure", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


measure = _load()


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
