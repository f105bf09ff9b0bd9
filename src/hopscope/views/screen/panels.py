"""What stands on the time axis at a moment: the chart's views, and the ribbon where they have no room."""

from __future__ import annotations

from hopscope.path.snapshot import Hop
from hopscope.session.model import Target
from hopscope.views.screen import chart, heat, ribbon
from hopscope.views.screen.axis import TimeAxis, axis_of
from hopscope.views.screen.cells import UsualTimes
from hopscope.views.screen.place import begins_at
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.styles import Look
from hopscope.views.screen.table import is_in_us, loss_of
from hopscope.views.screen.text import Row, blank


def time_panel(
    state: ViewState, shown: Target, now: Target, hop: Hop, look: Look, width: int, height: int
) -> tuple[TimeAxis, list[Row]]:
    """The axis and the lines. `shown`: the chosen target at the moment that is shown, with its chosen hop; `now`: the
    same as it is now, for the axis goes on."""
    is_ribbon = height <= ribbon.HEIGHT
    columns = (ribbon if is_ribbon else heat if state.chart_view == "heat" else chart).columns_for(width)
    path = now.path
    time = state.present.now
    axis = axis_of(columns, state.span_s, path.started_at or time, time, state.moment)
    rows = path.rows
    if hop.is_target and path.target_hop is not None:
        hop = path.target_hop
    else:
        hop = next((one for one in rows if one.ttl == hop.ttl), rows[-1] if rows else hop)
    findings = state.judge.hops(shown)
    begins = begins_at(state, shown, look)
    losses = {one.ttl: loss_of(one, found, begins) for one, found in zip(shown.path.rows, findings, strict=True)}
    is_known = state.chosen_now is not None  # what was removed since the moment that is shown is the session's no more
    binned = state.binned(now.id) if state.binned is not None and is_known else None
    happened = state.happenings(now.id) if state.happenings is not None and is_known else ()
    drawn = chart.Chart(now, hop, losses, axis, state.moment, binned, happened, look, is_in_us(now))
    if is_ribbon:
        return axis, ribbon.rows(drawn, state.usual.setdefault(now.id, UsualTimes()), width)
    return axis, _view(drawn, state.chart_view, width, height)


def _view(drawn: chart.Chart, view: str, width: int, height: int) -> list[Row]:
    """A view, exactly `width` x `height`."""
    if view == "heat":
        rows = heat.rows(drawn, width, height)
    elif view == "profile":
        from hopscope.views.screen import whisker

        rows = whisker.rows(drawn.target, drawn.look, width, height, drawn.in_us)
    elif view == "distribution":
        from hopscope.views.screen import distribution

        rows = distribution.rows(drawn.target, drawn.hop, drawn.look, width, height)
    else:
        rows = chart.over_time(drawn, width, height)
    return [*rows, *([blank(width, drawn.look.text)] * (height - len(rows)))][:height]
