"""What the judge says of a target, by the fates of its probes."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Verdict
from hopscope.wire.facts import Paused, Reset, Resumed
from hopscope.wire.messages import Event, Finished, Kind, RoundStarted, Started
from tests.path.network import MS, TARGET, S, answered, at, begun, failed, late, lost, reached, router, sent


def play(rows: list[str], *, first_round: int = 0) -> list[Event]:
    """The facts of rounds by hop, a string a TTL with a letter a round: ``a`` answered, ``x`` lost, ``F`` failed here,
    ``p`` "prohibited", ``l`` answered after 1.6 s, when it was lost. The last row is the target's."""
    out: list[Event] = []
    for i in range(len(rows[0])):
        round_ = first_round + i
        out.append(begun(round_))
        for ttl, row in enumerate(rows, 1):
            letter = row[i]
            if letter == "F":
                out.append(failed(round_, ttl))
                continue
            out.append(sent(round_, ttl))
            if letter == "x":
                out.append(lost(round_, ttl))
            elif letter == "p":
                out.append(answered(round_, ttl, address="192.0.2.1", kind="prohibited"))
            elif letter == "l":
                who: tuple[str | None, Kind] = (TARGET, "echo-reply") if ttl == len(rows) else (None, "time-exceeded")
                out += [lost(round_, ttl), late(round_, ttl, 1600 * MS, *who)]
            else:
                out.append(reached(round_, ttl) if ttl == len(rows) else answered(round_, ttl))
    return out


def judge_of(rows: list[str]) -> Judge:
    """A judge that has seen all of it."""
    judge = Judge("198.51.100.9")
    for fact in play(rows):
        judge.apply(fact)
    judge.apply(Finished(1, len(rows[0])))
    return judge


def verdict_of(rows: list[str]) -> Verdict:
    return judge_of(rows).judged().verdict


def test_nothing_is_said_before_three_rounds_have_their_fates() -> None:
    assert Judge("198.51.100.9").judged().verdict.kind == "starting"
    assert verdict_of(["aa", "aa"]).kind == "starting"
    assert verdict_of(["aaa", "aaa"]).kind == "healthy"


def test_a_target_that_is_gone_is_an_outage_from_the_first_hop_that_went_silent_with_it() -> None:
    verdict = verdict_of(["aaaaaaaaaa", "aaaaaaaxxx", "aaaaaaaxxx"])
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("outage", 1, 2)
    assert verdict.since == at(7)
    assert (verdict.numbers.sent, verdict.numbers.lost) == (3, 3)


def test_after_an_outage_the_target_has_recovered_and_is_healthy_a_minute_later() -> None:
    rows = ["a" * 100, "a" * 10 + "x" * 5 + "a" * 85, "a" * 10 + "x" * 5 + "a" * 85]
    soon = verdict_of([row[:20] for row in rows])
    assert (soon.kind, soon.since) == ("recovered", at(15))
    assert verdict_of(rows).kind == "healthy"
    (incident,) = judge_of(rows).judged().incidents
    assert (incident.kind, incident.begin, incident.end, incident.sent, incident.lost) == (
        "outage",
        at(10),
        at(15),
        5,
        5,
    )
    assert soon.was == incident.id


def test_an_outage_that_comes_again_in_the_same_place_is_one_incident_seen_twice() -> None:
    again = "a" * 10 + "x" * 5 + "a" * 20 + "x" * 5 + "a" * 20
    (incident,) = judge_of(["a" * len(again), again, again]).judged().incidents
    assert (incident.times, incident.begin, incident.end) == (2, at(10), at(40))


def test_a_target_that_never_answers_is_no_outage() -> None:
    verdict = verdict_of(["aaaaa", "aaaaa", "xxxxx"])
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("no-answer", 2, 3)


def test_a_router_that_prohibits_stands_at_its_own_ttl() -> None:
    verdict = verdict_of(["aaaaa", "ppppp"])
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("filter", 1, 1)
    assert verdict.numbers.address == "192.0.2.1"


def test_what_this_computer_could_not_send_is_its_own_trouble() -> None:
    verdict = verdict_of(["aaaFFFF", "aaaFFFF"])
    assert verdict.kind == "this-computer"
    assert verdict.numbers.error == "ENETUNREACH"


