"""`Session`: many targets, one worker, immutable snapshots.

The worker is a process; it may die. Then it is started again (`hopscope.session.keeper`), targets go on with the next
round, and what was in flight has failed on this machine: nothing that was counted is lost, and nothing of it is called
the network's loss.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from math import inf
from types import TracebackType
from typing import Any, Final, Self, overload

import msgspec

from hopscope.names.clean import clean
from hopscope.names.facts import AsksOwners, Namer
from hopscope.session.background import in_background
from hopscope.session.errors import Unresolvable, WorkerFailed
from hopscope.session.events import (
    EndEvent,
    ProbeEvent,
    SessionEvent,
    StartEvent,
    StreamEvent,
    probe_event,
    sent_event,
)
from hopscope.session.feeds import Feeds
from hopscope.session.keeper import MOST_RESTARTS, STALLED_S, Keeper
from hopscope.session.launch import Launched
from hopscope.session.model import Probing, Snapshot
from hopscope.session.plans import adjusted, checked, nanos, numeric, plan_of
from hopscope.session.query import read_query
from hopscope.session.remedy import runnable
from hopscope.session.resolve import resolve
from hopscope.session.target import TargetRecord, planned_s
from hopscope.wire.messages import (
    Adjust,
    Answered,
    Event,
    Failed,
    Finished,
    Lost,
    Pause,
    Plan,
    Refused,
    Resume,
    Sent,
    SourceChanged,
    Start,
    Started,
    Stop,
    Surveyed,
)

_LONGEST_ADDRESS: Final = 64
_LOOKUPS: Final = 16
"""So many targets' names are looked up at once."""
_PASSING: Final = ("no-route", "address", "permission", "limit")
"""Reasons of a refusal that may pass: a route or an interface comes, the user allows it."""


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    return len(text) <= _LONGEST_ADDRESS and numeric(text) is not None and clean(text) == text


