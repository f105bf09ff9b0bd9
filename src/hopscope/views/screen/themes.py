"""hopscope's own themes beside Textual's: dark, light, and one of each that colour-blind eyes can read.

A theme says what health looks like and nothing else: success is healthy, warning is slow, error is loss; the accent is
the cursor's. Everything else is made from foreground and background (`look`).
"""

from __future__ import annotations

import os
from functools import lru_cache

from textual.theme import BUILTIN_THEMES, Theme

OWN: tuple[Theme, ...] = (
    Theme(
        name="hopscope",
        primary="#7aa2d6",
        accent="#7cb7ff",
        foreground="#d6dce6",
        background="#10141b",
        surface="#161b24",
        panel="#1d2430",
        success="#74d39a",
        warning="#e9b95c",
        error="#ff7a75",
        dark=True,
    ),
    Theme(
        name="hopscope-light",
        primary="#2f5f9e",
        accent="#1f5fbf",
        foreground="#1d2530",
        background="#fbfbf8",
        surface="#f3f3ee",
        panel="#e7e9ea",
        success="#1a7f45",
        warning="#9a6200",
        error="#c3262b",
        dark=False,
    ),
    # Okabe and Ito's colours, apart in brightness too: blue, yellow, vermilion.
    Theme(
        name="hopscope-colourblind",
        primary="#9fb4cc",
        accent="#cfd8e6",
        foreground="#dfe4ea",
        background="#0f1217",
        surface="#161a21",
        panel="#1f2530",
        success="#56b4e9",
        warning="#f0e442",
        error="#f5793a",
        dark=True,
    ),
    Theme(
        name="hopscope-colourblind-light",
        primary="#40526b",
        accent="#22303f",
        foreground="#1b222b",
        background="#fcfcfa",
        surface="#f3f4f2",
        panel="#e5e8ea",
        success="#0060a0",
        warning="#7d6200",
        error="#c24600",
        dark=False,
    ),
)


@lru_cache(maxsize=1)
def theme_names() -> tuple[str, ...]:
    """Every theme that can be chosen, hopscope's own first."""
    return (*(theme.name for theme in OWN), *sorted(BUILTIN_THEMES))


def effective(wish: str) -> str:
    """The theme to begin with: the wish, or the terminal's own 16 colours where it has no more, or wants none."""
    few = os.environ.get("TERM", "") in ("linux", "xterm", "vt100", "vt220", "dumb", "screen", "ansi")
    rich = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    if "NO_COLOR" in os.environ or (few and not rich and wish.startswith("hopscope")):
        return "ansi-light" if wish.endswith("light") else "ansi-dark"
    return wish
