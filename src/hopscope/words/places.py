"""Where on a path something is and whose that is: TTLs in, owners and the words for them out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from hopscope.judge.verdict import Epoch, Incident, Judged, Verdict
from hopscope.names.facts import AddressInfo
from hopscope.names.scopes import INSIDE, scope
from hopscope.names.segments import End, HopFacts, Owner, Role, Whose, whose
from hopscope.path.snapshot import Hop, Path

_NOTHING: Final = AddressInfo()
_BY_KIND: Final[dict[str, Role]] = {
    "this-computer": "this computer",
    "local-network": "your network",
    "bufferbloat": "your provider",
}
"""Whose it is where the kind of trouble says so by itself."""


class Place(msgspec.Struct, frozen=True):
    """Where trouble begins: somewhere from `first` to `last`, or on the way back from there. None: nobody knows."""

    first: int | None = None
    last: int | None = None
    segment: Role | None = None
    """Whose `last` is."""
    owner: Owner | None = None
    between: tuple[str, str] | None = None
    """Both sides in words: the owner, else the names' domain, else the address."""
    before: str | None = None
    """The last router before it that answers: name and address."""
    is_target: bool = False
    """`last` is the target itself."""
    near: Role | None = None
    """Whose the side before it is."""
    provider: str = ""
    """Your provider by name, where one is known."""
    is_line: bool = False
    """The target never answered, nor does anybody behind the first hop, one's own network or the provider's NAT: most
    likely the line is down. A firewall may swallow all, too."""


class Course:
    """A path as it was at one time: who answered where, and whose that is."""

    def __init__(self, hops: dict[int, tuple[str, ...]], names: Mapping[str, AddressInfo], end: End) -> None:
        """`hops`: by TTL the addresses that answer there, the most important first."""
        self._hops = hops
        self._names = names
        self._end = end
        self._first = min(hops, default=1)
        self._addresses = [tuple(hops.get(ttl, ())) for ttl in range(self._first, max(hops, default=0) + 1)]
        facts: list[HopFacts] = [[(each, names.get(each, _NOTHING)) for each in hop] for hop in self._addresses]
        self._whose = whose(facts, end)
        self._target = self._first + len(self._addresses) - 1 if end.reached and self._addresses else None

    def along(self, routers: Iterable[tuple[int, str | None]]) -> Course:
        """The path of other flows, which meet these routers, each at its TTL; None: it is not said whom."""
        hops, target = dict(self._hops), self._target
        for ttl, router in sorted(routers, key=lambda one: one[0]):
            if ttl == target and router:
                hops[ttl + 1], target = hops[ttl], ttl + 1  # it is a longer way
            if ttl in hops and ttl != target:
                hops[ttl] = (router,) if router else ()
        return self if hops == self._hops else Course(hops, self._names, self._end)

    def has(self, address: str) -> bool:
        """Whether this router stands on the path."""
        return any(address in hop for hop in self._hops.values())

    def at(self, ttl: int) -> Whose:
        """Whose the hop is."""
        index = ttl - self._first
        return self._whose[index] if 0 <= index < len(self._whose) else Whose()

    def host(self, ttl: int | None, address: str | None = None) -> str:
        """A hop with its router: ``hop 5, ae4.edge1.nearby.example (203.0.113.65)``."""
        known = address or (self._address(ttl) if ttl is not None else None)
        hop = f"hop {ttl}" if ttl is not None else ""
        return ", ".join(part for part in (hop, self.called(known) if known else "") if part)

    def called(self, address: str) -> str:
        """An address with its name, where it has one."""
        known = self._names.get(address, _NOTHING)
        claim = "; name unverified" if known.verified is False else ""
        return f"{known.hostname} ({address}{claim})" if known.hostname else address

    def place(
        self, kind: str, first: int | None, last: int | None, sides: tuple[str | None, str | None] = (None, None)
    ) -> Place:
        """What is to be said of a place. `sides`: who answered there, where that is known better than by this path."""
        by_kind = _BY_KIND.get(kind)
        if last is None or kind == "this-computer":
            return Place(first, last, by_kind)
        known = self._beyond(kind, last) or self.at(last)
        near_ttl = self._answering(range(first if first is not None and first < last else last - 1, 0, -1))
        far_ttl = self._answering(range(last, self._first + len(self._addresses)))
        near = self._side(near_ttl, sides[0] if first is not None and first < last else None) or "this computer"
        far = self._side(far_ttl, sides[1]) or self._end.query or None
        segment = by_kind if by_kind == "your network" else known.role or by_kind
        is_line = kind == "no-answer" and near_ttl is not None and self._is_all_that_is_near(near_ttl)
        return Place(
            first,
            last,
            "your provider" if is_line else segment,
            None if is_line else known.owner,
            (near, far) if far else None,
            self.host(near_ttl) if near_ttl is not None else None,
            last == self._target,
            self.at(near_ttl).role if near_ttl is not None else "this computer",
            self.provider,
            is_line,
        )

    @property
    def provider(self) -> str:
        """Your provider by name: the owner's, else the names' domain."""
        theirs = (each.owner for each in self._whose if each.role == "your provider")
        return next((owner.words for owner in theirs if owner is not None), "")

    def _beyond(self, kind: str, ttl: int) -> Whose | None:
        """Whose a hop behind the last that answers is: the same, where that is the target's network already; where only
        the target is silent, the target's."""
        if self._target is not None or self._answering(range(ttl, self._first + len(self._addresses))) is not None:
            return None
        before = self._answering(range(ttl - 1, 0, -1))
        if before is not None and self.at(before).role == "the target's network":
            return self.at(before)
        return Whose("the target's network") if kind in ("no-answer", "filter") and before is not None else None

    def _is_all_that_is_near(self, last: int) -> bool:
        """Whether what answers, up to the hop `last`, is near this computer, and the target is not."""
        far, near = self._end.address, self.at(last)
        if self._target is not None or near.role == "the target's network":
            return False
        if far is not None and scope(far) in INSIDE:  # no internet line need lead there
            return False
        return last == 1 or near.role == "your network" or near.scope == "cgnat"

    def _address(self, ttl: int) -> str | None:
        index = ttl - self._first
        addresses = self._addresses[index] if 0 <= index < len(self._addresses) else ()
        return addresses[0] if addresses else None

    def _answering(self, ttls: range) -> int | None:
        return next((ttl for ttl in ttls if self._address(ttl) is not None), None)

    def _side(self, ttl: int | None, address: str | None) -> str:
        if ttl is None:
            return address or ""
        known = self.at(ttl)
        if known.owner is not None:
            return known.owner.words
        if known.role == "your network":
            return "your network"
        return address or self._address(ttl) or ""


