"""The parallel paths of a target with several flows, for people: the cells of a table, and the flows of what is bad."""

from __future__ import annotations

from typing import Final

from hopscope.path.stats import loss_pct
from hopscope.session.model import Target
from hopscope.session.report_flows import paths_of
from hopscope.views.report.document import Document, hostname
from hopscope.words.discovery import discovery_words
from hopscope.words.numbers import exact_ms, exact_percent, first_ports
from hopscope.words.parallel import ILL, Fan, ParallelPath, counted, fan_words, five_tuple

HEAD: Final = ("Path", "By", "Share %", "Flows", "Source ports", "Sent", "Lost", "Loss %", "Median", "State")
NUMBERS: Final = frozenset(("Path", "Share %", "Flows", "Sent", "Lost", "Loss %", "Median"))
"""Columns of numbers."""


def fan_of(target: Target) -> Fan | None:
    """The paths; None where a target has one flow."""
    return paths_of(target) if target.flows else None


def said(target: Target, fan: Fan) -> str:
    """What there is to be said of all of them, and what a search for them found."""
    words = fan_words(fan)
    return (
        words
        if target.discovered is None
        else f"{words}; {discovery_words(target.discovered, target.judged.verdict.notes)}"
    )


def rows(document: Document, target: Target, fan: Fan) -> list[tuple[str, ...]]:
    """A row a path, in the order of `HEAD`."""
    return [
        (
            str(number),
            by(document, target, path),
            exact_percent(fan.share(path)),
            str(len(path.flows)),
            first_ports([flow.source_port for flow in path.flows]),
            str(path.sent),
            str(path.lost),
            exact_percent(loss_pct(path.lost, path.sent - path.lost)),
            exact_ms(path.median_ms),
            path.finding.state,
        )
        for number, path in enumerate(fan.paths)
    ]


def by(document: Document, target: Target, path: ParallelPath) -> str:
    """By which routers a path goes where it differs from the others."""
    parts = [
        f"hop {ttl} {'silent' if router is None else hostname(target, router, document.style.names)}"
        for ttl, router in path.members
    ]
    return ", ".join(parts) or "the same routers"


def table(document: Document, target: Target, fan: Fan) -> list[str]:
    """As lines of plain text."""
    cells = [HEAD, *rows(document, target, fan)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(HEAD))]
    return [
        "  ".join(
            cell.rjust(width) if title in NUMBERS else cell.ljust(width)
            for cell, width, title in zip(row, widths, HEAD, strict=True)
        ).rstrip()
        for row in cells
    ]


def ill_flows(target: Target, fan: Fan) -> list[str]:
    """Of each path that is bad: its share, and every flow by addresses and ports with what it lost."""
    source = target.started.source if target.started is not None else None
    lines = []
    for number, path in enumerate(fan.paths):
        if path.finding.state not in ILL:
            continue
        share = f"{fan.share(path):.0f} % of the flows"
        lines.append(f"path {number}, {share}, is {path.finding.state}: {path.lost} of {path.sent} probes lost")
        for flow in path.flows:
            sent, lost = counted((flow,))
            words = five_tuple(flow, target.path.protocol, source, target.address or target.query)
            lines.append(f"one of its flows, {words}, lost {lost} of {sent}")
    return lines
