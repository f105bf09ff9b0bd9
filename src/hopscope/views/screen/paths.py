"""The parallel paths of a target as lines: a row a path, and under an opened one its flows. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from hopscope.judge.parallel import FlowState
from hopscope.path.flows import FlowPath
from hopscope.path.stats import loss_pct
from hopscope.session.model import Target
from hopscope.views.screen import hosts, labels
from hopscope.views.screen.options import NamesMode
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, cut, fit, wrap
from hopscope.words.discovery import discovery_words
from hopscope.words.numbers import count, percent, share, span_ms, table_ms
from hopscope.words.parallel import Fan, LostOfSent, ParallelPath, counted, fan_words, five_tuple

MARKS: Final[dict[FlowState, str]] = {
    "ok": "healthy",
    "losing": "loss",
    "bad": "loss",
    "slow": "slow",
    "dead": "unreachable",
    "unknown": "starting",
}
"""Of which state of a target a path's has the mark."""
LABEL_LEAST: Final = 14


class _Column(NamedTuple):
    key: str
    title: str
    width: int
    rank: int
    """What goes first where there is no room: the smallest."""


_COLUMNS: Final = (
    _Column("share", "Share", 7, 4),
    _Column("flows", "Flows", 7, 3),
    _Column("sent", "Sent", 7, 1),
    _Column("lost", "Lost", 7, 2),
    _Column("loss", "Loss %", 8, 6),
    _Column("rtt", "RTT ms", 9, 5),
    _Column("state", "", 9, 7),
)


def rows(
    target: Target, fan: Fan, opened: Collection[int], names: NamesMode, look: Look, width: int
) -> tuple[list[Row], list[range]]:
    """The lines, and which of them are each path's. `opened`: the paths of which the flows stand there as well."""
    out = [Line().add(f" {target.query}", look.strong).row(width, look.text)]
    for words, style in ((fan_words(fan), look.text), (found_words(target), look.quiet)):
        pieces = wrap(words, max(10, width - 2))
        out += [Line().add(f" {piece}", style).row(width, look.text) for piece in pieces]
    if not fan.paths:
        return out, []
    columns = _columns(width)
    room = width - 5 - sum(column.width for column in columns) - 1
    called = [_called(target, path, names, with_ttl=len(fan.members) > 1) for path in fan.paths]
    by = f"By hop {next(iter(fan.members))}" if len(fan.members) == 1 else "By hops"
    wanted = max(max((len(name) for name in called), default=0), LABEL_LEAST)
    room = min(room, wanted)
    short = hosts.shortened(tuple(dict.fromkeys(called)), room)
    head = Line().add(fit("#", 4, "right") + " ", look.quiet).add(fit(by, room) + " ", look.quiet)
    for column in columns:
        head.add(fit(column.title, column.width - 1, "right") + " ", look.quiet)
    out += [Line().row(width, look.text), head.row(width, look.quiet)]
    spans = []
    for number, path in enumerate(fan.paths):
        begin, hit = len(out), Hit("line", number)
        mark, style = look.health(MARKS[path.finding.state])
        line = Line().add(f" {mark}", style).add(f"{number:>2} ", look.quiet)
        line.add(fit(short.get(called[number], called[number]), room) + " ", look.text)
        for column in columns:
            is_state = column.key == "state"
            text = fit(_cell(column.key, fan, path), column.width - 1, "left" if is_state else "right")
            is_ill = column.key in ("loss", "state") and path.finding.state not in ("ok", "unknown")
            line.add(text + " ", style if is_ill else look.text)
        out.append(line.row(width, look.text, hit))
        if number in opened:
            out += [_flow(target, flow, look, width, hit) for flow in path.flows]
        spans.append(range(begin, len(out)))
    return out, spans


def found_words(target: Target) -> str:
    """What a search for parallel paths found, the last time; empty where there was none."""
    return "" if target.discovered is None else discovery_words(target.discovered, target.judged.verdict.notes)


def ticket(target: Target, fan: Fan, number: int) -> str:
    """What stands in a ticket of a path: the sentence, the routers, and each of its flows by addresses and ports."""
    path = fan.paths[number]
    lines = [f"{target.query}: {fan_words(fan)}."]
    if path.members:
        by = ", ".join(f"hop {part}" for part in _called(target, path, "both", with_ttl=True).split(", "))
        lines.append(f"Path by {by}: {_of(counted(path.flows))} probes lost. Its flows:")
    else:
        lines.append(f"All go by the same routers: {_of(counted(path.flows))} probes lost. Its flows:")
    lines += [f"  {_tuple(target, flow)}  {_of(counted((flow,)))} lost" for flow in path.flows]
    others = [flow for other in fan.paths if other is not path for flow in other.flows]
    if others:
        lines.append(f"All other flows together: {_of(counted(others))} lost.")
    return "".join(f"{line}\n" for line in lines)


def _columns(width: int) -> list[_Column]:
    kept = list(_COLUMNS)
    while len(kept) > 1 and width - 6 - sum(column.width for column in kept) < LABEL_LEAST:
        kept.remove(min(kept, key=lambda column: column.rank))
    return kept


def _called(target: Target, path: ParallelPath, names: NamesMode, *, with_ttl: bool) -> str:
    """By which routers a path goes where it differs from the others."""
    parts = []
    for ttl, router in path.members:
        name = labels.facts_of(target, router).hostname if router and names != "addresses" else None
        words = (f"{name} ({router})" if names == "both" else name) if name else router or "never answers"
        parts.append(f"{ttl} {words}" if with_ttl else words)
    return ", ".join(parts) or "the same routers"


def _cell(key: str, fan: Fan, path: ParallelPath) -> str:
    match key:
        case "share":
            return f"{fan.share(path):.0f} %"
        case "flows":
            return str(len(path.flows))
        case "sent":
            return count(path.sent)
        case "lost":
            return count(path.lost)
        case "loss":
            return share(loss_pct(path.lost, path.sent - path.lost))
        case "rtt":
            return table_ms(path.median_ms)
        case _:
            return path.finding.state


def _flow(target: Target, flow: FlowPath, look: Look, width: int, hit: Hit) -> Row:
    sent, lost = counted((flow,))
    hop = flow.path.target
    rtt = hop.rtt.median if hop is not None and hop.rtt is not None else None
    what = f"  {lost} of {sent} lost  {span_ms(rtt)}"
    line = Line().add("      ", look.quiet)
    whole = _tuple(target, flow)
    if width - 7 < len(whole) + len(what):
        whole, what = f"port {flow.source_port or '?'}", f"  {percent(loss_pct(lost, sent - lost))}  {span_ms(rtt)}"
    line.add(cut(whole, width - 7), look.text).add(cut(what, max(0, width - 1 - line.width)), look.quiet)
    return line.row(width, look.text, hit)


def _tuple(target: Target, flow: FlowPath) -> str:
    source = target.started.source if target.started is not None else None
    return five_tuple(flow, target.path.protocol, source, target.address or target.query)


def _of(probes: LostOfSent) -> str:
    return f"{probes.lost} of {probes.sent}"
