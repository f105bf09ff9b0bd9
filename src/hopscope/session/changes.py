"""That something changed, for whoever waits for it."""

from __future__ import annotations

import asyncio


class Changes:
    """For the loop of those who wait."""

    def __init__(self) -> None:
        self.count = 0
        """Grows with each."""
        self._waiting: set[asyncio.Future[None]] = set()

    def bump(self) -> None:
        """Something changed."""
        self.count += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def next(self, timeout_s: float | None) -> None:
        """Wait for the next one, so long at the most; None: for ever."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            self._waiting.discard(future)
