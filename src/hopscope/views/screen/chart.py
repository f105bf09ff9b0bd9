"""The chart: latency over clock time, all hops over time, the path's whiskers, or a hop's distribution.

Over time it is the scrubber: its columns are those of `axis`, and the moment that is shown stands in it. Plotext draws
the lines; band, loss, axes and what happened are laid around them, so that each tick stands on a whole row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from rich.style import Style

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.session.told import Happening
from hopscope.views.screen import plot, spark
from hopscope.views.screen.axis import S, TimeAxis
from hopscope.views.screen.cells import LIMITS_MS, Binned, Cell, rows_of
from hopscope.views.screen.clockline import clock_line
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, blank, cut
from hopscope.words.numbers import span, span_ms, time_of_day

NS_PER_MS: Final = 1_000_000
LEFT: Final = 7
"""Cells of the value axis: its numbers, a tick and a blank."""
_NICE: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_CUT_OFF: Final = 3
"""Rounds lost in a row that are a solid block and no single losses."""


class ValueAxis(msgspec.Struct, frozen=True):
    """Rows of latency, the lowest first: row y stands for ``floor + y * step / apart`` ms, and every `apart`-th has a
    tick."""

    floor: float
    step: float
    apart: int
    rows: int

    @property
    def top(self) -> float:
        """What the highest row stands for."""
        return self.floor + (self.rows - 1) * self.step / self.apart

    def row(self, ms: float) -> int:
        """The row of a value; the highest for what is beyond."""
        return max(0, min(self.rows - 1, round((ms - self.floor) / self.step * self.apart)))

    def ticks(self) -> list[tuple[int, str]]:
        """Rows and labels."""
        scale = 1000 if self.top < 1 else 1
        each = self.step * scale
        places = next(places for places in range(8) if abs(round(each, places) - each) < each / 1000 or places == 7)
        return [
            (row, f"{(self.floor + row // self.apart * self.step) * scale:.{places}f}")
            for row in range(0, self.rows, self.apart)
        ]


def value_axis(best: float, high: float, rows: int) -> ValueAxis:
    """The axis for values from `best` to `high` (ms): from 0, or from near the best where that is more than half of the
    top."""
    rows = max(2, rows)
    apart = 1 if rows <= 4 else 2 if rows <= 12 else 3
    count = max(1, (rows - 1) // apart)
    high = max(high, 1e-4)
    size = 10.0 ** math.floor(math.log10(high)) / 100
    while True:
        for nice in _NICE:
            step = nice * size
            floor = math.floor(best * 0.995 / step) * step if best > high / 2 else 0.0
            if floor + count * step >= high * 0.999:
                return ValueAxis(floor, step, apart, rows)
        size *= 10


class AxisRow(msgspec.Struct, frozen=True):
    """One row of the path on the axis."""

    hop: Hop
    cells: list[Cell]
    loss: spark.Loss


class Chart(msgspec.Struct, frozen=True):
    """What all views are drawn from. `hop`: the chosen one."""

    target: Target
    """As it is now: the axis goes on while another moment is shown."""
    hop: Hop
    losses: Mapping[int, spark.Loss]
    """By TTL, what a row's loss means at the moment that is shown."""
    axis: TimeAxis
    moment: int | None
    binned: Binned | None
    happened: Sequence[Happening]
    look: Look
    in_us: bool

    def series(self, hops: Sequence[Hop]) -> list[AxisRow]:
        """Rows of the path on the axis."""
        cells = rows_of(self.axis, self.target.path, hops, self.binned)
        return [AxisRow(hop, row, self.losses.get(hop.ttl, "over")) for hop, row in zip(hops, cells, strict=True)]

    @property
    def cursor(self) -> int | None:
        """The column of the moment."""
        column = None if self.moment is None else self.axis.column(self.moment)
        return column if column is not None and 0 <= column < self.axis.columns else None


def columns_for(width: int) -> int:
    """Columns of the time axis on a chart of `width`."""
    return max(1, width - LEFT - 1)


def name_of(target: Target, hop: Hop) -> str:
    """What a row of the path is called."""
    return target.query if hop.is_target else f"hop {hop.ttl}"


def titled(left: str, right: str, look: Look, width: int) -> Row:
    """A view's first line."""
    room = width - len(right) - 4
    line = Line().add(" ", look.quiet).add(cut(left, max(0, room)), look.quiet)
    return line.to(width - len(right) - 1, look.quiet).add(right, look.quiet).row(width, look.text)


