"""The report as data, schema ``hopscope.report/1``: what ``--format json`` prints and `hopscope.trace` returns.

Structs in the order of the document's keys. Times are milliseconds where the key ends in ``_ms``, seconds for ``_s``;
moments are ISO 8601 in UTC. What is unknown is None, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec

from hopscope._version import __version__
from hopscope.names.facts import AddressInfo, Asn, Geo
from hopscope.path.flows import FlowPath
from hopscope.path.shared import SharedHop
from hopscope.path.snapshot import Hop, Jitter, LastReply, Rtt
from hopscope.session.model import Target
from hopscope.session.report_discovery import ReportDiscovery, report_discovery
from hopscope.session.report_flows import ReportFlow, ReportPath, paths_of, report_paths
from hopscope.session.report_verdict import (
    ReportEpoch,
    ReportIncident,
    ReportMark,
    ReportVerdict,
    report_epoch,
    report_incident,
    report_mark,
    report_verdict,
    said_of,
)
from hopscope.wire.messages import Clock, Family, FlowKind, Label, Method, Protocol
from hopscope.words.discovery import discovery_words
from hopscope.words.numbers import iso
from hopscope.words.parallel import Fan, parallel_words

S = TypeVar("S", Rtt, Jitter)

_DIGITS = 6
"""Places behind the point: of a millisecond that is the nanosecond, below which nothing was measured."""


class ReportTarget(msgspec.Struct, frozen=True):
    """What was asked for, and the address that was probed."""

    query: str
    address: str | None
    answered_by: str | None = None
    """From which other address its answers come, where it is silent itself (anycast)."""


class ReportSource(msgspec.Struct, frozen=True):
    """The machine that probed, and the address that it probed from."""

    host: str
    address: str | None


class ReportNode(msgspec.Struct, frozen=True):
    """An address that answered for a hop. `asn` is the first where several systems announce it."""

    address: str
    hostname: str | None
    verified: bool | None
    """The name leads back to the address. False: not as far as was heard, so the name is a claim of whoever owns the
    reverse zone. None: there is no name, or that was not asked."""
    received: int
    asn: Asn | None
    geo: Geo | None
    best_ms: float | None
    avg_ms: float | None
    last_ms: float | None


class ReportError(msgspec.Struct, frozen=True):
    """Why this machine could not send a probe, the last time."""

    error: str
    """The errno's name, or ``WORKER``."""
    message: str
    at: str


class ReportShared(msgspec.Struct, frozen=True, rename={"since": "from"}):
    """A router that several targets ask in turn, as all of them know it: ``sent == received + lost``."""

    targets: int
    flows: int
    """Of all these targets."""
    since: str
    sent: int
    received: int
    lost: int
    loss_pct: float | None
    loss_ci95_pct: tuple[float, float] | None
    rtt_ms: Rtt | None


class ReportHop(msgspec.Struct, frozen=True):
    """One TTL. ``sent == received + lost + late + pending + failed``."""

    ttl: int
    sent: int
    received: int
    lost: int
    late: int
    pending: int
    failed: int
    duplicates: int
    loss_pct: float | None
    loss_ci95_pct: tuple[float, float] | None
    nodes: tuple[ReportNode, ...]
    rtt_ms: Rtt | None
    jitter_ms: Jitter | None
    reply: LastReply | None
    mpls: tuple[Label, ...]
    unvouched: int
    """How many of the received answers quoted so little of their probe that a stranger could have made them up."""
    errors: int
    """How many of the received answers were a router's error that ends the path ("no route", "prohibited")."""
    is_target: bool
    last_error: ReportError | None
    shared: ReportShared | None
    """What all targets together know of this router, where they take turns to ask it; the rest is of this one's own
    probes."""


