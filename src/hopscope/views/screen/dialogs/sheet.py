"""A framed sheet of lines in front of the screen, with or without a cursor: help, details, columns, settings."""

from __future__ import annotations

from typing import ClassVar

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
    widest = 92

    def __init__(self, context: ActionContext) -> None:
        super().__init__()
        self.context = context
        self.canvas = Canvas()
        self.cursor = 0
        self.top = 0
        self._count = 0

    def compose(self) -> ComposeResult:
        yield self.canvas

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    # --- what subclasses say ---------------------------------------------------------------------------------------

    def lines(self, look: Look, width: int) -> list[Row]:
        """The sheet's lines, each of `width`."""
        raise NotImplementedError

    def picked(self, index: int) -> None:
        """The line under the cursor was picked."""

    # --- drawing ---------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw the lines that are in sight."""
        look = self.context.screen.look()
        space = self.app.size
        width = max(3, min(self.widest, space.width - 2))
        rows = self.lines(look, width - 2)
        self._count = len(rows)
        height = max(3, min(len(rows) + 2, space.height - 2))
        inside = height - 2
        if self.has_cursor:
            self.cursor = max(0, min(self.cursor, len(rows) - 1))
            self.top = min(max(self.top, self.cursor - inside + 1), self.cursor)
        self.top = max(0, min(self.top, len(rows) - inside))
        shown = rows[self.top : self.top + inside]
        if self.has_cursor and shown:
            at = self.cursor - self.top
            shown[at] = over(shown[at], look.chosen)
        rest = len(rows) - inside
        place = f"{self.top + 1} to {self.top + len(shown)} of {len(rows)}" if rest > 0 else ""
        corner = "  ".join(part for part in (place, self.foot) if part)
        self.canvas.styles.width = width
        self.canvas.styles.height = height
        box = framed(shown, self.title_text, corner, width, height, look.quiet, look.strong)
        self.canvas.show([Row(plain(row.strip), row.hits) for row in box] if look.glyphs.is_ascii else box)

    # --- keys and the mouse ----------------------------------------------------------------------------------------

    def action_close(self) -> None:
        self.dismiss()

    def action_go(self, step: int) -> None:
        if self.has_cursor:
            self.cursor = max(0, min(self._count - 1, self.cursor + step))
        else:
            self.top += step
        self.draw()

    def action_pick(self) -> None:
        if self.has_cursor:
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


def line(look: Look, width: int, *parts: tuple[str, str]) -> Row:
    """A line of (text, name of a style of the look)."""
    out = Line().add(" ", look.text)
    for text, style in parts:
        out.add(text, getattr(look, style))
    return out.row(width, look.text)
