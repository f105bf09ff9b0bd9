"""The words and numbers that the reports for people (Markdown, HTML) share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from hopscope.judge.verdict import Incident
from hopscope.path.hop_health import HopFinding
from hopscope.path.snapshot import Hop
from hopscope.path.windows import WORDS
from hopscope.session.model import Target
from hopscope.session.report import remarks
from hopscope.session.report_flows import paths_of
from hopscope.views.report.document import Document, hostname, is_claim, owner, query_of
from hopscope.words.events import incident_words
from hopscope.words.hops import hop_finding, hop_now, shared_words
from hopscope.words.numbers import DASH, local_time
from hopscope.words.said import Said

MOST_HAPPENED = 20
"""Incidents that are listed; the newest."""
UNVERIFIED = "name unverified"
"""Stands beside a name that does not lead back to its address."""


class Moment(NamedTuple):
    """A moment as this machine's clock on the wall has it, and in UTC: a report travels to other zones."""

    local: datetime
    utc: datetime

    @property
    def is_utc(self) -> bool:
        """Whether this machine's zone is UTC, so that one time says it all."""
        return not self.local.utcoffset() and self.local.tzname() in ("UTC", "GMT")

    def clock(self) -> list[str]:
        """The time of day with its zone: a text for each clock."""
        utc = f"{self.utc:%H:%M:%S} UTC"
        return [utc] if self.is_utc else [f"{self.local:%H:%M:%S} {self.local.tzname()}", utc]

    def words(self) -> str:
        """Date and time of day, by both clocks."""
        utc = f"{self.utc:%Y-%m-%d %H:%M:%S} UTC"
        return utc if self.is_utc else f"{self.local:%Y-%m-%d %H:%M:%S} {zone(self.local)} ({utc})"


