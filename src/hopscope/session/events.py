"""The events that users of the library and of ``--format ndjson`` see: one fact each, with its wall clock time."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from hopscope.session.report_verdict import ReportEpoch, ReportIncident, ReportMark, ReportVerdict
from hopscope.wire.messages import (
    Answered,
    Clock,
    Duplicate,
    Failed,
    Family,
    FlowKind,
    Kind,
    Label,
    Late,
    Lost,
    Method,
    Protocol,
    Sent,
)
from hopscope.words.numbers import iso

Outcome: TypeAlias = Literal["answered", "lost", "late", "failed", "duplicate"]


class StartEvent(msgspec.Struct, frozen=True, tag_field="event", tag="start", kw_only=True):
    """A target is being probed: the head of its report."""

    schema: str = "hopscope.events/1"
    target: str
    query: str
    source: str | None
    protocol: Protocol
    method: Method
    family: Family
    port: int | None
    interval_s: float
    timeout_s: float
    packet_size: int
    tos: int
    flow_kind: FlowKind
    started: str


class ProbeEvent(msgspec.Struct, frozen=True, tag_field="event", tag="probe", kw_only=True):
    """A probe's fate. A probe that was ``lost`` may be ``late`` afterwards; a ``duplicate`` is one more answer."""

    target: str
    round: int
    ttl: int
    flow: int = 0
    sent_at: str
    outcome: Outcome
    rtt_ms: float | None = None
    address: str | None = None
    kind: Kind | None = None
    reply_ttl: int | None = None
    mpls: tuple[Label, ...] = ()
    clock: Clock | None = None
    """Whose time stamps the RTT comes from: ``kernel``, or ``program`` where a stamp was missing."""
    vouched: bool | None = None
    """False: the answer quotes so little of the probe that a stranger could have made it up by trying numbers out."""
    count: int = 1
    """How many further answers a ``duplicate`` stands for: the first 16 of a probe are told one by one."""
    error: str | None = None
    """Why it failed, in words."""


class SentEvent(msgspec.Struct, frozen=True, tag_field="event", tag="sent", kw_only=True):
    """A probe left; its fate follows. Only for consumers that ask for departures."""

    target: str
    round: int
    ttl: int
    flow: int = 0
    sent_at: str


class VerdictEvent(ReportVerdict, frozen=True, tag_field="event", tag="verdict", kw_only=True):
    """What is wrong has changed: this is so from now on."""

    target: str
    at: str


class IncidentEvent(ReportIncident, frozen=True, tag_field="event", tag="incident", kw_only=True):
    """Something that is wrong has begun, or ended (then `to` says when)."""

    target: str
    at: str


class MarkEvent(ReportMark, frozen=True, tag_field="event", tag="mark", kw_only=True):
    """Something that happened, and is no trouble of the path's."""

    target: str
    at: str


class EpochEvent(ReportEpoch, frozen=True, tag_field="event", tag="epoch", kw_only=True):
    """The path is another one from now on."""

    target: str
    at: str


class GapEvent(msgspec.Struct, frozen=True, tag_field="event", tag="gap", kw_only=True):
    """In the place of a target's events that a consumer missed, because it was too far behind. Nothing of them is
    missing in the session's own numbers."""

    target: str
    at: str
    """The moment of the first of them."""
    until: str
    """The moment of the last."""
    events: int
    """How many."""
    first_round: int | None
    """The smallest round of a probe among them; None: there was no probe."""
    last_round: int | None


class EndEvent(msgspec.Struct, frozen=True, tag_field="event", tag="end", kw_only=True):
    """A target is not probed any more."""

    target: str
    rounds: int
    reached: bool


SessionEvent: TypeAlias = (
    StartEvent | ProbeEvent | VerdictEvent | IncidentEvent | MarkEvent | EpochEvent | GapEvent | EndEvent
)
StreamEvent: TypeAlias = SessionEvent | SentEvent

_OUTCOMES: Final[dict[type, Outcome]] = {Answered: "answered", Late: "late", Duplicate: "duplicate"}


def sent_event(target: str, event: Sent) -> SentEvent:
    """The public form of a probe's departure."""
    return SentEvent(target=target, round=event.round, ttl=event.ttl, flow=event.flow, sent_at=iso(event.sent_at))


def moment_of(event: StreamEvent) -> str:
    """When it happened, ISO 8601: of a probe when it was sent; empty where the event does not say."""
    if isinstance(event, (ProbeEvent, SentEvent)):
        return event.sent_at
    if isinstance(event, StartEvent):
        return event.started
    return "" if isinstance(event, EndEvent) else event.at


def probe_event(target: str, event: Answered | Lost | Failed) -> ProbeEvent:
    """The public form of a fate that the worker told."""
    if isinstance(event, Answered):
        return ProbeEvent(
            target=target,
            round=event.round,
            ttl=event.ttl,
            flow=event.flow,
            sent_at=iso(event.sent_at),
            outcome=_OUTCOMES[type(event)],
            rtt_ms=event.rtt_ns / 1e6,
            address=event.address,
            kind=event.kind,
            reply_ttl=event.reply_ttl,
            mpls=event.mpls,
            clock=event.clock,
            vouched=event.vouched,
            count=event.count if isinstance(event, Duplicate) else 1,
        )
    failed = isinstance(event, Failed)
    return ProbeEvent(
        target=target,
        round=event.round,
        ttl=event.ttl,
        flow=event.flow,
        sent_at=iso(event.sent_at),
        outcome="failed" if failed else "lost",
        error=event.message if isinstance(event, Failed) else None,
    )
