"""What the reports for people say of a trouble: whom it concerns, what it rests on, when; and what is drawn as loss."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec
import pytest

from hopscope.judge.judge import Judge
from hopscope.names.facts import AddressInfo, Asn
from hopscope.path.fold import PathFold
from hopscope.session.model import Target
from hopscope.views.report.document import Style
from hopscope.views.report.formats import render
from hopscope.views.report.words import evidence, moment, remark, span
from hopscope.wire.messages import Answered, Event, Finished, Kind, Lost, Plan, RoundStarted, Sent, Started
from tests.report import sample

SECOND = 1_000_000_000
MS = 1_000_000
START = sample.START
TARGET = "192.0.2.80"
ADDRESSES = ("192.168.1.1", "203.0.113.9", "198.51.100.7", TARGET)
NAMES = {
    "203.0.113.9": AddressInfo("core1.example.net", True, (Asn(64500, "EXAMPLE-CORE", None, None),)),
    "198.51.100.7": AddressInfo("claims.example.org", False),
    TARGET: AddressInfo("www.example.com", True, (Asn(64502, None, None, None),)),
}


def traced(is_lost: Callable[[int, int], bool], rounds: int = 30, end: Kind = "echo-reply") -> Target:
    """Four hops; `is_lost(round, ttl)` of their probes are lost."""
    fold, judge = PathFold(TARGET), Judge(TARGET)
    for number in range(rounds):
        at = START + number * SECOND
        events: list[Event] = [RoundStarted(1, number, at)]
        for ttl, address in enumerate(ADDRESSES, 1):
            events.append(Sent(1, number, ttl, at))
            if is_lost(number, ttl):
                events.append(Lost(1, number, ttl, at))
            else:
                kind: Kind = end if address == TARGET else "time-exceeded"
                events.append(Answered(1, number, ttl, at, ttl * MS, address, kind))
        fold.apply_all(events)
        for event in events:
            judge.apply(event)
    judge.apply(Finished(1, rounds))
    plan, judged = Plan(TARGET, 4, rounds=rounds), judge.judged()
    return Target(
        1, "www.example.com", "finished", TARGET, plan, None, None, None, fold.snapshot(), NAMES, judged=judged
    )


LOST_IN = (3, 4, 9, 21, 22, 37, 40, 58, 59, 71, 80, 88)
"""Rounds, by chance."""


def lossy(first: int = 2) -> Target:
    """Twelve of ninety are lost from that hop on; losses are weighed each third round, here as of the 89th."""
    return traced(lambda number, ttl: ttl >= first and number in LOST_IN, 90)


def test_a_verdict_names_the_router_its_address_and_owner_and_the_counts() -> None:
    target = lossy()
    lines = evidence(sample.document(target), target)
    assert re.fullmatch(r"12 of \d+ \(7\.\d to 22 %\) lost at the target in the last \d+ s \(\d+ rounds\)", lines[0])
    assert "behind it: hop 2, core1.example.net (203.0.113.9), AS64500 EXAMPLE-CORE" in lines
    for name in ("html", "markdown"):
        text = render(sample.document(target), name).replace("&#43;", "+")
        assert "13 % of packets are lost" in text
        assert "from hop 2 on" in text
        for words in ("core1.example.net (203.0.113.9)", lines[0]):
            assert words in text


def test_a_claimed_name_and_no_names_are_respected_by_the_verdict_too() -> None:
    target = lossy(3)
    assert any(
        "claims.example.org (198.51.100.7; name unverified)" in line
        for line in evidence(sample.document(target), target)
    )
    plain = sample.document(target, style=Style(names="addresses"))
    assert "behind it: hop 3, 198.51.100.7" in evidence(plain, target)


def test_a_target_that_never_answers_names_the_last_router_that_does() -> None:
    target = traced(lambda _number, ttl: ttl == 4)
    text = render(sample.document(target), "markdown")
    assert "hop 3, claims.example.org (198.51.100.7; name unverified) is the last that answers" in text.replace(
        "&#45;", "-"
    )


def test_a_healthy_path_has_its_counts_and_a_refused_target_none() -> None:
    target = traced(lambda _number, _ttl: False)
    assert evidence(sample.document(target), target) == [
        "0 of 30 (0 to 11 %) lost at the target in the last 29 s (30 rounds)"
    ]
    assert evidence(sample.document(sample.refused_target()), sample.refused_target()) == []


def test_what_was_wrong_and_is_over_is_told_with_its_moments() -> None:
    target = traced(lambda number, ttl: ttl > 2 and 20 <= number < 32, 90)
    told = evidence(sample.document(target), target)
    assert told[-1] == ("2026-11-23 15:02:20 to 15:02:32 UTC: no answer came from hop 3 on for 12 s")


def rows(target: Target) -> list[str]:
    return re.findall("<tr><td.*?</tr>", render(sample.document(target), "html"))


def test_only_what_is_lost_traffic_as_far_as_can_be_told_is_drawn_as_lost() -> None:
    silent_and_limited = rows(traced(lambda number, ttl: ttl == 2 or (ttl == 3 and number % 3 > 0)))
    assert all('class="lost"' not in row for row in silent_and_limited)
    assert ["°" in row for row in silent_and_limited] == [False, True, True, False]
    assert [row.count('class="quiet"') for row in silent_and_limited] == [0, 30, 20, 0]
    truly = rows(lossy())
    assert [row.count('class="lost"') for row in truly] == [0, 7, 7, 7]
    assert not any("°" in row for row in truly)
    from_the_second_on = rows(traced(lambda _number, ttl: ttl > 1))
    # Who never answered lost nothing that is known; nor is it known that nothing is.
    assert not any('class="lost"' in row or "°" in row for row in from_the_second_on)


def test_the_legend_explains_the_marks_that_stand_there_and_no_others() -> None:
    def legend(target: Target) -> str:
        return "".join(re.findall('<p class="legend">.*?</p>', render(sample.document(target), "html")))

    assert legend(traced(lambda _number, _ttl: False)) == ""
    truly = legend(lossy())
    assert "red bar" in truly
    assert "dot" not in truly
    silent = legend(traced(lambda _number, ttl: ttl == 2))
    assert "°" in silent
    assert "red bar" not in silent
    assert "°" not in legend(traced(lambda _number, ttl: ttl > 1))


def test_each_note_stands_once() -> None:
    target = msgspec.structs.replace(
        lossy(), started=Started(1, "simulated", None, None, None, 64, "one", "kernel", "A tale")
    )
    for name in ("html", "markdown"):
        assert render(sample.document(target), name).count("A tale") == 1


def test_a_lost_probe_of_the_target_is_one_though_it_is_chance_and_one_of_a_router_is_not() -> None:
    by_chance = rows(traced(lambda number, ttl: number == 7 and ttl in (2, 4)))
    assert [row.count('class="lost"') for row in by_chance] == [0, 0, 0, 1]


def test_a_hop_that_is_cut_off_says_so_and_no_share_as_if_some_still_passed() -> None:
    target = traced(lambda number, ttl: ttl > 2 and number >= 20)
    assert [remark(target, hop) for hop in target.path.hops[1:]] == [
        "",
        "no answer now; 33 % lost in all",
        "no answer now; 33 % lost in all",
    ]


@pytest.fixture
def amsterdam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()


@pytest.mark.usefixtures("amsterdam")
def test_times_are_told_by_the_clock_on_the_wall_and_in_utc() -> None:
    assert moment(START).words() == "2026-11-23 16:02:00 CET, UTC+01:00 (2026-11-23 15:02:00 UTC)"
    assert moment(START).clock() == ["16:02:00 CET", "15:02:00 UTC"]
    assert span(START, START + 90 * SECOND) == (
        "2026-11-23 16:02:00 to 16:03:30 CET, UTC+01:00 (2026-11-23 15:02:00 to 15:03:30 UTC)"
    )
    midnight = START + 8 * 3600 * SECOND
    assert span(midnight, midnight + 1000 * SECOND) == (
        "2026-11-24 00:02:00 to 00:18:40 CET, UTC+01:00 (2026-11-23 23:02:00 to 23:18:40 UTC)"
    )
    page = render(sample.document(), "html")
    for words in ("16:02:00 CET", "15:02:00 UTC", "UTC+01:00"):
        assert words in page


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("<+0545>-5:45", "20:47:00 UTC+05:45 ("),
        ("<-03>3", "12:02:00 UTC-03:00 ("),
        ("UTC", "15:02:00 UTC"),
        ("GMT0", ""),
    ],
)
def test_a_zone_without_a_name_has_its_distance_and_utc_is_said_once(
    monkeypatch: pytest.MonkeyPatch, zone: str, said: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    words = moment(START).words()
    assert said in words
    assert words.count("UTC") == (2 if said.endswith("(") else 1)


def test_a_time_before_there_was_one_is_a_dash() -> None:
    assert span(None, None) == "–"
