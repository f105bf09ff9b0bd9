"""All that is known of the chosen hop; it goes on living while it is open."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from hopscope.views.screen import detail
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.sheet import Sheet, line
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Row


class HopScreen(Sheet):
    """Left and right go to the neighbouring hops."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "hop(1)", show=False),
        Binding("left", "hop(-1)", show=False),
    ]
    title_text = "details"
    foot = "←→ hop  esc closes"

    def __init__(self, context: ActionContext) -> None:
        super().__init__(context)
        self._seen: tuple[int, int] | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._again)

    def _again(self) -> None:
        target = self.context.state.chosen
        now = (target.id, target.path.version) if target else None
        if now != self._seen:
            self._seen = now
            self.draw()

    def action_hop(self, step: int) -> None:
        self.context.move(step)
        self.top = 0
        self.draw()

    def lines(self, look: Look, width: int) -> list[Row]:
        target = self.context.state.chosen
        hop = self.context.state.chosen_hop(target) if target else None
        if target is None or hop is None:
            return [line(look, width, ("this hop is gone", "quiet"))]
        verdicts = self.context.state.judge.hops(target)
        verdict = verdicts[target.path.rows.index(hop)]
        return detail.everything(target, hop, verdict, look, width)
