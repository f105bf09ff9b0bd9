"""How often the screen looks at its session, by the clock that it is given."""

from __future__ import annotations

import msgspec
import pytest

from hopscope.path.snapshot import Path
from hopscope.session.model import Target
from hopscope.views.screen.cadence import Cadence, chart_is_due
from hopscope.wire.messages import Plan

SECOND = 1_000_000_000


def targets(count: int, *, interval_s: float = 1.0, state: str = "running") -> list[Target]:
    plan = Plan("192.0.2.80", 4, interval_ns=round(interval_s * 1e9))
    one = Target(1, "a", "running", "192.0.2.80", plan, None, None, None, _path(0), {})
    return [msgspec.structs.replace(one, id=n, state=state) for n in range(count)]


def _path(rounds: int, *, apart_s: float = 1.0) -> Path:
    times = memoryview(bytearray(8 * rounds)).cast("q")
    for n in range(rounds):
        times[n] = round(n * apart_s * 1e9)
    return Path((), False, rounds, times, 0, 0, None, 1, 0)


def test_what_begins_is_looked_at_often_and_then_about_once_a_round() -> None:
    cadence = Cadence(1.0)
    cadence.refresh_fast(100.0)
    assert cadence.delay_s(103.9, targets(3)) == 0.04
    assert cadence.delay_s(104.1, targets(3)) == 1.0
    assert [cadence.is_steady(now) for now in (103.9, 104.1)] == [False, True]


def test_a_target_that_still_starts_is_looked_at_often_for_half_a_minute() -> None:
    cadence = Cadence(1.0)
    cadence.refresh_fast(100.0)
    starting = targets(1, state="resolving")
    assert [cadence.delay_s(now, starting) for now in (110.0, 133.9, 134.1)] == [0.04, 0.04, 1.0]


@pytest.mark.parametrize(("interval_s", "delay"), [(0.1, 0.25), (0.5, 0.5), (10.0, 1.0)])
def test_a_steady_path_is_looked_at_once_a_round_within_bounds(interval_s: float, delay: float) -> None:
    assert Cadence(1.0).delay_s(1000.0, targets(2, interval_s=interval_s)) == delay


def test_no_target_is_no_reason_to_look_often() -> None:
    assert Cadence(1.0).delay_s(1000.0, []) == 1.0


@pytest.mark.parametrize(("count", "took_s", "delay"), [(3, 0.1, 0.04), (25, 0.1, 2.5), (25, 1.0, 3.0)])
def test_a_dear_look_at_many_targets_is_followed_by_a_long_pause(count: int, took_s: float, delay: float) -> None:
    cadence = Cadence(1.0)
    cadence.refresh_fast(0.0)
    cadence.looked(took_s)
    assert cadence.delay_s(1.0, targets(count)) == pytest.approx(delay)


@pytest.mark.parametrize(
    ("rounds", "since_s", "is_due"),
    [(5, 0.1, True), (60, 1.9, False), (60, 2.1, True), (1000, 4.9, False), (1000, 5.1, True), (60, -1.0, True)],
)
def test_the_chart_is_drawn_as_often_as_a_column_of_it_changes(rounds: int, since_s: float, is_due: bool) -> None:
    drawn_at = 1000 * SECOND
    assert chart_is_due(_path(rounds), 100, drawn_at + round(since_s * SECOND), drawn_at) is is_due
