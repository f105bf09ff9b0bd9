"""The characters that the screen draws with: one set for terminals that know Unicode, one of pure ASCII."""

from __future__ import annotations

import os
import sys
from typing import Literal

import msgspec


class GlyphSet(msgspec.Struct, frozen=True):
    """Every character that carries a meaning. Shapes differ wherever meanings do, so that colour is never alone."""

    healthy: str = "●"
    slow: str = "◆"
    loss: str = "▲"
    unreachable: str = "×"
    no_answer: str = "?"
    """The target alone says nothing, as many do by their nature."""
    starting: str = "○"
    paused: str = "‖"
    here: str = "■"
    refused: str = "◉"
    """A target that this machine may not or cannot probe."""
    route: str = "↔"
    """The path is another one."""
    bars: str = "▁▂▃▄▅▆▇█"
    shades: str = " ░▒▓█"
    late: str = "»"
    failed: str = "!"
    hang: str = "▀"
    """Lost, hanging down from above: all or many of a cell's probes."""
    hang_some: str = "▔"
    """A few of them."""
    pending: str = "…"
    """Under way: never blank, which would look like nothing."""
    silent: str = "·"
    block: str = "█"
    """All is lost, in the chart and the heat map."""
    cursor: str = "▶"
    cosmetic: str = "°"
    branch: str = "├"
    last_branch: str = "└"
    band: str = "│"
    band_first: str = "┌"
    band_last: str = "└"
    band_one: str = "╶"
    plus: str = "+"
    up: str = "↑"
    down: str = "↓"
    left: str = "◀"
    right: str = "▶"
    left_right: str = "←→"
    up_down: str = "↑↓"
    enter: str = "⏎"
    to: str = "–"
    to_and_fro: str = "↔"
    is_ascii: bool = False


UNICODE = GlyphSet()
ASCII = GlyphSet(
    healthy="o",
    slow="~",
    loss="^",
    unreachable="X",
    starting=".",
    paused="=",
    here="#",
    refused="/",
    route="%",
    bars="_.-=+*#@",
    shades=" .:+#",
    hang="x",
    hang_some='"',
    pending=",",
    late=">",
    failed="!",
    silent=".",
    block="x",
    cursor=">",
    cosmetic="'",
    branch="|",
    last_branch="`",
    band="|",
    band_first="/",
    band_last="\\",
    band_one="-",
    plus="+",
    up="^",
    down="v",
    left="<",
    right=">",
    left_right="<>",
    up_down="^v",
    enter="enter",
    to="-",
    to_and_fro="<>",
    is_ascii=True,
)

PLAIN = str.maketrans(
    {
        "…": "~",
        "–": "-",
        "·": "|",
        "╭": "+",
        "─": "-",
        "╮": "+",
        "│": "|",
        "╰": "+",
        "╯": "+",
        "└": "+",
        "┬": "+",
        "┤": "+",
        "├": "+",
        "°": "'",
        "µ": "u",
        "×": "x",
    }
)
"""What is left of Unicode in a finished line, for ASCII: each character has one in its place."""


def choose(wish: Literal["auto", "unicode", "ascii"]) -> GlyphSet:
    """The set to draw with: as wished, or what this terminal can be trusted to show."""
    if wish == "auto":
        encoding = (getattr(sys.__stderr__, "encoding", None) or "").lower().replace("-", "")
        plain = os.environ.get("TERM", "") in ("linux", "dumb", "vt100", "vt220") or encoding not in ("utf8", "utf")
        return ASCII if plain else UNICODE
    return ASCII if wish == "ascii" else UNICODE
