"""The progress line of a report: rounds done and time left, on standard error, only where that is a terminal. One that
nobody reads (a frozen ssh) holds no report up."""

from __future__ import annotations

import math
import os

from hopscope.session.model import Snapshot
from hopscope.system.writer import Writer

EVERY_S = 0.25
CLEAR_S = 0.5
"""A terminal that takes nothing for this long keeps its last line."""
_CLEAR = "\r\x1b[K"


def line(snapshot: Snapshot) -> str:
    """How far the slowest target is, or what all that are left wait for. Empty where there is nothing to say yet."""
    waiting = [target for target in snapshot.targets if target.state != "finished"]
    if waiting and all(target.is_tried_again for target in waiting):
        refusal = waiting[0].refusal
        return f"{refusal.message if refusal is not None else waiting[0].error}: tried again every few seconds"
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
        self._writer = Writer(2) if self.active else None

    def show(self, snapshot: Snapshot) -> None:
        """Draw the line anew where it changed."""
        if not self.active:
            return
        words = line(snapshot)
        if words != self._shown:
            self._shown = words
            self._write(f"{_CLEAR}{words}")

    def clear(self) -> None:
        """Take the line away, before something else is written there. No more lines are shown."""
        if self._writer is not None:
            if self._shown:
                self._write(_CLEAR)
            if not self._writer.drain(CLEAR_S):
                self._writer.cut()
            self._writer.end()
            self._writer = None
            self.active = False

    def _write(self, text: str) -> None:
        if self._writer is not None:
            self._writer.write(text)
