"""Questions to name servers: aiodns, with a window of questions in flight that a dead server cannot fill.

Sixteen questions may wait for a server that has not answered yet. Each answer (a "no" is one too) lets two more in, up
to `WIDEST`; a time-out closes the window again. So a server that answers after 100 ms names a thousand addresses in
well under a second, and one that is silent never holds more than sixteen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

# aiodns warns where a machine has no inotify watch left and goes on without; standard error is for our own lines alone.
logging.getLogger("aiodns").addHandler(logging.NullHandler())

NARROWEST: Final = 16
WIDEST: Final = 512
TIMEOUT_S: Final = 2.0
TRIES: Final = 2

MAX_TEXTS: Final = 16

# c-ares' codes for "there is no such name" and "it has no such record" (ares.h): an answer, not a fault.
_NO_DATA: Final = 1
_NOT_FOUND: Final = 4

QuestionType = Literal["PTR", "TXT", "A", "AAAA"]


class DnsAnswer(msgspec.Struct, frozen=True):
    """`records`: the data of the records of the type asked for; empty where the name server said there are none."""

    records: tuple[str | bytes, ...]
    ttl: float


class NoDnsAnswer(Exception):
    """Nothing usable came: silence, a refusal, a broken packet. Worth asking again later."""


class Asker:
    """One resolver on the running loop. Not for use after `close`."""

    def __init__(self, servers: Sequence[str] = (), *, timeout: float = TIMEOUT_S, tries: int = TRIES) -> None:
        """`servers`: numeric addresses, with ``:port`` where it is not 53; none: the system's."""
        import aiodns  # with the first question: a first frame is drawn before that

        self._error = aiodns.error.DNSError
        self._resolver = aiodns.DNSResolver(list(servers) or None, timeout=timeout, tries=tries)
        self._window = float(NARROWEST)
        self._in_flight = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Questions that wait for an answer."""
        return self._in_flight

    async def ask(self, name: str, kind: QuestionType) -> DnsAnswer:
        """The answer of the name servers. `NoDnsAnswer` where there is none."""
        await self._enter()
        try:
            answer = await self._ask(name, kind)
        except NoDnsAnswer:
            self._window = NARROWEST
            raise
        else:
            self._window = min(WIDEST, self._window + 2)
            return answer
        finally:
            self._in_flight -= 1
            self._let_in()

    async def _ask(self, name: str, kind: QuestionType) -> DnsAnswer:
        try:
            result = await self._resolver.query_dns(name, kind)
        except self._error as error:
            if error.args and error.args[0] in (_NO_DATA, _NOT_FOUND):
                return DnsAnswer((), 0.0)
            raise NoDnsAnswer(str(error.args[-1] if error.args else error)) from error
        except (ValueError, UnicodeError) as error:
            raise NoDnsAnswer(str(error)) from error
        records: list[str | bytes] = []
        ttl = float("inf")
        for record in result.answer:
            value = getattr(record.data, _FIELD[kind], None)
            if value is not None and len(records) < MAX_TEXTS:
                records.append(value)
                ttl = min(ttl, record.ttl)
        return DnsAnswer(tuple(records), ttl if records else 0.0)

    async def _enter(self) -> None:
        while self._in_flight >= int(self._window):
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(place)
                self._let_in()
                raise
        self._in_flight += 1

    def _let_in(self) -> None:
        room = int(self._window) - self._in_flight
        while room > 0 and self._waiting:
            place = self._waiting.pop(0)
            if not place.done():
                place.set_result(None)
                room -= 1

    async def close(self) -> None:
        """Cancel what is asked; no socket stays open."""
        if not self._closed:
            self._closed = True
            await self._resolver.close()


_FIELD: Final = {"PTR": "dname", "TXT": "data", "A": "addr", "AAAA": "addr"}
