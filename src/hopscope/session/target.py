"""One target of a session: what is asked for, what the worker said of it, and its path so far."""

from __future__ import annotations

import msgspec

from hopscope.names.facts import NameFacts, Namer
from hopscope.path.fold import PathFold
from hopscope.session.model import Probing, Target, TargetState
from hopscope.wire.messages import (
    Event,
    Plan,
    Refused,
    RoundStarted,
    Started,
)


class TargetRecord:
    """Mutable; `snapshot` gives the immutable picture of it."""

    def __init__(self, number: int, query: str, probing: Probing) -> None:
        self.number = number
        self.wire = 0
        """The worker's number for the flow that is under way; a new flow gets a new one. 0: none."""
        self.query = query
        self.probing = probing
        self.state: TargetState = "resolving"
        self.address: str | None = None
        self.plan: Plan | None = None
        self.facts: Started | None = None
        self.refusal: Refused | None = None
        self.error: str | None = None
        self.paused = False
        self.announced = False
        self.last_round = -1
        self.fold = PathFold("")
        self._cached: Target | None = None
        self._cached_of: tuple[object, ...] = ()

    @property
    def is_over(self) -> bool:
        """Nothing more will be heard of it without a new command."""
        return self.state in ("finished", "refused", "unresolved")

    def begin(self, wire: int, plan: Plan) -> None:
        """A new flow, statistics anew."""
        self.wire = wire
        self.plan = plan
        self.address = plan.address
        self.state = "starting"
        self.facts = self.refusal = self.error = None
        self.announced = False
        self.last_round = plan.first_round - 1
        self.fold = PathFold(plan.address, plan.protocol, plan.first_ttl)

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
            self.facts = event
            self.state = "paused" if self.paused else "running"
        elif isinstance(event, Refused):
            self.refusal = event
            self.state = "refused"
            self.wire = 0
        else:
            self.fold.apply(event)

    def snapshot(self, namer: Namer | None) -> Target:
        """The target at this moment; the same object as before where nothing changed."""
        key = (
            self.fold.version,
            id(self.fold),
            self.state,
            self.facts,
            self.error,
            self.plan,
            namer.version if namer is not None else 0,
        )
        if self._cached is None or key != self._cached_of:
            path = self.fold.snapshot()
            names: dict[str, NameFacts] = {}
            if namer is not None:
                for hop in path.hops:
                    for node in hop.nodes:
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
            )
            self._cached_of = key
        return self._cached
