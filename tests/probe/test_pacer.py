"""When rounds start and probes leave, by a clock that is turned by hand."""

from __future__ import annotations

import pytest

from hopscope.probe.pacer import NEVER, OPENING_TICK_NS, OPENING_WINDOW, Pacer
from hopscope.wire.messages import Plan

MS = 1_000_000
SECOND = 1000 * MS


def later_round(interval_ms: int, hops: int) -> Pacer:
    """A pacer whose second round has just started, a whole interval after the first."""
    pacer = Pacer(Plan("192.0.2.1", 4, interval_ns=interval_ms * MS), 0)
    for now in (0, interval_ms * MS):
        pacer.start_round(now)
        pacer.spread(hops)
        if not now:
            for _ in range(hops):
                pacer.take(now)
    return pacer


def leaves(pacer: Pacer, hops: int) -> list[float]:
    """When the probes of the round that has started leave, in ms after its start."""
    start = pacer.next_deadline(hops)
    times = []
    while pacer.next_ttl <= hops:
        at = pacer.next_deadline(hops)
        times.append((at - start) / MS)
        pacer.take(at)
    return times


def test_a_rounds_probes_are_spread_over_nine_tenths_of_the_interval() -> None:
    assert leaves(later_round(1000, 10), 10) == [n * 90.0 for n in range(10)]


def test_probes_of_one_slot_leave_together() -> None:
    times = leaves(later_round(100, 15), 15)
    assert sorted(set(times)) == [0, 20, 40, 60, 80]
    assert max(times.count(at) for at in times) <= 4


def test_the_first_round_sends_a_window_and_then_one_a_tick() -> None:
    pacer = Pacer(Plan("192.0.2.1", 4), 0)
    pacer.start_round(0)
    for _ in range(OPENING_WINDOW):
        assert pacer.next_deadline(30) == 0
        pacer.take(0)
    assert pacer.next_deadline(30) == OPENING_TICK_NS
    pacer.answered(7 * MS, 7 * MS)
    assert pacer.next_deadline(30) == 7 * MS


@pytest.mark.parametrize(("late_ms", "next_ms"), [(0, 2000), (900, 2000), (1500, 3500), (60_000, 62_000)])
def test_a_round_that_is_a_whole_interval_late_was_missed_and_the_clock_starts_anew(late_ms: int, next_ms: int) -> None:
    pacer = Pacer(Plan("192.0.2.1", 4), 0)
    pacer.start_round(0)
    pacer.next_ttl = NEVER
    assert pacer.next_deadline(3) == SECOND
    pacer.start_round(SECOND + late_ms * MS)
    pacer.next_ttl = NEVER
    assert pacer.next_deadline(3) == next_ms * MS


def test_after_the_last_round_none_is_due() -> None:
    pacer = Pacer(Plan("192.0.2.1", 4, rounds=1), 0)
    pacer.start_round(0)
    pacer.next_ttl = NEVER
    assert pacer.all_rounds_begun
    assert pacer.next_deadline(3) == NEVER
