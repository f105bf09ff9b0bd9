"""A hop's last rounds in a line: how much more than usual the answers took as bars, loss hanging down from above.

The steps are fixed (`cells.LIMITS_MS`), the same for all hops, targets and days: nothing is ever scaled anew, and what
is as usual is a flat line.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

from rich.style import Style

from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Hop, Path, Window
from hopscope.session.model import Target
from hopscope.views.screen.cells import LIMITS_MS, Cell, cell_of
from hopscope.views.screen.glyphs import GlyphSet
from hopscope.views.screen.options import Scale
from hopscope.views.screen.styles import Look
from hopscope.words.numbers import axis_ms, nice_ceiling, span

Loss: TypeAlias = Literal["trouble", "over", "harmless", "silent"]
"""What a hop's lost probes mean: trouble that lasts; none, or none any more; its router limits its answers; it never
answers."""

NS_PER_MS: Final = 1_000_000
S: Final = 1_000_000_000
_SOME: Final = 0.3
"""A share of lost probes from which on it is no small one."""


def excess(usual: int | None, in_us: bool) -> tuple[int, ...]:
    """Where the steps begin (ns) for what is usual."""
    unit = 1_000 if in_us else NS_PER_MS
    return tuple((usual or 0) + limit * unit for limit in LIMITS_MS)


def absolute(ceiling_ms: float) -> tuple[int, ...]:
    """Where eight even steps from 0 to a ceiling begin (ns)."""
    return tuple(int(ceiling_ms * NS_PER_MS * i / 8) for i in range(1, 8))


def each_for(interval_ns: int | None) -> int:
    """Rounds of a cell: about a second's."""
    return max(1, round(S / interval_ns)) if interval_ns else 1


def reach(target: Target, width: int) -> str:
    """The time that a sparkline spans: ``27 s``."""
    interval = target.plan.interval_ns if target.plan is not None else S
    return span(width * each_for(interval) * interval / S)


def scale_words(scale: Scale, ceiling: float | None, in_us: bool, look: Look, room: int) -> str:
    """What the bars stand for, in so many cells at the most."""
    bars, unit = look.glyphs.bars, "µs" if in_us else "ms"
    match scale:
        case "usual":
            low, high = LIMITS_MS[0], LIMITS_MS[-1]
            words: tuple[str, ...] = (
                f"over usual: {bars[1]} {low} … {bars[-1]} {high} {unit}",
                f"over usual, {unit}",
                f"+{unit}",
            )
        case "all":
            words = f"0{look.glyphs.to}{axis_ms(ceiling)}", axis_ms(ceiling)
        case "hop":
            words = ("own scales",)
    return next((each for each in words if len(each) <= room), "")


def moment_at(path: Path, interval_ns: int | None, width: int, cell: int) -> int | None:
    """The moment (epoch ns) of a cell of a sparkline of the path: when all of it had been sent."""
    each = each_for(interval_ns)
    place = begins(width, each, newest(path))[cell] + each - path.first_round
    times = path.round_times
    if not place > 0 or not len(times):
        return None
    return times[place] - 1 if place < len(times) else times[-1] + (interval_ns or S) - 1


def newest(path: Path) -> int:
    """The round at the right edge: the newest, or the one before it while hops that answer have not yet."""
    last = path.first_round + len(path.round_times) - 1
    for hop in path.rows if len(path.round_times) > 1 else ():
        samples = hop.window.samples
        if (
            hop.received
            and len(samples)
            and samples[-1] == PENDING
            and hop.window.first_round + len(samples) - 1 == last
        ):
            return last - 1
    return last


def begins(width: int, each: int, last: int) -> range:
    """The first round of each cell, where the last one has round `last`. Cells begin at multiples of `each`, so what
    stands in one never changes."""
    end = last // each * each
    return range(end - (width - 1) * each, end + 1, each)


