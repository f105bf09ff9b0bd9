"""``mtr-csv``: mtr's ``-C``, with its trailing comma in the head and its nameless column that holds the lost probes.

mtr quotes nothing, so a name with a comma moves every number behind it. Ours is quoted where it must be (RFC 4180),
and a cell that a spreadsheet would run as a formula is made harmless.
"""

from __future__ import annotations

import csv
import io

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.report import mtr
from hopscope.views.report.document import UNKNOWN, Document, hostname, latest
from hopscope.views.report.spreadsheet import harmless


def render(document: Document) -> str:
    """One block for each target, each with its head, as mtr prints them."""
    return "".join(_report(document, target) for target in document.targets)


def _report(document: Document, target: Target) -> str:
    style = document.style
    hops = mtr.hops(target)
    if not hops:
        return ""
    columns = mtr.columns(style)
    head = ["Mtr_Version", "Start_Time", "Status", "Host", "Hop", "Ip", *(["Asn"] if style.asns else [])]
    out = io.StringIO()
    out.write(",".join([*head, *(field.title for field in columns)]) + ",\n")
    writer = csv.writer(out, lineterminator="\n")
    start = (target.path.started_at or document.now) // 1_000_000_000
    for hop in hops:
        for address in _addresses(hop, all_of_them=style.wide):
            name = UNKNOWN if address is None else hostname(target, address, style.names)
            writer.writerow(
                [
                    f"MTR.{mtr.VERSION}",
                    start,
                    "OK",
                    harmless(target.query),
                    hop.ttl,
                    harmless(name),
                    *([mtr.asn(target, address)] if style.asns else []),
                    *(_number(mtr.value(hop, field), field) for field in columns),
                ]
            )
    return out.getvalue()


def _addresses(hop: Hop, *, all_of_them: bool) -> list[str | None]:
    node = latest(hop)
    if node is None:
        return [None]
    return [node.address, *(mtr.others(hop) if all_of_them else [])]


def _number(number: float, field: mtr.MtrField) -> str:
    return f"{number:.0f}" if field.places is None else f"{number:.2f}"
