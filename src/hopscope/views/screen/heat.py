"""The heat map: every hop over time, a row a hop. A cell is as bright as the hop was slower than usual, in the fixed
steps of the sparklines; loss hangs down by its share."""

from __future__ import annotations

from rich.style import Style

from hopscope.views.screen import spark
from hopscope.views.screen.cells import LIMITS_MS, NONE, Cell, UsualTimes, step_of
from hopscope.views.screen.chart import Chart, titled
from hopscope.views.screen.clockline import clock_line
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row

LEFT = 5
"""Cells of the hops' numbers."""


def columns_for(width: int) -> int:
    """Columns of the time axis on a heat map of `width`."""
    return max(1, width - LEFT - 1)


def rows(chart: Chart, width: int, height: int) -> list[Row]:
    """At most `height` rows: title, hops (each up to three lines tall), clock. Hops that have no room are counted."""
    look, path = chart.look, chart.target.path
    hops = path.rows
    room = height - 2
    if not hops or room < 1:
        return [titled("no answer yet", "", look, width)]
    shown = hops if len(hops) <= room else hops[-(room - 1) :]
    out = [_title(chart, width)]
    if len(shown) < len(hops):
        words = f" {look.glyphs.up} {len(hops) - len(shown)} more hops"
        out.append(Line().add(words, look.quiet).row(width, look.text))
    tall = max(1, min(3, room // len(shown)))
    usual = UsualTimes()
    for one in chart.series(shown):
        base = usual.of(one.hop)
        signs = spark.lost_signs(look, one.loss)
        lines = [Line() for _ in range(tall)]
        for number, line in enumerate(lines):
            line.add(f"{one.hop.ttl:>3}  " if number == 0 else " " * LEFT, look.quiet)
        for column, cell in enumerate(one.cells):
            if column == chart.axis.columns - 1 and not (cell.answered or cell.lost):
                cell = NONE  # its answers are under way
            for line, (char, style) in zip(lines, _cell(cell, base, signs, tall, chart.in_us, look), strict=True):
                line.add(char, style + look.chosen if column == chart.cursor else style)
        out += [line.row(width, look.text, Hit("time", LEFT)) for line in lines]
    out.append(clock_line(chart.target, chart.happened, chart.axis, look, LEFT, width, chart.moment))
    return out


def _title(chart: Chart, width: int) -> Row:
    """What the brightness means: the legend is the scale."""
    look = chart.look
    unit = "µs" if chart.in_us else "ms"
    line = Line().add(" all hops over time, more than usual:", look.quiet)
    for number, limit in enumerate(LIMITS_MS, 1):
        char, style = shade(number, look)
        line.add(" ", look.quiet).add(char, style).add(f"{limit}", look.quiet)
    line.add(f" {unit}, lost hangs down", look.quiet)
    right = chart.axis.words
    if line.width + len(right) + 2 <= width:
        line.to(width - len(right) - 1, look.quiet).add(right, look.quiet)
    return line.row(width, look.text)


def shade(step: int, look: Look) -> tuple[str, Style]:
    """Character and style of a step: 0 is empty ground."""
    if step == 0:
        return " ", look.text
    shades = look.glyphs.shades[1:]
    char = shades[min(len(shades) - 1, (step - 1) * len(shades) // len(LIMITS_MS))]
    return char, look.heat[min(len(look.heat) - 1, (step - 1) * len(look.heat) // len(LIMITS_MS))]


def _cell(
    cell: Cell, usual: int | None, signs: spark.LostSigns, tall: int, in_us: bool, look: Look
) -> list[tuple[str, Style]]:
    """A cell's lines, from above: what was lost, then how slow the rest was."""
    ground = (" ", look.text)
    if cell.answered and usual is not None:
        ground = shade(step_of(cell.median - usual, in_us), look)
    elif cell.failed:
        ground = (look.glyphs.failed, look.bad)
    elif cell.late:
        ground = (look.glyphs.late, look.warn)
    elif cell.pending and not cell.lost:
        ground = (look.glyphs.pending, look.faint)
    out = [ground] * tall
    if not cell.lost:
        return out
    some, much, style = signs
    if much == look.glyphs.silent:
        return [(much, style), *out[1:]] if not cell.answered or tall > 1 else out
    if cell.share >= 1:
        return [(look.glyphs.block, style)] * tall
    halves = max(1, round(cell.share * 2 * tall))
    for line in range(halves // 2):
        out[line] = (look.glyphs.block, style)
    if halves % 2:
        out[halves // 2] = (much if cell.share > 0.15 or (tall == 1 and cell.share >= 0.3) else some, style)
    return out
