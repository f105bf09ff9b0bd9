"""Any past moment of a run is what it was then: facts are packed, and come back exactly and in their order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopscope.path import past as past_module
from hopscope.path.fold import PathFold
from hopscope.path.log import BLOCK, TOGETHER, Fact, Log, moment
from hopscope.path.past import Past, Sliding, Walk
from hopscope.path.snapshot import Path
from hopscope.path.windows import WindowName
from hopscope.wire.facts import Abandoned, Begun, Reset
from hopscope.wire.messages import Answered, Failed, Finished, Label, Late, Lost, Plan, RoundStarted, Sent
from tests.path.network import MS, TARGET, S, answered, at, begun, duplicate, failed, late, lost, reached, sent
from tests.path.test_fold_properties import Fate, fates, shuffled

LIMIT = 2**20
PLAN = Plan(TARGET, 4)


def round_of(round_: int, distance: int = 4) -> list[Fact]:
    """A round as it comes: departures, then answers; now and then a loss."""
    facts: list[Fact] = [begun(round_), *(sent(round_, ttl) for ttl in range(1, distance + 1))]
    for ttl in range(1, distance):
        facts.append(
            lost(round_, ttl) if (round_ * 7 + ttl) % 11 == 0 else answered(round_, ttl, (ttl + round_ % 5) * MS)
        )
    return [*facts, lost(round_, distance) if round_ % 13 == 5 else reached(round_, distance, (20 + round_ % 7) * MS)]


class Run:
    """A path under way and its past."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.past = Past(limit)
        self.path = PathFold(TARGET)
        self.take(Begun(at(0), PLAN))

    def take(self, *facts: Fact) -> None:
        for fact in facts:
            if not isinstance(fact, Begun):
                self.path.apply(fact)
            self.past.append(fact, self.path)


def seen(path: Path | None) -> tuple[object, ...]:
    """All that a snapshot tells; its version only counts."""
    assert path is not None
    return tuple(getattr(path, name) for name in path.__struct_fields__ if name != "version")


def numbers(path: Path) -> list[tuple[object, ...]]:
    """The hops' numbers alone."""
    return [
        tuple(getattr(hop, name) for name in hop.__struct_fields__ if name not in ("window", "is_target"))
        for hop in (*path.hops, *([path.target] if path.target else []))
    ]


# --- the log -------------------------------------------------------------------------------------------------------

ODD: list[Fact] = [
    Answered(1, 3, 2, at(3), 5, "192.0.2.1", "time-exceeded", 11, 0, 60, "program", (Label(16, 0, True, 1),), False),
    Answered(1, 3, 2, at(3), 5, "2001:db8::1%eth0", "other", None, None, None),
    Late(1, 2, 2, at(2), 4 * S, "192.0.2.1", "time-exceeded", 11, 0, 60),
    duplicate(3, 2),
    failed(9, 1),
    Failed(7, 2**40, 255, 2**62, "X", "words", 5),
    Sent(2**62, -(2**62), 2**62, -(2**62), 3),
    Answered(1, 2**62, 1, 2**62, 2**62, "192.0.2.1", "echo-reply"),
    Sent(2, 0, 1, -5, 3),
    Lost(1, 2**50, 9, at(1)),
    RoundStarted(1, 8, at(8)),
    Reset(at(4)),
    Abandoned(at(5), "died"),
    Finished(1, 9),
    Begun(at(6), PLAN),
]


