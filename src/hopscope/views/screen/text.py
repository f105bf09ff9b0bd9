"""Lines of the screen: styled text that knows its width in cells and what a click on it means.

Strings reach the terminal as they are, without any markup; they were cleaned where they entered (`names.clean`).
Nothing is cut without a sign: `cut` ends with an ellipsis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Align: TypeAlias = Literal["left", "right"]

_NUMBER = re.compile(r"(\d) (s|min|h|d|ms|µs|%)(?!\w)")
_HELD = "\ue000"


class Hit(NamedTuple):
    """What a click means: ``("hop", 6)``, ``("target", 2)``, ``("action", "probe.pause")``, ``("time", 40)``."""

    kind: str
    value: int | str


class Row(NamedTuple):
    """A finished line: exactly as wide as it was asked for, and where it can be clicked (from, to, what)."""

    strip: Strip
    hits: tuple[tuple[int, int, Hit], ...] = ()

    @property
    def text(self) -> str:
        """The line without its styles."""
        return self.strip.text

    def hit(self, x: int) -> Hit | None:
        """What a click at column `x` means."""
        return next((hit for start, end, hit in self.hits if start <= x < end), None)


def cut(text: str, width: int, sign: str = "…") -> str:
    """`text` in at most `width` cells; where something had to go, a sign at the end says so."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(sign)
    return set_cell_size(text, room).rstrip(" ") + sign if room > 0 else sign[:width]


def fit(text: str, width: int, align: Align = "left", sign: str = "…") -> str:
    """`text` in exactly `width` cells: cut with a sign, or padded."""
    text = cut(text, width, sign)
    space = " " * (width - cell_len(text))
    return space + text if align == "right" else text + space


class Line:
    """Builds a `Row` from the left to the right."""

    __slots__ = ("hits", "parts", "width")

    def __init__(self) -> None:
        self.parts: list[Segment] = []
        self.hits: list[tuple[int, int, Hit]] = []
        self.width = 0

    def add(self, text: str, style: Style, hit: Hit | None = None) -> Line:
        """Add text as it is."""
        if text:
            start = self.width
            last = self.parts[-1] if self.parts else None
            if last is not None and last.style is style:
                self.parts[-1] = Segment(last.text + text, style)
            else:
                self.parts.append(Segment(text, style))
            self.width += cell_len(text)
            if hit is not None:
                self.hits.append((start, self.width, hit))
        return self

    def to(self, column: int, style: Style) -> Line:
        """Space up to a column."""
        return self.add(" " * (column - self.width), style) if column > self.width else self

    def row(self, width: int, style: Style, hit: Hit | None = None) -> Row:
        """The finished line: filled up with `style`, or cut with a sign where it is too long. `hit` is what a click
        means where nothing else was said."""
        if self.width > width:
            parts = Segment.adjust_line_length(self.parts, max(0, width - 1))
            parts = list(parts) + ([Segment("…", style)] if width > 0 else [])
        else:
            parts = self.parts
            if self.width < width:
                parts.append(Segment(" " * (width - self.width), style))
        hits = [(a, min(b, width), h) for a, b, h in self.hits if a < width]
        if hit is not None:
            hits.append((0, width, hit))
        return Row(Strip(parts, width), tuple(hits))


def over(row: Row, ground: Style) -> Row:
    """A line on another ground: `ground` is laid over every style in it."""
    return Row(Strip(list(Segment.apply_style(row.strip, None, ground)), row.strip.cell_length), row.hits)


def blank(width: int, style: Style) -> Row:
    """An empty line."""
    return Row(Strip([Segment(" " * width, style)], width) if width > 0 else Strip([], 0))


def beside(left: Sequence[Row], right: Sequence[Row], left_width: int, right_width: int, style: Style) -> list[Row]:
    """Two blocks side by side; the shorter one is filled up with empty lines."""
    rows = []
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else blank(left_width, style)
        b = right[index] if index < len(right) else blank(right_width, style)
        moved = tuple((start + left_width, end + left_width, hit) for start, end, hit in b.hits)
        rows.append(Row(Strip([*a.strip, *b.strip], left_width + right_width), a.hits + moved))
    return rows


def wrap(words: str, width: int) -> list[str]:
    """Text in lines of at most `width` cells, broken at spaces, but for that between a number and its unit; a longer
    word is cut with a sign."""
    lines: list[str] = []
    current = ""
    for held in _NUMBER.sub(rf"\1{_HELD}\2", words).split():
        word = held.replace(_HELD, " ")
        if current and cell_len(current) + 1 + cell_len(word) > width:
            lines.append(current)
            current = ""
        current = f"{current} {word}" if current else cut(word, width)
    if current:
        lines.append(current)
    return lines


def framed(
    rows: Iterable[Row],
    title: str,
    corner: str,
    width: int,
    height: int,
    line: Style,
    head: Style,
    note: Style | None = None,
    foot: str = "",
) -> list[Row]:
    """A box of `width` x `height` around rows of ``width - 2``: the title at its upper left, `corner` at the right,
    `foot` below at the left."""
    inner = width - 2
    corner = f" {corner} " if corner else ""
    title = f" {cut(title, inner - len(corner) - 4)} " if title else ""
    rule = inner - 1 - cell_len(title) - cell_len(corner) - (1 if corner else 0)
    if rule < 0:
        corner, rule = "", max(0, inner - 1 - cell_len(title))
    top = Line().add("╭─", line).add(title, head).add("─" * rule, line).add(corner, note or line)
    top.add("─╮" if corner else "╮", line)
    out = [top.row(width, line)]
    for row in list(rows)[: height - 2]:
        hits = tuple((a + 1, b + 1, h) for a, b, h in row.hits)
        out.append(Row(Strip([Segment("│", line), *row.strip, Segment("│", line)], width), hits))
    while len(out) < height - 1:
        out.append(Line().add("│", line).to(width - 1, line).add("│", line).row(width, line))
    below = f" {cut(foot, inner - 3)} " if foot and inner > 4 else ""
    bottom = Line().add("╰" + "─" * (1 if below else 0), line).add(below, note or line)
    out.append(bottom.add("─" * (width - 1 - bottom.width) + "╯", line).row(width, line))
    return out
