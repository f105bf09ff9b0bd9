"""A hop's last rounds, one cell a round: how long the answer took as a bar, what went wrong as its own sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.style import Style

from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Hop
from hopscope.views.screen.styles import Look
from hopscope.words.numbers import nice_ceiling

NS_PER_MS = 1_000_000


def cells(
    samples: Sequence[int], ceiling_ms: float, look: Look, *, silent: bool, harmless: bool
) -> list[tuple[str, Style]]:
    """Runs of (text, style) for samples (ns, or a negative constant of `path.snapshot`), oldest first.

    `silent`: the hop never answered, so a lost probe is a dot. `harmless`: its loss goes no further, so the sign of a
    lost probe is quiet."""
    glyphs = look.glyphs
    bars = glyphs.bars
    top = len(bars) - 1
    scale = len(bars) / (ceiling_ms * NS_PER_MS) if ceiling_ms > 0 else 0.0
    lost = (glyphs.silent, look.faint) if silent else (glyphs.lost, look.quiet if harmless else look.bad)
    special = {
        LOST: lost,
        PENDING: (glyphs.pending, look.faint),
        FAILED: (glyphs.failed, look.bad),
        LATE: (glyphs.late, look.warn),
        NO_PROBE: (" ", look.faint),
    }
    runs: list[tuple[str, Style]] = []
    text = ""
    style = look.spark
    for sample in samples:
        if sample >= 0:
            char, its = bars[min(top, int(sample * scale))], look.spark
        else:
            char, its = special.get(sample, (" ", look.faint))
        if its is not style and text:
            runs.append((text, style))
            text = ""
        style = its
        text += char
    if text:
        runs.append((text, style))
    return runs


def high_ms(hop: Hop, count: int) -> float:
    """The RTT (ms) that nineteen of twenty of a hop's last `count` rounds stay within; 0 without an answer."""
    answered = sorted(sample for sample in hop.window.last(count) if sample >= 0)
    return answered[(len(answered) * 19) // 20 if len(answered) >= 20 else -1] / NS_PER_MS if answered else 0.0


def ceiling_for(hops: Iterable[Hop], count: int, before: float | None = None) -> float:
    """The upper end (ms) of the sparklines' common scale. It stays `before` as long as that is not too small and not
    more than three times too large: a scale that keeps moving compares nothing."""
    need = max((high_ms(hop, count) for hop in hops), default=0.0)
    if before is not None and need <= before <= 3 * max(need, 1e-9):
        return before
    return nice_ceiling(need)
