"""`Names`: all that is known of addresses, gathered in the background.

`look_up` returns at once what is known now, and begins what is missing. What each address goes through: local databases
(at once), its name (the system's resolver for local addresses, name servers for the rest), whether the name resolves
back, and, where that was asked for, its owner. Nothing here can delay a probe, a frame or a report: every failure is a
missing name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final

import msgspec

from hopscope.names.cache import NEGATIVE, RETRY_FIRST, RETRY_LONGEST, Cache, lifetime
from hopscope.names.clean import clean
from hopscope.names.databases import Databases
from hopscope.names.dns import Answer, Asker, NoAnswer, QuestionType
from hopscope.names.facts import Asn, NameFacts
from hopscope.names.owners import Zones, name_question, origin_question, read_name, read_origins
from hopscope.names.scopes import asks_the_system, may_leave, parse, scope
from hopscope.names.system import SystemResolver

_NOTHING: Final = NameFacts()


class NamesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked, and of whom."""

    dns: bool = True
    """Reverse look-ups at all (``-n`` turns them off)."""
    verify: bool = True
    """Look the name up again, and mark it where it does not lead back to the address."""
    servers: tuple[str, ...] = ()
    """Name servers (numeric, with ``:port``); none: the system's. Some: they are asked about local addresses too."""
    ask_owners: bool = False
    """Ask a third party by DNS for the owner of public addresses."""
    zones: Zones = Zones()
    databases: tuple[str, ...] = ()


