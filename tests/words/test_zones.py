"""Whatever ``TZ`` says, a moment has a time of day."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hopscope.views.report.text import start_time
from hopscope.views.report.words import moment as report_moment
from hopscope.words.numbers import time_of, time_of_day
from hopscope.words.when import moment

AT = 1_764_079_331_000_000_000  # 2025-11-25 14:02:11 UTC
DAY = 86_400 * 1_000_000_000


@pytest.fixture
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize(
    "_zone", ["AAA99999999999", "<+25>-167:59:59", "AAA24", "AAA-24:59:59", ":/dev/zero", "\x1b[31m"], indirect=True
)
def test_in_a_zone_that_no_time_can_have_it_is_utc() -> None:
    assert start_time(AT) == "2025-11-25T14:02:11+0000"
    assert time_of_day(AT) == "14:02:11"
    assert time_of(AT, AT + 3 * DAY) == "2025-11-25 14:02:11"
    assert report_moment(AT).words().startswith("2025-11-25 14:02:11")
    assert moment("14:02:11", AT + 60_000_000_000) == AT
    assert moment("yesterday 14:02:11", AT + DAY) == AT
    assert moment("2025-11-25 14:02:11", AT) == AT


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize("_zone", ["CET-1"], indirect=True)
def test_elsewhere_it_is_that_of_the_machine() -> None:
    assert start_time(AT) == "2025-11-25T15:02:11+0100"
    assert moment("15:02:11", AT) == moment("2025-11-25 15:02:11", AT) == AT