def test_where_most_probes_of_a_single_round_could_not_leave_that_is_said_at_once() -> None:
    assert verdict_of(["F", "F", "F"]).kind == "this-computer"
    assert verdict_of(["a", "F", "F"]).kind == "this-computer"
    assert verdict_of(["a", "a", "F"]).kind == "starting"


def test_a_reset_forgets_the_numbers_and_remembers_what_was_wrong() -> None:
    judge = judge_of(["a" * 10, "aaaaaaxxxx", "aaaaaaxxxx"])
    judge.apply(Reset(at(10)))
    judged = judge.judged()
    assert judged.verdict.kind == "starting"
    assert [(incident.kind, incident.end) for incident in judged.incidents] == [("outage", at(10))]
    assert [mark.kind for mark in judged.marks] == ["reset"]


def test_a_pause_is_a_mark_with_begin_and_end() -> None:
    judge = judge_of(["aaaa"])
    judge.apply(Paused(at(4)))
    judge.apply(Resumed(at(9)))
    assert [(mark.kind, mark.begin, mark.end) for mark in judge.judged().marks] == [("pause", at(4), at(4) + 5 * S)]


def test_a_copy_goes_on_by_itself() -> None:
    judge = judge_of(["aaaa", "aaaa"])
    twin = judge.copy()
    for fact in play(["aaaaa", "xxxxx"], first_round=4):
        twin.apply(fact)
    assert twin.judged().verdict != judge.judged().verdict
    assert judge.judged().verdict.kind == "healthy"


@pytest.mark.parametrize("down", [4, 6, 30])
def test_what_this_computer_could_not_send_ends_with_the_round_in_which_it_can_again(down: int) -> None:
    row = "a" * 12 + "F" * down + "a" * 20
    (incident,) = judge_of([row, row, row]).judged().incidents
    assert (incident.kind, incident.begin, incident.end) == ("this-computer", at(12), at(12 + down))
    soon = row[: 12 + down + 4]
    verdict = verdict_of([soon, soon, soon])
    assert (verdict.kind, verdict.since) == ("recovered", at(12 + down))


def test_failures_that_come_now_and_then_are_one_trouble_until_they_stay_away() -> None:
    row = "a" * 12 + "Faaa" * 8 + "a" * 20
    (incident,) = judge_of([row, row, row]).judged().incidents
    assert (incident.kind, incident.times) == ("this-computer", 1)
    assert incident.end == at(12 + 4 * 7 + 1)


def test_a_loss_ends_after_the_last_round_that_lost() -> None:
    rng = Random(7)
    lossy = "".join("x" if rng.random() < 0.25 else "a" for _ in range(80)) + "x"
    row = "a" * 30 + lossy + "a" * 120
    (incident,) = judge_of(["a" * len(row), row, row, row]).judged().incidents
    assert (incident.kind, incident.end) == ("loss", at(30 + len(lossy)))


def test_a_delay_ends_with_the_round_in_which_it_ends() -> None:
    judge = Judge("198.51.100.9")
    for round_ in range(140):
        judge.apply(begun(round_))
        more = 200 * MS if 60 <= round_ < 90 else 0
        for ttl in (1, 2, 3):
            judge.apply(sent(round_, ttl))
            rtt = (
                10 * MS * ttl
                + (round_ * 7919 % 11) * MS // 10
                + (more + (round_ * 31 % 17) * 5 * MS if more and ttl > 1 else 0)
            )
            judge.apply(reached(round_, ttl, rtt) if ttl == 3 else answered(round_, ttl, rtt))
    (incident,) = judge.judged().incidents
    assert (incident.begin, incident.end) == (at(60), at(90))


def test_what_is_many_times_as_slow_is_said_though_little_came_before() -> None:
    judge = Judge("198.51.100.9")
    said = {}
    for round_ in range(40):
        judge.apply(begun(round_))
        for ttl in (1, 2, 3):
            judge.apply(sent(round_, ttl))
            rtt = 10 * MS * ttl + (round_ * 7919 % 11) * MS // 10
            rtt += (300 + round_ * 31 % 17 * 5) * MS if round_ >= 18 and ttl > 1 else 0
            judge.apply(reached(round_, ttl, rtt) if ttl == 3 else answered(round_, ttl, rtt))
        said[round_] = judge.judged().verdict.kind
    first = next(round_ for round_, kind in said.items() if kind in ("bufferbloat", "congestion", "local-network"))
    assert first <= 32


