"""How often several flows together ask one router for an error answer. Sans-IO; times are monotonic nanoseconds.

A router answers each asker about once a second (Linux: `icmp_ratelimit`), so forty targets behind one router that all
ask it in each round hear almost nothing and see loss that is none. The rules:

- Who stands where follows from the answers: the address that answered last at a flow's TTL.
- A router that one flow alone knows is asked at that flow's own pace.
- Several take turns: all together one question in each spacing (1 s divided by `Plan.budget`) on the average, and no
  more in a row than an interval has room for, at the most `FIRST`. No flow has a second turn before each of the others
  had one, but where none of those came in a whole interval. A flow that meets a router at several TTLs (a loop, or a
  router that answers for others) asks at one of them in each of its turns, and so takes nothing from the others.
- Where a path ends (the target, or whoever refuses), each flow asks in each of its rounds.
- A search for parallel paths has no turns: it asks each router as often as the budget allows, and those that have turns
  leave the router out meanwhile.
- Before a flow has heard of a TTL, it takes what others found there for its own, where at least two of them, and a
  quarter, found the same. After `PRESUMED` questions without an answer it is taken for a hop of its own; after more
  where the router answers seldom.
- Nobody knows anything of routers yet when many targets begin at once: `FIRST` of them do, and each `WAVE_NS` later
  twice as many as before, who then know what those have found.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

SECOND_NS: Final = 1_000_000_000
FIRST: Final = 4
"""Targets that begin at once: a router answers some questions in a row (Linux: 6) before it limits."""
IN_A_ROW: Final = 5
"""Questions that a router may be ahead of its budget where chance asked it more often than others."""
WAVE_NS: Final = 250_000_000
"""The next ones begin so much later: most answers of nearby routers have come by then."""
_QUIET_NS: Final = 4 * WAVE_NS
"""After so long without a target that begins, there is no crowd any more."""
PRESUMED: Final = 2
"""Questions without an answer after which a hop is not taken for the router of others any more."""
_LEAST: Final = 1e-5
"""Questions a second below which a budget is no less: one a day."""
_MOST_BESIDE: Final = 1024
GONE: Final = 3
"""Questions in a row without an answer, while the router answers others, after which a hop is not taken for it."""
_SELDOM: Final = 0.3
"""The share of questions that a router leaves unanswered, from which on silence tells less (it limits its answers)…"""
_BY_CHANCE: Final = math.log(0.01)
"""…and as many are waited for as go unanswered by chance with this probability, its logarithm."""
_REMEMBERED: Final = 128
"""Questions that such a share is of."""


def _spacing(per_second: float) -> int:
    """Between two questions, ns."""
    return round(SECOND_NS / max(per_second, _LEAST))


class Router:
    """An address that answers for hops of several flows, and who asks it."""

    __slots__ = ("_last", "address", "answered", "cycle", "flows", "free_at", "heard_at", "missed", "served", "turns")

    def __init__(self, address: str) -> None:
        self.address = address
        self.flows: dict[Turns, int] = {}
        """The flows that it stands or is presumed to stand on the way of, and at how many of their hops."""
        self.served = 0
        """How many of them had their turn."""
        self.cycle = 0
        """How many times all had one."""
        self.turns = 0
        """Turns that anybody had."""
        self._last: dict[Turns, int] = {}
        """The cycle in which a flow had its last turn."""
        self.free_at = 0
        """When it may be asked again, on the average."""
        self.heard_at = 0
        """When it last answered somebody."""
        self.answered = self.missed = 0
        """Questions of late that it answered, and did not."""

    def count(self, *, answered: bool) -> None:
        """A question was answered, or not."""
        if self.answered + self.missed >= _REMEMBERED:
            self.answered, self.missed = self.answered // 2, self.missed // 2
        self.answered += answered
        self.missed += not answered

    def patience(self, least: int, own: int) -> int:
        """After how many questions in a row without an answer it is taken for none of a flow's. `own`: its misses by
        now, which tell nothing of how seldom others are answered."""
        missed = max(0, self.missed - own)
        asked = self.answered + missed
        if missed <= _SELDOM * asked or not self.answered:
            return least
        return max(least, math.ceil(_BY_CHANCE / math.log(missed / asked)))

    def book(self, flow: Turns, place: _Place, now: int, spacing: int) -> None:
        """It is asked now, by this flow at this place. What was asked before anybody knew who answers is not owed for
        longer than a router limits."""
        self.free_at = min(max(self.free_at, now), now + FIRST * spacing) + spacing
        if self._last.get(flow) == self.cycle:
            self.cycle += 1
            self.served = 0
        self._last[flow] = self.cycle
        self.served += 1
        self.turns += 1
        place.turn = self.turns

    def serves(self, flow: Turns, now: int, spacing: int, interval: int) -> bool:
        """Whether it may be asked now, by this flow."""
        if now < self.free_at - min(max(spacing, interval), FIRST * spacing):
            return False
        return self._last.get(flow) != self.cycle or self.served >= len(self.flows) or now >= self.free_at + interval

    def enter(self, flow: Turns) -> None:
        """It stands at one more of the flow's hops."""
        self.flows[flow] = self.flows.get(flow, 0) + 1

    def leave(self, flow: Turns) -> None:
        """It stands at one less."""
        self.flows[flow] -= 1
        if not self.flows[flow]:
            del self.flows[flow]
            self.served -= self._last.pop(flow, None) == self.cycle


