"""`MetricsServer`: what Prometheus scrapes, by HTTP (RFC 9112), as small as that needs.

It answers ``GET`` and ``HEAD`` of ``/metrics`` in the loop that it is entered in, one request a connection. Whoever
connects is a stranger: requests and connections are bounded in size, number and time, and what makes answers in work.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Final, Self

from hopscope.metrics.exposition import CLASSIC_TYPE, CONTENT_TYPE, Exposition
from hopscope.metrics.requests import MOST_HEAD, HTTPError, head_of, read, refusal, response
from hopscope.names.scopes import scope
from hopscope.session.tally import SessionTally

HEAD_S: Final = 5.0
"""Seconds for a request's head to come."""
SEND_S: Final = 10.0
"""Seconds for an answer to be taken."""
MOST_CONNECTIONS: Final = 16
"""At once; when one more comes, that which has waited longest for its request is closed."""
FRESH_S: Final = 0.1
"""A scrape may be given what another one was given so many seconds ago."""
BUSY_SHARE: Final = 0.1
"""Of the loop's time that may be spent on making answers, however many scrapes there are: each format has the same part
of it. A connection that is given the last answer costs 0.1 ms beside that."""
_FORMATS: Final = 2
_TURN_S: Final = 0.005
"""Work so long on an answer, then let others have their turn."""
_NO_ROOM_S: Final = 0.5
"""After a connection that could not be accepted: no descriptor is free."""
_LINGER_S: Final = 0.5
_MOST_UNREAD: Final = 65_536


class MetricsServer:
    """Answers scrapes while it is entered. Not for several loops."""

    def __init__(self, listening: socket.socket, tally: Callable[[], SessionTally], exposition: Exposition) -> None:
        """`listening` is bound and listens; it is closed with the server. `tally`: what to tell, at each scrape."""
        self._socket = listening
        self._is_private = scope(listening.getsockname()[0]) == "loopback"
        """On loopback: whoever asks by another name was led here (DNS rebinding)."""
        self._tally = tally
        self._exposition = exposition
        self._accepting: asyncio.Task[None] | None = None
        self._waiting: dict[asyncio.Task[None], None] = {}
        """Connections whose request has not come, the oldest first."""
        self._talking: set[asyncio.Task[None]] = set()
        self._making = asyncio.Lock()
        self._made: dict[bool, tuple[float, bytes]] = {}
        """By format, until when it is fresh, and the text."""

    async def __aenter__(self) -> Self:
        self._socket.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._talking, *([self._accepting] if self._accepting is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()

    def forget(self) -> None:
        """The next scrape is made anew, however short a time ago the last one was."""
        self._made.clear()

    # --- connections --------------------------------------------------------------------------------------------

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._socket)
            except OSError:
                await asyncio.sleep(_NO_ROOM_S)
                continue
            if len(self._talking) >= MOST_CONNECTIONS and not self._make_room():
                connection.close()
                continue
            connection.setblocking(False)
            task = loop.create_task(self._talk(connection))
            self._talking.add(task)
            self._waiting[task] = None
            task.add_done_callback(self._over)

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for its request. False: all of them are being answered."""
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            return False
        self._over(oldest)
        return oldest.cancel()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._talking.discard(task)
        self._waiting.pop(task, None)

    async def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, TimeoutError):
            answer = await self._answer(connection)
            async with asyncio.timeout(SEND_S):
                await asyncio.get_running_loop().sock_sendall(connection, answer)
            await _lingered(connection)

    # --- requests -----------------------------------------------------------------------------------------------

    async def _answer(self, connection: socket.socket) -> bytes:
        """What a connection is told; `OSError` where nobody is there any more."""
        try:
            async with asyncio.timeout(HEAD_S):
                head = await _head(connection)
            method, accepted = read(head, is_private=self._is_private)
        except HTTPError as refused:
            return refusal(refused.status, is_head=refused.is_head)
        except TimeoutError:
            return refusal(408)
        finally:
            task = asyncio.current_task()
            if task is not None:
                self._waiting.pop(task, None)
        is_classic = b"text/plain" in accepted and b"openmetrics-text" not in accepted
        body = await self._body(is_classic)
        return response(200, body, CLASSIC_TYPE if is_classic else CONTENT_TYPE, is_head=method == b"HEAD")

    async def _body(self, is_classic: bool) -> bytes:
        async with self._making:
            until, text = self._made.get(is_classic, (0.0, b""))
            if monotonic() < until:
                return text
            parts = []
            worked, began = 0.0, monotonic()
            for part in self._exposition.parts(self._tally(), classic=is_classic):
                parts.append(part)
                spent = monotonic() - began
                if spent > _TURN_S:
                    worked += spent
                    await asyncio.sleep(0)
                    began = monotonic()
            text = "".join(parts).encode()
            worked += monotonic() - began
            self._made[is_classic] = monotonic() + max(FRESH_S, _FORMATS * worked / BUSY_SHARE), text
            return text


async def _head(connection: socket.socket) -> bytes:
    """A request's head. `HTTPError` where it is too long, `OSError` where it ends before."""
    loop = asyncio.get_running_loop()
    data = b""
    while True:
        received = await loop.sock_recv(connection, MOST_HEAD)
        if not received:
            raise ConnectionResetError
        data += received
        head = head_of(data)
        if head is not None:
            return head


async def _lingered(connection: socket.socket) -> None:
    """Close in a way that lets the other side read all: what it has sent too much is read first, within bounds."""
    connection.shutdown(socket.SHUT_WR)
    loop = asyncio.get_running_loop()
    unread = 0
    async with asyncio.timeout(_LINGER_S):
        while unread < _MOST_UNREAD and (received := await loop.sock_recv(connection, 4096)):
            unread += len(received)
