"""A small process beside a front end that Landlock confines: it makes the files that somebody names on the screen.

What ``w`` writes is named long after the front end has given up to write anywhere. The scribe was there before, reads
nothing, and does one thing: make a new file whose ending is a report's, not hidden, in a folder that is neither hidden
nor the system's, and hand its descriptor over. So whoever got the better of the front end could leave reports.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from hopscope.sandbox import landlock
from hopscope.sandbox.landlock import Rule

_SYSTEM: Final = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/proc", "/run", "/sbin", "/sys"),
    *("/usr", "/var/lib", "/var/spool"),
)
_LONGEST_PATH: Final = 4096
_REFUSED: Final = errno.EPERM


class Scribe:
    """The front end's end of it."""

    def __init__(self, suffixes: Iterable[str]) -> None:
        """Begins the process, for files with these endings (``txt``). `OSError`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            child = os.fork()
            if child == 0:
                ours.close()
                _leave_to_init(theirs, frozenset(suffixes))
        os.waitpid(child, 0)
        self._socket = ours

    def create(self, path: str) -> int:
        """A descriptor for writing, of a new file; it belongs to the caller. `OSError`."""
        data = os.fsencode(os.path.abspath(path))
        if len(data) > _LONGEST_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        try:
            self._socket.send(data)
            said, descriptors, _, _ = socket.recv_fds(self._socket, 16, 1)
        except OSError:
            said, descriptors = b"", []
        if descriptors:
            os.set_inheritable(descriptors[0], False)
            return descriptors[0]
        number = int(said or str(_REFUSED))
        words = os.strerror(number)
        if number == _REFUSED:
            words = "as root, files are written neither into the system's folders nor into hidden ones"
        raise OSError(number, words, path)

    def close(self) -> None:
        """End it. Idempotent."""
        self._socket.close()


def _leave_to_init(theirs: socket.socket, suffixes: frozenset[str]) -> None:
    """The grandchild is nobody's child that the front end would have to wait for."""
    try:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # it ends when the front end does
            _serve(theirs, suffixes)
    finally:
        os._exit(0)


def _serve(requests: socket.socket, suffixes: frozenset[str]) -> None:
    os.closerange(0, requests.fileno())
    os.closerange(requests.fileno() + 1, 1 << 16)
    with suppress(OSError):
        landlock.restrict(
            landlock.READING | landlock.WRITING | landlock.EXECUTE,
            [Rule("/", landlock.MAKE_REG | landlock.WRITE_FILE | landlock.READ_DIR)],
            scoped=True,
        )
    while data := requests.recv(_LONGEST_PATH + 1):
        try:
            descriptor = _create(os.fsdecode(data), suffixes)
        except OSError as problem:
            requests.send(str(problem.errno or _REFUSED).encode())
            continue
        socket.send_fds(requests, [b"0"], [descriptor])
        os.close(descriptor)


def _create(path: str, suffixes: frozenset[str]) -> int:
    """`OSError`; `_REFUSED` is the number of what it does not do."""
    folder, name = os.path.split(path)
    real = os.path.realpath(folder)
    if os.path.splitext(name)[1].lower()[1:] not in suffixes or any(part.startswith(".") for part in path.split("/")):
        raise OSError(_REFUSED, "")
    descriptor = os.open(real, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not may_hold_reports(_path_of(descriptor, real)):
            raise OSError(_REFUSED, "")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, 0o644, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def may_hold_reports(folder: str) -> bool:
    """Whether a folder, by its real path, is neither hidden nor the system's."""
    if any(part.startswith(".") for part in folder.split("/")):
        return False
    return not any(folder == path or folder.startswith(path + "/") for path in _SYSTEM)


def _path_of(descriptor: int, otherwise: str) -> str:
    """Where an open folder really is, whatever has become of the names on the way there meanwhile."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # no /proc
        return otherwise
