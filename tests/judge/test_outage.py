"""An outage that is over where it was, while the target stays silent, is another one elsewhere; limits move none."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged, Verdict
from hopscope.wire.messages import Event, Finished, Kind
from tests.path.network import TARGET, S, answered, at, begun, lost, reached, router, sent

END = 8
"""The target's TTL."""

Way = Callable[[int, int], Event | None]
"""What is answered by round and TTL; None: nothing."""


def dead(*spans: tuple[int, int, int]) -> Way:
    """Between two rounds nothing answers from a TTL on: for each of these `(ttl, begin, end)`."""

    def way(round_: int, ttl: int) -> Event | None:
        if any(ttl >= first and begin <= round_ < end for first, begin, end in spans):
            return None
        return reached(round_, ttl) if ttl == END else answered(round_, ttl)

    return way


def told(rounds: int, way: Way) -> tuple[Judged, list[Verdict]]:
    """What is known in the end, and the verdict after each round."""
    judge, said = Judge(TARGET), []
    for round_ in range(rounds):
        judge.apply(begun(round_))
        for ttl in range(1, END + 1):
            judge.apply(sent(round_, ttl))
            judge.apply(way(round_, ttl) or lost(round_, ttl))
        said.append(judge.verdict())
    judge.apply(Finished(1, rounds))
    return judge.judged(), said


Told = tuple[str, int | None, int | None, int | None, int | None]


def incidents(judged: Judged) -> list[Told]:
    """Kind, place, and the rounds in which each began and ended."""
    out: list[Told] = []
    for each in judged.incidents:
        end = None if each.end is None else (each.end - at(0)) // S
        out.append((each.kind, each.first_ttl, each.last_ttl, (each.begin - at(0)) // S, end))
    return out


@pytest.mark.parametrize("lasts", [20, 600, 1500])
def test_where_the_network_is_back_and_the_target_alone_stays_dead_that_is_said_within_a_dozen_rounds(
    lasts: int,
) -> None:
    back = 100 + lasts
    judged, said = told(back + 100, dead((3, 100, back), (END, back, 9999)))
    assert {(each.first_ttl, each.last_ttl) for each in said[back + 12 :]} == {(END - 1, END)}
    assert incidents(judged) == [("outage", 2, 3, 100, back), ("outage", END - 1, END, back, None)]
    assert judged.verdict.since == at(back)


@pytest.mark.parametrize(("near", "far"), [(3, 6), (2, 3), (5, 7)])
def test_an_outage_that_moves_away_is_two_each_with_its_own_moment(near: int, far: int) -> None:
    judged, said = told(1000, dead((near, 100, 700), (far, 700, 950)))
    assert (said[690].last_ttl, said[712].last_ttl) == (near, far)
    assert said[712].since == at(700)
    assert incidents(judged) == [("outage", near - 1, near, 100, 700), ("outage", far - 1, far, 700, 950)]


@pytest.mark.parametrize(("near", "far"), [(3, 6), (2, 3), (5, 7), (1, 4)])
def test_an_outage_that_comes_nearer_is_two_each_with_its_own_moment(near: int, far: int) -> None:
    judged, said = told(1000, dead((far, 100, 700), (near, 400, 950)))
    assert (said[390].last_ttl, said[410].last_ttl) == (far, near)
    assert said[410].since == at(400)
    assert incidents(judged) == [
        ("outage", far - 1, far, 100, 400),
        ("outage", max(1, near - 1), near, 400, 950),
    ]


@pytest.mark.parametrize("near", [1, 2, 5])
def test_an_outage_behind_a_nearer_one_that_is_over_goes_on(near: int) -> None:
    judged, said = told(1500, dead((END, 100, 1400), (near, 700, 1000)))
    assert (said[710].last_ttl, said[710].since) == (near, at(700))
    assert (said[1012].last_ttl, said[1012].since) == (END, at(100))
    assert incidents(judged) == [
        ("outage", END - 1, END, 100, 1400),
        ("outage", max(1, near - 1), near, 700, 1000),
    ]
    assert all(each.times == 1 and each.lost == each.sent for each in judged.incidents)


def test_of_outages_that_hide_each_other_each_is_said_while_it_is_the_nearest() -> None:
    judged, said = told(2400, dead((END, 100, 2300), (5, 700, 2000), (2, 1000, 1300)))
    assert [said[i].last_ttl for i in (690, 990, 1290, 1990, 2290)] == [END, 5, 2, 5, END]
    assert [said[i].since for i in (690, 990, 1290, 1990, 2290)] == [at(i) for i in (100, 700, 1000, 700, 100)]
    assert [each[3:] for each in incidents(judged)] == [(100, 2300), (700, 2000), (1000, 1300)]


def test_an_outage_that_was_hidden_and_is_over_is_none_that_goes_on() -> None:
    judged, said = told(1500, dead((5, 100, 900), (2, 700, 1000), (END, 1000, 9999)))
    assert (said[1012].last_ttl, said[1012].since) == (END, at(1000))
    assert [each[1:] for each in incidents(judged)] == [(4, 5, 100, 700), (1, 2, 700, 1000), (7, END, 1000, None)]


def test_where_hops_answer_of_which_nothing_was_known_when_it_began_it_is_behind_them() -> None:
    """The target answered a single time in between."""

    def way(round_: int, ttl: int) -> Event | None:
        dead_from = 2 if 100 <= round_ < 200 else END if round_ > 200 else END + 1
        return dead((dead_from, 0, 9999))(round_, ttl)

    judged, said = told(300, way)
    assert (said[225].kind, said[225].first_ttl, said[225].last_ttl) == ("outage", END - 1, END)
    assert judged.verdict.since == at(201)


def limited(rng: Random, share: float, way: Way) -> Way:
    """The same, where routers leave out this share of their answers."""
    return lambda round_, ttl: None if ttl < END and rng.random() < share else way(round_, ttl)


def in_bursts(on: int, off: int, way: Way) -> Way:
    """The same, where routers answer for so many rounds and then for so many do not, each in its own time."""
    return lambda round_, ttl: None if ttl < END and (round_ + 7 * ttl) % (on + off) >= on else way(round_, ttl)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.1, 0.3, 0.45])
