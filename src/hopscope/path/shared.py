"""What several targets or flows together know of the routers that they share and ask in turn: a fold over facts, as
`PathFold` is, of what a target's own probes met there and what it was told of the others' (`wire.facts.Shared`)."""

from __future__ import annotations

import copy
from typing import Final

import msgspec
from msgspec.structs import replace

from hopscope.path.ranks import Ranks
from hopscope.path.snapshot import Hop, Rtt
from hopscope.path.stats import RunningRtt, loss_ci95_pct, loss_pct
from hopscope.wire.facts import Shared
from hopscope.wire.messages import Answered, Duplicate, Late, Lost

_EXACT: Final = 1024
"""RTTs that leave exact memory together."""
_MAX_NS: Final = 2**62


class SharedHop(msgspec.Struct, frozen=True):
    """A router that several targets or flows share. Its numbers are of all their probes since `since`."""

    targets: int
    flows: int
    """Of all of them."""
    since: int
    """Epoch ns."""
    received: int
    lost: int
    loss_pct: float | None
    loss_ci95_pct: tuple[float, float] | None
    rtt: Rtt | None


def pooled(hop: Hop, shared: SharedHop) -> Hop:
    """The hop with what all know of it in place of what the target's own probes do, where that is more; the samples of
    single rounds stay its own."""
    n = shared.received + shared.lost
    if n <= hop.received + hop.lost:
        return hop
    return replace(
        hop,
        sent=n,
        received=shared.received,
        lost=shared.lost,
        late=0,
        pending=0,
        failed=0,
        loss_pct=shared.loss_pct,
        loss_ci95_pct=shared.loss_ci95_pct,
        rtt=shared.rtt,
        jitter=None,
    )


class _Totals:
    __slots__ = ("address", "flows", "lost", "ranks", "rtts", "since", "targets")

    def __init__(self, address: str, since: int) -> None:
        self.address = address
        self.since = since
        self.targets = self.flows = 0
        self.lost = 0
        self.rtts = RunningRtt()
        self.ranks = Ranks(_EXACT)

    def answered(self, rtt_ns: int) -> None:
        if 0 <= rtt_ns < _MAX_NS:
            self.rtts.add(rtt_ns)
            self.ranks.add(rtt_ns)
            if self.rtts.n % _EXACT == 0:
                self.ranks.let_go(self.ranks.ordered[:])

    def snapshot(self) -> SharedHop:
        received = self.rtts.n
        return SharedHop(
            self.targets,
            self.flows,
            self.since,
            received,
            self.lost,
            loss_pct(self.lost, received),
            loss_ci95_pct(self.lost, received),
            self.rtts.rtt(self.ranks),
        )


class SharedHops:
    """One target's hops that it shares."""

    def __init__(self) -> None:
        self.hops: dict[int, _Totals] = {}
        """By TTL."""

    def copy(self) -> SharedHops:
        """The same, to be continued by itself."""
        return copy.deepcopy(self)

    def has(self, ttl: int) -> bool:
        """Whether the hop at this TTL is shared."""
        return ttl in self.hops

    def told(self, fact: Shared) -> None:
        """What another target's probe met, or that nobody shares a hop any more."""
        if fact.flows < 2:
            self.hops.pop(fact.ttl, None)
            return
        totals = self.hops.get(fact.ttl)
        if totals is None or totals.address != fact.address:
            totals = self.hops[fact.ttl] = _Totals(fact.address, fact.at)
        totals.targets, totals.flows = fact.targets, fact.flows
        self._count(totals, fact.probe)

    def met(self, fate: Answered | Lost) -> None:
        """What became of a probe of the target's own; those of its further flows are told."""
        totals = self.hops.get(fate.ttl)
        if totals is not None and not fate.flow and fate.sent_at >= totals.since:
            self._count(totals, fate)

    @staticmethod
    def _count(totals: _Totals, fate: object) -> None:
        if isinstance(fate, Lost):
            totals.lost += 1
        elif isinstance(fate, Answered) and not isinstance(fate, Duplicate) and fate.address == totals.address:
            if isinstance(fate, Late):
                totals.lost -= totals.lost > 0  # it was called lost before
            else:
                totals.answered(fate.rtt_ns)

    def snapshot(self) -> dict[int, SharedHop]:
        """By TTL, at this moment."""
        return {ttl: totals.snapshot() for ttl, totals in self.hops.items()}
