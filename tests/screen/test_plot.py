"""Plotext's hazards are met at the door: the process lives, the lines are exact, no escape comes through."""

from __future__ import annotations

import math

import pytest

from hopscope.views.screen import plot

HOSTILE = [math.nan, math.inf, -math.inf, 1e308, -1e308, 1e-300, 0.0, None]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("joined", [True, False])
def test_no_number_ends_the_process(value: float | None, joined: bool) -> None:
    for ys in ([value], [1.0, value, 2.0], [value, value], [value, 1.0], []):
        curve = plot.Curve([float(i) for i in range(len(ys))], ys, "hop", joined=joined)
        lines = plot.draw(40, 8, [curve], (0.0, 3.0), (0.0, 5.0))
        assert [sum(len(text) for text, _ in line) for line in lines] == [40] * 8


@pytest.mark.parametrize("ends", [(math.nan, 1.0), (1.0, math.inf), (2.0, 2.0), (5.0, 1.0), (-math.inf, math.nan)])
def test_no_range_ends_the_process(ends: tuple[float, float]) -> None:
    curve = plot.Curve([0.0, 1.0], [1.0, 2.0], "hop")
    assert len(plot.draw(40, 8, [curve], ends, ends)) == 8


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (7, 3), (8, 4), (300, 60), (12, 4)])
def test_every_size_is_filled_exactly(size: tuple[int, int]) -> None:
    curve = plot.Curve([0.0, 1.0, 2.0], [1.0, None, 2.0], "hop")
    lines = plot.draw(*size, [curve], (0.0, 2.0), (0.0, 3.0))
    assert [sum(len(text) for text, _ in line) for line in lines] == [size[0]] * size[1]


def test_roles_come_back_as_they_went_in() -> None:
    curves = [plot.Curve([0.0, 9.0], [1.0, 1.0], "target"), plot.Curve([0.0, 9.0], [4.0, 4.0], "hop")]
    parts = [part for line in plot.draw(40, 10, curves, (0.0, 9.0), (0.0, 5.0)) for part in line]
    assert {role for text, role in parts if text.strip()} == {"target", "hop"}


def test_a_gap_is_not_drawn_over() -> None:
    xs = [float(i) for i in range(30)]
    whole = plot.draw(60, 8, [plot.Curve(xs, [2.0] * 30, "hop")], (0.0, 29.0), (0.0, 4.0))
    gap = plot.draw(
        60,
        8,
        [plot.Curve(xs, [None if 5 < i < 25 else 2.0 for i in range(30)], "hop")],
        (0.0, 29.0),
        (0.0, 4.0),
    )

    def dots(lines: list[list[plot.Part]]) -> int:
        return sum(len(text.strip()) for line in lines for text, role in line if role == "hop")

    assert dots(gap) < dots(whole) / 2


def test_the_ends_of_a_range_are_the_middles_of_the_outer_rows_and_columns() -> None:
    """Each row is a whole step, so that a tick's number stands beside the dots of its value."""
    for rows in (4, 7, 12, 31):
        for row in range(rows):
            curve = plot.Curve([0.0, 39.0], [float(row)] * 2, "hop")
            lines = plot.draw(40, rows, [curve], (0.0, 39.0), (0.0, float(rows - 1)))
            drawn = [number for number, line in enumerate(lines) if any(text.strip() for text, _ in line)]
            assert drawn == [rows - 1 - row]
    for column in range(40):
        lines = plot.draw(40, 4, [plot.Curve([float(column)], [1.0], "hop")], (0.0, 39.0), (0.0, 3.0))
        text = "".join(text for text, _ in lines[2])
        assert len(text) - len(text.lstrip()) == column


def test_figures_share_nothing() -> None:
    ends = (0.0, 1.0)
    first = plot.draw(40, 8, [plot.Curve([0.0, 1.0], [0.0, 1.0], "hop")], ends, ends)
    plot.draw(20, 5, [plot.Curve([0.0, 1.0], [1.0, 1.0], "target", "x")], ends, ends)
    assert plot.draw(40, 8, [plot.Curve([0.0, 1.0], [0.0, 1.0], "hop")], ends, ends) == first
