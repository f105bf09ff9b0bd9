"""Signals for an event loop: each sets a flag, none is lost, and one that asks for the end is obeyed.

asyncio's ``add_signal_handler`` hands a signal over as a byte in the pipe that wakes the loop up, and
``call_soon_threadsafe`` fills the same pipe: where a busy thread has filled it, the signal is dropped. Here Python's
own handler (signal(7), `signal.signal`) sets the flag, and the loop is woken up besides: a pipe that is full wakes it
as well as one more byte would.

A thread behind that sees to it that the end comes: where the loop does not turn any more (blocked in a write to a
terminal that nobody reads), it calls `last_resort` with the signal and ends the process. It does so at once where a
thread met what it cannot get over (SIGBUS): the kernel lets it try that again and again, and the others go on meanwhile
if it has let go of the interpreter's lock, as SQLite does.
"""

from __future__ import annotations

import asyncio
import operator
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Final, Never, Self

from hopscope.system import threads

STUCK_S: Final = 2.0
"""After a signal to end, a loop that does not turn for this long is stuck."""
LONGEST_S: Final = 10.0
"""The program has this long to end in order after such a signal, while its loop turns."""


def _nothing(_number: int) -> None:
    """The last resort of a program that leaves nothing behind."""


class Signals:
    """Handlers of signals for the running loop: a context manager for the main thread.

    `handlers` are called on the loop, with the signal's number. `ending` are those of them after which the program
    must end; one of `fatal` has no handler, and ends it at once. A signal that whoever started us wants ignored (nohup)
    stays so.
    """

    def __init__(
        self,
        handlers: Mapping[int, Callable[[int], object]],
        *,
        ending: Collection[int] = (),
        fatal: Collection[int] = (),
        last_resort: Callable[[int], None] = _nothing,
        stuck_s: float = STUCK_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self.end: int | None = None
        """The first signal that asked for the end. Set the moment it comes, also while the loop does not turn."""
        self.seen: dict[int, int] = dict.fromkeys(handlers, 0)
        """How often each came. Set at once, too."""
        self._handlers = handlers
        self._ending = frozenset(ending)
        self._fatal = frozenset(fatal)
        self._last_resort = last_resort
        self._stuck_s = stuck_s
        self._longest_s = longest_s
        self._loop = asyncio.get_running_loop()
        self._before: dict[int, Any] = {}
        self._is_over = threading.Event()
        self._pipe: tuple[int, int] | None = None
        self._pipe_before = -1

    def __enter__(self) -> Self:
        self._begin_to_watch()
        for number in self._handlers:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._caught)
        for number in self._fatal if self._pipe is not None else ():
            # What does nothing, and is no function of Python's: that would be begun anew before it has ended.
            self._before[number] = signal.signal(number, operator.is_)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_DFL if before is None else before)
        self._before.clear()
        self._end_watching()

    def _caught(self, number: int, _frame: FrameType | None) -> None:
        """Runs in the main thread, between any two steps of it: it takes no lock, and only sets and appends."""
        self.seen[number] += 1
        if number in self._ending and self.end is None:
            self.end = number
        with suppress(RuntimeError):  # the loop is closed: the end is near anyway
            self._loop.call_soon_threadsafe(self._handlers[number], number)

    # --- the watch --------------------------------------------------------------------------------------------

    def _begin_to_watch(self) -> None:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            threads.start(lambda: self._watch(reading), "hopscope-signals")
        except RuntimeError:  # no room for a thread: the handlers do without
            os.close(reading)
            os.close(writing)
            return
        self._pipe = reading, writing
        self._pipe_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def _end_watching(self) -> None:
        if self._pipe is not None:
            signal.set_wakeup_fd(self._pipe_before)
            self._is_over.set()
            os.close(self._pipe[1])  # which ends the thread
            self._pipe = None

    def _watch(self, reading: int) -> None:
        """Wait for a signal to end; the interpreter writes the number of each that comes into this pipe."""
        while numbers := os.read(reading, 64):
            for number in numbers:
                if number in self._fatal:
                    self._force(number)
                if number in self._ending:
                    self._see_to(number)
        os.close(reading)

    def _see_to(self, number: int) -> None:
        """Wait for the end; force it where the loop is stuck."""
        latest = time.monotonic() + self._longest_s
        turned = threading.Event()
        while not self._is_over.is_set():
            turned.clear()
            try:
                self._loop.call_soon_threadsafe(turned.set)
            except RuntimeError:
                return
            if not turned.wait(self._stuck_s) or time.monotonic() > latest:
                if self._is_over.is_set():
                    return
                self._force(number)
            self._is_over.wait(min(0.25, self._stuck_s))

    def _force(self, number: int) -> Never:
        """End now."""
        try:
            self._last_resort(number)
        finally:
            os._exit(128 + number)
