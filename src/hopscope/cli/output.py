"""Where a report goes: standard output or a file, written at once, every error of writing one line.

Bytes go straight to the descriptor: nothing is left in a buffer whose flush could fail when nobody looks any more.
"""

from __future__ import annotations

import errno
import os
import re
import select
import stat
import sys
import time
from contextlib import suppress
from typing import Final

from hopscope.cli.errors import UsageError
from hopscope.cli.replacing import NO_ROOM, is_replaceable, open_own, overwrite, replace
from hopscope.cli.values import shown
from hopscope.system.files import handed_over

READER_S = 3.0
"""A named pipe may wait this long for somebody to read from it: open(2), ENXIO."""
MOST_SAID = 1000
"""Characters of a line on standard error."""
_AT_ONCE = select.PIPE_BUF
"""Where there is room at all, so many bytes can be written without waiting: pipe(7). A longer text goes in parts."""


_STANDARD: Final = {"/dev/stdout": 1, "/dev/stderr": 2}
_OPEN_ALREADY: Final = re.compile(r"/dev/stdout|/dev/stderr|/(?:dev|proc/self)/fd/([0-9]{1,6})")


_opened: dict[str, tuple[int, bool]] = {}
"""What `open_early` opened, until it is taken by an `Output`."""


_REMOVED: Final = "somebody removed it meanwhile"


class OutputError(Exception):
    """What is written cannot be written; the message says where and why."""


class ClosedPipe(Exception):
    """Nobody reads any more."""


def keep_standard_descriptors() -> None:
    """A standard descriptor that is closed must not become a socket's or a pipe's: fill it with what cannot be written
    (or, as standard input, read empty)."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one. Opened for reading, so that writing to it is an error.
            os.open(os.devnull, os.O_RDONLY)


class Output:
    """An open place to write to."""

    def __init__(self, path: str | None = None) -> None:
        """`path` None: standard output. `UsageError` where the file cannot be opened."""
        self._path = path
        self._descriptor = 1
        self._is_old = False
        """What stands in the file was there before."""
        self._is_named = False
        """It is a plain file that stands in a folder."""
        if path is not None:
            try:
                self._descriptor, is_open_already = _opened.pop(path) if path in _opened else _open(path)
            except (OSError, ValueError) as error:
                raise UsageError(f"--output {shown(path)}: {getattr(error, 'strerror', None) or error}") from None
            there = os.fstat(self._descriptor)
            self._is_old = not is_open_already and stat.S_ISREG(there.st_mode)
            self._is_named = self._is_old and there.st_nlink > 0

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees it at once."""
        return os.isatty(self._descriptor)

    def write(self, text: str) -> None:
        """All of it, now, behind what was written before. `ClosedPipe`, `OutputError`."""
        self._write(text.encode("utf-8", "backslashreplace"))

    def _write(self, data: bytes, *, is_whole: bool = False) -> None:
        try:
            if is_whole and self._put_in_place(data):
                return
            if self._is_old:
                self._empty()
            _write_bytes(self._descriptor, data)
        except BrokenPipeError:
            raise ClosedPipe from None
        except OSError as error:
            name = "standard output" if self._path is None else shown(self._path)
            raise OutputError(f"{name}: {error.strerror}") from None

    async def send(self, text: str) -> None:
        """As `write`, but while a slow reader makes it wait, the event loop goes on, and it can be cancelled. What is
        no longer than a line mostly is, is written whole or not at all."""
        data = text.encode("utf-8", "backslashreplace")
        for start in range(0, len(data), _AT_ONCE):
            if not _is_writable(self._descriptor):
                await _until_writable(self._descriptor)
            self._write(data[start : start + _AT_ONCE])

    def _empty(self) -> None:
        """What the file held before goes only when there is something to put in its place."""
        self._is_old = False
        os.ftruncate(self._descriptor, 0)

    def _put_in_place(self, data: bytes) -> bool:
        """Let a plain file have this content, or keep what it has: whether that is done."""
        if self._path is None or not self._is_old:
            return False
        self._is_old = False
        there = os.fstat(self._descriptor)
        if self._is_named and not there.st_nlink:
            raise OSError(errno.ENOENT, _REMOVED)
        if is_replaceable(there, self._path):
            try:
                replace(self._path, data, known=there)
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise  # else it is the folder that cannot be written to, and the file can
            else:
                self._is_named = False  # another one is
                return True
        overwrite(self._descriptor, data)
        return True

    def save(self, text: str) -> None:
        """A whole document, as all that there is to write: of a plain file the old content stays until the new one is
        there. What cannot be written is said on standard output or error instead, before `OutputError` is raised."""
        try:
            self._write(text.encode("utf-8", "backslashreplace"), is_whole=True)
        except OutputError:
            for spare in (1, 2) if self._path is not None else (2,):
                try:
                    write_all(spare, text)
                except OSError:
                    continue
                break
            raise

    def close(self) -> None:
        """Of a file: an error of writing that shows only now. Idempotent."""
        if self._path is not None and self._descriptor > 2:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                is_gone = self._is_named and not os.fstat(descriptor).st_nlink
                os.close(descriptor)
                if is_gone:
                    raise OSError(errno.ENOENT, _REMOVED)
            except OSError as error:
                raise OutputError(f"{shown(self._path)}: {error.strerror}") from None


def open_early(path: str) -> None:
    """Open what an `Output` will want while this process may do more than later. What is wrong is said then; a pipe is
    not waited for."""
    with suppress(OSError, ValueError):
        if os.path.exists(path) and not os.path.isfile(path):
            return
        _opened[path] = _open(path)


def _open(path: str) -> tuple[int, bool]:
    """A descriptor for writing, and whether it was open already. Such a one is taken as it is: that it could also be
    opened by its name is not sure (sudo's terminal is root's), and what it appends to is not to be emptied."""
    match = _OPEN_ALREADY.fullmatch(path)
    if match is not None:
        return os.dup(_STANDARD[path] if path in _STANDARD else handed_over(int(match[1]))), True
    opened = open_own if os.geteuid() == 0 and sys.platform.startswith("linux") else os.open
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    latest = time.monotonic() + READER_S
    while True:
        try:
            descriptor = opened(path, flags, 0o666)
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(os.stat(path).st_mode):
                raise
            if time.monotonic() > latest:
                raise OSError(errno.ENXIO, "nobody reads from it") from None
            time.sleep(0.05)
        else:
            os.set_blocking(descriptor, True)
            return descriptor, False


def write_all(descriptor: int, text: str) -> None:
    """Every byte of `text` in UTF-8. `OSError`."""
    _write_bytes(descriptor, text.encode("utf-8", "backslashreplace"))


def _write_bytes(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


_speaker = "hopscope"


def speak_as(program: str) -> None:
    """From now on each line of `say` begins with this name."""
    global _speaker
    _speaker = program


def say(line: str) -> None:
    """A line of narration on standard error, headed by who speaks, unless it begins with a blank and so goes on with
    what was said before. Where it cannot be written, nothing can be said. Cut where a file's key of a megabyte stands
    in it."""
    if len(line) > MOST_SAID:
        line = f"{line[:MOST_SAID]}…"
    try:
        write_all(2, f"{line}\n" if line.startswith(" ") else f"{_speaker}: {line}\n")
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EBADF, errno.EIO, errno.ENOSPC):
            raise


def _is_writable(descriptor: int) -> bool:
    """Whether writing would not wait; true of what ends in an error, too."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


async def _until_writable(descriptor: int) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    loop.add_writer(descriptor, writable.set)
    try:
        await writable.wait()
    finally:
        loop.remove_writer(descriptor)
