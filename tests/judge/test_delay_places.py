"""Where a delay is and since when: of one that comes and goes, of two, of one beside a graver trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.wire.messages import Answered, Event
from tests.judge.test_since import Way, facts, way
from tests.path.network import TARGET, at, lost


def each_round(rounds: int, way_of: Callable[[int], Way], seed: int) -> Iterator[Judged]:
    """What is judged after each round."""
    judge = Judge(TARGET)
    for fact in facts(rounds, way_of, seed):
        version = judge.version
        judge.apply(fact)
        if judge.version != version:
            yield judge.judged()


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
    for round_, judged in enumerate(each_round(600, lambda i: slow if i // half % 2 else way(), seed)):
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
