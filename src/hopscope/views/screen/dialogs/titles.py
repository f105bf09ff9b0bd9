"""What the command palette calls an action: what it does, read by itself, and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hopscope.views.screen.actions.registry import Action
from hopscope.views.screen.keymap import shown

_TITLES: Final = {
    "hop.next": "Next hop",
    "hop.previous": "Previous hop",
    "hop.page_down": "A screenful of rows down",
    "hop.page_up": "A screenful of rows up",
    "hop.first": "First hop",
    "hop.last": "Last hop",
    "hop.details": "Details of the hop",
    "show.names": "Names, addresses or both",
    "show.owners": "Owners of addresses (AS)",
    "show.privacy": "Privacy: hide the first hops",
    "show.mpls": "MPLS labels",
    "show.scale": "Sparklines: scale",
    "show.window": "Window of the numbers",
    "show.fold": "Fold or unfold rows",
    "show.panel": "Panel of the chosen hop",
    "show.columns": "Columns: choose and order",
    "look.clear": "Close, back to now, clear the choice",
    "look.find": "Find a target or a hop",
    "verdict.why": "Why, and what happened",
    "display.freeze": "Hold this moment",
    "chart.toggle": "Chart on or off",
    "chart.view": "Chart: next view",
    "chart.closer": "Time axis: a shorter span",
    "chart.wider": "Time axis: a longer span",
    "chart.earlier": "Time: a column back",
    "chart.later": "Time: a column forward",
    "time.previous": "Time: previous event",
    "time.next": "Time: next event",
    "time.go": "Time: go to a moment",
    "probe.pause": "Pause or resume probing",
    "probe.retry": "Try again what could not be started",
    "probe.interval": "Interval between rounds",
    "probe.udp": "Probe with UDP",
    "probe.tcp": "Probe with TCP",
    "stats.reset": "Reset the statistics of this target",
    "stats.reset_all": "Reset the statistics of all targets",
    "target.next": "Next target",
    "target.previous": "Previous target",
    "target.overview": "All targets",
    "target.add": "Add targets",
    "target.remove": "Remove this target",
    "take.copy": "Copy the report",
    "take.write": "Write a report or a picture",
    "program.settings": "Settings",
    "program.help": "Help: all keys, signs and columns",
    "program.theme": "Next theme",
    "program.undo": "Undo",
    "program.quit": "Quit",
    "program.interrupt": "Quit as interrupted",
    "program.suspend": "Suspend to the shell",
}


def title_of(action: Action, bound: Mapping[str, tuple[str, ...]], unicode: bool) -> str:
    """``Pause or resume probing  (p space)``."""
    title = _TITLES.get(action.id) or action.title[0].upper() + action.title[1:]
    keys = " ".join(shown(key, unicode) for key in bound.get(action.id, ()))
    return f"{title}  ({keys})" if keys else title
