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
    """Import those of `modules` that have no bytecode yet, where it can be written. `top`: the folder that the first
    part of their names stands for; None: this package's."""
    if sys.dont_write_bytecode:
        return
    for name in modules:
        parts = name.split(".")[1:]
        base = top or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        source = os.path.join(base, *parts) + ".py"
        if not os.path.exists(cache_from_source(source)) and os.access(os.path.dirname(source), os.W_OK):
            with suppress(ImportError):
                import_module(name)
