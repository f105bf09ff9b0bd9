"""How often the screen looks at its session, and how often the chart is drawn: one place, time as an argument.

A look takes the newest snapshot and draws what changed. Paths that begin are looked at often, so that a hop appears
when its first answer comes; after that about once a round. With many targets a look is dear, and a key that comes
during one waits for its end: a pause follows it that keeps that rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hopscope.path.snapshot import Path
from hopscope.session.model import Target

FAST_LOOK_S: Final = 0.04
"""Seconds between two looks while something begins."""
SLOWEST_LOOK_S: Final = 0.25
"""Seconds between two looks at the least, once nothing begins any more, however short the interval."""
FAST_FOR_S: Final = 4.0
"""Seconds of fast looks after something began."""
FAST_WHILE_STARTING_S: Final = 30.0
"""Seconds beyond those during which a target that still starts is looked at fast."""
FEW_TARGETS: Final = 20
"""Targets up to which a look costs no key its answer: a snapshot of 200 takes 50 ms, one of these five."""
PAUSE_PER_LOOK: Final = 25
"""With more targets than that, a pause is this many times as long as the look before it…"""
LONGEST_PAUSE_S: Final = 3.0
"""… and at most so many seconds."""

CHART_EACH_ROUND_UNTIL: Final = 12
"""Rounds until which the chart is drawn with each of them."""
CHART_PAUSE_NS: Final = 2_000_000_000, 5_000_000_000
"""After that, the least and the longest time between two drawings of the chart, the dearest part of the screen; the
true one is the time that a column of it spans. What a key changes is drawn at once."""


class Cadence:
    """When the session is looked at next. Times are seconds of the monotonic clock."""

    def __init__(self, refresh_s: float) -> None:
        """`refresh_s`: the longest time between two looks in the steady state."""
        self._refresh_s = refresh_s
        self._fast_until = 0.0
        self._last_look_s = 0.0

    def refresh_fast(self, now: float) -> None:
        """Something begins: look often for a while."""
        self._fast_until = now + FAST_FOR_S

    def looked(self, took_s: float) -> None:
        """A look drew something, and took this long."""
        self._last_look_s = took_s

    def is_steady(self, now: float) -> bool:
        """Whether nothing began lately."""
        return now > self._fast_until

    def delay_s(self, now: float, targets: Sequence[Target]) -> float:
        """Seconds until the next look."""
        pause = 0.0 if has_few(targets) else min(LONGEST_PAUSE_S, PAUSE_PER_LOOK * self._last_look_s)
        fast = max(FAST_LOOK_S, pause)
        if now < self._fast_until:
            return fast
        if now < self._fast_until + FAST_WHILE_STARTING_S and any(
            target.state in ("resolving", "starting") for target in targets
        ):
            return fast
        interval = min((target.plan.interval_ns / 1e9 for target in targets if target.plan), default=1.0)
        return max(pause, min(self._refresh_s, max(SLOWEST_LOOK_S, interval)))


def has_few(targets: Sequence[Target]) -> bool:
    """Whether a new snapshot of them costs no key its answer."""
    return len(targets) <= FEW_TARGETS


def chart_is_due(path: Path, columns: int, now: int, drawn_at: int) -> bool:
    """Whether the chart is to be drawn anew for new data alone; times are epoch ns."""
    times = path.round_times
    if len(times) < CHART_EACH_ROUND_UNTIL or now < drawn_at:
        return True
    least, longest = CHART_PAUSE_NS
    return now - drawn_at >= max(least, min(longest, (times[-1] - times[0]) // max(1, columns)))
