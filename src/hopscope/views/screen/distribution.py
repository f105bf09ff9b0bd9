"""A hop's round trips by how often: as many bins as the root of their number, and where the percentiles stand."""

from __future__ import annotations

import math

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.screen.chart import name_of, titled
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Line, Row
from hopscope.words.numbers import span_ms

LEFT = 7
NS_PER_MS = 1_000_000


def bins_of(values: list[float], most: int) -> tuple[list[int], float, float]:
    """How many of the sorted values fall into each bin, where the first begins, and how wide they are."""
    low, high = values[0], values[-1]
    if high - low < 1e-6:
        high = low + 0.1
    count = max(1, min(most, math.ceil(math.sqrt(len(values)))))
    each = (high - low) / count
    counts = [0] * count
    for value in values:
        counts[min(count - 1, int((value - low) / each))] += 1
    return counts, low, each


def rows(target: Target, hop: Hop, look: Look, width: int, height: int) -> list[Row]:
    """Title, bars, percentiles, axis."""
    values = sorted(sample / NS_PER_MS for sample in hop.window.samples.tolist() if sample >= 0)
    of = f"last {len(hop.window.samples)} rounds, {len(values)} answers"
    title = titled(f"distribution of {name_of(target, hop)}: how often which time", of, look, width)
    room, tall = width - LEFT - 1, height - 3
    if len(values) < 2 or tall < 1 or room < 16:
        return [title, Line().add(" a distribution needs two answers", look.quiet).row(width, look.text)]
    counts, low, each = bins_of(values, room)
    wide = max(1, room // len(counts))
    top = max(counts)
    eighths = [math.ceil(8 * tall * count / top) for count in counts]
    bars = look.glyphs.bars
    out = [title]
    for line_number in range(tall):
        base = 8 * (tall - 1 - line_number)
        line = Line().add(f"{top:>{LEFT - 1}} " if line_number == 0 else " " * LEFT, look.quiet)
        for height_of in eighths:
            filled = max(0, min(8, height_of - base))
            line.add((bars[filled - 1] if filled else " ") * wide, look.line_hop)
        out.append(line.row(width, look.text))
    size = wide * len(counts)
    out.append(_percentiles(values, low, each * len(counts), size, look, width))
    axis = Line().to(LEFT, look.quiet)
    for part in range(5):
        label = span_ms(low + each * len(counts) * part / 4)
        place = LEFT + max(0, min(size - len(label), round(size * part / 4) - (0 if part == 0 else len(label) // 2)))
        if place > axis.width or part == 0:
            axis.to(place, look.quiet).add(label, look.quiet).add(" ", look.quiet)
    out.append(axis.row(width, look.text))
    return out


def _percentiles(values: list[float], low: float, span: float, size: int, look: Look, width: int) -> Row:
    cells = [" "] * size
    for percent, words in ((99, "p99"), (95, "p95"), (50, "median")):
        value = values[(percent * len(values) + 99) // 100 - 1]
        place = max(0, min(size - 1, int((value - low) / span * size)))
        text = f"╵{words}" if not look.glyphs.is_ascii else f"^{words}"
        place = min(place, size - len(text))
        if place >= 0 and (percent == 50 or all(char == " " for char in cells[place : place + len(text) + 1])):
            cells[place : place + len(text)] = list(text)
    return Line().to(LEFT, look.quiet).add("".join(cells), look.quiet).row(width, look.text)
