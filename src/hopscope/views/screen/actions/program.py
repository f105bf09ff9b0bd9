"""Leaving."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.desk import Desk


@action("program.quit", "q", "quit", "Quit.", "Program", 1)
def quit_(desk: Desk) -> None:
    desk.screen.leave(None)


@action("program.interrupt", "ctrl+c", "interrupt", "Quit, as an interruption (exit status 130).", "Program")
def interrupt(desk: Desk) -> None:
    desk.screen.leave(130)


@action("program.suspend", "ctrl+z", "suspend", "Stop, and give the terminal to the shell; fg goes on.", "Program")
def suspend(desk: Desk) -> None:
    desk.screen.suspend_program()