def course(path: Path, judged: Judged, names: Mapping[str, AddressInfo], end: End, at: int | None = None) -> Course:
    """The path as it is, or as it was at a moment (epoch ns), as far as that is remembered."""
    hops = {hop.ttl: _newest_first(hop) for hop in path.hops}
    epoch = epoch_at(judged.epochs, at)
    if epoch is not None:
        hops |= {ttl: each for ttl, each in enumerate(epoch.addresses, epoch.first_ttl) if each}
        if at is not None:
            last = epoch.first_ttl + len(epoch.addresses) - 1
            hops = {ttl: addresses for ttl, addresses in hops.items() if ttl <= last}
    return Course(hops, names, end)


def epoch_at(epochs: Sequence[Epoch], at: int | None) -> Epoch | None:
    """The path of a moment (None: of now); None where none is remembered."""
    if at is None:
        return epochs[-1] if epochs else None
    return next((epoch for epoch in reversed(epochs) if epoch.begin <= at), None)


def place_of(verdict: Verdict, on: Course) -> Place:
    """Where a verdict is."""
    return on.along(verdict.numbers.sides).place(verdict.kind, verdict.first_ttl, verdict.last_ttl)


def place_of_incident(incident: Incident, on: Course) -> Place:
    """Where an incident was; `on`: the path at its time, of the first flow."""
    sides = zip((incident.first_ttl, incident.last_ttl), incident.addresses, strict=True)
    others = [(ttl, address) for ttl, address in sides if ttl is not None and address and not on.has(address)]
    return on.along(others).place(incident.kind, incident.first_ttl, incident.last_ttl, incident.addresses)


def _newest_first(hop: Hop) -> tuple[str, ...]:
    nodes = sorted((node for node in hop.nodes if node.last_at is not None), key=lambda node: -(node.last_at or 0))
    return tuple(node.address for node in nodes)
