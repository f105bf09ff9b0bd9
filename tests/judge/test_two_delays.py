"""Two delays that overlap: while both last one of them is said, at its own place; what is left is said with its own
beginning, and is the same incident."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.wire.messages import Answered, Event, Finished
from tests.judge.rounds import each_round
from tests.path.network import MS, TARGET, answered, at, begun, lost, reached, sent

_HOPS = 8
"""Routers before the target."""
_SETTLED = 60
"""Rounds after which it is said what is wrong."""

Links = Mapping[int, tuple[float, float]]
"""By TTL, what the link before it adds (ms): always, and at most, drawn for each probe anew."""


def _facts(rounds: int, links_of: Callable[[int], Links], seed: int) -> Iterator[Event]:
    rng = Random(seed)
    for round_ in range(rounds):
        yield begun(round_)
        links = links_of(round_)
        for ttl in range(1, _HOPS + 2):
            yield sent(round_, ttl)
            more = sum(low + wide * rng.random() for link, (low, wide) in links.items() if link <= ttl)
            rtt = round((3.0 * ttl + rng.random() + more) * MS)
            address = f"192.0.2.{ttl}"
            yield reached(round_, ttl, rtt) if ttl > _HOPS else answered(round_, ttl, rtt, address)
    yield Finished(1, rounds)


def _judged(rounds: int, links_of: Callable[[int], Links], seed: int) -> list[Judged]:
    return list(each_round(_facts(rounds, links_of, seed), Judge(TARGET)))


def _second(moment: int | None) -> float | None:
    return None if moment is None else (moment - at(0)) / 1e9


_STEP = 40.0, 0.0
_QUEUE = 0.0, 80.0
_BOTH = 20.0, 60.0


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("near", "far"), [(2, 7), (2, 3), (6, 7), (3, 8)])
@pytest.mark.parametrize("first", [_STEP, _QUEUE, _BOTH])
@pytest.mark.parametrize("second", [_STEP, _QUEUE])
def test_a_delay_that_lasts_beside_a_nearer_one_is_said_after_it_as_the_same(
    first: tuple[float, float], second: tuple[float, float], near: int, far: int, seed: int
) -> None:
    def links(i: int) -> Links:
        return ({far: first} if i >= 150 else {}) | ({near: second} if 400 <= i < 900 else {})

    said = _judged(1100, links, seed)
    alone, both, after = said[399], said[400 + _SETTLED : 899], said[900 + _SETTLED :]
    assert (alone.verdict.first_ttl, alone.verdict.last_ttl) == (far - 1, far)
    assert {(each.verdict.kind, each.verdict.first_ttl, each.verdict.last_ttl) for each in both} == {
        ("detour" if second == _STEP else "congestion", near - 1, near)
    }
    for since in {_second(each.verdict.since) for each in both}:
        assert since == pytest.approx(400, abs=8)
    for each in after:
        assert each.verdict.kind == alone.verdict.kind
        assert (each.verdict.first_ttl, each.verdict.last_ttl) == (far - 1, far)
        assert each.since == alone.since
    assert [(each.times, each.end is None) for each in after[-1].incidents] == [(1, True), (1, False)]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("near", "far"), [(2, 7), (2, 3), (6, 7), (3, 8)])
@pytest.mark.parametrize("first", [_STEP, _QUEUE, _BOTH])
@pytest.mark.parametrize("second", [_STEP, _QUEUE])
def test_a_delay_that_came_behind_another_one_is_said_after_it_with_its_own_beginning(
    first: tuple[float, float], second: tuple[float, float], near: int, far: int, seed: int
) -> None:
    def links(i: int) -> Links:
        return ({near: first} if 150 <= i < 800 else {}) | ({far: second} if i >= 400 else {})

    said = _judged(1000, links, seed)
    assert {(each.verdict.first_ttl, each.verdict.last_ttl) for each in said[150 + _SETTLED : 799]} == {
        (near - 1, near)
    }
    last = said[-1]
    assert last.verdict.kind == ("detour" if second == _STEP else "congestion")
    assert (last.verdict.first_ttl, last.verdict.last_ttl) == (far - 1, far)
    assert _second(last.verdict.since) == pytest.approx(400, abs=20)
    assert last.times == 1
    assert len(last.incidents) == 2


@pytest.mark.parametrize("seed", [1, 2])
def test_a_farther_delay_that_ends_beside_a_nearer_one_is_over_and_not_said_again(seed: int) -> None:
    def links(i: int) -> Links:
        return ({7: _STEP} if 150 <= i < 700 else {}) | ({2: _QUEUE} if i >= 400 else {})

    said = _judged(1000, links, seed)
    assert {(each.verdict.kind, each.verdict.last_ttl) for each in said[400 + _SETTLED :]} == {("congestion", 2)}
    assert {each.verdict.numbers.part_ttl for each in said[500:699]} == {7}
    assert {each.verdict.numbers.part_ttl for each in said[800:]} == {None}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_lesser_of_two_is_said_with_its_own_beginning_once_the_graver_one_is_over(seed: int) -> None:
    """It is too small beside the other one to be told by its place."""

    def links(i: int) -> Links:
        return ({7: (100.0, 0.0)} if 150 <= i < 700 else {}) | ({2: (20.0, 0.0)} if i >= 400 else {})

    said = _judged(900, links, seed)
    assert {each.verdict.last_ttl for each in said[150 + _SETTLED : 699]} == {7}
    last = said[-1]
    assert (last.verdict.first_ttl, last.verdict.last_ttl) == (1, 2)
    assert _second(last.verdict.since) == pytest.approx(400, abs=3)
    assert _second(last.incidents[0].end) == pytest.approx(700, abs=3)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("wide", [40.0, 80.0, 200.0])
@pytest.mark.parametrize("ttl", [1, 4, 7])
def test_a_queue_of_which_each_probe_meets_another_part_is_one_at_one_place(ttl: int, wide: float, seed: int) -> None:
    said = _judged(1500, lambda i: {ttl: (0.0, wide)} if i >= 150 else {}, seed)[150 + _SETTLED :]
    assert {each.verdict.last_ttl for each in said} == {ttl}
    assert {each.verdict.numbers.part_ttl for each in said} == {None}
    assert {each.times for each in said} == {1}


@pytest.mark.parametrize("ttl", [1, 3, 8])
@pytest.mark.parametrize("delay", [_STEP, _QUEUE])
def test_what_an_outage_took_is_no_loss_of_the_delay_that_lasts_beside_it(ttl: int, delay: tuple[float, float]) -> None:
    def facts() -> Iterator[Event]:
        for fact in _facts(420, lambda i: {ttl: delay} if i >= 120 else {}, 1):
            is_gone = isinstance(fact, Answered) and 250 <= fact.round < 310 and fact.ttl >= 6
            yield lost(fact.round, fact.ttl) if isinstance(fact, Answered) and is_gone else fact

    said = list(each_round(facts(), Judge(TARGET)))
    assert said[300].verdict.kind == "outage"
    assert {(one.verdict.numbers.sent > 0, one.verdict.numbers.lost) for one in said[360:]} == {(True, 0)}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("begin", "delay"), [(0, _QUEUE), (200, _QUEUE), (200, _STEP)])
def test_where_the_first_hop_never_answers_a_delay_before_the_second_may_be_on_the_way_to_it(
    begin: int, delay: tuple[float, float], seed: int
) -> None:
    def facts() -> Iterator[Event]:
        for fact in _facts(420, lambda i: {1: delay} if i >= begin else {}, seed):
            is_silent = isinstance(fact, Answered) and fact.ttl == 1
            yield lost(fact.round, fact.ttl) if isinstance(fact, Answered) and is_silent else fact

    said = list(each_round(facts(), Judge(TARGET)))[begin + 100 :]
    assert {(one.verdict.first_ttl, one.verdict.last_ttl) for one in said} == {(0, 2)}
