"""Actions in time: the chart's reading cursor, and on a recording the moment that is shown."""

from __future__ import annotations

from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.source import Timed


def _move(context: ActionContext, steps: int) -> None:
    if isinstance(context.session, Timed):
        context.say(context.session.step(steps), fresh=True)
    else:
        context.move_chart_cursor(-steps)


def _go_to_event(context: ActionContext, steps: int) -> None:
    if isinstance(context.session, Timed):
        context.say(context.session.event(steps), fresh=True)
    else:
        context.move_chart_cursor(-steps)


@action(
    "chart.earlier",
    "left_square_bracket",
    "earlier",
    "Chart: move the reading cursor to the left. Of a recording: go back in time.",
    "Chart",
)
def earlier(context: ActionContext) -> None:
    _move(context, -1)


@action(
    "chart.later",
    "right_square_bracket",
    "later",
    "Chart: move the reading cursor to the right. Of a recording: go forward in time.",
    "Chart",
)
def later(context: ActionContext) -> None:
    _move(context, 1)


@action(
    "time.previous", "comma", "previous event", "Of a recording: go to the event before; else as `earlier`.", "Chart"
)
def previous_event(context: ActionContext) -> None:
    _go_to_event(context, -1)


@action("time.next", "full_stop", "next event", "Of a recording: go to the event after; else as `later`.", "Chart")
def next_event(context: ActionContext) -> None:
    _go_to_event(context, 1)


@action("time.go", "at", "go to", "Of a recording: go to a time.", "Chart")
def go_to(context: ActionContext) -> None:
    if not isinstance(context.session, Timed):
        context.say("only a recording has other times: hopscope --record FILE, then hopscope history replay FILE")
        return
    from hopscope.views.screen.dialogs.prompt import time_prompt

    context.screen.open(time_prompt(context, context.session))