def test_a_router_that_refuses_what_expires_there_and_forwards_the_rest_is_no_outage_and_is_to_blame_for_none() -> None:
    assert verdict_of(["a" * 30, "p" * 30, "a" * 30]).kind == "healthy"
    judged = judge_of(["a" * 30, "p" * 30, "a" * 20 + "x" * 10]).judged()
    assert (judged.verdict.kind, judged.verdict.first_ttl) == ("outage", 2)
    assert not [note for note in judged.verdict.notes if note.ttl == 2]


def test_where_the_target_is_silent_a_router_behind_one_that_refuses_what_expires_there_speaks_for_it() -> None:
    judged = judge_of(["a" * 30, "p" * 30, "a" * 30, "x" * 30]).judged()
    assert judged.verdict.kind == "no-answer"
    assert not [note for note in judged.verdict.notes if note.ttl == 2]


def partly_refused(share: float, rounds: int = 300) -> Judge:
    """A path of four hops whose third refuses some of what goes to the target; then one TTL further is tried."""
    rng, judge = Random(1), Judge("198.51.100.9")
    for i in range(rounds):
        facts: list[Event] = [begun(i)]
        for ttl in (1, 2, 3):
            facts += [sent(i, ttl), answered(i, ttl)]
        facts.append(sent(i, 4))
        if i > 5 and rng.random() < share:
            refusal = answered(i, 4, address="198.51.100.3", kind="prohibited")
            facts += [refusal, sent(i, 5), reached(i, 5)]
        else:
            facts.append(reached(i, 4))
        for fact in facts:
            judge.apply(fact)
    judge.apply(Finished(1, rounds))
    return judge


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3])
def test_what_is_refused_now_and_then_in_the_targets_place_is_loss(share: float) -> None:
    verdict = partly_refused(share).judged().verdict
    assert verdict.kind == "loss"
    assert verdict.numbers.lost / verdict.numbers.sent == pytest.approx(share, abs=0.05)


def test_a_router_that_refused_and_answered_in_time_again_is_believed_when_it_refuses_again() -> None:
    verdict = verdict_of(["a" * 30, "a" * 10 + "p" + "a" * 9 + "p" * 10, "a" * 20 + "p" * 10])
    assert (verdict.kind, verdict.since) == ("filter", at(20))


def test_a_router_that_refuses_what_expires_there_and_then_everything_is_a_filter() -> None:
    rows = ["a" * 30, "p" * 30, "a" * 15 + "p" * 15, "a" * 15 + "p" * 15]
    verdict = verdict_of(rows)
    assert (verdict.kind, verdict.since) == ("filter", at(15))
    judge = Judge("198.51.100.9")
    for fact in play([row[:15] for row in rows]):
        judge.apply(fact)
    for round_ in range(15, 30):
        for fact in (begun(round_), sent(round_, 1), answered(round_, 1), sent(round_, 2)):
            judge.apply(fact)
        judge.apply(answered(round_, 2, address="192.0.2.1", kind="prohibited"))
    judge.apply(Finished(1, 30))
    assert judge.judged().verdict.kind == "filter"


def test_a_flow_that_is_silent_is_no_outage_while_others_reach_the_target() -> None:
    rows = ["a" * 40, "a" * 10 + "x" * 30]
    judge = Judge("198.51.100.9")
    for fact in play(rows):
        judge.compared(None, is_reached=True)
        judge.apply(fact)
        assert not judge.judged().verdict.is_trouble
    judge.compared(None, is_reached=False)
    judge.apply(Finished(1, 40))
    assert judge.judged().verdict.kind == "outage"


def test_who_refuses_and_says_so_seldom_is_believed_between_two_times() -> None:
    refusals = "".join("p" if i % 12 == 0 else "x" for i in range(100))
    judge = Judge("198.51.100.9")
    kinds = []
    for fact in play(["a" * 100, refusals, "x" * 100]):
        judge.apply(fact)
        if isinstance(fact, RoundStarted) and fact.round > 30:
            kinds.append(judge.judged().verdict.kind)
    assert set(kinds) == {"filter"}


def test_who_refused_for_a_while_and_is_silent_since_is_no_more_believed() -> None:
    assert verdict_of(["a" * 60, "p" * 20 + "x" * 40, "x" * 60]).kind == "no-answer"


