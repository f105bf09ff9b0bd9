"""All targets, a row each: what is wrong where and since when, the worst first, and those that are fine folded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.style import Style

from hopscope.path.bins import TARGET, Bin
from hopscope.path.snapshot import Hop
from hopscope.path.windows import named
from hopscope.session.model import Target
from hopscope.views.screen import listing, sentence, spark
from hopscope.views.screen.judged import TargetStatus, clock_of, rank_of
from hopscope.views.screen.listing import Drawn, Entry, ill_of, kept, listed_of, place_of
from hopscope.views.screen.overview import FINE
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, fit, over
from hopscope.words.causes import cause_place, cause_words, counted
from hopscope.words.clauses import Ways
from hopscope.words.common_cause import Cause, causes, is_in_trouble
from hopscope.words.headline import Headline
from hopscope.words.numbers import share as share_text
from hopscope.words.numbers import signed_ms, table_ms
from hopscope.words.verdicts import matter
from hopscope.words.where import where

FIXED: Final = 4
"""Cells of cursor, mark and number."""
_NUMBERED: Final = 9
"""Targets that have a key."""
_NS_PER_MS: Final = 1_000_000
_LATE: Final = 15
"""Answers that "now" is the median of."""
_ENOUGH: Final = 10
"""Answers from which on something is usual."""
WIDTHS: Final = {"Since": 12, "Loss %": 8, "Median": 9, "vs usual": 10}
_FIRST: Final = ("Loss %", "Since", "spark", "vs usual", "Median")
"""What is shown where there is room for it, the most important first."""
_OF_BRIEF: Final = ("Loss %", "Since", "Median")
"""The same of targets of which no probe was read."""
_WORDS_FROM: Final = 34
"""Cells that name and words have before anything else is shown."""
_SPARK_FROM: Final = 12
_MEASURED: Final = 200
"""Rows that the columns' widths are made for."""
_PER_SEARCH: Final = 20
"""A search for causes is followed by so many times its own time without one."""
_MINUTE_NS: Final = 60_000_000_000
_LATELY_NS: Final = 20 * _MINUTE_NS
_NAME_FROM: Final = 23
"""Cells in which the window of the numbers has room beside the title."""


class Layout(NamedTuple):
    """How wide each column is."""

    name: int
    words: int
    columns: tuple[str, ...]
    spark: int


def order(state: ViewState) -> list[Target]:
    """The targets in the order in which they stand there."""
    made_of = (state.moment, state.overview)
    if state.order.made_at is None:
        state.order.kept.pop("order", None)
    return kept(
        state,
        "order",
        made_of,
        lambda: state.order.of(
            state.shown.targets, state.states, state.present.now, rests=state.moment is None and state.overview
        ),
    )


def entries(state: ViewState) -> list[Entry]:
    """The rows, as the last drawing had room for them."""
    its = state.order
    targets = order(state)
    listed = listed_of(state)
    made_of = (state.moment, its.room, its.unfolded, frozenset(its.opened), state.sifted, its.ids, listed)
    return kept(
        state, "rows", made_of, lambda: listing.entries(state, targets, listed, lambda: _causes(state, targets))
    )


# --- the sentences above it ------------------------------------------------------------------------------------------


def spoken(state: ViewState, look: Look, width: int, lines: int) -> list[Row]:
    """How many are how, and what several have in common; else what is the matter with the worst, or the chosen one."""
    targets = order(state)
    states = kept(state, "states", (), lambda: Counter(state.states))
    found = _causes(state, targets)
    ill = sum(map(is_in_trouble, ill_of(state)))
    more: list[Ways] = [cause_words(cause, ill, clock_of(targets[0])) for cause in found[:2]]
    chosen = state.chosen if state.order.moved_at is not None else None
    about = chosen or (targets[0] if targets else None)
    if about is not None and (chosen is not None or not found):
        status = state.judge.target(about)
        if status.state not in FINE or chosen is not None:
            more += [tuple(f"{state.label(about)}: {way}" for way in status.headline.brief)]
    matter, worst = counted(states), "healthy"
    if states:
        worst = min(states, key=rank_of)
    if state.sifted:
        matter = f"{len(entries(state)):,} of {len(targets):,} targets have {state.sifted!r} in them; of all: {matter}"
    if state.shown.stale is not None:
        stale = state.shown.stale
        matter, worst = f"{stale[0].upper()}{stale[1:]}. Before that: {matter}", "unheard"
    heading = Headline(matter, ("",), tuple(more))
    return sentence.rows(heading, look.health(worst), look.strong, look, width, lines)


