"""Where trouble begins: the hops that are marked for it, in its colour."""

from __future__ import annotations

from hopscope.session.model import Target
from hopscope.views.screen import table
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look

WIDEST_PLACE = 3
"""Hops of a place that are marked, each; of a wider one only the last is."""


def begins_at(state: ViewState, target: Target, look: Look) -> table.Begins:
    """Where trouble begins, in its colour, as long as it lasts."""
    verdict, last = target.judged.verdict, target.judged.verdict.last_ttl
    if not verdict.is_trouble or last is None or target.state not in ("running", "finished"):
        return table.NOWHERE
    first = verdict.first_ttl if verdict.first_ttl is not None else last
    several = range(first + (verdict.kind != "loop"), last + 1) if last - first <= WIDEST_PLACE else range(0)
    mark, style = look.health(state.judge.target(target).state)
    return table.Begins(frozenset(several or (last,)), mark, style)