def test_packets_that_take_ways_of_two_lengths_in_turns_change_no_route() -> None:
    rng = Random(5)
    judge = Judge("198.51.100.9")
    for round_ in range(400):
        judge.apply(begun(round_))
        is_long = rng.random() < 0.5
        for ttl in (1, 2, 3):
            judge.apply(sent(round_, ttl))
            is_there = ttl == 3 or (ttl == 2 and not is_long)
            is_lost = ttl >= 2 and round_ % 90 == 89
            fact = lost if is_lost else reached if is_there else answered
            judge.apply(fact(round_, ttl))
        assert not judge.judged().verdict.is_trouble
    assert not [mark for mark in judge.judged().marks if mark.kind == "route-change"]


@pytest.mark.parametrize("seed", range(4))
def test_loss_in_bursts_is_not_over_between_two_of_them(seed: int) -> None:
    rng = Random(seed)
    rows = ["" for _ in range(6)]
    is_bad = False
    for _ in range(400):
        is_bad = rng.random() < (0.4 if is_bad else 0.05)
        rows = [row + ("x" if is_bad and hop >= 2 and rng.random() < 0.9 else "a") for hop, row in enumerate(rows)]
    judge = Judge("198.51.100.9")
    changes, last = 0, ""
    for fact in play(rows):
        judge.apply(fact)
        kind = judge.judged().verdict.kind
        changes += kind != last and last == "loss"
        last = kind
    assert changes == 0


@pytest.mark.parametrize(
    ("rows", "silent"),
    [
        (["x" * 30, "a" * 30], [1]),
        (["a" * 30, "x" * 30, "x" * 30, "a" * 30], [2, 3]),
        (["l" * 30, "a" * 30], []),
        (["l" * 30, "x" * 30, "l" * 30], [2]),
        (["a" * 30, "p" * 30, "a" * 30], []),
        (["a" * 30, "p" * 30, "l" * 30], []),
        (["x" * 30, "p" * 30, "x" * 10 + "l" * 20], [1]),
    ],
)
def test_of_a_hop_that_answers_anything_is_not_said_that_it_never_does(rows: list[str], silent: list[int]) -> None:
    assert [note.ttl for note in judge_of(rows).judged().verdict.notes if note.kind == "silent"] == silent


def test_nor_is_it_said_of_the_targets_own_place_where_only_a_probe_beyond_it_arrives() -> None:
    judge = Judge(TARGET)
    for i in range(50):
        judge.apply(begun(i))
        for ttl in (1, 2, 3, 4):
            judge.apply(sent(i, ttl))
            is_lost = ttl == 3 and i % 7 == 0
            judge.apply(lost(i, ttl) if is_lost else answered(i, ttl) if ttl < 3 else reached(i, ttl))
    judge.apply(Finished(1, 50))
    assert not [note for note in judge.judged().verdict.notes if note.kind == "silent"]


@pytest.mark.parametrize("rounds", [3, 4, 5, 12])
def test_where_no_answer_comes_in_time_the_first_late_one_tells(rounds: int) -> None:
    verdict = verdict_of(["l" * rounds, "l" * rounds, "l" * rounds])
    assert (verdict.kind, verdict.numbers.late, verdict.numbers.lost) == ("late", rounds, 0)


def test_while_it_goes_on_nobody_calls_a_target_silent_whose_answers_come_late() -> None:
    judge = Judge(TARGET)
    said = set()
    for fact in play(["l" * 30, "l" * 30]):
        judge.apply(fact)
        said.add(judge.judged().verdict.kind)
    assert said == {"starting", "late"}


def test_where_most_answers_come_in_time_one_late_one_is_nothing() -> None:
    assert verdict_of(["a" * 20, "a" * 9 + "l" + "a" * 10]).kind == "healthy"


def unsteady(late_until: int, lost_until: int, rounds: int) -> list[str]:
    """What is said in each round of a path whose first hop delays a tenth of what passes, and loses a twelfth."""
    rng, judge = Random(3), Judge(TARGET)
    said: list[str] = []
    for i in range(rounds):
        judge.apply(begun(i))
        for ttl in (1, 2, 3, 4):
            judge.apply(sent(i, ttl))
            rtt = 5 * ttl * MS + (round(rng.uniform(30, 90) * MS) if i < late_until and rng.random() < 0.1 else 0)
            is_lost = i < lost_until and rng.random() < 0.08
            judge.apply(lost(i, ttl) if is_lost else reached(i, ttl, rtt) if ttl == 4 else answered(i, ttl, rtt))
        said.append(judge.judged().verdict.kind)
    return said


