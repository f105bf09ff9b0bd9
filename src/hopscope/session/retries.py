"""When that which could not be done is tried again: first soon, then seldom. Pure: time is an argument, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

TARGET_PAUSES_S: Final = (0.5, 1.0, 2.0)
"""Between two tries to start a target or to resolve its name; the last one for ever after. A route that is back is
used within three seconds."""
WORKER_PAUSES_S: Final = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Between a worker's end and the next one's start."""


class Retries:
    """A series of tries that failed, until one does not."""

    def __init__(self, pauses_s: Sequence[float], lasts_s: float | None = None) -> None:
        """`lasts_s`: after so long a series is over; None: it never is."""
        self._pauses = pauses_s
        self._lasts = lasts_s
        self.failures = 0
        """In this series."""
        self.since: float | None = None
        """When the first try began, or failed; None: there is none."""

    def begun(self, now: float) -> None:
        """A try begins."""
        if self.since is None:
            self.since = now

    def failed(self, now: float) -> float | None:
        """A try failed. After how many seconds to try again; None: the series is over."""
        self.begun(now)
        assert self.since is not None
        pause = self._pauses[min(self.failures, len(self._pauses) - 1)]
        self.failures += 1
        if self._lasts is None:
            return pause
        left = self.since + self._lasts - now
        return min(pause, left) if left > 0 else None

    def succeeded(self) -> None:
        """A try did not fail: what fails next begins a new series."""
        self.failures = 0
        self.since = None
