"""WHEN: moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hopscope.cli.errors import UsageError
from hopscope.cli.when import moment

NOW = datetime(2026, 11, 25, 20, 30, 5, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9


def read(word: str, zone: str = "UTC") -> datetime:
    return datetime.fromtimestamp(moment(word, NOW_NS, ZoneInfo(zone)) / 1e9, UTC)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("14:02", "2026-11-25T14:02:00"),
        ("14:02:30", "2026-11-25T14:02:30"),
        ("9:05", "2026-11-25T09:05:00"),
        ("2026-11-24 14:02", "2026-11-24T14:02:00"),
        ("2026-11-24", "2026-11-24T00:00:00"),
        ("2026-11-24T14:02:30.5+02:00", "2026-11-24T12:02:30.5"),
        ("2026-11-24T14:02:30Z", "2026-11-24T14:02:30"),
        ("-10m", "2026-11-25T20:20:05"),
        ("-2h", "2026-11-25T18:30:05"),
        ("-1h30m", "2026-11-25T19:00:05"),
        ("-1d", "2026-11-24T20:30:05"),
        ("now", "2026-11-25T20:30:05"),
        ("yesterday 20:15", "2026-11-24T20:15:00"),
        ("Yesterday", "2026-11-24T00:00:00"),
        ("today 01:02", "2026-11-25T01:02:00"),
        (" 14:02 ", "2026-11-25T14:02:00"),
    ],
)
def test_a_moment_is_read_as_it_is_written(word: str, expected: str) -> None:
    assert read(word) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_word_without_a_zone_is_of_the_readers_zone_on_that_day() -> None:
    assert read("14:02", "Europe/Berlin") == datetime(2026, 11, 25, 13, 2, tzinfo=UTC)
    assert read("2026-07-01 14:02", "Europe/Berlin") == datetime(2026, 7, 1, 12, 2, tzinfo=UTC)


def test_a_time_of_day_is_of_the_readers_day_and_not_of_utc() -> None:
    # 20:30 UTC is the morning of the 26th in Tokyo.
    assert read("01:00", "Asia/Tokyo") == datetime(2026, 11, 25, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "noon",
        "25:00",
        "14:60",
        "-",
        "-10",
        "-10x",
        "2026-13-01",
        "yesterday at",
        "9" * 5000,
        "-" + "9" * 40,
        "9999-12-31",
        "0001-01-01",
    ],
)
def test_what_is_no_moment_is_said_with_examples(word: str) -> None:
    with pytest.raises(UsageError, match="is no moment; write 14:02"):
        read(word)
