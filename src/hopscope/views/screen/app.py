"""The Textual shell: one canvas that shows the board, a watch that asks whether anything changed, keys, signals.

Rules: nothing is drawn while nothing changed; of what changed only the cells that did; the session lives in one task,
so that it ends in order whatever ends the program; the terminal is lent, and given back as it was found (`driver`).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual._context import active_message_pump
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from hopscope.system import garbage
from hopscope.views.screen import frame, themes
from hopscope.views.screen.actions import ACTIONS
from hopscope.views.screen.bell import Bell
from hopscope.views.screen.cadence import FAST_LOOK_S, Cadence
from hopscope.views.screen.canvas import Canvas
from hopscope.views.screen.context import ActionContext
from hopscope.views.screen.glyphs import choose
from hopscope.views.screen.keymap import keys_of, shown
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.outcome import is_over, status_of
from hopscope.views.screen.source import Launch, Opening, Recalling, Watching
from hopscope.views.screen.styles import Look, look_of

SECOND = 1_000_000_000
WHILE_READ_S = 0.2
"""Seconds between two looks at the most while targets still come."""
OF_PROBING = ("target.add", "target.remove")
"""Actions on targets that a recording has none of."""


class MainScreen(Screen[None], inherit_bindings=False):
    """Nothing but the canvas, and every key."""

    ALLOW_SELECT = False
    CSS = "MainScreen { overflow: hidden; } Canvas { width: 1fr; height: 1fr; background: $background; }"

    def __init__(self, keys: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        for id_, bound in keys.items():
            for key in bound:
                self._bindings.bind(key, f"app.do('{id_}')", ACTIONS[id_].title, show=False)
        self.canvas = Canvas()

    def compose(self) -> ComposeResult:
        yield self.canvas


class HopscopeApp(App[None], inherit_bindings=False):
    """The application. `launch` and `options`: see the package's contract."""

    TITLE = "hopscope"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "do('program.interrupt')", "interrupt", show=False, priority=True),
        Binding("ctrl+z", "do('program.suspend')", "suspend", show=False, priority=True),
    ]

    def __init__(self, launch: Launch, options: ScreenOptions) -> None:
        super().__init__()
        for theme in themes.OWN:
            self.register_theme(theme)
        self.theme = themes.effective(options.theme)
        self.options = options
        self.bound = keys_of(options.keys)
        self.main = MainScreen(self.bound)
        self.context: ActionContext | None = None
        self.failure: Exception | None = None
        """What ended the session before the user did."""
        self._launch = launch
        self._session_over = asyncio.Event()
        self._session_task: asyncio.Task[None] | None = None
        self._drawn = frame.FrameCache()
        self.shown = frame.Frame([], False, 1)
        """What was drawn last."""
        self._glyphs = choose(options.glyphs)
        self.cadence = Cadence(options.refresh_s)
        self._is_frozen = False
        self._bell = Bell()
        self.left = ""
        """What is left on the terminal once the screen is gone."""

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    # --- the session's life ----------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _theme: self.draw_all())
        self._session_task = asyncio.create_task(self._live(), name="session")

    async def _live(self) -> None:
        """Hold the session open, and draw what changes, until the program ends."""
        try:
            async with self._launch() as session:
                self.context = ActionContext(session, self.options, self)
                self.refresh_fast()
                if isinstance(session, Watching) and session.opens_at is not None:
                    self.context.go_to(session.opens_at)
                self.show()
                garbage.release()
                while not self._session_over.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._session_over.wait(), self.refresh_delay())
                    self.tick()
                    self._freeze_gc()
        except Exception as error:  # noqa: BLE001 - raised again in `run_to_status`, once the terminal is restored
            self.failure = error
            self.exit(return_code=4)

    def _freeze_gc(self) -> None:
        """Once the beginning is over: what was loaded stays for good, so the garbage collector need not look through it
        again and again, which costs a screen that is left open more than its drawing of tables."""
        if not self._is_frozen and self.cadence.is_steady(time.monotonic()):
            self._is_frozen = True
            gc.freeze()

    async def on_unmount(self) -> None:
        self._session_over.set()
        if self._session_task is not None:
            await self._session_task

    def refresh_fast(self) -> None:
        """Look often for a while: something begins."""
        self.cadence.refresh_fast(time.monotonic())

    def refresh_delay(self) -> float:
        """Seconds until the session is looked at again."""
        if self.context is None:
            return FAST_LOOK_S
        delay = self.cadence.delay_s(time.monotonic(), self.context.state.shown.targets)
        session, state = self.context.session, self.context.state
        if state.moment is not None and isinstance(session, Recalling) and not session.is_recalled:
            return min(delay, FAST_LOOK_S)
        if isinstance(session, Opening):
            is_opening = not state.overview and state.chosen is not None and state.chosen.is_brief
            return min(delay, WHILE_READ_S) if is_opening or not session.is_whole else delay
        return delay

    def tick(self) -> None:
        """Draw, if there is anything new to see."""
        began = time.perf_counter()
        if self.context is not None and self.context.update():
            self.show()
            if self.options.bell and self._bell.rings(self.context.state.present.targets, self.context.state.judge):
                self.bell()
            self.cadence.looked(time.perf_counter() - began)
            if self.options.ends_with_probing and is_over(self.context.session.snapshot()):
                self.leave(None)

    # --- what an action asks for (`shell.Shell`) -----------------------------------------------------------------

    def show(self) -> None:
        """Draw the state, now."""
        size = self.main.canvas.size
        if self.context is not None and size:
            self.shown = frame.compose(
                self.context.state, self.look(), size.width, size.height, self.bound, self._drawn
            )
            self.main.canvas.show(self.shown.rows)

    def draw_all(self) -> None:
        """Draw everything anew."""
        self.show()
        self.main.canvas.refresh()
        self.refresh(layout=True)  # whatever stands in front, too

    def look(self) -> Look:
        """The present look."""
        return look_of(self.current_theme, self._glyphs, self.no_color)

    def key(self, action: str) -> str:
        """The first key of an action, as a person reads it; empty where it has none."""
        bound = self.bound[action]
        return shown(bound[0], not self.look().glyphs.is_ascii) if bound else ""

    def chart_is_shown(self) -> bool:
        """Did the last drawing hold a chart?"""
        return self.shown.has_chart

    def column_ns(self) -> int:
        """The time that a column of the time axis stands for."""
        return self._drawn.axis.step if self._drawn.axis is not None else SECOND

    def moment_at(self, column: int) -> int | None:
        """The moment of a column of the time axis; None outside of it."""
        axis = self._drawn.axis
        return axis.moment(column) if axis is not None and 0 <= column < axis.columns else None

    def after_dialog(self, do: Callable[[], None]) -> None:
        """Do something once the dialog in front is gone and the screen was drawn."""
        self.set_timer(0.1, do)

    def open(self, screen: Screen[Any]) -> None:
        """Put a dialog in front."""
        self.push_screen(screen)

    def palette(self) -> None:
        """Open the command palette."""
        self.action_command_palette()

    def action_command_palette(self) -> None:
        """What Textual's own key does."""
        from hopscope.views.screen.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def copy(self, text: str) -> None:
        """Send text to the terminal's clipboard."""
        self.copy_to_clipboard(text)

    def picture(self) -> str:
        """The main screen as SVG."""
        from hopscope.views.screen.picture import self_contained

        return self_contained(self.export_screenshot(title="hopscope"))

    def leave(self, status: int | None) -> None:
        """End; None: the status that the session's outcome gives."""
        if status is None and self.context is not None and self.options.leaves_table:
            from hopscope.views.screen.parting import parting

            self.left = parting(self.context.state, self.options.report)
        if status is None:
            status = status_of(self.context.session.snapshot()) if self.context else 0
        self.exit(return_code=status)

    def suspend_program(self) -> None:
        """Stop, and let the shell have the terminal, until ``fg``."""
        from hopscope.views.screen.driver import QuietDriver

        driver = self._driver
        if isinstance(driver, QuietDriver):
            driver.suspend(group=True)

    # --- keys and the mouse ----------------------------------------------------------------------------------------

    def action_do(self, id_: str) -> None:
        """Do an action of the registry."""
        if self.context is not None:
            session = self.context.session
            if isinstance(session, Watching) and (ACTIONS[id_].group == "Probing" or id_ in OF_PROBING):
                self.context.say(session.why_not)
                return
            ACTIONS[id_].do(self.context)
            if ACTIONS[id_].group in ("Probing", "Targets"):
                self.refresh_fast()
                if ACTIONS[id_].group == "Probing" and not self.context.has_few:
                    self.call_after_refresh(self.tick)  # once the key's answer is drawn
        elif id_ in ("program.quit", "program.interrupt"):
            self.leave(130 if id_ == "program.interrupt" else 0)
        elif id_ == "program.suspend":
            self.suspend_program()

    def _set_pointer_shape(self, shape: str) -> None:
        """The terminal's pointer is left alone: nothing says what it was before."""

    def on_canvas_resized(self) -> None:
        self.show()

    def on_canvas_pointed(self, event: Canvas.Pointed) -> None:
        if self.context is None:
            return
        kind, value = event.hit
        if kind == "hop" and isinstance(value, int):
            self.context.choose_hop(value)
        elif kind in ("target", "open") and isinstance(value, int):
            self.context.show_target(value)
        elif kind == "action":
            self.action_do(str(value))
        elif kind == "time" and isinstance(value, int):
            self.context.point_at_time(event.x - value)
        elif kind == "spark":
            ttl, start, width = map(int, str(value).split(":"))
            self.context.point_at_cell(ttl, width, event.x - start)

    def on_canvas_scrolled(self, event: Canvas.Scrolled) -> None:
        if self.context is not None:
            self.context.move(event.step)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[Any]:
        """The palette finds the registry's actions, each setting and column, and nothing of Textual's own."""
        from textual.app import SystemCommand

        from hopscope.views.screen.dialogs.titles import title_of

        unicode = not self._glyphs.is_ascii
        for action in ACTIONS.values():
            if action.id != "program.palette":
                title = title_of(action, self.bound, unicode)
                yield SystemCommand(title, action.help, lambda id_=action.id: self.action_do(id_))
        if self.context is not None:
            from hopscope.views.screen.dialogs.entries import entries

            for entry in entries(self.context):
                yield SystemCommand(*entry)

    def _handle_exception(self, error: Exception) -> None:
        """What fails in a dialog costs the dialog, and not hours of measurement. What this computer has no room for is
        said in a line, where the composition root says it."""
        if not self.is_headless and self._is_in_dialog():
            self.call_later(self._close_dialogs, error)
        elif isinstance(error, RuntimeError | OSError) and self.failure is None and not self.is_headless:
            self.failure = error
            self._return_code = 4
            self._close_messages_no_wait()
        else:
            super()._handle_exception(error)

    async def run_action(self, *action: Any, **namespaces: Any) -> bool:
        """See Textual. Keys run among the application's own messages, which must not end with what a key does: a
        mistake in it may cost that, and not hours of measurement."""
        try:
            return await super().run_action(*action, **namespaces)
        except Exception as error:
            if self.is_headless:
                raise
            if self.screen is self.main and self.context is not None:
                self.context.say(f"what this key does failed ({type(error).__name__}); nothing else is lost")
            else:
                self._close_dialogs(error)
            return True

    def _is_in_dialog(self) -> bool:
        """Whether what runs now is neither the application's own nor the main screen's."""
        pump = active_message_pump.get(None)
        return pump is not None and pump not in (self, self.main, self.main.canvas)

    def _close_dialogs(self, error: Exception) -> None:
        while self.screen is not self.main:
            self.pop_screen()
        if self.context is not None:
            self.context.say(f"this dialog failed and was closed ({type(error).__name__}); nothing else is lost")

    def run_to_status(self) -> int:
        """Run until the end; the exit status. Raises what the session raised."""
        from hopscope.views.screen.driver import QuietDriver

        self.driver_class = QuietDriver
        self.run()
        if self.failure is not None:
            raise self.failure
        if self.left:
            from hopscope.views.screen.parting import leave_on_terminal

            leave_on_terminal(self.left)
        return self.return_code or 0
