"""Writes to a terminal from a thread, so that one that nobody reads holds nothing else up.

What cannot be written yet waits, up to `MOST_WAITING` characters. Beyond that all that waits is dropped, and once the
terminal takes bytes again whoever draws is asked for the whole screen: a drawing that is out of date is worth nothing.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from hopscope.system import threads

MOST_WAITING: Final = 1 << 17
"""Characters. A drawing of its own may be longer: it is taken where nothing waits before it."""
AT_ONCE: Final = 4096
"""Bytes of one write: while it waits for the terminal it can be neither taken back nor cut short."""


def _nothing() -> None:
    """For whoever does not mind."""


class Writer:
    """One descriptor's bytes, in order. `caught_up` is called from the thread once all is written after a drop, `gone`
    when there is no terminal any more."""

    def __init__(
        self, descriptor: int, caught_up: Callable[[], None] = _nothing, gone: Callable[[], None] = _nothing
    ) -> None:
        """`RuntimeError` where no thread can be started."""
        self._descriptor = descriptor
        self._caught_up = caught_up
        self._gone = gone
        self._changed = threading.Condition()
        self._queue: deque[str] = deque()
        self._waiting = 0
        """Characters in the queue and in the write under way."""
        self._is_writing = False
        self._has_dropped = False
        self._is_cut = False
        self._is_over = False
        threads.start(self._run, "hopscope-terminal")

    def write(self, text: str) -> None:
        """Write this as soon as the terminal takes it. Never waits."""
        with self._changed:
            if self._is_over or self._is_cut:
                return
            # Where no write is under way, nobody would notice that it is time to draw again; and nothing is slow.
            if self._is_writing and self._waiting + len(text) > MOST_WAITING:
                self._drop()
                self._has_dropped = True
                return
            if not self._has_dropped:
                self._queue.append(text)
                self._waiting += len(text)
                self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until everything is written, so long at the most. Whether it was."""
        end = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, max(0.0, end - time.monotonic()))

    def cut(self) -> None:
        """Write nothing any more; only the write under way may end. For any thread."""
        with self._changed:
            self._is_cut = True
            self._drop()

    @property
    def is_cut(self) -> bool:
        """Whether nothing is written any more."""
        return self._is_cut

    def end(self) -> None:
        """End once all is written. Does not wait."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _drop(self) -> None:
        self._waiting -= sum(map(len, self._queue))
        self._queue.clear()
        self._changed.notify_all()

    def _run(self) -> None:
        # What is given back from the background is written there, too, whether or not the terminal has TOSTOP set: a
        # thread that takes no signal is not stopped for it.
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._is_over)
                if not self._queue:
                    return
                text = "".join(self._queue)
                self._queue.clear()
                self._is_writing = True
            is_written = self._write(text.encode("utf-8", "replace"))
            with self._changed:
                self._waiting -= len(text)
                self._is_writing = False
                is_late = self._has_dropped and not self._queue
                self._has_dropped = self._has_dropped and not is_late
                self._is_over = self._is_over or not is_written
                self._changed.notify_all()
            if not is_written:
                self._gone()
                return
            if is_late:
                self._caught_up()

    def _write(self, data: bytes) -> bool:
        """Whether there still is a terminal."""
        left = memoryview(data)
        try:
            while left and not self._is_cut:
                left = left[os.write(self._descriptor, left[:AT_ONCE]) :]
        except BlockingIOError:
            # Somebody who shares the terminal made it so (O_NONBLOCK belongs to all who share it): wait, and go on.
            select.select([], [self._descriptor], [], 1.0)
            return self._write(bytes(left))
        except OSError:
            return False
        return True
