"""The system's own resolver (hosts file, mDNS, whatever nsswitch.conf names), for addresses that only it can know.

`getnameinfo` blocks and cannot be cancelled, so it runs in a few daemon threads of its own: a dead server there holds
up neither the loop's thread pool nor the program's end.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from typing import Final

THREADS: Final = 2
MOST_WAITING: Final = 256

_Job = tuple[str, "asyncio.Future[str | None]", asyncio.AbstractEventLoop]


class SystemResolver:
    """Names by `getnameinfo`, at most `THREADS` at a time."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[_Job | None] = queue.Queue(MOST_WAITING)
        self._threads: list[threading.Thread] = []

    async def ask(self, address: str) -> str | None:
        """The name, or None where there is none (or too many wait already)."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str | None] = loop.create_future()
        try:
            self._jobs.put_nowait((address, future, loop))
        except queue.Full:
            return None
        if len(self._threads) < THREADS:
            thread = threading.Thread(target=self._work, name="hopscope-names", daemon=True)
            self._threads.append(thread)
            thread.start()
        return await future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            address, future, loop = job
            name = _getnameinfo(address)
            try:
                loop.call_soon_threadsafe(_settle, future, name)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def close(self) -> None:
        """Let the threads end when they come back from the system; they are not waited for."""
        while True:
            try:
                self._jobs.get_nowait()
            except queue.Empty:
                break
        for _ in self._threads:
            self._jobs.put(None)


def _settle(future: asyncio.Future[str | None], name: str | None) -> None:
    if not future.done():
        future.set_result(name)


def _getnameinfo(address: str) -> str | None:
    try:
        infos = socket.getaddrinfo(address, None, flags=socket.AI_NUMERICHOST, type=socket.SOCK_DGRAM)
        return socket.getnameinfo(infos[0][4], socket.NI_NAMEREQD)[0]
    except (OSError, UnicodeError):
        return None
