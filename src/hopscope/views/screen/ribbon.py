"""The time axis in two lines, where the chart has no room or is off: loss and latency, then the clock with what
happened."""

from __future__ import annotations

from hopscope.path.snapshot import Hop
from hopscope.views.screen import spark
from hopscope.views.screen.cells import UsualTimes
from hopscope.views.screen.chart import Chart
from hopscope.views.screen.clockline import clock_line
from hopscope.views.screen.text import Hit, Line, Row

HEIGHT = 2
LEFT = 1


def columns_for(width: int) -> int:
    """Columns of the time axis on a ribbon of `width`."""
    return max(1, width - LEFT - 9)


def rows(chart: Chart, usual: UsualTimes, width: int) -> list[Row]:
    """Two lines of `width`: the chosen hop over its usual, loss hanging down, and the clock."""
    look = chart.look
    hop: Hop = chart.hop
    (one,) = chart.series([hop])
    steps = spark.excess(usual.of(hop), chart.in_us)
    signs = spark.lost_signs(look, one.loss)
    line = Line().to(LEFT, look.text)
    for column, cell in enumerate(one.cells):
        char, style = spark.cell_sign(cell, steps, look, signs)
        line.add(char, style + look.chosen if column == chart.cursor else style)
    line.add(f" {chart.axis.words}", look.quiet)
    return [
        line.row(width, look.text, Hit("time", LEFT)),
        clock_line(chart.target, chart.happened, chart.axis, look, LEFT, width, chart.moment),
    ]
