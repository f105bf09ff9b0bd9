"""Actions that change only what is looked at."""

from __future__ import annotations

from hopscope.views.numbers import time_of_day
from hopscope.views.screen.actions.registry import action
from hopscope.views.screen.desk import Desk
from hopscope.views.screen.options import CHART_VIEWS, NAMES_MODES

MAX_ZOOM = 5
HIDDEN_BY_KEY = 2
"""Hops that the key hides where ``--privacy`` did not say: mostly one's own router and the provider's first."""


@action("hop.next", "down,j", "hop", "Choose the next hop; in the overview the next target.", "Look", 9)
def next_hop(desk: Desk) -> None:
    desk.move(1)


@action("hop.previous", "up,k", "hop", "Choose the previous hop; in the overview the previous target.", "Look")
def previous_hop(desk: Desk) -> None:
    desk.move(-1)


@action("hop.page_down", "pagedown", "page down", "Go a screenful of rows down.", "Look")
def page_down(desk: Desk) -> None:
    desk.move(10)


@action("hop.page_up", "pageup", "page up", "Go a screenful of rows up.", "Look")
def page_up(desk: Desk) -> None:
    desk.move(-10)


@action("hop.first", "home", "first", "Choose the first hop.", "Look")
def first_hop(desk: Desk) -> None:
    desk.move(-1000)


@action("hop.last", "end", "last", "Choose the last hop.", "Look")
def last_hop(desk: Desk) -> None:
    desk.move(1000)


@action(
    "hop.details",
    "enter",
    "details",
    "All that is known of the chosen hop; in the overview: open the target.",
    "Look",
    10,
)
def details(desk: Desk) -> None:
    if desk.state.overview:
        desk.state.overview = False
        desk.state.top = 0
        desk.redraw()
    elif desk.state.chosen and desk.state.chosen_hop(desk.state.chosen):
        from hopscope.views.screen.dialogs.hop import HopScreen

        desk.screen.open(HopScreen(desk))


@action("show.names", "n", "names", "Names, addresses, or both.", "Look")
def names(desk: Desk) -> None:
    state = desk.state
    state.names = NAMES_MODES[(NAMES_MODES.index(state.names) + 1) % len(NAMES_MODES)]
    desk.say({"names": "names", "addresses": "addresses", "both": "names and addresses"}[state.names])


@action("show.owners", "z", "AS", "Whose hops these are (AS), on or off; asks a third party by DNS.", "Look")
def owners(desk: Desk) -> None:
    desk.state.owners = not desk.state.owners
    desk.session.ask_owners(desk.state.owners)
    desk.say(f"AS {'shown, where it is known' if desk.state.owners else 'hidden'}", fresh=True)


@action("show.privacy", "b", "privacy", "Hide the first hops and this computer's address, or show them.", "Look")
def privacy(desk: Desk) -> None:
    hops = 0 if desk.veil.hops else desk.options.hidden_hops or HIDDEN_BY_KEY
    desk.hide(hops)
    desk.say(f"the first {hops} hops are hidden" if hops else "all hops are shown")


@action("show.mpls", "e", "MPLS", "MPLS labels, on or off.", "Look")
def mpls(desk: Desk) -> None:
    desk.state.mpls = not desk.state.mpls
    desk.say(f"MPLS labels {'shown' if desk.state.mpls else 'hidden'}")


@action("show.scale", "l", "scale", "Sparklines on one scale for all hops, or each on its own.", "Look")
def scale(desk: Desk) -> None:
    desk.state.scale = "hop" if desk.state.scale == "all" else "all"
    desk.say("each sparkline on its own scale" if desk.state.scale == "hop" else "all sparklines on one scale")


@action("show.fold", "m", "fold", "Fold or unfold the addresses of hops that have several.", "Look")
def fold(desk: Desk) -> None:
    desk.state.unfolded = not desk.state.unfolded
    desk.say("every address of a hop shown" if desk.state.unfolded else "one address a hop shown")


@action("show.panel", "v", "panel", "The panel of the chosen hop, on or off.", "Look")
def panel(desk: Desk) -> None:
    desk.state.details = not desk.state.details
    desk.redraw()


@action("display.freeze", "f", "freeze", "Freeze the display; probing goes on.", "Look", 15)
def freeze(desk: Desk) -> None:
    state = desk.state
    if state.frozen_at is None:
        state.frozen_at = state.shown.now
        desk.say(f"frozen at {time_of_day(state.frozen_at)}")
    else:
        state.frozen_at = None
        desk.refresh_now()


@action("chart.toggle", "c", "chart", "The chart, on or off.", "Chart", 11)
def chart(desk: Desk) -> None:
    desk.state.chart = not desk.chart_is_shown()
    desk.redraw()
    if desk.state.chart and not desk.chart_is_shown():
        desk.say("no room for the chart: it needs a window of 14 lines")


@action(
    "chart.view", "d", "view", "The chart's next view: over time, along the path, distribution, heat map.", "Chart", 12
)
def chart_view(desk: Desk) -> None:
    state = desk.state
    if not desk.chart_is_shown():
        state.chart = True
    else:
        state.chart_view = CHART_VIEWS[(CHART_VIEWS.index(state.chart_view) + 1) % len(CHART_VIEWS)]
    desk.redraw()


@action("chart.closer", "plus,equals_sign", "zoom in", "Chart: a shorter time.", "Chart")
def closer(desk: Desk) -> None:
    desk.state.zoom = min(MAX_ZOOM, desk.state.zoom + 1)
    desk.redraw()


@action("chart.wider", "minus", "zoom out", "Chart: a longer time.", "Chart")
def wider(desk: Desk) -> None:
    desk.state.zoom = max(0, desk.state.zoom - 1)
    desk.redraw()


@action("chart.earlier", "left_square_bracket,comma", "earlier", "Chart: move the reading cursor to the left.", "Chart")
def earlier(desk: Desk) -> None:
    desk.move_chart_cursor(1)


@action(
    "chart.later", "right_square_bracket,full_stop", "later", "Chart: move the reading cursor to the right.", "Chart"
)
def later(desk: Desk) -> None:
    desk.move_chart_cursor(-1)


@action("look.clear", "escape", "clear", "Close what is open, clear the choice.", "Look")
def clear(desk: Desk) -> None:
    state = desk.state
    if state.chart_cursor is not None:
        state.chart_cursor = None
    elif state.overview:
        state.overview = False
    elif state.target is not None:
        state.hops.pop(state.target, None)
    state.said = None
    desk.redraw()
