"""Actions that take something along: the report to the clipboard, a file."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.desk import Desk


@action("take.copy", "y", "copy", "Copy the report of this target to the clipboard.", "Take along", 19)
def copy(desk: Desk) -> None:
    target, report = desk.state.chosen, desk.options.report
    if target is None or report is None:
        desk.say("there is no report to copy")
        return
    text = report(desk.state.shown, target.id, "text")
    desk.screen.copy(text)
    desk.say(f"report of {target.query} sent to the clipboard ({len(text.splitlines())} lines)")


@action("take.write", "w", "write", "Write a report or a picture of the screen to a file.", "Take along", 20)
def write(desk: Desk) -> None:
    from hopscope.views.screen.dialogs.write import write_prompt

    desk.screen.open(write_prompt(desk))
