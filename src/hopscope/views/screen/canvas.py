"""The one widget of the main screen: shows finished rows, repaints only cells that changed, turns clicks into hits."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from hopscope.views.screen.text import Hit, Row


class Canvas(Widget, can_focus=False):
    """A thin shell over rows. Whoever composes the rows is told of size changes by `Resized`."""

    ALLOW_SELECT = False

    class Resized(Message, bubble=True):
        """The canvas has another size."""

    class Pointed(Message, bubble=True):
        """A hit was clicked; `x` is the column."""

        def __init__(self, hit: Hit, x: int) -> None:
            super().__init__()
            self.hit = hit
            self.x = x

    class Scrolled(Message, bubble=True):
        """The wheel was turned: by so many steps, down is positive."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Row] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Show rows; what is the same as before is not touched."""
        before, self._rows = self._rows, rows
        if len(before) != len(rows):
            self.refresh()
            return
        regions = []
        for y, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old.strip is new.strip:
                continue
            change = changed(old.strip, new.strip)
            if change is not None:
                regions.append(Region(change[0], y, change[1] - change[0], 1))
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """A finished line."""
        if y < len(self._rows):
            return self._rows[y].strip
        return Strip.blank(self.size.width, Style.null())  # a style, since Textual's filter for NO_COLOR asks it

    def on_resize(self, _event: Resize) -> None:
        self.post_message(self.Resized())

    def on_click(self, event: Click) -> None:
        if event.y < len(self._rows):
            hit = self._rows[event.y].hit(event.x)
            if hit is not None:
                self.post_message(self.Pointed(hit, event.x))

    def on_mouse_scroll_down(self, _event: MouseScrollDown) -> None:
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self, _event: MouseScrollUp) -> None:
        self.post_message(self.Scrolled(-1))


def changed(old: Strip, new: Strip) -> tuple[int, int] | None:
    """The columns (from, to) that hold every difference of two lines; None where there is none."""
    if old.cell_length != new.cell_length:
        return 0, max(old.cell_length, new.cell_length)
    a, b = old._segments, new._segments
    start = head = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        start += one.cell_length
        head += 1
    if head == len(a) and head == len(b):
        return None
    end = new.cell_length
    i, j = len(a), len(b)
    while i > head and j > head and a[i - 1] == b[j - 1]:
        end -= a[i - 1].cell_length
        i, j = i - 1, j - 1
    return start, max(end, start + 1)
