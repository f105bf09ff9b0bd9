"""Which of several parallel flows is bad: worked numbers, a sample of seeds, and what must never be named."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import pytest

from hopscope.judge.bursts import Bursts
from hopscope.judge.fan import FanWatch, FlowRound
from hopscope.judge.parallel import ALPHA, FEWEST, LOST, Evidence, events

OK = 10_000_000
UNKNOWN = -5


def rows(seed: int, rounds: int, rates: list[float], burst: float = 1.0) -> list[list[int]]:
    """Flows that lose at these rates, in bursts of this mean length."""
    rng = Random(seed)
    made = []
    for rate in rates:
        row, is_lost = [], False
        for _ in range(rounds):
            if burst == 1:
                is_lost = rng.random() < rate
            else:
                is_lost = rng.random() > 1 / burst if is_lost else rng.random() < rate / burst / (1 - rate)
            row.append(LOST if is_lost else OK + rng.randrange(OK // 10))
        made.append(row)
    return made


def judged(made: list[list[int]], *, look_each: int | None = None) -> tuple[FanWatch, set[int]]:
    """The watch over these flows, each a member by itself, and whoever was named at one of its looks. `look_each`:
    rounds between two looks; None: there is one, at the end."""
    watch, named = FanWatch(), set()
    members = [((3, f"198.51.100.{flow}"),) for flow in range(len(made))]
    rounds = max(map(len, made), default=0)
    for until in (*range(look_each or rounds + 1, rounds, look_each or 1), rounds):
        watch.take(FlowRound(0, [row[:until] for row in made], members, [True] * len(made)))
        named |= {flow for flow, found in enumerate(watch.findings) if found.state in ("bad", "dead")}
    return watch, named


def states(made: list[list[int]]) -> list[str]:
    return [found.state for found in judged(made)[0].findings]


def named(made: list[list[int]]) -> list[int]:
    """Those that are named at any time."""
    return sorted(judged(made, look_each=5)[1])


def suspected(seed: int, rounds: int, rates: list[float], burst: float) -> list[int]:
    """Those against whom there is ever evidence enough, where as many rounds told before how long bursts are."""
    bursts = Bursts(len(rates), -rounds)
    for round_, samples in enumerate(zip(*rows(seed + 1000, rounds, rates, burst), strict=True), -rounds):
        lost = events(samples)[0]
        if any(lost):
            bursts.take(round_, lost)
    evidence = Evidence(len(rates), bursts)
    for round_, samples in enumerate(zip(*rows(seed, rounds, rates, burst), strict=True)):
        lost = events(samples)[0]
        if any(lost):
            evidence.take(round_, lost)
    return [flow for flow, most in enumerate(evidence.most) if most >= len(rates) / ALPHA]


def test_the_worked_numbers_three_events_of_one_of_eight_are_not_enough_and_a_fourth_is() -> None:
    evidence = Evidence(8, Bursts(8))
    for turn, most in enumerate((5.49, 37.4, 261.0, 1853.0)):
        evidence.take(20 * turn, [flow == 2 for flow in range(8)])
        if turn >= 2:
            assert evidence.most[2] == pytest.approx(most, rel=0.001)
    assert evidence.most[2] >= 8 / ALPHA
    assert all(most <= 1 for flow, most in enumerate(evidence.most) if flow != 2)


def test_events_that_all_have_or_none_has_tell_nothing() -> None:
    evidence = Evidence(4)
    for round_ in range(50):
        evidence.take(round_, [round_ % 2 == 0] * 4)
    assert evidence.most == [1.0] * 4


def test_a_burst_is_one_event() -> None:
    evidence = Evidence(8, Bursts(8))
    for round_ in range(10):
        evidence.take(round_, [flow == 0 for flow in range(8)])
    assert evidence.most[0] < 10


@pytest.mark.parametrize(
    ("rounds", "bad", "rest"), [(140, 0.2, 0.01), (180, 0.05, 0.0), (45, 1.0, 0.01), (85, 0.4, 0.01)]
)
def test_a_bad_one_of_eight_is_named_in_most_seeds_and_no_other_is(rounds: int, bad: float, rest: float) -> None:
    found = [named(rows(seed, rounds, [rest] * 3 + [bad] + [rest] * 4)) for seed in range(60)]
    assert all(flows in ([], [3]) for flows in found)
    assert sum(flows == [3] for flows in found) >= 54


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1.0), (0.01, 1.0), (0.05, 1.0), (0.02, 4.0), (0.01, 10.0)])
def test_flows_that_are_alike_are_hardly_ever_called_bad(rate: float, burst: float) -> None:
    wrong = [seed for seed in range(40) if suspected(seed, 1000, [rate] * 8, burst)]
    assert len(wrong) <= 2


def test_a_flow_that_was_well_for_an_hour_is_named_nearly_as_soon_as_at_the_beginning() -> None:
    for seed in range(8):
        rng, evidence = Random(seed), Evidence(8, Bursts(8))
        rounds = 0
        while evidence.most[3] < 8 / ALPHA:
            rates = [0.2 if flow == 3 and rounds >= 3600 else 0.01 for flow in range(8)]
            evidence.take(rounds, [rng.random() < rate for rate in rates])
            rounds += 1
        assert 3600 < rounds < 3600 + 320


def test_two_bad_ones_are_both_named() -> None:
    found = [named(rows(seed, 200, [0.01, 0.2, 0.01, 0.01, 0.2, 0.01, 0.01, 0.01])) for seed in range(20)]
    assert sum(flows == [1, 4] for flows in found) >= 18


def test_a_dead_one_is_called_dead() -> None:
    made = rows(1, 60, [0.0] * 6)
    made[4] = [LOST] * 60
    assert states(made) == ["ok"] * 4 + ["dead", "ok"]
    assert judged(made)[0].findings[4].confidence > 0.99


def test_a_slow_one_is_called_slow() -> None:
    made = rows(1, 120, [0.0] * 6)
    made[2] = [sample + 2 * OK for sample in made[2]]
    assert states(made) == ["ok", "ok", "slow", "ok", "ok", "ok"]


def test_a_limit_that_all_share_names_nobody() -> None:
    """One answer a second, whoever asks: the flows get it in turns."""
    made = [[OK if round_ % 8 == flow else LOST for round_ in range(400)] for flow in range(8)]
    assert named(made) == []


def test_loss_before_the_fork_names_nobody() -> None:
    rng = Random(3)
    outage = [rng.random() < 0.1 for _ in range(400)]
    assert named([[LOST if lost else OK for lost in outage] for _ in range(8)]) == []


def test_few_rounds_or_one_flow_say_nothing() -> None:
    assert states(rows(1, FEWEST - 1, [0.0, 1.0])) == ["unknown", "unknown"]
    assert states(rows(1, 100, [1.0])) == ["unknown"]
    assert states([]) == []
    made = rows(1, 100, [0.0, 0.0, 0.0])
    made[1] = [UNKNOWN] * 100
    assert states(made) == ["ok", "unknown", "ok"]


@pytest.mark.parametrize("happened", [1, 2, 3, 5])
def test_evidence_against_some_together_is_one_in_the_mean_where_all_are_alike(happened: int) -> None:
    count, together = 6, [frozenset((0, 1)), frozenset((1, 2, 3))]
    gathered = [0.0] * (count + len(together))
    for lost in combinations(range(count), happened):
        evidence = Evidence(count, None, together)
        evidence.take(0, [flow in lost for flow in range(count)])
        for at, logs in enumerate(evidence._logs):
            gathered[at] += sum(map(math.exp, logs)) / len(logs)
    # What is floored adds a trifle.
    assert gathered == pytest.approx([math.comb(count, happened)] * len(gathered), rel=5e-4)