class Session:
    """See the module. An async context manager; every method is for the loop that entered it, and `KeyError` is what
    a number gets that no target has."""

    def __init__(
        self,
        targets: Sequence[str] = (),
        probing: Probing | None = None,
        *,
        launched: Launched | None = None,
        namer: Namer | None = None,
        worker_command: Sequence[str] | None = None,
        addresses: Mapping[str, str] | None = None,
        patience_s: float = STALLED_S,
    ) -> None:
        """`targets` are names or addresses; `launched` a worker that was started before, perhaps with some of them
        under way; `namer`, who looks names up, is closed with the session; `worker_command` replaces the worker's
        whole command; `addresses` saves looking a target up; `patience_s`: so long beyond what is due a worker may be
        silent before it is started again. `ValueError` where a target cannot be one, or nothing can be probed that
        way."""
        self._default = checked(probing) if probing is not None else Probing()
        self._queries = list(targets)
        for query in self._queries:
            read_query(query)
        self._launched = launched
        self._namer = namer
        self._addresses = dict(addresses or {})
        self._anchor = launched.anchor_ns if launched is not None else time.time_ns() - time.monotonic_ns()
        self._keeper = Keeper(
            self._anchor,
            worker_command,
            heard=self._heard,
            gone=self._worker_gone,
            back=self._worker_back,
            changed=self._bump,
            due_s=self._due_s,
            patience_s=patience_s,
        )
        self._records: dict[int, TargetRecord] = {}
        self._by_wire: dict[int, TargetRecord] = {}
        self._next_number = 1
        self._next_wire = 1
        self._changes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._lookups = asyncio.Semaphore(_LOOKUPS)
        self._feeds = Feeds()
        self._closed = False

    # --- life -------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Probing begins. `WorkerFailed` where the worker cannot be started."""
        launched, self._launched = self._launched, None
        begun: dict[str, deque[tuple[int, Plan]]] = {}
        for wire, (query, plan) in enumerate(launched.begun if launched is not None else (), 1):
            begun.setdefault(query, deque()).append((wire, plan))
            self._next_wire = wire + 1
        self._keeper.begin(launched)
        for query in self._queries:
            if begun.get(query):
                self._adopt(query, *begun[query].popleft())
            else:
                self._add(query, self._default)
        self._keeper.tell(*(Stop(wire) for unwanted in begun.values() for wire, _ in unwanted))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop probing and leave nothing behind: no process, no task, no descriptor. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for record in self._records.values():
            record.drop_retry()
        tasks = [record.resolving for record in self._records.values() if record.resolving is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._keeper.close()
        if self._launched is not None:
            await in_background(self._launched.close)
        if self._namer is not None:
            await self._namer.close()
        for record in self._records.values():
            self._say(record.ended())
        self._feeds.close()
        self._bump()

    # --- what there is ----------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """Grows with every change, names that became known included."""
        return self._changes + (self._namer.version if self._namer is not None else 0)

    @property
    def now(self) -> int:
        """Epoch ns on the session's time line."""
        return time.monotonic_ns() + self._anchor

    @property
    def worker_pid(self) -> int | None:
        """The worker's process; None where there is none any more."""
        return self._keeper.pid

    def snapshot(self) -> Snapshot:
        """The whole session at this moment. Cheap; parts that did not change are the same objects as before."""
        keeper = self._keeper
        return Snapshot(
            tuple(record.snapshot(self._namer) for record in self._records.values()),
            keeper.state,
            keeper.note,
            keeper.restarts,
            keeper.counters,
            keeper.user,
            self.now,
        )

    async def changed(self, version: int | None = None) -> int:
        """Wait until the version is another one than `version` (None: than now); the new one. A change of names alone
        is noticed within a quarter of a second. Returns at once after the session's end."""
        if version is None:
            version = self.version
        loop = asyncio.get_running_loop()
        while self.version == version and not self._closed:
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.add(future)
            try:
                await asyncio.wait([future], timeout=0.25 if self._namer is not None else None)
            finally:
                self._waiting.discard(future)
        return self.version

    @overload
    def events(self) -> AsyncIterator[SessionEvent]: ...

    @overload
    def events(self, *, departures: bool) -> AsyncIterator[StreamEvent]: ...

    def events(self, *, departures: bool = False) -> AsyncIterator[Any]:
        """Typed events from now on (of targets under way their head first), for as many consumers as there are; it ends
        with the session. One that falls `feeds.DEEPEST` events behind gets a `GapEvent` for each target in the place of
        those that it misses. `departures`: a `SentEvent` for each probe that leaves, too."""
        self._keeper.hurry()
        heads = [record.head for record in self._records.values() if record.head is not None]
        return self._feeds.subscribe(heads, departures=departures)

    async def finished(self) -> None:
        """Wait until every target's rounds are over (or it could not be probed), or the session is. What has no route,
        or no name server, is waited for as long as its rounds would have taken. `WorkerFailed` where the worker could
        not be kept alive for as long as that, never where some target's rounds are endless."""
        while not self._closed:
            version = self.version
            if all(record.is_over for record in self._records.values()):
                return
            if self._is_given_up():
                raise WorkerFailed(self._keeper.note or "the probe worker failed")
            await self.changed(version)

    async def survey(self) -> Surveyed:
        """Which methods this machine allows this user. `WorkerFailed` where the worker cannot say."""
        surveyed = await self._keeper.survey()
        return msgspec.structs.replace(
            surveyed,
            states=tuple(msgspec.structs.replace(state, remedy=runnable(state.remedy)) for state in surveyed.states),
        )

    # --- what can be changed ----------------------------------------------------------------------------------

    def add(self, query: str, probing: Probing | None = None) -> int:
        """Probe one more target; its number. A name is resolved in the background. `ValueError` as in the
        constructor."""
        return self._add(query, checked(probing) if probing is not None else self._default)

    def remove(self, target: int) -> None:
        """Stop probing a target and forget it."""
        record = self._records.pop(target)
        self._drop_flow(record)
        self._bump()

    def pause(self, target: int | None = None) -> None:
        """Send no new probes to a target (None: to any)."""
        for record in self._chosen(target):
            record.paused = True
            if record.state == "running":
                record.state = "paused"
            if record.wire:
                self._keeper.tell(Pause(record.wire))
        self._bump()

    def resume(self, target: int | None = None) -> None:
        """Probe again, with a new round at once."""
        for record in self._chosen(target):
            record.paused = False
            if record.state == "paused":
                record.state = "running"
            if record.wire:
                self._keeper.tell(Resume(record.wire))
        self._bump()

    def reset(self, target: int | None = None) -> None:
        """Begin the statistics of a target (None: of all) anew."""
        for record in self._chosen(target):
            record.fold.reset(self.now)
        self._bump()

    def retry(self, target: int | None = None) -> bool:
        """Try again now, and not some seconds later, what could not be started: a target (None: any), the worker.
        Whether there was something to try."""
        records = [record for record in self._chosen(target) if record.state in ("refused", "unresolved")]
        for record in records:
            record.retries.succeeded()
            self._try_again(record)
        is_waiting = self._keeper.is_waiting
        self._keeper.start_now()
        self._bump()
        return bool(records) or is_waiting

    def probing(self, target: int) -> Probing:
        """How a target is probed now."""
        return self._records[target].probing

    def ask_owners(self, on: bool) -> None:
        """Whether owners of addresses are asked for by DNS from now on. A namer that never asks stays as it is."""
        if isinstance(self._namer, AsksOwners):
            self._namer.owners = on
            self._bump()

    def adjust(
        self,
        target: int,
        *,
        interval_s: float | None = None,
        timeout_s: float | None = None,
        first_ttl: int | None = None,
        max_ttl: int | None = None,
        max_unknown: int | None = None,
    ) -> None:
        """Change what can change without a new flow; None leaves a value as it is. `ValueError` with one line."""
        record = self._records[target]
        interval_ns = None if interval_s is None else nanos(interval_s)
        timeout_ns = None if timeout_s is None else nanos(timeout_s)
        change = Adjust(record.wire, interval_ns, timeout_ns, first_ttl, max_ttl, max_unknown)
        record.probing, record.plan = adjusted(record.probing, record.plan, change)
        if record.wire:
            self._keeper.tell(change)
        self._bump()

    def restart(self, target: int, probing: Probing) -> None:
        """Probe a target in another way (protocol, port, size, method …): a new flow, statistics anew. What cannot be
        probed that way is refused in the next snapshot."""
        record = self._records[target]
        old = record.probing
        self._drop_flow(record)
        record.probe_as(probing)
        if record.address is not None and probing.family == old.family:
            self._start(record, record.address)
        else:
            record.state = "resolving"
            self._find(record)
        self._bump()

    # --- targets ----------------------------------------------------------------------------------------------

    def _chosen(self, target: int | None) -> list[TargetRecord]:
        return list(self._records.values()) if target is None else [self._records[target]]

    def _new_record(self, query: str, probing: Probing) -> TargetRecord:
        record = TargetRecord(self._next_number, query, probing)
        self._records[record.number] = record
        self._next_number += 1
        self._bump()
        return record

    def _adopt(self, query: str, wire: int, plan: Plan) -> None:
        record = self._new_record(query, self._default)
        record.begin(wire, plan)
        self._by_wire[wire] = record

    def _add(self, query: str, probing: Probing) -> int:
        record = self._new_record(query, probing)
        self._find(record)
        return record.number

    def _find(self, record: TargetRecord) -> None:
        """From what was asked for to an address, and there we go."""
        host, family = record.wanted.host, record.probing.family
        known = self._addresses.get(host)
        if known is not None and family in (None, 6 if ":" in known else 4):
            self._start(record, known)
        elif record.probing.method == "simulated" and numeric(host) is None:
            record.unresolve(f"{record.query}: no name leads into a simulated network; an address does")
            return
        elif numeric(host) is not None:
            try:
                self._start(record, resolve(host, record.probing))
            except Unresolvable as why:
                record.unresolve(str(why))
        elif record.resolving is None:
            if record.state != "unresolved":
                record.state = "resolving"
            record.resolving = asyncio.get_running_loop().create_task(self._resolve(record))

    async def _resolve(self, record: TargetRecord) -> None:
        host, probing = record.wanted.host, record.probing
        record.retries.begun(asyncio.get_running_loop().time())
        try:
            async with self._lookups:
                address = await in_background(lambda: resolve(host, probing))
        except Unresolvable as why:
            record.resolving = None
            record.unresolve(str(why), is_temporary=why.is_temporary)
            self._try_later(record)
        else:
            record.resolving = None
            self._start(record, address)
        self._bump()

    def _try_later(self, record: TargetRecord) -> None:
        """It could not be started: try again by itself, for as long as that makes sense."""
        loop = asyncio.get_running_loop()
        pause = record.retries.failed(loop.time())
        if pause is not None and not self._closed:
            record.retry = loop.call_later(pause, self._try_again, record)

    def _try_again(self, record: TargetRecord) -> None:
        record.drop_retry()
        if record.wire or record.resolving is not None:
            return  # it is being tried
        if record.state == "unresolved":
            self._find(record)
        elif record.plan is not None and (plan := record.continued()) is not None:
            self._begin(record, plan, anew=False)

    def _start(self, record: TargetRecord, address: str) -> None:
        try:
            plan = plan_of(record.probing, address, record.wanted.port)
        except ValueError as why:
            record.refuse(address, Refused(0, "unsupported", clean(str(why))))
        else:
            self._begin(record, plan)
        self._bump()

    def _begin(self, record: TargetRecord, plan: Plan, *, anew: bool = True) -> None:
        wire = self._next_wire
        self._next_wire += 1
        self._by_wire[wire] = record
        if anew:
            record.begin(wire, plan)
        record.wire = wire
        self._keeper.tell(Start(wire, plan), *([Pause(wire)] if record.paused else []))

    def _drop_flow(self, record: TargetRecord) -> None:
        record.drop_retry()
        if record.resolving is not None:
            record.resolving.cancel()
            record.resolving = None
        if record.wire:
            self._by_wire.pop(record.wire, None)
            self._keeper.tell(Stop(record.wire))
            record.wire = 0
        self._say(record.ended())

    # --- the worker -------------------------------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        record = self._by_wire.get(getattr(event, "target", 0))
        if record is None:
            return  # of a flow that was stopped
        if isinstance(event, Answered):
            if not self._sees(event.address):
                return
        elif isinstance(event, Finished):
            record.state = "finished"
            self._say(record.ended())
            return
        elif isinstance(event, Failed):
            event = msgspec.structs.replace(event, error=clean(event.error), message=clean(event.message))
        elif isinstance(event, Refused) and (plan := record.plan_after(event)) is not None:
            why = record.explained(event)
            self._by_wire.pop(event.target, None)
            self._say(record.ended())
            self._begin(record, plan)
            record.fell_back = why
            return
        went_over = record.went_over
        record.apply(event)
        if isinstance(event, Started):
            if record.went_over != went_over:
                self._say(record.ended())  # who follows the events hears of another method by a new head
            self._say(record.begun(self.now))
        elif isinstance(event, SourceChanged):
            self._say(record.moved())
        elif isinstance(event, Refused):
            self._by_wire.pop(event.target, None)
            if event.reason in _PASSING:
                self._try_later(record)
        elif isinstance(event, (Answered, Lost, Failed)) and record.head is not None and self._feeds.wanted:
            self._feeds.put(probe_event(record.address or record.query, event))
        elif isinstance(event, Sent) and record.head is not None and self._feeds.wants_departures:
            self._feeds.put(sent_event(record.address or record.query, event))

    def _sees(self, address: str) -> bool:
        """Can this be an address? Its name is looked up when it is shown: by `snapshot`."""
        if not _is_address(address):
            self._keeper.garbage(f"{address[:_LONGEST_ADDRESS]!r} is no address")
            return False
        return True

    def _due_s(self) -> float | None:
        """A target that is being probed is heard of in each round, and after its last one within the timeout."""
        return min(
            (
                (plan.timeout_ns if record.has_begun_all_rounds else plan.interval_ns) / 1e9
                for record in self._records.values()
                if (plan := record.plan) is not None and record.state in ("starting", "running") and not record.paused
            ),
            default=None,
        )

    def _is_given_up(self) -> bool:
        """Whether the worker's trouble lasts longer than whoever waits for the end of all rounds should wait."""
        keeper = self._keeper
        if keeper.state == "failed":
            return True
        planned = [planned_s(record.probing) for record in self._records.values()]
        return keeper.is_waiting and keeper.ailing_s > max(inf if one is None else one for one in (*planned, 0.0))

    def _worker_gone(self) -> None:
        for record in self._records.values():
            if not record.is_over:
                record.fold.abandon(self.now, "the probe worker ended while this probe was in flight")

    def _worker_back(self) -> None:
        self._by_wire.clear()
        for record in self._records.values():
            if not record.wire or record.state == "finished":
                continue
            plan = record.continued()
            if plan is not None:
                record.before = record.facts if record.has_rounds else None
                self._begin(record, plan, anew=False)
            else:
                record.wire = 0
                record.state = "finished"
                self._say(record.ended())

    # --- those who wait ---------------------------------------------------------------------------------------

    def _bump(self) -> None:
        self._changes += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def _say(self, event: SessionEvent | None) -> None:
        if event is not None:
            self._feeds.put(event)


__all__ = ["MOST_RESTARTS", "EndEvent", "ProbeEvent", "Session", "SessionEvent", "StartEvent", "WorkerFailed"]
