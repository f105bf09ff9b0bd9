"""Which of a flow's probes failed on this machine, although it took them: what it says of itself is asked only once
nothing is heard, and holds for what was sent until something is."""

from __future__ import annotations

from hopscope.probe.channel import Flow
from hopscope.probe.pacer import NEVER


class OwnFault:
    """Of one flow. All times are monotonic nanoseconds."""

    __slots__ = ("_asked_at", "_flow", "_found", "_from", "_until", "lasts")

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._found: tuple[str, str] | None = None
        """What was wrong the last time that something was (`Flow.own_fault`)."""
        self._from = self._until = -NEVER
        """It befell what was sent between."""
        self._asked_at = -NEVER
        self.lasts = False
        """Whether it was so the last time that was asked, and nothing that was sent since is answered."""

    def of(self, sent: int, heard: int, now: int) -> tuple[str, str] | None:
        """What befell a probe here of which nothing was heard; `heard`: when the flow's last answer came."""
        if heard < sent and sent >= self._asked_at:
            self._ask(heard, now)
        return self._found if self._from < sent < self._until else None

    def answered(self, sent: int, received: int) -> None:
        """A probe is answered: it is over, if it was sent since that was asked."""
        if sent >= self._asked_at:
            self.lasts, self._until = False, received

    def _ask(self, heard: int, now: int) -> None:
        found = self._flow.own_fault()
        if found is not None and not self.lasts:
            self._from = heard
        if found is not None or self.lasts:  # where it has just ended: all until now may have been befallen
            self._until = now
        self._found = found or self._found
        self._asked_at, self.lasts = now, found is not None
