"""``csv``: one tidy table (RFC 4180: CRLF, quotes where needed), a row for each hop of each target.

Heads name the units. What is unknown is an empty cell. Several addresses of a hop stand in one cell, separated by
spaces (no address holds one), the first to answer in front. A text that begins like a formula gets an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from hopscope.path.measures import MEASURES, Measure, Unit
from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.report.document import Document, facts, owner
from hopscope.views.report.spreadsheet import harmless

Cell = str | int | float | None


def _first_name(target: Target, hop: Hop) -> Cell:
    return facts(target, hop.nodes[0].address).hostname if hop.nodes else None


def _first_verified(target: Target, hop: Hop) -> Cell:
    known = facts(target, hop.nodes[0].address) if hop.nodes else None
    if known is None or known.hostname is None or known.verified is None:
        return None
    return "true" if known.verified else "false"


def _owner(part: str) -> Callable[[Target, Hop], Cell]:
    def cell(target: Target, hop: Hop) -> Cell:
        asn = owner(target, hop.nodes[0].address) if hop.nodes else None
        found: Cell = getattr(asn, part) if asn else None
        return found

    return cell


def _measured(measure: Measure) -> Callable[[Target, Hop], Cell]:
    def cell(_target: Target, hop: Hop) -> Cell:
        value = measure.value(hop)
        return round(value, 3) if isinstance(value, float) else value

    return cell


def _of_unit(unit: Unit) -> list[tuple[str, Callable[[Target, Hop], Cell]]]:
    return [(measure.csv_head, _measured(measure)) for measure in MEASURES.values() if measure.unit == unit]


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
    *_of_unit("probes"),
    *_of_unit("%"),
    ("loss_ci95_low_percent", _bound(0)),
    ("loss_ci95_high_percent", _bound(1)),
    *_of_unit("ms"),
    *_of_unit(""),
    ("mpls_labels", lambda _target, hop: " ".join(str(label.label) for label in hop.mpls)),
    ("hostname_verified", _first_verified),
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
