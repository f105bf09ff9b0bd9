"""Signals that end a report: each wakes whoever waits, and its number makes the exit status."""

from __future__ import annotations

import asyncio
import signal
from types import TracebackType
from typing import Final, Self

from hopscope.system.signals import Signals

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STUCK_S: Final = 5.0
"""A report is blocked by whoever does not read its output for this long before a signal ends it without its last
words. Long, because a report has nothing to give back, and what was measured is worth the wait."""


class StopSignal:
    """Set by a signal or by hand. A context manager for the running loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._signals = Signals(
            dict.fromkeys(ENDING, lambda _number: self._event.set()), ending=ENDING, stuck_s=STUCK_S
        )

    def __enter__(self) -> Self:
        self._signals.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signals.__exit__(kind, problem, trace)

    @property
    def signal(self) -> int | None:
        """The first signal that came."""
        return self._signals.end

    @property
    def is_set(self) -> bool:
        """Whether it is time to end."""
        return self._event.is_set() or self.signal is not None

    def set(self) -> None:
        """End without a signal."""
        self._event.set()

    async def wait(self) -> None:
        """Until it is time to end."""
        await self._event.wait()
