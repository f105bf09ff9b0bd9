"""`Names`: all that is known of addresses, gathered in the background.

`look_up` returns at once what is known now, and begins what is missing. What each address goes through: local databases
(at once), its name (the system's resolver for local addresses, name servers for the rest), whether the name resolves
back, and, where that was asked for, its owner. Nothing here can delay a probe, a frame or a report: every failure is a
missing name. What is asked is bounded (`hopscope.names.allowance`), and so is what waits and what is under way.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec

from hopscope.names.allowance import Allowance
from hopscope.names.cache import NEGATIVE, RETRY_FIRST, RETRY_LONGEST, Cache, lifetime
from hopscope.names.dns import Asker, DnsAnswer, NoDnsAnswer, QuestionType
from hopscope.names.facts import AddressInfo, Asn
from hopscope.names.hostnames import hostname
from hopscope.names.owners import Zones, name_question, origin_question, read_name, read_origins
from hopscope.names.scopes import asks_the_system, may_leave, parse, scope
from hopscope.names.system import SystemResolver

if TYPE_CHECKING:
    from hopscope.names.databases import Databases

MAX_QUEUED: Final = 1024
"""Addresses that wait to be looked up; what comes beyond is looked up when there is room and it is still shown."""
MAX_TASKS: Final = 256
"""Look-ups under way."""
CLAIM_AFTER_S: Final = 1.0
"""A name is shown as a claim when its way back is not known after this."""
MAX_ZONES_PASSED: Final = 32
"""Addresses at the queue's front that are passed over at once where their zones were asked enough."""

