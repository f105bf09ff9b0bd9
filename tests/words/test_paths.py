"""From what happened to probes to what is said of a path and its hops: tables, through the real fold and judge."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Note, Verdict
from hopscope.names.segments import End
from hopscope.path.fold import PathFold
from hopscope.path.hop_health import HopFinding, hop_health, loss_onset
from hopscope.path.snapshot import Path
from hopscope.wire.messages import Event, Finished, Kind, Protocol
from hopscope.words.hops import hop_finding, hop_words
from hopscope.words.moods import mood
from hopscope.words.said import Said
from tests.path.network import MS, TARGET, answered, at, begun, failed, late, lost, router, sent
from tests.words.subjects import Subject


def folded(events: Iterable[Event], protocol: Protocol = "icmp") -> Subject:
    """What is known of a path after these events, its rounds over."""
    fold, judge = PathFold(TARGET, protocol), Judge(TARGET, protocol)
    for event in (*events, Finished(1, 1)):
        fold.apply(event)
        judge.apply(event)
    path = fold.snapshot()
    return Subject(judge.judged(), path, {}, TARGET, End(TARGET, TARGET, reached=path.reached))


def events(*rows: str, base: int = 5 * MS, end: Kind = "echo-reply") -> list[Event]:
    """A path of a row a hop, a character a round; the last hop is the target.

    ``.`` answered in base time times the TTL, ``s`` 60 ms slower, ``x`` lost, ``l`` late, ``f`` failed, ``p`` pending,
    a space: not probed.
    """
    told: list[Event] = []
    for i in range(max(map(len, rows), default=0)):
        told.append(begun(i))
        for ttl, row in enumerate(rows, 1):
            is_last = ttl == len(rows)
            kind: Kind = end if is_last else "time-exceeded"
            who = TARGET if is_last and end == "echo-reply" else router(ttl)
            what = row[i] if i < len(row) else " "
            if what in ".sxlp":
                told.append(sent(i, ttl))
            if what in ".s":
                told.append(answered(i, ttl, base * ttl + (60 * MS if what == "s" else 0), who, kind))
            elif what in "xl":
                told.append(lost(i, ttl))
                if what == "l":
                    told.append(late(i, ttl, address=who, kind=kind))
            elif what == "f":
                told.append(failed(i, ttl))
    return told


def trace(*rows: str, end: Kind = "echo-reply") -> Subject:
    return folded(events(*rows, end=end))


def clock(moment: int) -> str:
    return f"T+{(moment - at(0)) // 1_000_000_000}"


def said(subject: Subject) -> tuple[str, str]:
    words = Said(subject, clock)
    return words.verdict.kind, words.sentence.line


def hops(subject: Subject) -> list[HopFinding]:
    return [hop_finding(subject.path, hop, subject.judged.verdict) for hop in subject.path.rows]


def lossy(share: float, rounds: int = 300, seed: int = 1) -> str:
    """Losses by chance."""
    rng = Random(seed)
    return "".join("x" if rng.random() < share else "." for _ in range(rounds))


FINE = "." * 300
TEN = lossy(0.1)
BEAT = ".........x" * 30


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        ((), "starting", "starting: no answer yet"),
        (("p",), "starting", "starting: no answer yet"),
        (("....", "...."), "healthy", "nothing is lost"),
        ((FINE, FINE), "healthy", "nothing is lost"),
        ((FINE[:20], "." * 19 + "x"), "healthy", "1 lost so far, which may be chance"),
        ((TEN, FINE, FINE), "healthy", "nothing is lost"),
        ((FINE, BEAT), "healthy", "the target limits how often it answers"),
    ],
)
def test_what_is_said_of_a_path_without_trouble(rows: tuple[str, ...], kind: str, words: str) -> None:
    found = said(trace(*rows))
    assert found[0] == kind
    assert words in found[1]


@pytest.mark.parametrize(
    ("rows", "kind", "begins"),
    [
        ((FINE, TEN, TEN, TEN), "loss", "from hop 2 on"),
        ((TEN, TEN, TEN), "loss", "from the first hop on"),
        ((FINE, "x" * 300, TEN, TEN), "loss", "from hop"),
        ((FINE, FINE[:290] + "x" * 10), "outage", "no answer at the target, since T+290"),
        ((FINE, FINE[:290] + "x" * 10, FINE[:290] + "x" * 10), "outage", "no answer from hop 2 on, since T+290"),
        ((".." + "f" * 5, ".." + "f" * 5), "this-computer", "this computer cannot send: Network is unreachable"),
        ((FINE, FINE[:280] + "l" * 20), "late", "answers come later than the timeout"),
    ],
)
def test_what_is_said_of_a_path_in_trouble(rows: tuple[str, ...], kind: str, begins: str) -> None:
    found = said(trace(*rows))
    assert found[0] == kind
    assert begins in found[1]


@pytest.mark.parametrize(
    ("kind", "words"),
    [("host-unreachable", "host unreachable"), ("net-unreachable", "no route"), ("prohibited", "prohibited")],
)
def test_who_refuses_is_named(kind: Kind, words: str) -> None:
    subject = trace("." * 6, "." * 6, end=kind)
    verdict = subject.judged.verdict
    assert verdict.last_ttl == 2
    assert f"192.0.2.2 says {words}" in said(subject)[1]


def test_a_target_that_answered_before_is_unreachable_while_a_router_says_so() -> None:
    told = events("." * 20, "." * 20)
    for i in range(20, 24):
        told += [begun(i), sent(i, 1), answered(i, 1), sent(i, 2), answered(i, 2, kind="host-unreachable")]
    assert said(folded(told))[0] == "unreachable"


def test_a_target_that_never_answers_is_silent_behind_the_last_that_does() -> None:
    told: list[Event] = []
    for i in range(12):
        told += [event for ttl in (1, 2, 3) for event in (sent(i, ttl), answered(i, ttl))]
        told += [event for ttl in (4, 5) for event in (sent(i, ttl), lost(i, ttl))]
    kind, words = said(folded(told))
    assert kind == "no-answer"
    assert words.startswith("the target does not answer, since the start: hop 3, 192.0.2.3 is the last that answers")


def test_a_target_that_never_answers_and_nobody_behind_the_first_hop_is_most_likely_the_line() -> None:
    told: list[Event] = []
    for i in range(12):
        told += [begun(i), sent(i, 1), answered(i, 1)]
        told += [event for ttl in (2, 3) for event in (sent(i, ttl), lost(i, ttl))]
    kind, words = said(folded(told))
    assert kind == "no-answer"
    assert words.startswith(
        "nobody answers behind hop 1, since the start: most likely your internet line is down, unless"
    )


def test_an_outage_that_is_over_is_no_present_trouble_and_is_not_forgotten() -> None:
    subject = trace("." * 80, "." * 20 + "x" * 20 + "." * 40)
    assert said(subject) == ("recovered", "fine again since T+40: no answer came at the target for 20 s")
    subject = trace(FINE, "." * 20 + "x" * 20 + "." * 260)
    assert said(subject)[0] == "healthy"
    (incident,) = subject.judged.incidents
    assert (incident.begin, incident.end) == (at(20), at(40))
    assert hops(subject)[1].state == "past"
    assert not hops(subject)[1].is_trouble


def looping(*addresses: str) -> Subject:
    """A path on which these addresses answer, in this order, and never the target."""
    told: list[Event] = []
    for i in range(12):
        told.append(begun(i))
        for ttl, address in enumerate(addresses, 1):
            told += [sent(i, ttl), answered(i, ttl, ttl * MS, address)]
    return folded(told)


def test_a_forwarding_loop_is_called_one_and_its_routers_are_named() -> None:
    kind, words = said(looping("192.0.2.1", *["198.51.100.1", "198.51.100.5"] * 5))
    assert kind == "loop"
    assert words.startswith("packets go in circles between 198.51.100.1 and 198.51.100.5")


@pytest.mark.parametrize(
    "addresses",
    [
        ("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"),  # forwards what has no TTL left
        ("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2", "192.0.2.3"),
        ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"),  # branches of unequal length
    ],
)
def test_an_address_that_merely_comes_again_is_no_loop(addresses: tuple[str, ...]) -> None:
    assert said(looping(*addresses))[0] != "loop"


@pytest.mark.parametrize(
    ("rounds", "sure"), [(9, "collecting"), (10, "provisional"), (29, "provisional"), (30, "full")]
)
def test_a_hop_of_few_probes_says_that_its_numbers_are_young(rounds: int, sure: str) -> None:
    path = trace("." * rounds, "." * rounds).path
    assert hop_health(path, path.hops[0]).confidence == sure


@pytest.mark.parametrize(
    ("rows", "ttl", "state", "words"),
    [
        ((FINE, FINE), 1, "ok", "no loss"),
        (("p", "p"), 1, "starting", "no answer yet"),
        (("xx",), 1, "starting", "no answer yet"),
        ((FINE, "x" * 300, FINE), 2, "silent", "does not answer, but forwards: later hops answer"),
        ((FINE, "x" * 300), 2, "no-answer", "no answer from here on"),
        ((FINE, "l" * 300, FINE), 2, "slow-to-answer", "answers only after the timeout"),
        ((FINE, BEAT, FINE), 2, "cosmetic", "10 % are not answered here, all else passes: the router limits"),
        ((FINE, TEN, TEN), 2, "loss", "loss that goes on to the target. It begins here, just before, or on the way"),
        ((TEN, TEN, TEN), 2, "loss", "loss that goes on to the target"),
        ((FINE, "." * 99 + "x", FINE), 2, "ok", "1 of 100 lost"),
        ((FINE, "." * 19 + "x", FINE), 2, "ok", "1 of 20 lost"),
        ((FINE, "x.x......", FINE), 2, "ok", "2 of 9 lost"),
        ((FINE, "s" * 300, FINE), 2, "slow-to-answer", "slow to answer by 55.0 ms, not slow to forward"),
        ((FINE, "s" * 300, "s" * 300), 2, "ok", "no loss"),
        (("." * 9 + "f" * 6, "." * 9 + "f" * 6), 1, "this-computer", "this computer cannot send: Network is unreach"),
        ((".f.", ".f."), 1, "ok", "no loss"),
    ],
)
def test_what_is_said_of_a_hop(rows: tuple[str, ...], ttl: int, state: str, words: str) -> None:
    found = hops(trace(*rows))[ttl - 1]
    assert found.state == state
    assert words in hop_words(found)


def test_only_trouble_has_the_colour_of_trouble() -> None:
    assert [found.is_trouble for found in hops(trace(FINE, TEN, "x" * 300, FINE))] == [False] * 4
    assert [found.is_trouble for found in hops(trace(FINE, TEN, TEN, TEN))] == [False, True, True, True]


def test_no_hop_has_it_where_the_verdict_names_no_trouble() -> None:
    for rows in ((FINE, BEAT), ("." * 100, "." * 20 + "x" * 20 + "." * 60), (FINE[:5], "xx..."), ("...f", "...f")):
        subject = trace(*rows)
        assert not subject.judged.verdict.is_trouble
        assert not any(found.is_trouble for found in hops(subject)), rows


def test_the_target_has_one_loss_in_the_sentence_and_in_the_table() -> None:
    subject = trace(FINE, TEN, TEN, TEN)
    row = subject.path.rows[-1]
    words = Said(subject, clock)
    assert words.sentence.aside == ", since the start"
    assert words.sentence.head.startswith(f"{row.loss_pct:.0f} % of packets are lost")
    assert words.evidence[0].startswith(f"{row.lost} of {row.lost + row.received} ")
    assert "%" not in words.sentence.short


def test_what_begins_where_the_verdict_says_is_called_harmless_only_where_the_judge_is_sure_of_a_limit() -> None:
    few = "." * 30 + "x" + "." * 8
    subject = trace("." * 39, ".......x" * 4 + "x......", few, few)
    hop = subject.path.rows[1]
    said = Verdict(kind="loss", first_ttl=1, last_ttl=2)
    limits = Verdict(kind="loss", first_ttl=1, last_ttl=2, notes=(Note(kind="rate-limit", ttl=2),))
    states = [hop_finding(subject.path, hop, verdict).state for verdict in (Verdict(kind="healthy"), said, limits)]
    assert states == ["ok", "loss", "cosmetic"]


def test_what_an_outage_took_is_no_share_of_a_loss_since_the_start() -> None:
    gone = TEN + "x" * 60 + lossy(0.1, 60, seed=3)
    subject = trace(FINE + "." * 120, FINE + "x" * 60 + "." * 60, gone, gone, gone)
    assert [incident.kind for incident in subject.judged.incidents] == ["loss", "outage"]
    words = Said(subject, clock)
    (loss, outage), row = subject.judged.incidents, subject.path.rows[-1]
    assert words.sentence.aside == ", since the start"
    assert words.evidence[0].startswith(f"{loss.lost} of {loss.sent} ")
    assert outage.sent == pytest.approx(60, abs=4)
    # What is lost until it is known to be an outage counts as both.
    assert loss.lost == pytest.approx(row.lost - outage.lost, abs=4)
    assert words.evidence[0].endswith(f"in the last 7 min ({loss.sent} rounds)")


def test_hops_before_the_place_of_loss_never_have_it() -> None:
    subject = trace(lossy(0.1, seed=5), FINE, TEN, TEN, TEN)
    assert subject.judged.verdict.first_ttl in (2, 3)
    assert [found.is_trouble for found in hops(subject)][:2] == [False, False]


def test_a_rate_limited_router_before_the_loss_does_not_move_its_onset() -> None:
    assert loss_onset(trace("x." * 150, FINE, TEN, TEN).path) == 3
    assert loss_onset(trace(TEN, FINE).path) is None
    assert loss_onset(trace().path) is None


def test_loss_between_is_not_called_harmless_by_chance_while_the_target_loses_too() -> None:
    def second(*rows: str) -> HopFinding:
        path: Path = trace(*rows).path
        return hop_health(path, path.hops[1])

    assert second("." * 40, "x..x" + "." * 36, "x" + "." * 39, "x.x.x" + "." * 35).state != "cosmetic"
    assert second("." * 40, "x..x" + "." * 36, "x" + "." * 39, "." * 40).state == "cosmetic"


def by_udp(*rows: str) -> Subject:
    """Such a path by UDP: a row a router, the last one the target's TTL, which is silent or answers."""
    told: list[Event] = []
    for i in range(len(rows[0])):
        told.append(begun(i))
        for ttl, row in enumerate(rows, 1):
            told.append(sent(i, ttl))
            if row[i] == "x":
                told.append(lost(i, ttl))
            elif ttl == len(rows):
                told.append(answered(i, ttl, MS, TARGET, "port-unreachable"))
            else:
                told.append(answered(i, ttl, MS, router(ttl)))
    return folded(told, "udp")


def test_a_target_that_never_answered_udp_is_called_no_outage() -> None:
    subject = by_udp("." * 30, "." * 30, "x" * 30)
    assert said(subject)[1].startswith("the target does not answer UDP, which alone is no outage")
    assert mood(subject.judged.verdict) == "no-answer"
    assert mood(by_udp("." * 60, "." * 60).judged.verdict) == "healthy"
