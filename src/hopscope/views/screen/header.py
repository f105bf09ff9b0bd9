"""The head: whom it is about, the verdict in sentences, and a line for what must be said."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style

from hopscope.session.model import Target
from hopscope.views.screen import sentence
from hopscope.views.screen.judged import ILL, TargetStatus
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, blank, cut, over
from hopscope.words.events import address_change
from hopscope.words.numbers import clock, interval, span, time_of, time_of_day

SAID_NS = 10_000_000_000
"""For so long a line of what just happened stays."""
MOST_TABS = 200
WIDE = 110
"""Cells at the right of the name from which the address that probes leave from is said, too."""
DEMO_ROUNDS = 10
"""For so many rounds the name of a demo stands there."""


def tabs(state: ViewState, look: Look, width: int) -> Row:
    """The targets; at the right how they are probed and for how long. What has no room is counted: ``+3 ▸``."""
    shown = state.shown
    if len(shown.targets) > MOST_TABS:
        return _crowd(state, look, width)
    right = _right(state.chosen, max(0, min(46, width - 60)), since=False)
    line = Line()
    right_width = cell_len(right) + 2 if width - cell_len(right) - line.width >= 44 else 0
    room = width - right_width
    chosen = state.chosen
    targets = list(shown.targets)
    position = targets.index(chosen) if chosen in targets else 0
    plus = f"  {look.glyphs.plus} "
    start = _first_tab(targets, position, state, look, room - line.width - cell_len(plus) - 5)
    if start:
        line.add(f"  {look.glyphs.left}{start}", look.quiet, Hit("target", targets[start - 1].id))
    worst = _Worst(state, targets, look)
    for index in range(start, len(targets)):
        target = targets[index]
        verdict = state.judge.target(target)
        mark, style = look.health(verdict.state)
        here = target is chosen
        words = "" if here else _tab_words(verdict)
        text = f"{state.label(target)}{words} "
        rest = len(targets) - index - 1
        hidden = targets[index + 1 :] if here else targets[index:]
        sign = [(f" +{len(hidden)} ", look.quiet), *worst.of(hidden), (f"{look.glyphs.right} ", look.quiet)]
        sign_width = sum(cell_len(part) for part, _ in sign)
        left = room - line.width - cell_len(plus) - (sign_width if rest else 0) - 4
        if left < min(cell_len(text), 12) and not here:
            hit = Hit("target", target.id)
            for part, its in sign:
                line.add(part, its, hit)
            break
        text = cut(text, max(6, left))
        ground = look.tab if here and len(targets) > 1 else Style.null()
        hit = Hit("target", target.id)
        line.add(" ", look.text)
        line.add(f" {mark} ", style + ground, hit)
        line.add(text, (look.strong if here else look.text) + ground, hit)
    if width >= 50:
        line.add(plus, look.quiet, Hit("action", "target.add"))
    if right_width:
        line.to(width - right_width + 1, look.text).add(right, look.quiet, Hit("action", "probe.interval")).add(
            " ", look.text
        )
    return line.row(width, look.text)


def _crowd(state: ViewState, look: Look, width: int) -> Row:
    """In place of thousands of tabs: how many there are, and which one is opened."""
    targets, target, line = state.shown.targets, state.chosen, Line().add(" ", look.text)
    sites = len({each.site for each in targets if each.site is not None})
    all_of_them = f"{len(targets):,} targets" + (f" at {sites} sites" if sites > 1 else "")
    if target is None or state.overview:
        return line.add(all_of_them, look.strong).row(width, look.text)
    mark, style = look.health(state.judge.state(target))
    line.add(f" {mark} ", style + look.tab).add(f"{state.label(target)} ", look.strong + look.tab)
    return line.add(f"  one of {all_of_them}", look.quiet, Hit("action", "target.overview")).row(width, look.text)


class _Worst:
    """What the tabs that have no room would say: of the two worst kinds how many there are."""

    def __init__(self, state: ViewState, targets: list[Target], look: Look) -> None:
        self._look = look
        self._states = {target.id: state.judge.target(target).state for target in targets}

    def of(self, targets: list[Target]) -> list[tuple[str, Style]]:
        states = [self._states[target.id] for target in targets]
        worst = [name for name in ILL if name in states][:2]
        marks = [self._look.health(name) for name in worst]
        return [(f"{mark} {states.count(name)} ", style) for name, (mark, style) in zip(worst, marks, strict=True)]


def _first_tab(targets: list[Target], position: int, state: ViewState, look: Look, room: int) -> int:
    """The first tab, so that the chosen one is in sight."""
    start = min(position, len(targets) - 1)
    used = 0
    while start >= 0:
        target = targets[start]
        verdict = state.judge.target(target)
        words = "" if start == position else _tab_words(verdict)
        used += min(cell_len(state.label(target)) + cell_len(words), 40) + 6
        if used > room and start != position:
            return start + 1
        start -= 1
    return 0


def _tab_words(verdict: TargetStatus) -> str:
    """What a tab says beside its mark, where that is more than "all is well"."""
    if verdict.state in ("healthy", "finished"):
        return ""
    return f" {verdict.short if verdict.verdict.is_trouble else verdict.state.replace('-', ' ')}"


def _right(target: Target | None, room: int, *, since: bool = True) -> str:
    """How the chosen target is probed and (`since`) since when, as much of it as there is room for."""
    if target is None:
        return ""
    plan, path = target.plan, target.path
    parts = ["demo network"] if target.started is not None and target.started.method == "simulated" else []
    if plan is not None:
        port = target.started.port if target.started else plan.port
        parts.append(f"{plan.protocol}{f' port {port}' if port and plan.protocol != 'icmp' else ''}")
        parts.append(interval(plan.interval_ns / 1e9))
    if since and path.started_at is not None:
        parts.append(f"since {time_of(path.started_at, path.last_at)}, {path.rounds} round{'s'[: path.rounds != 1]}")
    if target.started is not None and target.started.source and room >= WIDE:
        parts.append(f"from {target.started.source}")
    while parts and cell_len(" · ".join(parts)) > room:
        parts.pop()
    return " · ".join(parts)


def title(state: ViewState, look: Look, width: int) -> Row:
    """The one target: its name and address, and at the right how it is probed and since when."""
    target = state.chosen
    line = Line().add(" ", look.text)
    if target is None:
        return line.row(width, look.text)
    line.add(cut(target.query, max(8, width - 4)), look.strong)
    address = target.address if target.address and target.address != target.query else ""
    if address and width - line.width >= cell_len(address) + 3:
        line.add(f"  {address}", look.quiet)
    right = _right(target, width - line.width - 5)
    if right:
        line.to(width - cell_len(right) - 1, look.text).add(right, look.quiet, Hit("action", "probe.interval"))
    return line.row(width, look.text)


def block(state: ViewState, look: Look, width: int, height: int, keys: dict[str, str]) -> list[Row]:
    """All that stands above the table: whom it is about, the verdict's sentences, and a line for what must be said.

    Its height follows from the size alone. What must not be overlooked takes the line below the sentences, or the last
    one of theirs where that is all there is."""
    target = state.chosen
    several = len(state.shown.targets) > 1
    out: list[Row] = []
    if height >= (6 if several or target is None else 14):
        out.append(tabs(state, look, width) if several or target is None else title(state, look, width))
    note, urgent = notice(state, look, width, target, keys)
    takes_one = height < 20 and note is not None and (urgent or height >= 16)
    spoken: list[Row] = []
    if target is not None and not state.overview:
        lines = sentence.height(width, height)
        rows = said(state, look, width, target, max(1, lines - takes_one))
        spoken = [*rows, *[blank(width, look.text)] * (lines - len(rows))]
    elif target is not None:
        from hopscope.views.screen import summary  # not needed for the first frame

        spoken = summary.spoken(state, look, width, sentence.height(width, height))
    if height >= 20 or not spoken:
        return [*out, *spoken, note or blank(width, look.text)] if height >= 6 or note else out
    if takes_one and note is not None:
        spoken[-1] = note
    return [*out, *spoken]


def said(state: ViewState, look: Look, width: int, target: Target, lines: int) -> list[Row]:
    """The verdict's sentences, in as many lines."""
    status = state.judge.target(target)
    mark, style = look.health(status.state)
    stands_out = style + Style(bold=True) if status.verdict.is_trouble else look.strong
    if status.young:
        stands_out = look.quiet
    rows = sentence.rows(
        status.sentences(is_past=state.moment is not None), (mark, style), stands_out, look, width, lines
    )
    hits = ((0, width, Hit("action", "verdict.why")),)
    return [
        over(row, look.chosen)._replace(hits=hits) if state.on_sentence else row._replace(hits=hits) for row in rows
    ]


