"""A target's parallel flows: which go the same way, which lose beside the others, and the sentence about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from hopscope.judge.parallel import FlowFinding, FlowState
from hopscope.path.flows import FlowPath, members_of, turning
from hopscope.path.stats import loss_pct
from hopscope.words.numbers import first_ports, percent, span_ms

_WORST_FIRST: Final[tuple[FlowState, ...]] = ("dead", "bad", "losing", "slow", "ok", "unknown")
_BAD: Final[frozenset[FlowState]] = frozenset(("dead", "bad"))
ILL: Final[frozenset[FlowState]] = frozenset(("dead", "bad", "losing", "slow"))
"""States in which something is wrong."""


class LostOfSent(NamedTuple):
    """Probes of the target."""

    sent: int
    """Those that are lost or answered."""
    lost: int


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
    def median_ms(self) -> float | None:
        """The middle one of its flows' median RTTs to the target."""
        rtts = [flow.path.target.rtt for flow in self.flows if flow.path.target is not None]
        medians = [rtt.median for rtt in rtts if rtt is not None and rtt.median is not None]
        return median(medians) if medians else None

    @property
    def sent(self) -> int:
        """Probes of the target that are lost or answered."""
        return counted(self.flows).sent

    @property
    def lost(self) -> int:
        """Those of them that are lost."""
        return counted(self.flows).lost


class Links(NamedTuple):
    """The routers side by side at a TTL: how many, and over how many of them every path is bad."""

    routers: int
    bad: int


class Fan(NamedTuple):
    """All paths of a target's flows."""

    paths: tuple[ParallelPath, ...] = ()
    members: Mapping[int, Links] = {}
    """By TTL, where they part."""
    turns: tuple[int, ...] = ()
    """The TTLs at which the packets of one flow meet several routers in turns."""

    @property
    def flows(self) -> int:
        """How many there are in all."""
        return sum(len(path.flows) for path in self.paths)

    def share(self, path: ParallelPath) -> float:
        """How many of the flows go there, in percent."""
        return 100 * len(path.flows) / max(1, self.flows)

    @property
    def worst(self) -> int:
        """The place of the path that is worst."""
        return min(range(len(self.paths)), key=lambda at: _WORST_FIRST.index(self.paths[at].finding.state), default=0)


def fan(flows: Sequence[FlowPath], findings: Sequence[FlowFinding]) -> Fan:
    """The paths that a target's flows take; `findings`: what each of them is like beside the others."""
    paths = parallel_paths(flows, findings)
    found: dict[int, dict[str | None, bool]] = {}
    for path in paths:
        for ttl, router in path.members:
            at = found.setdefault(ttl, {})
            at[router] = at.get(router, True) and path.finding.state in _BAD
    turns = sorted({ttl for flow in flows for ttl in turning(flow.path)})
    return Fan(tuple(paths), {ttl: Links(len(at), sum(at.values())) for ttl, at in found.items()}, tuple(turns))


def fan_words(fan: Fan) -> str:
    """What there is to be said of all paths together, in a sentence."""
    said = parallel_words(fan.paths)
    if said is not None:
        return said
    flows = f"{fan.flows} flow{'s' if fan.flows > 1 else ''}"
    if len(fan.paths) < 2 and fan.turns:
        at = f"hop{'s' if len(fan.turns) > 1 else ''} {', '.join(map(str, fan.turns))}"
        return f"packets of one flow meet several routers in turns at {at}: no paths can be told apart there"
    if len(fan.paths) < 2:
        return f"{flows}, and all go the same way" if fan.flows > 1 else "one flow goes one way"
    states = {path.finding.state for path in fan.paths}
    found = f"{flows} take {len(fan.paths)} parallel paths"
    if states == {"unknown"}:
        return f"{found}; it is too early to compare them"
    if "losing" in states:
        return f"{found}; some lose more than the others just now"
    return f"{found}, and none is worse than the others"


def five_tuple(flow: FlowPath, protocol: str, source: str | None, target: str) -> str:
    """A flow as whoever has to find it in a router needs it: ``udp 198.51.100.7:20001 > 192.0.2.80:33434``."""
    return f"{protocol} {_socket(source or '?', flow.source_port)} > {_socket(target, flow.port)}"


def _socket(address: str, port: int | None) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port is None else f"{host}:{port}"


def parallel_paths(flows: Sequence[FlowPath], findings: Sequence[FlowFinding]) -> list[ParallelPath]:
    """The paths that several flows of a target take, in the order of their first flow."""
    groups: dict[tuple[tuple[int, str | None], ...], list[int]] = {}
    for place, key in enumerate(members_of([flow.path for flow in flows])):
        groups.setdefault(key, []).append(place)
    if len(findings) != len(flows):
        findings = [FlowFinding("unknown", 0.0)] * len(flows)
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
    return _bad_words(paths) or _slow_words(paths)


def _bad_words(paths: Sequence[ParallelPath]) -> str | None:
    bad: list[FlowPath] = []
    rest: list[FlowPath] = []
    for path in paths:
        is_whole = path.finding.state in _BAD
        for flow, finding in zip(path.flows, path.findings, strict=True):
            (bad if is_whole or finding.state in _BAD else rest).append(flow)
    if not bad or not rest:
        return None
    (sent, lost), (rest_sent, rest_lost) = counted(bad), counted(rest)
    return (
        f"{len(bad)} of {len(bad) + len(rest)} flows lose {percent(loss_pct(lost, sent - lost))}"
        f"{_by([path for path in paths if path.finding.state in _BAD], bad)}, the others "
        f"{percent(loss_pct(rest_lost, rest_sent - rest_lost))}: one of several links is bad, there or back{_from(bad)}"
    )


def _slow_words(paths: Sequence[ParallelPath]) -> str | None:
    """Which of several paths are slower than the others, and by how much; None: none is."""
    slow = [path for path in paths if path.finding.state == "slow"]
    flows = [flow for path in slow for flow in path.flows]
    all_flows = sum(len(path.flows) for path in paths)
    theirs = [path.median_ms for path in slow if path.median_ms is not None]
    rest = [path.median_ms for path in paths if path.finding.state != "slow" and path.median_ms is not None]
    if not theirs or not rest:
        return None
    are = "is" if len(flows) == 1 else "are"
    return (
        f"{len(flows)} of {all_flows} flows {are} slow{_by(slow, flows)}: {span_ms(median(theirs))}, the others "
        f"{span_ms(median(rest))}, there or back{_from(flows)}"
    )


def _by(paths: Sequence[ParallelPath], flows: Sequence[FlowPath]) -> str:
    """The routers of the only path that all these flows take."""
    theirs = [path for path in paths if len(path.flows) == len(flows)]
    routers = [f"{router} (hop {ttl})" for path in theirs for ttl, router in path.members if router]
    return f", by {', '.join(routers)}" if routers else ""


def _from(flows: Sequence[FlowPath]) -> str:
    ports = first_ports([flow.source_port for flow in flows])
    return f" (source ports {ports})" if ports else ""


def counted(flows: Sequence[FlowPath]) -> LostOfSent:
    """Of all these flows together."""
    targets = [flow.path.target for flow in flows if flow.path.target is not None]
    lost = sum(target.lost for target in targets)
    return LostOfSent(lost + sum(target.received for target in targets), lost)
