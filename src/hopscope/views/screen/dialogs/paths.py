"""A target's parallel paths: a row each, their flows on demand, and what a ticket needs of one; it goes on living."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from hopscope.views.screen import paths
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.sheet import Sheet, line
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Row
from hopscope.words.parallel import Fan


class PathsScreen(Sheet):
    """Enter (or a click) opens a path's flows, ``y`` copies them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "close", show=False),
        Binding("y", "copy", show=False),
        Binding("right,tab", "target(1)", show=False),
        Binding("left,shift+tab", "target(-1)", show=False),
    ]
    has_cursor = True
    widest = 120

    def __init__(self, context: ActionContext) -> None:
        super().__init__(context)
        self._opened: set[int] = set()
        self._entries: list[range] = []
        self._seen: tuple[object, ...] = ()
        self._said = ""
        self._to_worst()

    @property
    def _fan(self) -> Fan | None:
        target = self.context.state.chosen
        return None if target is None else self.context.state.fans.of(target)

    def _to_worst(self) -> None:
        fan = self._fan
        self.cursor, self.top = fan.worst if fan is not None else 0, 0

    @property
    def title_text(self) -> str:  # type: ignore[override] # of another moment it says so
        return "parallel paths" if self.context.state.moment is None else "parallel paths at that moment"

    @property
    def foot(self) -> str:  # type: ignore[override] # what was copied stands there
        return self._said or f"{self.context.screen.look().glyphs.enter} its flows  y copies them  esc"

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._again)

    def _again(self) -> None:
        target = self.context.state.chosen
        now = (target.id, target.path.version, self._said) if target else ()
        if now != self._seen:
            self._seen = now
            self.draw()
        self._said = ""

    def lines(self, look: Look, width: int) -> list[Row]:
        state, fan = self.context.state, self._fan
        if state.chosen is None or fan is None:
            self._entries = []
            return [line(look, width, ("one flow takes one path", "quiet"))]
        out, self._entries = paths.rows(state.chosen, fan, self._opened, state.names, look, width)
        return out

    def spans(self, rows: list[Row]) -> list[range]:
        return self._entries

    # --- keys ------------------------------------------------------------------------------------------------------

    def picked(self, index: int) -> None:
        self._opened ^= {index}
        self.draw()

    def action_target(self, step: int) -> None:
        """The next target."""
        self.context.choose_target(step)
        self._opened.clear()
        self._to_worst()
        self.draw()

    def action_copy(self) -> None:
        """The chosen path's flows to the clipboard."""
        target, fan = self.context.state.chosen, self._fan
        if target is None or fan is None or not 0 <= self.cursor < len(fan.paths):
            return
        self.context.screen.copy(paths.ticket(target, fan, self.cursor))
        flows = len(fan.paths[self.cursor].flows)
        self._said = f"{flows} flow{'s' if flows > 1 else ''} of path {self.cursor} sent to the clipboard"
        self.draw()