class _Place:
    """One hop of one flow."""

    __slots__ = ("is_sure", "missed", "missed_since", "router", "turn", "wanted_at")

    def __init__(self, router: Router | None, *, is_sure: bool) -> None:
        self.router = router
        """None: it is asked in each round."""
        self.is_sure = is_sure
        """It was heard, and not presumed."""
        self.turn = 0
        """Of its router, the last that was its own."""
        self.wanted_at = 0
        """When it was last asked for."""
        self.missed = 0
        """Questions since its last answer that had none, and when the first of them was sent."""
        self.missed_since = 0


class Budget:
    """All flows of a worker that keep to a budget."""

    def __init__(self) -> None:
        self.flows = 0
        self._routers: dict[str, Router] = {}
        self.beside: dict[str, int] = {}
        """By address, until when a router has enough of those who ask beside all turns (`ask_beside_turns`)."""
        self._found: dict[int, dict[str, int]] = {}
        """By TTL, at how many flows' hops each address was heard."""
        self._wave_at = -2 * _QUIET_NS
        self._wave = self._left = FIRST

    def join(self, per_second: float, interval: int, now: int) -> Turns:
        """A flow begins, with a round each `interval` ns. `per_second`: error answers a second that one router is asked
        for, up to a million."""
        self.flows += 1
        return Turns(self, _spacing(per_second), interval, self._begin_at(now))

    def _begin_at(self, now: int) -> int:
        if now - self._wave_at > _QUIET_NS:
            self._wave_at, self._wave, self._left = now, FIRST, FIRST
        elif not self._left or now - self._wave_at >= WAVE_NS:
            self._wave_at = max(now, self._wave_at + WAVE_NS)
            self._wave = self._left = 2 * self._wave
        self._left -= 1
        return max(now, self._wave_at)

    def may_ask_beside_turns(self, addresses: Collection[str], per_second: float, now: int) -> bool:
        """Whether a flow that has no turns (of a search for parallel paths) may ask, for once, one of these routers:
        nobody knows which."""
        owed = [max(0, self.beside.get(address, 0) - now) for address in addresses]
        if per_second <= 0 or not owed:
            return True
        spacing = _spacing(per_second)
        return max(owed) <= IN_A_ROW * spacing and sum(owed) <= (FIRST - 1) * spacing * len(owed)

    def ask_beside_turns(self, address: str, per_second: float, now: int) -> None:
        """It was. Those who have turns leave it alone for as long as that uses up."""
        if per_second > 0:
            if len(self.beside) >= _MOST_BESIDE:
                self.beside = {router: until for router, until in self.beside.items() if until > now}
            self.beside[address] = max(now, self.beside.get(address, 0)) + _spacing(per_second)

    def router(self, address: str) -> Router:
        """The one with this address."""
        known = self._routers.get(address)
        if known is None:
            known = self._routers[address] = Router(address)
        return known

    def presumed(self, ttl: int) -> Router | None:
        """Who most likely answers at a TTL at which a flow has heard nobody yet; None: nobody knows."""
        found = self._found.get(ttl)
        if not found:
            return None
        address = max(found, key=found.__getitem__)
        count = found[address]
        return self._routers[address] if count >= 2 and 4 * count >= sum(found.values()) else None

    def enter(self, turns: Turns, ttl: int, place: _Place, router: Router) -> None:
        """A flow's hop is this router's."""
        router.enter(turns)
        if place.is_sure:
            found = self._found.setdefault(ttl, {})
            found[router.address] = found.get(router.address, 0) + 1

    def leave(self, turns: Turns, ttl: int, place: _Place, router: Router) -> None:
        """It is not any more."""
        router.leave(turns)
        if place.is_sure:
            found = self._found[ttl]
            found[router.address] -= 1
            if not found[router.address]:
                del found[router.address]
        if not router.flows:
            del self._routers[router.address]


