"""The report's verdict, incidents, marks and epochs: the judge's findings with their owners and words."""

from __future__ import annotations

from typing import Literal

import msgspec

from hopscope.judge.verdict import Epoch, Incident, Mark, NoteKind, Trouble, VerdictKind
from hopscope.names.segments import Owner, Role
from hopscope.session.model import Target
from hopscope.words.events import MarkName, incident_words, mark_name, mark_words
from hopscope.words.numbers import iso, utc
from hopscope.words.said import Said


class ReportOwner(msgspec.Struct, frozen=True):
    """Whose a hop is. `by`: its address's AS, or only its name's registered domain, which is a claim."""

    number: int | None
    name: str | None
    by: Literal["as", "name"]


class ReportNote(msgspec.Struct, frozen=True):
    """Something odd that is no trouble."""

    kind: NoteKind
    ttl: int | None
    text: str


class ReportVerdict(msgspec.Struct, frozen=True):
    """What is wrong now. The trouble begins somewhere from `first_ttl` to `last_ttl`, or on the way back from there."""

    kind: VerdictKind
    first_ttl: int | None
    last_ttl: int | None
    since: str | None
    """When it began; ``recovered``: when it ended."""
    segment: Role | None
    """Whose `last_ttl` is."""
    owner: ReportOwner | None
    between: tuple[str, str] | None
    """Both sides in words: the owner, else the names' domain, else the address."""
    confidence: float
    text: str
    evidence: tuple[str, ...]
    against: tuple[str, ...] = msgspec.field(name="not")
    """What it is not, though it may look so."""
    next: tuple[str, ...]
    """What to try, and whom to tell."""
    notes: tuple[ReportNote, ...]


class ReportIncident(msgspec.Struct, frozen=True):
    """Something that was wrong. `sent` and `lost` are the target's while it lasted."""

    id: str
    kind: Trouble
    begin: str = msgspec.field(name="from")
    end: str | None = msgspec.field(name="to")
    """None: it lasts."""
    first_ttl: int | None
    last_ttl: int | None
    segment: Role | None
    between: tuple[str, str] | None
    sent: int
    lost: int
    delay_ms: float | None
    """How much more than usual, at most."""
    times: int
    """How often it came, from the first begin to the last end."""
    confidence: float
    text: str


class ReportMark(msgspec.Struct, frozen=True):
    """Something that happened and is no trouble."""

    kind: MarkName
    begin: str = msgspec.field(name="from")
    end: str | None = msgspec.field(name="to")
    """None: it lasts."""
    text: str


class ReportEpoch(msgspec.Struct, frozen=True):
    """A span in which the path stayed the same."""

    begin: str = msgspec.field(name="from")
    end: str | None = msgspec.field(name="to")
    """None: it lasts."""
    first_ttl: int
    addresses: tuple[tuple[str, ...], ...]
    """By TTL from `first_ttl` on: who answered there; several are parallel, none is silent."""


def said_of(target: Target) -> Said:
    """The target in words, with moments in UTC: a report travels to other zones."""
    return Said(target, utc)


def report_verdict(target: Target, said: Said) -> ReportVerdict:
    """The verdict of a target; of one that cannot be probed, why."""
    verdict, place = said.verdict, said.place
    problem = target.error or (target.refusal.message if target.refusal else None)
    return ReportVerdict(
        kind=verdict.kind,
        first_ttl=verdict.first_ttl,
        last_ttl=verdict.last_ttl,
        since=_moment(verdict.since),
        segment=place.segment,
        owner=_owner(place.owner),
        between=place.between,
        confidence=verdict.confidence,
        text=problem if problem and not target.path.rounds else said.sentence.line,
        evidence=said.evidence,
        against=said.against,
        next=said.steps,
        notes=tuple(ReportNote(note.kind, note.ttl, said.note(note)) for note in verdict.notes),
    )


def report_incident(incident: Incident, said: Said) -> ReportIncident:
    """One incident."""
    place = said.place_of(incident)
    return ReportIncident(
        id=incident.id,
        kind=incident.kind,
        begin=iso(incident.begin),
        end=_moment(incident.end),
        first_ttl=incident.first_ttl,
        last_ttl=incident.last_ttl,
        segment=place.segment,
        between=place.between,
        sent=incident.sent,
        lost=incident.lost,
        delay_ms=None if incident.delay_ns is None else round(incident.delay_ns / 1e6, 6),
        times=incident.times,
        confidence=incident.confidence,
        text=incident_words(incident, place, utc),
    )


def report_mark(mark: Mark) -> ReportMark:
    """One mark."""
    lasts = mark.kind == "pause" and mark.end is None
    end = None if lasts else iso(mark.begin if mark.end is None else mark.end)
    return ReportMark(mark_name(mark), iso(mark.begin), end, mark_words(mark))


def report_epoch(epoch: Epoch) -> ReportEpoch:
    """One epoch."""
    return ReportEpoch(iso(epoch.begin), _moment(epoch.end), epoch.first_ttl, epoch.addresses)


def _moment(at: int | None) -> str | None:
    return None if at is None else iso(at)


def _owner(owner: Owner | None) -> ReportOwner | None:
    return None if owner is None else ReportOwner(owner.number, owner.name, owner.by)