class Names:
    """A `Namer` (see `hopscope.names.facts`) over DNS, the system's resolver and local databases."""

    def __init__(self, config: NamesConfig | None = None, *, now: Callable[[], float] = monotonic) -> None:
        """`DatabaseError` where a configured database cannot be used. Opens no socket yet."""
        self.version = 0
        self._config = config or NamesConfig()
        self._now = now
        self._databases = Databases([Path(path) for path in self._config.databases])
        self._facts: Cache[NameFacts] = Cache()
        self._as_names: Cache[str | None] = Cache(4096)
        self._failures: Cache[int] = Cache(4096)
        self._owner_asked: Cache[None] = Cache()
        self._asker: Asker | None = None
        self._system = SystemResolver()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._owners = self._config.ask_owners
        self._closed = False

    @property
    def owners(self) -> bool:
        """Whether owners are asked for by DNS; can be set at any time, and holds from the next look-up on."""
        return self._owners

    @owners.setter
    def owners(self, on: bool) -> None:
        if on != self._owners:
            self._owners = on
            self.version += 1  # so that who draws names looks them up anew

    def look_up(self, address: str) -> NameFacts:
        """What is known now; begins or renews the look-up of what is not. Without a running loop it only tells."""
        entry = self._facts.get(address)
        if entry is not None and entry.until > self._now() and not self._lacks_owner(address, entry.value):
            return entry.value
        known = entry.value if entry is not None else self._at_once(address)
        if entry is None:
            self._facts.put(address, known, 0.0)
        if not self._closed and address not in self._tasks:
            self._begin(address, known)
        return known

    async def settle(self, seconds: float) -> None:
        """Wait until every look-up that was begun has ended, at most so long."""
        deadline = self._now() + seconds
        while self._tasks and (left := deadline - self._now()) > 0:
            await asyncio.wait(list(self._tasks.values()), timeout=left)

    async def close(self) -> None:
        """Cancel what is under way, and let go of every socket and thread."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._asker is not None:
            await self._asker.close()
        self._system.close()
        self._databases.close()

    # --- one address ------------------------------------------------------------------------------------------

    def _at_once(self, address: str) -> NameFacts:
        kind = scope(address)
        if not self._databases or not may_leave(address):
            return NameFacts(scope=kind) if kind else _NOTHING
        asn, geo = self._databases.look_up(address)
        return NameFacts(asns=(asn,) if asn else (), geo=geo, scope=kind)

    def _lacks_owner(self, address: str, facts: NameFacts) -> bool:
        if not self.owners or self._databases or not may_leave(address):
            return False
        asked = self._owner_asked.get(address)
        return asked is None or asked.until <= self._now()

    def _begin(self, address: str, known: NameFacts) -> None:
        entry = self._facts.get(address)
        stale = entry is None or entry.until <= self._now()
        name = self._config.dns and stale and parse(address) is not None
        owner = self._lacks_owner(address, known)
        if not name and not owner:
            self._facts.put(address, known, self._now() + NEGATIVE)
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        task = loop.create_task(self._work(address, name, owner))
        self._tasks[address] = task
        task.add_done_callback(lambda _: self._tasks.pop(address, None))

    async def _work(self, address: str, name: bool, owner: bool) -> None:
        parts: list[Coroutine[Any, Any, None]] = []
        if name:
            parts.append(self._name(address))
        if owner:
            parts.append(self._owner(address))
        with suppress(NoAnswer):
            await asyncio.gather(*parts)

    def _learn(self, address: str, until: float | None = None, **facts: Any) -> None:
        entry = self._facts.get(address)
        old = entry.value if entry is not None else _NOTHING
        new = msgspec.structs.replace(old, **facts)
        self._facts.put(address, new, until if until is not None else (entry.until if entry else 0.0))
        if new != old:
            self.version += 1

    async def _name(self, address: str) -> None:
        if not self._config.servers and asks_the_system(address):
            name = await self._system.ask(address)
            self._learn(address, self._now() + NEGATIVE, hostname=clean(name) if name else None)
            return
        parsed = parse(address)
        assert parsed is not None
        try:
            answer = await self._ask(parsed.reverse_pointer, "PTR")
        except NoAnswer:
            failures = self._failures.get(address)
            count = failures.value + 1 if failures else 1
            self._failures.put(address, count, 0.0)
            # The old name stays: a silent server has not said that it is gone.
            self._learn(address, self._now() + min(RETRY_LONGEST, RETRY_FIRST * 2 ** min(count - 1, 8)))
            return
        self._failures.drop(address)
        names = [record for record in answer.records if isinstance(record, str)]
        if not names:
            self._learn(address, self._now() + NEGATIVE, hostname=None, verified=None)
            return
        until = self._now() + lifetime(address, answer.ttl)
        spoken = names[0].rstrip(".") or names[0]
        self._learn(address, until, hostname=clean(spoken))
        if self._config.verify:
            await self._verify(address, spoken, until)

    async def _verify(self, address: str, name: str, until: float) -> None:
        parsed = parse(address)
        assert parsed is not None
        if not _can_be_asked(name):
            self._learn(address, until, verified=False)
            return
        try:
            answer = await self._ask(name, "A" if parsed.version == 4 else "AAAA")
        except NoAnswer:
            return  # nothing was said, so nothing is known
        found = {parse(_text(record)) for record in answer.records}
        self._learn(address, until, verified=parsed in found)

    async def _owner(self, address: str) -> None:
        question = origin_question(address, self._config.zones)
        assert question is not None
        try:
            answer = await self._ask(question, "TXT")
        except NoAnswer:
            self._owner_asked.put(address, None, self._now() + RETRY_FIRST)
            return
        origins = read_origins([_bytes(record) for record in answer.records], address)
        self._owner_asked.put(address, None, self._now() + (lifetime(address, answer.ttl) if origins else NEGATIVE))
        self._learn(address, asns=origins)
        named = [await self._named(origin) for origin in origins]
        self._learn(address, asns=tuple(named))

    async def _named(self, origin: Asn) -> Asn:
        key = str(origin.number)
        entry = self._as_names.get(key)
        if entry is None or entry.until <= self._now():
            name: str | None = None
            with suppress(NoAnswer):
                answer = await self._ask(name_question(origin.number, self._config.zones), "TXT")
                name = read_name([_bytes(record) for record in answer.records])
                self._as_names.put(key, name, self._now() + lifetime(key, answer.ttl))
        else:
            name = entry.value
        return msgspec.structs.replace(origin, name=name)

    async def _ask(self, name: str, kind: QuestionType) -> Answer:
        if self._asker is None:
            self._asker = Asker(self._config.servers)
        return await self._asker.ask(name, kind)


def _can_be_asked(name: str) -> bool:
    return len(name) <= 253 and name.isascii() and all(char.isalnum() or char in "-_." for char in name)


def _text(record: str | bytes) -> str:
    return record if isinstance(record, str) else record.decode("ascii", "replace")


def _bytes(record: str | bytes) -> bytes:
    return record if isinstance(record, bytes) else record.encode()
