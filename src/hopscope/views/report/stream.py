"""The formats that are written as it happens: an event in, its lines out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from hopscope.session.events import EndEvent, IncidentEvent, StartEvent, StreamEvent, VerdictEvent
from hopscope.views.privacy import HIDDEN, Veil
from hopscope.views.report.document import Style
from hopscope.views.report.mtr_raw import HostnameOf, MtrRaw, probe_numbers
from hopscope.views.report.mtr_split import MtrSplit


class Streamer(Protocol):
    """One stream of lines."""

    def event(self, event: StreamEvent) -> str:
        """What an event adds; perhaps nothing."""
        ...


class Ndjson:
    """``ndjson``: one JSON object a line, its kind under ``event``."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def event(self, event: StreamEvent) -> str:
        """One line."""
        return self._encoder.encode(event).decode() + "\n"


class EventLines:
    """``events``: a line of text for each change of the verdict, each incident's begin and its end, with the time."""

    def __init__(self) -> None:
        self._queries: dict[str, str] = {}

    def event(self, event: StreamEvent) -> str:
        """One line, or nothing."""
        if isinstance(event, StartEvent):
            self._queries[event.target] = event.query
            return ""
        who = self._queries.get(event.target, event.target)
        if isinstance(event, VerdictEvent):
            return f"{_second(event.at)} {who} {event.kind}: {event.text}\n"
        if isinstance(event, IncidentEvent):
            what = "ended" if event.end is not None else "began" if event.times == 1 else "began again"
            return f"{_second(event.at)} {who} {event.kind} {what}: {event.text}\n"
        return ""


def _second(moment: str) -> str:
    """``2026-11-25 14:02:11 UTC`` of an ISO 8601 moment in UTC."""
    return f"{moment[:19].replace('T', ' ')} UTC"


class InTurn:
    """A stream whose lines do not say whose they are: one target after the other, as mtr traces them. What the next
    ones do meanwhile waits."""

    def __init__(self, make: Callable[[], Streamer]) -> None:
        """`make` gives the stream of one target."""
        self._make = make
        self._stream = make()
        self._waiting: dict[str, deque[StreamEvent]] = {}
        """Events by target, in the order of the targets' beginnings."""
        self._ended: set[str] = set()

    def event(self, event: StreamEvent) -> str:
        """What the event adds now."""
        if event.target in self._ended:
            return ""
        self._waiting.setdefault(event.target, deque()).append(event)
        lines = []
        while self._waiting:
            target, events = next(iter(self._waiting.items()))
            while events and target not in self._ended:
                known = events.popleft()
                lines.append(self._stream.event(known))
                if isinstance(known, EndEvent):
                    self._ended.add(target)
            if target not in self._ended:
                break
            del self._waiting[target]
            self._stream = self._make()
        return "".join(lines)


class Private:
    """A stream without what is hidden."""

    def __init__(self, inner: Streamer, veil: Veil) -> None:
        self._inner = inner
        self._veil = veil

    def event(self, event: StreamEvent) -> str:
        """The inner stream's lines for the event as it may be shown."""
        return self._inner.event(self._veil.event(event))


def streamer(name: str, style: Style, hostname_of: HostnameOf, veil: Veil) -> Streamer:
    """The stream of a format in `formats.STREAMS`, without what `veil` hides."""

    def shown_name(address: str) -> str | None:
        return None if address == HIDDEN else hostname_of(address)

    stream: Streamer
    if name == "mtr-raw":
        numbers = probe_numbers()
        stream = InTurn(lambda: MtrRaw(style, shown_name, numbers))
    elif name == "mtr-split":
        stream = InTurn(lambda: MtrSplit(style, shown_name))
    elif name == "events":
        stream = EventLines()
    else:
        stream = Ndjson()
    return Private(stream, veil) if veil.hops else stream