_NOTHING: Final = AddressInfo()


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
        self._databases = _opened(self._config.databases)
        self._facts: Cache[AddressInfo] = Cache()
        self._as_names: Cache[str | None] = Cache(4096)
        self._failures: Cache[int] = Cache(4096)
        self._owner_asked: Cache[None] = Cache()
        self._asker: Asker | None = None
        self._system = SystemResolver()
        self._allowance = Allowance(now())
        self._queue: OrderedDict[str, None] = OrderedDict()
        self._has_refused = False
        """Something found no room in the queue."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
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

    def look_up(self, address: str) -> AddressInfo:
        """What is known now; begins or renews the look-up of what is not. Without a running loop it only tells."""
        entry = self._facts.get(address)
        if entry is not None and entry.until > self._now() and not self._lacks_owner(address, entry.value):
            return entry.value
        known = entry.value if entry is not None else self._at_once(address)
        if entry is None:
            self._facts.put(address, known, 0.0)
        if not self._closed and address not in self._tasks and address not in self._queue:
            self._enqueue(address, known)
        return known

    def is_known(self, address: str) -> bool:
        """Whether its look-up has ended, also where it found no name; then it need not be asked for soon."""
        entry = self._facts.get(address)
        return entry is not None and entry.until > self._now()

    async def settle(self, seconds: float) -> None:
        """Wait until every look-up that was begun has ended, at most so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    async def close(self) -> None:
        """Cancel what is under way, and let go of every socket."""
        self._closed = True
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._asker is not None:
            await self._asker.close()
        if self._databases is not None:
            self._databases.close()

    # --- whose turn it is ---------------------------------------------------------------------------------------

    def _enqueue(self, address: str, known: AddressInfo) -> None:
        if not self._wants_name(address) and not self._lacks_owner(address, known):
            self._facts.put(address, known, self._now() + NEGATIVE)
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        if len(self._queue) >= MAX_QUEUED:
            self._has_refused = True
            return
        self._queue[address] = None
        self._idle.clear()
        self._begin_queued()

    def _begin_queued(self) -> None:
        """Begin what may begin now, in the order of asking; a timer goes on when the allowance does."""
        if self._closed:
            return
        now = self._now()
        waits: list[float] = []
        while self._queue and len(self._tasks) < MAX_TASKS and len(waits) < MAX_ZONES_PASSED:
            wait = self._allowance.wait_s(now)
            if wait > 0:
                waits.append(wait)
                break
            address = next(iter(self._queue))
            wait = self._allowance.zone_wait_s(address, now)
            if wait > 0:
                waits.append(wait)
                self._queue.move_to_end(address)
                continue
            del self._queue[address]
            self._allowance.take(address, now, self._cost(address))
            task = asyncio.get_running_loop().create_task(self._work(address))
            self._tasks[address] = task
            task.add_done_callback(partial(self._ended, address))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if waits and self._queue:
            self._timer = asyncio.get_running_loop().call_later(min(waits), self._begin_queued)

    def _ended(self, address: str, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(address, None)
        if self._closed:
            return
        self._begin_queued()
        if self._has_refused and not self._queue:
            self._has_refused = False
            self.version += 1  # so that who draws names looks them up anew
        if not self._tasks and not self._queue:
            self._idle.set()

    # --- one address ------------------------------------------------------------------------------------------

    def _at_once(self, address: str) -> AddressInfo:
        kind = scope(address)
        if self._databases is None or not may_leave(address):
            return AddressInfo(scope=kind) if kind else _NOTHING
        asn, geo = self._databases.look_up(address)
        return AddressInfo(asns=(asn,) if asn else (), geo=geo, scope=kind)

    def _lacks_owner(self, address: str, facts: AddressInfo) -> bool:
        if not self.owners or self._databases is not None or not may_leave(address):
            return False
        asked = self._owner_asked.get(address)
        return asked is None or asked.until <= self._now()

    def _wants_name(self, address: str) -> bool:
        entry = self._facts.get(address)
        is_stale = entry is None or entry.until <= self._now()
        return self._config.dns and is_stale and parse(address) is not None

    def _cost(self, address: str) -> int:
        """How many questions begin at once."""
        entry = self._facts.get(address)
        lacks_owner = self._lacks_owner(address, entry.value if entry is not None else _NOTHING)
        return int(self._wants_name(address)) + int(lacks_owner)

    async def _work(self, address: str) -> None:
        parts: list[Coroutine[Any, Any, None]] = []
        if self._wants_name(address):
            parts.append(self._name(address))
        entry = self._facts.get(address)
        if self._lacks_owner(address, entry.value if entry is not None else _NOTHING):
            parts.append(self._owner(address))
        with suppress(NoDnsAnswer):
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
            await self._name_by_system(address)
            return
        parsed = parse(address)
        assert parsed is not None
        try:
            answer = await self._ask(parsed.reverse_pointer, "PTR")
        except NoDnsAnswer:
            self._heard_nothing(address)
            return
        self._failures.drop(address)
        spoken = [record for record in answer.records if isinstance(record, str)]
        name = next((name for name in map(hostname, spoken) if name is not None), None)
        if name is None:
            self._learn(address, self._now() + NEGATIVE, hostname=None, verified=None)
            return
        self._allowance.give_back(address, self._now())
        until = self._now() + lifetime(address, answer.ttl)
        if self._config.verify:
            await self._verify(address, name, until)
        else:
            self._learn(address, until, hostname=name, verified=None)

    async def _verify(self, address: str, name: str, until: float) -> None:
        """Learn the name together with whether it leads back. While that is not known (or the name's zone says nothing)
        the name is a claim, so that nobody evades the mark by silence."""
        entry = self._facts.get(address)
        was_verified = entry is not None and entry.value.hostname == name and entry.value.verified is True
        asking = asyncio.ensure_future(self._leads_back(address, name))
        try:
            await asyncio.wait([asking], timeout=CLAIM_AFTER_S)
            if not asking.done():
                self._learn(address, until, hostname=name, verified=was_verified)
            leads_back = await asking
        finally:
            asking.cancel()
        if leads_back is None:
            until = self._now() + self._retry_s(address)
        self._learn(address, until, hostname=name, verified=was_verified if leads_back is None else leads_back)

    async def _leads_back(self, address: str, name: str) -> bool | None:
        """Whether the name's addresses hold `address`; None: no answer."""
        parsed = parse(address)
        assert parsed is not None
        if not name.isascii():
            return False  # no name of the DNS
        try:
            answer = await self._ask(name, "A" if parsed.version == 4 else "AAAA")
        except NoDnsAnswer:
            return None
        return parsed in {parse(_text(record)) for record in answer.records}

    async def _name_by_system(self, address: str) -> None:
        answer = await self._system.ask(address)
        if not answer.is_answer:
            self._heard_nothing(address)
            return
        self._failures.drop(address)
        name = hostname(answer.name) if answer.name is not None else None
        if name is None:
            self._learn(address, self._now() + NEGATIVE, hostname=None, verified=None)
            return
        self._allowance.give_back(address, self._now())
        leads_back = answer.leads_back if self._config.verify else None
        self._learn(address, self._now() + NEGATIVE, hostname=name, verified=leads_back)

    def _heard_nothing(self, address: str) -> None:
        """Ask again later, ever more seldom. The old name stays: a silent server has not said that it is gone."""
        self._learn(address, self._now() + self._retry_s(address))

    def _retry_s(self, address: str) -> float:
        failures = self._failures.get(address)
        count = failures.value + 1 if failures else 1
        self._failures.put(address, count, 0.0)
        return min(RETRY_LONGEST, RETRY_FIRST * float(2 ** min(count - 1, 8)))

    async def _owner(self, address: str) -> None:
        question = origin_question(address, self._config.zones)
        assert question is not None
        try:
            answer = await self._ask(question, "TXT")
        except NoDnsAnswer:
            self._owner_asked.put(address, None, self._now() + RETRY_FIRST)
            return
        origins = read_origins([_bytes(record) for record in answer.records], address)
        if origins:
            self._allowance.give_back(address, self._now())
        self._owner_asked.put(address, None, self._now() + (lifetime(address, answer.ttl) if origins else NEGATIVE))
        self._learn(address, asns=origins)
        named = [await self._named(origin) for origin in origins]
        self._learn(address, asns=tuple(named))

    async def _named(self, origin: Asn) -> Asn:
        key = str(origin.number)
        entry = self._as_names.get(key)
        if entry is None or entry.until <= self._now():
            name: str | None = None
            with suppress(NoDnsAnswer):
                answer = await self._ask(name_question(origin.number, self._config.zones), "TXT")
                name = read_name([_bytes(record) for record in answer.records])
                self._as_names.put(key, name, self._now() + lifetime(key, answer.ttl))
        else:
            name = entry.value
        return msgspec.structs.replace(origin, name=name)

    async def _ask(self, name: str, kind: QuestionType) -> DnsAnswer:
        if self._asker is None:
            try:
                self._asker = Asker(self._config.servers)
            except (OSError, ImportError) as error:  # no descriptor left to load it with: the next question tries again
                raise NoDnsAnswer(str(error)) from error
        return await self._asker.ask(name, kind)


def _opened(databases: Sequence[str]) -> Databases | None:
    """None: there are none, and nothing is loaded that reads them."""
    if not databases:
        return None
    from hopscope.names.databases import Databases

    return Databases([Path(path) for path in databases])


def _text(record: str | bytes) -> str:
    return record if isinstance(record, str) else record.decode("ascii", "replace")


def _bytes(record: str | bytes) -> bytes:
    return record if isinstance(record, bytes) else record.encode()
