"""Routers that several targets or flows of a session ask in turn, and what a probe there tells the others.

A target that has its turn once in forty rounds would know its first hops too seldom to say where trouble begins. So
what any probe meets at a shared router is told to each target whose first flow goes there, as a fact of its own
(`Shared`), as a probe of the round that it has under way. Only among flows that keep to a budget, and where that binds:
else each flow probes it often enough itself. And only among flows that go there by the same routers: behind a fork,
what one member loses says nothing of another's. And only as long as what both met there can be one router's (`met`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from hopscope.session.met import NOTHING, Met
from hopscope.session.target import TargetRecord
from hopscope.wire.facts import Shared
from hopscope.wire.messages import Answered, Duplicate, Event, Failed, Late, Lost, Sent

_MOST_FLYING: Final = 65_536
_MANY: Final = 8
"""Of so many targets one tells another little of what it hears in all."""
_LOOK_EVERY_NS: Final = 250_000_000
"""Between two looks at who stands at a router, for each `_LOOK_AT` that do: a thousand take longer to go through."""
_LOOK_AT: Final = 100


class _FlowHop(NamedTuple):
    """A hop of a flow."""

    target: int
    flow: int
    ttl: int


class _Router:
    """A router, and at which hops it stands."""

    __slots__ = ("address", "first", "is_bound", "looked_at", "places", "size")

    def __init__(self, address: str) -> None:
        self.address = address
        self.looked_at = 0
        """When it was last looked at who is gone and whether the budget binds, and what came of it."""
        self.size = 0
        self.is_bound = False
        self.places: dict[_FlowHop, TargetRecord] = {}
        self.first: dict[_FlowHop, TargetRecord] = {}
        """Those of the first flows, which hear of the others."""

    @property
    def targets(self) -> int:
        """How many targets have it."""
        return len({place.target for place in self.places})

    @property
    def flows(self) -> int:
        """How many flows, of all targets."""
        return len({place[:2] for place in self.places})

    @property
    def binds(self) -> bool:
        """Whether all of them together would ask more often than it is to be asked."""
        if len(self.places) < 2:
            return False
        probings = [record.fold.probing for record in self.places.values()]
        budgets = [probing.budget for probing in probings if probing.budget > 0]
        return bool(budgets) and sum(1 / probing.interval_s for probing in probings) > min(budgets) and self.flows > 1


class Sharing:
    """Who shares what. It hears each event of each target, after the target's own fold has."""

    def __init__(self, tell: Callable[[TargetRecord, Shared], None]) -> None:
        """`tell` is handed what a target is to be told."""
        self._tell = tell
        self._routers: dict[str, _Router] = {}
        self._at: dict[_FlowHop, _Router] = {}
        self._silent: set[_FlowHop] = set()
        """Hops that were asked and have not answered yet."""
        self._rounds: dict[_FlowHop, int] = {}
        """The round of a hop's newest probe of its own."""
        self._met: dict[_FlowHop, Met] = {}
        """What each hop's own probes met."""
        self._flying: dict[tuple[_FlowHop, int], list[tuple[TargetRecord, int, Shared]]] = {}
        """By the hop and round of a probe, who was told that it left, in which flow of theirs."""

    def heard(self, record: TargetRecord, event: Event) -> None:
        """An event of a target's."""
        if record.fold.probing.budget <= 0:
            return  # it takes no turns
        if not (type(event) is Sent or type(event) is Answered or isinstance(event, (Lost, Failed, Answered))):
            return
        place = _FlowHop(record.number, event.flow, event.ttl)
        if isinstance(event, Sent):
            self._sent(record, place, event)
        elif not isinstance(event, (Late, Duplicate)):
            self._settle(place, event)
            if isinstance(event, Lost):
                if place in self._at:
                    self._meet(place, None)
                else:
                    self._silent.add(place)
            elif isinstance(event, Answered):
                self._silent.discard(place)
                if event.kind != "time-exceeded":
                    self._leave(place)
                    return
                is_news = self._enter(record, place, event.address)
                self._meet(place, event.rtt_ns)
                if is_news:
                    self._sent(record, place, Sent(0, event.round, event.ttl, event.sent_at), event)
                    self._settle(place, event)

    def forget(self, number: int) -> None:
        """This target is probed no more, or in another way: nothing of it is held."""
        for place in [place for place in self._at if place.target == number]:
            self._leave(place)
        self._silent = {place for place in self._silent if place.target != number}
        self._flying = {key: told for key, told in self._flying.items() if key[0].target != number}

    def _meet(self, place: _FlowHop, rtt_ns: int | None) -> None:
        met = self._met.get(place)
        if met is None:
            met = self._met[place] = Met()
        met.add(rtt_ns)

    # --- who stands where -----------------------------------------------------------------------------------------

    def _enter(self, record: TargetRecord, place: _FlowHop, address: str) -> bool:
        """A hop is this router's; whether that is news."""
        before = self._at.get(place)
        if before is not None and before.address == address:
            return False
        self._leave(place)
        router = self._routers.get(address)
        if router is None:
            router = self._routers[address] = _Router(address)
        router.places[place] = record
        if not place.flow:
            router.first[place] = record
        self._at[place] = router
        return True

    def _leave(self, place: _FlowHop) -> None:
        router = self._at.pop(place, None)
        self._rounds.pop(place, None)
        self._met.pop(place, None)
        if router is None:
            return
        self._tell_alone(place, router)
        del router.places[place]
        router.first.pop(place, None)
        if not router.places:
            del self._routers[router.address]
        elif router.flows == 1:
            for other in router.places:
                self._tell_alone(other, router)

    def _tell_alone(self, place: _FlowHop, router: _Router) -> None:
        record = router.places[place]
        if record.flow_id and not place.flow and record.fold.shared.has(place.ttl):
            self._tell(record, Shared(0, place.ttl, router.address, 1, 1))

    # --- what is told ---------------------------------------------------------------------------------------------

    def _sent(self, record: TargetRecord, place: _FlowHop, sent: Sent, answer: Answered | None = None) -> None:
        """A probe left; `answer`: and it was the first to find that router."""
        router = self._at.get(place)
        if router is None:
            return
        self._rounds[place] = sent.round
        if len(router.places) < 2:
            return
        # With many targets there are many places: not to be gone through with each probe.
        pause = _LOOK_EVERY_NS * (1 + len(router.places) // _LOOK_AT)
        if len(router.places) != router.size or not 0 <= sent.sent_at - router.looked_at < pause:
            for gone in [other for other, its in router.places.items() if _is_gone(other, its)]:
                self._leave(gone)
            router.size, router.looked_at, router.is_bound = len(router.places), sent.sent_at, router.binds
        if not router.is_bound or len(self._flying) >= _MOST_FLYING:
            return
        told: list[tuple[TargetRecord, int, Shared]] = []
        targets, flows = router.targets, router.flows
        if not place.flow and not record.fold.shared.has(sent.ttl):
            self._tell(record, Shared(sent.sent_at, sent.ttl, router.address, targets, flows, answer))
        for other, its in router.first.items():
            fold = its.fold
            if other == place or fold.phase != "running" or fold.is_paused or not fold.has_rounds:
                continue
            if _is_gone(other, its):
                continue
            if self._rounds.get(other) == fold.last_round or not self._is_same_way(place, other):
                continue  # it asks itself in this round, or goes there by other routers
            mine, its_own = self._met.get(place, NOTHING), self._met.get(other, NOTHING)
            if not mine.agrees(its_own, is_told_little=targets >= _MANY or place.target == other.target):
                continue  # whoever answers one of them need not be who answers the other
            probe = Sent(0, fold.last_round, other.ttl, sent.sent_at)
            fact = Shared(sent.sent_at, other.ttl, router.address, targets, flows, probe)
            told.append((its, its.flow_id, fact))
        for its, _, fact in told:
            self._tell(its, fact)
        if told:
            self._flying[place, sent.round] = told

    def _is_same_way(self, one: _FlowHop, other: _FlowHop) -> bool:
        """Whether both went by the same routers up to here, as far as both were asked."""
        if one.ttl != other.ttl:
            return False
        for ttl in range(1, one.ttl):
            here, there = one._replace(ttl=ttl), other._replace(ttl=ttl)
            before, its = self._at.get(here), self._at.get(there)
            if before is its:
                continue
            if (before is not None or here in self._silent) and (its is not None or there in self._silent):
                return False
        return True

    def _settle(self, place: _FlowHop, fate: Answered | Lost | Failed) -> None:
        for its, flow_id, fact in self._flying.pop((place, fate.round), ()):
            if its.flow_id != flow_id or fact.probe is None:
                continue  # it is probed in another way by now, with rounds of its own
            probe: Answered | Lost | Failed
            if isinstance(fate, Failed) or (isinstance(fate, Answered) and fate.address != fact.address):
                # It says nothing of that router: the round need not wait for it any more.
                probe = Failed(0, fact.probe.round, fact.ttl, fate.sent_at, "MOVED", "another flow's probe")
            else:
                probe = replace(fate, target=0, flow=0, round=fact.probe.round, ttl=fact.ttl)
            self._tell(its, replace(fact, probe=probe))


def _is_gone(place: _FlowHop, record: TargetRecord) -> bool:
    """Whether this flow is probed no more."""
    fold = record.fold
    is_one = place.flow < fold.probing.flows if fold.probing.flows else fold.flows.has(place.flow)
    return not record.flow_id or not is_one
