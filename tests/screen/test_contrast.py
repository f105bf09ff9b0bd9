"""What is read has a contrast of 4.5 at the least, what is seen 3 (WCAG 2): in all own themes, on every ground."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style
from textual.theme import Theme

from hopscope.views.screen import themes
from hopscope.views.screen.styles import Look, look_of

ON_TABS = ("text", "strong", "healthy", "warn", "bad")
READ = (*ON_TABS, "quiet", "key")
SEEN = ("spark", "line_hop", "line_target")


def channel(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def luminance(colour: Color | None) -> float:
    assert colour is not None
    red, green, blue = (channel(value) for value in colour.get_truecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color | None, other: Color | None) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def grounds(look: Look) -> list[Color | None]:
    return [look.text.bgcolor, look.chosen.bgcolor]


@pytest.mark.parametrize("theme", themes.OWN, ids=lambda theme: theme.name)
def test_text_and_graphics_stand_out_on_every_ground(theme: Theme) -> None:
    look = look_of(theme)
    for names, least in ((READ, 4.5), (SEEN, 3.0)):
        for name in names:
            style: Style = getattr(look, name)
            assert min(contrast(style.color, ground) for ground in grounds(look)) >= least, name
    for name in ON_TABS:
        assert contrast(getattr(look, name).color, look.tab.bgcolor) >= 4.5, name
    assert min(contrast(style.color, look.text.bgcolor) for style in look.heat) >= 3


@pytest.mark.parametrize("theme", themes.OWN, ids=lambda theme: theme.name)
def test_the_moods_differ_in_colour_and_the_cursor_is_seen(theme: Theme) -> None:
    look = look_of(theme)
    assert len({look.healthy.color, look.warn.color, look.bad.color, look.text.color}) == 4
    assert look.chosen.bgcolor != look.text.bgcolor
