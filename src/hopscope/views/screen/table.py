"""The hop table: which columns fit, and a hop's rows. Pure; `app` shows what comes out.

Columns keep their width while they live, a hop keeps its place, decimals align. What does not fit is left out by the
columns' rank, and the head says how many were.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from rich.cells import cell_len
from rich.style import Style

from hopscope.path.hop_health import HopFinding
from hopscope.path.snapshot import Hop, Node
from hopscope.path.windows import named
from hopscope.session.model import Target
from hopscope.views.screen import chips, folding, hosts, labels, legend, spark, whisker
from hopscope.views.screen.bands import NONE, Band, bands
from hopscope.views.screen.cells import UsualTimes
from hopscope.views.screen.glyphs import UNICODE, GlyphSet
from hopscope.views.screen.layout import GAP, HOST_MIN, NUMBER, ColumnLayout
from hopscope.views.screen.options import RowOptions
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, cut, fit, over
from hopscope.words.clauses import Ways
from hopscope.words.hops import hop_words
from hopscope.words.numbers import nice_ceiling, table_ms

if TYPE_CHECKING:
    from hopscope.words.parallel import Links

CHIPS_FROM = 24
"""Cells of the host column from which owner, labels and shares have room in it."""
CHIP = 8
"""Cells that links at which flows part have beside a name at the least."""
NAME = 12
"""Cells that a name has at the least, for an address to stand beside it."""


class Begins(msgspec.Struct, frozen=True):
    """Where trouble begins, as long as it lasts: the one thing in colour."""

    ttls: frozenset[int]
    mark: str
    style: Style


NOWHERE = Begins(frozenset(), " ", Style())


class TableCache(msgspec.Struct):
    """What keeps a target's table calm from one drawing to the next."""

    host: int = HOST_MIN
    most: int = 0
    """The most lines that the path has taken."""
    ceiling: float | None = None
    usual: UsualTimes = msgspec.field(default_factory=UsualTimes)
    painter: TablePainter | None = None
    """Who drew `rows`: another one draws them all anew."""
    rows: dict[int, tuple[tuple[object, ...], list[Row]]] = msgspec.field(default_factory=dict)
    """By TTL, what a hop's rows were made of, and the rows."""
    _banded: tuple[object, dict[int, Band]] = (None, {})

    def bands_of(self, target: Target, glyphs: GlyphSet) -> dict[int, Band]:
        """The bands; made anew only where addresses or what is known of them changed."""
        made_of = (
            tuple(tuple(node.address for node in labels.present(target, hop)) for hop in target.path.rows),
            target.names,
            target.end,
        )
        if self._banded[0] != (made_of, glyphs):
            self._banded = ((made_of, glyphs), bands(target, glyphs))
        return self._banded[1]


def host_wanted(target: Target, options: RowOptions) -> int:
    """Cells that the longest host of a path would take."""
    best = HOST_MIN
    owned = bands(target, UNICODE) if options.owners else {}
    for hop in target.path.rows:
        nodes = labels.present(target, hop)
        most = f"!{len(nodes)}/{len(nodes)} links" if target.flows else f"{len(nodes)} links"
        links = (most,) if len(nodes) > 1 else ()
        shared, band = target.shared.get(hop.ttl), owned.get(hop.ttl, NONE)
        beside_it = sum(len(fact[0]) + 2 for fact in chips.chips(hop, nodes, options, band, links, shared))
        for node in nodes[: None if options.unfolded else 1]:
            name, beside = (
                labels.called(target, nodes, options) if node is nodes[0] else labels.host(target, node, options.names)
            )
            extra = 9 if node is not nodes[0] else beside_it
            name += labels.mark(target, node, options.names)
            best = max(best, cell_len(name) + (cell_len(beside) + 2 if beside else 0) + extra)
    return best


def is_in_us(target: Target) -> bool:
    """Is the whole path so quick that µs are the unit that fits?"""
    bests = [hop.rtt.avg for hop in target.path.rows if hop.rtt]
    return bool(bests) and max(bests) < 0.995


