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
        lines = plot.draw(40, 8, [curve], plot.Axes((0.0, 3.0), (0.0, 5.0)))
        assert [sum(len(text) for text, _ in line) for line in lines] == [40] * 8


@pytest.mark.parametrize("ends", [(math.nan, 1.0), (1.0, math.inf), (2.0, 2.0), (5.0, 1.0), (-math.inf, math.nan)])
def test_no_range_ends_the_process(ends: tuple[float, float]) -> None:
    curve = plot.Curve([0.0, 1.0], [1.0, 2.0], "hop")
    assert len(plot.draw(40, 8, [curve], plot.Axes(ends, ends, [(math.nan, "x")], [(math.inf, "y")]))) == 8


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (7, 3), (8, 4), (300, 60), (12, 4)])
def test_every_size_is_filled_exactly(size: tuple[int, int]) -> None:
    curve = plot.Curve([0.0, 1.0, 2.0], [1.0, None, 2.0], "hop")
    lines = plot.draw(
        *size, [curve], plot.Axes((0.0, 2.0), (0.0, 3.0), [(0.0, "a long label"), (2.0, "b")], [(3.0, "3")])
    )
    assert [sum(len(text) for text, _ in line) for line in lines] == [size[0]] * size[1]


def test_roles_come_back_as_they_went_in() -> None:
    curves = [plot.Curve([0.0, 9.0], [1.0, 1.0], "target"), plot.Curve([0.0, 9.0], [4.0, 4.0], "hop")]
    parts = [part for line in plot.draw(40, 10, curves, plot.Axes((0.0, 9.0), (0.0, 5.0))) for part in line]
    assert {role for text, role in parts if text.strip()} == {"target", "hop", "axis"}


def test_a_gap_is_not_drawn_over() -> None:
    xs = [float(i) for i in range(30)]
    whole = plot.draw(60, 8, [plot.Curve(xs, [2.0] * 30, "hop")], plot.Axes((0.0, 29.0), (0.0, 4.0)))
    gap = plot.draw(
        60,
        8,
        [plot.Curve(xs, [None if 5 < i < 25 else 2.0 for i in range(30)], "hop")],
        plot.Axes((0.0, 29.0), (0.0, 4.0)),
    )

    def dots(lines: list[list[plot.Part]]) -> int:
        return sum(len(text.strip()) for line in lines for text, role in line if role == "hop")

    assert dots(gap) < dots(whole) / 2


def test_labels_are_cleaned() -> None:
    axes = plot.Axes((0.0, 1.0), (0.0, 1.0), [(0.0, "\x1b]0;PWNED\x07a\u202eb")], [(0.0, "\x9b31m")])
    lines = plot.draw(60, 8, [plot.Curve([0.0, 1.0], [0.0, 1.0], "hop")], axes)
    assert all(char.isprintable() for line in lines for text, _ in line for char in text)


def test_two_points_a_column_are_kept_the_lowest_and_the_highest() -> None:
    xs = [float(i) for i in range(1000)]
    ys: list[float | None] = [float(i % 7) for i in range(1000)]
    ys[500] = 99.0
    for i in range(200, 300):
        ys[i] = None
    few_x, few_y = plot.decimate(xs, ys, 50)
    assert len(few_x) == len(few_y) <= 100
    assert few_x == sorted(few_x)
    assert 99.0 in few_y
    assert 0.0 in few_y
    assert None in few_y


def test_figures_share_nothing() -> None:
    axes = plot.Axes((0.0, 1.0), (0.0, 1.0))
    first = plot.draw(40, 8, [plot.Curve([0.0, 1.0], [0.0, 1.0], "hop")], axes)
    plot.draw(20, 5, [plot.Curve([0.0, 1.0], [1.0, 1.0], "lost", "x")], axes)
    assert plot.draw(40, 8, [plot.Curve([0.0, 1.0], [0.0, 1.0], "hop")], axes) == first
