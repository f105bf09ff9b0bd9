"""A target's parallel flows: which go the same way, which lose beside the others, and the sentence about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from hopscope.judge.parallel import FlowFinding, FlowState, judged
from hopscope.path.flows import FlowPath
from hopscope.path.snapshot import Path
from hopscope.path.stats import loss_pct
from hopscope.words.numbers import percent

_WORST_FIRST: Final[tuple[FlowState, ...]] = ("dead", "bad", "losing", "slow", "ok", "unknown")
_BAD: Final[frozenset[FlowState]] = frozenset(("dead", "bad"))
_MOST_PORTS: Final = 8
"""Source ports that a sentence names."""


class ParallelPath(NamedTuple):
    """Flows that met the same routers wherever flows part."""

    members: tuple[tuple[int, str | None], ...]
    """TTL and router, where flows part; None: it never answered."""
    flows: tuple[FlowPath, ...]
    findings: tuple[FlowFinding, ...]
    """Of each of them."""

    @property
    def finding(self) -> FlowFinding:
        """What the path is like: bad where at least half of its flows are, losing where fewer are."""
        worst = min(self.findings, key=lambda finding: _WORST_FIRST.index(finding.state))
        if worst.state in _BAD and 2 * sum(finding.state in _BAD for finding in self.findings) < len(self.findings):
            return FlowFinding("losing", worst.confidence)
        return worst

    @property
    def sent(self) -> int:
        """Probes of the target that are lost or answered."""
        return _counted(self.flows)[0]

    @property
    def lost(self) -> int:
        """Those of them that are lost."""
        return _counted(self.flows)[1]


def parallel_paths(flows: Sequence[FlowPath]) -> list[ParallelPath]:
    """The paths that several flows of a target take, in the order of their first flow, judged by their last rounds."""
    parting = _where_flows_part([flow.path for flow in flows])
    groups: dict[tuple[tuple[int, str | None], ...], list[int]] = {}
    for place, flow in enumerate(flows):
        key = tuple((ttl, _router(flow.path, ttl)) for ttl in parting)
        groups.setdefault(key, []).append(place)
    findings = judged(_rows(flows))
    return [
        ParallelPath(
            members,
            tuple(flows[place] for place in places),
            tuple(findings[place] for place in places),
        )
        for members, places in groups.items()
    ]


def parallel_words(paths: Sequence[ParallelPath]) -> str | None:
    """What is wrong with some of several flows, in a sentence; None: nothing is."""
    bad: list[FlowPath] = []
    rest: list[FlowPath] = []
    for path in paths:
        is_whole = path.finding.state in _BAD
        for flow, finding in zip(path.flows, path.findings, strict=True):
            (bad if is_whole or finding.state in _BAD else rest).append(flow)
    if not bad or not rest:
        return None
    (sent, lost), (rest_sent, rest_lost) = _counted(bad), _counted(rest)
    theirs = [path for path in paths if path.finding.state in _BAD and len(path.flows) == len(bad)]
    routers = [f"{router} (hop {ttl})" for path in theirs for ttl, router in path.members if router]
    where = f", by {', '.join(routers)}" if routers else ""
    ports = [str(flow.source_port) for flow in bad if flow.source_port is not None]
    named = ", ".join(ports[:_MOST_PORTS]) + (" …" if len(ports) > _MOST_PORTS else "")
    return (
        f"{len(bad)} of {len(bad) + len(rest)} flows lose {percent(loss_pct(lost, sent - lost))}{where}, the others "
        f"{percent(loss_pct(rest_lost, rest_sent - rest_lost))}: one of several links is bad, there or back"
        f" (source ports {named})"
    )


def _where_flows_part(paths: Sequence[Path]) -> list[int]:
    """The TTLs at which flows met different routers."""
    last = max((len(path.hops) for path in paths), default=0)
    found = []
    for ttl in range(1, last + 1):
        routers = {router for path in paths if (router := _router(path, ttl)) is not None}
        if len(routers) > 1:
            found.append(ttl)
    return found


def _router(path: Path, ttl: int) -> str | None:
    """Who answered most for a flow at this TTL; None: nobody, or the target."""
    hop = next((hop for hop in path.hops if hop.ttl == ttl), None)
    if hop is None or hop.is_target or not hop.nodes:
        return None
    return max(hop.nodes, key=lambda node: node.received).address


def _counted(flows: Sequence[FlowPath]) -> tuple[int, int]:
    """Probes of the target that are lost or answered, and those that are lost."""
    targets = [flow.path.target for flow in flows if flow.path.target is not None]
    lost = sum(target.lost for target in targets)
    return lost + sum(target.received for target in targets), lost


def _rows(flows: Sequence[FlowPath]) -> list[list[int]]:
    """What became of each flow's probes of the target in the rounds that all windows have."""
    windows = [flow.path.target.window for flow in flows if flow.path.target is not None]
    if not windows or len(windows) < len(flows):
        return [[] for _ in flows]
    first = max(window.first_round for window in windows)
    end = min(window.first_round + len(window.samples) for window in windows)
    return [
        window.samples[first - window.first_round : end - window.first_round].tolist() if end > first else []
        for window in windows
    ]
