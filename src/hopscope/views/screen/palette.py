"""The palette of commands. Loaded when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.worker import Worker


class Palette(CommandPalette):
    """Textual's, which may be closed at any moment: what it gathers goes on for a while, and looks for a list that is
    gone by then."""

    def run_worker(self, work: Callable[[], Coroutine[Any, Any, None]], **options: Any) -> Worker[None]:  # type: ignore[override]
        async def until_closed() -> None:
            with suppress(NoMatches):
                await work()

        return super().run_worker(until_closed, **options)

    def _watch__list_visible(self) -> None:
        with suppress(NoMatches):
            super()._watch__list_visible()

    async def _watch__show_busy(self) -> None:
        with suppress(NoMatches):
            await super()._watch__show_busy()
