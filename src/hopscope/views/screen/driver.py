"""Textual's driver, with the terminal as something lent: whatever signals come, in whatever order, the screen comes
back whole and the terminal is left as it was found.

- Stopped (ctrl+z, SIGTSTP), it is given back first and taken again on ``fg``. Stopped by SIGSTOP, which nobody can
  catch, it is put right on SIGCONT: somebody else wrote to it and set its modes meanwhile.
- In the background nothing is drawn: the program stops, as a full-screen program does.
- A terminal that nobody reads holds up one thread, not the program (`system.writer`); one that is gone ends it.
- Textual's input thread looks every 0.1 s whether half an escape sequence is waiting. Here it does so only after input,
  and otherwise sleeps until there is some.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from textual import events
from textual.driver import Driver
from textual.geometry import Size

from hopscope.system import threads
from hopscope.system.signals import Signals
from hopscope.system.writer import Writer
from hopscope.views.screen.keys import Keys
from hopscope.views.screen.terminal import ENTER, LEAVE, Terminal, background_writes

if TYPE_CHECKING:
    from textual.app import App

TICK_S: Final = 0.1
"""How long half an escape sequence may wait for its other half before it is a key of its own."""
READ: Final = 1 << 8
"""Bytes of one reading: as many keys take a quarter of a second, and nothing is drawn meanwhile."""
AT_ONCE: Final = 16
"""Events of one reading: more are a paste without brackets, or somebody's flood."""
HANDLED_TICKS: Final = 100
"""`TICK_S` each: the longest wait until a flood's events are handled."""
DRAIN_S: Final = 1.0
"""A terminal that takes nothing for this long when it is given back, is given back by force."""
AGAIN_S: Final = 1.0
"""Pause before looking again whether the terminal is ours, where no shell tells us."""
SETTLE_S: Final = 0.05
"""By then SIGCONT was seen by whichever thread took it."""
ENDING: Final = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU,
)  # fmt: skip
"""The signals by which programs, shells and limits end a program that does nothing about them: signal(7)."""
FATAL: Final = (signal.SIGBUS,)
"""Somebody cut short a file that is mapped, as a store's ``-shm`` is: mmap(2)."""
LAST_WORDS: Final = "hopscope: ended, for somebody cut short a file that it had open\n"


class TerminalShell(Protocol):
    """What the driver asks of the application."""

    def leave(self, status: int | None) -> None:
        """End with this status."""

    def draw_all(self) -> None:
        """Draw everything anew."""


