"""Why the verdict is what it is, and what has happened: from a line of that one goes there."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.style import Style
from textual.binding import Binding, BindingType

from hopscope.judge.verdict import Incident, Mark, Numbers, Verdict
from hopscope.session.model import Target
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.sheet import Sheet
from hopscope.views.screen.judged import clock_of
from hopscope.views.screen.source import Recalling
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, fit, wrap
from hopscope.words.moods import mood
from hopscope.words.numbers import span
from hopscope.words.said import Said
from hopscope.words.why import Happened, what_happened, why

BESIDE_FROM: Final = 100
"""Columns from which it leaves the left side of the screen in sight."""
LABEL: Final = 10


class WhyScreen(Sheet):
    """The chosen target's; it goes on living while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("E", "close", show=False),
        Binding("right,tab", "target(1)", show=False),
        Binding("left,shift+tab", "target(-1)", show=False),
    ]
    CSS = "WhyScreen { align: right top; background: transparent; }"
    has_cursor = True
    reads_first = True
    title_text = "why, and what happened"
    foot = "↑↓ what happened  ⏎ go there  esc"

    def __init__(self, context: ActionContext) -> None:
        super().__init__(context)
        self.cursor = -1
        self._happened: list[Happened] = []
        self._entries: list[range] = []
        self._seen: tuple[object, ...] = ()

    def width_of(self, space: int) -> int:
        return max(3, space if space < BESIDE_FROM else min(96, max(60, space * 11 // 20)))

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._again)

    def _again(self) -> None:
        target = self.context.state.chosen
        now = (target.id, target.path.version, target.judged.verdict) if target else ()
        if now != self._seen:
            self._seen = now
            self.draw()

    # --- its lines -------------------------------------------------------------------------------------------------

    def lines(self, look: Look, width: int) -> list[Row]:
        state = self.context.state
        target, present = state.chosen, state.chosen_now
        self._happened, self._entries = [], []
        if target is None or present is None:
            return [Line().add(" no target", look.quiet).row(width, look.text)]
        out = self._why(target, look, width)
        out += [Line().row(width, look.text), Line().add(" What happened", look.strong).row(width, look.text)]
        said, clock = Said(present, clock_of(present)), clock_of(present)
        self._happened = what_happened(present.judged, said, clock, present.path.started_at)
        for index, happened in enumerate(self._happened):
            entry = _entry(happened, present, look, width, Hit("line", index))
            self._entries.append(range(len(out), len(out) + len(entry)))
            out += entry
        if present.judged.forgotten:
            words = f" and {present.judged.forgotten} before, too many to be kept"
            out.append(Line().add(words, look.quiet).row(width, look.text))
        return out

    def _why(self, target: Target, look: Look, width: int) -> list[Row]:
        """The parts, each beside its name."""
        status, clock = self.context.state.judge.target(target), clock_of(target)
        mark, style = look.health(status.state)
        out = [Line().add(f" {target.query}", look.strong).row(width, look.text)]
        for part in why(
            Said(target, clock),
            status.sentences(is_past=self.context.state.moment is not None),
            clock,
            target.path.started_at,
        ):
            for number, words in enumerate(part.lines):
                is_head = part.name == "what" and not number
                for index, piece in enumerate(wrap(words, max(10, width - LABEL - 2))):
                    is_first = not number and not index
                    line = Line().add(f" {fit(part.name if is_first else '', LABEL - 2)}", look.quiet)
                    line.add(f"{mark} " if is_head and is_first else "  ", style)
                    out.append(line.add(piece, look.strong if is_head else look.text).row(width, look.text))
        return out

    def spans(self, rows: list[Row]) -> list[range]:
        return self._entries

    # --- keys ------------------------------------------------------------------------------------------------------

    def action_target(self, step: int) -> None:
        """The next target."""
        self.context.choose_target(step)
        self.cursor, self.top = -1, 0
        self.draw()

    def picked(self, index: int) -> None:
        if index < len(self._happened):
            happened = self._happened[index]
            self.dismiss()
            self.context.screen.after_dialog(lambda: go(self.context, happened))


def go(context: ActionContext, happened: Happened) -> None:
    """Show the moment at which it was said."""
    state = context.state
    if isinstance(context.session, Recalling) and state.target is not None:
        context.go_to(_said_at(context, state.target, happened))
        context.say(happened.words)
    else:
        context.say("nothing is known of earlier moments")


def _said_at(context: ActionContext, target: int, happened: Happened) -> int:
    """When it was said, the last time: what is found takes some rounds."""
    at = happened.begin
    if isinstance(happened.what, Incident):
        for stop in context.happenings(target):
            is_it = isinstance(stop.what, Verdict) and stop.what.kind == happened.what.kind
            if is_it and stop.at >= happened.begin and (happened.end is None or stop.at <= happened.end):
                at = stop.at
    return at


def _entry(happened: Happened, target: Target, look: Look, width: int, hit: Hit) -> list[Row]:
    """A line of the list, or as many as it needs. What is over is quiet: colour is for what lasts."""
    mark, style = _sign(happened, target, look)
    clock, now = clock_of(target), target.path.last_at or happened.begin
    lasts = happened.end is None and happened.what is not None
    words = happened.words
    if isinstance(happened.what, Incident) and happened.what.times > 1 and happened.end is not None:
        words += f", the last until {clock(happened.end)}"
    elif isinstance(happened.what, Incident) and happened.what.times > 1:
        since = target.judged.since if happened.what is target.judged.open else None
        words += f", this time since {clock(since)}" if since is not None else ""
    elif lasts:
        words += f", {span((now - happened.begin) / 1e9)} by now"
    line = Line().add(f" {mark} ", style, hit).add(f"{clock(happened.begin)}  ", look.text, hit)
    indent = line.width
    out = []
    for piece in wrap(words, max(8, width - indent - 1)):
        out.append(line.to(indent, look.text).add(piece, look.text if lasts else look.quiet, hit).row(width, look.text))
        line = Line()
    return out


def _sign(happened: Happened, target: Target, look: Look) -> tuple[str, Style]:
    """The mark of a trouble is that of its target then; of what was none, what it is."""
    what = happened.what
    if isinstance(what, Incident):
        numbers = Numbers(now_ns=what.delay_ns)
        mark, style = look.health(mood(Verdict(kind=what.kind, last_ttl=what.last_ttl, numbers=numbers)))
        return mark, style if what.end is None else look.quiet
    if isinstance(what, Mark) and what.kind in ("pause", "gap"):
        return look.glyphs.paused, look.quiet
    if isinstance(what, Mark) and what.kind == "worker-restart":
        return look.glyphs.here, look.quiet
    if what is None or (isinstance(what, Mark) and what.kind == "reset"):
        return look.glyphs.starting, look.quiet
    return look.glyphs.route, look.quiet
