"""Find a target or a hop: the cursor goes there."""

from __future__ import annotations

from typing import Final

from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.dialogs.prompt import Prompt
from hopscope.views.screen.finding import after, find, is_sifted

SIFTED_FROM: Final = 50
"""Of more targets those alone are shown which were looked for."""


def find_prompt(context: ActionContext) -> Prompt:
    """Ask for what to look for; what was looked for last stands there, so that enter finds the next one."""
    state = context.state

    async def accept(text: str) -> str | None:
        if state.overview and len(state.shown.targets) > SIFTED_FROM:
            return _sift(context, text)
        found = find(text, state.shown.targets)
        if not text:
            return "a name, an address, a network (AS64500) or a hop (hop 6)"
        if not found:
            return f"nothing has {text!r} in it"
        state.sought = text
        ttl = None if state.overview or state.target is None else state.hops.get(state.target)
        place = after(found, state.target, ttl)
        one = found[place]
        if state.overview:
            state.target, state.order.moved_at = one.target, state.present.now
            state.order.unfolded = state.order.unfolded or one.target not in state.order.listed
        else:
            context.show_target(one.target)
            if one.ttl is not None:
                context.choose_hop(one.ttl)
        key = context.key("look.find")
        again = f"; {key} and enter: the next" if len(found) > 1 and key else ""
        context.say(f"{place + 1} of {len(found)}: {one.words}{again}")
        return None

    return Prompt("find", "a name, an address, a network or a hop", state.sought, accept)


def _sift(context: ActionContext, text: str) -> str | None:
    """Show those alone that have it in them."""
    state = context.state
    wanted = is_sifted(text, state.shown.targets)
    first = next((target.id for target in state.shown.targets if text and wanted(target)), None)
    if text and first is None:
        return f"nothing has {text!r} in it"
    state.sought = state.sifted = text
    if first is not None:
        state.target, state.order.moved_at, state.order.is_touched = first, state.present.now, True
    state.top = 0
    key = context.key("look.clear")
    context.say(f"{key or 'an empty word'} shows all again" if text else "all targets")
    return None
