"""The head: targets as tabs with their health, the status of the chosen one, and a line for what must be said."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style

from hopscope.session.model import Snapshot, Target
from hopscope.views.screen.judged import TargetStatus
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, cut
from hopscope.words.events import address_change
from hopscope.words.numbers import clock, interval, span, time_of, time_of_day

SAID_NS = 10_000_000_000
"""For so long a line of what just happened stays."""


def tabs(state: ViewState, look: Look, width: int) -> Row:
    """The targets; at the right how they are probed and for how long. What has no room is counted: ``+3 ▸``."""
    shown = state.shown
    right = _right(state.chosen, shown)
    line = Line()
    if width >= 100:
        line.add(" hopscope", look.strong)
    right_width = cell_len(right) + 2 if width - cell_len(right) - line.width >= 44 else 0
    room = width - right_width
    chosen = state.chosen
    targets = list(shown.targets)
    position = targets.index(chosen) if chosen in targets else 0
    plus = f"  {look.glyphs.plus} "
    start = _first_tab(targets, position, state, look, room - line.width - cell_len(plus) - 5)
    if start:
        line.add(f"  {look.glyphs.left}{start}", look.quiet, Hit("target", targets[start - 1].id))
    for index in range(start, len(targets)):
        target = targets[index]
        verdict = state.judge.target(target)
        mark, style = look.health(verdict.state)
        here = target is chosen
        words = "" if here else _tab_words(verdict)
        text = f"{target.query}{words} "
        rest = len(targets) - index - 1
        sign = f" +{rest + (0 if here else 1)} {look.glyphs.right} "
        left = room - line.width - cell_len(plus) - (cell_len(sign) if rest else 0) - 4
        if left < min(cell_len(text), 12) and not here:
            line.add(sign, look.quiet, Hit("target", target.id))
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


def _first_tab(targets: list[Target], position: int, state: ViewState, look: Look, room: int) -> int:
    """The first tab, so that the chosen one is in sight."""
    start = min(position, len(targets) - 1)
    used = 0
    while start >= 0:
        target = targets[start]
        verdict = state.judge.target(target)
        words = "" if start == position else _tab_words(verdict)
        used += min(cell_len(target.query) + cell_len(words), 40) + 6
        if used > room and start != position:
            return start + 1
        start -= 1
    return 0


def _tab_words(verdict: TargetStatus) -> str:
    """What a tab says beside its mark, where that is more than "all is well"."""
    if verdict.state in ("healthy", "finished"):
        return ""
    return f" {verdict.short if verdict.verdict.is_trouble else verdict.state.replace('-', ' ')}"


def _right(target: Target | None, shown: Snapshot) -> str:
    if target is None:
        return ""
    plan = target.plan
    parts = []
    if plan is not None:
        port = target.started.port if target.started else plan.port
        parts.append(f"{plan.protocol}{f' port {port}' if port and plan.protocol != 'icmp' else ''}")
        parts.append(interval(plan.interval_ns / 1e9))
    started = target.path.started_at
    parts.append(clock((shown.now - started) / 1e9 if started else 0))
    return " · ".join(parts)


def status(state: ViewState, look: Look, width: int, target: Target) -> Row:
    """The chosen target in a line: name and verdict in words; at the right, as far as there is room, its address, the
    path's length, who probes how, and from where. What has no room goes in this order: what stands at the right, the
    name, which the tab has too, and the end of the verdict's numbers."""
    verdict = state.judge.target(target)
    _mark, style = look.health(verdict.state)
    words, head = verdict.words, verdict.sentence.head
    name = cut(target.query, max(12, width // 3))
    line = Line().add(" ", look.text)
    if width >= 70 and cell_len(name) + cell_len(words) + 4 <= width:
        line.add(name, look.strong).add("  ", look.text)
    room = width - line.width - 1
    if cell_len(head + verdict.sentence.aside) > room:
        head = verdict.sentence.short or head
        words = verdict.sentence._replace(head=head).line
    shown = cut(words, room)
    line.add(shown[: len(head)], (style + Style(bold=True)) if not verdict.young else look.quiet)
    line.add(shown[len(head) :], look.text if not verdict.young else look.quiet)
    beside = [part for part in (_address(target), _length(target), who(target, state.shown), _source(target)) if part]
    while beside and width >= 70:
        right = "  ".join(beside)
        if cell_len(words) + 3 + cell_len(right) <= room:
            line.to(width - cell_len(right) - 2, look.text).add(right, look.quiet)
            break
        beside.pop()
    return line.row(width, look.text)


def _address(target: Target) -> str:
    return cut(target.address, 40) if target.address and target.address != target.query else ""


def _length(target: Target) -> str:
    count = len(target.path.hops)
    if not target.path.reached:
        return f"{count} hops so far" if count else ""
    return f"{count} hop{'s' if count != 1 else ''}"


def _source(target: Target) -> str:
    """The address that probes leave from."""
    return f"from {target.started.source}" if target.started and target.started.source else ""


def who(target: Target, shown: Snapshot) -> str:
    """Who probes, and by which clock: ``plain user · kernel clock · ping socket``."""
    parts = []
    if shown.user:
        parts.append(shown.user)
    if target.started:
        parts.append(f"{target.started.clock} clock")
        parts.append(target.started.method.replace("-", " "))
    return " · ".join(parts)


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
    if target is not None and target.state == "refused" and target.refusal:
        remedy = f"  try: {target.refusal.remedy}" if target.refusal.remedy else ""
        return f"{look.glyphs.refused} {target.refusal.message}{remedy}{_tried_again(target, again)}", look.bad
    if target is not None and target.state == "unresolved":
        words = target.error or f"{target.query}: the name does not resolve"
        return f"{look.glyphs.refused} {words}{_tried_again(target, again)}", look.bad
    if target is not None and target.state == "paused":
        key = keys.get("probe.pause", "")
        return f"{look.glyphs.paused} paused, no probes are sent: {key} goes on", look.warn
    if shown.worker == "starting" and not (target and target.path.hops):
        return "the probe worker starts", look.quiet
    if state.said and state.present.now - state.said_at < SAID_NS:
        return state.said, look.text
    if target is not None and target.notes:
        return "; ".join(target.notes), look.text
    change = target.source_change if target is not None else None
    if change is not None and target is not None and change.at >= (target.path.started_at or 0):
        return f"{time_of_day(change.at)} {address_change(change.before, change.after)}", look.quiet
    if target is not None and target.started and target.started.note:
        return target.started.note, look.quiet
    if shown.clock_offset_ns:
        return clock_words(shown.clock_offset_ns), look.quiet
    if shown.counters.overflow:
        return f"this computer dropped {shown.counters.overflow} packets: that is not the network's loss", look.warn
    return "", look.quiet


def when(state: ViewState) -> str:
    """The moment that is shown, and how long ago it is."""
    if state.moment is None:
        return "now"
    ago = max(0, state.present.now - state.moment) / 1e9
    return f"{time_of(state.moment, state.present.now)}, {span(ago)} ago" if ago >= 1 else time_of_day(state.moment)


def moment_words(state: ViewState, look: Look, keys: dict[str, str]) -> str:
    """Which moment is shown, what goes on meanwhile, and the way back."""
    target = state.chosen_now
    meanwhile = "probing on" if target is not None and target.state == "running" else "probing off"
    return f"{look.glyphs.left} {when(state)} · {meanwhile} · {keys.get('look.clear', '')} live"


def clock_words(offset_ns: int) -> str:
    """That the worker has a clock of its own, and by how much it differs."""
    way = "ahead of" if offset_ns > 0 else "behind"
    return f"the probe worker's clock is {clock(abs(offset_ns) / 1e9)} {way} this computer's; times here are this one's"


def _tried_again(target: Target, key: str) -> str:
    """That it goes on by itself where it can, and by which key at once."""
    if not target.is_tried_again:
        return ""
    return f"  tried again every few seconds{f' ({key}: now)' if key else ''}"


__all__ = ["TargetStatus", "notice", "status", "tabs", "who"]
