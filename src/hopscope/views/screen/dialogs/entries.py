"""What the command palette finds beside the keys' actions: every setting and each of its values, every column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hopscope.views.screen.columns import COLUMNS
from hopscope.views.screen.desk import Desk
from hopscope.views.screen.dialogs.settings import SETTINGS, Setting, change, choices, current, keep_all, put, said


class Entry(NamedTuple):
    """A line of the palette."""

    title: str
    help: str
    do: Callable[[], None]


def entries(desk: Desk) -> Iterator[Entry]:
    """Every setting: one with a few values once for each value that is not in force, another as a line to fill in."""
    for setting in SETTINGS:
        values = choices(setting)
        for value in values:
            if value != current(desk, setting):
                yield Entry(f"Set {setting.title}: {said(setting, value)}", setting.help, _setter(desk, setting, value))
        if not values:
            yield Entry(f"Set {setting.title} …", setting.help, _asker(desk, setting))
    for key, column in COLUMNS.items():
        title = "sparkline" if column.kind == "spark" else column.title
        verb = "Hide" if key in desk.state.columns else "Show"
        yield Entry(f"{verb} column {title}", column.definition, _column(desk, key))
    yield Entry("Keep as defaults", "Keep what is in force in the configuration file.", lambda: keep_all(desk))


def _setter(desk: Desk, setting: Setting, value: Any) -> Callable[[], None]:
    def do() -> None:
        reason = put(desk, setting, value)
        desk.say(reason or f"{setting.title}: {said(setting, value)}")

    return do


def _asker(desk: Desk, setting: Setting) -> Callable[[], None]:
    def done(_setting: Setting, value: Any) -> None:
        desk.say(f"{setting.title}: {said(setting, value)}")

    return lambda: change(desk, setting, 1, done)


def _column(desk: Desk, key: str) -> Callable[[], None]:
    def do() -> None:
        now = desk.state.columns
        wanted = tuple(one for one in now if one != key)
        if key not in now:  # the sparkline fills the rest of a line, so it stays the last
            wanted = (*now[:-1], key, now[-1]) if now[-1] == "spark" else (*now, key)
        if wanted:
            desk.state.columns = wanted
        desk.redraw()

    return do
