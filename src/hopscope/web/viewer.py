"""A viewer's process on a terminal of its own (pty(7)), for an event loop."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

READ: Final = 1 << 16
END_S: Final = 3.0
"""A viewer whose terminal is gone has so long to end in order."""
LOOK_S: Final = 0.05
MOST_COLUMNS, MOST_LINES = 1000, 500


class Viewer:
    """A process that believes itself on a terminal. Whoever starts one ends it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], columns: int, lines: int) -> None:
        """Start it, by an argument list. `OSError`."""
        self._ours, theirs = os.openpty()
        try:
            os.set_blocking(self._ours, False)
            self.resize(columns, lines)
            self._process = subprocess.Popen(
                command,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                env=environment,
                close_fds=True,
                start_new_session=True,  # so that the terminal can be its own, and its end the process's (SIGHUP)
            )
        except BaseException:
            os.close(self._ours)
            raise
        finally:
            os.close(theirs)
        self.pid = self._process.pid

    def resize(self, columns: int, lines: int) -> None:
        """Tell it the terminal's size, within reason."""
        columns, lines = min(max(columns, 1), MOST_COLUMNS), min(max(lines, 1), MOST_LINES)
        with suppress(OSError):
            fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    async def read(self) -> bytes:
        """What it drew next; empty where it ended."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._ours, READ)
            except BlockingIOError:
                await _ready(lambda call: loop.add_reader(self._ours, call), lambda: loop.remove_reader(self._ours))
            except OSError as error:
                if error.errno == errno.EIO:  # nobody holds the other end any more
                    return b""
                raise

    async def write(self, data: bytes) -> None:
        """Type something; waits while it reads nothing."""
        loop = asyncio.get_running_loop()
        while data:
            try:
                data = data[os.write(self._ours, data) :]
            except BlockingIOError:
                await _ready(lambda call: loop.add_writer(self._ours, call), lambda: loop.remove_writer(self._ours))
            except OSError:
                return

    async def end(self) -> None:
        """Take its terminal away, and wait for its end, which is forced after `END_S`. Idempotent."""
        if self._ours >= 0:
            ours, self._ours = self._ours, -1
            os.close(ours)
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGHUP)  # it may not have taken the terminal yet
        for _ in range(round(END_S / LOOK_S)):
            if self._process.poll() is not None:
                return
            await asyncio.sleep(LOOK_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


async def _ready(begin: Callable[[Callable[[], object]], object], end: Callable[[], object]) -> None:
    event = asyncio.Event()
    begin(event.set)
    try:
        await event.wait()
    finally:
        end()
