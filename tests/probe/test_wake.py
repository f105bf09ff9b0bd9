"""When the worker wakes up and tells its events, as a table: nothing here waits."""

from __future__ import annotations

import pytest

from hopscope.probe.wake import MAX_BATCH_EVENTS, WakePolicy

MS = 1_000_000
DELAY = 500 * MS


def policy(flushed_at: int = 0, delay: int = DELAY) -> WakePolicy:
    made = WakePolicy()
    made.allow_delay(delay)
    assert made.flushes(flushed_at, 0, may_defer=False, must_flush=False)
    return made


@pytest.mark.parametrize(
    ("delay", "is_critical", "may_defer"), [(DELAY, False, True), (DELAY, True, False), (0, False, False)]
)
def test_anything_waits_only_where_a_delay_is_allowed_and_no_answer_matters(
    delay: int, is_critical: bool, may_defer: bool
) -> None:
    assert policy(delay=delay).may_defer(is_latency_critical=is_critical) is may_defer


@pytest.mark.parametrize(
    ("due_ms", "may_defer", "has_waiting", "wakes_ms"),
    [
        (60, True, True, 60),  # the next probe is sooner than the delay
        (9000, True, True, 500),  # what waits is told after the delay at the latest
        (9000, True, False, 9000),  # nothing waits
        (9000, False, True, 9000),  # nothing may wait, so nothing does
    ],
)
def test_the_next_wake_up_is_what_is_due_or_what_waits(
    due_ms: int, may_defer: bool, has_waiting: bool, wakes_ms: int
) -> None:
    assert policy().next_wake(due_ms * MS, may_defer=may_defer, has_waiting=has_waiting) == wakes_ms * MS


@pytest.mark.parametrize(
    ("now_ms", "queued", "may_defer", "must_flush", "flushes"),
    [
        (10, 1, False, False, True),  # nobody allowed a delay
        (10, 1, True, False, False),
        (10, 1, True, True, True),  # an event that is no probe's
        (10, MAX_BATCH_EVENTS, True, False, True),
        (399, 1, True, False, False),
        (400, 1, True, False, True),  # awake anyway, and nearly due
    ],
)
def test_events_are_told_together_unless_something_must_be_told(
    now_ms: int, queued: int, may_defer: bool, must_flush: bool, flushes: bool
) -> None:
    assert policy().flushes(now_ms * MS, queued, may_defer=may_defer, must_flush=must_flush) is flushes


def test_the_delay_counts_from_the_last_flush() -> None:
    made = policy(flushed_at=1000 * MS)
    assert made.next_wake(9000 * MS, may_defer=True, has_waiting=True) == 1500 * MS
    assert not made.flushes(1300 * MS, 1, may_defer=True, must_flush=False)
    assert made.next_wake(9000 * MS, may_defer=True, has_waiting=True) == 1500 * MS
