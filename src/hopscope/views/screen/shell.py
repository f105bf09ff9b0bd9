"""`Shell`: what an action asks of the Textual application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from textual.screen import Screen

    from hopscope.views.screen.styles import Look


class Shell(Protocol):
    """What an action asks of the Textual application."""

    theme: str

    def show(self) -> None:
        """Draw the state, now."""

    def chart_is_shown(self) -> bool:
        """Did the last drawing hold a chart?"""
        ...

    def column_ns(self) -> int:
        """The time that a column of the time axis stands for."""
        ...

    def moment_at(self, column: int) -> int | None:
        """The moment (epoch ns) at a column of the time axis; None outside of it."""
        ...

    def after_dialog(self, do: Callable[[], None]) -> None:
        """Do something once the dialog in front is gone and the screen was drawn."""

    def open(self, screen: Screen[Any]) -> None:
        """Put a dialog in front."""

    def palette(self) -> None:
        """Open the command palette."""

    def copy(self, text: str) -> None:
        """Send text to the terminal's clipboard (OSC 52)."""

    def picture(self) -> str:
        """The screen as SVG."""
        ...

    def leave(self, status: int | None) -> None:
        """End; None: the status that the session's outcome gives."""

    def suspend_program(self) -> None:
        """Stop, and let the shell have the terminal, until ``fg``."""

    def look(self) -> Look:
        """The present look."""
        ...

    def key(self, action: str) -> str:
        """The first key of an action, as a person reads it; empty where it has none."""
        ...
