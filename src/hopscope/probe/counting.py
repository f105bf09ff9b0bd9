"""When totals of what was heard and could not be used are told, and when that is a flood."""

from __future__ import annotations

from typing import Final

from hopscope.probe.channel import Tally
from hopscope.probe.pacer import NEVER
from hopscope.wire.messages import Counters

COUNTERS_EVERY_NS: Final = 1_000_000_000
FLOOD_PER_S: Final = 10_000
"""Packets a second that answer no probe of ours, and are worth a word."""


class Counting:
    """Tells totals at most once a second. Time is an argument (monotonic ns)."""

    __slots__ = ("_counted", "_tally", "_told_at", "told")

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.told = Counters()
        """What was told last."""
        self._counted = 0
        """All of that together."""
        self._told_at = -NEVER

    def due(self, now: int) -> Counters | None:
        """What is to be told now; None: nothing changed, or not yet."""
        tally = self._tally
        counted = tally.malformed + tally.foreign + tally.overflow
        if counted == self._counted:
            return None
        elapsed = now - self._told_at
        if elapsed < COUNTERS_EVERY_NS:
            return None
        rate = (counted - self._counted) * COUNTERS_EVERY_NS // elapsed
        flooded = max(self.told.flooded, rate if rate >= FLOOD_PER_S else 0)
        self._counted = counted
        self.told = Counters(tally.malformed, tally.foreign, tally.overflow, flooded)
        self._told_at = now
        return self.told

    def noted(self, note: str | None) -> str | None:
        """A flow's note, and what is to be known of all flows."""
        rate = self.told.flooded
        if not rate:
            return note
        flood = f"flooded: up to {rate} packets a second came that answer no probe"
        return f"{note}; {flood}" if note else flood
