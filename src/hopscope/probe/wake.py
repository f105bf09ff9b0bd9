"""When the worker wakes up next, and whether it tells its events then: a policy, with time as an argument.

A wake-up that does nothing costs more than all else that is done for a probe. So, where the driver allows a delay
(`wire.messages.Batching`) and no target is latency-critical, replies that carry the kernel's time stay in their sockets
until something else is due, and events are told together. Never deferred: events that are no probe's, a target's first
round, and everything after its last probe.
"""

from __future__ import annotations

from typing import Final

MAX_BATCH_EVENTS: Final = 512
"""Flush at once when this many events are queued."""
EARLY_FLUSH: Final = 4, 5
"""Flush from this share of the delay on if we are awake anyway; a flush then rarely needs its own wake-up."""


class WakePolicy:
    """The worker's; times are monotonic ns."""

    __slots__ = ("_flushed_at", "_max_delay_ns")

    def __init__(self) -> None:
        self._max_delay_ns = 0
        self._flushed_at = 0

    def allow_delay(self, max_delay_ns: int) -> None:
        """Events may be told this late; 0: none may."""
        self._max_delay_ns = max_delay_ns

    def may_defer(self, *, is_latency_critical: bool) -> bool:
        """Whether anything may wait at all."""
        return self._max_delay_ns > 0 and not is_latency_critical

    def next_wake(self, due: int, *, may_defer: bool, has_waiting: bool) -> int:
        """When to wake up at the latest: `due` is when the engine has something to do; `has_waiting`: events are
        queued, or replies may lie in a socket."""
        return min(due, self._flushed_at + self._max_delay_ns) if may_defer and has_waiting else due

    def flushes(self, now: int, queued: int, *, may_defer: bool, must_flush: bool) -> bool:
        """Whether to tell the queued events now, being awake."""
        if may_defer and not must_flush and queued < MAX_BATCH_EVENTS:
            share, of = EARLY_FLUSH
            if now < self._flushed_at + self._max_delay_ns * share // of:
                return False
        self._flushed_at = now
        return True
