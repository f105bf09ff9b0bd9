"""Actions in time: which moment the whole screen shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from hopscope.judge.verdict import Epoch, Mark
from hopscope.session.told import Happening
from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.source import Recalling
from hopscope.words.events import mark_words


def _go_to_event(context: ActionContext, steps: int) -> None:
    session, state = context.session, context.state
    if not isinstance(session, Recalling) or state.target is None:
        context.say("nothing is known of earlier moments")
        return
    happenings = context.happenings(state.target)
    times = [stop.at for stop in happenings]
    at = state.present.now if state.moment is None else state.moment
    place = bisect_right(times, at) if steps > 0 else bisect_left(times, at) - 1
    if not 0 <= place < len(happenings):
        which = "later" if steps > 0 else "earlier"
        context.say(f"nothing happened {which}" if happenings else "nothing has happened so far")
        return
    context.go_to(times[place])
    context.say(f"event {place + 1} of {len(happenings)}: {_named(context, happenings[place])}")


def _named(context: ActionContext, stop: Happening) -> str:
    """An event in words; of what was wrong a few will do, for the screen says the rest."""
    target = context.state.chosen
    match stop.what:
        case Mark():
            return mark_words(stop.what)
        case Epoch():
            return "another path from here on"
        case _:
            return context.state.judge.target(target).short if target is not None else stop.what.kind


@action(
    "chart.earlier",
    "left_square_bracket",
    "earlier",
    "Go a column of the time axis back: the whole screen is of that moment, and probing goes on.",
    "Time",
)
def earlier(context: ActionContext) -> None:
    context.step(-1)


@action(
    "chart.later",
    "right_square_bracket",
    "forward in time",
    "Go a column of the time axis forward, at last to now.",
    "Time",
)
def later(context: ActionContext) -> None:
    context.step(1)


@action(
    "time.previous",
    "comma",
    "previous event",
    "Go to the event before: something that was wrong, another route, a pause.",
    "Time",
)
def previous_event(context: ActionContext) -> None:
    _go_to_event(context, -1)


@action("time.next", "full_stop", "next event", "Go to the event after.", "Time")
def next_event(context: ActionContext) -> None:
    _go_to_event(context, 1)


@action("time.go", "at", "go to a time", "Go to a time: 14:02, 14:02:30, -10m, yesterday 20:15.", "Time")
def go_to(context: ActionContext) -> None:
    if not isinstance(context.session, Recalling):
        context.say("nothing is known of earlier moments")
        return
    from hopscope.views.screen.dialogs.prompt import time_prompt

    context.screen.open(time_prompt(context))


@action("display.freeze", "f", "this moment", "Hold this moment, to look at it; probing goes on. Again: now.", "Time")
def freeze(context: ActionContext) -> None:
    state = context.state
    context.go_to(state.shown.now if state.moment is None else None)
