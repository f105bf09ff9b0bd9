"""What the engine has to say and was not taken yet, and whether it may wait."""

from __future__ import annotations

from hopscope.wire.messages import Event
from hopscope.wire.times import TimeLine


class EventQueue:
    """Events, in order, and the time line that their moments are on."""

    __slots__ = ("events", "must_flush", "time_line")

    def __init__(self, time_line: TimeLine) -> None:
        self.time_line = time_line
        self.events: list[Event] = []
        """To be added to: an event that may wait."""
        self.must_flush = False
        """Some are not for waiting."""

    def emit_now(self, event: Event) -> None:
        """Add an event that is not for waiting."""
        self.events.append(event)
        self.must_flush = True

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        self.must_flush = False
        return events
