"""The terminal that is lent to the program: what it is asked for, and how it is given back as it was found.

Three things are taken: its modes (termios(3)), its screen and cursor (xterm's control sequences), its reports of keys,
mouse, focus and pastes. `ENTER` and `LEAVE` are each other's opposite, sequence by sequence, so that whatever order
they come in, what is behind the last `LEAVE` is as it was before the first `ENTER`.
"""

from __future__ import annotations

import os
import signal
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

ENTER: Final = "".join(
    (
        "\x1b[?1049h",  # the alternate screen, the cursor kept
        "\x1b[?25l",  # no cursor
        "\x1b[?1004h",  # focus reports
        "\x1b[>25u",  # kitty's keyboard protocol: disambiguate, all keys, their text; pushed on the terminal's stack
        "\x1b[?2004h",  # bracketed paste
        "\x1b[?7l",  # no wrapping
        "\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h",  # the mouse: last, as iTerm wants it
    )
)
LEAVE: Final = "".join(
    (
        "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l",
        "\x1b[?7h",
        "\x1b[?2004l",
        "\x1b[<u",  # before the screen is left: each screen has a stack of its own
        "\x1b[?1004l",
        "\x1b[?1049l",
        "\x1b[?25h",
    )
)
UNFINISHED: Final = "\x1b\\\x1b[?2026l"
"""Ends whatever sequence, and whatever drawing, was cut short."""
FORCED_S: Final = 0.5
"""The last sequences wait for a terminal that is not read for this long."""
MOST_COLUMNS, MOST_LINES = 1000, 500
"""No terminal is larger, whatever it says: each cell costs memory and time."""
USUAL_SIZE: Final = (80, 25)


class Terminal:
    """The terminal of two descriptors: one is read, one written. Which of both states it is in, is the caller's."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing
        self._found: list[Any] | None = None
        """Its modes as they were found; None: it has none (or is gone)."""
        self._ours: list[Any] | None = None

    def is_ours_to_use(self) -> bool:
        """Whether this program is in the terminal's foreground: tcgetpgrp(3). True where it has no job control."""
        try:
            return os.tcgetpgrp(self._reading) == os.getpgrp()
        except OSError:
            return True

    def take_modes(self) -> None:
        """Remember the modes, and set those of a screen. Idempotent after `give_modes_back` alone."""
        try:
            self._found = termios.tcgetattr(self._reading)
        except termios.error:
            self._found = None
            return
        self._ours = raw(self._found)
        self._set(self._ours)

    def keep_modes(self) -> None:
        """Set a screen's modes again, after somebody else may have set others; what was found stays what it was."""
        if self._ours is not None:
            self._set(self._ours)

    def give_modes_back(self) -> None:
        """As they were found. From the background only where they are still ours: whoever is in front has their own."""
        if self._found is None:
            return
        with suppress(termios.error):
            if self.is_ours_to_use():
                termios.tcflush(self._reading, termios.TCIFLUSH)
                self._set(self._found)
            elif termios.tcgetattr(self._reading) == self._ours:
                self._set(self._found)

    def let_output_go(self) -> None:
        """Where somebody has stopped it (ctrl-S, termios(3), TCOOFF), no last word would come out."""
        with suppress(termios.error):
            termios.tcflow(self._writing, termios.TCOON)

    def force_back(self, words: str = "") -> None:
        """Everything, of a terminal that may not be read: what waits to be written is thrown away, and nothing here
        waits for longer than `FORCED_S`. `words` are the last. For any thread."""
        with background_writes():
            with suppress(termios.error):
                termios.tcflush(self._writing, termios.TCOFLUSH)
                termios.tcflow(
                    self._writing, termios.TCOON
                )  # somebody may have stopped it (ctrl-S): no word would come
            self.give_modes_back()
            last = threading.Thread(target=self._write_last, args=(words,), daemon=True)
            with suppress(RuntimeError):
                last.start()
                last.join(FORCED_S)

    def size(self) -> tuple[int, int]:
        """Columns and lines: what the kernel knows of the terminal (ioctl_tty(2)), never an environment variable."""
        for descriptor in (self._writing, self._reading):
            try:
                columns, lines = os.get_terminal_size(descriptor)
            except OSError:
                continue
            if columns > 0 and lines > 0:
                return min(columns, MOST_COLUMNS), min(lines, MOST_LINES)
        return USUAL_SIZE

    def _set(self, modes: list[Any]) -> None:
        with suppress(termios.error):
            termios.tcsetattr(self._reading, termios.TCSANOW, modes)

    def _write_last(self, words: str) -> None:
        with suppress(OSError):
            os.write(self._writing, (UNFINISHED + LEAVE + words).encode())


def raw(modes: list[Any]) -> list[Any]:
    """Modes of a screen: each key at once, none echoed, none a signal, none of flow control."""
    ours = [*modes[: tty.CC], list(modes[tty.CC])]
    ours[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    ours[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
    ours[tty.CC][termios.VMIN] = 1
    ours[tty.CC][termios.VTIME] = 0
    return ours


@contextmanager
def background_writes() -> Iterator[None]:
    """Meanwhile this thread may change and write to a terminal from its background, without being stopped for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTTOU,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
