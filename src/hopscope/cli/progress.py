"""The progress line of a report: rounds done and time left, on standard error, only where that is a terminal."""

from __future__ import annotations

import math
import os

from hopscope.cli.output import write_all
from hopscope.session.model import Snapshot

EVERY_S = 0.25
_CLEAR = "\r\x1b[K"


def line(snapshot: Snapshot) -> str:
    """How far the slowest target is. Empty where there is nothing to say yet."""
    running = [target for target in snapshot.targets if target.plan is not None and target.plan.rounds]
    if not running:
        return ""

    def left(place: int) -> float:
        target = running[place]
        plan = target.plan
        assert plan is not None
        assert plan.rounds is not None
        if target.state in ("finished", "refused"):
            return 0.0
        begun = target.path.started_at
        if begun is None:
            return plan.rounds * plan.interval_ns / 1e9
        # The last round's probes may be waited for until their timeout; most answer much earlier.
        return max(0.0, (begun + (plan.rounds - 1) * plan.interval_ns - snapshot.now) / 1e9)

    slowest = max(range(len(running)), key=left)
    target = running[slowest]
    assert target.plan is not None
    seconds = math.ceil(left(slowest))
    what = f"{seconds} s left" if seconds else "waiting for the last answers"
    return f"round {target.path.rounds} of {target.plan.rounds}, {what}"


class Progress:
    """The line on the terminal. Where standard error is none, or `wanted` is false, it does nothing."""

    def __init__(self, *, wanted: bool = True) -> None:
        self.active = wanted and os.isatty(2)
        self._shown = ""

    def show(self, snapshot: Snapshot) -> None:
        """Draw the line anew where it changed."""
        if not self.active:
            return
        words = line(snapshot)
        if words != self._shown:
            self._shown = words
            self._write(f"{_CLEAR}{words}")

    def clear(self) -> None:
        """Take the line away."""
        if self.active and self._shown:
            self._shown = ""
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        try:
            write_all(2, text)
        except OSError:
            self.active = False  # the terminal is gone
