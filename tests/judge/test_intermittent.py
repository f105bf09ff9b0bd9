"""A link that flaps: one trouble that comes and goes, and not an outage and "fine again" in turns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from hopscope.session.news import News
from hopscope.wire.messages import Answered
from tests.judge.rounds import each_round
from tests.judge.test_behind_silence import CUTS, HOPS, Cut, outage, way
from tests.path.network import TARGET, at, lost

Spans = list[tuple[int, int]]


def said(spans: Spans, cut: Cut, rounds: int, *, never: bool = False) -> list[Judged]:
    """After each round, where nothing gets through in these spans. `never`: the target does not answer at all."""
    facts = way(rounds, lambda *_: 0.0, cut, spans, 1)
    if never:
        facts = (lost(f.round, HOPS) if isinstance(f, Answered) and f.ttl == HOPS else f for f in facts)
    return list(each_round(facts, Judge(TARGET)))


def each(lasts: int, every: int, until: int, first: int = 5) -> Spans:
    return [(n, n + lasts) for n in range(first, until, every)]


IRREGULAR = sorted((*each(4, 37, 900, 10), *each(5, 61, 900, 20)))


def kinds(judged: Iterable[Judged]) -> list[tuple[str, bool]]:
    return [one for one, _ in groupby((each.verdict.kind, each.verdict.comes_and_goes) for each in judged)]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("spans", [each(3, 20, 900), each(3, 60, 900), each(11, 40, 900), IRREGULAR])
def test_what_interrupts_for_the_third_time_is_said_to_come_and_go(spans: Spans, cut: str) -> None:
    judged = said(spans, CUTS[cut], 900)
    third = spans[2][1]
    kind = {"refusal": "unreachable", "loop": "loop"}.get(cut, "outage")
    assert kinds(judged[third + 8 :]) == [(kind, True)]
    verdict, (incident,) = judged[-1].verdict, (one for one in judged[-1].incidents if one.kind == kind)
    assert (incident.begin, incident.end) == (at(spans[0][0]), None)
    assert (verdict.since, verdict.last_ttl) == (incident.begin, incident.last_ttl)


@pytest.mark.parametrize("spans", [each(3, 20, 900), each(4, 60, 900), IRREGULAR])
def test_how_often_and_how_much_is_counted_from_the_first_one_on(spans: Spans) -> None:
    judged = said(spans, outage(4), 890)
    numbers, (incident,) = judged[-1].verdict.numbers, judged[-1].incidents
    gone = {round_ for first, last in spans for round_ in range(first, last) if round_ < 890}
    times = sum(round_ - 1 not in gone for round_ in gone)
    assert (numbers.times, incident.times) == (times, times)
    assert numbers.sent == pytest.approx(890 - spans[0][0], abs=2)
    assert numbers.lost == pytest.approx(len(gone), abs=2)
    # An incident counts what was sent while it was there.
    assert incident.sent == incident.lost
    assert incident.lost == pytest.approx(len(gone), abs=6)
    assert (judged[-1].verdict.first_ttl, judged[-1].verdict.last_ttl) == (3, 4)


@pytest.mark.parametrize(("every", "quiet"), [(20, 60), (60, 114)])
def test_it_is_over_when_it_stays_away_for_clearly_longer_than_before(every: int, quiet: int) -> None:
    spans = each(3, every, 300)
    end = spans[-1][1]
    judged = said(spans, outage(4), end + quiet + 80)
    assert judged[end + quiet - 3].verdict.comes_and_goes
    assert judged[end + quiet + 3].verdict.kind == "recovered"
    assert judged[end + quiet + 3].verdict.since == at(end)
    assert judged[end + quiet + 55].verdict.kind == "recovered"
    assert judged[-1].verdict.kind == "healthy"
    (incident,) = judged[-1].incidents
    assert (incident.end, incident.times) == (at(end), len(spans))


@pytest.mark.parametrize("spans", [[(100, 105)], [(100, 105), (130, 135)], each(5, 150, 900), each(15, 60, 900)])
def test_one_outage_or_two_or_some_that_are_far_apart_or_not_so_short_are_said_as_they_come(spans: Spans) -> None:
    judged = said(spans, outage(4), 900)
    assert not any(each.verdict.comes_and_goes for each in judged)
    for _, last in spans:
        assert judged[last].verdict.kind == "recovered"
        assert judged[last].verdict.since == at(last)


def test_one_that_does_not_end_any_more_is_an_outage_since_its_own_beginning() -> None:
    judged = said([*each(3, 20, 300), (310, 900)], outage(4), 900)
    assert judged[305].verdict.comes_and_goes
    last = judged[330].verdict
    assert (last.kind, last.comes_and_goes, last.since) == ("outage", False, at(310))
    (incident,) = judged[-1].incidents
    assert incident.times == 16
    assert incident.lost == pytest.approx(15 * 3 + 590, abs=4)


def test_it_goes_on_where_most_is_lost_and_each_silence_is_short() -> None:
    spans = [*each(12, 30, 200), *((n, n + 4) for n in range(200, 500, 8))]
    judged = said(spans, outage(4), 500)
    assert {(one.verdict.kind, one.verdict.comes_and_goes) for one in judged[100:]} == {("outage", True)}


def test_an_outage_elsewhere_is_another_one() -> None:
    spans = each(3, 20, 300)
    far = [(310, 340)]
    judged = said(
        [*spans, *far], lambda round_, ttl: lost(round_, ttl) if ttl >= (4 if round_ < 310 else 7) else None, 400
    )
    near, other = judged[-1].incidents
    assert (near.last_ttl, other.last_ttl, other.times) == (4, 7, 1)
    assert (other.begin, other.end) == (at(310), at(340))
    assert not judged[320].verdict.comes_and_goes


def test_a_way_that_flaps_is_told_where_the_target_never_answers() -> None:
    judged = said(each(3, 20, 600), outage(4), 600, never=True)
    assert kinds(judged[60:]) == [("outage", True)]


def test_followers_are_told_once_that_it_comes_and_goes() -> None:
    news = News()
    judged = said(each(4, 30, 900), outage(4), 900)
    told = [one for one in judged if news_of(news, one)]
    # The path; healthy; an outage and "fine again", twice; an outage; it comes and goes.
    assert len(told) == 8


def news_of(news: News, judged: Judged) -> bool:
    """Whether there is something to tell; what it is needs no words here."""

    class Asked(Exception):
        """For what is to be told."""

    def shown() -> None:
        raise Asked

    try:
        news.of(judged, shown, "")  # type: ignore[arg-type]
    except Asked:
        return True
    return False
