"""A screen on a scripted session, driven by Textual's pilot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest
from textual.pilot import Pilot

from hopscope.views.screen.app import HopscopeApp
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.options import ScreenOptions
from tests.screen.scripted import ScriptedSession, launch


class Driven:
    """An application under test."""

    def __init__(self, app: HopscopeApp, pilot: Pilot[None], session: ScriptedSession) -> None:
        self.app = app
        self.pilot = pilot
        self.session = session

    @property
    def context(self) -> ActionContext:
        assert self.app.context is not None
        return self.app.context

    @property
    def in_front(self) -> str:
        """The kind of the screen that has the keys."""
        return type(self.app.screen).__name__

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the application work until something holds; the test's own time limit ends a vain wait."""
        while not holds():
            await self.pilot.pause(0.01)

    def lines(self) -> list[str]:
        """The main screen as text."""
        return [row.text for row in self.app.shown.rows]

    def text(self) -> str:
        return "\n".join(self.lines())


Drive: TypeAlias = Callable[..., AbstractAsyncContextManager[Driven]]


@pytest.fixture(autouse=True)
def known_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn does not depend on the terminal or the time zone of whoever runs the tests."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def drive() -> Drive:
    @asynccontextmanager
    async def driven(
        session: ScriptedSession, size: tuple[int, int] = (120, 34), options: ScreenOptions | None = None
    ) -> AsyncIterator[Driven]:
        app = HopscopeApp(lambda: launch(session), options or ScreenOptions(glyphs="unicode"))
        async with app.run_test(size=size) as pilot:
            it = Driven(app, pilot, session)
            await it.until(lambda: app.context is not None and bool(app.shown.rows))
            yield it

    return driven
