"""Signals that end a report: each wakes whoever waits, and its number makes the exit status."""

from __future__ import annotations

import asyncio
import signal
from types import TracebackType
from typing import Final, Self

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Set by a signal or by hand. A context manager for the running loop."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        for number in ENDING:
            # Who started us under nohup wants SIGHUP ignored, and it stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._loop.add_signal_handler(number, self._caught, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in ENDING:
            self._loop.remove_signal_handler(number)

    @property
    def is_set(self) -> bool:
        """Whether it is time to end."""
        return self._event.is_set()

    def set(self) -> None:
        """End without a signal."""
        self._event.set()

    async def wait(self) -> None:
        """Until it is time to end."""
        await self._event.wait()

    def _caught(self, number: int) -> None:
        if self.signal is None:
            self.signal = number
        self._event.set()
