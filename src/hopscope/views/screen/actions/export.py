"""Actions that take something along: the report to the clipboard, a file."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.context import ActionContext


@action("take.copy", "y", "copy", "Copy the verdict and the table to the clipboard.", "Take along")
def copy(context: ActionContext) -> None:
    target, report = context.state.chosen, context.options.report
    if target is None or report is None:
        context.say("there is no report to copy")
        return
    text = report(context.state.shown, target.id, "ticket")
    context.screen.copy(text)
    context.say(f"report of {target.query} sent to the clipboard ({len(text.splitlines())} lines)")


@action("take.write", "w", "write", "Write a report or a picture of the screen to a file.", "Take along")
def write(context: ActionContext) -> None:
    if context.options.why_no_files is not None:
        context.say(context.options.why_no_files)
        return
    from hopscope.views.screen.dialogs.write import write_prompt

    context.screen.open(write_prompt(context))
