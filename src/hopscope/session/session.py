"""`Session`: many targets, one worker, immutable snapshots.

The worker is a process; it may die. Then it is started again (`hopscope.session.supervisor`), targets go on with the
next round, and what was in flight has failed on this machine: nothing that was counted is lost, and nothing of it is
called the network's loss.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
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
from hopscope.session.facts import Asked, TargetFact
from hopscope.session.feeds import Feeds
from hopscope.session.launch import WorkerProcess, launch, options_for
from hopscope.session.model import Probing, Snapshot
from hopscope.session.plans import checked, nanos, numeric, plan_of
from hopscope.session.query import read_query
from hopscope.session.remedy import runnable
from hopscope.session.resolve import resolve
from hopscope.session.retries import TARGET_PAUSES_S, Retries
from hopscope.session.supervisor import MOST_RESTARTS, STALLED_S, WorkerSupervisor
from hopscope.session.target import TargetRecord, cleaned, planned_s
from hopscope.session.target_fold import IllegalFact
from hopscope.session.transport import Transport, WorkerPipes
from hopscope.wire.facts import Abandoned, Adjusted, Begun, Continued, Found, Paused, Reset, Resumed, Unresolved
from hopscope.wire.messages import (
    Adjust,
    Answered,
    CapabilitiesReport,
    Event,
    Failed,
    Finished,
    Lost,
    Pause,
    Plan,
    Refused,
    Resume,
    RoundStarted,
    Sent,
    SourceChanged,
    Start,
    Started,
    Stop,
)

_LONGEST_ADDRESS: Final = 64
_LOOKUPS: Final = 16
"""Look up at most this many targets' names at once."""
_PASSING: Final = ("no-route", "address", "permission", "limit")
"""Reasons of a refusal that may pass: a route or an interface comes, the user allows it."""


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    return len(text) <= _LONGEST_ADDRESS and numeric(text) is not None and clean(text) == text


