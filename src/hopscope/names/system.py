"""The system's own resolver (hosts file, mDNS, whatever nsswitch.conf names), for addresses that only it can know.

Its functions block and cannot be cancelled, so each look-up has a daemon thread of its own: a dead server there holds
up neither the loop's thread pool nor the program's end, and one that never comes back takes no other's place for long.
`gethostbyaddr` and not `getnameinfo`: before Python 3.11.4 the latter keeps the interpreter's lock (GIL) until the name
server's time-out, and the whole program stands still.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

import msgspec

from hopscope.names.scopes import parse
from hopscope.system import background

AT_ONCE: Final = 2
MOST_WAITING: Final = 256
PATIENCE_S: Final = 60.0
"""Three dead servers are asked twice within 30 s, there and back. What takes longer hangs."""
MOST_HANGING: Final = 8
"""Look-ups that are left behind. Beyond, the system is asked no more until one of them comes back."""

_TRY_AGAIN: Final = 2
"""netdb.h's TRY_AGAIN: no server answered, so nothing is known."""


class SystemAnswer(msgspec.Struct, frozen=True):
    """What the system knows of an address."""

    name: str | None
    leads_back: bool
    """The name's addresses hold the address."""
    is_answer: bool = True
    """False: nothing was heard (a dead name server, too many waiting); worth asking again later."""


_SILENCE: Final = SystemAnswer(None, False, is_answer=False)


class SystemResolver:
    """Names by `gethostbyaddr`, at most `AT_ONCE` at a time."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._hanging = 0

    async def ask(self, address: str) -> SystemAnswer:
        """What the system says."""
        if self._waiting >= MOST_WAITING:
            return _SILENCE
        self._waiting += 1
        try:
            async with self._turns:
                return await self._asked(address)
        finally:
            self._waiting -= 1

    async def _asked(self, address: str) -> SystemAnswer:
        if self._hanging >= MOST_HANGING:
            return _SILENCE
        try:
            answer = background.begin(lambda: _ask(address))
        except RuntimeError:  # this user may start no more threads
            return _SILENCE
        done, _ = await asyncio.wait([answer], timeout=self._patience_s)
        if done:
            return answer.result()
        self._hanging += 1
        answer.add_done_callback(self._came_back)
        return _SILENCE

    def _came_back(self, _answer: asyncio.Future[SystemAnswer]) -> None:
        self._hanging -= 1


def _ask(address: str) -> SystemAnswer:
    try:
        name = socket.gethostbyaddr(address)[0]
    except socket.herror as error:
        return SystemAnswer(None, False, is_answer=error.errno != _TRY_AGAIN)
    except (OSError, UnicodeError):
        return SystemAnswer(None, False)
    return SystemAnswer(name, _leads_back(name, address))


def _leads_back(name: str, address: str) -> bool:
    subject = parse(address)
    try:
        # As bytes: of text Python would make an IDNA name first, and so ask for another one.
        found = socket.getaddrinfo(name.encode(), None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return False
    return any(parse(str(info[4][0])) == subject for info in found)
