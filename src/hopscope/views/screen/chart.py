"""The chart panel: latency over clock time, along the path, a hop's distribution, or the heat map of all hops."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.style import Style

from hopscope.path.snapshot import LOST, Hop, Path
from hopscope.session.model import Target
from hopscope.views.screen import heat, plot
from hopscope.views.screen.options import ChartView
from hopscope.views.screen.rounds import Y_LABEL, reading, samples_of, seen, time_ticks
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, blank, framed
from hopscope.words.numbers import nice_ceiling, span_ms, time_of_day

NS_PER_MS = 1_000_000


def panel(
    target: Target,
    hop: Hop | None,
    view: ChartView,
    look: Look,
    width: int,
    height: int,
    zoom: int,
    cursor: int | None,
    harmless: Collection[int] = (),
) -> list[Row]:
    """The framed chart, exactly `width` x `height`. `harmless`: TTLs of hops whose loss goes no further."""
    inner, tall = width - 2, height - 2
    path = target.path
    title, corner = titles(target, hop, view, zoom, cursor, look)
    if hop is None or tall < 4 or inner < 20:
        rows = [Line().add(" no answer yet", look.quiet).row(inner, look.text)]
    elif view == "heat":
        rows = heat.rows(target, look, inner, tall, zoom, cursor, harmless)
    elif view == "distribution":
        rows = _distribution(hop, look, inner, tall)
    elif view == "profile":
        rows = _profile(path, look, inner, tall)
    else:
        rows = _over_time(path, hop, look, inner, tall, zoom, cursor, hop.ttl in harmless)
    rows = [*rows, *(blank(inner, look.text) for _ in range(tall - len(rows)))]
    return framed(rows, title, corner, width, height, look.faint, look.quiet, look.quiet)


def titles(
    target: Target, hop: Hop | None, view: ChartView, zoom: int, cursor: int | None, look: Look
) -> tuple[str, str]:
    """The frame's title and its corner: what is seen, and which time it is of (or what the cursor reads)."""
    if hop is None:
        return "latency", ""
    first, times = seen(target.path, zoom)
    corner = f"{time_of_day(times[0])} to {time_of_day(times[-1])}" if times else ""
    if view == "distribution":
        return f"distribution, hop {hop.ttl}", f"{sum(1 for s in hop.window.samples.tolist() if s >= 0)} answers"
    if view == "profile":
        return "along the path: best, median, p95", ""
    if cursor is not None and times:
        corner = reading(target.path, hop, first, times, cursor)
    if view == "heat":
        return "all hops over time", corner
    end = target.path.target_hop
    name = f"latency, hop {hop.ttl}" + ("" if hop.is_target else " and target" if end else "")
    return name, corner


