"""The charts of the HTML report: inline SVG, no script, nothing from elsewhere. Pure: numbers in, markup out.

Texts in a chart are numbers and times of our own making; what a stranger chose never gets in here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from hopscope.path.snapshot import LOST, Hop, Path
from hopscope.views.report.words import moment

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 54, 10, 12, 28
_MS = 1e6
_STEP, _SPARK = 3, 20
"""A spark's width for each round, and its height."""


def over_time(path: Path, hop: Hop, *, is_true_loss: bool = True) -> str:
    """A hop's latency, round by round: a line through the answers, a cross at the foot for each loss, quiet where
    that is no lost traffic."""
    samples = hop.window.samples.tolist()
    times = path.round_times.tolist()
    offset = hop.window.first_round - path.first_round
    points = [
        (times[place + offset], sample)
        for place, sample in enumerate(samples)
        if 0 <= place + offset < len(times) and (sample >= 0 or sample == LOST)
    ]
    top = nice(max((sample / _MS for _at, sample in points if sample >= 0), default=1.0))
    first, last = (points[0][0], points[-1][0]) if points else (0, 1)
    span = max(1, last - first)

    def x(at: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - first) / span

    kind = "lost" if is_true_loss else "quiet"
    lines: list[list[str]] = [[]]
    marks = []
    for at, sample in points:
        if sample == LOST:
            lines.append([])
            marks.append(f'<path class="{kind}" d="M{x(at) - 3:.1f} {HEIGHT - BOTTOM - 9}l6 8m0 -8l-6 8"/>')
        else:
            lines[-1].append(f"{x(at):.1f},{_y(sample / _MS, top):.1f}")
    body = "".join(
        f'<polyline class="rtt" points="{" ".join(line)}"/>' if len(line) > 1 else _dot(line[0])
        for line in lines
        if line
    )
    ends = [(LEFT, "start", moment(first)), (WIDTH - RIGHT, "end", moment(last))] if points else []
    labels = "".join(
        f'<text x="{at}" y="{HEIGHT - 12 + 13 * line}" text-anchor="{anchor}">{escape(words)}</text>'
        for at, anchor, when in ends
        for line, words in enumerate(when.clock())
    )
    return _chart("Latency over time, ms", _grid(top) + body + "".join(marks) + labels, HEIGHT + 6)


def along_path(hops: Sequence[Hop]) -> str:
    """Each hop's best to p95 as a bar with its average as a dot, hop by hop."""
    top = nice(max(((hop.rtt.p95 or hop.rtt.worst) for hop in hops if hop.rtt), default=1.0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(hops))
    parts = []
    for place, hop in enumerate(hops):
        x = LEFT + step * (place + 0.5)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{hop.ttl}</text>')
        if hop.rtt is None:
            continue
        low, high = _y(hop.rtt.best, top), _y(hop.rtt.p95 or hop.rtt.worst, top)
        parts.append(f'<path class="range" d="M{x:.1f} {low:.1f}V{min(high, low - 1):.1f}"/>')
        parts.append(_dot(f"{x:.1f},{_y(hop.rtt.avg, top):.1f}"))
    return _chart("Latency along the path, ms: best to 95th percentile, and average", _grid(top) + "".join(parts))


def spark(hop: Hop, count: int = 60, *, is_true_loss: bool = True) -> str:
    """The last rounds of a hop, small: for a cell of the table. A lost probe is a bar of full height with a head, so
    that it can be told without colour; where nothing is lost (the router answers seldom or never) a dot at the foot."""
    samples = hop.window.last(count)
    top = max((sample for sample in samples if sample >= 0), default=0) or 1
    parts = []
    for place, sample in enumerate(samples):
        x = place * _STEP + _STEP / 2
        if sample >= 0:
            height = max(1.0, (_SPARK - 4) * sample / top)
            parts.append(f'<path class="rtt" d="M{x:g} {_SPARK}v-{height:.1f}"/>')
        elif sample == LOST and is_true_loss:
            parts.append(f'<path class="lost" d="M{x:g} {_SPARK}V1m-1.5 0h3"/>')
        elif sample == LOST:
            parts.append(f'<path class="quiet" d="M{x:g} {_SPARK}v-1.5"/>')
    return f'<svg class="spark" viewBox="0 0 {_STEP * count} {_SPARK}" aria-hidden="true">{"".join(parts)}</svg>'


def nice(top: float) -> float:
    """The next of 1, 2, 5 times a power of ten, so that an axis has round numbers."""
    if not math.isfinite(top) or top <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(top))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= top * (1 - 1e-9))


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, max(0.0, value / top))


def _grid(top: float) -> str:
    parts = []
    for step in range(5):
        value = top * step / 4
        y = _y(value, top)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    return "".join(parts)


def _dot(point: str) -> str:
    x, y = point.split(",")
    return f'<circle class="dot" cx="{x}" cy="{y}" r="2.5"/>'


def _chart(title: str, body: str, height: int = HEIGHT) -> str:
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img"><title>{title}</title>{body}</svg>'