def notice(
    state: ViewState, look: Look, width: int, target: Target | None, keys: dict[str, str]
) -> tuple[Row | None, bool]:
    """What is to be said beside health, and whether it must not be overlooked; None where there is nothing."""
    text, style = _notice(state, look, target, keys)
    if not text:
        return None, False
    return Line().add(" ", look.text).add(cut(text, width - 2), style).row(width, look.text), style is not look.quiet


def _notice(state: ViewState, look: Look, target: Target | None, keys: dict[str, str]) -> tuple[str, Style]:
    shown = state.shown
    note = f": {shown.worker_note}" if shown.worker_note else ""
    if shown.worker == "failed":
        return f"{look.glyphs.here} the probe worker failed and could not be started again{note}", look.bad
    again = keys.get("stats.reset", "")
    if shown.worker == "restarting":
        words = "the probe worker is being started again, nothing counted is lost"
        return f"{look.glyphs.here} {words}{note}{f' ({again}: now)' if again else ''}", look.warn
    if state.moment is not None:
        said = state.said if state.said and state.present.now - state.said_at < SAID_NS else ""
        return f"{moment_words(state, look, keys)}{said and f'  {said}'}", look.strong + Style(reverse=True)
    if shown.stale is not None:
        return f"{look.glyphs.here} {shown.stale}; this is how it was then", look.warn
    if shown.worker == "running" and shown.worker_note:
        return shown.worker_note, look.warn
    is_out = target is not None and target.state in ("refused", "unresolved") and not state.overview
    # The sentence above says what is the matter, and the table's place what to do.
    if target is not None and is_out and (words := _tried_again(target, again)):
        return words, look.quiet
    if target is not None and target.state == "paused":
        key = keys.get("probe.pause", "")
        return f"{look.glyphs.paused} no probes are sent: {key} goes on", look.warn
    if shown.worker == "starting" and not (target and target.path.hops):
        return "the probe worker starts", look.quiet
    if state.said and state.present.now - state.said_at < SAID_NS:
        return state.said, look.text
    if target is not None and target.notes:
        return "; ".join(target.notes), look.text
    change = target.source_change if target is not None else None
    if change is not None and target is not None and change.at >= (target.path.started_at or 0):
        return f"{time_of_day(change.at)} {address_change(change.before, change.after)}", look.quiet
    if target is not None and target.started and target.started.note and _is_new(target):
        return target.started.note, look.quiet
    if shown.clock_offset_ns:
        return clock_words(shown.clock_offset_ns), look.quiet
    if shown.counters.overflow:
        return f"this computer dropped {shown.counters.overflow} packets: that is not the network's loss", look.warn
    return "", look.quiet


