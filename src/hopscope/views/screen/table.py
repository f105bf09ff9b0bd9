"""The hop table: which columns fit, and a hop's rows. Pure; `app` shows what comes out.

Columns keep their width while they live, a hop keeps its place, decimals align. What does not fit is left out by the
columns' rank, and the head says how many were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.style import Style

from hopscope.path.health import HopHealth
from hopscope.path.snapshot import Hop, Node
from hopscope.session.model import Target
from hopscope.views.screen import hosts, spark
from hopscope.views.screen.bands import NONE, Band, bands
from hopscope.views.screen.columns import COLUMNS, Column
from hopscope.views.screen.glyphs import UNICODE
from hopscope.views.screen.look import Look
from hopscope.views.screen.numbers import DASH, axis_ms, nice_ceiling, table_ms
from hopscope.views.screen.options import NamesMode, Scale
from hopscope.views.screen.text import Hit, Line, Row, cut, fit, over

HOST_MIN, HOST_MAX = 16, 42
SPARK_MIN = 12
CHIPS_FROM = 24
"""Cells of the host column from which owner, labels and shares have room in it."""
NUMBER = 6
"""Cells of cursor and TTL before the host."""
GAP = 2


@dataclass(frozen=True)
class Shape:
    """Which columns a width has room for."""

    columns: tuple[Column, ...]
    """Without the sparkline."""
    host: int
    spark: int
    """Cells of the sparkline; 0: none."""
    left_out: int
    """Columns that were asked for and do not fit."""


@dataclass(frozen=True)
class Manner:
    """How rows are shown."""

    names: NamesMode = "names"
    owners: bool = False
    mpls: bool = True
    unfolded: bool = True
    scale: Scale = "all"
    cursor: int | None = None
    """The chosen hop's TTL."""


@dataclass
class Memory:
    """What keeps a target's table calm from one drawing to the next."""

    host: int = HOST_MIN
    ceiling: float | None = None
    rows: dict[int, tuple[tuple[object, ...], list[Row]]] = field(default_factory=dict)
    micro: bool | None = None


