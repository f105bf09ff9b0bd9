"""Every scenario in virtual time: each report is the network's truth, to the nanosecond, whatever becomes of the order
in which answers come."""

from __future__ import annotations

import itertools
from unittest import mock

import pytest

from hopscope.path.snapshot import Path
from hopscope.probe import probe_book
from hopscope.sim.network import Network
from hopscope.wire.messages import Event, Plan
from tests.conformance.cases import NAMES, Case, addresses, case_of, scenario_of
from tests.conformance.oracle import each_event_is_true, fates, the_report_is_true
from tests.conformance.rehearse import (
    Change,
    HeldNetwork,
    as_it_is,
    counted,
    duplicated,
    events_of,
    facts_of,
    made_late,
    path_of,
    play,
    reordered,
)

NAMED = pytest.mark.parametrize("name", NAMES)


def told(name: str, change: Change = as_it_is, network: type[Network] = Network) -> list[tuple[Plan, Path]]:
    """Run a case over all its protocols and families, hold each report against the truth, and give them back."""
    case = case_of(name)
    paths = []
    for family, protocol in itertools.product(case.families, case.protocols):
        plain = scenario_of(name)
        scenario = change(plain, case.timeout)
        plans = [case.plan(address, protocol) for address in addresses(plain, family)]
        run = play(scenario, plans, network)
        for number, plan in enumerate(plans, 1):
            events = events_of(run, number)
            true = fates(facts_of(run.truth, plan), plain, case.timeout, case.deaf)
            assert len(true) >= case.rounds
            each_event_is_true(events, true)
            path = path_of(events, plan)
            the_report_is_true(path, true)
            paths.append((plan, path))
        _weather_is_counted(case, run.events)
    return paths


def _weather_is_counted(case: Case, events: list[Event]) -> None:
    total = counted(events)
    if case.foreign:
        assert total.foreign > 0
        assert total.malformed == 0
    if case.malformed:
        assert total.malformed + total.foreign > 0


def the_path_is_as_written(name: str, plan: Plan, path: Path) -> None:
    """What the case's own file says of its path."""
    case = case_of(name)
    if case.reached != "any":
        assert path.reached == case.reached
    whole = len(scenario_of(name).hops) + 1
    if case.length == "open":
        assert path.target_hop is None
        assert len(path.hops) >= whole
    elif case.length != "any":
        assert len(path.hops) == (whole if case.length == "whole" else case.length)
        assert path.target_hop is not None
        assert path.target_hop.ttl == path.hops[-1].ttl
    for hop in path.hops:
        if hop.ttl in case.lossless:
            assert hop.lost == 0, hop.ttl
        if hop.ttl in case.lossy:
            assert hop.lost > 0, hop.ttl
        if hop.ttl in case.one_node:
            assert len(hop.nodes) == 1
    if plan.family == case.families[0] and plan.protocol == case.protocols[0]:
        the_rows_are_as_written(case, path)


def the_rows_are_as_written(case: Case, path: Path) -> None:
    """The numbers that a person wrote down for single hops."""
    for row in case.hops:
        hop = path.hops[row.ttl - 1]
        shown = {
            "received": hop.received,
            "lost": hop.lost,
            "late": hop.late,
            "nodes": tuple(node.address for node in hop.nodes),
            "rtt_ms": hop.rtt.best if hop.rtt else None,
            "kind": hop.reply.kind if hop.reply else None,
            "type": hop.reply.type if hop.reply else None,
            "code": hop.reply.code if hop.reply else None,
            "reply_ttl": hop.reply.ttl if hop.reply else None,
        }
        for key, value in shown.items():
            written = getattr(row, key)
            if written is not None:
                assert value == written, (row.ttl, key)


@NAMED
def test_the_report_is_the_networks_truth(name: str) -> None:
    for plan, path in told(name):
        the_path_is_as_written(name, plan, path)


@NAMED
def test_answers_read_late_and_back_to_front_change_nothing(name: str) -> None:
    told(name, network=HeldNetwork)


@NAMED
def test_answers_that_come_twice_change_no_count_but_their_own(name: str) -> None:
    told(name, duplicated)


@NAMED
def test_answers_that_overtake_each_other_keep_their_probes(name: str) -> None:
    told(name, reordered)


@NAMED
def test_late_answers_are_late_and_never_of_another_round(name: str) -> None:
    told(name, made_late)


@pytest.mark.parametrize("change", [as_it_is, duplicated, made_late])
def test_a_sequence_that_wraps_gives_no_answer_to_the_wrong_probe(change: Change) -> None:
    """The wrap is brought nearer: 16 bits of sequence are an afternoon's work."""
    plain = scenario_of("loss-at-random")
    plan = Case(rounds=300, interval=case_of("plain-path").interval).plan("198.51.100.80", "icmp")
    with mock.patch.object(probe_book, "SEQUENCES", 1024), mock.patch.object(probe_book, "MOST_REMEMBERED", 900):
        run = play(change(plain, plan.timeout_ns), [plan])
    true = fates(facts_of(run.truth, plan), plain, plan.timeout_ns)
    assert len(true) > 1024
    each_event_is_true(events_of(run, 1), true)


def test_there_are_at_least_sixty_scenarios_and_no_expectation_without_one() -> None:
    assert len(NAMES) >= 60
    assert {case_of(name) for name in NAMES} >= {Case()}
