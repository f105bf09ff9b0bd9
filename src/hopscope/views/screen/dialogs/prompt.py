"""A line to fill in: what is wrong with it stands below it, and it stays open until it is right."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.events import Paste
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from hopscope.names.clean import clean
from hopscope.session.model import Target
from hopscope.session.query import split_queries
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.pastes import plain
from hopscope.views.screen.styles import Look
from hopscope.wire.durations import brief, read_duration, shown
from hopscope.wire.probing_options import PROBING_OPTIONS
from hopscope.words.numbers import interval
from hopscope.words.when import moment

Accept: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Does what was asked for; a line of why not, or None where it was done."""


class PromptField(Input):
    """A line that says so where it cannot take a whole paste."""

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        lines = [line for line in plain(event.text).split("\n") if line.strip()]
        line = lines.pop(0) if lines else ""
        start, end = sorted(self.selection)
        room = (self.max_length or len(line)) - len(self.value) + end - start
        screen = self.screen
        if isinstance(screen, Prompt) and screen.joins_lines:
            while lines and len(line) + 1 + len(lines[0]) <= room:
                line += f" {lines.pop(0)}"
        self.replace(line[: max(0, room)], start, end)
        if isinstance(screen, Prompt) and (len(line) > room or lines):
            screen.say("only the first lines of the paste were taken" if lines else "the paste was too long")


class Prompt(ModalScreen[None]):
    """`accept` gets what was typed, without control and formatting characters."""

    BINDINGS = [Binding("escape", "dismiss", show=False)]  # noqa: RUF012 - Textual's own declaration
    CSS = """
    Prompt { align: center middle; background: $background 50%; }
    Prompt Vertical { width: 64; max-width: 100%; height: auto; padding: 0 1; border: round $foreground 50%;
        background: $background; }
    Prompt.ascii Vertical { border: ascii $foreground 50%; }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0; margin: 1 0 0 0; background: $surface; }
    Prompt #hint { color: $foreground 60%; height: auto; }
    Prompt #reason { color: $error; height: auto; min-height: 1; }
    """

    def __init__(self, title: str, hint: str, value: str, accept: Accept, *, joins_lines: bool = False) -> None:
        """`joins_lines`: a paste of several lines is one line, with blanks between."""
        super().__init__()
        self.joins_lines = joins_lines
        self._accept = accept
        self._heading = title
        self._hint = hint
        self._value = value
        self.said = ""
        """The line below the input."""

    def compose(self) -> ComposeResult:
        box = Vertical()
        box.border_title = Content(self._heading)
        with box:
            yield Static(Content(self._hint), id="hint", markup=False)
            yield PromptField(self._value, id="line", select_on_focus=True, max_length=4096)
            yield Static(Content(""), id="reason", markup=False)

    def on_mount(self) -> None:
        look: Callable[[], Look] | None = getattr(self.app, "look", None)
        if look is not None and look().glyphs.is_ascii:
            self.add_class("ascii")
        self.query_one(Input).focus()

    def say(self, words: str) -> None:
        """A line below the input."""
        self.said = words
        self.query_one("#reason", Static).update(Content(words))

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = plain(event.value).strip()
        self.run_worker(self._try(text), exclusive=True)

    async def _try(self, text: str) -> None:
        self.say("one moment")
        reason = await self._accept(text)
        if reason is None:
            self.dismiss()
        else:
            self.say(clean(reason))


def add_prompt(context: ActionContext) -> Prompt:
    """Add targets. Of one whose name does not resolve the reason stands in the prompt, and it was not added."""

    added: set[str] = set()
    """What need not be added again once the rest was put right."""

    async def accept(text: str) -> str | None:
        reasons = []
        for word in split_queries(text) or [text]:
            if word in added:
                continue
            reason = await _add(context, word)
            if reason is None:
                added.add(word)
            else:
                reasons.append(reason)
        return "; ".join(reasons) or None

    hint = "a host name or an address, or several; enter adds, esc leaves"
    return Prompt("add a target", hint, "", accept, joins_lines=True)


async def _add(context: ActionContext, text: str) -> str | None:
    """Add a target and wait until it has an address; a line of why it was not added, or None."""
    try:
        number = context.session.add(text, context.options.probing)
    except ValueError as error:
        return str(error)
    while True:
        version = context.session.version
        target = next((t for t in context.session.snapshot().targets if t.id == number), None)
        if target is None:
            return "it was removed"
        if target.state == "unresolved":
            context.session.remove(number)
            return target.error or f"{target.query}: the name does not resolve"
        if target.state != "resolving":
            context.refresh_now()
            context.show_target(number)
            return None
        await context.session.changed(version)


def interval_prompt(context: ActionContext, target: Target) -> Prompt:
    """Change the interval of a target."""
    now = context.probing(target).interval_s

    async def accept(text: str) -> str | None:
        try:
            value = read_option("interval_s", text)
            context.session.adjust(target.id, interval_s=value)
        except ValueError as error:
            return str(error)
        context.say_undoable(f"a round {interval(value)}", lambda: adjusted_back(context, target, "interval_s", now))
        return None

    hint = f"between two rounds to {target.query}: seconds, or with a unit (200ms, 2s)"
    return Prompt("interval", hint, f"{now:g}", accept)


def adjusted_back(context: ActionContext, target: Target, name: str, value: Any) -> str:
    """Undo that an option was changed; in words. `LookupError` where the target is gone."""
    context.session.adjust(target.id, **{name: value})
    return f"{name.removesuffix('_s').replace('_', ' ')} {brief(value) if name.endswith('_s') else f'{value:g}'} again"


def read_option(name: str, text: str) -> float:
    """What was typed for a probing option that is a number. `ValueError` with one line."""
    option = PROBING_OPTIONS[name]
    low, high = option.low or 0, option.high or math.inf
    if option.is_duration:
        return read_duration(text, low, high)
    value = number(text)
    if value is None or value != int(value):
        raise ValueError(f"{shown(text)} is no whole number")
    if not low <= value <= high:
        raise ValueError(f"{shown(text)} is out of range; allowed are {low:g} to {high:g}")
    return int(value)


def time_prompt(context: ActionContext) -> Prompt:
    """Go to a moment."""

    async def accept(text: str) -> str | None:
        try:
            context.go_to(moment(text, context.state.present.now))
        except ValueError as error:
            return str(error)
        return None

    before = "the end" if context.is_recording else "now"
    return Prompt("go to a time", f"14:02, 14:02:30, -10m (before {before}) or yesterday 20:15", "", accept)


def number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
