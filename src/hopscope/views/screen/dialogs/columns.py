"""Choose and order the columns; what is chosen shows at once."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from hopscope.views.screen.columns import COLUMNS
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.sheet import Sheet
from hopscope.views.screen.options import DEFAULT_COLUMNS
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row, cut, fit


class ColumnsScreen(Sheet):
    """Shown columns first, in their order, then the others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,shift+up,K,left_square_bracket", "shift(-1)", show=False),
        Binding("right,shift+down,J,right_square_bracket", "shift(1)", show=False),
        Binding("d", "default", show=False),
        Binding("w", "keep", show=False),
    ]
    title_text = "columns"
    foot = "space on/off  ←→ move  d default  w keep  esc"
    has_cursor = True
    widest = 84

    def __init__(self, context: ActionContext) -> None:
        super().__init__(context)
        chosen = list(context.state.columns)
        self.order = chosen + [key for key in COLUMNS if key not in chosen]
        self.on = set(chosen)

    def lines(self, look: Look, width: int) -> list[Row]:
        out = []
        for index, key in enumerate(self.order):
            column = COLUMNS[key]
            on = key in self.on
            title = "sparkline" if column.kind == "spark" else column.title
            line = Line().add(f" [{'x' if on else ' '}] ", look.key if on else look.quiet)
            line.add(fit(title, 11), look.text if on else look.quiet)
            line.add(cut(column.definition, width - line.width - 1), look.quiet)
            out.append(line.row(width, look.text, Hit("line", index)))
        return out

    def picked(self, index: int) -> None:
        key = self.order[index]
        self.on ^= {key}
        if not self.on:
            self.on = {key}
        self._apply()

    def action_shift(self, step: int) -> None:
        to = self.cursor + step
        if 0 <= to < len(self.order):
            self.order[self.cursor], self.order[to] = self.order[to], self.order[self.cursor]
            self.cursor = to
            self._apply()

    def action_default(self) -> None:
        self.order = [*DEFAULT_COLUMNS, *(key for key in COLUMNS if key not in DEFAULT_COLUMNS)]
        self.on = set(DEFAULT_COLUMNS)
        self._apply()

    def action_keep(self) -> None:
        self.context.save({"screen": {"columns": list(self.context.state.columns)}})

    def _apply(self) -> None:
        self.context.state.columns = tuple(key for key in self.order if key in self.on)
        self.context.redraw()
        self.draw()
