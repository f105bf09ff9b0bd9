"""What was before the part of a recording that is folded."""

from __future__ import annotations

from typing import Any

import pytest

from hopscope.cli import bins_before
from hopscope.cli.bins_before import BinsBefore
from hopscope.history.tiers import HOUR, MINUTE
from hopscope.path.bins import Bin, SpanBins

DAY = 24 * HOUR
BEGIN = 400 * DAY + 17 * MINUTE


class Weeks:
    """A store in which each minute has one lost probe; what it is asked for is written down."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def bins(self, trace: object, span: int, since: int, until: int) -> list[SpanBins]:
        self.asked.append((span, since, until))
        begins = range(since // span * span, until, span)
        return [SpanBins(begin, span, {3: Bin.of([-1] * (span // MINUTE))}) for begin in begins]


@pytest.fixture
def weeks() -> Weeks:
    return Weeks()


@pytest.fixture
def before(weeks: Weeks) -> BinsBefore:
    store: Any = weeks
    trace: Any = None
    return BinsBefore(store, trace)


def whole(before: BinsBefore, begin: int, end: int) -> int:
    """The probes of some time, however often one has to ask."""
    while (bins := before.between(begin, end)) is None:
        pass
    return bins[3].sent


def test_the_sum_is_of_all_that_lies_between(before: BinsBefore) -> None:
    for end in (BEGIN + 5 * MINUTE, BEGIN + 50 * MINUTE, BEGIN + 9 * DAY, BEGIN + 8 * DAY + HOUR, BEGIN + 30 * DAY):
        assert whole(before, BEGIN, end) == (end - BEGIN) // MINUTE


def test_weeks_are_added_up_some_days_at_a_look(
    before: BinsBefore, weeks: Weeks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bins_before, "_AT_ONCE_S", -1)
    assert before.between(BEGIN, BEGIN + 28 * DAY) is None
    monkeypatch.undo()
    assert whole(before, BEGIN, BEGIN + 28 * DAY) == 28 * 1440
    assert max(until - since for _, since, until in weeks.asked) == DAY


def test_a_later_moment_adds_what_has_come_since_then_alone(before: BinsBefore, weeks: Weeks) -> None:
    whole(before, BEGIN, BEGIN + 20 * DAY)
    weeks.asked.clear()
    assert whole(before, BEGIN, BEGIN + 20 * DAY + 3 * HOUR) == 20 * 1440 + 180
    assert sum(until - since for span, since, until in weeks.asked if span == HOUR) == 3 * HOUR
    weeks.asked.clear()
    assert whole(before, BEGIN, BEGIN + 20 * DAY + 3 * HOUR) == 20 * 1440 + 180
    assert weeks.asked == []
