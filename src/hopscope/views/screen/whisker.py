"""Best, median and p95 of each hop on one axis from 0: how far away a hop is, and how wide its times spread."""

from __future__ import annotations

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row
from hopscope.words.numbers import nice_ceiling, span_ms

LEFT = 5


def ceiling_of(target: Target) -> float:
    """The upper end (ms) of the axis for all hops of a path."""
    return nice_ceiling(max((hop.rtt.p95 or hop.rtt.worst for hop in target.path.rows if hop.rtt), default=0.0))


def whisker(hop: Hop, ceiling: float, width: int, ascii_only: bool) -> str:
    """``├─●──┤``: from best over the median to p95, in `width` cells."""
    rtt = hop.rtt
    if rtt is None or rtt.median is None or width < 2:
        return " " * max(0, width)

    def column(ms: float) -> int:
        return max(0, min(width - 1, round(ms / ceiling * (width - 1))))

    low, middle, high = column(rtt.best), column(rtt.median), column(rtt.p95 if rtt.p95 is not None else rtt.median)
    begin, rule, dot, end = "|-o|" if ascii_only else "├─●┤"
    cells = [" "] * width
    for place in range(low, high + 1):
        cells[place] = rule
    cells[low], cells[high] = begin, end
    cells[middle] = dot
    return "".join(cells)


def scale(ceiling: float, width: int, in_us: bool) -> str:
    """The axis in words: ``0 ─── 20 ─── 40 ms``."""
    unit = 1000 if in_us else 1
    half, top = f"{ceiling / 2 * unit:g}", f"{ceiling * unit:g} {'µs' if in_us else 'ms'}"
    cells = ["─"] * width
    for words, place in (("0 ", 0), (f" {half} ", width // 2 - len(half) // 2 - 1), (f" {top}", width - len(top) - 1)):
        if place >= 0 and place + len(words) <= width:
            cells[place : place + len(words)] = list(words)
    return "".join(cells) if width >= len(half) + len(top) + 8 else f"{top:>{width}}"[-width:]


def rows(target: Target, look: Look, width: int, height: int, in_us: bool) -> list[Row]:
    """A row a hop, as many as there is room for, the last ones."""
    from hopscope.views.screen.chart import titled  # which draws with this

    hops = target.path.rows
    room = height - 2
    shown = hops[-room:] if room > 0 else ()
    ceiling = ceiling_of(target)
    out = [titled("along the path: best, median, p95", "", look, width)]
    size = width - LEFT - 24
    if size < 8:
        return out
    for hop in shown:
        line = Line().add(f"{hop.ttl:>3}  ", look.quiet)
        line.add(whisker(hop, ceiling, size, look.glyphs.is_ascii), look.line_hop if hop.is_target else look.spark)
        if hop.rtt is not None and hop.rtt.median is not None:
            line.add(f"  {span_ms(hop.rtt.median):>8} to {span_ms(hop.rtt.p95):<8}", look.quiet)
        out.append(line.row(width, look.text, Hit("hop", hop.ttl)))
    out.append(Line().to(LEFT, look.quiet).add(scale(ceiling, size, in_us), look.quiet).row(width, look.text))
    return out
