"""Which of a target's addresses are known to stand behind its first hops: of a snapshot, and of events as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hopscope.path.places import NOTHING, Answerer, Behind, behind, behind_of
from hopscope.path.snapshot import Path
from hopscope.session.events import ProbeEvent
from hopscope.session.model import Target

_MOST: Final = 1024
"""Answerers of a flow that are remembered; strangers can make up one for each probe. Beyond, nobody becomes known."""


def known_behind(target: Target, hops: int) -> Behind:
    """All that the target says of it: now and of paths that are no more."""
    known, doubtful = set[str](), set[str]()
    for one in _said(target, hops):
        known |= one.known
        doubtful |= one.doubtful
    return Behind(known - doubtful, doubtful)


def _said(target: Target, hops: int) -> Iterator[Behind]:
    for path in (target.path, *(flow.path for flow in target.flows)):
        if not _is_early(path, hops):
            yield behind_of(_answerers(path), hops)
    for epoch in target.judged.epochs:
        at = list(enumerate(epoch.addresses, epoch.first_ttl))
        last = max((ttl for ttl, addresses in at if addresses), default=0)  # who refuses is the last
        heard = [Answerer(ttl, address, ttl < last) for ttl, addresses in at for address in addresses]
        yield behind_of(heard, hops)
    if target.discovered is not None:
        ways = [way.members for way in target.discovered.paths]
        members = {(ttl, member) for way in ways for ttl, member in way}
        members |= {(hop.ttl, one.address) for hop in target.discovered.hops for one in hop.routers}
        ends = {way[-1] for way in ways if way}
        heard = [Answerer(ttl, address, (ttl, address) not in ends) for ttl, address in members if address is not None]
        yield behind(heard, hops, is_hole=_has_hole(target.path, hops))


def _answerers(path: Path) -> Iterator[Answerer]:
    for hop in (*path.hops, *path.pooled):
        for node in hop.nodes:
            yield Answerer(hop.ttl, node.address, node.expired)


def _has_hole(path: Path, hops: int) -> bool:
    return not {one.ttl for one in _answerers(path)}.issuperset(range(1, hops + 1))


def _is_early(path: Path, hops: int) -> bool:
    """Of some of the first hops nothing is known yet: who answers farther away may be found there in a moment."""
    near = [hop for hop in path.hops if hop.ttl <= hops and hop.sent]
    return any(hop.pending and hop.pending == hop.sent for hop in near)


class FlowAnswerers:
    """What one flow's events say of it."""

    def __init__(self, hops: int, first_ttl: int) -> None:
        """`first_ttl`: the first that is probed."""
        self._hops = hops
        self._unheard = set(range(first_ttl, hops + 1))
        """Of the first hops, those of which nothing is known yet."""
        self._silent = set(range(1, hops + 1))
        self._heard: set[Answerer] = set()
        self._said = NOTHING
        self._is_stale = False

    def note(self, event: ProbeEvent) -> None:
        """A probe's fate."""
        self._unheard.discard(event.ttl)
        if event.address is None or len(self._heard) >= _MOST:
            return
        heard = Answerer(event.ttl, event.address, event.kind == "time-exceeded")
        if heard not in self._heard:
            self._heard.add(heard)
            self._silent.discard(event.ttl)
            self._is_stale = True

    @property
    def said(self) -> Behind:
        """By now."""
        if self._unheard:
            return NOTHING
        if self._is_stale:
            self._is_stale = False
            self._said = behind(self._heard, self._hops, is_hole=bool(self._silent))
        return self._said
