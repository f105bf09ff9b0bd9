"""How a verdict behaves as time goes by: it does not flicker, it ends when the trouble does, it stays in its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from hopscope.judge.incidents import MAX_INCIDENTS, Incidents
from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Verdict
from tests.judge.rounds import each_round
from tests.judge.test_judge import play
from tests.path.network import MS, TARGET, answered, at, begun, reached, sent

HOPS = 8


def lossy(rounds: int, share: float, seed: int, since: int = 3) -> list[str]:
    """A path that loses so much from the hop at index `since` on."""
    rng = Random(seed)
    shares = [share if ttl >= since else 0.0 for ttl in range(HOPS)]
    return ["".join("x" if rng.random() < chance else "a" for _ in range(rounds)) for chance in shares]


def verdicts(rows: list[str]) -> Iterator[Verdict]:
    """After each round."""
    return (judged.verdict for judged in each_round(play(rows), Judge(TARGET)))


@pytest.mark.parametrize("seed", range(4))
def test_a_quarter_of_an_hour_of_constant_loss_is_one_verdict_in_one_place(seed: int) -> None:
    said = [verdict for verdict in verdicts(lossy(900, 0.047, seed)) if verdict.kind != "starting"]
    kinds = [verdict.kind for verdict in said]
    assert sum(before != after for before, after in pairwise(kinds)) == 1
    assert (kinds[0], kinds[-1]) == ("healthy", "loss")
    assert (said[-1].first_ttl, said[-1].last_ttl) == (3, 4)
    places = [(v.first_ttl or 0, v.last_ttl or 0) for v in said if v.kind == "loss"]
    assert all(a[0] <= b[0] and b[1] <= a[1] for a, b in pairwise(places)), "a place may only get narrower"


@pytest.mark.parametrize("seed", range(4))
def test_a_path_that_loses_one_probe_in_a_thousand_is_healthy_for_half_an_hour(seed: int) -> None:
    assert {verdict.kind for verdict in verdicts(lossy(1800, 0.001, seed))} == {"starting", "healthy"}


def test_an_outage_is_never_healthy_however_long_and_since_stays() -> None:
    rows = ["a" * 1500, *["a" * 50 + "x" * 1450] * 4]
    during = list(verdicts(rows))[60:]
    assert {verdict.kind for verdict in during} == {"outage"}
    assert {verdict.since for verdict in during} == {at(50)}
    assert {(verdict.first_ttl, verdict.last_ttl) for verdict in during} == {(1, 2)}


def test_loss_that_is_over_has_recovered_within_two_minutes_and_then_is_healthy() -> None:
    rows = [a + "a" * 300 for a in lossy(200, 0.2, 5)]
    kinds = [verdict.kind for verdict in verdicts(rows)]
    assert kinds[199] == "loss"
    assert "recovered" in kinds[200:320]
    assert kinds[-1] == "healthy"
    assert "loss" not in kinds[320:]


def test_a_target_that_answers_one_probe_in_two_on_the_beat_limits_its_answers() -> None:
    rows = [*["a" * 300] * 4, "aaaaa" + "ax" * 147 + "a"]
    said = list(verdicts(rows))
    assert {verdict.kind for verdict in said} == {"starting", "healthy"}
    assert "target-limits" in [note.kind for note in said[-1].notes]


def test_a_router_that_seldom_answers_is_a_note() -> None:
    said = list(verdicts(["a" * 100, "axxx" * 25, "a" * 100, "a" * 100]))
    assert {verdict.kind for verdict in said} == {"starting", "healthy"}
    assert [(note.kind, note.ttl) for note in said[-1].notes] == [("rate-limit", 2)]


def test_a_target_that_moves_between_two_ttls_each_round_is_healthy() -> None:
    judge = Judge(TARGET)
    for round_ in range(200):
        judge.apply(begun(round_))
        end = 3 + round_ % 2
        for ttl in range(1, end + 1):
            judge.apply(sent(round_, ttl))
            judge.apply(reached(round_, ttl) if ttl == end else answered(round_, ttl))
    assert judge.judged().verdict.kind == "healthy"


def test_sixty_four_addresses_a_hop_are_a_balancer_and_no_change_of_route() -> None:
    judge = Judge(TARGET)
    rng = Random(1)
    for round_ in range(300):
        judge.apply(begun(round_))
        for ttl in (1, 2, 3):
            judge.apply(sent(round_, ttl))
            address = f"198.51.100.{rng.randrange(64)}" if ttl == 2 else None
            judge.apply(reached(round_, ttl) if ttl == 3 else answered(round_, ttl, address=address))
    judged = judge.judged()
    assert judged.verdict.kind == "healthy"
    assert len(judged.epochs) == 1
    assert "balanced" in [note.kind for note in judged.verdict.notes]


def test_hops_that_never_answer_are_silent_and_no_trouble() -> None:
    said = list(verdicts(["x" * 50, "x" * 50, "x" * 50, "a" * 50]))
    assert {verdict.kind for verdict in said} == {"starting", "healthy"}
    assert [note.ttl for note in said[-1].notes if note.kind == "silent"] == [1, 2, 3]


def test_one_probe_in_all_is_too_little_to_say_anything() -> None:
    assert [verdict.kind for verdict in verdicts(["aa"])] == ["starting"]


def delays(
    extra_ms: float,
    from_ttl: int,
    rounds: int = 90,
    since: int = 50,
    *,
    wavers: float = 0.5,
    seldom: int = 1,
    often: frozenset[int] = frozenset({HOPS}),
) -> Verdict:
    """The verdict where from a hop on answers come so much later, since a round; hops 1 and 2 are private. `wavers`: by
    which part of that; every hop but those asked `often` is asked once in so many rounds (`seldom`), in turn."""
    judge = Judge(TARGET)
    rng = Random(3)
    private = {1: "192.168.1.1", 2: "192.168.1.2"}
    for round_ in range(rounds):
        judge.apply(begun(round_))
        for ttl in range(1, HOPS + 1):
            if ttl not in often and round_ % seldom != ttl % seldom:
                continue
            judge.apply(sent(round_, ttl))
            queue = extra_ms * rng.uniform(1 - wavers, 1 + wavers) if ttl >= from_ttl and round_ >= since else 0.0
            rtt = int((3 * ttl + rng.random() + queue) * MS)
            if ttl == HOPS:
                judge.apply(reached(round_, ttl, rtt))
            else:
                judge.apply(answered(round_, ttl, rtt, private.get(ttl)))
    return judge.judged().verdict


@pytest.mark.parametrize(
    ("from_ttl", "kind", "place"),
    [(1, "local-network", (1, 1)), (3, "bufferbloat", (2, 3)), (6, "congestion", (5, 6)), (8, "congestion", (7, 8))],
)
def test_a_queue_is_named_by_where_it_begins(from_ttl: int, kind: str, place: tuple[int, int]) -> None:
    verdict = delays(60.0, from_ttl)
    assert (verdict.kind, (verdict.first_ttl, verdict.last_ttl)) == (kind, place)
    assert verdict.since == at(50)


@pytest.mark.parametrize(("wavers", "kind"), [(0.0, "detour"), (0.5, "congestion")])
def test_where_each_hop_is_asked_once_in_eight_rounds_a_delay_begins_where_it_begins(wavers: float, kind: str) -> None:
    soon = delays(60.0, 6, rounds=162, since=150, wavers=wavers, seldom=8)
    assert (soon.kind, soon.first_ttl, soon.last_ttl) == (kind, 0, 8), "no hop has told by then"
    later = delays(60.0, 6, rounds=240, since=150, wavers=wavers, seldom=8)
    assert (later.kind, later.first_ttl, later.last_ttl, later.since) == (kind, 5, 6, at(150))


def test_hops_that_do_not_tell_yet_widen_the_place_of_a_delay_up_to_one_that_does() -> None:
    verdict = delays(60.0, 6, rounds=162, since=150, wavers=0.0, seldom=8, often=frozenset({4, HOPS}))
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("detour", 4, 8)


def test_a_router_that_answers_slowly_delays_nothing() -> None:
    judge = Judge(TARGET)
    for round_ in range(120):
        judge.apply(begun(round_))
        for ttl in (1, 2, 3):
            judge.apply(sent(round_, ttl))
            slow = 80 if ttl == 2 and round_ >= 50 else 0
            judge.apply(reached(round_, 3, 30 * MS) if ttl == 3 else answered(round_, ttl, (10 + slow) * MS))
    verdict = judge.judged().verdict
    assert verdict.kind == "healthy"
    assert ("slow-answers", 2) in [(note.kind, note.ttl) for note in verdict.notes]


def test_incidents_are_bounded_and_those_forgotten_are_counted() -> None:
    incidents = Incidents()
    for i in range(MAX_INCIDENTS + 30):
        incidents.begin("outage", at(10 * i), 3 * i + 1, 3 * i + 2, (None, None), at(10 * i))
        incidents.end(at(10 * i + 5))
    assert len(incidents.all()) == MAX_INCIDENTS
    assert incidents.forgotten == 30


@pytest.mark.parametrize("every", [4, 15, 25])
def test_a_target_that_leaves_out_every_so_many_is_never_lossy(every: int) -> None:
    row = "".join("x" if i % every == every - 1 else "a" for i in range(300))
    assert {verdict.kind for verdict in verdicts([*["a" * 300] * 4, row])} == {"starting", "healthy"}


def test_hops_that_all_have_the_same_limit_as_the_target_lose_nothing() -> None:
    row = "a" * 10 + "aaax" * 70
    assert {verdict.kind for verdict in verdicts([row] * 6)} == {"starting", "healthy"}


def test_a_change_of_route_that_harms_nothing_is_a_mark_and_begins_an_epoch() -> None:
    judge = Judge(TARGET)
    for round_ in range(80):
        judge.apply(begun(round_))
        for ttl in (1, 2, 3):
            judge.apply(sent(round_, ttl))
            other = "203.0.113.2" if ttl == 2 and round_ >= 40 else None
            judge.apply(reached(round_, 3) if ttl == 3 else answered(round_, ttl, address=other))
    judged = judge.judged()
    assert judged.verdict.kind == "healthy"
    assert not judged.incidents
    (mark,) = judged.marks
    assert (mark.kind, mark.begin, mark.ttl, mark.before, mark.after) == (
        "route-change",
        at(40),
        2,
        "192.0.2.2",
        "203.0.113.2",
    )
    assert [(epoch.begin, epoch.end) for epoch in judged.epochs] == [(at(0), at(40)), (at(40), None)]
    assert judged.epochs[1].addresses == (("192.0.2.1",), ("203.0.113.2",), (TARGET,))
