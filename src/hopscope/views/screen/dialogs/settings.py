"""Everything that can be changed while probing goes on, in one list; what is changed holds at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import msgspec
from textual.binding import Binding, BindingType

from hopscope.path.windows import WINDOWS, WORDS
from hopscope.session.model import Target
from hopscope.views.screen.actions.probing import probed_as_before, restart_with
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.prompt import Prompt, adjusted_back, read_option
from hopscope.views.screen.dialogs.sheet import Sheet, line
from hopscope.views.screen.options import CHART_VIEWS, NAMES_MODES, SCALES
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, cut, fit
from hopscope.views.screen.themes import theme_names
from hopscope.wire.methods import REAL
from hopscope.wire.probing_options import PROBING_OPTIONS

_VALUE = 24
_HELP = 12
"""Cells from which an explanation has room behind a value."""


class Setting(msgspec.Struct, frozen=True):
    """One line: a field of `Probing` (of the chosen target), or of the screen's own state."""

    key: str
    title: str
    help: str
    of: Literal["probe", "screen"]
    choices: tuple[Any, ...] = ()
    """To go through in turn; without any it is asked for."""


def _probe(key: str, title: str, *choices: Any, hint: str = "") -> Setting:
    """One of a probing option; what it is, the registry says."""
    return Setting(key, title, PROBING_OPTIONS[key].brief + hint, "probe", choices)


SETTINGS = (
    _probe("protocol", "protocol", "auto", "udp", "tcp", "icmp"),
    _probe("method", "method", "auto", *REAL),
    _probe("port", "port", hint="; empty: the default"),
    _probe("interval_s", "interval"),
    _probe("timeout_s", "timeout"),
    _probe("packet_size", "size"),
    _probe("first_ttl", "first TTL"),
    _probe("max_ttl", "largest TTL"),
    _probe("max_unknown", "max unknown"),
    _probe("tos", "TOS"),
    Setting("theme", "theme", "dark, light, for colour-blind eyes, or of the terminal's own colours", "screen", ()),
    Setting("names", "names", "names, addresses or both", "screen", NAMES_MODES),
    Setting("owners", "AS", "the owner of each address", "screen", (True, False)),
    Setting("mpls", "MPLS", "labels of hops", "screen", (True, False)),
    Setting("scale", "sparklines", "over each hop's usual, from 0 for all, or each on its own", "screen", SCALES),
    Setting("window", "numbers", "since the start, or of a time that ends now", "screen", tuple(WINDOWS)),
    Setting("unfolded", "addresses", "every address of a hop on a line of its own", "screen", (True, False)),
    Setting("chart", "chart", "shown where there is room, always, never", "screen", (None, True, False)),
    Setting("chart_view", "chart's view", "over time, along the path, distribution, heat map", "screen", CHART_VIEWS),
    Setting("details", "panel", "the chosen hop beside the chart", "screen", (True, False)),
)
KEPT = ("theme", "names", "owners", "mpls", "scale", "window", "chart", "chart_view", "details")
"""Of the screen's settings, those that the configuration file knows."""


class SettingsScreen(Sheet):
    """Enter or the arrows change a line; ``w`` keeps all of them in the configuration file."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "turn(1)", show=False),
        Binding("left", "turn(-1)", show=False),
        Binding("w", "keep", show=False),
    ]
    title_text = "settings"
    foot = "enter changes  w keeps  esc"
    has_cursor = True
    widest = 84

    def lines(self, look: Look, width: int) -> list[Row]:
        out = []
        target = self.context.state.chosen_now
        for index, setting in enumerate(SETTINGS):
            value = said(setting, current(self.context, setting))
            out_line = Line().add(f" {fit(setting.title, 14)}", look.text)
            known = target is not None or setting.of == "screen"
            value, style = (value, look.key) if known else ("no target", look.quiet)
            room = width - out_line.width - _VALUE - 2
            out_line.add(fit(value, _VALUE) + " " if room >= _HELP else value, style)
            if room >= _HELP:
                out_line.add(cut(setting.help, room), look.quiet)
            out.append(out_line.row(width, look.text, Hit("line", index)))
        return out or [line(look, width)]

    def picked(self, index: int) -> None:
        change(self.context, SETTINGS[index], 1, self._done)

    def action_turn(self, step: int) -> None:
        setting = SETTINGS[self.cursor]
        if choices(setting):
            change(self.context, setting, step, self._done)

    def action_keep(self) -> None:
        keep_all(self.context)

    def _done(self, setting: Setting, value: Any) -> None:
        self.draw()

    def on_screen_resume(self) -> None:
        self.draw()


def keep_all(context: ActionContext) -> None:
    """Keep what is in force as defaults: the screen's settings, and what was changed of how targets are probed."""
    screen = {key: current(context, one) for one in SETTINGS if (key := one.key) in KEPT}
    context.save({"screen": {**screen, "columns": list(context.state.columns)}, "probe": context.changed})