def cells(
    window: Window, width: int, steps: Sequence[int], look: Look, loss: Loss, each: int, last: int
) -> list[tuple[str, Style]]:
    """Runs of (text, style) of a hop's rounds up to `last`, `each` rounds a cell. `steps`: where each bar but the
    lowest begins (ns)."""
    rounds = begins(width, each, last)
    skipped = max(0, rounds[0] - window.first_round) if rounds else 0
    samples, first = window.samples[skipped:].tolist(), window.first_round + skipped
    glyphs = look.glyphs
    bars, spark = glyphs.bars, look.spark
    lost = lost_signs(look, loss)
    runs: list[tuple[str, Style]] = []
    text, style = "", spark
    count = len(samples)
    for begin in rounds:
        place = begin - first
        if each == 1:
            sample = samples[place] if 0 <= place < count else NO_PROBE
            char, its = (bars[bisect_right(steps, sample)], spark) if sample >= 0 else _sign(sample, look, lost, loss)
        else:
            part = samples[max(0, place) : max(0, min(place + each, last + 1 - first))]
            char, its = cell_sign(cell_of(part), steps, look, lost)
        if its is not style and text:
            runs.append((text, style))
            text = ""
        style = its
        text += char
    if text:
        runs.append((text, style))
    return runs


LostSigns: TypeAlias = tuple[str, str, Style]
"""A small share of lost probes, a large one or all, and their style."""


def lost_signs(look: Look, loss: Loss) -> LostSigns:
    """How lost probes are drawn."""
    glyphs: GlyphSet = look.glyphs
    match loss:
        case "trouble":
            return glyphs.hang_some, glyphs.hang, look.bad
        case "over":
            return glyphs.hang_some, glyphs.hang, look.line_target
        case "harmless":
            return glyphs.silent, glyphs.silent, look.quiet
        case _:
            return glyphs.silent, glyphs.silent, look.quiet


def _sign(sample: int, look: Look, lost: LostSigns, loss: Loss) -> tuple[str, Style]:
    """One round without an answer."""
    glyphs = look.glyphs
    match sample:
        case _ if sample == LOST:
            return lost[1], lost[2]
        case _ if sample == PENDING and loss == "silent":
            return lost[1], lost[2]
        case _ if sample == PENDING:
            return glyphs.pending, look.faint
        case _ if sample == LATE:
            return glyphs.late, look.warn
        case _ if sample == FAILED:
            return glyphs.failed, look.bad
    return " ", look.faint


def cell_sign(cell: Cell, steps: Sequence[int], look: Look, lost: LostSigns) -> tuple[str, Style]:
    """A cell of several rounds as one character: what was lost of it, else how it was answered."""
    glyphs = look.glyphs
    if cell.failed > cell.answered:
        return glyphs.failed, look.bad
    if cell.lost and (cell.share >= _SOME or lost[0] != glyphs.silent):
        return (lost[1] if cell.share >= _SOME else lost[0]), lost[2]
    if cell.answered:
        return glyphs.bars[bisect_right(steps, cell.median)], look.spark
    if cell.late:
        return glyphs.late, look.warn
    if cell.failed:
        return glyphs.failed, look.bad
    return (glyphs.pending if cell.pending else " "), look.faint


def high_ms(hop: Hop, count: int) -> float:
    """The RTT (ms) that nineteen of twenty of a hop's last `count` rounds stay within; 0 without an answer."""
    answered = sorted(sample for sample in hop.window.last(count) if sample >= 0)
    return answered[(len(answered) * 19) // 20 if len(answered) >= 20 else -1] / NS_PER_MS if answered else 0.0


def ceiling_for(hops: Iterable[Hop], count: int, before: float | None = None) -> float:
    """The upper end (ms) of an absolute scale for all. It stays `before` as long as that is not too small and not more
    than three times too large: a scale that keeps moving compares nothing."""
    need = max((high_ms(hop, count) for hop in hops), default=0.0)
    if before is not None and need <= before <= 3 * max(need, 1e-9):
        return before
    return nice_ceiling(need)
