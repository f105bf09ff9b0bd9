"""A loss that is one router's of several that packets take in turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random

import pytest

from hopscope.judge.judge import Judge
from hopscope.judge.verdict import Judged
from tests.path.network import TARGET, answered, begun, lost, reached, sent

_FORK = 3
_END = 6


def turns(rounds: int, seed: int, shares: Sequence[float], weights: Sequence[float] = ()) -> Iterator[Judged]:
    """What is said after every ten rounds of a path on which packets take one of several routers at hop 3 by chance,
    with these `weights`; by each of them such a share is lost."""
    judge, rng = Judge(TARGET), Random(seed)
    for round_ in range(rounds):
        judge.apply(begun(round_))
        for ttl in range(1, _END + 1):
            judge.apply(sent(round_, ttl))
            (member,) = rng.choices(range(len(shares)), weights or None)
            if ttl >= _FORK and rng.random() < shares[member]:
                judge.apply(lost(round_, ttl))
            elif ttl == _END:
                judge.apply(reached(round_, ttl))
            else:
                judge.apply(answered(round_, ttl, address=f"198.51.100.{100 + member}" if ttl == _FORK else None))
        if round_ % 10 == 9:
            yield judge.judged()


@pytest.mark.parametrize("seed", range(2))
def test_of_a_loss_that_goes_on_it_is_found_once_that_it_is_one_members_and_its_incident_stays_one(seed: int) -> None:
    said = list(turns(2400, seed, (0.0, 0.2)))
    kinds = [kind for kind, _ in groupby(one.verdict.kind for one in said)]
    assert kinds == ["healthy", "loss", "bad-member"]
    verdict, (incident,) = said[-1].verdict, said[-1].incidents
    assert (verdict.first_ttl, verdict.last_ttl) == (2, 3)
    assert (incident.kind, incident.times, incident.end) == ("bad-member", 1, None)
    loss = next(one for one in said if one.verdict.kind == "loss")
    assert (incident.id, incident.begin) == (loss.incidents[0].id, loss.incidents[0].begin)
    assert said[-1].since == incident.begin


@pytest.mark.parametrize("shares", [(0.0, 0.5), (0.6, 0.0, 0.0)])
def test_a_member_that_loses_half_is_named_within_some_minutes(shares: tuple[float, ...]) -> None:
    assert list(turns(300, 1, shares))[-1].verdict.kind == "bad-member"


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("weights", [(), (0.75, 0.25)])
def test_what_all_members_lose_alike_is_no_members_whatever_they_carry(seed: int, weights: tuple[float, ...]) -> None:
    said = {one.verdict.kind for one in turns(1500, seed, (0.1, 0.1), weights)}
    assert "loss" in said
    assert "bad-member" not in said
