"""Time lines: what is said of when something happened is right after a sleep, and never goes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hopscope.wire.times import SLEPT_NS, OwnTimeLine, TimeLine, asleep

S = 1_000_000_000


class Machine:
    """Its clocks."""

    def __init__(self) -> None:
        self.monotonic, self.slept = 5 * S, 20 * S

    def line(self, anchor: int) -> OwnTimeLine:
        return OwnTimeLine(anchor, lambda: self.monotonic, lambda: self.slept)


def test_it_goes_on_by_each_sleep() -> None:
    machine = Machine()
    line = machine.line(7)
    assert line.now == 5 * S + 7
    for so_far in (3600 * S, 3660 * S):
        machine.slept = 20 * S + so_far
        machine.monotonic += S
        assert line.now == machine.monotonic + 7 + so_far
        assert line.now == machine.monotonic + 7 + so_far


def test_what_two_readings_of_the_clocks_differ_by_is_no_sleep() -> None:
    machine = Machine()
    line = machine.line(0)
    for by in (SLEPT_NS // 2, -SLEPT_NS // 2, 0):
        machine.slept = 20 * S + by
        assert line.now == 5 * S


def test_what_was_before_a_sleep_keeps_its_moment() -> None:
    line = TimeLine(7)
    line.woke(10 * S, 3600 * S)
    assert (line.at(10 * S - 1), line.at(10 * S)) == (10 * S + 6, 3610 * S + 7)


def test_this_machine_says_how_long_it_has_slept() -> None:
    """The kernel's own count of the time since the start goes on in a sleep."""
    slept_s = float(Path("/proc/uptime").read_text().split()[0]) - time.monotonic()
    assert asleep() / S == pytest.approx(slept_s, abs=0.1)