@given(st.lists(st.sampled_from([*ODD, *round_of(5), *round_of(6)]), max_size=3 * TOGETHER), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_what_is_packed_comes_back_exactly_and_in_order(facts: list[Fact], times: int) -> None:
    log = Log(2**24)
    facts = facts * times
    for fact in facts:
        log.append(fact)
    assert list(log.facts()) == facts
    assert log.count == len(facts)
    for place in (1, TOGETHER - 1, TOGETHER, TOGETHER + 1, BLOCK, BLOCK + 1):
        assert list(log.facts(place)) == facts[place:]


def test_until_a_moment_is_what_was_known_then() -> None:
    log = Log(LIMIT)
    facts = [fact for round_ in range(300) for fact in round_of(round_)]
    for fact in facts:
        log.append(fact)
    known: list[Fact] = []
    now = 0
    for fact in facts:
        now = max(now, moment(fact))
        if now > at(200, 2):
            break
        known.append(fact)
    assert list(log.facts(until=at(200, 2))) == known
    assert list(log.facts(17, until=at(200, 2))) == known[17:]


def test_the_oldest_facts_go_where_there_are_too_many() -> None:
    log = Log(limit=15_000)
    facts = [fact for round_ in range(3000) for fact in round_of(round_)]
    for fact in facts:
        log.append(fact)
    assert log.bytes <= 15_000
    assert 0 < log.first < len(facts)
    assert list(log.facts(log.first)) == facts[log.first :]
    assert list(log.facts()) == facts[log.first :]


def test_a_storm_of_addresses_is_packed_too() -> None:
    """What the addresses take counts, so that it is bounded as well."""
    whole, bounded = Log(2**24), Log(5_000_000)
    facts: list[Fact] = [answered(i, 1, address=f"2001:db8::{i:x}") for i in range(30_000)]
    for fact in facts:
        whole.append(fact)
        bounded.append(fact)
    assert list(whole.facts()) == facts
    assert whole.bytes > 490 * len(facts)
    assert bounded.bytes <= 5_000_000 + 500 * 4096
    assert list(bounded.facts()) == facts[bounded.first :]
    assert bounded.first > 10_000


# --- moments -------------------------------------------------------------------------------------------------------


def test_a_past_moment_is_what_it_was_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over blocks, kept folds, a reset, another flow, a change of route, silence and a late answer."""
    monkeypatch.setattr(past_module, "EVERY", 2 * TOGETHER)
    run = Run(2**24)
    then: dict[int, Path] = {}
    for round_ in range(900):
        run.take(*round_of(round_, 4 if round_ < 300 else 6))
        if round_ == 250:
            run.take(lost(round_ - 1, 9), late(round_ - 1, 9))
        if round_ == 500:
            run.take(Reset(at(500, 500)))
        if round_ == 700:
            run.take(Abandoned(at(700, 600), "the worker died"), Finished(1, round_))
        if round_ % 37 == 0:
            then[at(round_, 900)] = run.path.snapshot()
    assert len(run.past._kept) > 5
    for moment_, path in then.items():
        assert seen(run.past.path(moment_)) == seen(path)


@given(fates(), st.data())
@settings(max_examples=60, deadline=None)
def test_the_snapshot_of_a_past_moment_is_the_one_that_was_taken_then(probes: list[Fate], data: st.DataObject) -> None:
    run = Run()
    now = 0
    taken: list[tuple[int, Path]] = []
    for event in shuffled(probes, data):
        if moment(event) > now and now:
            taken.append((now, run.path.snapshot()))
        run.take(event)
        now = max(now, moment(event))
    for moment_, path in taken:
        assert seen(run.past.path(moment_)) == seen(path)


@pytest.mark.parametrize("window", ["60s", "5m"])
def test_a_windows_numbers_are_as_if_the_trace_had_begun_with_it(window: WindowName) -> None:
    run = Run()
    for round_ in range(700):
        run.take(*round_of(round_))
    span = {"60s": 60, "5m": 300}[window]
    found = run.past.path(at(600), window)
    assert found is not None
    fresh = PathFold(TARGET)
    fresh.reset(at(600 - span))
    for round_ in range(600):
        for fact in round_of(round_):
            if moment(fact) <= at(600):
                fresh.apply(fact)
    fresh.apply(begun(600))
    assert numbers(found) == numbers(fresh.snapshot())
    assert (found.numbers.name, found.numbers.rounds) == (window, span + 1)
    assert found.numbers.begin == at(600 - span)
    assert found.rounds == 601
    assert found.hops[0].window.samples.tolist()[:5] != [-5] * 5


def test_going_about_in_the_past_shows_what_going_there_at_once_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "EVERY", 5 * TOGETHER)
    run = Run()
    for round_ in range(2500):
        run.take(*round_of(round_))
    walk = Walk(run.past)
    for second in (2499, 2498, 2490, 2491, 1200, 1199, 1300, 2499, 3, 2, 1900, 1898, 1897):
        assert seen(walk.path(at(second))) == seen(run.past.path(at(second)))


def test_what_was_forgotten_is_not_made_up() -> None:
    run = Run(limit=15_000)
    for round_ in range(3000):
        run.take(*round_of(round_))
    assert run.past.path(at(10)) is None
    assert run.past.path(run.past.begin - 1) is None


def test_a_long_run_can_be_gone_back_to_as_far_as_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "EVERY", 2 * TOGETHER)
    run = Run(limit=150_000)
    then: dict[int, Path] = {}
    for round_ in range(3000):
        run.take(*round_of(round_))
        then[at(round_, 500)] = run.path.snapshot()
    assert run.past.log.bytes <= 150_000
    reachable = [moment_ for moment_ in then if moment_ >= run.past.begin]
    assert 100 < len(reachable) < len(then)
    for moment_ in reachable[::100]:
        assert seen(run.past.path(moment_)) == seen(then[moment_])


# --- the window that ends now --------------------------------------------------------------------------------------


def test_a_window_slides_and_what_has_left_it_is_left_out() -> None:
    run = Run()
    sliding = Sliding(run.past, "60s")
    for round_ in range(400):
        run.take(*round_of(round_))
        path = sliding.path(run.path, at(round_, 900))
        whole = run.path.snapshot()
        assert [hop.ttl for hop in path.hops] == [hop.ttl for hop in whole.hops]
        assert path.numbers.name == "60s"
        if round_ < 60:
            assert numbers(path) == numbers(whole)
        else:
            begin = path.numbers.begin
            assert begin is not None
            assert at(round_) - 67 * S <= begin <= at(round_) - 58 * S
            assert path.numbers.rounds == round_ - (begin - at(0)) // S + 1
            assert path.hops[0].sent == path.numbers.rounds
            assert path.hops[0].window == whole.hops[0].window


def test_a_hop_that_is_silent_in_the_window_keeps_its_name_and_has_no_numbers() -> None:
    run = Run()
    sliding = Sliding(run.past, "60s")
    for round_ in range(200):
        run.take(begun(round_), sent(round_), answered(round_) if round_ < 50 else lost(round_))
    (hop,) = sliding.path(run.path, at(199, 900)).hops
    assert (hop.received, hop.loss_pct, hop.rtt) == (0, 100.0, None)
    assert [(node.address, node.received) for node in hop.nodes] == [("192.0.2.1", 0)]


def test_a_reset_begins_the_window_anew() -> None:
    run = Run()
    sliding = Sliding(run.past, "60s")
    for round_ in range(200):
        run.take(*round_of(round_))
        if round_ == 180:
            run.take(Reset(at(181)))
        path = sliding.path(run.path, at(round_, 900))
    assert path.hops[0].sent == 19
    for round_ in range(200, 260):
        run.take(*round_of(round_))
        path = sliding.path(run.path, at(round_, 900))
    assert path.hops[0].sent == path.numbers.rounds
    assert 60 <= path.numbers.rounds <= 67


def test_an_unchanged_hop_is_the_same_object() -> None:
    run = Run()
    sliding = Sliding(run.past, "60s")
    for round_ in range(100):
        run.take(*round_of(round_))
    one = sliding.path(run.path, at(99, 900))
    run.take(sent(99, 5))
    other = sliding.path(run.path, at(99, 901))
    assert [hop is before for hop, before in zip(other.hops, one.hops, strict=False)] == [True] * 4


def test_a_window_that_is_much_work_is_made_bit_by_bit_and_until_then_numbers_are_since_the_start() -> None:
    run = Run()
    for round_ in range(700):
        run.take(*round_of(round_))
    gradual, whole = Sliding(run.past, "5m"), Sliding(run.past, "5m")
    names = []
    for round_ in range(700, 710):
        run.take(*round_of(round_))
        path = gradual.path(run.path, at(round_, 900), most=1000)
        names.append(path.numbers.name)
        assert path.numbers.rounds == (round_ + 1 if path.numbers.name == "start" else path.hops[0].sent)
    assert (names[0], names[-1]) == ("start", "5m")
    assert names == sorted(names, reverse=True)
    assert whole.path(run.path, at(709, 900)).numbers.name == "5m"
