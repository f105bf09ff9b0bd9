"""The heat map: every hop over time, a row a hop, a cell for a few rounds; how slow as shade, loss as its own sign."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from rich.style import Style

from hopscope.path.snapshot import FAILED, LATE, LOST, Hop
from hopscope.session.model import Target
from hopscope.views.screen.rounds import HEAT_LABEL, samples_of, seen, time_ticks
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Line, Row

NS_PER_MS = 1_000_000


def rows(
    target: Target, look: Look, width: int, height: int, zoom: int, cursor: int | None, harmless: Collection[int] = ()
) -> list[Row]:
    """At most `height` rows: hops, each several lines tall where there is room, then the axis. Hops that have no room
    are counted. `harmless`: TTLs of hops whose loss goes no further."""
    path = target.path
    first, times = seen(path, zoom)
    columns = width - HEAT_LABEL - 1
    if len(times) < 1 or columns < 4 or height < 3 or not path.rows:
        return []
    edges = [i * len(times) // columns for i in range(columns + 1)]
    shown = path.rows if len(path.rows) <= height - 1 else path.rows[-(height - 2) :]
    out = []
    if len(shown) < len(path.rows):
        words = f" {look.glyphs.up} {len(path.rows) - len(shown)} more hops"
        out.append(Line().add(words, look.quiet).row(width, look.text))
    tall = max(1, min(3, (height - 1) // len(shown)))
    at = None if cursor is None else len(times) - 1 - cursor
    for hop in shown:
        samples = samples_of(hop, first, len(times))
        ground = _ground(hop)
        cells = []
        for start, end in pairwise(edges):
            end = max(end, start + 1)
            char, style = _cell(samples[start:end], hop, ground, look, hop.ttl in harmless)
            cells.append((char, style + look.chosen if at is not None and start <= at < end else style))
        for part in range(tall):
            line = Line().add(f"{hop.ttl:>3} " if part == 0 else " " * HEAT_LABEL, look.quiet)
            for char, style in cells:
                line.add(char if part == 0 or char in look.glyphs.shades else " ", style)
            out.append(line.row(width, look.text))
    out.append(_axis(times, columns, look, width))
    return out[:height]


def _axis(times: Sequence[int], columns: int, look: Look, width: int) -> Row:
    axis = Line().to(HEAT_LABEL, look.quiet)
    spread = (times[-1] - times[0]) / 1e9
    for offset, label in time_ticks(times, columns) if spread > 0 else ():
        column = HEAT_LABEL + int(offset / spread * (columns - 1))
        if column >= axis.width and column + len(label) <= width:
            axis.to(column, look.quiet).add(label, look.quiet).add(" ", look.quiet)
    return axis.row(width, look.text)


def _ground(hop: Hop) -> tuple[float, float]:
    """What is usual for a hop, and how far from it the brightest shade lies (ns): the map shows how much slower than
    usual a hop is, not how far away it is."""
    rtt = hop.rtt
    if rtt is None or rtt.median is None or rtt.p95 is None:
        return 0.0, 1.0
    usual = rtt.median * NS_PER_MS
    return usual, max(3 * (rtt.p95 * NS_PER_MS - usual), 0.25 * usual, NS_PER_MS)


def _cell(
    part: list[int | None], hop: Hop, ground: tuple[float, float], look: Look, harmless: bool
) -> tuple[str, Style]:
    lost = sum(1 for sample in part if sample == LOST)
    answered = [sample for sample in part if sample is not None and sample >= 0]
    if lost and hop.received:
        return look.glyphs.lost, look.quiet if harmless else look.bad
    if any(sample == FAILED for sample in part):
        return look.glyphs.failed, look.bad
    if not answered:
        if any(sample == LATE for sample in part):
            return look.glyphs.late, look.warn
        return (look.glyphs.silent if lost else " "), look.faint
    usual, spread = ground
    level = (max(answered) - usual) / spread
    index = max(0, min(len(look.heat) - 1, int(level * len(look.heat))))
    shades = look.glyphs.shades[1:]
    return shades[min(len(shades) - 1, index * len(shades) // len(look.heat))], look.heat[index]
