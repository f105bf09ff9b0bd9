"""Networks of the labelled set with a target that answers nothing: their way is judged as that to any other."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from tests.verdict.case import Case
from tests.verdict.catalogue import cases
from tests.verdict.player import play

FINE = (
    "plain-udp6",
    "hops-one",
    "one-router-limits",
    "all-routers-limit",
    "the-last-routers-limit",
    "the-last-router-loses-its-own-answers",
    "slow-answers-steady",
    "harmless-route-change-shorter",
    "mobile",
)
TROUBLED = (
    "outage-behind-silence",
    "outage-at-the-first-hop",
    "loss-among-limits",
    "loss-beside-loss-of-answers",
    "loss-paced-slow",
    "local-network-crowded",
    "bufferbloat-since",
    "congestion-plain",
    "detour-plain",
    "filter-later",
    "loop-start",
)


def silent(name: str) -> Case:
    """The network of that name, whose target answers no protocol."""
    (case,) = (case for case in cases(("training",), name, 0) if case.name == name)
    scenario = copy.deepcopy(case.scenario)
    for target in scenario["targets"]:
        target.update(silent=True, udp="silent", closed="silent")
    return replace(case, scenario=scenario)


@pytest.mark.parametrize("name", FINE)
def test_a_fine_way_to_a_silent_target_is_no_trouble(name: str, tmp_path: Path) -> None:
    said = {moment.verdict.kind for moment in play(silent(name), 1, tmp_path).moments}
    assert said == {"starting", "no-answer"}


@pytest.mark.parametrize("name", TROUBLED)
def test_trouble_of_the_way_to_a_silent_target_is_said_as_for_any_other(name: str, tmp_path: Path) -> None:
    case = silent(name)
    assert case.trouble is not None
    verdict = play(case, 1, tmp_path).moments[-1].verdict
    assert verdict.kind in case.trouble.kinds
    if verdict.kind != "loop":
        assert verdict.last_ttl == case.trouble.last_ttl
