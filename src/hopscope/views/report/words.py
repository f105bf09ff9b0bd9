"""The words and numbers that the reports for people (Markdown, HTML) share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hopscope.path.health import health, hop_health
from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.session.report import said_of
from hopscope.views.numbers import DASH
from hopscope.views.prose import hop_words, sentence
from hopscope.views.report.document import Document, hostname, is_claim, owner, query_of

UNVERIFIED = "name unverified"
"""Stands beside a name that does not lead back to its address."""


def moment(at: int | None) -> str:
    """Epoch ns as ISO 8601 in UTC, to the second."""
    return DASH if at is None else datetime.fromtimestamp(at // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def verdict(target: Target) -> str:
    """What the path is like, in a line."""
    if target.error:
        return target.error
    if target.refusal:
        return target.refusal.message
    return sentence(health(target.path)).line


def remark(target: Target, hop: Hop) -> str:
    """What is to be said of a hop beside its numbers; nothing where it is fine."""
    judged = hop_health(target.path, hop)
    return "" if judged.state in ("ok", "starting") else hop_words(judged)


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
    return f" since {moment(change.at)}, {change.before} before" if change is not None else ""


def measured(document: Document, target: Target) -> Sequence[tuple[str, str]]:
    """What was measured and how: names and values."""
    plan, started, path = target.plan, target.facts, target.path
    rows = [("Target", query_of(target)), ("From", document.host)]
    if started and started.source:
        rows[1] = ("From", f"{document.host} ({started.source}{_before(target)})")
    if plan:
        port = (started.port if started else None) or plan.port
        way = plan.protocol.upper() + (f" port {port}" if port else "") + f" over IPv{plan.family}"
        rows.append(("Probes", f"{way}, {started.packet_size if started else plan.packet_size} bytes, TOS {plan.tos}"))
        if started:
            flow = {"one": "one flow", "per-ttl": "a flow for each hop", "per-probe": "a flow for each probe"}
            rows.append(("Method", f"{started.method}, {flow[started.flow]}, RTT by the {started.clock}'s clock"))
        rows.append(("Schedule", f"a round every {plan.interval_ns / 1e9:g} s, lost after {plan.timeout_ns / 1e9:g} s"))
    rows += [("Note", note) for note in said_of(target)]
    rows.append(("Rounds", f"{path.rounds}, {moment(path.started_at)} to {moment(path.last_at)}"))
    rows.append(("Made by", f"hopscope {document.version}"))
    return rows
