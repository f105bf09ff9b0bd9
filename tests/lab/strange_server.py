"""Whoever answers in a server's place, on loopback."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class StrangeServer(ABC):
    """Talks with each connection as a test wants. A context manager."""

    def __init__(self, port: int = 0) -> None:
        """`port`: 0 is a free one, which is known once it listens."""
        self.port = port
        self.visits = 0
        """Connections so far."""
        self._talking: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """With one connection, until it is over; `OSError` is its end, too."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._began, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)

    def _began(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._talk(reader, writer))
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            await self.talk(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()
