"""A target's flows beside each other: what `judge.fan` is told of them, with each round that is over."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hopscope.judge.fan import FanWatch, FlowRound
from hopscope.judge.links import BadLinks, Members
from hopscope.judge.parallel import NOTHING, FlowFinding
from hopscope.path.flows import ParallelFlows, members_of
from hopscope.path.fold import PathFold
from hopscope.path.snapshot import PENDING, Hop, Path

if TYPE_CHECKING:
    from hopscope.session.flow_stand_ins import StandIns

_ROUTERS_EACH: Final = 10
"""Rounds between two looks at who stands on each flow's way."""


class Comparison:
    """One target's flows, from round to round."""

    def __init__(self) -> None:
        self._watch = FanWatch()
        self._looked_at = -_ROUTERS_EACH
        self._paths: list[Path] = []
        self._stand_ins: StandIns | None = None
        """Where the target never answered any flow."""

    def copy(self) -> Comparison:
        """The same, to be continued by itself."""
        twin = copy.copy(self)
        twin._watch = copy.deepcopy(self._watch)
        twin._stand_ins = copy.deepcopy(self._stand_ins)
        return twin

    @property
    def findings(self) -> tuple[FlowFinding, ...]:
        """Of each flow, the first one included."""
        return self._watch.findings if self._stand_ins is None else self._stand_ins.findings

    @property
    def is_limited(self) -> bool:
        """Whether the target gives all flows together an answer or a few a round."""
        return self._watch.is_limited

    @property
    def is_reached(self) -> bool:
        """Whether other flows than the first reached the target of late."""
        return self._watch.is_reached

    def look(self, first: PathFold, port: int | None, flows: ParallelFlows, round_: int) -> BadLinks | None:
        """Take what is known when a round has begun; `port`: the first flow's own. The links that are bad now."""
        folds = (first, *(fold for _, fold in sorted(flows.folds.items())))
        is_due = round_ - self._looked_at >= _ROUTERS_EACH or len(self._paths) != len(folds)
        if is_due:
            self._looked_at = round_
            self._paths = [fold.snapshot() for fold in folds]
        ports = [port, *(flow.source_port for flow in flows.known())]
        targets = [fold.target() for fold in folds]
        known = flow_round(targets, self._paths, ports)
        if known is not None:
            self._watch.take(known._replace(seconds=lambda at: sum(fold.has_second(at) for fold in folds)))
        if _has_answered(targets):
            self._stand_ins = None
        elif is_due:
            from hopscope.session.flow_stand_ins import StandIns  # where a target is silent alone

            self._stand_ins = self._stand_ins or StandIns()
            self._stand_ins.look(self._paths, known)
        return self._watch.bad if self._stand_ins is None else self._stand_ins.bad


def compared(paths: Sequence[Path]) -> tuple[FlowFinding, ...]:
    """What each of several flows is like beside the others, by what their paths remember."""
    targets = [path.target for path in paths]
    known = flow_round(targets, paths, ())
    if known is None:
        return (FlowFinding("unknown", 0.0),) * len(paths)
    if len(paths) > 1 and not _has_answered(targets):
        from hopscope.session.flow_stand_ins import StandIns

        stand_ins = StandIns()
        stand_ins.look(paths, known)
        return stand_ins.findings
    watch = FanWatch()
    watch.take(known)
    return watch.findings


def flow_round(targets: Sequence[Hop | None], paths: Sequence[Path], ports: Sequence[int | None]) -> FlowRound | None:
    """All that is known of flows up to the newest round of which nothing is in flight; None before there is one."""
    windows = [target.window for target in targets if target is not None]
    if not windows:
        return None
    begin = max(window.first_round for window in windows)
    end = min(window.first_round + len(window.samples) for window in windows)
    rows: list[memoryview | list[int]] = []
    for target in targets:
        if target is None:
            continue
        row = target.window.samples[begin - target.window.first_round : end - target.window.first_round]
        at = len(row)
        while at and row[at - 1] == PENDING:
            at -= 1
        # Fates come out of order: nothing is compared behind what is in flight still.
        tail = row[max(0, at - _TAIL) : at].tolist()
        if PENDING in tail:
            at = max(0, at - _TAIL) + tail.index(PENDING)
        end = min(end, begin + at)
        rows.append(row)
    if end <= begin:
        return None
    whole = iter([row[: end - begin] for row in rows])
    nothing = [NOTHING] * (end - begin)

    def answers(flow: int, ttl: int) -> tuple[int, int]:
        hop = next((hop for hop in paths[flow].hops if hop.ttl == ttl), None)
        return (0, 0) if hop is None else (hop.received, hop.lost)

    def rtts(flow: int, ttl: int, since: int) -> list[int]:
        window = next((hop.window for hop in paths[flow].hops if hop.ttl == ttl), None)
        if window is None:
            return []
        return [sample for sample in window.samples[max(0, since - window.first_round) :] if sample >= 0]

    def met(flow: int) -> set[str]:
        return {node.address for hop in paths[flow].hops if not hop.is_target for node in hop.nodes}

    members = members_of(paths)
    return FlowRound(
        begin,
        [nothing if target is None else next(whole) for target in targets],
        members,
        [_is_known(path, way) for path, way in zip(paths, members, strict=True)],
        ports,
        answers,
        rtts,
        met,
    )


def _has_answered(targets: Sequence[Hop | None]) -> bool:
    """Whether the target ever answered one of these flows."""
    return any(target is not None and target.received + target.late for target in targets)


def _is_known(path: Path, way: Members) -> bool:
    """Whether each hop before the target was heard, or asked often enough to be called silent; where flows part, it is
    enough to know by whom it goes there."""
    if way and all(router for _, router in way):
        return True
    hops = [hop for hop in path.hops if not hop.is_target]
    return bool(hops) and all(hop.received or hop.late or hop.lost >= _SILENT for hop in hops)


_SILENT: Final = 8
_TAIL: Final = 64
"""Rounds in which something may be in flight still."""