def _over_time(
    path: Path, hop: Hop, look: Look, width: int, height: int, zoom: int, cursor: int | None, harmless: bool
) -> list[Row]:
    first, times = seen(path, zoom)
    if len(times) < 2:
        return [Line().add(" a chart needs two rounds", look.quiet).row(width, look.text)]
    xs = [(at - times[0]) / 1e9 for at in times]
    end = path.target_hop
    shown = [(hop, "hop")] + ([(end, "target")] if end is not None and end is not hop else [])
    top = 0.0
    curves: list[plot.Curve] = []
    lost: list[float] = []
    columns = width - Y_LABEL - 1
    for one, role in reversed(shown):
        samples = samples_of(one, first, len(times))
        ys = [s / NS_PER_MS if s is not None and s >= 0 else None for s in samples]
        known = sorted(y for y in ys if y is not None)
        if known:
            top = max(top, known[-1] if len(known) < 40 else min(known[-1], 2.5 * known[len(known) * 98 // 100]))
        curves.append(plot.Curve(*plot.decimate(xs, ys, columns), role=role))  # type: ignore[arg-type] # hop, target
        if one is hop:
            lost = [x for x, s in zip(xs, samples, strict=True) if s == LOST]
    ceiling = nice_ceiling(top)
    curves = [plot.Curve(c.xs, [None if y is None else min(y, ceiling) for y in c.ys], c.role) for c in curves]
    if lost and hop.received:
        step = max(1e-9, xs[-1] / columns)
        cells = sorted({round(x / step) for x in lost})
        marker = look.glyphs.lost
        curves.append(
            plot.Curve(
                [min(xs[-1], c * step) for c in cells],
                [ceiling] * len(cells),
                "harmless" if harmless else "lost",
                marker,
                False,
            )
        )
    if cursor is not None:
        at = xs[max(0, len(xs) - 1 - cursor)]
        marks = [ceiling * i / height for i in range(height + 1)]
        curves.insert(0, plot.Curve([at] * len(marks), marks, "cursor", "|", joined=False))
    axes = plot.Axes((0.0, xs[-1]), (0.0, ceiling), time_ticks(times, columns), value_ticks(ceiling, height))
    parts = plot.draw(width, height, curves, axes, ascii_only=look.glyphs.is_ascii)
    return [_row(line, look, width, Hit("time", index)) for index, line in enumerate(parts)]


def _profile(path: Path, look: Look, width: int, height: int) -> list[Row]:
    known = [hop for hop in path.rows if hop.rtt and hop.rtt.p95 is not None]
    if len(known) < 2:
        return [Line().add(" a profile needs two hops that answer", look.quiet).row(width, look.text)]
    xs = [float(hop.ttl) for hop in known]
    rtts = [hop.rtt for hop in known if hop.rtt]
    ceiling = nice_ceiling(max(rtt.p95 or 0.0 for rtt in rtts))
    curves = [
        plot.Curve(xs, [rtt.p95 for rtt in rtts], "high"),
        plot.Curve(xs, [rtt.best for rtt in rtts], "low"),
        plot.Curve(xs, [rtt.median for rtt in rtts], "hop"),
    ]
    first, last = path.rows[0].ttl, path.rows[-1].ttl
    step = max(1, (last - first + 1) * 4 // max(1, width - Y_LABEL))
    ticks = [(float(ttl), str(ttl)) for ttl in range(first, last + 1, step)]
    axes = plot.Axes((float(first), float(last)), (0.0, ceiling), ticks, value_ticks(ceiling, height))
    return [
        _row(line, look, width, None)
        for line in plot.draw(width, height, curves, axes, ascii_only=look.glyphs.is_ascii)
    ]


def _distribution(hop: Hop, look: Look, width: int, height: int) -> list[Row]:
    values = sorted(sample / NS_PER_MS for sample in hop.window.samples.tolist() if sample >= 0)
    if len(values) < 2:
        return [Line().add(" a distribution needs two answers", look.quiet).row(width, look.text)]
    low, high = values[0], values[-1]
    if high - low < 1e-6:
        high = low + 0.1
    bins = max(8, min(width - 8, len(values)))
    each = (high - low) / bins
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / each))] += 1
    xs = [low + (index + 0.5) * each for index in range(bins)]
    top = float(max(counts))
    stems: list[plot.Curve] = []
    levels = max(2, (height - 2) * 4)
    for x, n in zip(xs, counts, strict=True):
        if n:
            dots = max(1, round(levels * n / top))
            stems.append(plot.Curve([x, x], [0.0, top * dots / levels], "hop"))
    merged_x: list[float] = []
    merged_y: list[float | None] = []
    for stem in stems:
        merged_x += [*stem.xs, stem.xs[-1]]
        merged_y += [*stem.ys, None]
    ticks = [(low + (high - low) * i / 4, span_ms(low + (high - low) * i / 4)) for i in range(5)]
    axes = plot.Axes((low, high), (0.0, top), ticks, [(0.0, "0"), (top, str(int(top)))])
    curve = plot.Curve(merged_x, merged_y, "hop")
    return [
        _row(line, look, width, None)
        for line in plot.draw(width, height, [curve], axes, ascii_only=look.glyphs.is_ascii)
    ]


def value_ticks(ceiling: float, height: int) -> list[plot.Tick]:
    """Ticks of a latency axis (ms), its unit at the top."""
    count = 4 if height >= 9 else 2
    in_us = ceiling < 1
    scale = 1000 if in_us else 1
    ticks = [(ceiling * i / count, f"{ceiling * i / count * scale:g}") for i in range(count)]
    ticks.append((ceiling, f"{ceiling * scale:g}"))
    return [(at, f"{label:>4} ") for at, label in ticks]


def _styles(look: Look) -> dict[plot.Role, Style]:
    return {
        "text": look.quiet,
        "axis": look.faint,
        "hop": look.line_hop,
        "target": look.line_target,
        "low": look.line_target,
        "high": look.line_target,
        "lost": look.bad,
        "harmless": look.quiet,
        "cursor": look.quiet,
    }


def _row(parts: Sequence[plot.Part], look: Look, width: int, hit: Hit | None) -> Row:
    styles = _styles(look)
    line = Line()
    for text, role in parts:
        line.add(text, styles[role])
    return line.row(width, look.text, hit)