class Session:
    """Targets that are probed by one worker, and snapshots of what was found.

    An async context manager; every method is for the loop that entered it, and `KeyError` is what
    a number gets that no target has."""

    def __init__(
        self,
        targets: Sequence[str] = (),
        probing: Probing | None = None,
        *,
        launched: WorkerProcess | None = None,
        namer: Namer | None = None,
        worker_command: Sequence[str] | None = None,
        addresses: Mapping[str, str] | None = None,
        stall_timeout_s: float = STALLED_S,
        on_fact: Callable[[int, TargetFact], None] | None = None,
    ) -> None:
        """`targets` are names or addresses; `launched` a worker that was started before, perhaps with some of them
        under way; `namer`, who looks names up, is closed with the session; `worker_command` replaces the worker's
        whole command; `addresses` saves looking a target up; `stall_timeout_s`: start a worker again when it is silent
        for this long beyond what is due; `on_fact` is handed each fact, with the target's number, as it is applied:
        `hopscope.session.replay` makes the same snapshots of them again. `ValueError` where a target cannot be one, or
        nothing can be probed that way."""
        self._on_fact = on_fact
        self._default = checked(probing) if probing is not None else Probing()
        self._queries = list(targets)
        for query in self._queries:
            read_query(query)
        self._launched = launched
        self._worker_command = worker_command
        self._worker_options = launched.extra if launched is not None else options_for(self._default.scenario)
        self._namer = namer
        self._addresses = dict(addresses or {})
        self._anchor = launched.anchor_ns if launched is not None else time.time_ns() - time.monotonic_ns()
        self._supervisor = WorkerSupervisor(
            self._anchor,
            self._start_worker,
            heard=self._heard,
            gone=self._worker_gone,
            back=self._worker_back,
            changed=self._bump,
            due_s=self._due_s,
            stall_timeout_s=stall_timeout_s,
        )
        self._records: dict[int, TargetRecord] = {}
        self._by_flow_id: dict[int, TargetRecord] = {}
        self._next_number = 1
        self._next_flow_id = 1
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
        for flow_id, (query, plan) in enumerate(launched.begun if launched is not None else (), 1):
            begun.setdefault(query, deque()).append((flow_id, plan))
            self._next_flow_id = flow_id + 1
        self._supervisor.begin(WorkerPipes(launched) if launched is not None else None)
        for query in self._queries:
            if begun.get(query):
                self._adopt(query, *begun[query].popleft())
            else:
                self._add(query, self._default)
        self._supervisor.tell(*(Stop(flow_id) for unwanted in begun.values() for flow_id, _ in unwanted))
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
        await self._supervisor.close()
        if self._launched is not None:
            await in_background(self._launched.close)
        if self._namer is not None:
            await self._namer.close()
        for record in self._records.values():
            self._say(record.ended())
        self._feeds.close()
        self._bump()

    def _start_worker(self) -> Transport:
        launched = launch(self._worker_options, command=self._worker_command, anchor_ns=self._anchor)
        return WorkerPipes(launched)

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
        return self._supervisor.pid

    def snapshot(self) -> Snapshot:
        """The whole session at this moment. Cheap; parts that did not change are the same objects as before."""
        supervisor = self._supervisor
        return Snapshot(
            tuple(record.snapshot(self._namer) for record in self._records.values()),
            supervisor.state,
            supervisor.note,
            supervisor.restarts,
            supervisor.counters,
            supervisor.user,
            self.now,
            supervisor.clock_offset_ns,
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
        self._supervisor.hurry()
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
                raise WorkerFailed(self._supervisor.note or "the probe worker failed")
            await self.changed(version)

    async def capabilities(self) -> CapabilitiesReport:
        """Which methods this machine allows this user. `WorkerFailed` where the worker cannot say."""
        report = await self._supervisor.capabilities()
        return msgspec.structs.replace(
            report,
            states=tuple(msgspec.structs.replace(state, remedy=runnable(state.remedy)) for state in report.states),
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
            self._apply(record, Paused(self.now))
            if record.flow_id:
                self._supervisor.tell(Pause(record.flow_id))
        self._bump()

    def resume(self, target: int | None = None) -> None:
        """Probe again, with a new round at once."""
        for record in self._chosen(target):
            self._apply(record, Resumed(self.now))
            if record.flow_id:
                self._supervisor.tell(Resume(record.flow_id))
        self._bump()

    def reset(self, target: int | None = None) -> None:
        """Begin the statistics of a target (None: of all) anew."""
        for record in self._chosen(target):
            self._apply(record, Reset(self.now))
        self._bump()

    def retry(self, target: int | None = None) -> bool:
        """Try again now, and not some seconds later, what could not be started: a target (None: any), the worker.
        Whether there was something to try."""
        records = [record for record in self._chosen(target) if record.fold.phase in ("refused", "unresolved")]
        for record in records:
            record.retries.succeeded()
            self._try_again(record)
        is_waiting = self._supervisor.is_waiting
        self._supervisor.start_now()
        self._bump()
        return bool(records) or is_waiting

    def probing(self, target: int) -> Probing:
        """How a target is probed now."""
        return self._records[target].fold.probing

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
        change = Adjust(record.flow_id, interval_ns, timeout_ns, first_ttl, max_ttl, max_unknown)
        self._apply(record, Adjusted(self.now, change))
        if record.flow_id:
            self._supervisor.tell(change)
        self._bump()

    def restart(self, target: int, probing: Probing) -> None:
        """Probe a target in another way (protocol, port, size, method …): a new flow, statistics anew. What cannot be
        probed that way is refused in the next snapshot."""
        record = self._records[target]
        fold = record.fold
        is_same_address = probing.family == fold.probing.family
        self._drop_flow(record)
        record.retries = Retries(TARGET_PAUSES_S, planned_s(probing))
        self._apply(record, Asked(self.now, fold.wanted_as_typed, probing))
        if fold.address is not None and is_same_address:
            self._start(record, fold.address)
        else:
            self._find(record)
        self._bump()

    # --- targets ----------------------------------------------------------------------------------------------

    def _chosen(self, target: int | None) -> list[TargetRecord]:
        return list(self._records.values()) if target is None else [self._records[target]]

    def _apply(self, record: TargetRecord, fact: TargetFact) -> None:
        """The one way in which anything about a target changes."""
        record.fold.apply(fact)
        if self._on_fact is not None:
            self._on_fact(record.number, fact)

    def _new_record(self, query: str, probing: Probing) -> TargetRecord:
        asked = Asked(self.now, query, probing)
        record = TargetRecord(self._next_number, asked)
        self._records[record.number] = record
        self._next_number += 1
        if self._on_fact is not None:
            self._on_fact(record.number, asked)
        self._bump()
        return record

    def _adopt(self, query: str, flow_id: int, plan: Plan) -> None:
        record = self._new_record(query, self._default)
        self._apply(record, Begun(self.now, plan))
        record.flow_id = flow_id
        self._by_flow_id[flow_id] = record

    def _add(self, query: str, probing: Probing) -> int:
        record = self._new_record(query, probing)
        self._find(record)
        return record.number

    def _find(self, record: TargetRecord) -> None:
        """From what was asked for to an address, and there we go."""
        fold = record.fold
        host, family = fold.wanted.host, fold.probing.family
        known = self._addresses.get(host)
        if known is not None and family in (None, 6 if ":" in known else 4):
            self._start(record, known)
        elif fold.probing.method == "simulated" and numeric(host) is None:
            why = f"{fold.query}: no name leads into a simulated network; an address does"
            self._apply(record, Unresolved(self.now, why))
        elif numeric(host) is not None:
            try:
                self._start(record, resolve(host, fold.probing))
            except Unresolvable as why:
                self._apply(record, Unresolved(self.now, str(why)))
        elif record.resolving is None:
            record.resolving = asyncio.get_running_loop().create_task(self._resolve(record))

    async def _resolve(self, record: TargetRecord) -> None:
        host, probing = record.fold.wanted.host, record.fold.probing
        record.retries.begun(asyncio.get_running_loop().time())
        try:
            async with self._lookups:
                address = await in_background(lambda: resolve(host, probing))
        except Unresolvable as why:
            record.resolving = None
            self._apply(record, Unresolved(self.now, str(why), why.is_temporary))
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
        if record.flow_id or record.resolving is not None:
            return  # it is being tried
        if record.fold.phase == "unresolved":
            self._find(record)
        elif record.fold.plan is not None:
            self._continue(record)

    def _start(self, record: TargetRecord, address: str) -> None:
        self._apply(record, Found(self.now, address))
        try:
            plan = plan_of(record.fold.probing, address, record.fold.wanted.port)
        except ValueError as why:
            self._apply(record, Refused(0, "unsupported", clean(str(why))))
        else:
            self._begin(record, plan)
        self._bump()

    def _begin(self, record: TargetRecord, plan: Plan, instead_of: Refused | None = None) -> None:
        self._apply(record, Begun(self.now, plan, instead_of))
        self._open(record, plan)

    def _continue(self, record: TargetRecord) -> bool:
        """Probe on with a new flow and the same statistics. False: all rounds were begun."""
        plan = record.fold.continued()
        if plan is None:
            return False
        self._apply(record, Continued(self.now, plan))
        self._open(record, plan)
        return True

    def _open(self, record: TargetRecord, plan: Plan) -> None:
        flow_id = record.flow_id = self._next_flow_id
        self._next_flow_id += 1
        self._by_flow_id[flow_id] = record
        self._supervisor.tell(Start(flow_id, plan), *([Pause(flow_id)] if record.fold.is_paused else []))

    def _drop_flow(self, record: TargetRecord) -> None:
        record.drop_retry()
        if record.resolving is not None:
            record.resolving.cancel()
            record.resolving = None
        if record.flow_id:
            self._by_flow_id.pop(record.flow_id, None)
            self._supervisor.tell(Stop(record.flow_id))
            record.flow_id = 0
        self._say(record.ended())

    # --- the worker -------------------------------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        record = self._by_flow_id.get(getattr(event, "target", 0))
        if record is None:
            return  # of a flow that was stopped
        try:
            self._hear(record, event)
        except IllegalFact as why:
            self._supervisor.garbage(str(why))

    def _hear(self, record: TargetRecord, event: Event) -> None:
        fold = record.fold
        match event:
            case Answered():
                if not self._sees(event.address):
                    return
                self._apply(record, event)
            case Started():
                went_over = fold.went_over
                self._apply(record, cleaned(event))
                record.retries.succeeded()
                if fold.went_over != went_over:
                    self._say(record.ended())  # who follows the events hears of another method by a new head
                self._say(record.begun(self.now))
            case Refused():
                self._refused(record, event)
            case SourceChanged():
                self._apply(record, cleaned(event))
                self._say(record.moved())
            case Failed():
                event = cleaned(event)
                self._apply(record, event)
            case Finished():
                self._apply(record, event)
                self._say(record.ended())
            case Sent() | Lost() | RoundStarted():
                self._apply(record, event)
        if record.head is None:
            return
        if isinstance(event, (Answered, Lost, Failed)):
            if self._feeds.wanted:
                self._feeds.put(probe_event(record.name, event))
        elif isinstance(event, Sent) and self._feeds.wants_departures:
            self._feeds.put(sent_event(record.name, event))

    def _refused(self, record: TargetRecord, refusal: Refused) -> None:
        self._by_flow_id.pop(refusal.target, None)
        record.flow_id = 0
        plan = record.plan_after(refusal)
        why = record.explained(refusal)
        if plan is not None:
            self._say(record.ended())
            self._begin(record, plan, why)
            return
        self._apply(record, why)
        if refusal.reason in _PASSING:
            self._try_later(record)

    def _sees(self, address: str) -> bool:
        """Can this be an address? Its name is looked up when it is shown: by `snapshot`."""
        if not _is_address(address):
            self._supervisor.garbage(f"{address[:_LONGEST_ADDRESS]!r} is no address")
            return False
        return True

    def _due_s(self) -> float | None:
        """A target that is being probed is heard of in each round, and after its last one within the timeout."""
        return min(
            (
                (plan.timeout_ns if fold.has_begun_all_rounds else plan.interval_ns) / 1e9
                for fold in (record.fold for record in self._records.values())
                if (plan := fold.plan) is not None and fold.phase in ("starting", "running") and not fold.is_paused
            ),
            default=None,
        )

    def _is_given_up(self) -> bool:
        """Whether the worker's trouble lasts longer than whoever waits for the end of all rounds should wait."""
        supervisor = self._supervisor
        if supervisor.state == "failed":
            return True
        planned = [planned_s(record.fold.probing) for record in self._records.values()]
        return supervisor.is_waiting and supervisor.ailing_s > max(
            inf if one is None else one for one in (*planned, 0.0)
        )

    def _worker_gone(self) -> None:
        for record in self._records.values():
            if not record.is_over:
                gone = Abandoned(self.now, "the probe worker ended while this probe was in flight")
                self._apply(record, gone)

    def _worker_back(self) -> None:
        self._by_flow_id.clear()
        for record in self._records.values():
            if not record.flow_id or record.fold.phase == "finished":
                continue
            if not self._continue(record):
                record.flow_id = 0
                rounds = record.fold.last_round + 1 - record.fold.plan.first_round if record.fold.plan else 0
                self._apply(record, Finished(0, rounds))
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
