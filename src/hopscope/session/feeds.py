"""Events to any number of consumers, each at its own pace, none at the cost of unbounded memory."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Final

from hopscope.session.errors import TooSlow
from hopscope.session.events import SentEvent, StreamEvent

DEEPEST: Final = 100_000
"""So many events a consumer may be behind."""


class Feeds:
    """All consumers of a session. One that nobody holds any more (its ``async for`` was left) is forgotten."""

    def __init__(self) -> None:
        self._feeds: weakref.WeakSet[Feed] = weakref.WeakSet()
        self._closed = False

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._feeds)

    @property
    def wants_departures(self) -> bool:
        """Whether anybody listens for each probe that leaves."""
        return any(feed.departures for feed in self._feeds)

    def subscribe(self, first: Iterable[StreamEvent] = (), *, departures: bool = False) -> Feed:
        """A new consumer, who gets `first` and then all events from now on; `departures`: each `SentEvent` too."""
        feed = Feed(first, departures=departures)
        if self._closed:
            feed.close()
        else:
            self._feeds.add(feed)
        return feed

    def put(self, event: StreamEvent) -> None:
        """Give an event to everybody who wants it."""
        for feed in list(self._feeds):
            if isinstance(event, SentEvent) and not feed.departures:
                continue
            if not feed.put(event):
                self._feeds.discard(feed)

    def close(self) -> None:
        """No more events will come; who waits is told."""
        self._closed = True
        for feed in list(self._feeds):
            feed.close()
        self._feeds.clear()


class Feed(AsyncIterator[StreamEvent]):
    """One consumer's events."""

    def __init__(self, first: Iterable[StreamEvent] = (), *, departures: bool = False) -> None:
        self.departures = departures
        self._events: deque[StreamEvent] = deque(first)
        self._ready = asyncio.Event()
        self._over = False
        self._lost = False

    def put(self, event: StreamEvent) -> bool:
        """Whether it wants more."""
        if self._over:
            return False
        if len(self._events) >= DEEPEST:
            self._lost = True
            self.close()
            return False
        self._events.append(event)
        self._ready.set()
        return True

    def close(self) -> None:
        """Get no more; what is there already is still given."""
        self._over = True
        self._ready.set()

    async def __anext__(self) -> StreamEvent:
        while not self._events:
            if self._lost:
                raise TooSlow(f"more than {DEEPEST} events behind")
            if self._over:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._events.popleft()


__all__ = ["DEEPEST", "Feed", "Feeds", "TooSlow"]
