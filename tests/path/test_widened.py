"""Numbers over a longer time than there are probes at hand for."""

from __future__ import annotations

import math

import pytest

from hopscope.path.bins import ERROR, TARGET, Bin
from hopscope.path.fold import WINDOW, PathFold
from hopscope.path.snapshot import Path
from hopscope.path.widened import widened
from tests.path.network import MS, answered, at, begun, reached, sent
from tests.path.network import TARGET as ADDRESS

OWN = 3 * WINDOW
"""Rounds of the path itself: more than its windows hold."""
BEFORE = 2 * WINDOW


def path_of(rounds: int, rtt: int) -> Path:
    fold = PathFold(ADDRESS)
    for round_ in range(rounds):
        for fact in (
            begun(round_),
            sent(round_, 1),
            answered(round_, 1, rtt),
            sent(round_, 2),
            reached(round_, 2, rtt),
        ):
            fold.apply(fact)
    return fold.snapshot()


def bin_of(count: int, rtt: int) -> Bin:
    out = Bin()
    out.answered([rtt] * count)
    return out


@pytest.mark.parametrize(("own_ms", "before_ms"), [(100, 10), (10, 100)])
def test_each_number_weighs_rounds_that_the_windows_do_not_hold_as_much_as_the_others(
    own_ms: int, before_ms: int
) -> None:
    own = {ttl: bin_of(OWN, own_ms * MS) for ttl in (1, 2, TARGET)}
    before = {ttl: bin_of(BEFORE, before_ms * MS) for ttl in (1, 2, TARGET)}
    path = widened(path_of(OWN, own_ms * MS), before, at(-BEFORE), own)
    assert path.numbers.rounds == OWN + BEFORE
    for hop in path.rows:
        assert hop.rtt is not None
        assert (hop.sent, hop.received, hop.lost) == (OWN + BEFORE, OWN + BEFORE, 0)
        assert hop.rtt.avg == pytest.approx((OWN * own_ms + BEFORE * before_ms) / (OWN + BEFORE))
        assert hop.rtt.median == pytest.approx(own_ms, rel=ERROR)
        assert hop.rtt.p95 == pytest.approx(max(own_ms, before_ms), rel=ERROR)
        assert hop.rtt.gmean == pytest.approx(
            math.exp((OWN * math.log(own_ms) + BEFORE * math.log(before_ms)) / (OWN + BEFORE)), rel=ERROR
        )
        assert (hop.rtt.best, hop.rtt.worst) == (min(own_ms, before_ms), max(own_ms, before_ms))
        assert hop.jitter is None


def test_what_was_not_there_before_stays_as_it_is() -> None:
    path = path_of(5, 20 * MS)
    assert widened(path, {}, at(-60)).hops == path.hops