def test_a_bad_wifi_that_delays_nothing_for_a_while_and_goes_on_losing_is_not_over() -> None:
    assert set(unsteady(250, 400, 400)[249:]) == {"local-network"}


def test_a_bad_wifi_that_neither_delays_nor_loses_any_more_is_over() -> None:
    said = unsteady(250, 250, 320)
    assert said[249] == "local-network"
    assert said.index("recovered", 250) < 300


@pytest.mark.parametrize(("size", "mtu"), [(1400, 1280), (1280, None), (64, None)])
def test_a_router_that_refuses_a_packet_as_too_big_is_believed_which_pass_only_where_this_one_is_bigger(
    size: int, mtu: int | None
) -> None:
    judge = Judge(TARGET)
    judge.apply(Started(1, "raw", None, None, None, size, "one", "kernel"))
    for i in range(10):
        refusal = msgspec.structs.replace(answered(i, 2, kind="fragmentation-needed"), mtu=1280)
        for fact in (begun(i), sent(i, 1), answered(i, 1), sent(i, 2), refusal):
            judge.apply(fact)
    judge.apply(Finished(1, 10))
    verdict = judge.judged().verdict
    assert (verdict.kind, verdict.numbers.says, verdict.numbers.mtu) == ("mtu", "fragmentation-needed", mtu)


def circling(rounds: int, is_round: set[int]) -> Judge:
    """Five routers and a target; in some rounds the third and fourth send packets to each other."""
    judge = Judge(TARGET)
    for i in range(rounds):
        facts: list[Event] = [begun(i)]
        for ttl in range(1, 7 + 2 * (i in is_round)):
            facts.append(sent(i, ttl))
            if i in is_round and ttl > 4:
                facts.append(answered(i, ttl, address=router(3 if ttl % 2 else 4)))
            else:
                facts.append(reached(i, ttl) if ttl == 6 else answered(i, ttl))
        for fact in facts:
            judge.apply(fact)
    judge.apply(Finished(1, rounds))
    return judge


@pytest.mark.parametrize(("every", "share"), [(2, 0.5), (3, 1 / 3), (5, 0.2), (10, 0.1)])
def test_rounds_in_which_packets_go_round_are_lost(every: int, share: float) -> None:
    verdict = circling(300, set(range(every - 1, 300, every))).judged().verdict
    assert (verdict.kind, verdict.last_ttl) == ("loss", 5)
    assert verdict.numbers.lost / verdict.numbers.sent == pytest.approx(share, abs=0.01)
    assert verdict.numbers.addresses == (router(3), router(4))
    assert not [note for note in verdict.notes if note.kind in ("balanced", "target-limits")]


def test_packets_that_take_ways_of_two_lengths_do_not_go_round() -> None:
    rng, judge = Random(1), Judge(TARGET)
    short, long = ("1", "2", "3", "4"), ("1", "2", "8", "9", "3", "4")
    for i in range(200):
        judge.apply(begun(i))
        for ttl in range(1, 8):
            way = rng.choice((short, long))
            judge.apply(sent(i, ttl))
            is_there = ttl > len(way)
            address = f"10.0.0.{way[min(ttl, len(way)) - 1]}"
            judge.apply(reached(i, ttl) if is_there else answered(i, ttl, address=address))
    judge.apply(Finished(1, 200))
    assert judge.judged().verdict.kind == "healthy"


def refusing(rounds: int, every: int) -> Judge:
    """Five routers and a target; the fourth says "no route" in every so many rounds."""
    judge = Judge(TARGET)
    for i in range(rounds):
        facts: list[Event] = [begun(i)]
        for ttl in range(1, 7):
            facts.append(sent(i, ttl))
            if i % every == 0 and ttl > 4:
                facts.append(answered(i, ttl, address=router(4), kind="net-unreachable"))
                break
            facts.append(reached(i, ttl) if ttl == 6 else answered(i, ttl))
        for fact in facts:
            judge.apply(fact)
    judge.apply(Finished(1, rounds))
    return judge


@pytest.mark.parametrize("every", [2, 3, 5, 10])
def test_what_a_router_refuses_on_the_beat_is_no_limit_of_the_target(every: int) -> None:
    verdict = refusing(300, every).judged().verdict
    assert (verdict.kind, verdict.last_ttl) == ("loss", 5)
    assert verdict.numbers.lost / verdict.numbers.sent == pytest.approx(1 / every, abs=0.01)
    assert (verdict.numbers.says, verdict.numbers.address) == ("net-unreachable", router(4))
    assert not [note for note in verdict.notes if note.kind == "target-limits"]