def moment(at: int) -> Moment:
    """Of epoch ns, to the second."""
    utc = datetime.fromtimestamp(at // 1_000_000_000, UTC)
    return Moment(local_time(utc), utc)


def zone(local: datetime) -> str:
    """A zone's name and its distance from UTC: ``CET, UTC+01:00``."""
    offset = f"UTC{local:%z}"
    offset = f"{offset[:-2]}:{offset[-2:]}"
    name = local.tzname() or ""
    return f"{name}, {offset}" if name[:1].isalpha() else offset


def span(first: int | None, last: int | None) -> str:
    """From when to when, by both clocks."""
    if first is None or last is None:
        return DASH
    begin, end = moment(first), moment(last)
    utc = f"{begin.utc:%Y-%m-%d %H:%M:%S} to {_end(begin.utc, end.utc)} UTC"
    if begin.is_utc:
        return utc
    return f"{begin.local:%Y-%m-%d %H:%M:%S} to {_end(begin.local, end.local)} {zone(end.local)} ({utc})"


def _end(begin: datetime, end: datetime) -> str:
    return f"{end:%H:%M:%S}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"


def said_of(document: Document, target: Target) -> Said:
    """What the judge has to say of a target, with both clocks' times."""
    if document.style.names == "addresses":
        bare = {address: msgspec.structs.replace(known, hostname=None) for address, known in target.names.items()}
        target = msgspec.structs.replace(target, names=bare)
    return Said(target, lambda at: moment(at).words())


def verdict(document: Document, target: Target) -> str:
    """What is wrong, in a line."""
    if target.error:
        return target.error
    if target.refusal:
        return target.refusal.message
    return said_of(document, target).sentence.line


def evidence(document: Document, target: Target) -> list[str]:
    """What the verdict rests on and whom it concerns, and what was wrong before."""
    if target.error or target.refusal:
        return []
    said = said_of(document, target)
    before = [happened(incident, said) for incident in target.judged.incidents if incident.end is not None]
    return [*said.evidence, *said.against, *before[-MOST_HAPPENED:]]


def happened(incident: Incident, said: Said) -> str:
    """An incident, with its moments."""
    words = incident_words(incident, said.place_of(incident), lambda at: moment(at).words())
    return words if incident.end is None else f"{span(incident.begin, incident.end)}: {words}"


def lost_of(hop: Hop) -> str:
    """``3 of 30 (3.5–25.6 %)``: what was lost of what has a fate, and the 95 % interval (Wilson)."""
    words = f"{hop.lost} of {hop.lost + hop.received}"
    if hop.loss_ci95_pct is None:
        return words
    low, high = hop.loss_ci95_pct
    return f"{words} ({low:.1f}–{high:.1f} %)"


NOT_ASKED = "not asked in this time: who shares a router takes turns"


def is_true_loss(hop: Hop, found: HopFinding) -> bool:
    """Whether what is lost at a hop is lost traffic, as far as can be told: no router that answers seldom or never."""
    return bool(hop.received or hop.late) and (found.is_trouble or hop.is_target)


def is_harmless(found: HopFinding) -> bool:
    """Whether what a hop does not answer is no lost traffic: what lies behind it answers."""
    return found.state in ("cosmetic", "silent")


def remark(target: Target, hop: Hop) -> str:
    """What is to be said of a hop beside its numbers; nothing where it is fine."""
    judged = hop_finding(target.path, hop, target.judged.verdict)
    words = [] if judged.state in ("ok", "starting") else [hop_now(judged, target.judged.verdict)]
    if not hop.sent and any(behind.sent for behind in target.path.hops if behind.ttl > hop.ttl):
        words.append(NOT_ASKED)
    shared = target.shared.get(hop.ttl)
    if shared is not None:
        words.append(shared_words(shared))
    if hop.unvouched:
        words.append(f"{hop.unvouched} of {hop.received} quote too little of the probe: a stranger could make them up")
    return "; ".join(words)


def host(document: Document, target: Target, address: str) -> str:
    """An address for people who may have to act on it: the name with the address behind it, and whether the name leads
    back to it. Only the address where names were not wanted."""
    if document.style.names == "addresses":
        return address
    words = hostname(target, address, "both")
    return f"{words}, {UNVERIFIED}" if is_claim(target, address) else words


def owner_words(target: Target, address: str) -> str:
    """``AS64500 EXAMPLE``, or nothing."""
    asn = owner(target, address)
    if asn is None:
        return ""
    return f"AS{asn.number} {asn.name}" if asn.name else f"AS{asn.number}"


def labels(hop: Hop) -> str:
    """The hop's MPLS labels, the outermost first."""
    return ", ".join(f"MPLS {label.label}" for label in hop.mpls)


def _before(target: Target) -> str:
    """From where probes left before this machine's address changed."""
    change = target.source_change
    return f" since {moment(change.at).words()}, {change.before} before" if change is not None else ""


def measured(document: Document, target: Target) -> Sequence[tuple[str, str]]:
    """What was measured and how: names and values."""
    plan, started, path = target.plan, target.started, target.path
    rows = [("Target", query_of(target)), ("From", document.host_of(target))]
    if started and started.source:
        rows[1] = ("From", f"{document.host_of(target)} ({started.source}{_before(target)})")
    if plan:
        port = (started.port if started else None) or plan.port
        way = plan.protocol.upper() + (f" port {port}" if port else "") + f" over IPv{plan.family}"
        rows.append(("Probes", f"{way}, {started.packet_size if started else plan.packet_size} bytes, TOS {plan.tos}"))
        if started:
            flow = {"one": "one flow", "per-ttl": "a flow for each hop", "per-probe": "a flow for each probe"}
            flows = f"{1 + len(target.flows)} flows" if target.flows else flow[started.flow]
            rows.append(("Method", f"{started.method}, {flows}, RTT by the {started.clock}'s clock"))
        rows.append(("Schedule", f"a round every {plan.interval_ns / 1e9:g} s, lost after {plan.timeout_ns / 1e9:g} s"))
    rows += [("Note", note) for note in remarks(target, paths_of(target))]
    rows.append(("Rounds", f"{path.rounds}, {span(path.started_at, path.last_at)}"))
    if path.numbers.name != "start":
        rows.append(("Numbers", f"{WORDS[path.numbers.name]}, {path.numbers.rounds} rounds"))
    rows.append(("Made by", f"hopscope {document.version}"))
    return rows
