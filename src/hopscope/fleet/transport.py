"""What carries messages between agents and hub: a broker that keeps them for a while. One implementation: `broker`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple, Protocol, TypeAlias


class NotSent(Exception):
    """The broker did not take it: why, in a few words. It may be tried again."""


class NotConnected(Exception):
    """The broker cannot be used: why, in a few words, without secrets. `passes`: that may be over in a moment."""

    def __init__(self, words: str, *, passes: bool = True) -> None:
        super().__init__(words)
        self.passes = passes


class Received(NamedTuple):
    """A message as the broker hands it out."""

    site: str
    """From its subject."""
    data: bytes
    position: int
    """In the stream; each has a higher one than that before it."""
    at: int
    """When the broker took it, on its clock (epoch ns)."""


class Publisher(Protocol):
    """An agent's side."""

    @property
    def is_connected(self) -> bool:
        """Whether anything can be sent right now."""
        ...

    async def open(self) -> None:
        """Connect; from then on the connection comes back by itself. `NotConnected`: this may be called again."""

    async def publish(self, kind: str, id_: str, data: bytes) -> None:
        """Returns once the broker has it; `id_` is the same where it is the same. `NotSent`."""

    async def ask(self, data: bytes) -> None:
        """Ask the hub, which answers in its own time, or not at all."""

    async def close(self) -> None:
        """Idempotent."""


class Consumer(Protocol):
    """A hub's side."""

    async def open(self, asked: Asked | None = None, looked: Looked | None = None) -> None:
        """Connect; from then on the connection comes back by itself. `asked` is told what agents ask, `looked` who
        wants to see all that is there. `NotConnected`: this may be called again."""

    async def begin(self, stream: str, position: int) -> str:
        """Hand out what stands behind this position of this stream, or where that is another by now, all there is; the
        stream's name for itself. `NotConnected`."""
        ...

    async def fetch(self, most: int, wait_s: float) -> list[Received]:
        """The next `most` at the most, in order, or what has come within `wait_s` seconds; it may be nothing.
        `NotConnected`: `begin` again."""
        ...

    async def done(self) -> None:
        """All that was fetched is on the disk."""

    async def show(self, token: str, site: str, data: bytes) -> None:
        """To whoever looks: something of a site, or with none the end. `NotConnected`."""

    def look(self, token: str) -> AsyncIterator[tuple[str, bytes]]:
        """What a hub shows: site and body; it ends with a body of no site. `NotConnected` where none answers."""
        ...

    async def say(self, site: str, data: bytes) -> None:
        """To a site's agent, where it listens."""

    async def close(self) -> None:
        """Idempotent."""


Asked: TypeAlias = Callable[[str, bytes], Awaitable[None]]
"""Is told which site asks, and what."""
Looked: TypeAlias = Callable[[str], Awaitable[None]]
"""Is told who looks, by a token drawn by lot."""
Heard: TypeAlias = Callable[[bytes], None]
"""Is told what the hub says."""
State: TypeAlias = Callable[[str], None]
"""Is told each change of the connection, in a line."""


async def end_all(*tasks: asyncio.Future[None]) -> None:
    """Cancel these, until they have ended: a call of the client's may swallow it (`asyncio.wait_for` of Python 3.11
    does, where what it waits for fails at the same moment). What they raised is whoever's who asks for it."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.2)
    for task in tasks:
        if not task.cancelled():
            task.exception()
