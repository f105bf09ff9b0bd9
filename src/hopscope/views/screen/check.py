"""Whether the screen can be shown as `options.ScreenOptions` say."""

from __future__ import annotations

from hopscope.views.screen.columns import COLUMNS
from hopscope.views.screen.keymap import check_keys
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.themes import theme_names


def check(options: ScreenOptions) -> str | None:
    """One line for the first thing that is wrong with these options and what is allowed, or None."""
    for position, key in enumerate(options.columns):
        if key not in COLUMNS:
            return f"screen.columns: no column {key!r}; there are {', '.join(COLUMNS)}"
        if key in options.columns[:position]:
            return f"screen.columns: {key!r} stands there twice"
    if options.theme not in theme_names():
        return f"screen.theme: no theme {options.theme!r}; there are {', '.join(theme_names())}"
    if not 0.05 <= options.refresh_s <= 60:
        return f"screen.refresh: {options.refresh_s:g} s is not between 0.05 and 60"
    return check_keys(options.keys)
