"""Where this user's history stands. Loads no database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

STORE: Final = "history.db"
"""The store in a folder."""


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where this program keeps what is neither configuration nor asked for by name, by the XDG rules."""
    home = environ.get("XDG_STATE_HOME", "")
    folder = Path(home) if home.startswith("/") else Path(environ.get("HOME") or "/") / ".local" / "state"
    return folder / "hopscope"
