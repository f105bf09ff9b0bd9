"""The time axis's own line: the clock, what happened when, and the moment that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.style import Style

from hopscope.judge.verdict import ROUTES, Epoch, Verdict
from hopscope.session.model import Target
from hopscope.session.told import Happening
from hopscope.views.screen.axis import TimeAxis, ticks
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row
from hopscope.words.moods import mood
from hopscope.words.numbers import time_of_day

_WIDE: Final = 60
"""Columns from which there is room for what time it is now."""


def sign_of(happened: Happening, look: Look) -> tuple[str, Style]:
    """What stands for something that happened: in colour only what is wrong, while it lasts."""
    glyphs = look.glyphs
    kind = happened.what.kind if not isinstance(happened.what, Epoch) else "route-change"
    if not isinstance(happened.what, Verdict):
        signs = {"pause": glyphs.paused, "reset": glyphs.starting, "route-change": glyphs.route}
        return signs.get(kind, glyphs.here), look.quiet
    sign, style = (glyphs.route, look.warn) if kind in ROUTES else look.health(mood(happened.what))
    return sign, style if happened.end is None else look.text


def clock_line(
    target: Target,
    happened: Sequence[Happening],
    axis: TimeAxis,
    look: Look,
    left: int,
    width: int,
    moment: int | None,
) -> Row:
    """The line, its first column at `left`."""
    cells: list[tuple[str, Style]] = [(" ", look.quiet)] * axis.columns

    def put(column: int, words: str, style: Style) -> None:
        for offset, char in enumerate(words):
            if 0 <= column + offset < len(cells):
                cells[column + offset] = (char, style)

    labels = [(column, label) for column, label in ticks(axis) if column + len(label) <= axis.columns]
    if axis.column(target.path.last_at or 0) >= axis.columns - 2:
        labels.append((axis.columns - 4, " now"))
        if axis.columns >= _WIDE:
            label = f" now {time_of_day(target.path.last_at or 0)}"
            labels.append((axis.columns - len(label), label))
    for one in sorted(happened, key=lambda one: isinstance(one.what, Verdict)):
        sign, style = sign_of(one, look)
        _span(cells, axis, one.begin, axis.end - 1 if one.end is None else one.end, sign, style, look)
    rules = (" ", _rule(look))
    for column, label in reversed(labels):
        room = cells[max(0, column - 1) : column + len(label) + 1]
        if all(char in rules for char, _ in room):
            put(column, label, look.quiet)
    if moment is not None:
        column = axis.column(moment)
        words = time_of_day(moment)
        begin = max(0, min(axis.columns - len(words), column - len(words) // 2))
        put(begin, words, look.strong + Style(reverse=True))
    line = Line().to(left, look.quiet)
    for char, style in cells:
        line.add(char, style)
    return line.row(width, look.text, Hit("time", left))


def _rule(look: Look) -> str:
    return "-" if look.glyphs.is_ascii else "─"


def _span(
    cells: list[tuple[str, Style]], axis: TimeAxis, begin: int, end: int, sign: str, style: Style, look: Look
) -> None:
    """A bracket from one moment to another, its sign in the middle; an instant is the sign alone."""
    first, last = axis.column(begin), axis.column(end)
    if last < 0 or first >= axis.columns:
        return
    for column in range(max(0, first), min(axis.columns - 1, last) + 1):
        if column == first:
            char = "[" if look.glyphs.is_ascii else "╟"
        elif column == last and last < axis.columns - 1:
            char = "]" if look.glyphs.is_ascii else "╢"
        else:
            char = _rule(look)
        cells[column] = (char, style)
    if last - first < 2:
        cells[max(0, min(axis.columns - 1, first))] = (sign, style)
    else:
        middle = (max(0, first) + min(axis.columns - 1, last)) // 2
        cells[middle] = (sign, style)