def test_routers_that_leave_out_answers_at_random_do_not_make_an_outage_wander(share: float, seed: int) -> None:
    judged, said = told(1500, limited(Random(seed), share, dead((5, 100, 9999))))
    (outage,) = [each for each in judged.incidents if each.kind == "outage"]
    assert (outage.begin, outage.end, outage.first_ttl) == (at(100), None, 4)
    assert len({(each.first_ttl, each.last_ttl) for each in said[110:]}) == 1


@pytest.mark.parametrize(("on", "off"), [(5, 4), (20, 12), (30, 25)])
def test_routers_that_answer_in_bursts_do_not_make_an_outage_wander(on: int, off: int) -> None:
    judged, said = told(1500, in_bursts(on, off, dead((5, 100, 9999))))
    (outage,) = [each for each in judged.incidents if each.kind == "outage"]
    assert (outage.begin, outage.end) == (at(100), None)
    assert len({(each.first_ttl, each.last_ttl) for each in said[150:]}) == 1


@pytest.mark.parametrize("seed", range(4))
def test_an_outage_that_moves_behind_routers_that_limit_is_found_all_the_same(seed: int) -> None:
    judged, said = told(1000, limited(Random(seed), 0.3, dead((3, 100, 700), (6, 700, 9999))))
    assert said[725].last_ttl == 6
    assert said[725].since is not None
    assert abs(said[725].since - at(700)) <= 3 * S
    assert len([each for each in judged.incidents if each.kind == "outage"]) == 2


# --- silence whose reason is known, and silence whose reason is not -----------------------------------------------


