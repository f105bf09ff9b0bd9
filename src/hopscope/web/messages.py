"""What a browser says over its websocket, as textual.js says it: a list of a kind and what belongs to it, in JSON."""

from __future__ import annotations

import json
from typing import NamedTuple, TypeAlias


class Typed(NamedTuple):
    """Keys, a paste, or what the terminal reports, in UTF-8."""

    data: bytes


class TerminalSize(NamedTuple):
    """The terminal has another size, in cells; any two numbers."""

    columns: int
    lines: int


class Ping(NamedTuple):
    """To be answered by `pong`."""

    word: str


class Looked(NamedTuple):
    """The page was turned to, or away from: of no matter here."""


Message: TypeAlias = Typed | TerminalSize | Ping | Looked


def read(text: str) -> Message | None:
    """A message; None: it is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match message:
        case ["stdin", str(typed)]:
            return Typed(typed.encode("utf-8", "replace"))
        case ["resize", {"width": int(columns), "height": int(lines)}]:
            return TerminalSize(columns, lines)
        case ["ping", str(word)]:
            return Ping(word)
        case ["focus" | "blur"]:
            return Looked()
    return None


def pong(ping: Ping) -> str:
    """The answer."""
    return json.dumps(["pong", ping.word])
