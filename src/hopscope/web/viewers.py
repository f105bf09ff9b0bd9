"""Viewers' processes, each on a terminal of its own (pty(7)), for an event loop.

They are forked from one process that has loaded all that a screen needs (`hopscope.cli.viewers`): a page is there at
once, and what they have in common is in memory once.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

READ: Final = 1 << 16
END_S: Final = 3.0
"""A viewer whose terminal is gone has so long to end in order."""
FORK_S: Final = 20.0
"""The process that they are forked from has so long to come up, and to answer."""
MOST_TYPED: Final = 1 << 16
"""Bytes that wait for a viewer to read them."""
MOST_COLUMNS, MOST_LINES = 440, 125
"""As many as a wall of 3840 x 2160 pixels shows; each cell costs a viewer memory."""


class Viewers:
    """The process that viewers are forked from. It has a session of its own, so that ctrl-c is the server's alone, and
    ends with its end of a pair of sockets, however the server ends."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """`command` is an argument list; the number of its socket's descriptor is put behind it."""
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None
        self._one_asks = asyncio.Lock()

    def begin(self) -> None:
        """Start it. `OSError`."""
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._door.setblocking(False)
            self._process = subprocess.Popen(
                [*self._command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._environment,
                close_fds=True,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def end(self) -> None:
        """End it, at once, since it holds nothing; viewers that were forked already go on. Idempotent."""
        if self._door is not None and self._process is not None:
            self._door.close()
            self._process.kill()
            self._process.wait()
            self._door = self._process = None

    async def fork(self, columns: int, lines: int) -> Viewer:
        """A new viewer. `OSError`, `TimeoutError`."""
        ours, theirs = os.openpty()
        try:
            os.set_blocking(ours, False)
            async with self._one_asks:
                return Viewer(await self._asked(theirs), ours, columns, lines)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)

    async def _asked(self, terminal: int) -> int:
        if self._process is not None and self._process.poll() is not None:
            self.end()
        if self._door is None:
            self.begin()
        door = self._door
        assert door is not None
        loop = asyncio.get_running_loop()
        try:
            socket.send_fds(door, [b"\0"], [terminal])
            async with asyncio.timeout(FORK_S):
                await _ready(lambda call: loop.add_reader(door, call), lambda: loop.remove_reader(door))
            _, descriptors, _, _ = socket.recv_fds(door, 1, 1)
        except BaseException:  # what it answers to the next one would be this one's
            self.end()
            raise
        if not descriptors:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return descriptors[0]


class Viewer:
    """A process on a terminal. Whoever has one ends it."""

    def __init__(self, process: int, terminal: int, columns: int, lines: int) -> None:
        """A descriptor of the process (pidfd_open(2)), and this side of its terminal."""
        self._process = process
        self._terminal = terminal
        self._typed = bytearray()
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        """Tell it the terminal's size, within reason."""
        columns, lines = min(max(columns, 1), MOST_COLUMNS), min(max(lines, 1), MOST_LINES)
        with suppress(OSError):
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    async def read(self) -> bytes:
        """What it drew next; empty where it ended."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._terminal, READ)
            except BlockingIOError:
                await _ready(
                    lambda call: loop.add_reader(self._terminal, call), lambda: loop.remove_reader(self._terminal)
                )
            except OSError as error:
                if error.errno == errno.EIO:  # nobody holds the other end any more
                    return b""
                raise

    def write(self, data: bytes) -> None:
        """Type something. What it does not read yet is kept, `MOST_TYPED` bytes at the most: nobody waits for it, who
        could not be heard meanwhile."""
        self._typed += data[: MOST_TYPED - len(self._typed)]
        self._type()

    def _type(self) -> None:
        try:
            del self._typed[: os.write(self._terminal, self._typed)]
        except BlockingIOError:
            pass
        except OSError:
            self._typed.clear()
        loop = asyncio.get_running_loop()
        if self._typed:
            loop.add_writer(self._terminal, self._type)
        else:
            loop.remove_writer(self._terminal)

    async def end(self) -> None:
        """Take its terminal away, and wait for its end, which is forced after `END_S`. Once."""
        loop = asyncio.get_running_loop()
        loop.remove_writer(self._terminal)
        os.close(self._terminal)
        try:
            # Of the lost terminal it hears by itself, unless it has not taken it yet.
            for number in (signal.SIGHUP, signal.SIGKILL):
                self._signal(number)
                with suppress(TimeoutError):
                    async with asyncio.timeout(END_S):
                        await _ready(
                            lambda call: loop.add_reader(self._process, call),
                            lambda: loop.remove_reader(self._process),
                        )
                    return
        finally:
            os.close(self._process)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, number)


async def _ready(begin: Callable[[Callable[[], object]], object], end: Callable[[], object]) -> None:
    event = asyncio.Event()
    begin(event.set)
    try:
        await event.wait()
    finally:
        end()
