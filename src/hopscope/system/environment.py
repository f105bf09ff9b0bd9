"""Of the environment only what hopscope says it reads may steer it; what a library would read besides is taken out.

Textual reads about twenty variables: one names a module to import, others files to write, keys to press, a socket to
connect to. `COLUMNS` and `LINES` are the shell's idea of the terminal's size, which the kernel knows better.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final

_PREFIXES: Final = ("TEXTUAL_", "JUPYTER_")
_NAMES: Final = (
    "TEXTUAL",
    "COLUMNS",
    "LINES",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "FORCE_COLOR",
    "ESCDELAY",
    "UNICODE_VERSION",
)


def leave_to_us(environ: MutableMapping[str, str]) -> None:
    """Take out what would steer the screen's libraries. Before they are imported: they read it once, on import."""
    for name in [name for name in environ if name in _NAMES or name.startswith(_PREFIXES)]:
        del environ[name]