class Turns:
    """One flow's part in the budget."""

    __slots__ = ("_budget", "_places", "_spacing", "begins_at", "interval")

    def __init__(self, budget: Budget, spacing: int, interval: int, begins_at: int) -> None:
        self.interval = interval
        """Between the starts of two rounds."""
        self._budget = budget
        self._spacing = spacing
        self._places: dict[int, _Place] = {}
        self.begins_at = begins_at
        """When its first round may begin."""

    def may_ask(self, ttl: int, now: int) -> bool:
        """Whether this TTL may be probed now; that counts as a question."""
        budget = self._budget
        if budget.flows < 2 and not budget.beside:
            return True
        place = self._places.get(ttl)
        if budget.beside and place is not None and place.router is not None:  # hardly ever
            until = budget.beside.get(place.router.address, 0)
            if now < until:
                return False
        if budget.flows < 2:
            return True
        if place is None:
            presumed = budget.presumed(ttl)
            if presumed is None:
                return True
            place = self._put(ttl, presumed, is_sure=False)
        router = place.router
        if router is None or len(router.flows) < 2:
            return True
        place.wanted_at = now
        if router.flows[self] > 1 and not self._is_longest_waiting(place, now):
            return False
        if not router.serves(self, now, self._spacing, self.interval):
            return False
        router.book(self, place, now, self._spacing)
        return True

    def _is_longest_waiting(self, place: _Place, now: int) -> bool:
        """Whether of this flow's hops at the place's router none that is still asked for had its turn earlier."""
        still = now - 2 * self.interval
        return not any(
            one.turn < place.turn and one.wanted_at >= still
            for one in self._places.values()
            if one.router is place.router
        )

    def heard(self, ttl: int, address: str | None, now: int) -> None:
        """A router answered at this TTL; `address` None: the path ends there."""
        place = self._places.get(ttl)
        before = None if place is None else place.router
        if place is not None and place.is_sure and before is not None and before.address == address:
            place.missed, before.heard_at = 0, now
            before.count(answered=True)
            return
        if address is None:
            if place is None or before is not None:
                self._put(ttl, None, is_sure=True)
            return
        if place is None or before is None or before.address != address:
            place = self._put(ttl, self._budget.router(address), is_sure=True)
            assert place.router is not None
            place.router.book(self, place, now, self._spacing)
        elif not place.is_sure:
            turn, wanted_at = place.turn, place.wanted_at
            place = self._put(ttl, before, is_sure=True)
            place.turn, place.wanted_at = turn, wanted_at
        place.missed = 0
        if place.router is not None:
            place.router.heard_at = now
            place.router.count(answered=True)

    def missed(self, ttl: int, sent_at: int) -> None:
        """A probe of this TTL, sent then, was not answered."""
        place = self._places.get(ttl)
        if place is None or place.router is None:
            return
        if not place.missed:
            place.missed_since = sent_at
        place.missed += 1
        router = place.router
        router.count(answered=False)
        patience = router.patience(GONE if place.is_sure else PRESUMED, place.missed)
        if place.missed >= patience and (not place.is_sure or router.heard_at > place.missed_since):
            self._put(ttl, None, is_sure=True)

    def leave(self) -> None:
        """It asks nobody any more, for now."""
        for ttl in list(self._places):
            self._drop(ttl)

    def end(self) -> None:
        """The flow is no more."""
        self.leave()
        self._budget.flows -= 1

    def _put(self, ttl: int, router: Router | None, *, is_sure: bool) -> _Place:
        place = _Place(router, is_sure=is_sure)
        if router is not None:
            self._budget.enter(self, ttl, place, router)  # before it leaves the same one
        self._drop(ttl)
        self._places[ttl] = place
        return place

    def _drop(self, ttl: int) -> None:
        place = self._places.pop(ttl, None)
        if place is not None and place.router is not None:
            self._budget.leave(self, ttl, place, place.router)
