"""Leaving."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.context import ActionContext


@action("program.quit", "q", "quit", "Quit.", "Program")
def quit_(context: ActionContext) -> None:
    context.screen.leave(None)


@action(
    "program.undo",
    "U",
    "undo",
    "Undo what was done last: a removal, a reset, another protocol or interval.",
    "Probing",
)
def undo(context: ActionContext) -> None:
    context.say(context.undoing.undo(context.state.present.now), fresh=True)


@action("program.interrupt", "ctrl+c", "interrupt", "Quit, as an interruption (exit status 130).", "Program")
def interrupt(context: ActionContext) -> None:
    context.screen.leave(130)


@action("program.suspend", "ctrl+z", "suspend", "Stop, and give the terminal to the shell; fg goes on.", "Program")
def suspend(context: ActionContext) -> None:
    context.screen.suspend_program()