def when(state: ViewState) -> str:
    """The moment that is shown, and how long before now, or a recording's end, it is."""
    if state.moment is None:
        return "now"
    ago = max(0, state.present.now - state.moment) / 1e9
    if state.is_recording:
        return f"{time_of(state.moment, 0)}, {span(ago)} before the end"
    return f"{time_of(state.moment, state.present.now)}, {span(ago)} ago" if ago >= 1 else time_of_day(state.moment)


def moment_words(state: ViewState, look: Look, keys: dict[str, str]) -> str:
    """Which moment is shown, what goes on meanwhile, and the way back."""
    target, key = state.chosen_now, keys.get("look.clear", "")
    if state.is_recording:
        site = state.chosen.site if state.chosen is not None and not state.overview else None
        where = f" · measured at {site}" if site is not None else ""
        return f"{look.glyphs.left} {when(state)}{where} · recording · {key} its end"
    meanwhile = "probing on" if target is not None and target.state == "running" else "probing off"
    return f"{look.glyphs.left} {when(state)} · {meanwhile} · {key} live"


def _is_new(target: Target) -> bool:
    """A demo's name need not be read for long; what a real path's note says holds as long as the path is probed."""
    return target.started is None or target.started.method != "simulated" or target.path.rounds <= DEMO_ROUNDS


def clock_words(offset_ns: int) -> str:
    """That the worker has a clock of its own, and by how much it differs."""
    way = "ahead of" if offset_ns > 0 else "behind"
    return f"the probe worker's clock is {clock(abs(offset_ns) / 1e9)} {way} this computer's; times here are this one's"


def _tried_again(target: Target, key: str) -> str:
    """That it goes on by itself where it can, and by which key at once."""
    if not target.is_tried_again:
        return ""
    return f"tried again every few seconds{f' ({key}: now)' if key else ''}"