def shape(keys: Sequence[str], width: int, host_wanted: int) -> Shape:
    """Leave out columns, the least important first, until host and sparkline have their room."""
    wanted = [COLUMNS[key] for key in keys]
    has_spark = any(column.kind == "spark" for column in wanted)
    kept = [column for column in wanted if column.kind != "spark"]
    left_out = 0

    def rest() -> int:
        return width - NUMBER - sum(column.width for column in kept) - 1

    spark_need = SPARK_MIN + GAP if has_spark else 0
    comfortable = min(host_wanted, 24)
    while kept and rest() < max(HOST_MIN, comfortable) + spark_need:
        if len(kept) == 1 and rest() >= HOST_MIN:
            break
        kept.remove(min(kept, key=lambda column: column.keep))
        left_out += 1
    room = rest()
    if has_spark and room - HOST_MIN < 6 + GAP:
        has_spark, left_out = False, left_out + 1
    if not has_spark:
        return Shape(tuple(kept), max(1, min(room, HOST_MAX)), 0, left_out)
    host = max(HOST_MIN, min(host_wanted, HOST_MAX, room - SPARK_MIN - GAP, max(HOST_MIN, room * 3 // 5)))
    return Shape(tuple(kept), host, room - host - GAP, left_out)


def host_wanted(target: Target, manner: Manner) -> int:
    """Cells that the longest host of a path would take."""
    best = HOST_MIN
    owned = bands(target, UNICODE) if manner.owners else {}
    for hop in target.path.hops:
        chips = sum(len(chip) + 2 for chip in _chips(hop, manner, owned.get(hop.ttl, NONE)))
        for node in hop.nodes[: None if manner.unfolded else 1]:
            name, beside = hosts.host(target, node, manner.names)
            extra = 9 if node is not hop.nodes[0] else chips
            best = max(best, cell_len(name) + (cell_len(beside) + 2 if beside else 0) + extra)
    return best


def is_micro(target: Target) -> bool:
    """Is the whole path so quick that µs are the unit that fits?"""
    bests = [hop.rtt.avg for hop in target.path.hops if hop.rtt]
    return bool(bests) and max(bests) < 0.995


def head(table: Shape, look: Look, width: int, ceiling: float | None, scale: Scale, micro: bool) -> Row:
    """The columns' titles; the sparkline's says how many rounds and which range."""
    line = Line().add(fit("#", NUMBER - 2, "right"), look.quiet).to(NUMBER, look.quiet)
    line.add(fit("Host", table.host), look.quiet)
    for column in table.columns:
        title = column.title
        if column.kind == "time" and micro:
            title += " µs"
        line.add(fit(title, column.width - 1, "right") + " ", look.quiet, Hit("column", column.key))
    if table.spark:
        line.add(" " * GAP, look.quiet)
        more = ""
        if table.left_out:
            more = (
                f"  +{table.left_out} more {look.glyphs.right}"
                if table.spark >= 34
                else f" +{table.left_out}{look.glyphs.right}"
            )
        reach = f"0{look.glyphs.to}{axis_ms(ceiling)}" if scale == "all" and ceiling else "own scales"
        room = table.spark - len(more)
        rounds = f"last {table.spark} rounds"
        if len(rounds) + 2 + len(reach) > room:
            rounds = f"last {table.spark}"
        if len(rounds) + 2 + len(reach) > room:
            rounds = ""
        if len(reach) > room:
            reach = cut(reach.removeprefix(f"0{look.glyphs.to}"), room)
        line.add(rounds, look.quiet, Hit("action", "show.scale"))
        line.to(line.width + room - len(rounds) - len(reach), look.quiet).add(
            reach, look.quiet, Hit("action", "show.scale")
        )
        line.add(more, look.quiet, Hit("action", "show.columns"))
    elif table.left_out:
        line.add(
            cut(f" +{table.left_out} {look.glyphs.right}", width - line.width),
            look.quiet,
            Hit("action", "show.columns"),
        )
    return line.row(width, look.quiet)


def rows(
    target: Target,
    verdicts: Sequence[HopHealth],
    table: Shape,
    manner: Manner,
    look: Look,
    width: int,
    memory: Memory,
) -> list[tuple[int, list[Row]]]:
    """Each hop's lines, by TTL. Lines of hops of which nothing changed are those of the last time."""
    out = []
    micro = is_micro(target)
    if table.spark and manner.scale == "all":
        memory.ceiling = spark.ceiling_for(target.path.hops, table.spark, memory.ceiling)
    memory.micro = micro
    owned = bands(target, look.glyphs) if manner.owners else {}
    for hop, verdict in zip(target.path.hops, verdicts, strict=True):
        chosen = hop.ttl == manner.cursor
        ceiling = memory.ceiling or 1.0
        if manner.scale == "hop":
            ceiling = nice_ceiling(spark.high_ms(hop, table.spark))
        names = tuple(hosts.facts_of(target, node.address) for node in hop.nodes)
        band = owned.get(hop.ttl, NONE)
        made_of = (hop, verdict, table, manner, chosen, ceiling, micro, names, width, look, band)
        known = memory.rows.get(hop.ttl)
        if known is None or not _same(known[0], made_of):
            known = (made_of, _hop_rows(target, hop, verdict, table, manner, look, width, ceiling, micro, chosen, band))
            memory.rows[hop.ttl] = known
        out.append((hop.ttl, known[1]))
    return out


def _same(a: tuple[object, ...], b: tuple[object, ...]) -> bool:
    """The hop by identity, the rest by value; a moved cursor concerns only the two hops that it left and came to."""
    return a[0] is b[0] and a[1] == b[1] and a[2] == b[2] and _manner(a[3]) == _manner(b[3]) and a[4:] == b[4:]


def _manner(manner: object) -> object:
    assert isinstance(manner, Manner)
    return manner.names, manner.owners, manner.mpls, manner.unfolded, manner.scale


def notes(target: Target, verdicts: Sequence[HopHealth], look: Look, width: int) -> list[str]:
    """What the marks in the table mean, as far as they stand there; in fewer words where there is little room."""
    out = []
    if any(verdict.state == "cosmetic" for verdict in verdicts):
        out.append(f"{look.glyphs.cosmetic} loss here goes no further: the router answers slowly, traffic is not lost")
    if any(v.confidence == "collecting" and hop.received for hop, v in zip(target.path.hops, verdicts, strict=True)):
        out.append("dim numbers are too young to judge: fewer than 10 probes")
    return [text if cell_len(text) <= width else text.partition(":")[0] for text in out]


# --- one hop -------------------------------------------------------------------------------------------------------


def _hop_rows(
    target: Target,
    hop: Hop,
    verdict: HopHealth,
    table: Shape,
    manner: Manner,
    look: Look,
    width: int,
    ceiling: float,
    micro: bool,
    chosen: bool,
    band: Band,
) -> list[Row]:
    glyphs = look.glyphs
    line = Line()
    line.add(f"{glyphs.cursor if chosen else ' '}{hop.ttl:>3} ", look.strong if chosen else look.quiet)
    line.add(band.sign, look.faint)
    _host(line, target, hop, verdict, table.host, manner, look, band)
    value_style = _value_style(verdict, look)
    for column in table.columns:
        if column.key == "loss":
            _loss(line, hop, verdict, column.width, look)
        else:
            style = look.quiet if column.kind == "count" or not hop.received else value_style
            line.add(fit(column.cell(hop, micro), column.width - 1, "right") + " ", style)
    if table.spark:
        line.add(" " * GAP, look.text)
        samples = hop.window.last(table.spark)
        for text, style in spark.cells(
            samples,
            ceiling,
            look,
            silent=not hop.received and verdict.state != "no-answer",
            harmless=verdict.state == "cosmetic",
        ):
            line.add(text, style)
    out = [_finish(line, width, look, chosen, hop.ttl)]
    if manner.unfolded:
        others = hop.nodes[1:]
        out += [
            _node_row(target, hop, node, node is others[-1], table, manner, look, width, micro, chosen)
            for node in others
        ]
    return out


def _host(
    line: Line, target: Target, hop: Hop, verdict: HopHealth, width: int, manner: Manner, look: Look, band: Band
) -> None:
    glyphs = look.glyphs
    if verdict.state == "this-computer":
        line.add(fit(f"{glyphs.here} {verdict.words}", width), look.bad)
        return
    if not hop.nodes:
        words = {
            "starting": "waiting for an answer",
            "no-answer": verdict.words,
        }.get(verdict.state, "does not answer")
        sign = glyphs.unreachable if verdict.state == "no-answer" else glyphs.silent
        line.add(fit(f"{sign}  {words}", width), look.bad if verdict.state == "no-answer" else look.quiet)
        return
    node = hop.nodes[0]
    name, beside = hosts.host(target, node, manner.names)
    chips = "  ".join(_chips(hop, manner, band)) if width >= CHIPS_FROM else _folded(hop, manner)
    chips = cut(chips, max(0, width - 14))
    room = width - cell_len(chips) - (2 if chips else 0)
    start = line.width
    strong = look.strong if hop.is_target else look.text
    line.add(cut(name, room), strong)
    left = room - (line.width - start)
    if beside and left > 6:
        line.add("  " + cut(beside, left - 2), look.quiet)
    line.to(start + width - cell_len(chips), look.text).add(chips, look.quiet)


def _chips(hop: Hop, manner: Manner, band: Band) -> list[str]:
    """Small facts at the right of the host."""
    chips = [band.words] if band.words else []
    if manner.mpls and hop.mpls:
        chips.append(hosts.labels(hop))
    if len(hop.nodes) > 1:
        chips.append(hosts.share(hop, hop.nodes[0]) if manner.unfolded else _folded(hop, manner))
    return chips


def _folded(hop: Hop, manner: Manner) -> str:
    return f"+{len(hop.nodes) - 1}" if len(hop.nodes) > 1 and not manner.unfolded else ""


def _node_row(
    target: Target,
    hop: Hop,
    node: Node,
    last: bool,
    table: Shape,
    manner: Manner,
    look: Look,
    width: int,
    micro: bool,
    chosen: bool,
) -> Row:
    line = Line().add(" " * NUMBER, look.quiet)
    line.add(f"{look.glyphs.last_branch if last else look.glyphs.branch} ", look.faint)
    part = hosts.share(hop, node)
    own = hosts.owner(target, node.address) if manner.owners else ""
    if own == hosts.owner(target, hop.nodes[0].address):
        own = ""  # the band says it
    chips = f"{own}  {part}" if own else part
    chips = chips if table.host >= CHIPS_FROM else ""
    name, beside = hosts.host(target, node, manner.names)
    room = table.host - 2 - len(chips) - 2
    start = line.width
    line.add(cut(name, room), look.quiet)
    if beside and room - (line.width - start) > 6:
        line.add("  " + cut(beside, room - (line.width - start) - 2), look.quiet)
    line.to(NUMBER + table.host - len(chips), look.quiet).add(chips, look.quiet)
    values = {"last": node.last_ms, "best": node.best_ms, "avg": node.avg_ms}
    for column in table.columns:
        if column.key in values:
            line.add(fit(table_ms(values[column.key], micro), column.width - 1, "right") + " ", look.quiet)
        elif column.key == "received":
            line.add(fit(str(node.received), column.width - 1, "right") + " ", look.quiet)
        else:
            line.add(" " * column.width, look.quiet)
    return _finish(line, width, look, chosen, hop.ttl)


def _loss(line: Line, hop: Hop, verdict: HopHealth, width: int, look: Look) -> None:
    text = COLUMNS["loss"].cell(hop)
    style, mark = look.quiet, " "
    if verdict.state == "cosmetic":
        mark = look.glyphs.cosmetic
    elif verdict.is_trouble and hop.lost:
        style, mark = look.bad, look.glyphs.loss if hop.received else look.glyphs.unreachable
    line.add(fit(text, width - 1, "right"), style).add(mark, style)


def _value_style(verdict: HopHealth, look: Look) -> Style:
    if verdict.confidence == "collecting":
        return look.quiet
    return look.text


def _finish(line: Line, width: int, look: Look, chosen: bool, ttl: int) -> Row:
    row = line.row(width, look.text, Hit("hop", ttl))
    return over(row, look.chosen) if chosen else row


__all__ = ["DASH", "Manner", "Memory", "Shape", "head", "host_wanted", "is_micro", "notes", "rows", "shape"]