def refused(kind: Kind, ttl: int, begin: int, end: int, way: Way) -> Way:
    """The same, but between two rounds the router (or the target) at a TTL refuses what should go farther."""

    def other(round_: int, at_ttl: int) -> Event | None:
        if not begin <= round_ < end or at_ttl < ttl or (at_ttl == ttl and ttl < END):
            return way(round_, at_ttl)
        return answered(round_, at_ttl, address=TARGET if ttl == END else router(ttl), kind=kind)

    return other


def test_an_outage_after_a_refusal_elsewhere_begins_where_that_ended() -> None:
    way = refused("prohibited", END, 100, 800, dead((3, 800, 9999)))
    judged, said = told(900, way)
    assert said[815].kind == "outage"
    assert incidents(judged) == [("filter", END, END, 100, 800), ("outage", 2, 3, 800, None)]


def test_a_refusal_after_an_outage_elsewhere_begins_where_that_ended() -> None:
    way = refused("net-unreachable", 6, 800, 9999, dead((3, 100, 800)))
    judged, said = told(900, way)
    assert said[805].kind == "unreachable"
    assert incidents(judged) == [("outage", 2, 3, 100, 800), ("unreachable", 6, 6, 800, None)]


@pytest.mark.parametrize(("one", "other"), [(6, 3), (3, 6)])
@pytest.mark.parametrize("kinds", [("net-unreachable", "net-unreachable"), ("prohibited", "host-unreachable")])
def test_a_refusal_by_another_router_elsewhere_is_another_trouble(
    one: int, other: int, kinds: tuple[Kind, Kind]
) -> None:
    way = refused(kinds[0], one, 100, 800, refused(kinds[1], other, 800, 9999, dead()))
    judged, said = told(900, way)
    assert said[805].since == at(800)
    assert [each[1:] for each in incidents(judged)] == [(one, one, 100, 800), (other, other, 800, None)]


def test_two_routers_that_refuse_by_turns_are_no_trouble_that_begins_again_and_again() -> None:
    one = refused("net-unreachable", 6, 100, 9999, dead())
    other = refused("net-unreachable", 3, 100, 9999, dead())
    judged, _ = told(900, lambda round_, ttl: (one if round_ % 6 < 3 else other)(round_, ttl))
    assert len(incidents(judged)) <= 2
    assert all(each.times == 1 for each in judged.incidents)


def ring(begin: int, end: int, way: Way, near: int = 5) -> Way:
    """The same, but between two rounds packets go round between the router at `near` and the one before it."""

    def other(round_: int, ttl: int) -> Event | None:
        if not begin <= round_ < end or ttl < near:
            return way(round_, ttl)
        return answered(round_, ttl, address=router(near - (ttl - near) % 2))

    return other


@pytest.mark.parametrize(
    ("way", "kinds"),
    [
        (ring(100, 400, refused("net-unreachable", 5, 400, 9999, dead())), ["loop", "unreachable"]),
        (ring(400, 9999, refused("net-unreachable", 5, 100, 400, dead())), ["unreachable", "loop"]),
        (ring(100, 400, dead((5, 400, 9999))), ["loop", "outage"]),
        (ring(400, 9999, dead((5, 100, 400))), ["outage", "loop"]),
        (refused("net-unreachable", 5, 400, 9999, dead((6, 100, 400))), ["outage", "unreachable"]),
        (
            refused("net-unreachable", 5, 100, 400, refused("prohibited", 5, 400, 999, dead())),
            ["unreachable", "filter"],
        ),
    ],
)
def test_what_follows_at_the_same_place_for_another_reason_begins_when_that_reason_does(
    way: Way, kinds: list[str]
) -> None:
    judged, said = told(600, way)
    assert said[430].since == at(400)
    assert [(each[0], *each[3:]) for each in incidents(judged)] == [(kinds[0], 100, 400), (kinds[1], 400, None)]


def test_an_outage_of_which_somebody_says_why_within_seconds_is_one_with_that() -> None:
    judged, _ = told(600, refused("net-unreachable", 5, 110, 9999, dead((6, 100, 110))))
    assert judged.verdict.kind == "unreachable"
    assert (judged.verdict.since or 0) < at(110)


