"""The targets of a session: each is brought from what was typed to a flow in the worker, and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from hopscope.names.clean import clean
from hopscope.path.log import MOST_BYTES
from hopscope.session.errors import Unresolvable
from hopscope.session.events import SessionEvent
from hopscope.session.facts import Asked, Removed, SessionFact, TargetFact
from hopscope.session.model import Probing
from hopscope.session.plans import numeric, plan_of
from hopscope.session.resolve import resolve, unanswered
from hopscope.session.retries import TARGET_PAUSES_S, Retries
from hopscope.session.target import TargetRecord, planned_s
from hopscope.system.background import Inquiries
from hopscope.wire.facts import Abandoned, Begun, Continued, Found, Paused, Resumed, Unresolved
from hopscope.wire.messages import Pause, Plan, Refused, Resume, Start, Stop

ASIDE_S: Final = 60.0
"""For so long a target that was set aside can be brought back."""
_LOOKUPS: Final = 16
"""Look up at most this many targets' names at once."""
LOOKUP_S: Final = 10.0
"""After this a look-up counts as not answered, as it mostly does for the system's resolver. If it comes back later, the
next try has its answer."""


class Targets:
    """The records of a session, by number and by flow. For the loop in which a target is added first."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        first_flow_id: int = 1,
        *,
        now: Callable[[], int],
        tell: Callable[..., None],
        say: Callable[[SessionEvent | None], None],
        changed: Callable[[], None],
        on_fact: Callable[[int, SessionFact], None] | None = None,
    ) -> None:
        """`addresses` saves looking a target up; `first_flow_id`: the worker has the flows before it; `now` is epoch ns
        on the session's time line; `tell` sends commands to the worker; `say` tells consumers of events (None:
        there is nothing to tell); `changed` is called after what happened by itself; `on_fact` gets each fact with the
        target's number."""
        self._addresses = dict(addresses)
        self._now = now
        self._tell = tell
        self._say = say
        self._changed = changed
        self._on_fact = on_fact
        self.on_drop: Callable[[int], None] = lambda number: None
        """Is handed the number of a target whose flow is probed no more."""
        self._records: dict[int, TargetRecord] = {}
        self._aside: dict[int, tuple[TargetRecord, bool, asyncio.TimerHandle]] = {}
        """Removed just now: the record, whether it was paused, and when it is forgotten."""
        self._by_flow_id: dict[int, TargetRecord] = {}
        self._next_number = 1
        self._next_flow_id = first_flow_id
        self._lookups = asyncio.Semaphore(_LOOKUPS)
        self._inquiries = Inquiries()
        self._closed = False

    def __iter__(self) -> Iterator[TargetRecord]:
        return iter(list(self._records.values()))

    def __getitem__(self, number: int) -> TargetRecord:
        """`KeyError` where there is none of this number."""
        return self._records[number]

    def get(self, number: int) -> TargetRecord | None:
        """The target of this number; None: there is none, or no more."""
        return self._records.get(number)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._records)

    def chosen(self, number: int | None) -> list[TargetRecord]:
        """One (`KeyError`), or all where `number` is None."""
        return list(self._records.values()) if number is None else [self._records[number]]

    def of_flow(self, flow_id: int) -> TargetRecord | None:
        """Whose flow the worker speaks of; None where that flow was stopped."""
        return self._by_flow_id.get(flow_id)

    def apply(self, record: TargetRecord, fact: TargetFact) -> None:
        """The one way in which anything about a target changes."""
        record.fold.apply(fact)
        if self._on_fact is not None:
            self._on_fact(record.number, fact)

    # --- asked for --------------------------------------------------------------------------------------------

    def add(self, query: str, probing: Probing) -> TargetRecord:
        """One more target, on its way. `ValueError` where what was typed can be no target."""
        record = self._new_record(query, probing)
        self._find(record)
        return record

    def adopt(self, query: str, probing: Probing, flow_id: int, plan: Plan) -> None:
        """A target whose flow was begun before there was a session."""
        record = self._new_record(query, probing)
        self.apply(record, Begun(self._now(), plan))
        record.flow_id = flow_id
        self._by_flow_id[flow_id] = record

    def remove(self, number: int) -> None:
        """Stop probing it and forget it. `KeyError`."""
        self._forget(self._records.pop(number))

    def _forget(self, record: TargetRecord) -> None:
        self._drop_flow(record)
        self._share_memory()
        if self._on_fact is not None:
            self._on_fact(record.number, Removed(self._now()))

    def set_aside(self, number: int) -> None:
        """Remove it, in a way that can be taken back for `ASIDE_S`. `KeyError`."""
        record = self._records.pop(number)
        was_paused = record.fold.is_paused
        if not was_paused:
            self.apply(record, Paused(self._now()))
            if record.flow_id:
                self._tell(Pause(record.flow_id))
        timer = asyncio.get_running_loop().call_later(ASIDE_S, self._forget_aside, number)
        self._aside[number] = record, was_paused, timer

    def bring_back(self, number: int) -> TargetRecord | None:
        """The target that was set aside, as it was; None where it is forgotten."""
        record, was_paused, timer = self._aside.pop(number, (None, False, None))
        if record is None or timer is None:
            return None
        timer.cancel()
        self._records = dict(sorted([*self._records.items(), (number, record)]))
        self._share_memory()
        if not was_paused:
            self.apply(record, Resumed(self._now()))
            if record.flow_id in self._by_flow_id:
                self._tell(Resume(record.flow_id))
        if record.flow_id and record.flow_id not in self._by_flow_id:  # the worker that had it is gone
            self.apply(record, Abandoned(self._now(), "the probe worker ended while this probe was in flight"))
            self.go_on(record)
        return record

    def _forget_aside(self, number: int) -> None:
        record, _, timer = self._aside.pop(number)
        timer.cancel()
        self._forget(record)

    def take_back(self, record: TargetRecord) -> bool:
        """Take its last reset, or its last other way of probing, back. False: it is too late for that."""
        fact = record.fold.taken_back(self._now())
        if fact is None:
            return False
        if fact.plan is not None:
            self._drop_flow(record)
            record.retries = Retries(TARGET_PAUSES_S, planned_s(record.fold.probing))
        self.apply(record, fact)
        if fact.plan is not None:
            self._open(record, fact.plan)
        return True

    def restart(self, record: TargetRecord, probing: Probing) -> None:
        """A new flow in another way, with statistics anew."""
        fold = record.fold
        is_same_address = probing.family == fold.probing.family
        self._drop_flow(record)
        record.retries = Retries(TARGET_PAUSES_S, planned_s(probing))
        self.apply(record, Asked(self._now(), fold.wanted_as_typed, probing))
        if fold.address is not None and is_same_address:
            self._start(record, fold.address)
        else:
            self._find(record)

    async def close(self) -> None:
        """Nothing is looked up or tried again any more."""
        self._closed = True
        for number in list(self._aside):
            self._forget_aside(number)
        for record in self._records.values():
            record.drop_retry()
        tasks = [record.resolving for record in self._records.values() if record.resolving is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _new_record(self, query: str, probing: Probing) -> TargetRecord:
        asked = Asked(self._now(), query, probing)
        record = TargetRecord(self._next_number, asked)
        self._records[record.number] = record
        self._share_memory()
        self._next_number += 1
        if self._on_fact is not None:
            self._on_fact(record.number, asked)
        self._changed()
        return record

    def _share_memory(self) -> None:
        """What may be kept of the past is shared equally."""
        kept = [*self._records.values(), *(record for record, _, _ in self._aside.values())]
        for record in kept:
            record.fold.past.bound(MOST_BYTES // len(kept))

    # --- looked up --------------------------------------------------------------------------------------------

    def _find(self, record: TargetRecord) -> None:
        """From what was asked for to an address, and there we go."""
        fold = record.fold
        host, family = fold.wanted.host, fold.probing.family
        known = self._addresses.get(host)
        if known is not None and family in (None, 6 if ":" in known else 4):
            self._start(record, known)
        elif fold.probing.method == "simulated" and numeric(host) is None:
            names = ", ".join(list(self._addresses)[:3])
            known = f"its names are {names}" if names else "but by addresses"
            why = f"{fold.query}: the demo network has no such name; {known}"
            self.apply(record, Unresolved(self._now(), why))
        elif numeric(host) is not None:
            try:
                self._start(record, resolve(host, fold.probing))
            except Unresolvable as why:
                self.apply(record, Unresolved(self._now(), str(why)))
        elif record.resolving is None:
            record.resolving = asyncio.get_running_loop().create_task(self._resolve(record))

    async def _resolve(self, record: TargetRecord) -> None:
        host, probing = record.fold.wanted.host, record.fold.probing
        record.retries.begun(asyncio.get_running_loop().time())
        try:
            async with self._lookups:
                address = await self._looked_up(host, probing)
        except Unresolvable as why:
            record.resolving = None
            self.apply(record, Unresolved(self._now(), str(why), why.is_temporary))
            self.try_later(record)
        else:
            record.resolving = None
            self._start(record, address)
        self._changed()

    async def _looked_up(self, host: str, probing: Probing) -> str:
        question = host, probing.family, probing.source, probing.interface
        try:
            return await self._inquiries.ask(question, lambda: resolve(host, probing), LOOKUP_S)
        except TimeoutError:
            raise unanswered(host) from None

    @property
    def waits_for_names_alone(self) -> bool:
        """Some were probed to their end, and whatever is not over has no address yet."""
        records = self._records.values()
        return any(record.is_over and record.fold.has_rounds for record in records) and all(
            record.is_over or record.fold.phase in ("resolving", "unresolved") for record in records
        )

    def give_up_names(self) -> None:
        """What has no address yet gets none, unless that is asked for again."""
        for record in self._records.values():
            if record.is_over or record.fold.phase not in ("resolving", "unresolved"):
                continue
            record.drop_retry()
            if record.resolving is not None:
                record.resolving.cancel()
                record.resolving = None
            if record.fold.phase == "resolving":
                why = unanswered(record.fold.wanted.host)
                self.apply(record, Unresolved(self._now(), str(why), why.is_temporary))
        self._changed()

    def try_later(self, record: TargetRecord) -> None:
        """It could not be started: try again by itself, for as long as that makes sense."""
        loop = asyncio.get_running_loop()
        pause = record.retries.failed(loop.time())
        if pause is not None and not self._closed:
            record.retry = loop.call_later(pause, self.try_now, record)

    def try_now(self, record: TargetRecord) -> None:
        """Try again what could not be started, unless that is under way."""
        record.drop_retry()
        if record.flow_id or record.resolving is not None:
            return
        if record.fold.phase == "unresolved":
            self._find(record)
        elif record.fold.plan is not None:
            self.go_on(record)

    # --- probed -----------------------------------------------------------------------------------------------

    def _start(self, record: TargetRecord, address: str) -> None:
        self.apply(record, Found(self._now(), address))
        try:
            plan = plan_of(record.fold.probing, address, record.fold.wanted.port)
        except ValueError as why:
            self.apply(record, Refused(0, "unsupported", clean(str(why))))
        else:
            self.begin(record, plan)
        self._changed()

    def begin(self, record: TargetRecord, plan: Plan, instead_of: Refused | None = None) -> None:
        """Probe it by a plan, perhaps in the place of one that was refused."""
        self.apply(record, Begun(self._now(), plan, instead_of))
        self._open(record, plan)

    def go_on(self, record: TargetRecord) -> bool:
        """Probe on with a new flow and the same statistics. False: all rounds were begun."""
        plan = record.fold.continued()
        if plan is None:
            return False
        self.apply(record, Continued(self._now(), plan))
        self._open(record, plan)
        return True

    def _open(self, record: TargetRecord, plan: Plan) -> None:
        flow_id = record.flow_id = self._next_flow_id
        self._next_flow_id += 1
        self._by_flow_id[flow_id] = record
        self._tell(Start(flow_id, plan), *([Pause(flow_id)] if record.fold.is_paused else []))

    def _drop_flow(self, record: TargetRecord) -> None:
        record.drop_retry()
        if record.resolving is not None:
            record.resolving.cancel()
            record.resolving = None
        if record.flow_id:
            self._by_flow_id.pop(record.flow_id, None)
            self._tell(Stop(record.flow_id))
            record.flow_id = 0
            self.on_drop(record.number)
        self._say(record.ended())

    def forget_flow(self, record: TargetRecord) -> None:
        """The worker has no such flow any more."""
        self._by_flow_id.pop(record.flow_id, None)
        record.flow_id = 0

    def forget_flows(self) -> None:
        """The worker that had them is gone; what was probed keeps its number until it goes on."""
        self._by_flow_id.clear()
