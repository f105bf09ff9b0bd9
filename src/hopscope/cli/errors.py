"""What ends the program with one line on standard error."""

from __future__ import annotations

import errno

OK = 0
NOT_REACHED = 1
USAGE = 2
NOT_ALLOWED = 3
WORKER = 4
BROKEN_ASSERTION = 5
SIGNALLED = 128


class UsageError(Exception):
    """The command line, the environment's options or the configuration are wrong: what, which value, what to try."""


_NO_ROOM = {
    errno.EMFILE: "this program may open no more files (ulimit -n); end some targets, or raise the limit",
    errno.ENFILE: "this computer can open no more files",
    errno.ENOMEM: "this computer has no memory left",
    errno.EAGAIN: "this user may start no more threads or processes (ulimit -u); end some, or raise the limit",
}


def no_room(error: BaseException) -> str | None:
    """A line on what this computer has no more of, where that is what the error is about; None where it is not."""
    if isinstance(error, MemoryError):
        return _NO_ROOM[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return _NO_ROOM[errno.EAGAIN]
    return _NO_ROOM.get(error.errno or 0) if isinstance(error, OSError) else None
