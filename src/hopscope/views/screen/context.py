"""What actions work on: the session, the view's state, and the shell that shows it. One small class between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from hopscope.names.clean import clean
from hopscope.session.model import Probing, Target
from hopscope.views.privacy import PrivacyFilter
from hopscope.views.screen.cadence import has_few
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.source import SessionLike, Timed
from hopscope.views.screen.state import ViewState

if TYPE_CHECKING:
    from textual.screen import Screen

    from hopscope.views.screen.styles import Look


class Shell(Protocol):
    """What an action asks of the Textual application."""

    theme: str

    def show(self) -> None:
        """Draw the state, now."""

    def chart_is_shown(self) -> bool:
        """Did the last drawing hold a chart?"""
        ...

    def chart_rounds(self) -> int:
        """Rounds a column of the chart stands for, at least 1."""
        ...

    def chart_round_at(self, column: int) -> int | None:
        """Which round, counted from the newest, stands at a column of the screen; None outside of a time chart."""
        ...

    def after_dialog(self, do: Callable[[], None]) -> None:
        """Do something once the dialog in front is gone and the screen was drawn."""

    def open(self, screen: Screen[Any]) -> None:
        """Put a dialog in front."""

    def palette(self) -> None:
        """Open the command palette."""

    def copy(self, text: str) -> None:
        """Send text to the terminal's clipboard (OSC 52)."""

    def picture(self) -> str:
        """The screen as SVG."""
        ...

    def leave(self, status: int | None) -> None:
        """End; None: the status that the session's outcome gives."""

    def suspend_program(self) -> None:
        """Stop, and let the shell have the terminal, until ``fg``."""

    def look(self) -> Look:
        """The present look."""
        ...


class ActionContext:
    """Actions and dialogs get this and nothing else."""

    def __init__(self, session: SessionLike, options: ScreenOptions, screen: Shell) -> None:
        self.session = session
        self.options = options
        self.screen = screen
        self.privacy = PrivacyFilter(options.hidden_hops)
        self._newest = session.snapshot()
        self.state = ViewState.begin(options, self.privacy.over(self._newest))
        self.state.see(self.state.shown)
        self.changed: dict[str, Any] = {}
        """Of how targets are probed: what was changed by hand, under the configuration file's names."""
        self._seen = -1

    # --- drawing ---------------------------------------------------------------------------------------------------

    def update(self) -> bool:
        """Take the session's newest snapshot, unless the display is frozen; was there a newer one?"""
        version = self.session.version
        if self.state.frozen_at is not None or version == self._seen:
            return False
        self._seen = version
        self._newest = self.session.snapshot()
        self.state.see(self.privacy.over(self._newest))
        return True

    def hide(self, hops: int) -> None:
        """Hide the first hops (0: none), on a frozen display too."""
        self.privacy.hops = hops
        self.state.see(self.privacy.over(self._newest))

    def refresh_now(self) -> None:
        """Take the newest snapshot and draw it."""
        self._seen = -1
        self.update()
        self.redraw()

    def redraw(self) -> None:
        """Draw the state."""
        self.screen.show()

    @property
    def has_few(self) -> bool:
        """Are there so few targets that a new snapshot costs no key its answer?"""
        return has_few(self.state.shown.targets)

    def say(self, words: str, *, fresh: bool = False) -> None:
        """Say in a line what just happened; it stays for some seconds. `fresh`: the session changed, and that is to be
        seen with it (with many targets right after it)."""
        if fresh and self.has_few:
            self._seen = -1
            self.update()
        self.state.said, self.state.said_at = words, self.state.shown.now
        self.redraw()

    @property
    def is_recording(self) -> bool:
        """Is this a recording, so that nothing is probed?"""
        return isinstance(self.session, Timed)

    def chart_is_shown(self) -> bool:
        """Is the chart on the screen?"""
        return self.screen.chart_is_shown()

    # --- choosing --------------------------------------------------------------------------------------------------

    def move(self, step: int) -> None:
        """Move the cursor by rows: hops, or targets in the overview."""
        state = self.state
        state.said = None
        if state.overview:
            from hopscope.views.screen import summary

            ids = [target.id for target in summary.order(state)]
            if ids and state.target in ids:
                state.target = ids[max(0, min(len(ids) - 1, ids.index(state.target) + step))]
        else:
            target = state.chosen
            cursor = state.cursor(target) if target else None
            if target is not None and cursor is not None:
                ttls = [hop.ttl for hop in target.path.rows]
                self.choose_hop(ttls[max(0, min(len(ttls) - 1, ttls.index(cursor) + step))])
                return
        self.redraw()

    def choose_hop(self, ttl: int) -> None:
        """Put the cursor on a hop of the chosen target."""
        if self.state.target is not None:
            self.state.hops[self.state.target] = ttl
        self.redraw()

    def choose_target(self, step: int) -> None:
        """The next or the previous target, around the end."""
        ids = [target.id for target in self.state.shown.targets]
        if ids:
            index = ids.index(self.state.target) if self.state.target in ids else 0
            self.state.target = ids[(index + step) % len(ids)]
        if not self.state.overview:
            self.state.top = 0
        self.state.said = None
        self.redraw()

    def show_target(self, target: int) -> None:
        """Open a target."""
        self.state.target = target
        self.state.overview = False
        self.state.top = 0
        self.state.said = None
        self.redraw()

    def move_chart_cursor(self, step: int) -> None:
        """Move the chart's reading cursor by a column, to the left where `step` is positive."""
        state = self.state
        target = state.chosen
        if target is None or not self.chart_is_shown():
            return
        last = max(0, (len(target.path.round_times) >> state.zoom) - 1)
        now = state.chart_cursor if state.chart_cursor is not None else (-1 if step > 0 else last + 1)
        state.chart_cursor = max(0, min(last, now + step * self.screen.chart_rounds()))
        self.redraw()

    def forget(self, target: int) -> None:
        """A target's statistics begin anew: so does what kept its table calm."""
        self.state.tables.pop(target, None)
        self.state.chart_cursor = None

    def point_at_time(self, column: int) -> None:
        """Put the chart's reading cursor where the chart was clicked."""
        rounds = self.screen.chart_round_at(column)
        if rounds is not None:
            self.state.chart_cursor = rounds
            self.redraw()

    # --- asking ----------------------------------------------------------------------------------------------------

    def probing(self, target: Target) -> Probing:
        """How a target is probed now."""
        return self.session.probing(target.id)

    def save(self, settings: Mapping[str, Any]) -> None:
        """Keep settings in the configuration file, and say where, or why not."""
        if self.options.save_settings is None:
            self.say("there is no configuration file to keep it in")
            return
        try:
            path = self.options.save_settings(settings)
        except (OSError, ValueError) as error:
            self.say(f"not kept: {clean(str(error))}")
        else:
            self.say(f"kept in {path}")
