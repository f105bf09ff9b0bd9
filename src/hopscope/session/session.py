"""`Session`: many targets, one worker, immutable snapshots.

The worker is a process; it may die. Then it is started again (at most `MOST_RESTARTS` times within `RESTARTS_WITHIN_S`
seconds), targets go on with the next round, and what was in flight has failed on this machine: nothing that was counted
is lost, and nothing of it is called the network's loss.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from hopscope.names.clean import clean
from hopscope.names.facts import Namer
from hopscope.session.background import in_background
from hopscope.session.events import EndEvent, ProbeEvent, SessionEvent, StartEvent, iso, probe_event
from hopscope.session.feeds import Feeds
from hopscope.session.launch import Launched, launch
from hopscope.session.link import Link
from hopscope.session.model import Probing, Snapshot, WorkerState
from hopscope.session.plans import acceptable, nanos, plan_of
from hopscope.session.resolve import Unresolvable, resolve
from hopscope.session.target import TargetRecord
from hopscope.wire.check import check_adjust
from hopscope.wire.framing import Garbage
from hopscope.wire.messages import (
    Adjust,
    Answered,
    Command,
    Counters,
    Event,
    Failed,
    Finished,
    Lost,
    Pause,
    Plan,
    Problem,
    Refused,
    Resume,
    Start,
    Started,
    Stop,
    Stopped,
    Survey,
    Surveyed,
    Welcome,
)

MOST_RESTARTS: Final = 5
RESTARTS_WITHIN_S: Final = 60.0
BACKOFF_S: Final = (0.0, 0.2, 0.5, 1.0, 2.0)


class WorkerFailed(Exception):
    """The probe worker ended, and could not be started again. The message says what is known of it."""


class Session:
    """See the module. An async context manager; every method is for the loop that entered it."""

    def __init__(
        self,
        targets: Sequence[str] = (),
        probing: Probing | None = None,
        *,
        launched: Launched | None = None,
        namer: Namer | None = None,
        worker_command: Sequence[str] | None = None,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        """`targets` are names or addresses; `launched` a worker that was started before, perhaps with some of them
        under way; `addresses` saves looking a target up. `ValueError` where a target cannot be one."""
        self._default = probing if probing is not None else Probing()
        self._queries = [acceptable(query) for query in targets]
        self._launched = launched
        self._namer = namer
        self._command = worker_command
        self._addresses = dict(addresses or {})
        self._anchor = launched.anchor_ns if launched is not None else time.time_ns() - time.monotonic_ns()
        self._link: Link | None = None
        self._records: dict[int, TargetRecord] = {}
        self._by_wire: dict[int, TargetRecord] = {}
        self._next_number = 1
        self._next_wire = 1
        self._worker: WorkerState = "starting"
        self._note: str | None = None
        self._restarts = 0
        self._restart_times: deque[float] = deque()
        self._counters = Counters()
        self._user: str | None = None
        self._changes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._surveys: list[asyncio.Future[Surveyed]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeds = Feeds()
        self._closed = False

    # --- life -------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        launched = self._launched
        if launched is None:
            try:
                launched = launch(command=self._command, anchor_ns=self._anchor)
            except OSError as error:
                raise WorkerFailed(f"the probe worker cannot be started: {clean(str(error))}") from None
        self._launched = None
        self._link = Link(launched, self._heard, self._ended)
        begun = deque(launched.begun)
        self._next_wire = len(begun) + 1
        for query in self._queries:
            if begun and begun[0][0] == query:
                self._adopt(query, begun.popleft()[1])
            else:
                self._add(query, self._default)
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
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._link is not None:
            await self._link.close()
        if self._launched is not None:
            self._launched.close()
        if self._namer is not None:
            await self._namer.close()
        for record in self._records.values():
            self._say_end(record)
        self._feeds.close()
        for survey in self._surveys:
            survey.cancel()
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

    def snapshot(self) -> Snapshot:
        """The whole session at this moment. Cheap; parts that did not change are the same objects as before."""
        return Snapshot(
            tuple(record.snapshot(self._namer) for record in self._records.values()),
            self._worker,
            self._note,
            self._restarts,
            self._counters,
            self._user,
            self.now,
        )

    async def changed(self, version: int | None = None) -> int:
        """Wait until the version is another one than `version` (None: than now); the new one. A change of names alone
        is noticed within a quarter of a second."""
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

    def events(self) -> AsyncIterator[SessionEvent]:
        """Typed events from now on, for as many consumers as there are; it ends with the session. One that falls more
        than `feeds.DEEPEST` events behind gets `feeds.TooSlow` where the gap would be."""
        return self._feeds.subscribe()

    async def finished(self) -> None:
        """Wait until every target's rounds are over (or it could not be probed). `WorkerFailed` where the worker
        could not be kept alive."""
        while not self._closed:
            version = self.version
            if self._worker == "failed":
                raise WorkerFailed(self._note or "the probe worker failed")
            if all(record.is_over for record in self._records.values()):
                return
            await self.changed(version)

    async def survey(self) -> Surveyed:
        """Which methods this machine allows this user. `WorkerFailed` where the worker cannot say."""
        future: asyncio.Future[Surveyed] = asyncio.get_running_loop().create_future()
        self._surveys.append(future)
        self._tell(Survey())
        while not future.done():
            if self._worker == "failed":
                raise WorkerFailed(self._note or "the probe worker failed")
            version = self.version
            if not future.done():
                await self.changed(version)
        return future.result()

    # --- what can be changed ----------------------------------------------------------------------------------

    def add(self, query: str, probing: Probing | None = None) -> int:
        """Probe one more target; its number. A name is resolved in the background. `ValueError` as in the
        constructor."""
        return self._add(acceptable(query), probing if probing is not None else self._default)

    def remove(self, target: int) -> None:
        """Stop probing a target and forget it."""
        record = self._records.pop(target)
        self._drop_flow(record)
        self._say_end(record)
        self._bump()

    def pause(self, target: int | None = None) -> None:
        """Send no new probes to a target (None: to any)."""
        for record in self._chosen(target):
            record.paused = True
            if record.state == "running":
                record.state = "paused"
            if record.wire:
                self._tell(Pause(record.wire))
        self._bump()

    def resume(self, target: int | None = None) -> None:
        """Probe again, with a new round at once."""
        for record in self._chosen(target):
            record.paused = False
            if record.state == "paused":
                record.state = "running"
            if record.wire:
                self._tell(Resume(record.wire))
        self._bump()

    def reset(self, target: int | None = None) -> None:
        """Begin the statistics of a target (None: of all) anew."""
        for record in self._chosen(target):
            record.fold.reset(self.now)
        self._bump()

    def probing(self, target: int) -> Probing:
        """How a target is probed now."""
        return self._records[target].probing

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
        import msgspec

        record = self._records[target]
        change = Adjust(
            record.wire,
            None if interval_s is None else nanos(interval_s),
            None if timeout_s is None else nanos(timeout_s),
            first_ttl,
            max_ttl,
            max_unknown,
        )
        if record.plan is not None:
            record.plan = check_adjust(change, record.plan)
        values = {
            "interval_s": interval_s,
            "timeout_s": timeout_s,
            "first_ttl": first_ttl,
            "max_ttl": max_ttl,
            "max_unknown": max_unknown,
        }
        given = {name: value for name, value in values.items() if value is not None}
        record.probing = msgspec.structs.replace(record.probing, **given)
        if record.wire:
            self._tell(change)
        self._bump()

    def restart(self, target: int, probing: Probing) -> None:
        """Probe a target in another way (protocol, port, size, method …): a new flow, statistics anew."""
        record = self._records[target]
        old = record.probing
        record.probing = probing
        self._drop_flow(record)
        if record.address is not None and probing.family == old.family:
            self._start(record, record.address)
        else:
            self._resolve(record)
        self._bump()

    # --- targets ----------------------------------------------------------------------------------------------

    def _chosen(self, target: int | None) -> list[TargetRecord]:
        return list(self._records.values()) if target is None else [self._records[target]]

    def _new_record(self, query: str, probing: Probing) -> TargetRecord:
        record = TargetRecord(self._next_number, clean(query), probing)
        self._records[record.number] = record
        self._next_number += 1
        self._bump()
        return record

    def _adopt(self, query: str, plan: Plan) -> None:
        record = self._new_record(query, self._default)
        wire = record.number
        record.begin(wire, plan)
        self._by_wire[wire] = record

    def _add(self, query: str, probing: Probing) -> int:
        record = self._new_record(query, probing)
        known = self._addresses.get(query)
        if known is not None:
            self._start(record, known)
        else:
            self._resolve(record, query)
        return record.number

    def _resolve(self, record: TargetRecord, query: str | None = None) -> None:
        record.state = "resolving"
        record.error = None
        task = asyncio.get_running_loop().create_task(self._resolved(record, query or record.query))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resolved(self, record: TargetRecord, query: str) -> None:
        family = record.probing.family
        try:
            address = await in_background(lambda: resolve(query, family))
        except Unresolvable as why:
            record.state = "unresolved"
            record.error = str(why)
        else:
            if self._records.get(record.number) is record:
                self._start(record, address)
        self._bump()

    def _start(self, record: TargetRecord, address: str) -> None:
        try:
            plan = plan_of(record.probing, address)
        except ValueError as why:
            record.address = address
            record.state = "refused"
            record.refusal = Refused(0, "unsupported", str(why))
            self._bump()
            return
        record.begin(self._new_wire(record), plan)
        self._begin(record, plan)

    def _new_wire(self, record: TargetRecord) -> int:
        wire = self._next_wire
        self._next_wire += 1
        self._by_wire[wire] = record
        return wire

    def _begin(self, record: TargetRecord, plan: Plan) -> None:
        self._tell(Start(record.wire, plan))
        if record.paused:
            self._tell(Pause(record.wire))

    def _drop_flow(self, record: TargetRecord) -> None:
        if record.wire:
            self._by_wire.pop(record.wire, None)
            self._tell(Stop(record.wire))
            record.wire = 0

    # --- the worker -------------------------------------------------------------------------------------------

    def _tell(self, command: Command) -> None:
        if self._link is not None:
            self._link.tell([command])

    def _heard(self, messages: list[Event | Garbage]) -> None:
        fed = self._feeds.wanted
        for message in messages:
            if isinstance(message, (Welcome, Counters, Surveyed, Problem, Garbage)):
                self._heard_of_worker(message)
                continue
            record = self._by_wire.get(message.target)
            if record is None:
                continue  # of a flow that was stopped
            if isinstance(message, Stopped):
                continue
            if isinstance(message, Finished):
                record.state = "finished"
                self._say_end(record)
                continue
            record.apply(message)
            if isinstance(message, Started):
                self._say_start(record)
            elif isinstance(message, Refused):
                self._by_wire.pop(message.target, None)
            elif fed and isinstance(message, (Answered, Lost, Failed)):
                self._feeds.put(probe_event(record.address or record.query, message))
        self._bump()

    def _heard_of_worker(self, message: Welcome | Counters | Surveyed | Problem | Garbage) -> None:
        if isinstance(message, Welcome):
            self._worker = "running"
            self._note = None
            self._user = clean(message.user)
        elif isinstance(message, Counters):
            self._counters = message
        elif isinstance(message, Surveyed):
            for survey in self._surveys:
                if not survey.done():
                    survey.set_result(message)
            self._surveys.clear()
        elif isinstance(message, Problem):
            self._note = f"the probe worker says: {clean(message.message)}"
        else:
            self._note = f"the probe worker said something unintelligible: {clean(message.reason)}"

    def _ended(self) -> None:
        if self._closed:
            return
        self._worker = "restarting"
        self._note = "the probe worker ended; it is being started again"
        now = self.now
        for record in self._records.values():
            if not record.is_over:
                record.fold.abandon(now, "the probe worker ended while this probe was in flight")
        self._bump()
        task = asyncio.get_running_loop().create_task(self._start_again())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start_again(self) -> None:
        assert self._link is not None
        code, words = await self._link.close()
        ended = f"exit status {code}" if code >= 0 else f"signal {-code}"
        why = f"the probe worker ended ({ended}{': ' + clean(words) if words else ''})"
        times = self._restart_times
        now = time.monotonic()
        while times and now - times[0] > RESTARTS_WITHIN_S:
            times.popleft()
        if len(times) >= MOST_RESTARTS:
            self._worker = "failed"
            self._note = f"{why}, {len(times) + 1} times within a minute"
            self._bump()
            return
        await asyncio.sleep(BACKOFF_S[len(times)])
        times.append(now)
        self._restarts += 1
        self._note = f"{why}; started again"
        try:
            launched = launch(command=self._command, anchor_ns=self._anchor)
        except OSError as error:
            self._worker = "failed"
            self._note = f"{why}, and cannot be started again: {clean(str(error))}"
            self._bump()
            return
        self._link = Link(launched, self._heard, self._ended)
        self._by_wire.clear()
        for record in self._records.values():
            if record.wire and not record.is_over and record.plan is not None:
                plan = record.continued()
                if plan is None:
                    record.state = "finished"
                    self._say_end(record)
                    continue
                record.wire = self._new_wire(record)
                self._begin(record, plan)
        self._bump()

    # --- those who wait ---------------------------------------------------------------------------------------

    def _bump(self) -> None:
        self._changes += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def _say_start(self, record: TargetRecord) -> None:
        facts, plan = record.facts, record.plan
        if record.announced or facts is None or plan is None:
            return
        record.announced = True
        self._feeds.put(
            StartEvent(
                target=plan.address,
                query=record.query,
                source=facts.source,
                protocol=plan.protocol,
                method=facts.method,
                family=plan.family,
                port=facts.port,
                interval_s=plan.interval_ns / 1e9,
                timeout_s=plan.timeout_ns / 1e9,
                packet_size=facts.packet_size,
                tos=plan.tos,
                flow=facts.flow,
                started=iso(self.now),
            )
        )

    def _say_end(self, record: TargetRecord) -> None:
        if record.announced:
            record.announced = False
            path = record.fold.snapshot()
            self._feeds.put(EndEvent(target=record.address or record.query, rounds=path.rounds, reached=path.reached))


__all__ = ["EndEvent", "ProbeEvent", "Session", "SessionEvent", "StartEvent", "WorkerFailed"]
