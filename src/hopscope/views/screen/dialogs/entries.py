"""What the command palette finds beside the keys' actions: every setting and each of its values, every column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hopscope.views.screen.columns import COLUMNS
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.settings import SETTINGS, Setting, change, choices, current, keep_all, put, said


class PaletteEntry(NamedTuple):
    """A line of the palette."""

    title: str
    help: str
    do: Callable[[], None]


def entries(context: ActionContext) -> Iterator[PaletteEntry]:
    """Every setting: one with a few values once for each value that is not in force, another as a line to fill in."""
    for setting in SETTINGS:
        values = choices(setting)
        for value in values:
            if value != current(context, setting):
                yield PaletteEntry(
                    f"Set {setting.title}: {said(setting, value)}", setting.help, _setter(context, setting, value)
                )
        if not values:
            yield PaletteEntry(f"Set {setting.title} …", setting.help, _asker(context, setting))
    for key, column in COLUMNS.items():
        title = "sparkline" if column.kind == "spark" else column.title
        verb = "Hide" if key in context.state.columns else "Show"
        yield PaletteEntry(f"{verb} column {title}", column.definition, _column(context, key))
    yield PaletteEntry(
        "Keep as defaults", "Keep what is in force in the configuration file.", lambda: keep_all(context)
    )


def _setter(context: ActionContext, setting: Setting, value: Any) -> Callable[[], None]:
    def do() -> None:
        reason = put(context, setting, value)
        if reason or setting.of == "screen":  # how it is probed was said by whoever can undo it
            context.say(reason or f"{setting.title}: {said(setting, value)}")

    return do


def _asker(context: ActionContext, setting: Setting) -> Callable[[], None]:
    return lambda: change(context, setting, 1, lambda _setting, _value: None)


def _column(context: ActionContext, key: str) -> Callable[[], None]:
    def do() -> None:
        now = context.state.columns
        wanted = tuple(one for one in now if one != key)
        if key not in now:  # the sparkline fills the rest of a line, so it stays the last
            wanted = (*now[:-1], key, now[-1]) if now[-1] == "spark" else (*now, key)
        if wanted:
            context.state.columns = wanted
        context.redraw()

    return do