def choices(setting: Setting) -> tuple[Any, ...]:
    """What a setting can be gone through."""
    return theme_names() if setting.key == "theme" else setting.choices


def current(context: ActionContext, setting: Setting) -> Any:
    """A setting's present value."""
    if setting.key == "theme":
        return context.screen.theme
    if setting.of == "screen":
        return getattr(context.state, setting.key)
    target = context.state.chosen_now
    return getattr(context.probing(target), setting.key) if target else None


def said(setting: Setting, value: Any) -> str:
    """A value in words."""
    if setting.key == "chart":
        return {None: "where there is room", True: "on", False: "off"}[value]
    if setting.key == "window":
        return WORDS[value]
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "default"
    return f"{value:g} s" if setting.key.endswith("_s") else str(value)


def change(context: ActionContext, setting: Setting, step: int, done: Callable[[Setting, Any], None]) -> None:
    """Turn a setting to its next value, or ask for it."""
    options = choices(setting)
    value = current(context, setting)
    if options:
        wanted = options[(options.index(value) + step) % len(options)] if value in options else options[0]
        reason = put(context, setting, wanted)
        if reason:
            context.say(reason)
        else:
            done(setting, wanted)
        return
    target = context.state.chosen_now
    if target is None:
        return

    async def accept(text: str) -> str | None:
        wanted = parsed(setting, text)
        if isinstance(wanted, str):
            return wanted
        reason = put(context, setting, wanted)
        if reason is None:
            done(setting, wanted)
        return reason

    shown = "" if value is None else f"{value:g}"
    context.screen.open(Prompt(setting.title, f"{setting.help} ({target.query})", shown, accept))


def parsed(setting: Setting, text: str) -> float | int | str | None:
    """A typed value; a text is the reason why it is none."""
    if not text and setting.key == "port":
        return None
    try:
        return read_option(setting.key, text)
    except ValueError as why:
        return str(why)


def put(context: ActionContext, setting: Setting, value: Any) -> str | None:
    """Set a value; a line of why that is not possible."""
    if setting.key == "theme":
        context.screen.theme = value
    elif setting.of == "screen":
        setattr(context.state, setting.key, value)
        if setting.key == "window":
            context.number_over(value)
            context.refresh_now()
    else:
        target = context.state.chosen_now
        if target is None:
            return "there is no target"
        if setting.key == "method" and context.probing(target).method == "simulated":
            return "this is a demo network: no real method reaches it"
        reason = _put(context, target, setting.key, value)
        if reason is None:
            context.changed[setting.key.removesuffix("_s")] = value
        return reason
    context.redraw()
    return None


def _put(context: ActionContext, target: Target, key: str, value: Any) -> str | None:
    before, changed = getattr(context.probing(target), key), dict(context.changed)
    undo: Callable[[], str]
    try:
        if PROBING_OPTIONS[key].is_adjustable:
            context.session.adjust(target.id, **{key: value})
            undo = partial(adjusted_back, context, target, key, before)
        else:
            restart_with(context, target, **{key: value})
            undo = partial(probed_as_before, context, target, f"probing {target.query}")
    except ValueError as error:
        return str(error)

    def undone() -> str:
        words = undo()
        context.changed = changed  # what was undone is not to be kept as a default
        return words

    name = key.removesuffix("_s").replace("_", " ")
    context.say_undoable(f"{name} {'default' if value is None else value}", undone)
    context.refresh_now()
    return None
