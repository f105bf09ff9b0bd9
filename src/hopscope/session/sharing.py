"""Routers that several targets of a session ask in turn, and what one's probes there tell the others.

A target that has its turn once in forty rounds would know its first hops too seldom to say where trouble begins. So
what any target's probe meets at a shared router is told to each of the others as a fact of its own (`Shared`), as a
probe of the round that it has under way. Only where the budget binds: else each probes it often enough itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from hopscope.session.target import TargetRecord
from hopscope.wire.facts import Shared
from hopscope.wire.messages import Answered, Duplicate, Event, Failed, Late, Lost, Sent

_MOST_FLYING: Final = 65_536
_Place: TypeAlias = tuple[int, int]
"""Target and TTL."""


class _Shared:
    """A router, and at which targets' hops it stands."""

    __slots__ = ("address", "places")

    def __init__(self, address: str) -> None:
        self.address = address
        self.places: dict[_Place, TargetRecord] = {}

    @property
    def targets(self) -> int:
        """How many have it."""
        return len({number for number, _ in self.places})

    @property
    def binds(self) -> bool:
        """Whether all of them together would ask more often than one of them wants it to be asked."""
        if len(self.places) < 2:
            return False
        probings = [record.fold.probing for record in self.places.values()]
        budgets = [probing.budget for probing in probings if probing.budget > 0]
        return bool(budgets) and sum(1 / probing.interval_s for probing in probings) > min(budgets) and self.targets > 1


class Sharing:
    """Who shares what. It hears each event of each target, after the target's own fold has."""

    def __init__(self, tell: Callable[[TargetRecord, Shared], None]) -> None:
        """`tell` is handed what a target is to be told."""
        self._tell = tell
        self._routers: dict[str, _Shared] = {}
        self._at: dict[_Place, _Shared] = {}
        self._rounds: dict[_Place, int] = {}
        """The round of a hop's newest probe of its own."""
        self._flying: dict[tuple[int, int, int], list[tuple[TargetRecord, int, Shared]]] = {}
        """By target, round and TTL of a probe, who was told that it left, in which flow of theirs."""

    def heard(self, record: TargetRecord, event: Event) -> None:
        """An event of a target's."""
        if isinstance(event, Sent):
            self._sent(record, event)
        elif isinstance(event, Answered):
            if not isinstance(event, (Late, Duplicate)):
                self._settle(record, event)
                if event.kind != "time-exceeded":
                    self._leave((record.number, event.ttl))
                elif self._place(record, event.ttl, event.address):
                    self._sent(record, Sent(0, event.round, event.ttl, event.sent_at), event)
                    self._settle(record, event)
        elif isinstance(event, (Lost, Failed)):
            self._settle(record, event)

    # --- who stands where -----------------------------------------------------------------------------------------

    def _place(self, record: TargetRecord, ttl: int, address: str) -> bool:
        """A hop is this router's; whether that is news."""
        place = record.number, ttl
        before = self._at.get(place)
        if before is not None and before.address == address:
            return False
        self._leave(place)
        router = self._routers.get(address)
        if router is None:
            router = self._routers[address] = _Shared(address)
        router.places[place] = record
        self._at[place] = router
        return True

    def _leave(self, place: _Place) -> None:
        router = self._at.pop(place, None)
        self._rounds.pop(place, None)
        if router is None:
            return
        self._tell_alone(place, router)
        del router.places[place]
        if not router.places:
            del self._routers[router.address]
        elif router.targets == 1:
            for other in router.places:
                self._tell_alone(other, router)

    def _tell_alone(self, place: _Place, router: _Shared) -> None:
        record = router.places[place]
        if record.flow_id and record.fold.shared.has(place[1]):
            self._tell(record, Shared(0, place[1], router.address, 1))

    # --- what is told ---------------------------------------------------------------------------------------------

    def _sent(self, record: TargetRecord, sent: Sent, answer: Answered | None = None) -> None:
        """A probe left; `answer`: and it was the first to find that router."""
        place = record.number, sent.ttl
        router = self._at.get(place)
        if router is None:
            return
        self._rounds[place] = sent.round
        if len(router.places) < 2:
            return
        for gone in [other for other, its in router.places.items() if not its.flow_id]:
            self._leave(gone)
        if not router.binds or len(self._flying) >= _MOST_FLYING:
            return
        told: list[tuple[TargetRecord, int, Shared]] = []
        targets = router.targets
        if not record.fold.shared.has(sent.ttl):
            self._tell(record, Shared(sent.sent_at, sent.ttl, router.address, targets, answer))
        for other, its in router.places.items():
            fold = its.fold
            if other[0] == record.number or fold.phase != "running" or fold.is_paused or not fold.has_rounds:
                continue
            if self._rounds.get(other) == fold.last_round:
                continue  # it asks itself in this round
            probe = Sent(0, fold.last_round, other[1], sent.sent_at)
            told.append((its, its.flow_id, Shared(sent.sent_at, other[1], router.address, targets, probe)))
        for its, _, fact in told:
            self._tell(its, fact)
        if told:
            self._flying[record.number, sent.round, sent.ttl] = told

    def _settle(self, record: TargetRecord, fate: Answered | Lost | Failed) -> None:
        for its, flow_id, fact in self._flying.pop((record.number, fate.round, fate.ttl), ()):
            if its.flow_id != flow_id or fact.probe is None:
                continue  # it is probed in another way by now, with rounds of its own
            probe: Answered | Lost | Failed
            if isinstance(fate, Failed) or (isinstance(fate, Answered) and fate.address != fact.address):
                # It says nothing of that router: the round need not wait for it any more.
                probe = Failed(0, fact.probe.round, fact.ttl, fate.sent_at, "MOVED", "another target's probe")
            else:
                probe = replace(fate, target=0, round=fact.probe.round, ttl=fact.ttl)
            self._tell(its, replace(fact, probe=probe))
