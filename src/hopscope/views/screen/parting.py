"""What ``q`` leaves on the terminal: the chosen target's sentence and table, and of every other target its sentence."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

from hopscope.names.clean import clean
from hopscope.views.screen.options import ReportWriter
from hopscope.views.screen.state import ViewState

MOST: Final = 30
"""Other targets; more are counted."""


def parting(state: ViewState, report: ReportWriter | None) -> str:
    """The text, a newline at its end; empty where nothing was found. Strangers' names in it are clean."""
    snapshot, target = state.present, state.chosen_now
    if target is None or report is None or not target.path.rounds:
        return ""
    text = report(snapshot, target.id, "ticket")
    others = [each for each in snapshot.targets if each.id != target.id]
    if others:
        text += "\n"
    for other in others[:MOST]:
        text += f"{clean(state.label(other))}: {state.judge.target(other).words}\n"
    if len(others) > MOST:
        text += f"and {len(others) - MOST} more targets\n"
    return text


def leave_on_terminal(text: str) -> None:
    """Write it where standard output is a terminal; what its encoding has no letters for is a question mark."""
    out = sys.__stdout__
    if not text or out is None:
        return
    with suppress(OSError, ValueError):
        if os.isatty(out.fileno()):
            encoding = out.encoding or "utf-8"
            out.write(text.encode(encoding, "replace").decode(encoding))
            out.flush()
