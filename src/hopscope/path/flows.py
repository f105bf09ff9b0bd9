"""A target's parallel flows, each a path of its own: a fold over the same facts as `PathFold`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from hopscope.path.fold import PathFold
from hopscope.path.ranks import Ranks
from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Node, Path, Window
from hopscope.path.stats import RunningRtt, loss_ci95_pct, loss_pct
from hopscope.wire.discovered import Discovered
from hopscope.wire.facts import Abandoned
from hopscope.wire.messages import Answered, Failed, Finished, Lost, Plan, Sent, Started

MOST: Final = 64
_IN_TURNS: Final = 40
"""Rounds in which each of several routers must have answered a flow that is said to meet them in turns."""


class FlowPath(msgspec.Struct, frozen=True):
    """One flow at one moment, its numbers since the beginning."""

    number: int
    source_port: int | None
    port: int | None
    path: Path
    label: int | None = None
    """IPv6's flow label, where it is known."""


def members_of(paths: Sequence[Path]) -> list[tuple[tuple[int, str | None], ...]]:
    """Of each flow's path, the routers that it meets at the TTLs at which flows meet different ones; None: nobody is
    heard there, or the path has ended. Where some of them tell which of the others' ways it is, that is its own. Where
    a flow meets several in turns, packet by packet, the TTL is none of its."""
    turns = [turning(path) for path in paths]
    found: list[dict[int, str]] = [
        {
            hop.ttl: max(hop.nodes, key=_newest).address
            for hop in path.hops
            if hop.nodes and not hop.is_target and hop.ttl not in ttls
        }
        for path, ttls in zip(paths, turns, strict=True)
    ]
    ttls = sorted({ttl for routers in found for ttl in routers})
    parting = [ttl for ttl in ttls if len({routers[ttl] for routers in found if ttl in routers}) > 1]
    ways = [
        tuple((ttl, routers.get(ttl)) for ttl in parting if ttl not in by_turns)
        for routers, by_turns in zip(found, turns, strict=True)
    ]
    whole = {way for way in ways if all(router for _, router in way)}
    return [_completed(way, whole) for way in ways]


def turning(path: Path) -> set[int]:
    """The TTLs at which packets of one flow meet several routers in turns, and still do."""
    times = path.round_times
    since = times[-min(_IN_TURNS, len(times))] if len(times) else 0
    return {
        hop.ttl
        for hop in path.hops
        if hop.turns
        and not hop.is_target
        and sum(node.address in hop.turns and _newest(node) >= since for node in hop.nodes) > 1
    }


def _completed(
    way: tuple[tuple[int, str | None], ...], whole: Iterable[tuple[tuple[int, str | None], ...]]
) -> tuple[tuple[int, str | None], ...]:
    known = [place for place in way if place[1]]
    if len(known) in (0, len(way)):
        return way
    alike = [other for other in whole if set(known) <= set(other)]
    return alike[0] if len(alike) == 1 else way


def _newest(node: Node) -> int:
    return node.last_at or 0


def until(flow: FlowPath, round_: int) -> FlowPath:
    """The flow as far as rounds before `round_` tell of it, by what its window has of the target; its routers are those
    of now."""
    target = flow.path.target
    if target is None or round_ >= target.window.first_round + len(target.window.samples):
        return flow
    window = Window(target.window.first_round, target.window.samples[: max(0, round_ - target.window.first_round)])
    rtts, ranks = RunningRtt(), Ranks(len(window.samples))
    samples = window.samples.tolist()
    for sample in samples:
        if sample >= 0:
            rtts.add(sample)
            ranks.add(sample)
    lost = samples.count(LOST)
    seen = msgspec.structs.replace(
        target,
        sent=len(samples) - samples.count(NO_PROBE),
        received=rtts.n,
        lost=lost,
        late=samples.count(LATE),
        pending=samples.count(PENDING),
        failed=samples.count(FAILED),
        duplicates=0,
        loss_pct=loss_pct(lost, rtts.n),
        loss_ci95_pct=loss_ci95_pct(lost, rtts.n),
        rtt=rtts.rtt(ranks),
        jitter=None,
        window=window,
    )
    return msgspec.structs.replace(flow, path=msgspec.structs.replace(flow.path, target=seen))


class ParallelFlows:
    """The flows beside the first one, which has a `PathFold` of its own."""

    def __init__(self, plan: Plan | None = None) -> None:
        self._plan = plan
        self._started: dict[int, Started] = {}
        self.folds: dict[int, PathFold] = {}
        self.discovered: Discovered | None = None
        """The last one."""

    def has(self, number: int) -> bool:
        """Whether there is such a flow: the first one always."""
        return not number or number in self.folds

    def copy(self) -> ParallelFlows:
        """The same, to be continued by itself."""
        twin = ParallelFlows(self._plan)
        twin.discovered = self.discovered
        twin._started = dict(self._started)
        twin.folds = {number: fold.copy() for number, fold in self.folds.items()}
        return twin

    def found(self, found: Discovered) -> bool:
        """These paths were discovered: those flows that are watched from here on are kept. Whether that are others than
        before."""
        self.discovered = found
        is_other = set(self.folds) != set(found.watched) - {0}
        for number in set(self.folds) - set(found.watched):
            del self.folds[number], self._started[number]
        return is_other

    def started(self, started: Started) -> None:
        """A flow stands."""
        number, plan = started.number, self._plan
        if plan is None or not 0 < number < MOST:
            return
        self._started[number] = started
        if number not in self.folds:
            self.folds[number] = PathFold(plan.address, plan.protocol, plan.first_ttl, flow=number)

    def apply(self, fact: Sent | Answered | Lost | Failed | Finished | Abandoned) -> None:
        """A fact of one of them, or of all."""
        if isinstance(fact, (Finished, Abandoned)):
            for fold in self.folds.values():
                fold.apply(fact)
        elif (known := self.folds.get(fact.flow)) is not None:
            known.apply(fact)

    def known(self) -> tuple[Started, ...]:
        """How they are probed, by their number."""
        return tuple(self._started[number] for number in sorted(self.folds))

    def reset(self, at: int) -> None:
        """Statistics anew (epoch ns)."""
        for fold in self.folds.values():
            fold.reset(at)

    def snapshot(self) -> tuple[FlowPath, ...]:
        """All of them, by their number."""
        return tuple(
            FlowPath(
                started.number, started.source_port, started.port, self.folds[started.number].snapshot(), started.label
            )
            for started in self.known()
        )
