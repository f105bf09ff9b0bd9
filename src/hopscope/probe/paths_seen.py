"""What is known of a target's parallel paths from who answered which flow at which TTL. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from hopscope.probe.hop_search import TRIES, HopSearch
from hopscope.probe.parallel import MOST_FLOWS
from hopscope.probe.stopping import at_each_hop, stopping_points

_TAIL: Final = 3
"""Silent hops beyond the last that answers that are tried."""
_FEW_FLOWS: Final = 3
"""Flows that must hear nobody at a hop beyond the last that answers, before it is taken for silent."""

T = TypeVar("T")


class PathsSeen:
    """One target's."""

    def __init__(self, first_ttl: int, max_ttl: int, alpha: float, runs: Collection[int]) -> None:
        """See `discovery.Discovery`."""
        self.first_ttl, self.max_ttl = first_ttl, max_ttl
        self.runs = set(runs)
        """Flows that are probed in rounds, and not asked."""
        self.most = MOST_FLOWS
        """Flows that there can be."""
        self.alpha = alpha
        """The probability of missing a router that is allowed for."""
        self.ends: dict[int, int] = {}
        """By flow, the TTL at which its path ends."""
        self.struck: set[int] = set()
        """Flows that some hop is silent to."""
        self._hops: dict[int, HopSearch] = {}
        self._last: dict[tuple[int, str], str] = {}
        """TTL and address of routers right behind which a path ends, and who answers there."""
        self._conclusions: dict[object, Any] = {}
        """What follows from what is known, until more is."""

    # --- what is learnt ----------------------------------------------------------------------------------------------

    def learn(self, flow: int, ttl: int, address: str, *, ends: bool) -> None:
        """A flow was answered."""
        self.forget_conclusions()
        self.hop(ttl).heard(flow, address)
        if ends:
            self.ends[flow] = min(ttl, self.ends.get(flow, ttl))
            if ttl - 1 in self._hops and flow in self.hop(ttl - 1).seen:
                self._learn_last(ttl - 1, self.hop(ttl - 1).seen[flow], address)
        elif (ttl, address) in self._last:
            self._infer_end(flow, ttl + 1, self._last[ttl, address])

    def learn_nothing(self, flow: int, hop: HopSearch) -> None:
        """It was not."""
        self.forget_conclusions()
        hop.missed(flow)
        if hop.tries[flow] >= TRIES:
            self.struck.add(flow)

    def _learn_last(self, ttl: int, router: str, target: str) -> None:
        """The path ends behind this router: so do those of all flows that go by it."""
        self._last[ttl, router] = target
        for flow, address in list(self.hop(ttl).seen.items()):
            if address == router:
                self._infer_end(flow, ttl + 1, target)

    def _infer_end(self, flow: int, ttl: int, target: str) -> None:
        if flow not in self.ends:
            self.ends[flow] = ttl
            self.hop(ttl).seen.setdefault(flow, target)

    def forget_conclusions(self) -> None:
        """More is known now."""
        self._conclusions.clear()

    def is_silent(self, hop: HopSearch) -> bool:
        """Whether enough flows heard nobody here to say that nobody answers anybody."""
        return not hop.seen and len(hop.tries) >= (self.needed(1) if hop.ttl <= self._far() else _FEW_FLOWS)

    def concluded(self, what: object, find: Callable[[], T]) -> T:
        """What `find` gives, as long as nothing more is known."""
        if what not in self._conclusions:
            self._conclusions[what] = find()
        found: T = self._conclusions[what]
        return found

    # --- what follows ------------------------------------------------------------------------------------------------

    def hops(self) -> list[HopSearch]:
        """All TTLs at which something was asked or heard."""
        return list(self._hops.values())

    def hop(self, ttl: int) -> HopSearch:
        """The search at a TTL."""
        known = self._hops.get(ttl)
        if known is None:
            known = self._hops[ttl] = HopSearch(ttl)
        return known

    @property
    def end(self) -> int | None:
        """The nearest TTL at which a path ends; None: no end is known."""
        return min(self.ends.values(), default=None)

    def ttls(self) -> range:
        """The hops that there are, as far as is known."""
        return self.concluded("ttls", self._ttls)

    def _ttls(self) -> range:
        far = self._far()
        goes_on = far < self.first_ttl or not all(self._is_ended(flow, far) for flow in self.hop(far).seen)
        return range(self.first_ttl, min(self.max_ttl, max(far, self.end or 0) + (_TAIL if goes_on else 0)) + 1)

    def _far(self) -> int:
        """The farthest TTL at which a flow was heard whose path is that long."""

        def find() -> int:
            heard = (ttl for ttl, hop in self._hops.items() if any(self.gets_to(flow, ttl) for flow in hop.seen))
            return max(heard, default=self.first_ttl - 1)

        return self.concluded("far", find)

    def groups(self, hop: HopSearch) -> dict[str | None, list[int]]:
        """The flows by their router at a hop; None: a silent one among others."""
        before = self._hops.get(hop.ttl - 1)

        def find() -> dict[str | None, list[int]]:
            return hop.groups(
                lambda flow: self.gets_to(flow, hop.ttl),
                lambda flow: (
                    self.dead_after(flow) in (None, hop.ttl - 1) and (before is None or not before.is_silent_to(flow))
                ),
            )

        return self.concluded(("groups", hop.ttl), find)

    def parting(self) -> list[HopSearch]:
        """The hops with several routers."""
        return [hop for hop in map(self.hop, self.ttls()) if len(self.groups(hop)) > 1]

    def is_by_packet(self, hop: HopSearch) -> bool | None:
        """Whether routers are taken packet by packet at a hop; None: that cannot be said yet."""
        witness = hop.witness(self.runs)
        return None if witness is None else hop.alternation(witness).is_by_packet

    def needed(self, groups: int) -> int:
        """The number of flows after which one stops at a hop where `groups` routers were seen."""
        points = self.points
        return points[groups - 1] if 0 < groups <= len(points) else self.most

    @property
    def points(self) -> tuple[int, ...]:
        """The numbers of flows after which one stops at a hop where 1, 2 … routers were seen (`stopping_points`)."""
        return self.concluded("points", self._points)

    def _points(self) -> tuple[int, ...]:
        hops = max(self.ends.values(), default=self._far()) - self.first_ttl + 1
        return stopping_points(at_each_hop(self.alpha, hops), self.most)

    def dead_after(self, flow: int) -> int | None:
        """The last TTL that answers a flow, where nothing does at two hops running that answer others, nor beyond, or
        where that is so of others to which the same hop is silent; None: it gets through."""
        return self.concluded(("dead", flow), lambda: self._dead_after(flow)) if flow in self.struck else None

    def _dead_after(self, flow: int) -> int | None:
        silent = self.silent_beyond(flow)
        if not silent:
            return None
        alike = [one for one in self.struck if self.silent_beyond(one)[:1] == silent[:1]]
        is_dead = any(ttl + 1 in beyond for beyond in map(self.silent_beyond, alike) for ttl in beyond)
        return silent[0] - 1 if is_dead else None

    def silent_beyond(self, flow: int) -> list[int]:
        """The TTLs that answer others and not this flow, beyond the last that answers it."""
        return self.concluded(("silent beyond", flow), lambda: self._silent_beyond(flow))

    def _silent_beyond(self, flow: int) -> list[int]:
        last = max((ttl for ttl, hop in self._hops.items() if flow in hop.seen), default=0)
        return sorted(ttl for ttl, hop in self._hops.items() if ttl > last and hop.is_silent_to(flow))

    def _is_ended(self, flow: int, ttl: int) -> bool:
        end = self.ends.get(flow)
        return end is not None and end <= ttl

    def gets_to(self, flow: int, ttl: int) -> bool:
        """Whether the path of a flow is this long, as far as is known."""
        return not self._is_ended(flow, ttl - 1)