@pytest.mark.parametrize("every", [3, 4, 5, 10])
def test_what_hops_lose_in_the_very_same_rounds_as_the_target_is_lost(every: int) -> None:
    cut = "".join("x" if i % every == 1 else "a" for i in range(300))
    verdict = verdict_of(["a" * 300, "a" * 300, cut, cut, cut])
    assert (verdict.kind, verdict.first_ttl, verdict.last_ttl) == ("loss", 2, 3)


def test_what_the_target_alone_loses_on_the_beat_is_its_limit() -> None:
    verdict = verdict_of(["a" * 300, "a" * 300, "a" * 300, "ax" * 150])
    assert verdict.kind == "healthy"
    assert [note.kind for note in verdict.notes if note.kind == "target-limits"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_an_incident_counts_no_second_try(share: float) -> None:
    """While the target is silent in its place, one TTL further is tried; it comes through as often."""
    rng, judge, was_lost = Random(1), Judge(TARGET), False
    for i in range(300):
        facts: list[Event] = [begun(i), sent(i, 1), answered(i, 1)]
        is_lost = rng.random() < share
        for ttl in range(2, 3 + was_lost):
            facts.append(sent(i, ttl))
            facts.append(lost(i, ttl) if (is_lost if ttl == 2 else rng.random() < share) else reached(i, ttl))
        was_lost = is_lost
        for fact in facts:
            judge.apply(fact)
    judge.apply(Finished(1, 300))
    loss = [incident for incident in judge.judged().incidents if incident.kind == "loss"][-1]
    assert loss.lost / loss.sent == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize("seed", range(6))
def test_an_incident_that_comes_again_counts_no_round_twice(seed: int) -> None:
    rng, judge, rounds = Random(seed), Judge(TARGET), 500
    for i in range(rounds):
        facts: list[Event] = [begun(i)]
        is_lossy = i >= 100 and i // 40 % 3 != 2
        for ttl in range(1, 5):
            is_lost = ttl > 1 and is_lossy and rng.random() < 0.2
            address = "10.9.9.9" if ttl == 3 and i // 30 % 2 else router(ttl)
            answer = reached(i, ttl) if ttl == 4 else answered(i, ttl, address=address)
            facts += [sent(i, ttl), lost(i, ttl) if is_lost else answer]
        for fact in facts:
            judge.apply(fact)
    judge.apply(Finished(1, rounds))
    found = judge.judged().incidents
    assert max(incident.times for incident in found) > 1
    for incident in found:
        assert incident.sent <= rounds


def test_what_was_lost_in_an_outage_that_is_over_is_not_put_down_to_chance() -> None:
    cut = "a" * 30 + "x" * 30 + "a" * 40
    notes_ = judge_of(["a" * 100, cut, cut]).judged().verdict.notes
    assert not [note for note in notes_ if note.kind in ("chance-loss", "early-loss")]
    cut = cut[:80] + "x" + cut[81:]
    (note,) = [note for note in judge_of(["a" * 100, cut, cut]).judged().verdict.notes if note.kind == "chance-loss"]
    assert (note.sent, note.lost) == (40, 1)


@pytest.mark.parametrize("first", [1, 2, 3])
@pytest.mark.parametrize("period", [15, 30, 60])
def test_a_round_now_and_then_in_which_nothing_comes_through_is_no_limit_of_the_target(period: int, first: int) -> None:
    cut = "".join("x" if i % period == period // 2 else "a" for i in range(480))
    verdict = verdict_of(["a" * 480 if ttl < first else cut for ttl in range(1, 6)])
    assert not [note for note in verdict.notes if note.kind == "target-limits"]
    if period < 60:
        assert (verdict.kind, verdict.last_ttl) == ("loss", first)


def test_where_all_answer_by_a_beat_of_their_own_nothing_is_lost() -> None:
    rows = []
    for ttl in range(1, 7):
        tokens, row = 6.0 + ttl / 7, ""
        for _ in range(400):
            tokens = min(6.0, tokens + 0.3)
            row += "a" if tokens >= 1 else "x"
            tokens -= tokens >= 1
        rows.append(row)
    verdict = verdict_of(rows)
    assert verdict.kind == "healthy"
    assert [note.kind for note in verdict.notes if note.kind == "target-limits"]
