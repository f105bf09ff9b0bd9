"""The heat map: every hop over time, a row a hop, a cell for a few rounds; how slow as shade, loss as its own sign."""

from __future__ import annotations

from rich.style import Style

from hopscope.path.snapshot import FAILED, LATE, LOST, Hop
from hopscope.session.model import Target
from hopscope.views.screen.look import Look
from hopscope.views.screen.text import Line, Row

NS_PER_MS = 1_000_000
LABEL = 4


def rows(target: Target, look: Look, width: int, height: int, zoom: int, cursor: int | None) -> list[Row]:
    """At most `height` rows: hops, then the axis. Hops that have no room are counted."""
    from hopscope.views.screen.chart import samples_of, seen, time_ticks

    path = target.path
    first, times = seen(path, zoom)
    columns = width - LABEL - 1
    if len(times) < 1 or columns < 4:
        return []
    per = max(1, -(-len(times) // columns))
    cells = -(-len(times) // per)
    shown = path.hops if len(path.hops) <= height - 1 else path.hops[-(height - 2) :]
    out = []
    if len(shown) < len(path.hops):
        out.append(
            Line().add(f" {look.glyphs.up} {len(path.hops) - len(shown)} more hops", look.quiet).row(width, look.text)
        )
    at = None if cursor is None else (len(times) - 1 - cursor) // per
    wide = max(1, columns // cells) if per == 1 else 1
    for hop in shown:
        samples = samples_of(hop, first, len(times))
        ground = _ground(hop)
        line = Line().add(f"{hop.ttl:>3} ", look.quiet)
        for index in range(cells):
            part = samples[index * per : (index + 1) * per]
            char, style = _cell(part, hop, ground, look)
            if index == at:
                style = style + look.chosen
            line.add(char * wide, style)
        out.append(line.row(width, look.text))
    axis = Line().to(LABEL, look.quiet)
    spread = (times[-1] - times[0]) / 1e9 or 1.0
    for offset, label in time_ticks(times, columns) if len(times) > 1 else ():
        column = LABEL + int(offset / spread * (cells * wide - 1))
        if column >= axis.width and column + len(label) <= width:
            axis.to(column, look.quiet).add(label, look.quiet).add(" ", look.quiet)
    out.append(axis.row(width, look.text))
    return out[:height]


def _ground(hop: Hop) -> tuple[float, float]:
    """A hop's own best and spread (ns): the map shows how far from its best a hop is, not how far away it is."""
    if hop.rtt is None:
        return 0.0, 1.0
    best = hop.rtt.best * NS_PER_MS
    high = hop.rtt.worst if hop.rtt.p95 is None else hop.rtt.p95
    return best, max(high * NS_PER_MS - best, 0.25 * best, 0.5 * NS_PER_MS) * 1.5


def _cell(part: list[int | None], hop: Hop, ground: tuple[float, float], look: Look) -> tuple[str, Style]:
    lost = sum(1 for sample in part if sample == LOST)
    answered = [sample for sample in part if sample is not None and sample >= 0]
    if lost and hop.received:
        return look.glyphs.lost, look.bad
    if any(sample == FAILED for sample in part):
        return look.glyphs.failed, look.bad
    if not answered:
        if any(sample == LATE for sample in part):
            return look.glyphs.late, look.warn
        return (look.glyphs.silent if lost else " "), look.faint
    best, spread = ground
    level = (max(answered) - best) / spread
    index = max(0, min(len(look.heat) - 1, int(level * len(look.heat))))
    shades = look.glyphs.shades[1:]
    return shades[min(len(shades) - 1, index * len(shades) // len(look.heat))], look.heat[index]
