"""``csv``: one tidy table (RFC 4180: CRLF, quotes where needed), a row for each hop of each target.

Heads name the units. What is unknown is an empty cell. Several addresses of a hop stand in one cell, separated by
spaces (no address holds one), the first to answer in front. A text that begins like a formula gets an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from hopscope.path.snapshot import Hop, Jitter, Rtt
from hopscope.session.model import Target
from hopscope.views.report.document import Document, facts, owner, rounded
from hopscope.views.report.spreadsheet import harmless

Cell = str | int | float | None


def _first_name(target: Target, hop: Hop) -> Cell:
    return facts(target, hop.nodes[0].address).hostname if hop.nodes else None


def _owner(part: str) -> Callable[[Target, Hop], Cell]:
    def cell(target: Target, hop: Hop) -> Cell:
        asn = owner(target, hop.nodes[0].address) if hop.nodes else None
        found: Cell = getattr(asn, part) if asn else None
        return found

    return cell


def _rtt(part: str) -> Callable[[Target, Hop], Cell]:
    return lambda _target, hop: _time(hop.rtt, part)


def _jitter(part: str) -> Callable[[Target, Hop], Cell]:
    return lambda _target, hop: _time(hop.jitter, part)


def _time(numbers: Rtt | Jitter | None, part: str) -> Cell:
    return None if numbers is None else rounded(getattr(numbers, part))


def _bound(place: int) -> Callable[[Target, Hop], Cell]:
    return lambda _target, hop: None if hop.loss_ci95_pct is None else round(hop.loss_ci95_pct[place], 3)


COLUMNS: tuple[tuple[str, Callable[[Target, Hop], Cell]], ...] = (
    ("target", lambda target, _hop: target.query),
    ("target_address", lambda target, _hop: target.address),
    ("protocol", lambda target, _hop: target.plan.protocol if target.plan else None),
    ("rounds", lambda target, _hop: target.path.rounds),
    ("reached", lambda target, _hop: "true" if target.path.reached else "false"),
    ("ttl", lambda _target, hop: hop.ttl),
    ("addresses", lambda _target, hop: " ".join(node.address for node in hop.nodes)),
    ("hostname", _first_name),
    ("asn", _owner("number")),
    ("as_name", _owner("name")),
    ("as_prefix", _owner("prefix")),
    ("as_country", _owner("country")),
    ("sent", lambda _target, hop: hop.sent),
    ("received", lambda _target, hop: hop.received),
    ("lost", lambda _target, hop: hop.lost),
    ("late", lambda _target, hop: hop.late),
    ("pending", lambda _target, hop: hop.pending),
    ("failed", lambda _target, hop: hop.failed),
    ("duplicates", lambda _target, hop: hop.duplicates),
    ("loss_percent", lambda _target, hop: None if hop.loss_pct is None else round(hop.loss_pct, 3)),
    ("loss_ci95_low_percent", _bound(0)),
    ("loss_ci95_high_percent", _bound(1)),
    ("last_ms", _rtt("last")),
    ("best_ms", _rtt("best")),
    ("avg_ms", _rtt("avg")),
    ("worst_ms", _rtt("worst")),
    ("stddev_ms", _rtt("stddev")),
    ("median_ms", _rtt("median")),
    ("p95_ms", _rtt("p95")),
    ("p99_ms", _rtt("p99")),
    ("jitter_last_ms", _jitter("last")),
    ("jitter_avg_ms", _jitter("avg")),
    ("jitter_worst_ms", _jitter("worst")),
    ("jitter_rfc3550_ms", _jitter("rfc3550")),
    ("reply_kind", lambda _target, hop: hop.reply.kind if hop.reply else None),
    ("reply_ttl", lambda _target, hop: hop.reply.ttl if hop.reply else None),
    ("mpls_labels", lambda _target, hop: " ".join(str(label.label) for label in hop.mpls)),
)


def render(document: Document) -> str:
    """The whole table, its head first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name for name, _cell in COLUMNS])
    for target in document.targets:
        for hop in target.path.hops:
            writer.writerow([_safe(cell(target, hop)) for _name, cell in COLUMNS])
    return out.getvalue()


def _safe(cell: Cell) -> Cell:
    return harmless(cell) if isinstance(cell, str) else cell
