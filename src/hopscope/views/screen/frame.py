"""The whole screen as lines: which panels a size has room for, and where they stand. Pure but for its cache.

What goes first on a small terminal, in this order: the panel of the chosen hop (below 100 columns), the chart (below 30
lines unless it was asked for, below 14 always), the empty line under the sentences (below 20), the one target's name
(below 14), owner, labels and shares in the host column (below 24 cells), columns by their rank, the footer's words
(below 60 columns) and, below 6 lines, footer and tabs. Nothing is cut without a sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.screen import folding, footer, header, legend, table
from hopscope.views.screen.axis import TimeAxis
from hopscope.views.screen.cadence import chart_is_due
from hopscope.views.screen.footer import Footing
from hopscope.views.screen.glyphs import PLAIN
from hopscope.views.screen.keymap import shown as shown_key
from hopscope.views.screen.layout import NUMBER
from hopscope.views.screen.layout import layout as laid_out
from hopscope.views.screen.place import begins_at
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Line, Row, beside, blank, cut, framed, wrap

CHART_FROM = 30
"""Lines from which the chart stands there without being asked for."""
CHART_LEAST = 14
SQUEEZED_BELOW = 24
"""Lines below which rows that nobody asks for stand together where there is no room for all."""
RIBBON = 2
"""Lines of the ribbon that takes the chart's place…"""
RIBBON_FROM = 8
"""…where there is that much room for it and the table."""
PANEL_LEAST = 9
"""Lines of the chart and the panel beside it, at the least (but for very small screens where they were asked for)."""
DETAIL_FROM = 100


class Frame(msgspec.Struct, frozen=True):
    """What is on the screen."""

    rows: list[Row]
    has_chart: bool
    body: int
    """Lines of the table or the overview, for paging."""


class FrameCache(msgspec.Struct):
    """What need not be drawn anew: the last chart, the footer, and what they were made of."""

    made_of: tuple[object, ...] = ()
    at: int = 0
    rows: list[Row] = msgspec.field(default_factory=list)
    axis: TimeAxis | None = None
    """The time axis that was drawn last, in the chart or the ribbon."""
    footer_of: tuple[object, ...] = ()
    footer: list[Row] = msgspec.field(default_factory=list)

    def foot(self, keys: Mapping[str, tuple[str, ...]], look: Look, width: int, footing: Footing) -> list[Row]:
        """The footer's line."""
        if self.footer_of != (id(keys), look, width, footing):
            self.footer_of = (id(keys), look, width, footing)
            self.footer = [footer.row(keys, look, width, footing)]
        return self.footer


