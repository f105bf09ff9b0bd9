"""How a session speaks to a worker: bytes there and back, its end, its last words.

`Transport` is all that the session knows of where its worker is. `WorkerPipes` is a process of this machine, or a
command that reaches another one (ssh): its pipes on the running loop, commands without ever blocking.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from hopscope.session.launch import WorkerProcess
from hopscope.system.background import in_background

_PIPE_BYTES: Final = 1 << 20
"""Of what a worker says that nobody has read yet, as much as any user may have in a pipe (pipe(7)): with many targets
the usual 64 KiB are some milliseconds' worth, and who of the two waits for the other loses time that it lacks then."""
_CHUNK: Final = 1 << 15
"""Bytes read in one turn of the loop, some 160 events: what else waits, a key or a signal, is not kept for long."""


class Transport(Protocol):
    """One worker that was started and greeted."""

    @property
    def pid(self) -> int | None:
        """Its process on this machine; None where that is not known."""
        ...

    @property
    def greeted_at(self) -> int:
        """When it was said hello to, monotonic ns of this process."""
        ...

    def open(self, on_bytes: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """From now on `on_bytes` gets what it says as it comes, and `on_end` is called once, when no more will."""

    def send(self, data: bytes) -> None:
        """Send bytes, in order, as soon as it takes them; what a worker that is gone would get is dropped."""

    def kill(self) -> None:
        """End it at once. Its end is then noticed as any other."""

    async def close(self) -> int:
        """End it and let go of it; its exit status, negative for a signal. Idempotent."""
        ...

    def last_words(self) -> str:
        """The last line that it wrote to standard error, as it came; empty where there is none."""
        ...


class WorkerPipes:
    """`Transport` over a process's pipes. For the loop in which `open` is called."""

    def __init__(self, launched: WorkerProcess) -> None:
        process = launched.process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._launched = launched
        self._source = process.stdout.fileno()
        self._sink = process.stdin.fileno()
        self._words = process.stderr.fileno()
        self._out = bytearray()
        self._is_writing = False
        self._is_open = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def pid(self) -> int | None:
        """See `Transport`."""
        return self._launched.process.pid

    @property
    def greeted_at(self) -> int:
        """See `Transport`."""
        return self._launched.greeted_at

    def open(self, on_bytes: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """See `Transport`."""
        self._on_bytes, self._on_end = on_bytes, on_end
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        os.set_blocking(self._source, False)
        os.set_blocking(self._sink, False)
        _widen(self._source)
        self._loop.add_reader(self._source, self._read)
        self._loop.add_reader(self._words, self._hear_words)

    def send(self, data: bytes) -> None:
        """See `Transport`."""
        if self._is_open:
            self._out += data
            if not self._is_writing:
                self._write()

    def kill(self) -> None:
        """See `Transport`."""
        self._launched.kill()

    async def close(self) -> int:
        """See `Transport`."""
        self._let_go()
        await in_background(self._launched.close)
        return self._launched.process.returncode or 0

    def last_words(self) -> str:
        """See `Transport`."""
        return self._launched.last_words()

    def _read(self) -> None:
        try:
            data = os.read(self._source, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_bytes(data)
        elif self._is_open:
            self._let_go()
            self._on_end()

    def _write(self) -> None:
        assert self._loop is not None
        try:
            while self._out:
                written = os.write(self._sink, self._out[:_CHUNK])
                del self._out[:written]
        except BlockingIOError:
            if not self._is_writing:
                self._is_writing = True
                self._loop.add_writer(self._sink, self._write)
            return
        except OSError:  # it is gone; its output's end will say so
            self._out.clear()
        if self._is_writing:
            self._is_writing = False
            self._loop.remove_writer(self._sink)

    def _hear_words(self) -> None:
        assert self._loop is not None
        if not self._launched.hear_words():
            self._loop.remove_reader(self._words)

    def _let_go(self) -> None:
        if self._is_open and self._loop is not None:
            self._is_open = False
            self._loop.remove_reader(self._source)
            self._loop.remove_reader(self._words)
            if self._is_writing:
                self._loop.remove_writer(self._sink)


def _widen(pipe: int) -> None:
    """As far as this system does that."""
    with suppress(ImportError, OSError):
        from fcntl import F_SETPIPE_SZ, fcntl

        fcntl(pipe, F_SETPIPE_SZ, _PIPE_BYTES)
