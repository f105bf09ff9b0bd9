"""The styles that renderers draw with, made from a theme once: health, quiet and strong text, the cursor.

Colour means health and nothing else. What is unimportant is quieter, what is chosen stands on a lighter ground.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from hopscope.views.screen.glyphs import UNICODE, GlyphSet


@dataclass(frozen=True)
class Look:
    """One theme's styles and one glyph set."""

    text: Style
    strong: Style
    quiet: Style
    faint: Style
    """Rules, frames, dotted silence: there, but never read."""
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
            "no-answer": (g.unreachable, self.warn),
            "unreachable": (g.unreachable, self.bad),
            "starting": (g.starting, self.quiet),
            "paused": (g.paused, self.quiet),
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


def _rgb(theme: Theme, glyphs: GlyphSet) -> Look:
    hexes = theme.to_color_system().generate()
    back, front = Color.parse(hexes["background"]), Color.parse(hexes["foreground"])

    def mix(share: float, other: Color = front, ground: Color = back) -> str:
        return ground.blend(other, share, 1.0).hex6

    accent = Color.parse(hexes["accent"])
    ground = back.hex6

    def paint(colour: str, bold: bool = False) -> Style:
        return Style(color=colour, bgcolor=ground, bold=bold or None)

    return Look(
        text=paint(mix(0.86)),
        strong=paint(mix(1.0), bold=True),
        quiet=paint(mix(0.56)),
        faint=paint(mix(0.26)),
        healthy=paint(hexes["success"]),
        warn=paint(hexes["warning"]),
        bad=paint(hexes["error"], bold=True),
        spark=paint(mix(0.52, front.blend(accent, 0.4, 1.0))),
        key=paint(mix(0.95), bold=True),
        chosen=Style(bgcolor=mix(0.16, accent)),
        tab=Style(bgcolor=mix(0.20, accent)),
        line_hop=paint(accent.hex6),
        line_target=paint(mix(0.5)),
        heat=tuple(paint(mix(share, accent)) for share in (0.55, 0.64, 0.73, 0.82, 0.91, 1.0)),
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
