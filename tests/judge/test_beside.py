"""What all flows of a target lose, beside what the flows of one bad path do."""

from __future__ import annotations

from collections.abc import Iterator

from hopscope.judge.judge import Judge
from hopscope.judge.links import BadLinks
from hopscope.judge.verdict import Judged
from hopscope.words.bad_paths import suffering
from tests.judge.rounds import each_round
from tests.judge.test_in_time import lossy
from tests.judge.test_judge import play
from tests.path.network import TARGET, at

_BAD = BadLinks(
    flows=(2,),
    ports=(20_002,),
    routers=((5, "198.51.100.52"),),
    is_hidden=False,
    place=(4, 5),
    bad=1,
    paths=8,
    since=100,
    last=499,
    sent=400,
    lost=80,
    others_sent=2800,
    others_lost=280,
    others_now=(800, 80),
    confidence=0.9,
    is_dead=False,
)


def said(rows: list[str], bad: range) -> Iterator[Judged]:
    """After each round of the first flow; in the rounds that are `bad` another one's path is."""
    judge = Judge(TARGET)
    for round_, judged in enumerate(each_round(play(rows), judge), start=1):
        yield judged
        judge.compared(_BAD if round_ in bad else None)


def test_a_loss_of_all_flows_goes_on_beside_a_bad_path_and_after_it_and_is_one_incident() -> None:
    rows = lossy(700, 0.1, 4)
    rounds = list(said(rows, range(200, 500)))
    kinds = [one.verdict.kind for one in rounds]
    assert (kinds[190], kinds[300], kinds[520]) == ("loss", "bad-member", "loss")
    assert "recovered" not in kinds[190:]
    during, after = rounds[400].incidents, rounds[-1].incidents
    assert [(one.kind, one.end) for one in during] == [("loss", None), ("bad-member", None)]
    assert [(one.kind, one.times, one.end is None) for one in after] == [("loss", 1, True), ("bad-member", 1, False)]
    assert after[0].begin == at(0)
    assert rows[-1].count("x") - 2 <= after[0].lost <= rows[-1].count("x"), "of all rounds, and each once"
    assert rounds[-1].since == at(0)


def test_a_loss_of_all_flows_that_ends_beside_a_bad_path_has_ended_and_one_that_begins_there_has_begun() -> None:
    rows = [row + "a" * 500 + late for row, late in zip(lossy(300, 0.1, 4), lossy(300, 0.1, 5), strict=True)]
    rounds = list(said(rows, range(200, 1100)))
    assert {one.verdict.kind for one in rounds[210:]} == {"bad-member"}
    loss, member = rounds[700].incidents
    assert (loss.kind, loss.times, member.end) == ("loss", 1, None)
    assert loss.end is not None
    assert abs(loss.end - at(300)) < 12 * (at(1) - at(0))
    loss, member = rounds[-1].incidents
    assert (loss.kind, loss.times, loss.end, member.times, member.end) == ("loss", 2, None, 1, None)


def test_it_is_said_of_the_others_what_they_lose() -> None:
    *_, last = said(lossy(300, 0.1, 4), range(200, 300))
    assert suffering(last.verdict.numbers) == ("suffer", "lose 10 %, too")
