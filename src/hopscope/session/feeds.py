"""Events to any number of consumers, each at its own pace, none at the cost of unbounded memory.

One that falls too far behind misses events, and is told so: where they would be stands a `GapEvent` for each target
that says which. Heads and ends are never missed.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Final

from hopscope.session.events import EndEvent, GapEvent, ProbeEvent, SentEvent, StartEvent, StreamEvent, moment_of

DEEPEST: Final = 100_000
"""A consumer that is so many events behind misses what comes next."""
CAUGHT_UP: Final = DEEPEST // 2
"""One that missed something is given events again when it is so few behind."""


class Feeds:
    """All consumers of a session. One that nobody holds any more (its ``async for`` was left) is forgotten."""

    def __init__(self) -> None:
        self._feeds: set[weakref.ref[Feed]] = set()
        self._closed = False

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._feeds)

    @property
    def wants_departures(self) -> bool:
        """Whether anybody listens for each probe that leaves."""
        return any(feed.departures for feed in self._living())

    def subscribe(self, first: Iterable[StreamEvent] = (), *, departures: bool = False) -> Feed:
        """A new consumer, who gets `first` and then all events from now on; `departures`: each `SentEvent` too."""
        feed = Feed(first, departures=departures)
        if self._closed:
            feed.close()
        else:
            self._feeds.add(weakref.ref(feed, self._feeds.discard))
        return feed

    def put(self, event: StreamEvent | None) -> None:
        """Give an event (None: there is none) to everybody who wants it."""
        if event is None:
            return
        for feed in self._living():
            if feed.departures or not isinstance(event, SentEvent):
                feed.put(event)

    def close(self) -> None:
        """No more events will come; who waits is told."""
        self._closed = True
        for feed in self._living():
            feed.close()
        self._feeds.clear()

    def _living(self) -> list[Feed]:
        return [feed for ref in list(self._feeds) if (feed := ref()) is not None]


class Feed(AsyncIterator[StreamEvent]):
    """One consumer's events."""

    def __init__(self, first: Iterable[StreamEvent] = (), *, departures: bool = False) -> None:
        self.departures = departures
        self._events: deque[StreamEvent] = deque(first)
        self._ready = asyncio.Event()
        self._is_over = False
        self._is_full = False
        self._gaps: dict[str, _Gap] = {}
        """What each target's events were that are missed, while it is full."""

    def put(self, event: StreamEvent) -> None:
        """One more event; while the consumer is too far behind, one that is missed."""
        if self._is_over:
            return
        self._is_full = self._is_full or len(self._events) >= DEEPEST
        if not self._is_full:
            self._events.append(event)
        elif isinstance(event, (StartEvent, EndEvent)):
            self._tell_gap(event.target)
            self._events.append(event)
        else:
            gap = self._gaps.get(event.target)
            if gap is None:
                gap = self._gaps[event.target] = _Gap()
            gap.add(event)
        self._ready.set()

    def close(self) -> None:
        """Get no more; what is there already is still given."""
        if not self._is_over:
            self._tell_gaps()
            self._is_over = True
            self._ready.set()

    async def __anext__(self) -> StreamEvent:
        while not self._events:
            if self._is_over:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        event = self._events.popleft()
        if self._is_full and len(self._events) <= CAUGHT_UP:
            self._is_full = False
            self._tell_gaps()
        return event

    def _tell_gaps(self) -> None:
        for target in list(self._gaps):
            self._tell_gap(target)

    def _tell_gap(self, target: str) -> None:
        gap = self._gaps.pop(target, None)
        if gap is not None:
            self._events.append(gap.event(target))


class _Gap:
    """Events of one target that a consumer misses."""

    __slots__ = ("events", "first", "last", "rounds")

    def __init__(self) -> None:
        self.events = 0
        self.first = self.last = ""
        self.rounds: tuple[int, int] | None = None

    def add(self, event: StreamEvent) -> None:
        """One more."""
        self.events += 1
        # Events come as they are known: a probe that is given up left before one that was answered meanwhile.
        moment = moment_of(event)
        self.first = min(self.first or moment, moment)
        self.last = max(self.last, moment)
        if isinstance(event, (ProbeEvent, SentEvent)):
            low, high = self.rounds or (event.round, event.round)
            self.rounds = min(low, event.round), max(high, event.round)

    def event(self, target: str) -> GapEvent:
        """What the consumer gets in their place."""
        first_round, last_round = self.rounds or (None, None)
        return GapEvent(
            target=target,
            at=self.first,
            until=self.last,
            events=self.events,
            first_round=first_round,
            last_round=last_round,
        )
