"""The styles that renderers draw with, made from a theme once: health, quiet and strong text, the cursor.

Colour means health and nothing else. What is unimportant is quieter, what is chosen stands on a lighter ground.
Whatever a theme's colours are, text and graphics keep their least contrast on each ground, as far as that can be.
"""

from __future__ import annotations

import msgspec
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from hopscope.views.screen.glyphs import UNICODE, GlyphSet

TEXT, GRAPHICS = 4.5, 3.0
"""The least contrast (WCAG 2) of what is read, and of what is only seen, on every ground that it can stand on."""


class Look(msgspec.Struct, frozen=True):
    """One theme's styles and one glyph set."""

    text: Style
    strong: Style
    quiet: Style
    faint: Style
    """Rules and frames: there, but never read."""
    healthy: Style
    warn: Style
    bad: Style
    spark: Style
    key: Style
    chosen: Style
    """Laid over a whole line: the cursor's ground."""
    tab: Style
    """Laid over the chosen tab."""
    line_hop: Style
    """The chart's line of the chosen hop."""
    line_target: Style
    heat: tuple[Style, ...]
    """From quick to slow."""
    glyphs: GlyphSet = UNICODE
    dark: bool = True

    def health(self, state: str) -> tuple[str, Style]:
        """Mark and style of a state (`marks.State`)."""
        g = self.glyphs
        return {
            "healthy": (g.healthy, self.healthy),
            "slow": (g.slow, self.warn),
            "loss": (g.loss, self.warn),
            "no-answer": (g.no_answer, self.warn),
            "unreachable": (g.unreachable, self.bad),
            "starting": (g.starting, self.quiet),
            "paused": (g.paused, self.quiet),
            "unheard": (g.paused, self.quiet),
            "finished": (g.healthy, self.quiet),
            "this-computer": (g.here, self.bad),
            "refused": (g.refused, self.bad),
            "unresolved": (g.refused, self.bad),
        }[state]


_KNOWN: dict[tuple[str, GlyphSet, bool], Look] = {}


def look_of(theme: Theme, glyphs: GlyphSet = UNICODE, no_color: bool = False) -> Look:
    """The look of a theme, made once. Themes of the terminal's own colours are drawn with those 16 alone."""
    key = (theme.name, glyphs, no_color)
    if key not in _KNOWN:
        _KNOWN[key] = _ansi(theme, glyphs, no_color) if theme.ansi or no_color else _rgb(theme, glyphs)
    return _KNOWN[key]


def luminance(colour: Color) -> float:
    """Relative luminance, WCAG 2."""
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.r / 255, colour.g / 255, colour.b / 255)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    """Contrast of two luminances, 1 to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _rgb(theme: Theme, glyphs: GlyphSet) -> Look:
    hexes = theme.to_color_system().generate()
    back, front, accent = (Color.parse(hexes[name]) for name in ("background", "foreground", "accent"))
    chosen, tab = back.blend(accent, 0.12, 1.0), back.blend(accent, 0.16, 1.0)
    grounds = [luminance(ground) for ground in (back, chosen, tab)]
    ground = back.hex6

    def legible(begin: Color, end: Color, least: float, on: int = 2) -> Color:
        """The first colour on the way from `begin` to `end` that stands out on the first `on` of the grounds."""
        for step in range(26):
            colour = begin.blend(end, step / 25, 1.0)
            light = luminance(colour)
            if all(contrast(light, each) >= least for each in grounds[:on]):
                break
        return colour

    def paint(colour: Color, bold: bool = False) -> Style:
        return Style(color=colour.hex6, bgcolor=ground, bold=bold or None)

    def text(begin: Color, bold: bool = False, on: int = 3) -> Style:
        return paint(legible(begin, front, TEXT, on), bold)

    def mix(share: float, other: Color = front) -> Color:
        return back.blend(other, share, 1.0)

    high = legible(accent, front, GRAPHICS)
    low = legible(mix(0.3, accent), high, GRAPHICS, 1)
    return Look(
        text=text(mix(0.86)),
        strong=paint(front, bold=True),
        quiet=text(mix(0.56), on=2),
        faint=paint(mix(0.26)),
        healthy=text(Color.parse(hexes["success"])),
        warn=text(Color.parse(hexes["warning"])),
        bad=text(Color.parse(hexes["error"]), bold=True),
        spark=paint(legible(mix(0.52, front.blend(accent, 0.4, 1.0)), front, GRAPHICS)),
        key=text(mix(0.95), bold=True),
        chosen=Style(bgcolor=chosen.hex6),
        tab=Style(bgcolor=tab.hex6),
        line_hop=paint(high),
        line_target=paint(legible(mix(0.5), front, GRAPHICS)),
        heat=tuple(paint(low.blend(high, step / 5, 1.0)) for step in range(6)),
        glyphs=glyphs,
        dark=theme.dark,
    )


def _ansi(theme: Theme, glyphs: GlyphSet, no_color: bool) -> Look:
    """Sixteen colours, or none: then weight and reverse alone."""

    def colour(name: str, **more: bool) -> Style:
        return Style(**more) if no_color else Style(color=name, **more)  # type: ignore[arg-type] # bold, dim … are bools

    warn = "yellow" if theme.dark else "magenta"
    return Look(
        text=Style(),
        strong=Style(bold=True),
        quiet=Style(dim=True),
        faint=Style(dim=True),
        healthy=colour("green"),
        warn=colour(warn),
        bad=colour("red", bold=True),
        spark=Style(),
        key=Style(bold=True),
        chosen=Style(bold=True),
        tab=Style(reverse=True),
        line_hop=colour("cyan"),
        line_target=Style(dim=True),
        heat=(Style(dim=True), Style(dim=True), Style(), Style(), Style(bold=True), Style(bold=True)),
        glyphs=glyphs,
        dark=theme.dark,
    )
