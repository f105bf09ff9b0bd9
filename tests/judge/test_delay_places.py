"""Where a delay is and since when: of one that comes and goes, of two, of one beside a graver trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.wire.messages import Answered, Event
from tests.judge.rounds import each_round
from tests.judge.test_since import Way, facts, way
from tests.path.network import TARGET, at, lost


def judged_rounds(rounds: int, way_of: Callable[[int], Way], seed: int) -> Iterator[Judged]:
    """What is judged after each round."""
    return each_round(facts(rounds, way_of, seed), Judge(TARGET))


def second(moment: int | None) -> float | None:
    """A moment by seconds of the run."""
    return None if moment is None else (moment - at(0)) / 1e9


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("half", [30, 45])
@pytest.mark.parametrize("ttl", [2, 4])
def test_a_delay_that_is_there_for_half_of_the_time_is_placed_and_dated_each_time(
    half: int, ttl: int, seed: int
) -> None:
    slow = way(ms={ttl: 23.0})
    said = 0
    for round_, judged in enumerate(judged_rounds(600, lambda i: slow if i // half % 2 else way(), seed)):
        if not judged.verdict.is_trouble:
            continue
        said += 1
        assert judged.verdict.kind == "detour"
        assert (judged.verdict.first_ttl, judged.verdict.last_ttl) == (ttl - 1, ttl)
        since = second(judged.verdict.since)
        assert since is not None
        assert round_ - since <= half + 12
    assert said >= 200


def seldom(event: Event, ttls: tuple[int, ...]) -> Event:
    """The same, but that the routers at these TTLs answer one probe in five."""
    is_left_out = isinstance(event, Answered) and event.ttl in ttls and event.round % 5
    return lost(event.round, event.ttl) if isinstance(event, Answered) and is_left_out else event


@pytest.mark.parametrize(("unknown", "place"), [((1, 2, 3, 4, 5), (0, 6)), ((4, 5), (3, 6)), ((2, 3), (1, 4))])
def test_a_delay_begins_somewhere_from_the_last_hop_that_is_known_not_to_have_it(
    unknown: tuple[int, ...], place: tuple[int, int]
) -> None:
    """Where routers seldom answer, they tell nothing of it at first; then they do."""
    slow = way(ms={4: 43.0})
    judge = Judge(TARGET)
    places = {}
    for event in facts(160, lambda i: slow if i >= 100 else way(), seed=1):
        judge.apply(seldom(event, unknown))
        verdict = judge.verdict()
        assert verdict.kind in ("starting", "healthy", "detour")
        places[verdict.round] = verdict.first_ttl, verdict.last_ttl
    assert places[109] == place
    assert places[159] == (3, 4)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("was", "now"), [(2, 5), (5, 2), (6, 3), (3, 6)])
def test_a_delay_that_leaves_its_place_for_another_one_is_over_and_another_one_began(
    was: int, now: int, seed: int
) -> None:
    ways = way(), way(ms={was: 43.0}), way(ms={now: 43.0})
    (*_, last) = judged_rounds(900, lambda i: ways[(i >= 100) + (i >= 400)], seed)
    assert (last.verdict.kind, last.verdict.first_ttl, last.verdict.last_ttl) == ("detour", now - 1, now)
    begun = [second(incident.begin) for incident in last.incidents]
    assert begun == [pytest.approx(100, abs=2), pytest.approx(400, abs=2)]
    assert second(last.verdict.since) == begun[1]
    assert second(last.incidents[0].end) == pytest.approx(400, abs=2)
    assert [(incident.first_ttl, incident.last_ttl) for incident in last.incidents] == [(was - 1, was), (now - 1, now)]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("jitter", [20.0, 60.0])
@pytest.mark.parametrize("ttl", [1, 2, 3, 6])
def test_a_queue_that_stays_does_not_move(ttl: int, jitter: float, seed: int) -> None:
    rng = Random(seed)

    def now(i: int) -> Way:
        return way() if i < 100 else way(ms={ttl: 20.0 + jitter * rng.random()})

    said = [judged.verdict for judged in judged_rounds(900, now, seed)]
    assert {verdict.last_ttl for verdict in said[160:]} == {ttl}
    assert {verdict.since for verdict in said[160:]} == {said[160].since}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("begins", "over"), [(100, 1200), (250, 1200), (100, 800)])
def test_a_longer_way_beside_a_graver_trouble_is_said_once_that_is_over(begins: int, over: int, seed: int) -> None:
    def now(i: int) -> Way:
        return way(loss={2: 0.1} if 200 <= i < over else {}, ms={4: 43.0} if i >= begins else {})

    *_, last = judged_rounds(over + 200, now, seed)
    assert (last.verdict.kind, last.verdict.first_ttl, last.verdict.last_ttl) == ("detour", 3, 4)
    assert second(last.verdict.since) == pytest.approx(begins, abs=2)
    (incident,) = (incident for incident in last.incidents if incident.kind == "detour")
    assert (incident.begin, incident.end, incident.times) == (last.verdict.since, None, 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_longer_way_lasts_over_an_outage(seed: int) -> None:
    def now(i: int) -> Way:
        return way(loss={2: 1.0} if 200 <= i < 900 else {}, ms={4: 43.0} if i >= 100 else {})

    *_, last = judged_rounds(1100, now, seed)
    assert (last.verdict.kind, last.verdict.first_ttl, last.verdict.last_ttl) == ("detour", 3, 4)
    assert second(last.verdict.since) == pytest.approx(100, abs=2)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_longer_way_that_ended_in_a_graver_trouble_is_over(seed: int) -> None:
    def now(i: int) -> Way:
        return way(loss={2: 0.1} if 200 <= i < 800 else {}, ms={4: 43.0} if 100 <= i < 500 else {})

    *_, last = judged_rounds(1000, now, seed)
    assert last.verdict.kind == "healthy"
    assert last.open is None


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("second_ms", [20.0, 40.0, 100.0])
def test_what_a_second_delay_farther_on_adds_is_not_put_on_the_first(second_ms: float, seed: int) -> None:
    def now(i: int) -> Way:
        first = {2: 43.0} if 100 <= i < 800 else {}
        return way(ms=first | ({5: 3.0 + second_ms} if i >= 300 else {}))

    said = [judged.verdict for judged in judged_rounds(1000, now, seed)]
    assert {verdict.numbers.part_ttl for verdict in said[:300]} == {None}
    both = said[400]
    assert (both.kind, both.last_ttl, both.numbers.part_ttl) == ("detour", 2, 5)
    assert second(both.since) == pytest.approx(100, abs=2)
    assert second(both.numbers.part_since) == pytest.approx(300, abs=2)
    assert both.numbers.part_ns / 1e6 == pytest.approx(second_ms, abs=3)
    # The first is over; the second lasts since it began.
    assert (said[-1].kind, said[-1].last_ttl, said[-1].numbers.part_ttl) == ("detour", 5, None)
    assert second(said[-1].since) == pytest.approx(300, abs=2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_queue_that_hops_share_unevenly_has_no_part_that_came_later(seed: int) -> None:
    """A queue grows while a round's probes pass it."""
    rng = Random(seed)

    def now(i: int) -> Way:
        return way() if i < 100 else way(ms={2: 20.0 + 40 * rng.random(), 3: 6.0 + 12 * rng.random(), 4: 10.0})

    said = [judged.verdict for judged in judged_rounds(700, now, seed)]
    assert {verdict.last_ttl for verdict in said[160:]} == {2}
    assert {verdict.numbers.part_ttl for verdict in said} == {None}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("ttl", [2, 4])
def test_a_loss_that_begins_elsewhere_than_a_queue_is_not_said_to_be_lost_with_it(ttl: int, seed: int) -> None:
    rng = Random(seed)

    def now(i: int) -> Way:
        ms = {3: 20.0 + 60 * rng.random()} if i >= 100 else {}
        return way(ms=ms, loss={ttl: 0.1} if i >= 300 else {})

    said = [judged.verdict for judged in judged_rounds(900, now, seed)]
    assert {verdict.kind for verdict in said[160:]} == {"congestion"}
    assert {verdict.numbers.also_ttl for verdict in said[:300]} == {None}
    assert {verdict.numbers.also_ttl for verdict in said[450:]} == {ttl}
    assert said[-1].numbers.also_lost / said[-1].numbers.also_sent == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_queue_loses_itself_is_lost_with_it(seed: int) -> None:
    rng = Random(seed)

    def now(i: int) -> Way:
        return way(ms={3: 20.0 + 60 * rng.random()}, loss={3: 0.1}) if i >= 100 else way()

    said = [judged.verdict for judged in judged_rounds(700, now, seed)]
    assert {verdict.numbers.also_ttl for verdict in said} == {None}
    assert said[-1].numbers.lost
