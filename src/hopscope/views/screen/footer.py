"""The footer: the most useful keys, as many as fit; the rest is under ``?``, which always does."""

from __future__ import annotations

from rich.cells import cell_len

from hopscope.views.screen.actions.registry import ACTIONS
from hopscope.views.screen.keymap import shown
from hopscope.views.screen.styles import Look
from hopscope.views.screen.text import Hit, Line, Row

PAIRS = {"target.next": ("target.previous", "target"), "hop.next": ("hop.previous", "hop")}


def row(keys: dict[str, tuple[str, ...]], look: Look, width: int) -> Row:
    """One line. The order is by importance, so that a narrow screen keeps what matters."""
    unicode = not look.glyphs.is_ascii
    items: list[tuple[str, str, str]] = []
    for action in sorted((a for a in ACTIONS.values() if a.foot), key=lambda a: a.foot):
        bound = keys.get(action.id, ())
        if not bound:
            continue
        key = shown(bound[0], unicode)
        if action.id in PAIRS:
            before = keys.get(PAIRS[action.id][0], ())
            pair = (before[0] if before else "", bound[0])
            together = {("left", "right"): look.glyphs.left_right, ("up", "down"): look.glyphs.up_down}
            key = together.get(pair) or (f"{shown(pair[0], unicode)} {key}" if before else key)
        items.append((action.id, key, action.title))
    sizes = [cell_len(key) + 1 + cell_len(title) + 2 for _, key, title in items]
    with_titles = width >= 60
    line = Line().add(" ", look.text)
    for (id_, key, title), size in zip(items, sizes, strict=True):
        need = size if with_titles else cell_len(key) + 2
        if line.width + need > width:
            break
        hit = Hit("action", id_)
        line.add(key, look.key, hit)
        line.add(f" {title}" if with_titles else "", look.quiet, hit).add("  ", look.text)
    return line.row(width, look.text)
