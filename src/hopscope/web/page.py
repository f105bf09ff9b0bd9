"""What a browser is given: one page of ours, and of textual-serve's folder the three files that it needs, by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

_OURS: Final = Path(__file__).with_name("files")
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "hopscope",
}
"""Of each answer. Styles may stand in the page since xterm.js writes its own there; scripts may not."""


class File(NamedTuple):
    """A file's content."""

    kind: str
    """The media type."""
    body: bytes


class Lacking(Exception):
    """textual-serve is not there, or not as it is known here."""


def index() -> File:
    """The page."""
    return File("text/html", (_OURS / "index.html").read_bytes())


def files() -> dict[str, File]:
    """What the page asks for, by name: nothing else in any folder has an address. `Lacking`."""
    spec = find_spec("textual_serve")
    if spec is None or spec.origin is None:
        raise Lacking
    theirs = Path(spec.origin).with_name("static")
    try:
        return {
            "page.js": File("text/javascript", (_OURS / "page.js").read_bytes()),
            "page.css": File("text/css", (_OURS / "page.css").read_bytes()),
            "textual.js": File("text/javascript", (theirs / "js" / "textual.js").read_bytes()),
            "xterm.css": File("text/css", (theirs / "css" / "xterm.css").read_bytes()),
            "font.ttf": File("font/ttf", (theirs / "fonts" / "RobotoMono-VariableFont_wght.ttf").read_bytes()),
        }
    except OSError:
        raise Lacking from None
