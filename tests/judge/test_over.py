"""When trouble is over, and what is kept of it; and what never was any."""

from __future__ import annotations

from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.wire.messages import Finished
from tests.judge.test_judge import play
from tests.path.network import MS, S, answered, at, begun, lost, reached, sent


def lossy_rows(
    rng: Random, share: float, begin: int, end: int, rounds: int, *, hops: int = 8, place: int = 3
) -> list[str]:
    """From the hop at `place` on, so much is lost from `begin` to `end`."""
    return [
        "".join("x" if hop >= place and begin <= i < end and rng.random() < share else "a" for i in range(rounds))
        for hop in range(1, hops + 1)
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("share", "within"), [(0.3, 25), (0.1, 45)])
def test_loss_is_over_as_soon_as_it_stays_away_longer_than_ever_before(seed: int, share: float, within: int) -> None:
    judge = Judge("198.51.100.9")
    said = []
    for fact in play(lossy_rows(Random(seed), share, 60, 180, 180 + within + 3)):
        judge.apply(fact)
        said.append(judge.judged().verdict.kind)
    judge.apply(Finished(1, 180 + within + 3))
    assert not judge.judged().verdict.is_trouble
    assert "recovered" in said[said.index("loss") :]
    assert "loss" not in said[said.index("recovered") :]


@pytest.mark.parametrize("seed", range(3))
def test_the_share_of_a_loss_is_of_the_time_that_it_lasted(seed: int) -> None:
    judge = Judge("198.51.100.9")
    looked = 0
    for number, fact in enumerate(play(lossy_rows(Random(seed), 0.3, 60, 180, 240))):
        judge.apply(fact)
        verdict = judge.judged().verdict
        if number % 50 == 0 and verdict.kind == "loss" and verdict.since is not None and verdict.numbers.rounds > 40:
            assert verdict.numbers.lost >= 0.15 * verdict.numbers.sent
            looked += 1
    assert looked >= 10
    (incident,) = judge.judged().incidents
    assert incident.kind == "loss"
    assert 100 <= incident.sent <= 121
    assert 0.2 * incident.sent < incident.lost < 0.4 * incident.sent


def test_a_second_try_that_comes_through_makes_the_share_of_a_loss_no_smaller() -> None:
    judge, rng, missed = Judge("198.51.100.9"), Random(1), 0
    for i in range(200):
        judge.apply(begun(i))
        for ttl in (1, 2, 3):
            is_lost = ttl > 1 and rng.random() < 0.3
            judge.apply(sent(i, ttl))
            judge.apply(lost(i, ttl) if is_lost else reached(i, ttl) if ttl == 3 else answered(i, ttl))
        if is_lost:
            missed += 1
            judge.apply(sent(i, 4))
            judge.apply(lost(i, 4) if rng.random() < 0.3 else reached(i, 4))
    judge.apply(Finished(1, 200))
    verdict, (incident,) = judge.judged().verdict, judge.judged().incidents
    # Where it stands is known after a few rounds.
    assert (verdict.kind, verdict.numbers.sent) == ("loss", 200)
    assert missed - 3 <= verdict.numbers.lost <= missed
    assert (incident.sent, incident.lost) == (200, verdict.numbers.lost)


def test_a_loss_whose_beginning_becomes_doubtful_is_still_counted_from_where_it_was_said_to_begin() -> None:
    lost = {165, 166, *range(178, 400, 25)}
    judge = Judge("198.51.100.9")
    target = "".join("x" if i in lost else "a" for i in range(400))
    for fact in play(["a" * 400, "a" * 400, target]):
        judge.apply(fact)
    judge.apply(Finished(1, 400))
    incidents = [incident for incident in judge.judged().incidents if incident.kind == "loss"]
    assert incidents
    for incident in incidents:
        end = 400 if incident.end is None else round((incident.end - at(0)) / S)
        assert incident.sent <= end - round((incident.begin - at(0)) / S)


def test_a_few_losses_of_several_hops_within_half_a_minute_are_chance() -> None:
    rows = ["a" * 150 for _ in range(8)]
    for hop, i in ((5, 100), (6, 104), (7, 110), (7, 118)):
        rows[hop] = rows[hop][:i] + "x" + rows[hop][i + 1 :]
    judge = Judge("198.51.100.9")
    for fact in play(rows):
        judge.apply(fact)
        assert not judge.judged().verdict.is_trouble


def test_wifi_that_delayed_nearly_every_round_is_fine_after_a_quarter_of_a_minute() -> None:
    rng = Random(2)
    judge = Judge("198.51.100.9")
    said = []
    for round_ in range(300):
        judge.apply(begun(round_))
        for ttl in range(1, 7):
            waits = rng.expovariate(1 / 30) if 100 <= round_ < 270 else 0.2
            judge.apply(sent(round_, ttl))
            fact = reached if ttl == 6 else answered
            judge.apply(fact(round_, ttl, rtt=int((5 * ttl + waits) * MS)))
        said.append(judge.judged().verdict.kind)
    assert said[260] == "local-network"
    assert said[295] == "recovered"