@pytest.mark.parametrize("leaves", [2, 5])
def test_a_ring_of_routers_that_limit_their_answers_is_one_loop_from_its_first_rounds_to_its_end(leaves: int) -> None:
    whole = ring(100, 400, dead())

    def way(round_: int, ttl: int) -> Event | None:
        if 106 <= round_ < 400 and ttl >= 4 and (ttl + round_) % leaves:
            return None
        return whole(round_, ttl)

    judged, said = told(500, way)
    assert {verdict.kind for verdict in said[103:400]} == {"loop"}
    assert incidents(judged) == [("loop", 4, 5, 100, 400)]


@pytest.mark.parametrize(("one", "other"), [(5, 3), (3, 5)])
def test_a_ring_elsewhere_is_another_trouble(one: int, other: int) -> None:
    def way(round_: int, ttl: int) -> Event | None:
        ring = one if 100 <= round_ < 800 else other if round_ >= 800 else END
        if ttl < ring:
            return dead()(round_, ttl)
        return reached(round_, ttl) if ring == END else answered(round_, ttl, address=router(ring - (ttl - ring) % 2))

    judged, said = told(900, way)
    assert said[805].since == at(800)
    assert [each[0] for each in incidents(judged)] == ["loop", "loop"]
    assert [each[3:] for each in incidents(judged)] == [(100, 800), (800, None)]


def test_a_ring_that_comes_again_and_again_is_no_outage_where_the_last_round_of_it_says_nothing() -> None:
    def way(round_: int, ttl: int) -> Event | None:
        if round_ % 60 < 50 or ttl < 5:
            return dead()(round_, ttl)
        if round_ % 60 == 59:  # it is over on the way, and the target's probe was lost in it still
            return None if ttl >= END else dead()(round_, ttl)
        return answered(round_, ttl, address=router(5 - (ttl - 5) % 2))

    judged, said = told(700, way)
    assert {each[0] for each in incidents(judged)} == {"loop"}
    assert {verdict.kind for verdict in said} <= {"starting", "healthy", "loop", "recovered"}


@pytest.mark.parametrize("is_known", [True, False])
def test_a_router_that_refuses_a_few_probes_a_round_stands_where_it_is(is_known: bool) -> None:
    """Linux says "no route" once a second to each address, whatever the probe's TTL."""
    begin = 100 if is_known else 0

    def way(round_: int, ttl: int) -> Event | None:
        if round_ < begin or ttl < 3:
            return dead()(round_, ttl)
        is_told = ttl == 3 + round_ % (END - 3)
        return answered(round_, ttl, address=router(3), kind="net-unreachable") if is_told else None

    judged, said = told(300, way)
    assert {(verdict.kind, verdict.last_ttl) for verdict in said[begin + 20 :]} == {("unreachable", 3)}
    assert len(judged.incidents) == 1


@pytest.mark.parametrize("ttl", [1, 3])
def test_what_a_router_said_a_few_times_stands_while_all_is_silent_from_it_on(ttl: int) -> None:
    """A Linux router that has lost its route says so some five times to one who goes on asking, and then no more."""

    def way(round_: int, at_ttl: int) -> Event | None:
        if round_ < 100 or at_ttl < ttl or round_ >= 1000:
            return dead()(round_, at_ttl)
        return answered(round_, at_ttl, address=router(ttl), kind="net-unreachable") if round_ < 105 else None

    judged, said = told(1100, way)
    assert {verdict.kind for verdict in said[110:1000]} == {"unreachable"}
    assert incidents(judged) == [("unreachable", ttl, ttl, 100, 1000)]


@pytest.mark.parametrize("begin", range(1, 6))
@pytest.mark.parametrize("hop", [1, 3, END])
def test_an_outage_in_the_first_rounds_is_said_and_over_when_it_is(begin: int, hop: int) -> None:
    judged, said = told(40, dead((hop, begin, 20)))
    assert "outage" in {verdict.kind for verdict in said[:21]}
    assert said[-1].kind in ("recovered", "healthy")
    assert {each[0] for each in incidents(judged)} == {"outage"}
