"""``text`` and ``wide``: mtr's ``--report`` and ``--report-wide``.

In the narrow layout mtr writes the statistics over the line from its 33rd character on, so a long name is cut; a cell
that is too wide is cut by the next one in the same way (100.0% loses its percent sign). Whole numbers are the
exception: cut, they would be other numbers, so here they push the line wider.
"""

from __future__ import annotations

from datetime import UTC, datetime

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.report import mtr, paths
from hopscope.views.report.document import Document, Style, hostname, latest
from hopscope.words.numbers import local_time

NARROW = 33


def narrow(document: Document) -> str:
    """The text report, names cut to mtr's width."""
    return "".join(_report(document, target, wide=False) for target in document.targets)


def wide(document: Document) -> str:
    """The text report with whole names."""
    return "".join(_report(document, target, wide=True) for target in document.targets)


def _report(document: Document, target: Target, *, wide: bool) -> str:
    style = document.style
    hops = mtr.hops(target)
    columns = mtr.columns(style)
    width = NARROW
    header_width = NARROW
    if wide:
        width = max(len(document.host_of(target)), *(len(mtr.host(target, hop, style)) for hop in hops), 0)
        header_width = width
        if style.owners:
            width += 1
            header_width += _item_width(style)
    head = f"HOST: {document.host_of(target):<{header_width}}"
    lines = [
        f"Start: {start_time(target.path.started_at or document.now)}",
        _join(
            head if wide or not columns else head[:NARROW].ljust(NARROW),
            [(field.title.rjust(field.width), field) for field in columns],
        ),
    ]
    for hop in hops:
        lines += _hop(document, target, hop, columns, width, wide=wide)
    fan = paths.fan_of(target)
    if fan is not None:
        lines += ["", f"Parallel paths: {paths.said(target, fan)}.", *paths.table(document, target, fan)]
    return "\n".join(lines) + "\n"


def _hop(
    document: Document, target: Target, hop: Hop, columns: list[mtr.MtrField], width: int, *, wide: bool
) -> list[str]:
    style = document.style
    name = mtr.host(target, hop, style)
    front = f" {hop.ttl:2d}. {_item(target, mtr.address_of(hop), style)}" if style.owners else f" {hop.ttl:2d}.|-- "
    front += f"{name:<{width}}"
    # Without a column nothing is written over the line's end, and mtr leaves it whole.
    front = front if wide or not columns else front[:NARROW]
    lines = [_join(front, [(mtr.shown(hop, field), field) for field in columns])]
    labels = []
    if style.mpls:
        labels = [
            f"       [MPLS: Lbl {label.label} TC {label.tc} S {int(label.bottom)} TTL {label.ttl}]"
            for label in hop.mpls
        ]
    node = latest(hop)
    for place, other in enumerate(hop.nodes):
        if other is node:
            continue
        lines.append(f"        {hostname(target, other.address, style.names):<{width}}")
        if place == 1:
            lines += labels
            labels = []
        if style.owners:
            lines.append(f"     {_item(target, other.address, style)}{hostname(target, other.address, style.names)}")
    return lines + labels


def _item_width(style: Style) -> int:
    """Of the owner's column, with its ``AS``."""
    return mtr.ITEM_WIDTHS[style.ipinfo] + (2 if style.ipinfo == 0 else 0)


def _item(target: Target, address: str | None, style: Style) -> str:
    return mtr.item(target, address, style.ipinfo).ljust(_item_width(style))


def _join(front: str, cells: list[tuple[str, mtr.MtrField]]) -> str:
    """Each cell begins where its column begins, over whatever of the one before it stands there."""
    line = front
    end = len(front)
    for text, field in cells:
        line = line[:end] + text
        end = len(line) if field.places is None else end + field.width
    return line


def start_time(at: int) -> str:
    """Local time as mtr writes it: ``2026-11-23T06:54:25+0000``. `at`: epoch ns."""
    return local_time(datetime.fromtimestamp(at // 1_000_000_000, UTC)).strftime("%Y-%m-%dT%H:%M:%S%z")
