"""Actions that change only what is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hopscope.path.windows import WINDOWS, WORDS
from hopscope.views.screen.actions.registry import ACTIONS, action
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.options import CHART_VIEWS, NAMES_MODES, SCALES

if TYPE_CHECKING:
    from hopscope.views.screen.listing import Entry

HIDDEN_BY_KEY = 2
"""Hops that the key hides where ``--privacy`` did not say: mostly one's own router and the provider's first."""


@action("hop.next", "down,j", "hop", "Choose the next hop; in the overview the next target.", "Look")
def next_hop(context: ActionContext) -> None:
    context.move(1)


@action("hop.previous", "up,k", "hop", "Choose the previous hop; in the overview the previous target.", "Look")
def previous_hop(context: ActionContext) -> None:
    context.move(-1)


@action("hop.page_down", "pagedown", "page down", "Go a screenful of rows down.", "Look")
def page_down(context: ActionContext) -> None:
    context.move(10)


@action("hop.page_up", "pageup", "page up", "Go a screenful of rows up.", "Look")
def page_up(context: ActionContext) -> None:
    context.move(-10)


@action("hop.first", "home", "first", "Choose the first hop.", "Look")
def first_hop(context: ActionContext) -> None:
    context.move(-1000)


@action("hop.last", "end", "last", "Choose the last hop.", "Look")
def last_hop(context: ActionContext) -> None:
    context.move(1000)


@action(
    "hop.details",
    "enter",
    "details",
    "All of the chosen hop; on the sentences: why; where flows part: their paths; on a folded row: its hops; in the"
    " overview: open the target.",
    "Look",
)
def details(context: ActionContext) -> None:
    row = _row_here(context) if context.state.overview else None
    if row is not None and row.is_rest:
        context.state.order.unfolded = True
        context.say("every target on a line of its own")
    elif row is not None and row.key:
        context.state.order.opened.add(row.key)
        context.redraw()
    elif context.state.overview:
        context.state.overview, context.state.order.is_touched = False, True
        context.state.top = 0
        context.redraw()
    elif context.state.on_sentence:
        ACTIONS["verdict.why"].do(context)
    elif context.state.chosen and context.state.is_on_fold(context.state.chosen):
        context.state.opened.add(context.state.chosen.id)
        context.redraw()
    elif context.state.is_on_fan():
        ACTIONS["paths.show"].do(context)
    elif context.state.chosen and context.state.chosen_hop(context.state.chosen):
        from hopscope.views.screen.dialogs.hop import HopScreen

        context.screen.open(HopScreen(context))


def _row_here(context: ActionContext) -> Entry | None:
    """The overview's row that has the cursor."""
    from hopscope.views.screen import summary
    from hopscope.views.screen.listing import place_of

    rows = summary.entries(context.state)
    return rows[place_of(rows, context.state.target)] if rows else None


@action("show.names", "n", "names", "Names, addresses, or both.", "Look")
def names(context: ActionContext) -> None:
    state = context.state
    state.names = NAMES_MODES[(NAMES_MODES.index(state.names) + 1) % len(NAMES_MODES)]
    said = {"names": "names", "addresses": "addresses", "both": "names and addresses, where there is room"}
    context.say(said[state.names])


@action("show.owners", "z", "AS", "Whose hops these are (AS), on or off; asks a third party by DNS.", "Look")
def owners(context: ActionContext) -> None:
    context.state.owners = not context.state.owners
    context.session.ask_owners(context.state.owners)
    context.say(f"AS {'shown, where it is known' if context.state.owners else 'hidden'}", fresh=True)


@action("show.privacy", "b", "privacy", "Hide the first hops and this computer's address, or show them.", "Look")
def privacy(context: ActionContext) -> None:
    options = context.options
    if options.keeps_hidden and options.hidden_hops:
        context.say(f"the first {options.hidden_hops} hops are hidden by who serves this screen")
        return
    hops = 0 if context.privacy.hops else options.hidden_hops or HIDDEN_BY_KEY
    context.hide(hops)
    context.say(f"the first {hops} hops are hidden" if hops else "all hops are shown")


