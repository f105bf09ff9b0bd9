"""Further answers to one probe: told one by one at first, then counted, and the count told once a second.

Each costs its sender one packet and would cost everybody from here to the screen an event. A broken network sends a
few, somebody who means harm thousands a second.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hopscope.probe.channel import Probe
from hopscope.wire.messages import Duplicate

MAX_TOLD: Final = 16
"""Duplicates of one probe that are told one by one."""
TELL_EVERY_NS: Final = 1_000_000_000


class Crowd:
    """Duplicates that are not told one by one. Time is an argument (monotonic ns)."""

    __slots__ = ("_told_at", "counted")

    def __init__(self) -> None:
        self.counted: dict[tuple[int, int, int, int], Duplicate] = {}
        """Those that were counted and not yet told, by probe."""
        self._told_at = 0

    def takes(self, probe: Probe, event: Duplicate) -> bool:
        """Count a duplicate of `probe`; False: it is among the first, and to be told by itself."""
        probe.duplicates += 1
        if probe.duplicates <= MAX_TOLD:
            return False
        key = (event.target, event.flow, event.round, event.ttl)
        known = self.counted.get(key)
        self.counted[key] = event if known is None else msgspec.structs.replace(known, count=known.count + 1)
        return True

    def due(self, now: int) -> list[Duplicate]:
        """What is to be told now: an event for each probe, at most once a second."""
        if not self.counted or now - self._told_at < TELL_EVERY_NS:
            return []
        self._told_at = now
        counted, self.counted = self.counted, {}
        return list(counted.values())

    def of(self, target: int) -> list[Duplicate]:
        """All that is left of a target that ends."""
        return [self.counted.pop(key) for key in [key for key in self.counted if key[0] == target]]
