"""Each scenario in virtual time: real engine, real packets, real parsers, and the truth about every packet."""

from __future__ import annotations

from pathlib import Path

import pytest

from hopscope.wire.messages import Answered, Counters, Duplicate, Event, Late, Lost, Plan
from tests.conformance.expected import EXPECTED, Case
from tests.conformance.judge import (
    NAMES,
    SCENARIOS,
    TARGETS,
    counts_add_up,
    duplicates_are_true,
    fates_are_true,
    nodes_are_true,
    path_of,
)
from tests.lab.virtual import Run, run

TIMEOUT_NS = 1_000_000_000
TOO_SHORT_FOR_IPV6 = ("quote-28", "quote-28-one", "mpls-short-quote")
"""28 bytes are an IPv4 header and the eight bytes that RFC 792 asks for; of an IPv6 packet they name no probe."""
CASES = [Case(protocol, family) for protocol in ("icmp", "udp", "tcp") for family in (4, 6)]
WORDS = [f"{case.protocol}{case.family}" for case in CASES]


def plan_of(case: Case) -> Plan:
    return Plan(
        TARGETS[case.family],
        case.family,
        case.protocol,
        interval_ns=200_000_000,
        timeout_ns=TIMEOUT_NS,
        rounds=12,
    )


def play(name: str | Path, case: Case) -> tuple[Run, Plan]:
    plan = plan_of(case)
    return run(str(name), plan, 20), plan


@pytest.mark.parametrize("case", CASES, ids=WORDS)
@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_the_truth(name: str, case: Case) -> None:
    played, plan = play(SCENARIOS / f"{name}.toml", case)
    route = path_of(played.events, plan)
    counts_add_up(route)
    if case.family == 6 and name in TOO_SHORT_FOR_IPV6:
        return
    fates_are_true(played.events, played.truth, TIMEOUT_NS)
    duplicates_are_true(played.events, played.truth)
    nodes_are_true(route, played.truth)
    if name in EXPECTED:
        EXPECTED[name](route, case)


WEATHER = {
    "reordered": '\n[weather]\nreorder = { share = 0.5, delay = "70ms" }\n',
    "doubled": "\n[weather]\nduplicates = 1.0\n",
    "late": '\n[weather]\nlate = { share = 0.4, delay = "1100ms" }\n',
    "hostile": "\n[weather]\nforged = { share = 1.0 }\nmalformed = { share = 1.0 }\nforeign = 1.0\n",
}
CALM = [name for name in NAMES if "[weather]" not in (SCENARIOS / f"{name}.toml").read_text(encoding="utf-8")]


@pytest.mark.parametrize("weather", WEATHER)
@pytest.mark.parametrize("name", CALM)
def test_and_still_is_when_answers_come_in_any_order_twice_late_or_among_lies(
    tmp_path: Path, name: str, weather: str
) -> None:
    text = (SCENARIOS / f"{name}.toml").read_text(encoding="utf-8")
    file = tmp_path / f"{name}.toml"
    file.write_text(text + WEATHER[weather], encoding="utf-8")
    case = CASES[(NAMES.index(name) + list(WEATHER).index(weather)) % len(CASES)]
    if name in TOO_SHORT_FOR_IPV6:
        case = Case(case.protocol, 4)
    played, plan = play(file, case)
    counts_add_up(path_of(played.events, plan))
    fates_are_true(played.events, played.truth, TIMEOUT_NS)
    duplicates_are_true(played.events, played.truth)


@pytest.mark.parametrize("name", ["plain", "everything", "route-flapping", "late", "ecmp-packet"])
def test_recorded_events_give_the_identical_path_again(name: str) -> None:
    played, plan = play(SCENARIOS / f"{name}.toml", Case("icmp", 4))
    assert path_of(played.events, plan) == path_of(list(played.events), plan)
    assert played.events == play(SCENARIOS / f"{name}.toml", Case("icmp", 4))[0].events


@pytest.mark.parametrize("name", TOO_SHORT_FOR_IPV6)
def test_an_answer_that_names_no_probe_is_believed_by_none(name: str) -> None:
    played, plan = play(SCENARIOS / f"{name}.toml", Case("udp", 6))
    route = path_of(played.events, plan)
    assert route.hops[2].received == 0
    assert route.reached
    counted = [event for event in played.events if isinstance(event, Counters)][-1]
    assert counted.foreign + counted.malformed > 0


def test_a_fate_changes_only_from_lost_to_late() -> None:
    fates: dict[tuple[int, int], list[str]] = {}
    played, _ = play(SCENARIOS / "everything.toml", Case("icmp", 4))
    for event in played.events:
        if isinstance(event, (Answered, Lost)) and not isinstance(event, Duplicate):
            fates.setdefault((event.round, event.ttl), []).append(type(event).__name__)
    assert {tuple(fate) for fate in fates.values()} <= {("Answered",), ("Lost",), ("Lost", "Late")}


def events_of(events: list[Event], kind: type) -> int:
    return sum(type(event) is kind for event in events)


@pytest.mark.parametrize("case", CASES, ids=WORDS)
def test_answers_after_the_timeout_are_late_every_one(case: Case) -> None:
    played, _ = play(SCENARIOS / "rtt-beyond-timeout.toml", case)
    assert events_of(played.events, Late) == sum(fact.hop >= 4 and fact.due is not None for fact in played.truth)
    assert events_of(played.events, Late) > 0


def test_the_suite_has_the_size_that_it_claims() -> None:
    assert len(NAMES) >= 60
    assert set(EXPECTED) <= set(NAMES)