def _causes(state: ViewState, targets: Sequence[Target]) -> list[Cause]:
    """Found again where something else is said of somebody; of thousands not at once."""
    made_of = kept(
        state,
        "ill ones",
        (),
        lambda: tuple(
            (target.id, verdict.kind, verdict.first_ttl, verdict.last_ttl, target.judged.since)
            for target in ill_of(state)
            if (verdict := target.judged.verdict).is_trouble and is_in_trouble(target)
        ),
    )
    known, began = state.order.causes, time.perf_counter()
    if known is None or (known[0] != made_of and began >= known[2]):
        found = causes(targets)
        took = time.perf_counter() - began
        known = state.order.causes = made_of, found, began + _PER_SEARCH * took
    return known[1]


# --- the rows --------------------------------------------------------------------------------------------------------


def view(state: ViewState, look: Look, width: int, room: int) -> tuple[Row, Drawn, int]:
    """The head, the rows, and which of them has the cursor. Where not all targets have room, those that are fine, or
    have something in common, are one row."""
    state.order.room = room
    rows = entries(state)
    by_id = state.by_id
    some = [by_id[row.ids[0]] for row in rows[:_MEASURED] if row.is_target]
    groups = [_several_words(state, row, by_id[row.ids[0]]) for row in rows[:_MEASURED] if row.key]
    layout = kept(state, "layout", (width, tuple(rows[:_MEASURED])), lambda: _layout(state, some, groups, width))
    numbers = {target.id: place for place, target in enumerate(state.shown.targets[:_NUMBERED], 1)}
    if not state.order.is_touched and rows and by_id[rows[0].ids[0]].site is not None:
        state.target = rows[0].ids[0]  # of a fleet the worst, until somebody chooses
    here = place_of(rows, state.target)

    def draw(row: Entry) -> Row:
        is_here = rows[here] is row
        if row.is_rest:
            return _rest([by_id[id_] for id_ in row.ids], look, width, chosen=is_here)
        target = by_id[row.ids[0]]
        if row.key:
            return _several(state, row, target, look, width, layout, is_here=is_here)
        return _cached(state, target, numbers.get(target.id), look, width, layout)

    names = {target.path.numbers.name for target in some}
    window = names.pop() if len(names) == 1 else state.window
    is_brief = bool(some) and all(target.is_brief for target in some)
    over_what = "last minutes" if is_brief else named(window, layout.name - len("Target") - 2) if layout.columns else ""
    return _head(layout, some[0] if some else None, over_what, look, width), Drawn(rows, draw), here


def _several_words(state: ViewState, row: Entry, target: Target) -> tuple[str, str]:
    """Who it is, and what they have in common."""
    cause, who = row.cause, f"{len(row.ids):,} targets"
    if cause is None:
        return f"{target.site}: {who}", state.judge.target(target).short
    return f"{who}, {cause.sites} sites" if cause.sites > 1 else who, cause_place(cause)


def _several(
    state: ViewState, row: Entry, target: Target, look: Look, width: int, layout: Layout, *, is_here: bool
) -> Row:
    """Targets that share a cause, or the silence of their site. `target`: the worst of them."""
    cause = row.cause
    mark, style = look.health(cause.mood if cause is not None else str(row.key[0]))
    line = Line().add(look.glyphs.cursor if is_here else " ", look.strong).add(mark, style).to(FIXED, look.text)
    who, what = _several_words(state, row, target)
    line.add(fit(who, layout.name), look.strong).add("  ", look.text).add(fit(what, layout.words), style)
    for title in layout.columns:
        since = clock_of(target)(cause.since) if title == "Since" and cause is not None and cause.since else ""
        line.add(fit(since, WIDTHS[title], "right"), look.quiet)
    drawn = line.row(width, look.text, Hit("open", row.ids[0]))
    return over(drawn, look.chosen) if is_here else drawn


