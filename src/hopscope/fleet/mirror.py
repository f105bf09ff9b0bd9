"""What a hub has, for a screen elsewhere: a store of its own for as long as it is looked at, filled by the hub up to
now and by the broker from then on."""

from __future__ import annotations

import asyncio
import os
import threading
from time import time_ns
from types import TracebackType
from typing import Final, Self

from hopscope.fleet.broker import NatsConsumer
from hopscope.fleet.connection import BrokerAddress
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.messages import MOST_BYTES, BadMessage, read_shown
from hopscope.fleet.transport import NotConnected, Received
from hopscope.history.schema import StoreError
from hopscope.system import background, threads

MOST_STORE: Final = 4 << 30
"""Bytes; the oldest goes beyond that."""
_AT_ONCE: Final = 256
_WAIT_S: Final = 0.25
_MOST_WAITING: Final = 4_096
"""Messages of one commit of what the hub shows."""
PATIENCE_S: Final = 30.0
"""Until what the hub has is here."""


class Mirror:
    """Fills a store from a thread of its own. A context manager."""

    def __init__(self, path: str, address: BrokerAddress) -> None:
        """`StoreError`, `OSError`."""
        self.path = path
        self._address = address
        self._why_not: str | None = None
        self._is_there = threading.Event()
        self._is_over = threading.Event()
        self._store = HubStore(path, limit=MOST_STORE)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Once what the hub has is here. `NotConnected`."""
        self._thread = threads.start(lambda: background.run(self._run()), "hopscope-mirror")
        if not self._is_there.wait(PATIENCE_S) or self._why_not is not None:
            self.close()
            raise NotConnected(self._why_not or "the hub does not answer")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Idempotent."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)

    async def _run(self) -> None:
        consumer = NatsConsumer(self._address, os.urandom(8).hex(), self._say, durable=False, who="view")
        try:
            await consumer.open()
            await self._fill(consumer)
            self._is_there.set()
            while not self._is_over.is_set():
                await self._go_on(consumer)
        except (NotConnected, StoreError, BadMessage) as why:
            self._why_not = str(why)
        finally:
            self._is_there.set()
            await consumer.close()
            self._store.close()

    async def _go_on(self, consumer: NatsConsumer) -> None:
        """Until the connection is lost, or the disk full: then there is more in a moment."""
        try:
            self._store.stream = await consumer.begin(self._store.stream, self._store.position)
            while not self._is_over.is_set():
                received = await consumer.fetch(_AT_ONCE, _WAIT_S)
                if received:
                    self._store.commit(received, time_ns())
                    await consumer.done()
        except (NotConnected, StoreError):
            await asyncio.sleep(0.5)

    async def _fill(self, consumer: NatsConsumer) -> None:
        waiting: list[Received] = []
        size = 0
        async for site, data in consumer.look(os.urandom(8).hex()):
            if not site:
                shown = read_shown(data)
                self._store.commit(waiting, time_ns())
                self._store.stream, self._store.position = shown.stream, shown.position
                return
            waiting.append(Received(site, data, 0, time_ns()))
            size += len(data)
            if self._is_over.is_set():
                raise NotConnected("the hub shows more than can be taken in")
            if size > 16 * MOST_BYTES or len(waiting) >= _MOST_WAITING:
                self._store.commit(waiting, time_ns())
                waiting, size = [], 0

    @staticmethod
    def _say(words: str) -> None:
        """The screen says by itself of whom nothing is heard."""