def compose(
    state: ViewState, look: Look, width: int, height: int, keys: Mapping[str, tuple[str, ...]], drawn: FrameCache
) -> Frame:
    """Everything, exactly `width` x `height`."""
    if width < 1 or height < 1:
        return Frame([], False, 0)
    names = {id_: shown_key(bound[0], not look.glyphs.is_ascii) for id_, bound in keys.items() if bound}
    target = state.chosen
    rows = header.block(state, look, width, height, names)
    targets = state.shown.targets
    is_paused = bool(targets) and all(each.state in ("paused", "finished", "refused", "unresolved") for each in targets)
    is_paused = is_paused and any(each.state == "paused" for each in targets)
    footing = Footing(len(targets) > 1, state.overview, is_paused, state.moment is not None, state.is_recording)
    foot = drawn.foot(keys, look, width, footing) if height >= 6 else []
    room = height - len(rows) - len(foot)
    has_chart = False
    if target is None:
        body = _nobody(look, width, names)
    elif state.overview:
        body = _overview(state, look, width, room)
        left = room - len(body) - 1
        if state.chart is not False and height >= CHART_FROM and left >= PANEL_LEAST and not target.is_brief:
            has_chart, tall = True, min(left, height * 2 // 5)
            body += [blank(width, look.text)] * (room - tall - len(body))
            body += _panels(state, target, look, width, tall, drawn)
    else:
        tall = chart_height(state, height, room, target)
        has_chart = tall > 0
        if not has_chart and room >= RIBBON_FROM and target.path.rows:
            tall = RIBBON
        body = _table(state, target, look, width, room - tall, height)
        if tall:
            body += [blank(width, look.text)] * (room - tall - len(body))
        if has_chart:
            body += _panels(state, target, look, width, tall, drawn)
        elif tall:
            body += _chart(state, target, look, width, tall, drawn)
    rows += body[:room]
    rows += [blank(width, look.text)] * (height - len(rows) - len(foot))
    rows = (rows + foot)[:height]
    if look.glyphs.is_ascii:
        rows = [Row(plain(row.strip), row.hits) for row in rows]
    return Frame(rows, has_chart, max(1, room - 2))


def plain(strip: Strip) -> Strip:
    """A line in ASCII alone; what has no ASCII of its own (a name in another script) is a question mark a cell."""
    parts = []
    for text, style, _control in strip:
        text = text.translate(PLAIN)
        if not text.isascii():
            text = "".join(char if char.isascii() else "?" * cell_len(char) for char in text)
        parts.append(Segment(text, style))
    return Strip(parts, strip.cell_length)


def chart_height(state: ViewState, height: int, room: int, target: Target) -> int:
    """Lines of the chart and the panel beside it; 0 where they are off or have no room. It follows from the screen's
    height, and gives way to a long table for good: what happens on the path does not move it to and fro."""
    if state.chart is False or height < CHART_LEAST or (state.chart is None and height < CHART_FROM):
        return 0
    cache = state.table_cache(target)
    answering = [hop.ttl for hop in target.path.hops if hop.received]
    rows = [item for item in state.items(target) if folding.ttl_of(item) <= max(answering, default=0) + 1]
    more = sum(max(0, len(hop.nodes) - 1) for hop in rows if isinstance(hop, Hop)) if state.unfolded else 0
    cache.most = max(cache.most, len(rows) + more)
    usual = max(PANEL_LEAST, min(height * 2 // 5, height - CHART_FROM // 2 - 6))
    return max(min(PANEL_LEAST, room - 5), min(usual, room - cache.most - 2))


def _panels(state: ViewState, target: Target, look: Look, width: int, height: int, drawn: FrameCache) -> list[Row]:
    hop = state.chosen_hop(target)
    side = 0
    if state.details and width >= DETAIL_FROM and hop is not None:
        side = min(56, max(40, width * 3 // 10))
    wide = width - side
    left = _chart(state, target, look, wide, height, drawn)
    if not side or hop is None:
        return left
    from hopscope.views.screen import detail  # not needed for the first frame

    verdicts = state.judge.hops(target)
    verdict = next(v for v, h in zip(verdicts, target.path.rows, strict=True) if h is hop)
    inside = detail.panel(target, hop, verdict, look, side - 2)
    if len(inside) > height - 2:
        inside = [*inside[: height - 3], Line().add(" … more: enter", look.quiet).row(side - 2, look.text)]
    inside += [blank(side - 2, look.text)] * (height - 2 - len(inside))
    name = "hop " + str(hop.ttl) + (", target" if hop.is_target else "")
    right = framed(inside, name, "", side, height, look.faint, look.quiet)
    return beside(left, right, wide, side, look.text)


def _chart(state: ViewState, target: Target, look: Look, width: int, height: int, drawn: FrameCache) -> list[Row]:
    """The chart, or (of two lines) the ribbon."""
    hop = state.chosen_hop(target)
    if hop is None:
        waiting = Line().add("" if target.is_brief else " no answer yet", look.quiet).row(width, look.text)
        return [waiting, *[blank(width, look.text)] * (height - 1)]
    now = state.chosen_now or target
    fixed = (target.id, hop.ttl, state.chart_view, look, width, height, state.span_s, state.moment)
    due = chart_is_due(now.path, width, state.present.now, drawn.at)
    if drawn.made_of[:-1] != fixed or (due and drawn.made_of[-1] != now.path.version):
        from hopscope.views.screen import panels  # not needed for the first frame

        drawn.axis, drawn.rows = panels.time_panel(state, target, now, hop, look, width, height)
        drawn.made_of = (*fixed, now.path.version)
        drawn.at = state.present.now
    return drawn.rows


def _table(state: ViewState, target: Target, look: Look, width: int, room: int, height: int) -> list[Row]:
    cache, options = state.table_cache(target), state.row_options
    cursor = None if state.on_sentence else state.cursor(target)
    if state.moment is not None and len(target.judged.epochs) > 1:
        from hopscope.views.screen import comparing  # rarely needed

        change = comparing.change_at(target, state.moment)
        if change is not None and room >= 3:
            in_us = table.is_in_us(target)
            compared = comparing.rows(target, change, state.moment, options.names, look, width, cursor, in_us)
            chosen = comparing.spans(compared[1:]).get(cursor or 0, (0, 1))
            shown = [row for _, row in compared[1:]]
            return [compared[0][1], *window(state, shown, chosen, room - 1, look, width)]
    cache.host = max(cache.host, table.host_wanted(target, options))
    verdicts = state.judge.hops(target)
    layout, begins = laid_out(state.columns, width, cache.host), begins_at(state, target, look)
    fan = state.fans.of(target)
    members = fan.members if fan is not None else {}
    painter = table.TablePainter(target, layout, options, look, width, table.is_in_us(target), begins, members)
    items = state.items(target)
    if items and len(items) > room - 1 and height < SQUEEZED_BELOW and not state.unfolded:
        before = [min(begins.ttls) - 1] if begins.ttls else []
        last = folding.ttl_of(items[-1])
        items = folding.squeezed(items, {*begins.ttls, *before, last, cursor or last}, room - 1)
    groups = painter.rows(items, verdicts, cursor, cache)
    out = [painter.head(cache.ceiling)] if room >= 3 else []
    notes = legend.notes(target, verdicts, look, width - NUMBER - 1, layout.host, options.names) if room >= 6 else []
    note_rows = [
        Line().to(NUMBER, look.quiet).add(cut(text, width - NUMBER - 1), look.quiet).row(width, look.text)
        for text in notes
    ]
    lines: list[Row] = []
    spans: dict[int, tuple[int, int]] = {}
    for ttl, rows in groups:
        spans[ttl] = (len(lines), len(lines) + len(rows))
        lines += rows
    if not lines:
        return out + _empty(state, target, look, width)
    space = max(1, room - len(out) - len(note_rows))
    if len(lines) > space and note_rows:
        space, note_rows = max(1, room - len(out)), []
    out += window(state, lines, spans.get(cursor or 0, (0, 1)), space, look, width)
    return out + note_rows


def window(
    state: ViewState, lines: Sequence[Row], chosen: tuple[int, int], space: int, look: Look, width: int
) -> list[Row]:
    """As many of `lines` as there is room for, with the chosen ones in sight; the rest is counted above and below."""
    if len(lines) <= space:
        state.top = 0
        return list(lines[:])
    margin = 1 if space >= 4 else 0
    top = min(state.top, chosen[0] - margin)
    top = max(top, chosen[1] + margin - space)
    top = max(0, min(top, len(lines) - space))
    state.top = top
    out = list(lines[top : top + space])
    if margin:
        if top:
            out[0] = _more(look.glyphs.up, top + 1, look, width)
        below = len(lines) - top - space
        if below:
            out[-1] = _more(look.glyphs.down, below + 1, look, width)
    return out


def _more(sign: str, count: int, look: Look, width: int) -> Row:
    return Line().add(f"  {sign}  {count} more lines", look.quiet).row(width, look.text)


def _overview(state: ViewState, look: Look, width: int, room: int) -> list[Row]:
    from hopscope.views.screen import matrix, summary  # not needed for the first frame

    above = matrix.view(state, look, width, room)
    room -= len(above)
    first, rows, here = summary.view(state, look, width, max(1, room - 1))
    return [*above, first, *window(state, rows, (here, here + 1), max(1, room - 1), look, width)]


def _empty(state: ViewState, target: Target, look: Look, width: int) -> list[Row]:
    """In place of hops, while there are none."""
    remedy = target.refusal.remedy if target.refusal is not None else ""
    words = {
        "resolving": f"looking {target.query} up …",
        "unresolved": "",
        "refused": f"try: {remedy}" if remedy else "",
        "paused": "paused before the first answer",
    }.get(target.state, "the first probes are on their way …")
    words = "its probes are being read …" if target.is_brief else words
    out = [blank(width, look.text)]
    lines = wrap(words, max(10, width - 8))
    style = look.text if target.state == "refused" else look.quiet
    return out + [Line().to(5, style).add(text, style).row(width, look.text) for text in lines]


def _nobody(look: Look, width: int, names: Mapping[str, str]) -> list[Row]:
    words = f"no targets: {names.get('target.add', 'the palette')} adds one"
    return [
        blank(width, look.text),
        Line().to(5, look.quiet).add(cut(words, width - 5), look.quiet).row(width, look.text),
    ]
