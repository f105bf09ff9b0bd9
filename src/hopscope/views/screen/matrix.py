"""Sites by targets: how each is from where, a mark each. Above the overview, where several sites probe."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Final

from rich.cells import cell_len

from hopscope.session.model import Target
from hopscope.views.screen.judged import ILL, rank_of
from hopscope.views.screen.listing import ill_of, kept
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, blank, fit

MOST_LINES: Final = 12
_LEAST_BELOW: Final = 6
"""Lines that the list below has at the least."""
_LEAST_SITE, _MOST_SITE = 3, 12
"""Cells of a site's column."""
_MOST_NAME: Final = 34
_FINE: Final = rank_of("healthy")
_COUNTED_FROM: Final = 25
"""Targets from which on those in trouble are counted for each site."""


def view(state: ViewState, look: Look, width: int, room: int) -> list[Row]:
    """Drawn once for a snapshot."""
    return kept(state, "matrix", (look, width, room), lambda: _drawn(state, look, width, room))


def _drawn(state: ViewState, look: Look, width: int, room: int) -> list[Row]:
    """The targets in trouble at most sites, and the worst sites, come first; nothing where one site probes, or it has
    no room."""
    of_site: dict[str, Counter[str]] = {}
    queries: dict[str, tuple[int, int]] = {}
    targets, states = state.shown.targets, state.states
    for (site, name_of), count in Counter(zip((one.site for one in targets), states, strict=True)).items():
        if site is not None:
            of_site.setdefault(site, Counter())[name_of] = count
    most = min(MOST_LINES, max(1, room // 3), room - _LEAST_BELOW - 3)
    if len(of_site) < 2 or most < 1:
        return []
    for target in ill_of(state):
        if target.site is not None:
            ill, worst = queries.get(target.query, (0, _FINE))
            rank = rank_of(state.judge.state(target), target.judged.verdict)
            queries[target.query] = ill - (rank < len(ILL)), min(worst, rank)
    if len(queries) < most:
        queries |= {one.query: (0, _FINE) for one in targets if one.site is not None and one.query not in queries}
    lines = min(len(queries), most)
    rows = heapq.nsmallest(lines, queries, key=lambda query: (queries[query], query))
    sites = {site: min(rank_of(name_of) for name_of in states) for site, states in of_site.items()}
    cells = _cells(state, frozenset(rows))
    name = min(_MOST_NAME, max(len("Target"), *(cell_len(query) for query in rows)), max(8, width // 3))
    each = min(_MOST_SITE, max(_LEAST_SITE, *(cell_len(site) for site in sites)))
    room_for = max(1, (width - 4 - name - 2) // (each + 1))
    columns = sorted(sorted(sites, key=lambda site: (sites[site], site))[:room_for])
    head = Line().to(4, look.quiet).add(fit("Target", name), look.quiet).add("  ", look.quiet)
    for site in columns:
        head.add(fit(site, each), look.quiet).add(" ", look.quiet)
    more = len(sites) - len(columns)
    if more and width - head.width >= len(f"+{more}"):
        head.add(f"+{more}", look.quiet)
    out = [head.row(width, look.quiet)]
    if len(state.shown.targets) >= _COUNTED_FROM:
        out.append(_totals(of_site, columns, name, each, look, width))
    for query in rows:
        line = Line().to(4, look.text).add(fit(query, name), look.text).add("  ", look.text)
        for site in columns:
            there = cells[query].get(site)
            if there is None:
                line.add(fit("", each), look.text).add(" ", look.text)
                continue
            mark, style = look.health(state.judge.state(there))
            line.add(fit(mark, each), style, Hit("open", there.id)).add(" ", look.text)
        out.append(line.row(width, look.text))
    return [*out, blank(width, look.text)]


def _cells(state: ViewState, queries: Container[str]) -> dict[str, dict[str, Target]]:
    """By query and site; of several the worst."""
    cells: dict[str, dict[str, Target]] = {}
    for target in state.shown.targets:
        if target.site is not None and target.query in queries:
            of_query = cells.setdefault(target.query, {})
            known = of_query.get(target.site)
            if known is None or rank_of(state.judge.state(target)) < rank_of(state.judge.state(known)):
                of_query[target.site] = target
    return cells


def _totals(
    of_site: Mapping[str, Counter[str]], columns: Sequence[str], name: int, each: int, look: Look, width: int
) -> Row:
    """Of each site how many are in trouble, and how bad the worst is."""
    line = Line().to(4, look.text).add(fit("in trouble", name), look.text).add("  ", look.text)
    for site in columns:
        states = of_site[site]
        mark, style = look.health(min(states, key=rank_of))
        ill = sum(states[each_] for each_ in ILL)
        line.add(fit(f"{mark}{ill or ''}", each), style).add(" ", look.text)
    return line.row(width, look.text)
