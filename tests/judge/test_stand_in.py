"""A target that never answers: what is wrong with the way to it is said all the same."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Verdict
from hopscope.wire.messages import Finished, Protocol
from tests.path.network import MS, answered, at, begun, lost, reached, sent

HOPS: Final = 5
TARGET_TTL: Final = HOPS + 1
BEGIN: Final = 60
Way = Callable[[Random, int, int], int]
"""Of a round and a TTL: the RTT, ms, or 0 where nothing comes."""


def fine(rng: Random, round_: int, ttl: int) -> int:
    return 0 if ttl == TARGET_TTL else 5 * ttl + rng.randrange(2)


def dead(first: int, *, last: int = TARGET_TTL, until: int = 10_000) -> Way:
    """Nobody answers from the hop at `first` to that at `last`, from the begin to `until`."""
    return lambda rng, round_, ttl: 0 if first <= ttl <= last and BEGIN <= round_ < until else fine(rng, round_, ttl)


def lossy(first: int, share: float, *, last: int = TARGET_TTL, also: Way = fine) -> Way:
    def way(rng: Random, round_: int, ttl: int) -> int:
        is_lost = first <= ttl <= last and round_ >= BEGIN and rng.random() < share
        return 0 if is_lost else also(rng, round_, ttl)

    return way


def slow(first: int, *, last: int = TARGET_TTL, until: int = 10_000) -> Way:
    def way(rng: Random, round_: int, ttl: int) -> int:
        rtt = fine(rng, round_, ttl)
        return rtt + 200 if rtt and first <= ttl <= last and BEGIN <= round_ < until else rtt

    return way


def limited(*ttls: int, also: Way = fine) -> Way:
    """Their routers answer three of five."""
    return lambda rng, round_, ttl: 0 if ttl in ttls and round_ % 5 in (1, 3) else also(rng, round_, ttl)


def answers_from(first: int, way: Way) -> Way:
    """The target answers from this round on, where the way brings what the last router answers."""
    return lambda rng, round_, ttl: (
        way(rng, round_, HOPS) if ttl == TARGET_TTL and round_ >= first else way(rng, round_, ttl)
    )


def judged(way: Way, rounds: int, seed: int = 1, protocol: Protocol = "icmp") -> tuple[Judge, list[Verdict]]:
    """The judge at the end, and what it said after each round."""
    judge, rng = Judge("198.51.100.9", protocol), Random(seed)
    said: list[Verdict] = []
    for round_ in range(rounds):
        judge.apply(begun(round_))
        said.append(judge.verdict())
        for ttl in range(1, TARGET_TTL + 1):
            rtt = way(rng, round_, ttl) * MS
            judge.apply(sent(round_, ttl))
            if not rtt:
                judge.apply(lost(round_, ttl))
            else:
                judge.apply(reached(round_, ttl, rtt) if ttl == TARGET_TTL else answered(round_, ttl, rtt))
    judge.apply(Finished(1, rounds))
    return judge, [*said, judge.verdict()]


TROUBLE: Final[list[tuple[str, Way, str, int]]] = [
    ("the own link is dead", dead(1), "outage", 1),
    ("hop 2 is dead", dead(2), "outage", 2),
    ("hop 4 is dead", dead(4), "outage", 4),
    ("hop 4 is dead, and hop 5 limits its answers", limited(5, also=dead(4)), "outage", 4),
    ("30 % are lost from the first hop on", lossy(1, 0.3), "loss", 1),
    ("20 % are lost from hop 3 on", lossy(3, 0.2), "loss", 3),
    ("30 % are lost from the first hop on, and hop 4 limits", limited(4, also=lossy(1, 0.3)), "loss", 1),
    ("hop 2 and all behind it take 200 ms more", slow(2), "detour", 2),
]


@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
@pytest.mark.parametrize(("what", "way", "kind", "place"), TROUBLE, ids=[each[0] for each in TROUBLE])
def test_what_is_wrong_on_the_way_is_said(what: str, way: Way, kind: str, place: int, protocol: Protocol) -> None:
    judge, said = judged(way, 150, protocol=protocol)
    verdict = judge.judged().verdict
    assert (verdict.kind, verdict.last_ttl) == (kind, place), what
    assert verdict.since is not None
    assert abs(verdict.since - at(BEGIN)) <= at(4) - at(0)
    assert next(note.ttl for note in verdict.notes if note.kind == "stand-in") in (HOPS - 1, HOPS)
    assert said[BEGIN].kind == "no-answer"
    assert [incident.kind for incident in judge.judged().incidents if incident.end is None] == [kind]


HARMLESS: Final[list[tuple[str, Way]]] = [
    ("nothing", fine),
    ("the last router falls silent", dead(HOPS, last=HOPS)),
    ("the last router loses answers", lossy(HOPS, 0.4, last=HOPS)),
    ("the last router is slow to answer", slow(HOPS, last=HOPS)),
    ("the last three routers limit their answers", limited(3, 4, 5)),
    ("a router before the last one loses answers", lossy(3, 0.4, last=3)),
]


@pytest.mark.parametrize(("what", "way"), HARMLESS, ids=[each[0] for each in HARMLESS])
def test_how_one_router_answers_is_no_trouble_of_the_way(what: str, way: Way) -> None:
    judge, said = judged(way, 240)
    assert {verdict.kind for verdict in said[4:]} == {"no-answer"}, what
    assert [incident.kind for incident in judge.judged().incidents] == ["no-answer"]


@pytest.mark.parametrize("seed", range(5))
def test_a_lossless_way_with_a_router_that_loses_answers_raises_no_alarm(seed: int) -> None:
    _, said = judged(lossy(HOPS, 0.3, last=HOPS), 300, seed)
    assert {verdict.kind for verdict in said[4:]} == {"no-answer"}


def test_the_last_router_that_answers_is_the_last_of_now() -> None:
    judge, _ = judged(dead(HOPS, last=HOPS), BEGIN + 10)
    verdict = judge.judged().verdict
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("no-answer", HOPS - 1, HOPS)


def test_behind_a_last_router_that_fell_silent_the_one_before_it_stands_in() -> None:
    def way(rng: Random, round_: int, ttl: int) -> int:
        return 0 if round_ >= 150 and ttl >= 3 else dead(HOPS, last=HOPS)(rng, round_, ttl)

    judge, _ = judged(way, 200)
    verdict = judge.judged().verdict
    assert (verdict.kind, verdict.last_ttl, verdict.since) == ("outage", 3, at(150))


@pytest.mark.parametrize(("way", "kind"), [(dead(1, until=120), "outage"), (slow(2, until=120), "detour")])
def test_what_is_over_stays_an_incident_beside_a_target_that_goes_on_to_be_silent(way: Way, kind: str) -> None:
    judge, said = judged(way, 200)
    assert said[-1].kind == "no-answer"
    assert [verdict.kind for verdict in said].count("recovered") == 0
    silent, trouble = judge.judged().incidents
    assert (silent.kind, silent.begin, silent.end, silent.times) == ("no-answer", at(0), None, 1)
    assert (trouble.kind, trouble.begin, trouble.end) == (kind, at(60), at(120))


def test_a_dead_minute_is_found_when_it_comes_again() -> None:
    def way(rng: Random, round_: int, ttl: int) -> int:
        return 0 if round_ in range(60, 80) or round_ in range(140, 160) else fine(rng, round_, ttl)

    judge, _ = judged(way, 200)
    assert [(each.kind, each.times) for each in judge.judged().incidents] == [("no-answer", 1), ("outage", 2)]


@pytest.mark.parametrize(("way", "kind"), [(lossy(1, 0.3), "loss"), (slow(2), "detour")])
def test_trouble_of_the_way_does_not_flicker_when_the_target_begins_to_answer(way: Way, kind: str) -> None:
    judge, said = judged(answers_from(120, way), 320)
    kinds: list[str] = [verdict.kind for verdict in said]
    assert set(kinds[kinds.index(kind) :]) == {kind}
    verdict = judge.judged().verdict
    assert verdict.last_ttl is not None
    assert verdict.last_ttl <= 2
    if kind == "loss":  # by now it is the target's
        assert 0.2 * verdict.numbers.sent < verdict.numbers.lost < 0.4 * verdict.numbers.sent
        assert not [note for note in verdict.notes if note.kind == "stand-in"]


def test_a_target_that_answers_after_a_hundred_rounds_is_fine_from_then_on() -> None:
    judge, said = judged(answers_from(100, fine), 200)
    assert {verdict.kind for verdict in said[104:]} == {"recovered", "healthy"}
    assert judge.judged().verdict.numbers.lost == 0
    assert [incident.kind for incident in judge.judged().incidents] == ["no-answer"]


def test_an_outage_of_a_way_ends_when_the_target_answers_over_another_one() -> None:
    _, said = judged(answers_from(100, dead(4)), 110)
    assert said[99].kind == "outage"
    judge, _ = judged(
        lambda rng, round_, ttl: 30 if ttl == TARGET_TTL and round_ >= 100 else dead(4)(rng, round_, ttl), 110
    )
    assert judge.judged().verdict.kind == "recovered"


def test_a_shorter_way_to_a_silent_target_is_no_outage() -> None:
    judge, rng = Judge("198.51.100.9"), Random(1)
    kinds = set()
    for round_ in range(160):
        judge.apply(begun(round_))
        kinds.add(judge.verdict().kind)
        for ttl in range(1, TARGET_TTL + 1):
            judge.apply(sent(round_, ttl))
            # Two routers in the middle are left out, the last one is the same.
            who = ttl if round_ < 80 or ttl < 3 else 5 if ttl == 3 else 0
            if who and ttl < TARGET_TTL:
                judge.apply(answered(round_, ttl, (5 * ttl + rng.randrange(2)) * MS, f"192.0.2.{who}"))
            else:
                judge.apply(lost(round_, ttl))
    assert kinds == {"starting", "no-answer"}
    assert judge.judged().verdict.first_ttl == 3


def test_a_way_that_has_become_longer_hides_no_loss_of_a_target_that_answers_by_now_for_ever() -> None:
    longer = answers_from(200, slow(3))

    def way(rng: Random, round_: int, ttl: int) -> int:
        return 0 if ttl == TARGET_TTL and round_ >= 300 and rng.random() < 0.4 else longer(rng, round_, ttl)

    judge, _ = judged(way, 1200)
    assert judge.judged().verdict.kind == "loss"


def test_what_a_stand_in_lost_is_not_counted_anew_by_the_target_that_was_silent_then() -> None:
    def way(rng: Random, round_: int, ttl: int) -> int:
        return (lossy(3, 0.2) if round_ < 420 else fine)(rng, round_, ttl)

    judge, _ = judged(answers_from(200, way), 600)
    (loss,) = [each for each in judge.judged().incidents if each.kind == "loss"]
    assert loss.lost / loss.sent < 0.3