class QuietDriver(Driver):
    """The terminal of the screen, lent and given back. Everything but the two threads runs on the loop."""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._shell: TerminalShell = app  # type: ignore[assignment]  # a HopscopeApp
        assert sys.__stdin__ is not None
        assert sys.__stderr__ is not None
        self.fileno = sys.__stdin__.fileno()
        self._terminal = Terminal(self.fileno, sys.__stderr__.fileno())
        self._size = self._terminal.size()
        self._writer = self._new_writer()
        self._input: _Input | None = None
        self._is_taken = False
        """Whether the terminal is in our hands."""
        self._continued = self._stopped = 0
        """How many of the continuations, and of the wishes to stop, that were seen are dealt with."""
        self._signals = Signals(
            {
                **dict.fromkeys(ENDING, lambda number: self._shell.leave(128 + number)),
                signal.SIGTSTP: lambda _number: self._on_stop(),
                signal.SIGCONT: lambda _number: self._on_continued(),
                signal.SIGWINCH: lambda _number: self._tell_size(),
            },
            ending=ENDING,
            fatal=FATAL,
            last_resort=self.force_back,
        )
        self._signals.__enter__()

    def _new_writer(self) -> Writer:
        assert sys.__stderr__ is not None
        return Writer(sys.__stderr__.fileno(), self._on_caught_up, self._on_gone)

    @property
    def can_suspend(self) -> bool:
        return True

    # --- taking and giving back ------------------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Take the terminal, once it is ours to take."""
        if not self._take():
            self._look_again()

    def _take(self) -> bool:
        """Whether the terminal could be taken."""
        if not self._is_in_front():
            return False
        self._continued = self._signals.seen[signal.SIGCONT]
        self._is_taken = True
        if self._writer.is_cut:  # it was given back by force
            self._writer.end()
            self._writer = self._new_writer()
        self._writer.write(ENTER)
        self._terminal.take_modes()
        if os.environ.get("TERM_PROGRAM") != "Apple_Terminal":  # which prints a letter of it
            self._writer.write("\x1b[?2026$p")  # does it know when a drawing is whole?
        self._input = _Input(self, self.fileno)
        self._tell_size()
        return True

    def stop_application_mode(self) -> None:
        """Give the terminal back, as it was found. Idempotent."""
        if not self._is_taken:
            return
        with background_writes():
            self._terminal.let_output_go()
            end = time.monotonic() + DRAIN_S
            is_written = self._writer.drain(DRAIN_S)
            if is_written:  # the last words by themselves: behind a drawing that is cut they would be written twice
                self._writer.write(LEAVE)
                is_written = self._writer.drain(max(0.1, end - time.monotonic()))
            self.disable_input()
            if is_written:
                self._terminal.give_modes_back()
            else:
                self._writer.cut()
                self._terminal.force_back()
        self._is_taken = False

    def disable_input(self) -> None:
        """Hear no more keys."""
        if self._input is not None:
            self._input.end()
            self._input = None

    def close(self) -> None:
        """Let go of everything."""
        self.stop_application_mode()
        self._writer.end()
        self._signals.__exit__(None, None, None)

    def force_back(self, number: int) -> None:
        """Give the terminal back from another thread, for this signal: the loop is stuck, or nothing can go on."""
        if self._is_taken:
            self._writer.cut()
            self._terminal.force_back(LAST_WORDS if number in FATAL else "")

    def suspend_application_mode(self) -> None:
        """For Textual's `App.suspend`: what is closed once cannot be taken again."""
        self.stop_application_mode()

    # --- stopped and continued -------------------------------------------------------------------------------------

    def _on_stop(self) -> None:
        if self._stopped != self._signals.seen[signal.SIGTSTP]:  # several at once are one
            self.suspend()

    def suspend(self, *, group: bool = False) -> None:
        """Give the terminal back, stop, and take it again when continued. `group`: stop all of this process group, as
        the terminal's own ctrl+z does; that does nothing where no shell could continue it."""
        if self._signals.end is not None:
            return
        self.stop_application_mode()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        if group:
            os.killpg(0, signal.SIGTSTP)
        elif not self._stop(signal.SIGTSTP):
            # In a process group without a shell (orphaned) the kernel ignores it; whoever sent it to us means it.
            os.kill(os.getpid(), signal.SIGSTOP)
        signal.signal(signal.SIGTSTP, handler)
        self._stopped = self._signals.seen[signal.SIGTSTP]
        self._resume()

    def _stop(self, number: int) -> bool:
        """Stop by this signal, as if nothing handled it, until continued. False: the kernel does not stop us, since no
        shell could continue us."""
        before = self._signals.seen[signal.SIGCONT]
        signal.pthread_kill(threading.get_ident(), number)
        if self._signals.seen[signal.SIGCONT] == before:
            time.sleep(SETTLE_S)
        return self._signals.seen[signal.SIGCONT] != before

    def _on_continued(self) -> None:
        """Continued after a stop that was none of ours: SIGSTOP, or a write from the background."""
        if self._continued == self._signals.seen[signal.SIGCONT] or not self._is_taken or self._signals.end is not None:
            return
        if self._is_in_front():
            self._continued = self._signals.seen[signal.SIGCONT]
            self._writer.write(LEAVE + ENTER)
            self._terminal.keep_modes()
            self._draw_again()
        else:
            self._look_again()

    def _resume(self) -> None:
        """Take the terminal again, unless the program is to end, or it is not ours."""
        if self._is_taken or self._signals.end is not None:
            return
        if self._take():
            self._draw_again()
        else:
            self._look_again()

    def _look_again(self) -> None:
        """Where no shell stops us in the background, nothing but a look now and then shows whether we are in front."""
        self._loop.call_later(AGAIN_S, self._on_continued if self._is_taken else self._resume)

    def _is_in_front(self) -> bool:
        """Whether the terminal is ours to use. In the background: stop, as any program that uses it there is stopped
        (termios(3), SIGTTOU), until it is in front. False where that cannot be waited for, and where a signal to end
        came meanwhile."""
        while not self._terminal.is_ours_to_use():
            if not self._stop(signal.SIGTTOU) or self._signals.end is not None:
                return False
        return True

    # --- drawing ---------------------------------------------------------------------------------------------------

    def write(self, data: str) -> None:
        """Write to the terminal; nothing while it is not ours."""
        if self._is_taken:
            self._writer.write(data)

    def _draw_again(self) -> None:
        self._tell_size()
        self._shell.draw_all()

    def _tell_size(self) -> None:
        self._size = self._terminal.size()
        size = Size(*self._size)
        self.send_message(events.Resize(size, size))

    def _on_caught_up(self) -> None:
        """From the writer's thread: something was dropped while nobody read."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._shell.draw_all)

    def _on_gone(self) -> None:
        """From a thread: there is no terminal any more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._shell.leave, 128 + signal.SIGHUP)


