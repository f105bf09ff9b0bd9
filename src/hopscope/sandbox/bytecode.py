"""The bytecode of what is imported late, kept while it still can be.

An installer that compiles nothing leaves it to Python to write the bytecode of each module that is imported. A process
that is about to lose the right to write would else compile the rest anew at each start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from importlib.util import cache_from_source


def leave(modules: Iterable[str], *, top: str | None = None) -> None:
    """Import those of `modules` that have no bytecode, or an older one, where it can be written. `top`: the folder that
    the first part of their names stands for; None: this package's."""
    if sys.dont_write_bytecode:
        return
    base = top or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name in modules:
        source = os.path.join(base, *name.split(".")[1:]) + ".py"
        if not _is_kept(source) and os.access(os.path.dirname(source), os.W_OK):
            with suppress(ImportError):
                import_module(name)


def modules_of(*packages: str) -> list[str]:
    """The modules of some of this program's own packages, by name."""
    base = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = []
    for package in packages:
        with os.scandir(os.path.join(base, *package.split(".")[1:])) as entries:
            names = [entry.name.removesuffix(".py") for entry in entries if entry.name.endswith(".py")]
        found += [f"{package}.{name}" for name in names if not name.startswith("__")]
    return found


def _is_kept(source: str) -> bool:
    try:
        return os.stat(cache_from_source(source)).st_mtime >= os.stat(source).st_mtime
    except OSError:
        return False
