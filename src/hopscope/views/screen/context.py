"""What actions work on: the session, the view's state, and the shell that shows it. One small class between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from hopscope.names.clean import clean
from hopscope.path.windows import WindowName
from hopscope.session.model import Probing, Target
from hopscope.session.told import Happening
from hopscope.views.privacy import PrivacyFilter
from hopscope.views.screen import folding
from hopscope.views.screen.cadence import has_few
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.source import Opening, Recalling, SessionLike, Watching
from hopscope.views.screen.state import ViewState
from hopscope.views.screen.undoing import Undoing

if TYPE_CHECKING:
    from hopscope.views.screen.shell import Shell

_BRIEF_NS = 10_000_000_000
"""A step in time where no axis of time stands, ns."""
_MOST_LOOKS = 100
"""Looks at a target that is opened, a tenth of a second apart."""
_FIRST_NS = 1_000_000_000
"""Show no moment nearer to the beginning than this, ns: nothing was seen by then."""


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
        self.state.is_recording = isinstance(session, Watching)
        self.state.overview = isinstance(session, Opening) and len(self.state.shown.targets) != 1
        if isinstance(session, Recalling):
            self.state.binned = lambda target: partial(session.bins, target)
            self.state.happenings = self.happenings
        self.changed: dict[str, Any] = {}
        """Of how targets are probed: what was changed by hand, under the configuration file's names."""
        self.undoing = Undoing()
        self._seen = -1
        self._looked_at: int | None = None

    # --- drawing ---------------------------------------------------------------------------------------------------

    def update(self) -> bool:
        """Take the session's newest snapshot; was there a newer one? At an earlier moment that stays in view, and what
        of it was not known yet comes in."""
        version = self.session.version
        if version == self._seen:
            return False
        self._seen = version
        before, self._newest = self._newest.history_note, self.session.snapshot()
        shown = self.privacy.over(self._newest)
        if self._newest.history_note != before:
            self.state.said = self._newest.history_note or "what happens is kept again"
            self.state.said_at = self._newest.now
        if self.state.moment is None:
            self.state.see(shown)
            return True
        self.state.live = shown
        if isinstance(self.session, Recalling) and not self.session.is_recalled:
            self._recall_again()
        return True

    def hide(self, hops: int) -> None:
        """Hide the first hops (0: none), of an earlier moment too."""
        self.privacy.hops = hops
        shown = self.privacy.over(self._newest)
        if self.state.moment is None:
            self.state.see(shown)
        else:
            self.state.live = shown
            self._recall_again()

    def happenings(self, target: int) -> Sequence[Happening]:
        """The moments of a target that are worth going to, in order of time, as they may be shown."""
        if not isinstance(self.session, Recalling):
            return ()
        return self.privacy.happenings(target, self.session.happenings(target))

    def number_over(self, window: WindowName) -> None:
        """Take numbers over another window, of an earlier moment too."""
        self.session.numbers_over(window)
        if self.state.moment is not None:
            self._recall_again()

    # --- in time ---------------------------------------------------------------------------------------------------

    def go_to(self, moment: int | None) -> None:
        """Show the session as it was at a moment (epoch ns), while probing goes on; None: as it is now."""
        state = self.state
        state.said = None
        if moment is not None:
            if isinstance(self.session, Recalling):
                moment = max(moment, self.session.earliest + _FIRST_NS)
            if moment >= state.present.now and state.moment is not None:
                moment = None
        if moment is None:
            self._go_live()
            return
        if state.moment is None:
            state.live = state.shown
        is_now = state.live is not None and moment >= state.live.now
        before, state.moment = state.moment, moment
        if is_now and state.live is not None:
            state.see(state.live)
        else:
            try:
                self._recall()
            except ValueError as why:
                state.moment = before
                if before is None:
                    state.live = None
                self.say(str(why))
                return
        self.redraw()

    def _go_live(self) -> None:
        self._leave_the_past()
        self.refresh_now()

    def _leave_the_past(self) -> None:
        is_past = self.state.moment is not None
        self.state.moment = self.state.live = None
        if is_past and isinstance(self.session, Recalling):
            self.session.let_go()

    def _recall(self) -> None:
        """Take what the moment's snapshot is."""
        state = self.state
        if state.moment is not None and isinstance(self.session, Recalling):
            shown = self.session.recall(state.moment, state.target)
            state.see(self.privacy.over(shown, is_past=True))

    def _recall_again(self) -> None:
        """Take the moment's snapshot anew, where it is known still; else what is shown stays."""
        with suppress(ValueError):
            self._recall()

    def step(self, columns: int) -> None:
        """Go so many columns of the time axis forward (backward where negative); from the newest one on to now."""
        state, target = self.state, self.state.chosen_now
        if target is None or not (target.path.started_at or target.is_brief):
            return
        if state.moment is None and columns > 0:
            self.say("this is now")
            return
        if not isinstance(self.session, Recalling):
            self.say("nothing is known of earlier moments")
            return
        at = state.present.now if state.moment is None else state.moment
        step = _BRIEF_NS if target.is_brief else self.screen.column_ns()
        column = step * max(1, -(-(target.plan.interval_ns if target.plan else step) // step))
        self.go_to((at // column + columns + 1) * column - 1)

    def refresh_now(self) -> None:
        """Take the newest snapshot and draw it."""
        self._seen = -1
        self.update()
        self.redraw()

    def redraw(self) -> None:
        """Draw the state."""
        if isinstance(self.session, Opening):
            wanted = None if self.state.overview else self.state.target
            before, self._looked_at = self._looked_at, wanted
            self.session.look_at(wanted)
            if wanted is not None and wanted != before:
                self._open(wanted, _MOST_LOOKS)
        self.screen.show()

    def _open(self, target: int, looks: int) -> None:
        """Look soon, and again, whether what was opened is there."""

        def look() -> None:
            if self._looked_at == target and self.state.chosen is not None and self.state.chosen.is_brief:
                self.refresh_now()
                if looks:
                    self._open(target, looks - 1)

        self.screen.after_dialog(look)

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
        self.state.said, self.state.said_at = words, self.state.present.now
        self.redraw()

    def say_undoable(self, words: str, do: Callable[[], str]) -> None:
        """As `say`, of something that can be undone: `do` does that, and says what it undid."""
        self.undoing.add(self._newest.now, do)
        key = self.key("program.undo")
        self.say(f"{words}{f'; {key} undoes it' if key else ''}", fresh=True)

    def take_back(self, targets: Iterable[int]) -> None:
        """Take the last reset, or other way of probing, of some targets back. `LookupError` where that is too late."""
        taken = [target for target in targets if self.session.take_back(target)]
        if not taken:
            raise LookupError
        for target in taken:
            self.forget(target)

    def key(self, action: str) -> str:
        """The first key of an action, as a person reads it; empty where it has none."""
        return self.screen.key(action)

    @property
    def is_recording(self) -> bool:
        """Is this recorded by somebody else, so that nothing is probed?"""
        return isinstance(self.session, Watching)

    def chart_is_shown(self) -> bool:
        """Is the chart on the screen?"""
        return self.screen.chart_is_shown()

    # --- choosing --------------------------------------------------------------------------------------------------

    def move(self, step: int) -> None:
        """Move the cursor by rows: hops, or targets in the overview."""
        state = self.state
        state.said = None
        if state.overview:
            self._move_target(step)
        else:
            self._move_hop(step)
        self.redraw()

    def _move_target(self, step: int) -> None:
        """By rows of the overview; those that are folded are one row, the last."""
        from hopscope.views.screen import summary
        from hopscope.views.screen.listing import place_of

        state = self.state
        state.order.moved_at, state.order.is_touched = state.present.now, True
        rows = summary.entries(state)
        if not rows:
            return
        here = place_of(rows, state.target)
        place = max(0, min(len(rows) - 1, here + step))
        while rows[place].is_open and 0 < place < len(rows) - 1:  # its targets stand below it
            place += 1 if step > 0 else -1
        if rows[place].is_open:
            place = here
        if place != here:
            state.target = rows[place].ids[0]

    def _move_hop(self, step: int) -> None:
        """By rows of the table; a single step up from its first row leads to the sentences above it."""
        state, target = self.state, self.state.chosen
        if target is None:
            return
        ttls = [folding.ttl_of(row) for row in state.items(target)]
        cursor = state.cursor(target)
        place = -1 if state.on_sentence or cursor is None else ttls.index(cursor)
        state.on_sentence = step == -1 and place < 1
        if ttls and not state.on_sentence:
            state.hops[target.id] = ttls[max(0, min(len(ttls) - 1, place + step))]

    def probed(self) -> Target | None:
        """The chosen target, where it is one still; what was removed since the moment that is shown cannot be changed,
        and that is said."""
        chosen, target = self.state.chosen, self.state.chosen_now
        if chosen is not None and target is None:
            self.say(f"{chosen.query} was removed: what was found of it is shown, and nothing is probed")
        return target

    def choose_hop(self, ttl: int) -> None:
        """Put the cursor on a hop of the chosen target."""
        self.state.on_sentence = False
        if self.state.target is not None:
            self.state.hops[self.state.target] = ttl
        self.redraw()

    def choose_target(self, step: int) -> None:
        """The next or the previous target, around the end."""
        ids = list(self.state.by_id)
        if ids:
            index = ids.index(self.state.target) if self.state.target in self.state.by_id else 0
            self.state.target = ids[(index + step) % len(ids)]
        if not self.state.overview:
            self.state.top = 0
        self.state.said = None
        self.redraw()

    def show_target(self, target: int) -> None:
        """Open a target."""
        self.state.order.is_touched = True
        self.state.target = target
        self.state.overview = False
        self.state.top = 0
        self.state.said = None
        self.redraw()

    def forget(self, target: int) -> None:
        """A target's statistics begin anew: so does what kept its table calm."""
        self.state.tables.pop(target, None)
        self._leave_the_past()

    def point_at_time(self, column: int) -> None:
        """Go to the moment of a column of the time axis."""
        moment = self.screen.moment_at(column)
        if moment is not None and isinstance(self.session, Recalling):
            self.go_to(moment)

    def point_at_cell(self, ttl: int, width: int, cell: int) -> None:
        """Choose a hop, and go to the moment of a cell of its sparkline."""
        from hopscope.views.screen import spark

        target = self.state.chosen
        if target is None:
            return
        interval = target.plan.interval_ns if target.plan is not None else None
        moment = spark.moment_at(target.path, interval, width, cell)
        if moment is not None and isinstance(self.session, Recalling):
            self.go_to(moment)
        self.choose_hop(ttl)

    # --- asking ----------------------------------------------------------------------------------------------------

    def probing(self, target: Target) -> Probing:
        """How a target is probed now."""
        return self.session.probing(target.id)

    def save(self, settings: Mapping[str, Any]) -> None:
        """Keep settings in the configuration file, and say where, or why not."""
        if self.options.save_settings is None:
            self.say(self.options.why_no_files or "there is no configuration file to keep it in")
            return
        try:
            path = self.options.save_settings(settings)
        except (OSError, ValueError) as error:
            self.say(f"not kept: {clean(str(error))}")
        else:
            self.say(f"kept in {path}")
