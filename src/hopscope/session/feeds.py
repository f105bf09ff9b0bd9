"""Events to any number of consumers, each at its own pace, none at the cost of unbounded memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from hopscope.session.events import SessionEvent

DEEPEST: Final = 100_000
"""So many events a consumer may be behind."""


class TooSlow(Exception):
    """A consumer fell too far behind: events after this point were lost to it."""


class Feeds:
    """All consumers of a session."""

    def __init__(self) -> None:
        self._feeds: list[Feed] = []
        self._closed = False

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._feeds)

    def subscribe(self) -> Feed:
        """A new consumer, who gets all events from now on."""
        feed = Feed(self._feeds)
        if self._closed:
            feed.close()
        return feed

    def put(self, event: SessionEvent) -> None:
        """Give an event to everybody."""
        for feed in self._feeds:
            feed.put(event)

    def close(self) -> None:
        """No more events will come; who waits is told."""
        self._closed = True
        for feed in list(self._feeds):
            feed.close()


class Feed(AsyncIterator[SessionEvent]):
    """One consumer's events."""

    def __init__(self, feeds: list[Feed]) -> None:
        self._feeds = feeds
        self._events: deque[SessionEvent] = deque()
        self._ready = asyncio.Event()
        self._over = False
        self._lost = False
        feeds.append(self)

    def put(self, event: SessionEvent) -> None:
        if len(self._events) >= DEEPEST:
            self._lost = True
            self.close()
            return
        self._events.append(event)
        self._ready.set()

    def close(self) -> None:
        """Get no more."""
        self._over = True
        self._ready.set()
        if self in self._feeds:
            self._feeds.remove(self)

    async def __anext__(self) -> SessionEvent:
        while not self._events:
            if self._lost:
                raise TooSlow(f"more than {DEEPEST} events behind")
            if self._over:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._events.popleft()