@action("show.mpls", "e", "MPLS", "MPLS labels, on or off.", "Look")
def mpls(context: ActionContext) -> None:
    context.state.mpls = not context.state.mpls
    context.say(f"MPLS labels {'shown' if context.state.mpls else 'hidden'}")


@action(
    "show.scale",
    "l",
    "scale",
    "Sparklines over each hop's usual, from 0 for all hops, or each on its own scale.",
    "Look",
)
def scale(context: ActionContext) -> None:
    state = context.state
    state.scale = SCALES[(SCALES.index(state.scale) + 1) % len(SCALES)]
    words = {
        "usual": "over each hop's usual, in fixed steps",
        "all": "on one scale from 0",
        "hop": "each on its own scale",
    }
    context.say(f"sparklines {words[state.scale]}")


@action("show.window", "F", "window", "What the numbers are over: all, or a time that ends now (60 s to 1 h).", "Look")
def window(context: ActionContext) -> None:
    state, names = context.state, tuple(WINDOWS)
    state.window = names[(names.index(state.window) + 1) % len(names)]
    context.number_over(state.window)
    context.say(f"numbers {WORDS[state.window]}", fresh=True)


@action(
    "show.fold",
    "m",
    "fold",
    "Fold or unfold hops that say the same, and a hop's addresses; of many targets those that are fine.",
    "Look",
)
def fold(context: ActionContext) -> None:
    if context.state.overview:
        from hopscope.views.screen import summary

        order = context.state.order
        is_any_open = any(row.is_open for row in summary.entries(context.state))
        order.opened.clear()
        if is_any_open:
            context.say("what has one cause is one line")
            return
        order.unfolded = not order.unfolded
        context.say("every target on a line of its own" if order.unfolded else "those that are fine are one line")
        return
    context.state.unfolded = not context.state.unfolded
    context.state.opened.clear()
    context.say("every hop and address in a row" if context.state.unfolded else "what says the same in one row")


@action("show.panel", "v", "panel", "The panel of the chosen hop, on or off.", "Look")
def panel(context: ActionContext) -> None:
    context.state.details = not context.state.details
    context.redraw()


@action("chart.toggle", "c", "chart", "The chart, on or off.", "Chart")
def chart(context: ActionContext) -> None:
    context.state.chart = not context.chart_is_shown()
    context.redraw()
    if context.state.chart and not context.chart_is_shown():
        context.say("no room for the chart: it needs a window of 14 lines")


@action("chart.view", "d", "view", "The chart's next view: over time, along the path, distribution, heat map.", "Chart")
def chart_view(context: ActionContext) -> None:
    state = context.state
    if not context.chart_is_shown():
        state.chart = True
    else:
        state.chart_view = CHART_VIEWS[(CHART_VIEWS.index(state.chart_view) + 1) % len(CHART_VIEWS)]
    context.redraw()


@action("chart.closer", "plus,equals_sign", "zoom in", "A shorter time on the time axis.", "Chart")
def closer(context: ActionContext) -> None:
    _span(context, -1)


@action("chart.wider", "minus", "zoom out", "A longer time on the time axis.", "Chart")
def wider(context: ActionContext) -> None:
    _span(context, 1)


def _span(context: ActionContext, step: int) -> None:
    """The next span of the time axis."""
    from hopscope.views.screen.axis import SPANS_S, span_by_itself
    from hopscope.words.numbers import span

    state, target = context.state, context.state.chosen_now
    now = state.span_s
    if now is None:
        started = target.path.started_at if target is not None else None
        now = span_by_itself(100, (state.present.now - started) / 1e9 if started else 0)
    place = max(0, min(len(SPANS_S) - 1, SPANS_S.index(now) + step))
    state.span_s = SPANS_S[place]
    context.say(f"the time axis spans {span(SPANS_S[place])}")


@action("look.clear", "escape", "clear", "Close what is open; then go back to now; then clear the choice.", "Look")
def clear(context: ActionContext) -> None:
    state = context.state
    if state.moment is not None:
        context.go_to(None)
    elif state.overview and state.sifted:
        state.sifted = ""
    elif state.overview:
        state.overview = False
    elif state.on_sentence:
        state.on_sentence = False
    elif state.target is not None:
        state.hops.pop(state.target, None)
    state.said = None
    context.redraw()