def _layout(state: ViewState, targets: Sequence[Target], groups: Sequence[tuple[str, str]], width: int) -> Layout:
    """`groups`: who and what of rows of several targets."""
    columns: list[str] = []
    left = width - FIXED
    is_brief = bool(targets or groups) and all(target.is_brief for target in targets)
    for column in _OF_BRIEF if is_brief else _FIRST:
        size = _SPARK_FROM if column == "spark" else WIDTHS[column]
        if left - size >= _WORDS_FROM:
            columns.append(column)
            left -= size
    least = _NAME_FROM if width >= 80 else 8
    whos, whats = [who for who, _ in groups], [what for _, what in groups]
    longest = max([least, *(cell_len(each) for each in (*whos, *(state.label(target) for target in targets)))])
    name = max(0, min(longest, 40, max(10, left * 11 // 20), left))
    whats += [_what(state.judge.target(target), 60) for target in targets]
    longest = max([24, *map(cell_len, whats)])
    words = max(0, min(longest, left - name - 2))
    spare = max(0, left - name - 2 - words)
    bars = _SPARK_FROM + spare - 2 if "spark" in columns else 0
    ordered = tuple(column for column in WIDTHS if column in columns)
    return Layout(name, words + (0 if bars else max(0, spare)), ordered, bars)


def _head(layout: Layout, target: Target | None, over_all: str, look: Look, width: int) -> Row:
    line = Line().to(FIXED, look.quiet).add(fit("Target", layout.name - cell_len(over_all)), look.quiet)
    line.add(over_all, look.quiet, Hit("action", "show.window")).add("  ", look.quiet)
    titles = ("What is wrong, and where", "What is wrong", "")
    line.add(fit(next(words for words in titles if len(words) <= layout.words), layout.words), look.quiet)
    for title in layout.columns:
        line.add(fit(title, WIDTHS[title], "right"), look.quiet)
    if layout.spark:
        reach = spark.reach(target, layout.spark) if target is not None else ""
        scale = spark.scale_words("usual", None, False, look, layout.spark - len(reach) - 2)
        line.add("  ", look.quiet).add(fit(f"{reach}  {scale}", layout.spark), look.quiet)
    return line.row(width, look.quiet)


def _what(status: TargetStatus, width: int) -> str:
    """What is wrong, and where, as long as it has room; the number stands in a column of its own."""
    verdict, spoken = status.verdict, status.spoken
    if status.state in FINE and verdict.kind in ("healthy", "starting"):
        return ""
    if spoken is None or not verdict.is_trouble:
        return status.short
    is_over, at = status.state == "paused", where(spoken.place)
    words = matter(verdict.kind, spoken.place, is_over=is_over)
    ways = (f"paused; {words}",) if is_over else (words, f"{status.short} {at}")
    return next((each for each in ways if cell_len(each) <= width), status.short)


def _cached(state: ViewState, target: Target, number: int | None, look: Look, width: int, layout: Layout) -> Row:
    """A row, drawn once for what it shows."""
    chosen = target.id == state.target
    made_of = (chosen, number, look, width, layout)
    known = state.order.rows.get(target.id)
    if known is None or known[0] is not target or known[1] != made_of:
        cursor = look.glyphs.cursor if chosen else " "
        usual = state.table_cache(target).usual.of(hop) if (hop := target.path.target) else None
        lately = _lately(state, target) if target.is_brief else None
        status, name = state.judge.target(target), state.label(target)
        row = _row(status, target, usual, lately, name, cursor, number, look, width, layout)
        known = state.order.rows[target.id] = target, made_of, over(row, look.chosen) if chosen else row
    return known[2]


def _row(
    status: TargetStatus,
    target: Target,
    usual: int | None,
    lately: Bin | None,
    name: str,
    cursor: str,
    number: int | None,
    look: Look,
    width: int,
    layout: Layout,
) -> Row:
    mark, style = look.health(status.state)
    is_fine = status.state in FINE
    line = Line().add(cursor, look.strong).add(mark, style).add(f"{number or ' '} ", look.quiet)
    line.add(fit(name, layout.name), look.text).add("  ", look.text)
    line.add(fit(_what(status, layout.words), layout.words), look.quiet if is_fine else style)
    for title in layout.columns:
        text, its = _column(title, status, target, usual, lately, look, style)
        line.add(fit(text, WIDTHS[title], "right"), its)
    if layout.spark:
        line.add("  ", look.text)
        for text, its in _bars(status, target, usual, layout.spark, look):
            line.add(text, its)
    return line.row(width, look.text, Hit("open", target.id))


def _column(
    title: str,
    status: TargetStatus,
    target: Target,
    usual: int | None,
    lately: Bin | None,
    look: Look,
    style: Style,
) -> tuple[str, Style]:
    verdict, hop = status.verdict, target.path.target
    match title:
        case "Since":
            is_told = verdict.is_trouble or verdict.kind == "recovered"
            return _begin(target) if is_told else "", look.quiet
        case "Loss %":
            bad = status.state in ("loss", "unreachable")
            if target.is_brief and verdict.is_trouble:  # what is known of its last minutes may be older than that
                n = verdict.numbers
                return share_text(100 * n.lost / n.sent if n.sent else None), style if bad else look.quiet
            counted_by = hop or lately
            return share_text(counted_by.loss_pct if counted_by else None), style if bad else look.quiet
        case "Median":
            if lately is not None:
                return table_ms(lately.nearest(50) / _NS_PER_MS if lately.received else None), look.text
            rtt = hop.rtt if hop and hop.is_target else None
            return table_ms(rtt.median if rtt else None), look.quiet if status.young else look.text
        case _:
            more = _more(hop, usual) if hop is not None else None
            is_much = status.state == "slow" and more is not None and more > 0
            return signed_ms(more), style if is_much else look.quiet


def _lately(state: ViewState, target: Target) -> Bin | None:
    """What became of the probes of the last minutes that are known of a target whose probes are not read."""
    if state.binned is None:
        return None
    at = state.moment or state.present.now
    lately = Bin()
    for span in state.binned(target.id)(at - _LATELY_NS, at, _MINUTE_NS, (TARGET,)):
        if TARGET in span.bins:
            lately.merge(span.bins[TARGET])
    return lately if lately.received or lately.lost > 0 else None


def _begin(target: Target) -> str:
    """``18:34:12``, of another day ``11-25 18:34``."""
    since, incident = target.judged.since, target.judged.open
    if since is None and incident is not None:
        since = incident.begin  # it comes again and again since then
    when = clock_of(target)(since) if since is not None else ""
    return when if len(when) < 10 else when[5:16]


def _more(hop: Hop, usual: int | None) -> float | None:
    """How much longer the answers take now than they usually do, ms; None where neither is known."""
    if usual is None or hop.received < _ENOUGH:
        return None
    answered = [sample for sample in hop.window.samples[-2 * _LATE :].tolist() if sample >= 0]
    late = sorted(answered[-_LATE:])
    return (late[len(late) // 2] - usual) / _NS_PER_MS if late else None


def _bars(status: TargetStatus, target: Target, usual: int | None, width: int, look: Look) -> list[tuple[str, Style]]:
    """The target's rounds, by how much longer than usual each took."""
    hop = target.path.target
    if hop is None:
        return []
    loss: spark.Loss = "trouble" if status.verdict.is_trouble else "over" if hop.is_target else "silent"
    each = spark.each_for(target.plan.interval_ns if target.plan is not None else None)
    return spark.cells(hop.window, width, spark.excess(usual, in_us=False), look, loss, each, spark.newest(target.path))


def _rest(targets: Sequence[Target], look: Look, width: int, *, chosen: bool) -> Row:
    """All that are fine, in a row."""
    medians = sorted(
        rtt.median for target in targets if (hop := target.path.target) and (rtt := hop.rtt) and rtt.median is not None
    )
    mark, style = look.health("healthy")
    low, high = (f"{medians[0]:.0f}", f"{medians[-1]:.0f}") if medians else ("", "")
    span = f", medians {low} to {high} ms" if low != high else f", medians {low} ms" if low else ""
    line = Line().add(look.glyphs.cursor if chosen else " ", look.strong).add(mark, style).to(FIXED, look.text)
    line.add(f"{len(targets)} more, all fine{span}", look.quiet)
    row = line.row(width, look.text, Hit("action", "show.fold"))
    return over(row, look.chosen) if chosen else row
