"""The part of a report that is about a target's parallel flows."""

from __future__ import annotations

from typing import Final

import msgspec

from hopscope.judge.parallel import FlowState
from hopscope.path.flows import FlowPath
from hopscope.path.snapshot import Rtt
from hopscope.session.model import Target
from hopscope.words.parallel import Fan, fan

_DIGITS: Final = 6


class ReportFlow(msgspec.Struct, frozen=True):
    """One of a target's parallel flows: its probes of the target, since the beginning."""

    flow: int
    source_port: int | None
    port: int | None
    label: int | None
    """IPv6's flow label, where it follows from the port (TCP as a plain user); else None."""
    path: int
    """Of `paths`, the one that it takes."""
    sent: int
    received: int
    lost: int
    loss_pct: float | None
    loss_ci95_pct: tuple[float, float] | None
    rtt_ms: Rtt | None


class ReportPath(msgspec.Struct, frozen=True):
    """What flows that go the same way have in common: ``sent`` counts their probes of the target that have a fate."""

    path: int
    members: dict[str, str | None]
    """By TTL, the router that this path has where flows part; None: it never answered."""
    flows: tuple[int, ...]
    share_pct: float
    sent: int
    lost: int
    loss_pct: float | None
    state: FlowState
    confidence: float


def flows_of(target: Target) -> tuple[FlowPath, ...]:
    """All flows of a target; none before it has one."""
    started = target.started
    first = () if started is None else (FlowPath(0, started.source_port, started.port, target.path, started.label),)
    return (*first, *target.flows)


def paths_of(target: Target) -> Fan:
    """The paths that they take."""
    return fan(flows_of(target), target.findings)


def report_paths(paths: Fan) -> tuple[ReportPath, ...]:
    """All of them, numbered."""
    return tuple(
        ReportPath(
            path=number,
            members={str(ttl): router for ttl, router in path.members},
            flows=tuple(flow.number for flow in path.flows),
            share_pct=round(paths.share(path), _DIGITS),
            sent=path.sent,
            lost=path.lost,
            loss_pct=round(100 * path.lost / path.sent, _DIGITS) if path.sent else None,
            state=path.finding.state,
            confidence=round(path.finding.confidence, _DIGITS),
        )
        for number, path in enumerate(paths.paths)
    )
