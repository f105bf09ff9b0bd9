"""The system's own resolver (hosts file, mDNS, whatever nsswitch.conf names), for addresses that only it can know.

Its functions block and cannot be cancelled, so they run in a few daemon threads of their own: a dead server there holds
up neither the loop's thread pool nor the program's end. `gethostbyaddr` and not `getnameinfo`: before Python 3.11.4 the
latter keeps the interpreter's lock (GIL) until the name server's time-out, and the whole program stands still.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from typing import Final

import msgspec

from hopscope.names.scopes import parse
from hopscope.system import threads

THREADS: Final = 2
MOST_WAITING: Final = 256

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
_Job = tuple[str, "asyncio.Future[SystemAnswer]", asyncio.AbstractEventLoop]


class SystemResolver:
    """Names by `gethostbyaddr`, at most `THREADS` at a time."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[_Job | None] = queue.Queue(MOST_WAITING)
        self._threads: list[threading.Thread] = []

    async def ask(self, address: str) -> SystemAnswer:
        """What the system says."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[SystemAnswer] = loop.create_future()
        try:
            self._jobs.put_nowait((address, future, loop))
        except queue.Full:
            return _SILENCE
        if len(self._threads) < THREADS:
            try:
                thread = threads.start(self._work, "hopscope-names")
            except RuntimeError:  # this user may start no more threads
                if not self._threads:
                    return _SILENCE
            else:
                self._threads.append(thread)
        return await future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            address, future, loop = job
            answer = _SILENCE if future.cancelled() else _ask(address)
            try:
                loop.call_soon_threadsafe(_settle, future, answer)
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


def _settle(future: asyncio.Future[SystemAnswer], answer: SystemAnswer) -> None:
    if not future.done():
        future.set_result(answer)


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
