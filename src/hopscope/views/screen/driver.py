"""Textual's driver for Linux and its kin, without its ten wake-ups a second, and with pastes that are text.

Textual's input thread looks every 0.1 s whether half an escape sequence is waiting. Here it does so only after input,
and otherwise sleeps until there is some: a screen that is left open for days should cost what it draws, not more.
"""

from __future__ import annotations

import contextlib
import os
import select
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from hopscope.views.screen.pastes import Pastes

if TYPE_CHECKING:
    from textual.app import App

TICK_S = 0.1
"""How long half an escape sequence may wait for its other half before it is a key of its own."""


class QuietDriver(LinuxDriver):
    """Ends at once, too: a pipe wakes the input thread where Textual's waits for its next look."""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)

    def run_input_thread(self) -> None:
        """Dispatch input until `disable_input`."""
        parser = XTermParser(self._debug)
        pastes = Pastes()
        decode = getincrementaldecoder("utf-8")("replace").decode
        sources = [self.fileno, self._wake_read]
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 64)  # what woke the thread before, which then ended
        restless = True
        while not self.exit_event.is_set():
            ready, _, _ = select.select(sources, [], [], TICK_S if restless else None)
            data = os.read(self.fileno, 1 << 12) if self.fileno in ready else b""
            if self.fileno in ready and not data:
                break  # the terminal is gone
            restless = bool(data)
            for event in parser.feed(text) if (text := pastes.feed(decode(data))) else ():
                self.process_message(event)
            for event in parser.tick():
                self.process_message(event)
        with contextlib.suppress(EOFError, ParseError):
            for event in parser.feed(""):
                self.process_message(event)

    def disable_input(self) -> None:
        """Stop listening, at once. The pipe is emptied only by the next thread: this one may wake before it is told to
        end, and must then not sleep again."""
        os.write(self._wake_write, b"x")
        super().disable_input()

    def close(self) -> None:
        """Let go of everything."""
        super().close()
        os.close(self._wake_read)
        os.close(self._wake_write)
