"""The windows of time that numbers can be over. Imports nothing: a command line is read with it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

WindowName: TypeAlias = Literal["start", "60s", "5m", "15m", "1h"]

_S: Final = 1_000_000_000

WINDOWS: Final[dict[WindowName, int | None]] = {
    "start": None,
    "60s": 60 * _S,
    "5m": 300 * _S,
    "15m": 900 * _S,
    "1h": 3600 * _S,
}
"""By name, in the order in which a key goes through them: how long, ns; None: since the start, or the last reset."""

WORDS: Final[dict[WindowName, str]] = {
    "start": "since the start",
    "60s": "last 60 s",
    "5m": "last 5 min",
    "15m": "last 15 min",
    "1h": "last hour",
}
"""The same in words."""


def named(window: WindowName, room: int) -> str:
    """The window in words, or as an option has it where there is no room for them; nothing where there is none at all
    (then they are of all)."""
    fitting = (words for words in (WORDS[window], window) if len(words) <= room)
    words = next(fitting, "")
    return "" if words == "start" else words
