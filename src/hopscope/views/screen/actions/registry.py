"""The registry of actions: what a key can do, once. Key bindings, footer, help, palette and configuration read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from hopscope.views.screen.context import ActionContext

Do: TypeAlias = "Callable[[ActionContext], None]"

GROUPS = ("Look", "Probing", "Targets", "Time", "Chart", "Take along", "Program")


class Action(msgspec.Struct, frozen=True):
    """Something that a user can do."""

    id: str
    keys: str
    """Default keys, with commas between."""
    title: str
    """In a word or two, for the footer and the palette."""
    help: str
    """A sentence."""
    group: str
    do: Do


ACTIONS: dict[str, Action] = {}
"""By id, in the order of the help."""


def action(id_: str, keys: str, title: str, help_: str, group: str) -> Callable[[Do], Do]:
    """Register a function as an action."""

    def register(do: Do) -> Do:
        assert id_ not in ACTIONS, id_
        assert group in GROUPS, group
        ACTIONS[id_] = Action(id_, keys, title, help_, group, do)
        return do

    return register
