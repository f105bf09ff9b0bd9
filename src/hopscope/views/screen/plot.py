"""The one door to Plotext 6: curves in, lines of (text, role) out. Axes, bands and blocks are drawn around them by
`chart`, which puts each tick on a whole row; Plotext would put it where its rounding falls.

Plotext's native kernel has hazards, and this module is where they are met:

- a NaN in a connected signal aborts the whole process, and so does a line to a point far off the canvas: only finite
  numbers within the ranges are ever handed over (`_finite`);
- its cost is one native call a point: callers hand over a point a column;
- it takes 200 ms to import and keeps one global figure: it is imported at the first chart, on a figure of our own.

What it draws is read back through its own escape sequences. Roles travel as sentinel colours, so that the theme (also
one of 16 colours, or of none) is applied by the caller.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["text", "hop", "target"]
ROLES: tuple[Role, ...] = ("text", "hop", "target")
Part: TypeAlias = tuple[str, Role]
Range: TypeAlias = tuple[float, float]

_STYLE = re.compile(r"\x1b\[([0-9;]*)m")
_SENTINEL = 1
"""Red and green of the roles' sentinel colours; blue is the role's number."""


class Curve(msgspec.Struct, frozen=True):
    """Points in order of x. A y of None is a gap in the line."""

    xs: Sequence[float]
    ys: Sequence[float | None]
    role: Role
    marker: str = "braille"
    joined: bool = True


def draw(
    width: int, height: int, curves: Sequence[Curve], x: Range, y: Range, *, ascii_only: bool = False
) -> list[list[Part]]:
    """Draw into exactly `height` lines of `width` cells. The ends of `x` and `y` are the middles of the first and last
    column and of the lowest and highest row."""
    if width < 2 or height < 2:
        return [[(" " * max(0, width), "text")] for _ in range(max(0, height))]
    plotext, terminal = _plotext()
    figure = _figure(terminal)
    figure.plot_size(width, height)
    figure.legend(False)
    x_range, y_range = _range(x), _range(y)
    for axis, (low, high) in enumerate((x_range, y_range)):
        figure.axes(False, axis=[0, 1], side=[axis])
        ruler = figure.ruler(axis, 0)
        ruler.lim(low, high)
        ruler.ticks([], [])
    for curve in curves:
        for xs, ys in _finite(curve, x_range, y_range):
            marker = "." if ascii_only and curve.marker == "braille" else curve.marker
            signal = figure.signal(xs, ys, marker=plotext.marker(marker, _pixel(plotext, curve.role)))
            figure.draw(signal.lines() if curve.joined and len(xs) > 1 else signal)
    return _parse(str(figure.build()), width, height)


def _finite(curve: Curve, x_range: Range, y_range: Range) -> list[tuple[list[float], list[float]]]:
    """The curve's unbroken pieces, of finite numbers on the canvas alone: the guard on which the process's life
    depends."""
    x_low, x_high = x_range
    y_low, y_high = y_range
    pieces: list[tuple[list[float], list[float]]] = []
    xs: list[float] = []
    ys: list[float] = []
    for x, y in zip(curve.xs, curve.ys, strict=True):
        if y is None or not (math.isfinite(x) and math.isfinite(y)):
            if xs and curve.joined:
                pieces.append((xs, ys))
                xs, ys = [], []
            continue
        xs.append(max(x_low, min(x_high, float(x))))
        ys.append(max(y_low, min(y_high, float(y))))
    if xs:
        pieces.append((xs, ys))
    return pieces


def _range(wanted: tuple[float, float]) -> tuple[float, float]:
    low, high = (value if math.isfinite(value) else 0.0 for value in wanted)
    return (low, high) if high > low else (low, low + 1.0)


@lru_cache(maxsize=1)
def _plotext() -> tuple[Any, Any]:
    """Plotext and a terminal of our own, whose master figure shares nothing with the module's global one."""
    import plotext

    terminal = plotext._kernel.terminal.terminal()
    terminal.limit(False, False)
    return plotext, terminal


def _figure(terminal: Any) -> Any:
    terminal._create_master()
    return terminal._master


def _pixel(plotext: Any, role: Role) -> Any:
    return plotext.pixel((_SENTINEL, _SENTINEL, ROLES.index(role)))


def _parse(drawn: str, width: int, height: int) -> list[list[Part]]:
    """Escape sequences to roles; anything that is no sentinel colour is plain text."""
    lines = []
    for raw in drawn.split("\n")[:height]:
        parts: list[Part] = []
        role: Role = "text"
        used = 0
        for index, piece in enumerate(_STYLE.split(raw)):
            if index % 2:
                role = _role(piece, role)
                continue
            piece = "".join(char if char.isprintable() else " " for char in piece)[: width - used]
            if piece:
                used += len(piece)
                parts.append((piece, role))
        parts.append((" " * (width - used), "text"))
        lines.append(parts)
    while len(lines) < height:
        lines.append([(" " * width, "text")])
    return lines


@lru_cache(maxsize=64)
def _role(codes: str, before: Role) -> Role:
    if codes in ("", "0"):
        return "text"
    numbers = codes.split(";")
    if numbers[:4] == ["38", "2", str(_SENTINEL), str(_SENTINEL)] and numbers[4].isdigit():
        return ROLES[min(int(numbers[4]), len(ROLES) - 1)]
    return before