class _Input:
    """The thread that hears keys, from its making until `end`."""

    def __init__(self, driver: QuietDriver, fileno: int) -> None:
        self._driver = driver
        self._fileno = fileno
        self._wake_read, self._wake_write = os.pipe()
        self._is_over = threading.Event()
        self._thread = threads.start(self._run, "hopscope-keys")

    def end(self) -> None:
        """End at once: a pipe wakes the thread, unless it has ended by itself as there is no terminal any more."""
        self._is_over.set()
        os.write(self._wake_write, b"x")
        self._thread.join(DRAIN_S)
        os.close(self._wake_write)
        if not self._thread.is_alive():
            os.close(self._wake_read)

    def _run(self) -> None:
        try:
            self._hear()
        except Exception:  # noqa: BLE001 - shown where the screen was
            import rich.traceback

            self._driver._app.call_later(self._driver._app.panic, rich.traceback.Traceback())

    def _hear(self) -> None:
        keys = Keys(self._driver._debug)
        restless = True
        while not self._is_over.is_set():
            ready, _, _ = select.select([self._fileno, self._wake_read], [], [], TICK_S if restless else None)
            if self._is_over.is_set():
                break
            data = self._read() if self._fileno in ready else b""
            if data is None:
                self._driver._on_gone()
                break
            restless = bool(data) or keys.are_in_a_paste
            now_s = time.monotonic()
            heard = [*keys.feed(data, now_s), *keys.tick(now_s)]
            for event in heard:
                self._driver.process_message(event)
            if len(heard) > AT_ONCE:
                self._wait_until_handled()
        for event in keys.end():
            self._driver.process_message(event)

    def _wait_until_handled(self) -> None:
        """More than fingers type: what comes faster than it can be handled waits in the terminal, not in memory."""
        handled = threading.Event()
        app = self._driver._app

        def ask_screen() -> None:  # the mouse's events are the screen's, which has a queue of its own
            if not app.screen.call_later(handled.set):
                handled.set()

        with contextlib.suppress(RuntimeError):
            self._driver._loop.call_soon_threadsafe(app.call_later, ask_screen)
        for _ in range(HANDLED_TICKS):
            if handled.wait(TICK_S) or self._is_over.is_set():
                return

    def _read(self) -> bytes | None:
        """What was typed; empty where it was typed for somebody else; None where there is no terminal any more."""
        if not self._driver._terminal.is_ours_to_use():
            time.sleep(TICK_S)
            return b""
        try:
            return os.read(self._fileno, READ) or None
        except BlockingIOError:
            return b""
        except OSError:
            # This thread takes no SIGTTIN: in the background a read fails, as it does where no terminal is left.
            return None if self._driver._terminal.is_ours_to_use() else b""