class ReportWindow(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    """The span of time that the numbers are over."""

    begin: str | None
    """When the first of its rounds began."""
    end: str
    rounds: int


class ReportSeries(msgspec.Struct, frozen=True):
    """The target by round, whatever TTL it stood at. ``sent == received + lost + late + pending + failed``."""

    sent: int
    received: int
    lost: int
    late: int
    pending: int
    failed: int
    errors: int
    """How many of the lost ones ended with a router's error."""
    loss_pct: float | None
    loss_ci95_pct: tuple[float, float] | None
    rtt_ms: Rtt | None
    jitter_ms: Jitter | None


class Report(msgspec.Struct, frozen=True):
    """One target's report."""

    schema: Literal["hopscope.report/1"]
    hopscope: str
    target: ReportTarget
    source: ReportSource
    protocol: Protocol | None
    method: Method | None
    family: Family | None
    port: int | None
    interval_s: float | None
    timeout_s: float | None
    packet_size: int | None
    """Bytes as sent, IP header included."""
    tos: int | None
    started: str | None
    finished: str
    rounds: int
    reached: bool
    window: ReportWindow
    target_series: ReportSeries
    hops: tuple[ReportHop, ...]
    flows: tuple[ReportFlow, ...]
    """The first is the one that `hops` and `target_series` are about."""
    paths: tuple[ReportPath, ...]
    """The ways that the flows take."""
    discovery: ReportDiscovery | None
    """Which ways there are, where that was asked for."""
    flow_kind: FlowKind | None
    clock: Clock | None
    """Where RTTs come from as a rule."""
    note: str | None
    """What a user should know of the method, in words."""
    error: str | None
    """Why the target could not be probed, in words."""
    verdict: ReportVerdict
    """What is wrong now."""
    incidents: tuple[ReportIncident, ...]
    """What was or is wrong, in the order of its begin."""
    marks: tuple[ReportMark, ...]
    """What happened and is no trouble."""
    epochs: tuple[ReportEpoch, ...]
    """The path, from one change to the next."""

    def to_json(self, indent: int = 2) -> str:
        """The JSON document, without a newline at its end. `indent` 0: on one line."""
        return to_json(self, indent)


class Reports(msgspec.Struct, frozen=True):
    """Several targets' reports."""

    schema: Literal["hopscope.reports/1"]
    reports: tuple[Report, ...]


def report(target: Target, *, now: int, host: str) -> Report:
    """The report of a target as it stands at `now` (epoch ns, `Snapshot.now`), taken on the machine named `host`."""
    plan, started, path = target.plan, target.started, target.path
    refusal, judged, said = target.refusal, target.judged, said_of(target)
    paths = paths_of(target)
    return Report(
        schema="hopscope.report/1",
        hopscope=__version__,
        target=ReportTarget(target.query, target.address, started.answered_by if started else None),
        source=ReportSource(host, started.source if started else None),
        protocol=plan.protocol if plan else None,
        method=started.method if started else None,
        family=plan.family if plan else None,
        port=started.port if started else plan.port if plan else None,
        interval_s=plan.interval_ns / 1e9 if plan else None,
        timeout_s=plan.timeout_ns / 1e9 if plan else None,
        packet_size=started.packet_size if started else plan.packet_size if plan else None,
        tos=plan.tos if plan else None,
        started=iso(path.started_at) if path.started_at is not None else None,
        finished=iso(now),
        rounds=path.rounds,
        reached=path.reached,
        window=ReportWindow(_iso(path.numbers.begin), iso(now), path.numbers.rounds),
        target_series=_series(path.target),
        hops=tuple(_hop(hop, target.names, target.shared.get(hop.ttl)) for hop in path.hops),
        flows=tuple(
            sorted(
                (_flow(flow, i) for i, path in enumerate(paths.paths) for flow in path.flows),
                key=lambda flow: flow.flow,
            )
        ),
        paths=report_paths(paths),
        discovery=report_discovery(target.discovered, target.judged.verdict.notes),
        flow_kind=started.flow if started else None,
        clock=started.clock if started else None,
        note="; ".join(remarks(target, paths)) or None,
        error=refusal.message if refusal else target.error,
        verdict=report_verdict(target, said),
        incidents=tuple(report_incident(incident, said) for incident in judged.incidents),
        marks=tuple(report_mark(mark) for mark in judged.marks),
        epochs=tuple(report_epoch(epoch) for epoch in judged.epochs),
    )


def _flow(flow: FlowPath, path: int) -> ReportFlow:
    series = _series(flow.path.target)
    return ReportFlow(
        flow=flow.number,
        source_port=flow.source_port,
        port=flow.port,
        label=flow.label,
        path=path,
        sent=series.sent,
        received=series.received,
        lost=series.lost,
        loss_pct=series.loss_pct,
        loss_ci95_pct=series.loss_ci95_pct,
        rtt_ms=series.rtt_ms,
    )


def remarks(target: Target, paths: Fan | None = None) -> tuple[str, ...]:
    """What is to be said of how a target is probed: a line each. `paths`: and which of them is bad."""
    note = target.started.note if target.started else None
    found = discovery_words(target.discovered, target.judged.verdict.notes) if target.discovered is not None else None
    return tuple(text for text in (found, parallel_words(paths.paths) if paths else None, *target.notes, note) if text)


def document(targets: Sequence[Target], *, now: int, host: str) -> Report | Reports:
    """The JSON document for these targets: of one its report, of any other number a `Reports`."""
    reports = tuple(report(target, now=now, host=target.site or host) for target in targets)
    return reports[0] if len(reports) == 1 else Reports("hopscope.reports/1", reports)


def to_json(data: Report | Reports, indent: int = 2) -> str:
    """As JSON, without a newline at its end. `indent` 0: on one line."""
    encoded = msgspec.json.encode(data)
    return (msgspec.json.format(encoded, indent=indent) if indent > 0 else encoded).decode()


def _iso(at: int | None) -> str | None:
    return None if at is None else iso(at)


def _series(target: Hop | None) -> ReportSeries:
    if target is None:
        return ReportSeries(0, 0, 0, 0, 0, 0, 0, None, None, None, None)
    return ReportSeries(
        sent=target.sent,
        received=target.received,
        lost=target.lost,
        late=target.late,
        pending=target.pending,
        failed=target.failed,
        errors=target.errors,
        loss_pct=_rounded(target.loss_pct),
        loss_ci95_pct=_interval(target),
        rtt_ms=_each_rounded(target.rtt),
        jitter_ms=_each_rounded(target.jitter),
    )


def _shared(hop: SharedHop) -> ReportShared:
    return ReportShared(
        targets=hop.targets,
        flows=hop.flows,
        since=iso(hop.since),
        sent=hop.received + hop.lost,
        received=hop.received,
        lost=hop.lost,
        loss_pct=_rounded(hop.loss_pct),
        loss_ci95_pct=_interval(hop),
        rtt_ms=_each_rounded(hop.rtt),
    )


def _interval(hop: Hop | SharedHop) -> tuple[float, float] | None:
    interval = hop.loss_ci95_pct
    return (round(interval[0], _DIGITS), round(interval[1], _DIGITS)) if interval else None


def _hop(hop: Hop, names: dict[str, AddressInfo], shared: SharedHop | None) -> ReportHop:
    error = hop.last_error
    return ReportHop(
        ttl=hop.ttl,
        sent=hop.sent,
        received=hop.received,
        lost=hop.lost,
        late=hop.late,
        pending=hop.pending,
        failed=hop.failed,
        duplicates=hop.duplicates,
        loss_pct=_rounded(hop.loss_pct),
        loss_ci95_pct=_interval(hop),
        nodes=tuple(_nodes(hop, names)),
        rtt_ms=_each_rounded(hop.rtt),
        jitter_ms=_each_rounded(hop.jitter),
        reply=hop.reply,
        mpls=hop.mpls,
        unvouched=hop.unvouched,
        errors=hop.errors,
        is_target=hop.is_target,
        last_error=ReportError(error.error, error.message, iso(error.at)) if error else None,
        shared=None if shared is None else _shared(shared),
    )


def _nodes(hop: Hop, names: dict[str, AddressInfo]) -> list[ReportNode]:
    nodes = []
    for node in hop.nodes:
        known = names.get(node.address) or AddressInfo()
        nodes.append(
            ReportNode(
                address=node.address,
                hostname=known.hostname,
                verified=known.verified if known.hostname is not None else None,
                received=node.received,
                asn=_plain(known.asns[0]) if known.asns else None,
                geo=known.geo,
                best_ms=_rounded(node.best_ms),
                avg_ms=_rounded(node.avg_ms),
                last_ms=_rounded(node.last_ms),
            )
        )
    return nodes


def _plain(asn: Asn) -> Asn:
    """Without what only DNS tells of an `Origin`."""
    return Asn(asn.number, asn.name, asn.prefix, asn.country)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _each_rounded(numbers: S | None) -> S | None:
    """The struct with each of its numbers rounded."""
    if numbers is None:
        return None
    values = {name: _rounded(getattr(numbers, name)) for name in numbers.__struct_fields__}
    return msgspec.structs.replace(numbers, **values)