class TablePainter(msgspec.Struct, frozen=True):
    """One target's table in one layout: all that the drawing of a row needs beside its hop."""

    target: Target
    layout: ColumnLayout
    options: RowOptions
    look: Look
    width: int
    in_us: bool
    """Times in µs."""
    begins: Begins = NOWHERE
    members: Mapping[int, Links] = msgspec.field(default_factory=dict)
    """By TTL, the routers side by side where parallel flows part."""

    def head(self, ceiling: float | None) -> Row:
        """The columns' titles; the sparkline's says how many rounds and which range."""
        layout, look, width, scale = self.layout, self.look, self.width, self.options.scale
        line = Line().add(fit("#", NUMBER - 2, "right"), look.quiet).to(NUMBER, look.quiet)
        words = named(self.target.path.numbers.name, layout.host - len("Host") - 4)
        line.add(fit("Host", layout.host - len(words) - 2), look.quiet)
        line.add(words, look.quiet, Hit("action", "show.window")).add("  ", look.quiet)
        for column in layout.columns:
            title = column.title
            if column.kind == "time" and self.in_us and len(title) < column.width - 3:
                title += " µs"  # where it has room: the columns beside it say it, too
            if column.kind == "whisker":
                title = whisker.scale(whisker.ceiling_of(self.target), column.width - 2, self.in_us)
            line.add(fit(title, column.width - 1, "right") + " ", look.quiet, Hit("column", column.key))
        if layout.spark:
            line.add(" " * GAP, look.quiet)
            more = ""
            if layout.left_out:
                more = (
                    f"  +{layout.left_out} more {look.glyphs.right}"
                    if layout.spark >= 34
                    else f" +{layout.left_out}{look.glyphs.right}"
                )
            reach = spark.reach(self.target, layout.spark)
            room = layout.spark - len(more)
            rounds = spark.scale_words(scale, ceiling, self.in_us, look, room - len(reach) - 2)
            reach = cut(reach, room)
            line.add(rounds, look.quiet, Hit("action", "show.scale"))
            line.to(line.width + room - len(rounds) - len(reach), look.quiet).add(
                reach, look.quiet, Hit("action", "show.scale")
            )
            line.add(more, look.quiet, Hit("action", "show.columns"))
        elif layout.left_out:
            line.add(
                cut(f" +{layout.left_out} {look.glyphs.right}", width - line.width),
                look.quiet,
                Hit("action", "show.columns"),
            )
        return line.row(width, look.quiet)

    def rows(
        self, items: Sequence[folding.Item], findings: Sequence[HopFinding], cursor: int | None, cache: TableCache
    ) -> list[tuple[int, list[Row]]]:
        """Each row's lines, by its TTL; `cursor` is the chosen one's. Lines of hops of which nothing changed are those
        of the last time."""
        if cache.painter is None or not self._draws_like(cache.painter):
            cache.rows.clear()
        cache.painter = self
        target, layout, options, look = self.target, self.layout, self.options, self.look
        if layout.spark and options.scale == "all":
            cache.ceiling = spark.ceiling_for(target.path.rows, layout.spark, cache.ceiling)
        owned = cache.bands_of(target, look.glyphs)
        names = self._names()
        found = dict(zip((hop.ttl for hop in target.path.rows), findings, strict=True))
        reach = whisker.ceiling_of(target) if any(column.kind == "whisker" for column in layout.columns) else 0.0
        out = []
        last = spark.newest(target.path)
        for item in items:
            if isinstance(item, folding.Fold):
                out.append((item.first, [self._fold(item, owned, chosen=item.first == cursor)]))
                continue
            hop, verdict = item, found[item.ttl]
            match options.scale:
                case "usual":
                    steps = spark.excess(cache.usual.of(hop), self.in_us)
                case "all":
                    steps = spark.absolute(cache.ceiling or 1.0)
                case "hop":
                    steps = spark.absolute(nice_ceiling(spark.high_ms(hop, layout.spark)))
            nodes = labels.present(target, hop)
            facts = tuple(labels.facts_of(target, node.address) for node in nodes)
            band = owned.get(hop.ttl, NONE)
            # The hop by identity, and alive: a new snapshot of it is another object.
            made_of = (verdict, steps, last, facts, band, nodes, names, reach, hop.ttl == cursor)
            known = cache.rows.get(hop.ttl)
            if known is None or known[0][0] is not hop or known[0][1:] != made_of:
                drawn = self._hop(hop, nodes, verdict, steps, last, band, names, chosen=hop.ttl == cursor)
                known = ((hop, *made_of), drawn)
                cache.rows[hop.ttl] = known
            out.append((hop.ttl, known[1]))
        return out

    def _names(self) -> tuple[str, ...]:
        """All names of the path that have no room whole, with those that they must not be mistaken for."""
        target, options = self.target, self.options
        names = []
        for hop in target.path.rows:
            nodes = labels.present(target, hop)
            if nodes:
                names.append(labels.called(target, nodes, options)[0])
        return tuple(names) if any(cell_len(name) > self.layout.host - 9 for name in names) else ()

    def _draws_like(self, other: TablePainter) -> bool:
        """Whether `other` would draw an unchanged hop the same: of the target, other hops may have changed."""
        return msgspec.structs.replace(other, target=self.target) == self

    def _gutter(self, line: Line, ttls: str, inside: Collection[int], band: Band, *, chosen: bool) -> None:
        """What stands before the host."""
        look, begins = self.look, self.begins
        here = any(ttl in begins.ttls for ttl in inside)
        line.add(begins.mark if here else " ", begins.style if here else look.text)
        line.add(look.glyphs.cursor if chosen else " ", look.strong)
        style = begins.style if here else look.strong if chosen else look.quiet
        line.add(f"{ttls:>3} ", style)
        line.add(f"{band.sign} ", look.quiet)

    def _fold(self, fold: folding.Fold, owned: Mapping[int, Band], *, chosen: bool) -> Row:
        """Several hops as one row."""
        look, begins = self.look, self.begins
        ttls = range(fold.first, fold.last + 1)
        line = Line()
        here = any(ttl in begins.ttls for ttl in ttls)
        line.add(begins.mark if here else " ", begins.style if here else look.text)
        line.add(look.glyphs.cursor if chosen else " ", look.strong)
        text = f"{fold.first}{look.glyphs.to}{fold.last}"
        line.add(f"{text:>5} ", begins.style if here else look.strong if chosen else look.quiet)
        words = folding.words(fold, self.target.path.rows, begins.ttls, look.glyphs)
        line.add(cut(words, self.width - line.width), begins.style if here else look.quiet)
        return self._finish(line, chosen, fold.first)

    def _hop(
        self,
        hop: Hop,
        nodes: tuple[Node, ...],
        verdict: HopFinding,
        steps: Sequence[int],
        last: int,
        band: Band,
        names: tuple[str, ...],
        *,
        chosen: bool,
    ) -> list[Row]:
        look, layout, begins = self.look, self.layout, self.begins
        line = Line()
        self._gutter(line, str(hop.ttl), (hop.ttl,), band, chosen=chosen)
        self._host(line, hop, nodes, verdict, band, names)
        value_style = look.quiet if verdict.confidence == "collecting" else look.text
        for column in layout.columns:
            if column.key == "loss":
                mark = look.glyphs.cosmetic if verdict.state == "cosmetic" else " "
                style = look.text if hop.lost and hop.received and mark == " " else look.quiet
                style = begins.style if hop.ttl in begins.ttls and hop.lost else style
                line.add(fit(column.cell(hop), column.width - 1, "right"), style).add(mark, look.quiet)
            elif column.kind == "whisker":
                drawn = whisker.whisker(hop, whisker.ceiling_of(self.target), column.width - 2, look.glyphs.is_ascii)
                line.add(f" {drawn} ", look.spark)
            else:
                style = look.quiet if column.kind == "count" or not hop.received else value_style
                line.add(fit(column.cell(hop, self.in_us), column.width - 1, "right") + " ", style)
        if layout.spark:
            line.add(" " * GAP, look.text)
            start = line.width
            each = spark.each_for(self.target.plan.interval_ns if self.target.plan else None)
            loss = loss_of(hop, verdict, begins)
            for text, style in spark.cells(hop.window, layout.spark, steps, look, loss, each, last):
                line.add(text, style)
            line.hits.append((start, line.width, Hit("spark", f"{hop.ttl}:{start}:{layout.spark}")))
        out = [self._finish(line, chosen, hop.ttl)]
        if self.options.unfolded:
            others = nodes[1:]
            out += [self._node(hop, nodes[0], node, is_last=node is others[-1], chosen=chosen) for node in others]
        return out

    def _host(
        self, line: Line, hop: Hop, nodes: tuple[Node, ...], verdict: HopFinding, band: Band, names: tuple[str, ...]
    ) -> None:
        look, width, begins = self.look, self.layout.host, self.begins
        here = hop.ttl in begins.ttls
        if verdict.state == "this-computer":
            line.add(fit(f"{look.glyphs.here} {hop_words(verdict)}", width), begins.style if here else look.text)
            return
        if not nodes:
            line.add(fit(_silence(verdict, width), width), begins.style if here else look.quiet)
            return
        name, beside = labels.called(self.target, nodes, self.options)
        links = self._links(hop, nodes)
        facts = chips.chips(hop, nodes, self.options, band, links, self.target.shared.get(hop.ttl))
        mark = labels.mark(self.target, nodes[0], self.options.names)
        # A name before what stands beside it, but for how many there are and what was asked for.
        least = len(links[0]) if links else 0
        if hop.ttl in self.members:
            least = max(CHIP, least)
        if not least and self.options.owners and band.words.startswith("AS"):
            least = len(chips.owner(band.words)[-1])
        room = max(width - cell_len(name) - len(mark) - 2, min(least, width - 14))
        beside_it = chips.fitting(facts if width >= CHIPS_FROM else filter(None, [links[1:]]), room)
        if verdict.state in ("cosmetic", "slow-to-answer") and not beside_it and legend.is_roomy(name + mark, width):
            beside_it = legend.HARMLESS
        room = width - cell_len(beside_it) - (2 if beside_it else 0)
        start = line.width
        if hop.ttl in self.members and 0 < name.find("}") < room - 2:
            name = cut(name, room - len(mark))
        elif cell_len(name) > room - len(mark) and len(nodes) > 1:
            name, beside = labels.host(self.target, nodes[0], self.options.names)
        for_name = room - len(mark)
        if beside and (for_name - cell_len(beside) - 2 >= min(NAME, cell_len(name))):
            for_name -= cell_len(beside) + 2
        else:
            beside = ""
        if cell_len(name) > for_name:
            name = hosts.shortened(names, for_name).get(name) or cut(name, for_name)
        line.add(name, begins.style if here else look.strong if hop.is_target else look.text).add(mark, look.quiet)
        if beside:
            line.add("  " + beside, look.quiet)
        line.to(start + width - cell_len(beside_it), look.text).add(beside_it, look.quiet)

    def _links(self, hop: Hop, nodes: tuple[Node, ...]) -> Ways:
        """How many routers stand side by side, in a word or two and in as little as can be; nothing where it is one."""
        at = self.members.get(hop.ttl)
        if at is None:
            return (f"{len(nodes)} links", f"+{len(nodes) - 1}") if len(nodes) > 1 else ()
        if at.bad:
            mark, _ = self.look.health("loss")
            return f"{mark}{at.bad}/{at.routers} links", f"{mark}{at.bad}/{at.routers}"
        return f"{at.routers} links", f"+{at.routers - 1}"

    def _node(self, hop: Hop, first: Node, node: Node, *, is_last: bool, chosen: bool) -> Row:
        """A further address of a hop."""
        target, look, layout, options = self.target, self.look, self.layout, self.options
        line = Line().add(" " * NUMBER, look.quiet)
        line.add(f"{look.glyphs.last_branch if is_last else look.glyphs.branch} ", look.quiet)
        part = labels.share(hop, node)
        own = labels.owner(target, node.address) if options.owners else ""
        if own == labels.owner(target, first.address):
            own = ""  # the band says it
        beside_it = f"{own}{chips.GAP}{part}" if own else part
        beside_it = beside_it if layout.host >= CHIPS_FROM else ""
        name, beside = labels.host(target, node, options.names)
        room = layout.host - 2 - len(beside_it) - 2
        start = line.width
        mark = labels.mark(target, node, options.names)
        line.add(cut(name, room - len(mark)) + mark, look.quiet)
        if beside and room - (line.width - start) >= cell_len(beside) + 2:
            line.add("  " + beside, look.quiet)
        line.to(NUMBER + layout.host - len(beside_it), look.quiet).add(beside_it, look.quiet)
        values = {"last": node.last_ms, "best": node.best_ms, "avg": node.avg_ms}
        for column in layout.columns:
            if column.key in values:
                line.add(fit(table_ms(values[column.key], self.in_us), column.width - 1, "right") + " ", look.quiet)
            elif column.key == "received":
                line.add(fit(str(node.received), column.width - 1, "right") + " ", look.quiet)
            else:
                line.add(" " * column.width, look.quiet)
        return self._finish(line, chosen, hop.ttl)

    def _finish(self, line: Line, chosen: bool, ttl: int) -> Row:
        row = line.row(self.width, self.look.text, Hit("hop", ttl))
        return over(row, self.look.chosen) if chosen else row


def loss_of(hop: Hop, finding: HopFinding, begins: Begins) -> spark.Loss:
    """What a hop's lost probes mean."""
    if not hop.received and finding.state != "no-answer":
        return "silent"
    if finding.state == "cosmetic":
        return "harmless"
    return "trouble" if begins.ttls and hop.ttl >= min(begins.ttls) else "over"


def _silence(verdict: HopFinding, width: int) -> str:
    """In the place of a name that nobody answers with."""
    words = {"starting": ("waiting for an answer",), "no-answer": ("no answer from here on", "no answer")}.get(
        verdict.state, ("never answers: harmless", "never answers")
    )
    return next((each for each in words if len(each) <= width), words[-1])
