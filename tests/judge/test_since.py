"""Since when: trouble that comes with another route began with it, and not when nobody had looked yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.wire.messages import Answered, Event, Finished
from tests.judge.rounds import each_round
from tests.path.network import MS, TARGET, answered, at, begun, lost, reached, sent


class Link(NamedTuple):
    """A router, or None for the target, and the link before it."""

    address: str | None
    loss: float = 0.0
    ms: float = 3.0
    is_limited: bool = False
    """It leaves out half of its own answers."""


Way = tuple[Link, ...]


def way(*, loss: dict[int, float] | None = None, ms: dict[int, float] | None = None, other: int = 0) -> Way:
    """Five routers and the target. `loss` and `ms`: of the link before a TTL; `other`: so many more routers than one
    stand at TTL 3, in the place of two others."""
    names = [f"192.0.2.{n}" for n in range(1, 6)]
    if other:
        names[2:4] = [f"203.0.113.{n}" for n in range(50, 50 + other)]
    losses, delays = loss or {}, ms or {}
    return tuple(
        Link(name, losses.get(ttl, 0.0), delays.get(ttl, 3.0)) for ttl, name in enumerate([*names, None], start=1)
    )


def facts(rounds: int, way_of: Callable[[int], Way], seed: int) -> Iterator[Event]:
    """What a trace meets whose way in each round is `way_of` it."""
    rng = Random(seed)
    for round_ in range(rounds):
        yield begun(round_)
        links = way_of(round_)
        for ttl in range(1, len(links) + 1):
            yield sent(round_, ttl)
            passed = all(rng.random() >= link.loss for link in links[:ttl])
            last = links[ttl - 1]
            rtt = round((sum(link.ms for link in links[:ttl]) + rng.random()) * MS)
            if not passed or (last.is_limited and rng.random() < 0.5):
                yield lost(round_, ttl)
            elif last.address is None:
                yield reached(round_, ttl, rtt)
            else:
                yield answered(round_, ttl, rtt, last.address)
    yield Finished(1, rounds)


def judged(rounds: int, way_of: Callable[[int], Way], seed: int) -> Judged:
    judge = Judge(TARGET)
    for fact in facts(rounds, way_of, seed):
        judge.apply(fact)
    return judge.judged()


def second(judged: Judged) -> float | None:
    """Since which second the trouble lasts."""
    since = judged.verdict.since
    return None if since is None else (since - at(0)) / 1e9


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("change", [60, 300])
@pytest.mark.parametrize(
    ("new", "kinds"),
    [
        (way(other=2, loss={4: 0.05}), {"loss"}),
        (way(other=2, loss={4: 0.1}), {"loss"}),
        (way(other=2, loss={4: 0.3}), {"loss"}),
        (way(other=2, loss={3: 0.4}), {"loss"}),
        (way(other=4, loss={5: 0.2}), {"loss", "route-change"}),
        (way(other=1, loss={3: 0.2}), {"loss"}),
        (way(other=2, loss={6: 0.2}), {"loss"}),
        (way(other=2, loss={2: 0.2}), {"loss"}),
        (way(other=2, ms={3: 60.0}), {"route-change"}),
        (way(other=2, loss={4: 1.0}), {"outage"}),
        (way(other=2, ms={3: 60.0}, loss={4: 0.2}), {"route-change", "loss"}),
    ],
)
def test_trouble_that_begins_with_another_route_is_dated_to_it(
    new: Way, kinds: set[str], change: int, seed: int
) -> None:
    said = judged(change + 80, lambda round_: way() if round_ < change else new, seed)
    assert said.verdict.kind in kinds
    assert second(said) == pytest.approx(change, abs=4)
    assert said.open is not None
    assert (said.open.begin - at(0)) / 1e9 == pytest.approx(change, abs=10)
    assert said.open.sent <= 90


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("begins", [0, 40])
def test_loss_that_was_there_already_is_older_than_the_route(begins: int, seed: int) -> None:
    """The link that loses is on both routes."""

    def now(round_: int) -> Way:
        loss = {2: 0.15} if round_ >= begins else {}
        return way(loss=loss, other=2 if round_ >= 120 else 0)

    said = judged(200, now, seed)
    assert said.verdict.kind == "loss"
    since = second(said)
    assert (since or 0) == pytest.approx(begins, abs=10)


def kinds_by_round(rounds: int, way_of: Callable[[int], Way], seed: int) -> list[str]:
    """What is said after each round."""
    return [judged.verdict.kind for judged in each_round(facts(rounds, way_of, seed), Judge(TARGET))]


@pytest.mark.parametrize("seed", range(6))
def test_loss_is_not_over_because_the_route_changes_elsewhere(seed: int) -> None:
    kinds = kinds_by_round(300, lambda round_: way(loss={2: 0.1}, other=2 if round_ >= 150 else 0), seed)
    assert set(kinds[150:]) == {"loss"}


@pytest.mark.parametrize("seed", range(6))
def test_loss_that_another_route_has_not_is_over_within_half_a_minute(seed: int) -> None:
    kinds = kinds_by_round(200, lambda round_: way(loss={4: 0.1}) if round_ < 150 else way(other=2), seed)
    assert kinds[149] == "loss"
    assert "loss" not in kinds[185:]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loss_of_one_packet_in_fifty_from_the_start_is_no_change_of_routes(seed: int) -> None:
    """The route changes before anything is said."""
    said = judged(500, lambda round_: way(loss={2: 0.02}, other=2 if round_ >= 30 else 0), seed)
    assert said.verdict.kind == "loss"
    assert (second(said) or 0) <= 30


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loss_of_a_route_that_is_left_again_lasted_as_long_as_it(seed: int) -> None:
    new = way(other=2, loss={4: 0.2})
    said = judged(460, lambda round_: new if 300 <= round_ < 380 else way(), seed)
    assert said.verdict.kind in ("recovered", "healthy")
    (was,) = said.incidents
    assert (was.begin - at(0)) / 1e9 == pytest.approx(300, abs=4)
    assert was.end is not None
    assert (was.end - at(0)) / 1e9 == pytest.approx(380, abs=10)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loss_that_begins_long_after_another_route_is_not_the_routes(seed: int) -> None:
    def now(round_: int) -> Way:
        return way(other=2 if round_ >= 60 else 0, loss={4: 0.2} if round_ >= 160 else {})

    said = judged(260, now, seed)
    assert said.verdict.kind == "loss"
    assert second(said) == pytest.approx(160, abs=8)
    assert not said.verdict.is_of_route


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_routers_that_limited_their_answers_on_the_route_before_lost_nothing(seed: int) -> None:
    before = tuple(link._replace(is_limited=link.address == "192.0.2.4") for link in way())
    said = judged(280, lambda round_: before if round_ < 200 else way(other=2, loss={3: 0.15}), seed)
    assert said.verdict.kind == "loss"
    assert second(said) == pytest.approx(200, abs=4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_new_route_whose_routers_limit_their_answers_is_no_trouble(seed: int) -> None:
    new = tuple(link._replace(is_limited=(link.address or "").startswith("203.")) for link in way(other=2))
    assert judged(280, lambda round_: way() if round_ < 200 else new, seed).verdict.kind == "healthy"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loss_after_an_outage_is_as_old_as_its_end(seed: int) -> None:
    said = judged(200, lambda round_: way(loss={2: 1.0 if 40 <= round_ < 80 else 0.2 * (round_ >= 80)}), seed)
    outage, loss = said.incidents
    assert said.verdict.kind == "loss"
    assert second(said) == pytest.approx(80, abs=6)
    assert loss.begin == outage.end
    assert loss.sent == pytest.approx(120, abs=6)


def test_loss_that_came_with_another_route_goes_on_to_say_so() -> None:
    new = way(other=2, loss={4: 0.2})
    for rounds in (380, 700):
        said = judged(rounds, lambda round_: way() if round_ < 300 else new, 1)
        assert (said.verdict.kind, second(said), said.verdict.is_of_route) == ("loss", 300, True)


def unanswered(rounds: int, answers: Callable[[int, int], Event | None]) -> Judged:
    """A target that never answers; what somebody else answers by round and TTL."""
    judge = Judge(TARGET)
    for round_ in range(rounds):
        judge.apply(begun(round_))
        for ttl in range(1, 13):
            judge.apply(sent(round_, ttl))
            judge.apply(answers(round_, ttl) or lost(round_, ttl))
    judge.apply(Finished(1, rounds))
    return judge.judged()


@pytest.mark.parametrize("rounds", [64, 100, 300, 700])
def test_a_refusal_on_the_way_to_a_target_that_never_answered_counts_from_the_first_one(rounds: int) -> None:
    def answers(round_: int, ttl: int) -> Event | None:
        if round_ < 60 or ttl < 4:
            return answered(round_, ttl) if ttl < 7 else None
        return answered(round_, ttl, address="192.0.2.3", kind="net-unreachable") if ttl == 4 else None

    said = unanswered(rounds, answers)
    assert (said.verdict.kind, second(said)) == ("unreachable", 60)


@pytest.mark.parametrize("rounds", [64, 100, 300, 700])
@pytest.mark.parametrize("before", [(0, 0), (10, 20)])
def test_a_ring_on_the_way_to_a_target_that_never_answered_counts_from_its_own_first_round(
    before: tuple[int, int], rounds: int
) -> None:
    """It may have been there earlier, and over."""

    def answers(round_: int, ttl: int) -> Event | None:
        if round_ >= 60 or before[0] <= round_ < before[1]:
            return answered(round_, ttl, address=f"192.0.2.{ttl if ttl < 5 else 3 + (ttl - 3) % 2}")
        return answered(round_, ttl) if ttl < 7 else None

    said = unanswered(rounds, answers)
    assert (said.verdict.kind, second(said)) == ("loop", 60)


def lossy(places: Callable[[int], dict[int, float]], rounds: int, seed: int) -> Judged:
    return judged(rounds, lambda round_: way(loss=places(round_)), seed)


@pytest.mark.parametrize("seed", [2, 3, 5])
@pytest.mark.parametrize(("first", "then"), [(2, 5), (5, 2), (1, 6), (6, 1)])
def test_a_loss_that_leaves_its_place_is_over_and_another_one_begins(first: int, then: int, seed: int) -> None:
    said = lossy(lambda round_: {first if round_ < 400 else then: 0.1} if round_ >= 100 else {}, 900, seed)
    one, other = said.incidents
    assert one.last_ttl == first
    assert one.end == pytest.approx(at(400), abs=60e9)
    assert (said.verdict.kind, said.verdict.last_ttl, other.last_ttl) == ("loss", then, then)
    assert other.begin == pytest.approx(at(400), abs=60e9)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("near", "far"), [(2, 5), (1, 4), (2, 6)])
def test_of_two_losses_the_greater_one_is_named_and_the_nearer_one_beside_it(near: int, far: int, seed: int) -> None:
    said = lossy(lambda round_: {near: 0.05, far: 0.2}, 400, seed)
    numbers = said.verdict.numbers
    assert (said.verdict.kind, said.verdict.first_ttl, said.verdict.last_ttl) == ("loss", far - 1, far)
    assert numbers.also_ttl == near
    assert 0.03 < numbers.also_lost / numbers.also_sent < 0.08
    assert numbers.before_lost > 0  # nobody says that nothing is lost there
    assert len(said.incidents) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_nearer_loss_that_comes_to_one_does_not_take_its_place(seed: int) -> None:
    said = lossy(lambda round_: {2: 0.1 * (round_ >= 400), 5: 0.1 * (round_ >= 100)}, 900, seed)
    assert (said.verdict.kind, said.verdict.last_ttl) == ("loss", 5)
    assert said.verdict.first_ttl is not None
    assert said.verdict.first_ttl >= 3
    assert second(said) == pytest.approx(100, abs=10)
    assert said.verdict.numbers.also_ttl == 2


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("place", "share"), [(1, 0.05), (3, 0.05), (3, 0.3), (6, 0.1)])
def test_one_loss_is_not_taken_for_two(place: int, share: float, seed: int) -> None:
    said = lossy(lambda round_: {place: share}, 300, seed)
    assert said.verdict.numbers.also_ttl is None
    assert len(said.incidents) == 1


@pytest.mark.parametrize("share", [0.05, 0.2])
@pytest.mark.parametrize("seed", range(1, 6))
def test_loss_on_the_last_link_is_not_over_because_its_losses_happen_to_be_even(seed: int, share: float) -> None:
    (one,) = lossy(lambda round_: {6: share}, 1500, seed).incidents
    assert (one.end, one.times) == (None, 1)


def test_where_the_first_hops_are_not_probed_the_loss_may_be_at_any_of_them() -> None:
    judge = Judge(TARGET, first_ttl=3)
    for fact in facts(100, lambda round_: way(loss={1: 0.2}), 1):
        if getattr(fact, "ttl", 3) >= 3:
            judge.apply(fact)
    verdict = judge.judged().verdict
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 0, 3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hop_before_a_loss_that_falls_silent_takes_neither_its_place_nor_its_beginning(seed: int) -> None:
    judge = Judge(TARGET)
    for fact in facts(700, lambda round_: way(loss={5: 0.15} if round_ >= 100 else {}), seed):
        if isinstance(fact, Answered) and fact.ttl == 4 and fact.round >= 400:
            judge.apply(lost(fact.round, 4))
        else:
            judge.apply(fact)
    said = judge.judged()
    (one,) = said.incidents
    assert (said.verdict.kind, one.times, one.last_ttl) == ("loss", 1, 5)
    assert one.begin == pytest.approx(at(100), abs=10e9)


def test_where_the_first_hop_is_silent_the_loss_may_be_on_its_link() -> None:
    judge = Judge(TARGET)
    for fact in facts(200, lambda round_: way(loss={1: 0.2}), 1):
        if isinstance(fact, Answered) and fact.ttl == 1:
            judge.apply(lost(fact.round, 1))
        else:
            judge.apply(fact)
    verdict = judge.judged().verdict
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 0, 2)


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_loss_on_the_last_link_behind_another_one_is_named_and_counted(seed: int) -> None:
    said = lossy(lambda round_: {3: 0.08, 6: 0.2}, 900, seed)
    (one,) = said.incidents
    assert (said.verdict.last_ttl, said.verdict.numbers.also_ttl) in ((6, 3), (3, 6))
    assert (one.sent, one.stand_in) == (900, None)
    assert 0.2 < one.lost / one.sent < 0.33


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_loss_that_lasts_beside_an_outage_is_one_since_its_own_beginning(seed: int) -> None:
    said = lossy(lambda round_: {2: 0.15 * (round_ >= 100), 5: float(400 <= round_ < 600)}, 900, seed)
    loss, outage = said.incidents
    assert (loss.kind, outage.kind, said.verdict.kind) == ("loss", "outage", "loss")
    assert (loss.end, loss.times) == (None, 1)
    assert second(said) == pytest.approx(100, abs=10)
    assert 0.1 < loss.lost / loss.sent < 0.2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_loss_elsewhere_after_an_outage_is_another_one(seed: int) -> None:
    said = lossy(
        lambda round_: {2: 0.15 * (100 <= round_ < 400), 5: 1.0 if 400 <= round_ < 600 else 0.15 * (round_ >= 600)},
        900,
        seed,
    )
    assert [each.kind for each in said.incidents] == ["loss", "outage", "loss"]
    assert second(said) == pytest.approx(600, abs=10)
