"""A framed sheet of lines in front of the screen, with or without a cursor: help, details, columns, settings."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from hopscope.views.screen.canvas import Canvas
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.frame import plain
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Line, Row, framed, over


class Sheet(ModalScreen[None], inherit_bindings=False):
    """Subclasses give a title and lines; those with a cursor also say what picking a line does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", show=False),
        Binding("up,k", "go(-1)", show=False),
        Binding("down,j", "go(1)", show=False),
        Binding("pageup", "go(-10)", show=False),
        Binding("pagedown", "go(10)", show=False),
        Binding("home", "go(-10000)", show=False),
        Binding("end", "go(10000)", show=False),
        Binding("enter,space", "pick", show=False),
    ]
    DEFAULT_CSS = (
        "Sheet { align: center middle; background: $background 50%; } Sheet Canvas { background: $background; }"
    )
    title_text = ""
    foot = "esc closes"
    has_cursor = False
    reads_first = False
    """Text stands above what the cursor goes through: it is scrolled before the cursor is there."""
    widest = 92

    def __init__(self, context: ActionContext) -> None:
        super().__init__()
        self.context = context
        self.canvas = Canvas()
        self.cursor = 0
        self.top = 0
        self._inside = 0
        self._spans: list[range] = []

    def compose(self) -> ComposeResult:
        yield self.canvas

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def width_of(self, space: int) -> int:
        """Cells of the sheet on a screen of so many."""
        return max(3, min(self.widest, space - (2 if space > 44 else 0)))

    # --- what subclasses say ---------------------------------------------------------------------------------------

    @abstractmethod
    def lines(self, look: Look, width: int) -> list[Row]:
        """The sheet's lines, each of `width`."""

    def spans(self, rows: list[Row]) -> list[range]:
        """What the cursor goes through: of each thing the lines that it stands on."""
        return [range(i, i + 1) for i in range(len(rows))]

    def picked(self, index: int) -> None:
        """The line under the cursor was picked."""

    # --- drawing ---------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw the lines that are in sight."""
        look = self.context.screen.look()
        space = self.app.size
        width = self.width_of(space.width)
        rows = self.lines(look, width - 2)
        height = max(3, min(len(rows) + 2, space.height - (2 if space.height > 14 else 0)))
        inside = height - 2
        self._inside, self._spans = inside, self.spans(rows)
        chosen = range(0)
        if self.has_cursor and self._spans:
            self.cursor = max(-1 if self.reads_first else 0, min(self.cursor, len(self._spans) - 1))
            chosen = self._spans[self.cursor] if self.cursor >= 0 else chosen
            if chosen:
                self.top = min(max(self.top, chosen.stop - inside), chosen.start)
        self.top = max(0, min(self.top, len(rows) - inside))
        shown = rows[self.top : self.top + inside]
        for at in chosen:
            if 0 <= at - self.top < len(shown):
                shown[at - self.top] = over(shown[at - self.top], look.chosen)
        rest = len(rows) - inside
        place = f"{self.top + 1} to {self.top + len(shown)} of {len(rows)}" if rest > 0 else ""
        self.canvas.styles.width = width
        self.canvas.styles.height = height
        foot = fitting(self.foot, width - 6)
        box = framed(shown, self.title_text, place, width, height, look.quiet, look.strong, foot=foot)
        self.canvas.show([Row(plain(row.strip), row.hits) for row in box] if look.glyphs.is_ascii else box)

    # --- keys and the mouse ----------------------------------------------------------------------------------------

    def action_close(self) -> None:
        self.dismiss()

    def action_go(self, step: int) -> None:
        if not self.has_cursor or not self._spans:
            self.top += step
        elif self.reads_first and self.cursor < 1 and not (self.cursor == 0 and step > 0):
            is_in_sight = self._spans[0].stop <= self.top + self._inside
            if step > 0 and (is_in_sight or step > 100):
                self.cursor = min(len(self._spans), step) - 1
            else:
                self.cursor = -1
                self.top += step
        else:
            self.cursor = max(0, min(len(self._spans) - 1, self.cursor + step))
        self.draw()

    def action_pick(self) -> None:
        if self.has_cursor:
            if self.cursor >= 0:
                self.picked(self.cursor)
        else:
            self.dismiss()

    def on_canvas_pointed(self, event: Canvas.Pointed) -> None:
        event.stop()
        if event.hit.kind == "line" and isinstance(event.hit.value, int):
            self.cursor = event.hit.value
            self.draw()
            self.picked(self.cursor)

    def on_canvas_scrolled(self, event: Canvas.Scrolled) -> None:
        event.stop()
        self.action_go(event.step)

    def on_canvas_resized(self, event: Canvas.Resized) -> None:
        event.stop()
        self.draw()


def fitting(foot: str, width: int) -> str:
    """As many of a foot's keys, two blanks between them, as have room; the last one closes, and stays."""
    *items, last = foot.split("  ")
    while items and cell_len("  ".join([*items, last])) > width:
        items.pop()
    return "  ".join([*items, last])


def line(look: Look, width: int, *parts: tuple[str, str]) -> Row:
    """A line of (text, name of a style of the look)."""
    out = Line().add(" ", look.text)
    for text, style in parts:
        out.add(text, getattr(look, style))
    return out.row(width, look.text)