def over_time(chart: Chart, width: int, height: int) -> list[Row]:
    """Latency over clock time: title, plot, clock."""
    look, axis, hop = chart.look, chart.axis, chart.hop
    end = chart.target.path.target_hop
    shown = [hop] + ([end] if end is not None and end.ttl != hop.ttl else [])
    series = chart.series(shown)
    mine = series[0]
    tall = height - 2
    clock = clock_line(chart.target, chart.happened, axis, look, LEFT, width, chart.moment)
    if not any(cell.answered or cell.lost for cell in mine.cells):
        words = "no answer yet" if not hop.received else "no probe in this time"
        rows = [blank(width, look.text)] * (tall // 2)
        rows += [Line().to(LEFT + 1, look.quiet).add(words, look.quiet).row(width, look.text)]
        rows += [blank(width, look.text)] * (tall - len(rows))
        return [_time_title(chart, mine, look, width), *rows, clock]
    known = [cell for one in series for cell in one.cells if cell.answered]
    best = min((cell.best for cell in known), default=0) / NS_PER_MS
    calm = best + LIMITS_MS[1] / (1000 if chart.in_us else 1)
    values = value_axis(best, max(calm, _high(known) / NS_PER_MS), tall)
    canvas = _curves(series, values, axis.columns, tall, look)
    _lay_band(canvas, mine.cells, values, look)
    _lay_loss(canvas, chart, mine)
    _lay_oddities(canvas, mine.cells, look)
    if chart.cursor is not None:
        for row in canvas:
            if row[chart.cursor][0] == " ":
                row[chart.cursor] = ("│" if not look.glyphs.is_ascii else "|", look.text)
    labels = dict(values.ticks())
    if values.floor > 0:
        whole, short = f"best {span_ms(best)} (the axis does not begin at 0)", "the axis does not begin at 0"
        any(_lay_words(row, words, look.quiet) for words in (whole, short) for row in reversed(canvas))
    rows = []
    for number, cells in enumerate(canvas):
        label = labels.get(tall - 1 - number)
        line = Line().add(f"{label:>{LEFT - 2}} " if label else " " * (LEFT - 1), look.quiet)
        line.add(("┤" if not look.glyphs.is_ascii else "|") if label else " ", look.faint)
        for char, style in cells:
            line.add(char, style)
        rows.append(line.row(width, look.text, Hit("time", LEFT)))
    return [_time_title(chart, mine, look, width), *rows, clock]


def _time_title(chart: Chart, mine: AxisRow, look: Look, width: int) -> Row:
    unit = "µs" if chart.in_us else "ms"
    most = max((cell.answered + cell.lost for cell in mine.cells), default=0)
    how = "each round" if most <= 1 else f"median of {_short(chart.axis.step)}, light to p95"
    left = f"latency to {name_of(chart.target, mine.hop)}, {unit}: {how}"
    return titled(left, _reading(chart, mine), look, width)


def _short(ns: int) -> str:
    return f"{ns / S:g} s" if ns < 120 * S else span(ns / S)


def _reading(chart: Chart, mine: AxisRow) -> str:
    """What the axis spans, or what is read at the moment that is shown."""
    if chart.cursor is None or chart.moment is None:
        return chart.axis.words
    cell = mine.cells[chart.cursor]
    at = time_of_day(chart.moment)
    if cell.lost:
        return f"{at}  {cell.lost} of {cell.lost + cell.answered} lost"
    return f"{at}  {span_ms(cell.median / NS_PER_MS) if cell.answered else 'under way' if cell.pending else 'no probe'}"


def _high(known: Sequence[Cell]) -> int:
    """What the axis has to reach (ns): not for the sake of one outlier among many."""
    tops = sorted(cell.p95 for cell in known)
    if not tops:
        return NS_PER_MS
    most = tops[-1]
    return most if len(tops) < 40 else min(most, max(int(2.5 * tops[len(tops) * 98 // 100]), tops[0] + NS_PER_MS))


Canvas = list[list[tuple[str, Style]]]


def _curves(series: Sequence[AxisRow], values: ValueAxis, columns: int, rows: int, look: Look) -> Canvas:
    """The medians, as Plotext draws them: the chosen hop's above the target's."""
    curves = []
    for role, one in reversed(list(zip(("hop", "target"), series, strict=False))):
        xs = [float(column) for column in range(columns)]
        ys = [min(values.top, cell.median / NS_PER_MS) if cell.answered else None for cell in one.cells]
        held = _held(ys, one.cells)
        curves.append(plot.Curve(xs, held, role))  # type: ignore[arg-type] # hop, target
    parts = plot.draw(
        columns, rows, curves, (0.0, float(columns - 1)), (values.floor, values.top), ascii_only=look.glyphs.is_ascii
    )
    styles = {"text": look.text, "hop": look.line_hop, "target": look.line_target}
    return [[(char, styles[role]) for text, role in line for char in text] for line in parts]


def _held(ys: list[float | None], cells: Sequence[Cell]) -> list[float | None]:
    """Without the holes of rounds that are under way between others; what is awaited at the end stays empty."""
    out = list(ys)
    last = max((i for i, y in enumerate(ys) if y is not None), default=0)
    for i in range(1, last):
        if out[i] is None and cells[i].pending and not cells[i].lost:
            out[i] = out[i - 1]
    return out


def _lay_band(canvas: Canvas, cells: Sequence[Cell], values: ValueAxis, look: Look) -> None:
    """Light from the median to p95."""
    shade = look.glyphs.shades[1]
    rows = len(canvas)
    for column, cell in enumerate(cells):
        if cell.answered < 2:
            continue
        low = values.row(cell.median / NS_PER_MS)
        for y in range(low, values.row(cell.p95 / NS_PER_MS) + 1):
            at = rows - 1 - y
            if canvas[at][column][0] in " \u2800":
                canvas[at][column] = (shade, look.line_target)


def _lay_loss(canvas: Canvas, chart: Chart, mine: AxisRow) -> None:
    """Loss hangs down by its share; what was cut off altogether is a solid block with its length."""
    look = chart.look
    some, much, style = spark.lost_signs(look, mine.loss)
    rows = len(canvas)
    runs = _runs(mine.cells)
    for start, end, _ in runs:
        for column in range(start, end):
            cell = mine.cells[column]
            if mine.loss in ("harmless", "silent"):
                canvas[0][column] = (much, style)
                continue
            is_whole = (cell.share >= 1 and end - start > 1) or (cell.lost >= _CUT_OFF and cell.share >= 1)
            halves = 2 * rows if is_whole else max(1, round(cell.share * 2 * max(1, rows // 3)))
            for row in canvas[: halves // 2]:
                row[column] = (look.glyphs.block, style)
            if halves % 2:
                canvas[halves // 2][column] = (much if cell.share > 0.15 else some, style)
    if mine.loss in ("harmless", "silent"):
        return
    plan = chart.target.plan
    step = chart.axis.step
    interval = step if plan is None else plan.interval_ns
    each = max(1.0, interval / step)  # a round fills so many columns
    for start, end, columns_lost in runs:
        lost = round(columns_lost / each)
        if lost >= _CUT_OFF and any(mine.cells[column].share >= 1 for column in range(start, end)):
            awaited = round(sum(cell.pending for cell in mine.cells[end:]) / each)
            lasts = awaited and not any(cell.answered for cell in mine.cells[end:])
            words = f"{lost} lost, {awaited} awaited" if lasts else f"{span(lost * interval / S)}, {lost} lost"
            _label_block(canvas, start, end, words, style)


def _lay_oddities(canvas: Canvas, cells: Sequence[Cell], look: Look) -> None:
    """Signs where nothing was answered in time and nothing is lost either: a hole in the line would have no reason."""
    for column, cell in enumerate(cells):
        if cell.answered or cell.lost:
            continue
        if cell.failed:
            canvas[0][column] = (look.glyphs.failed, look.bad)
        elif cell.late:
            canvas[0][column] = (look.glyphs.late, look.warn)


def _runs(cells: Sequence[Cell]) -> list[tuple[int, int, int]]:
    """Stretches in which all is lost, with what was lost right before and behind, and each other column with a loss:
    from, to, lost probes."""
    runs: list[tuple[int, int, int]] = []
    is_open = False
    for column, cell in enumerate(cells):
        if not cell.lost:
            is_open = False
            continue
        start, end, lost = runs[-1] if runs else (0, -1, 0)
        is_next = end == column
        if is_next and (is_open or (cell.share >= 1 and end - start == 1)):
            runs[-1] = (start, column + 1, lost + cell.lost)
        else:
            runs.append((column, column + 1, cell.lost))
        is_open = cell.share >= 1
    return runs


_BESIDE: Final = 3
"""Cells of the block on either side of the words inside it."""


def _label_block(canvas: Canvas, start: int, end: int, words: str, style: Style) -> None:
    """How long it was, inside where that leaves it a block, else beside it."""
    row = canvas[min(1, len(canvas) - 1)]
    words = f" {words} "
    inside = end - start - len(words) - 2 * _BESIDE
    if inside >= 0:
        begin, its = start + _BESIDE + inside // 2, style + Style(reverse=True)
    elif end + len(words) <= len(row):
        begin, its = end, style
    elif start - len(words) >= 0:
        begin, its = start - len(words), style
    else:
        return
    if inside < 0 and any(char not in " \u2800" for char, _ in row[begin : begin + len(words)]):
        return
    for offset, char in enumerate(words):
        row[begin + offset] = (char, its)


def _lay_words(row: list[tuple[str, Style]], words: str, style: Style) -> bool:
    """Words at the left of a row, where nothing stands there; whether they have room."""
    if len(words) + 2 > len(row) or any(char not in " \u2800" for char, _ in row[: len(words) + 2]):
        return False
    for offset, char in enumerate(words, 1):
        row[offset] = (char, style)
    return True
