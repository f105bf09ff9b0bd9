"""One target of a session: what is asked for, what the worker said of it, and its path so far."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, TypeVar

import msgspec

from hopscope.names.clean import clean
from hopscope.names.facts import NameFacts, Namer
from hopscope.path.fold import PathFold
from hopscope.session.events import EndEvent, MarkEvent, StartEvent, iso, source_mark
from hopscope.session.hostname import ascii_name
from hopscope.session.model import Probing, Target, TargetState
from hopscope.session.plans import fallback_plan
from hopscope.session.query import read_query
from hopscope.session.remedy import runnable
from hopscope.session.retries import TARGET_PAUSES_S, Retries
from hopscope.wire.messages import Event, Plan, Refused, RoundStarted, SourceChanged, Started

S = TypeVar("S", Started, Refused, SourceChanged)

_MOST_WORDS: Final = 500

NAMED_AT_ONCE: Final = 8
"""Addresses of a hop that are looked up when they are first seen; a further one must have answered twice, which an
address that was made up for one answer does not."""


class TargetRecord:
    """Mutable; `snapshot` gives the immutable picture of it."""

    def __init__(self, number: int, query: str, probing: Probing) -> None:
        """`query`: as it was typed. `ValueError` where that can be no target."""
        self.number = number
        self.wire = 0
        """The worker's number for the flow that is under way; a new flow gets a new one. 0: none."""
        self.wanted = read_query(query)
        """Whom to look up, and the port that stood beside it."""
        self.query = clean(self.wanted.host)
        self.probe_as(probing)
        self.state: TargetState = "resolving"
        self.address: str | None = None
        self.plan: Plan | None = None
        self.facts: Started | None = None
        self.refusal: Refused | None = None
        self.error: str | None = None
        self.fell_back: Refused | None = None
        """Why ICMP was refused, where UDP is probed in its place."""
        self.before: Started | None = None
        """How it was probed by the worker before this one, until this one has said how it is now."""
        self.went_over: str | None = None
        """From which round on it is probed in another way, in words."""
        self.paused = False
        self.resolving: asyncio.Task[None] | None = None
        self.source_change: SourceChanged | None = None
        self.is_worth_waiting_for = False
        """What kept it from starting may well pass: no route, no name server."""
        self.retry: asyncio.TimerHandle | None = None
        """Of the next try, where it could not be started."""
        self.head: StartEvent | None = None
        """What consumers of events were told when the flow began; None: nothing yet, or its end as well."""
        self.last_round = -1
        self.fold = PathFold("")
        self._cached: Target | None = None
        self._cached_of: tuple[object, ...] = ()

    @property
    def is_over(self) -> bool:
        """Nothing more will be heard of it without a new command, as far as anybody should wait for that."""
        if self.state in ("refused", "unresolved"):
            return not (self.is_worth_waiting_for and self.is_tried_again)
        return self.state == "finished"

    @property
    def is_tried_again(self) -> bool:
        """It could not be started, and will be tried again, or is right now."""
        trying = self.retry is not None or self.wire != 0 or self.resolving is not None
        return self.state in ("refused", "unresolved") and trying

    def probe_as(self, probing: Probing) -> None:
        """How it is to be probed from now on."""
        self.probing = probing
        # One that does not start is tried for as long as its rounds would have taken.
        self.retries = Retries(TARGET_PAUSES_S, planned_s(probing))

    @property
    def has_begun_all_rounds(self) -> bool:
        """Whether no further round follows the one under way."""
        plan = self.plan
        return plan is not None and plan.rounds is not None and self.last_round + 1 >= plan.first_round + plan.rounds

    def begin(self, wire: int, plan: Plan) -> None:
        """A new flow, statistics anew."""
        self.wire = wire
        self.plan = plan
        self.address = plan.address
        self.state = "starting"
        self.facts = self.refusal = self.error = self.source_change = None
        self.fell_back = self.before = self.went_over = None
        self.last_round = plan.first_round - 1
        self.fold = PathFold(plan.address, plan.protocol, plan.first_ttl)

    def refuse(self, address: str, refusal: Refused) -> None:
        """It cannot be probed."""
        self.wire = 0
        self.address = address
        self.state = "refused"
        if not self.has_rounds:
            self.facts = None
        self.error = None
        self.refusal = refusal
        self.is_worth_waiting_for = refusal.reason == "no-route"

    def unresolve(self, why: str, *, is_temporary: bool = False) -> None:
        """It leads nowhere."""
        self.state = "unresolved"
        self.facts = self.refusal = None
        self.error = why
        self.is_worth_waiting_for = is_temporary

    def drop_retry(self) -> None:
        """No further try is due by itself."""
        if self.retry is not None:
            self.retry.cancel()
            self.retry = None

    @property
    def has_rounds(self) -> bool:
        """Whether something was measured already."""
        return self.plan is not None and self.last_round >= self.plan.first_round

    def continued(self) -> Plan | None:
        """The plan with which a new worker goes on after the rounds that were begun; None: they all were."""
        assert self.plan is not None
        rounds = self.plan.rounds
        first = self.last_round + 1
        if rounds is not None:
            rounds -= first - self.plan.first_round
            if rounds <= 0:
                return None
        return msgspec.structs.replace(self.plan, first_round=first, rounds=rounds)

    def apply(self, event: Event) -> None:
        """An event of this target's flow."""
        if isinstance(event, RoundStarted):
            self.last_round = max(self.last_round, event.round)
            self.fold.apply(event)
        elif isinstance(event, Started):
            self.facts = _cleaned(event)
            if self.before is not None:
                self.went_over = _change(self.before, self.facts, self.last_round + 1) or self.went_over
                self.before = None
            self.refusal = self.error = None
            self.state = "paused" if self.paused else "running"
            self.retries.succeeded()
        elif isinstance(event, SourceChanged):
            self.source_change = _cleaned(event)
        elif isinstance(event, Refused):
            # Where UDP is refused as well, what was wanted first is what to tell.
            why = self.fell_back if event.reason in ("permission", "unsupported") else None
            self.refuse(self.address or "", why or self.explained(event))
        else:
            self.fold.apply(event)

    def plan_after(self, refusal: Refused) -> Plan | None:
        """The plan that takes the place of one that was refused, with its remaining rounds; None: it stays refused."""
        refused = self.continued() if self.plan is not None else None
        return refused and fallback_plan(self.probing, refused, refusal.reason, self.wanted.port)

    def explained(self, refusal: Refused) -> Refused:
        """`refusal` with safe words, and a remedy that can be pasted into a shell."""
        protocol = self.plan.protocol if self.plan else "icmp"
        safe = _cleaned(refusal)
        return msgspec.structs.replace(safe, remedy=runnable(safe.remedy, protocol, self.wanted.host))

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Target.notes`."""
        notes = [self.went_over] if self.went_over is not None else []
        host, port = self.wanted
        if self.fell_back is not None:
            remedy = self.fell_back.remedy
            how = f"; for ICMP: {remedy}" if remedy else ""
            notes.append(f"ICMP is refused here, so probes are UDP{how}")
        elif port is not None and self.plan is not None and self.plan.protocol == "icmp":
            notes.append(f"ICMP has no port {port}: add -T (TCP) or -u (UDP) to probe it")
        if not host.isascii() and self.address is not None:
            with suppress(ValueError):
                notes.append(f"{self.query} is looked up as {ascii_name(host)}")
        return tuple(notes)

    def begun(self, now: int) -> StartEvent | None:
        """The head to tell consumers of; None where they were told."""
        facts, plan = self.facts, self.plan
        if self.head is not None or facts is None or plan is None:
            return None
        self.head = StartEvent(
            target=plan.address,
            query=self.query,
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
            started=iso(now),
        )
        return self.head

    def moved(self) -> MarkEvent | None:
        """The mark of its last change of source, to tell consumers of; None where they know of no beginning."""
        if self.head is None or self.source_change is None:
            return None
        return source_mark(self.address or self.query, self.source_change)

    def ended(self) -> EndEvent | None:
        """The end to tell consumers of; None where they know of no beginning."""
        if self.head is None:
            return None
        self.head = None
        path = self.fold.snapshot()
        return EndEvent(target=self.address or self.query, rounds=path.rounds, reached=path.reached)

    def snapshot(self, namer: Namer | None) -> Target:
        """The target at this moment; the same object as before where nothing changed."""
        key = (
            self.fold.version,
            id(self.fold),
            self.state,
            self.facts,
            self.refusal,
            self.error,
            self.address,
            self.plan,
            self.fell_back,
            namer.version if namer is not None else 0,
            self.is_tried_again,
            self.source_change,
        )
        if self._cached is None or key != self._cached_of:
            path = self.fold.snapshot()
            names: dict[str, NameFacts] = {}
            if namer is not None:
                for hop in path.hops:
                    for place, node in enumerate(hop.nodes):
                        if place < NAMED_AT_ONCE or node.received > 1:
                            names[node.address] = namer.look_up(node.address)
            self._cached = Target(
                self.number,
                self.query,
                self.state,
                self.address,
                self.plan,
                self.facts,
                self.refusal,
                self.error,
                path,
                names,
                self.notes,
                self.is_tried_again,
                self.source_change,
            )
            self._cached_of = key
        return self._cached


def planned_s(probing: Probing) -> float | None:
    """How long its rounds take; None: they are endless."""
    return None if probing.rounds is None else probing.rounds * probing.interval_s


def _change(before: Started, now: Started, round_: int) -> str | None:
    """What a new worker does otherwise, in words; None where it goes on in the same way."""
    if before.method != now.method:
        way = f"by {now.method}, before by {before.method}"
    elif (before.source_port, before.flow) != (now.source_port, now.flow):
        way = "as another flow"
    else:
        return None
    return f"from round {round_ + 1} on the probes go {way}: the probe worker was started again"


def _cleaned(event: S) -> S:
    """Words of the worker's, as safe to draw as a stranger's."""
    texts = {
        name: clean(text, _MOST_WORDS)
        for name in ("source", "note", "message", "remedy", "before", "after")
        if isinstance(text := getattr(event, name, None), str)
    }
    return msgspec.structs.replace(event, **texts)
