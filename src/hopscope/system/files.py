"""One way to read a file that somebody names: it cannot block, it has an upper bound, and what is no file is said.

What a name stands for is decided by the descriptor (fstat(2)), never by the name alone: between two looks at a name
somebody may put something else there.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Final, NamedTuple

_KINDS: Final = (
    (stat.S_ISDIR, "Is a directory"),
    (stat.S_ISFIFO, "Is a named pipe"),
    (stat.S_ISSOCK, "Is a socket"),
    (stat.S_ISCHR, "Is a device"),
    (stat.S_ISBLK, "Is a device"),
)
STDIN: Final = "/dev/stdin"
_HANDED_OVER: Final = re.compile(rf"{STDIN}|/(?:dev|proc/self)/fd/([0-9]{{1,6}})")
_AT_ONCE: Final = 1 << 16


class Unreadable(Exception):
    """The file cannot be read: why, in a few words, without its name."""


class Contents(NamedTuple):
    """What a file held."""

    data: bytes
    owner: int
    """The user id that the file belongs to."""


def open_file(path: str | os.PathLike[str]) -> int:
    """A descriptor for reading of a regular file; whoever asked closes it. `Unreadable`; `FileNotFoundError` where
    there is no such file."""
    try:
        # Opening a device can do something (rewind a tape): so its name is looked at before.
        _check(os.stat(path).st_mode)
        # O_NONBLOCK: should it be a pipe by now, opening does not wait for its other end. O_NOCTTY: nor is it ours.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    except ValueError as error:  # a NUL in its name
        raise Unreadable(str(error)) from None
    try:
        _check(os.fstat(descriptor).st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_file(path: str | os.PathLike[str], most: int) -> Contents:
    """A regular file of at most `most` bytes. `Unreadable`, `FileNotFoundError`."""
    descriptor = open_file(path)
    try:
        return Contents(_read(descriptor, most), os.fstat(descriptor).st_uid)
    finally:
        os.close(descriptor)


def read_given(name: str, most: int) -> bytes:
    """A file that the user names on the command line: also ``-``, and a descriptor that the shell hands over, which
    may be a pipe; ``/dev/null`` is empty. `Unreadable`, `FileNotFoundError`."""
    if name == os.devnull:
        return b""
    try:
        descriptor = 0 if name == "-" else given_descriptor(name)
        if descriptor is None:
            return read_file(name, most).data
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise Unreadable("Is a directory")
        return _read(descriptor, most)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None


def given_descriptor(name: str) -> int | None:
    """The descriptor that the shell handed over by this name (``/dev/stdin``, the ``/dev/fd/63`` of a process
    substitution): it is read itself, since by its name it may be another user's, as behind sudo. None: a file's name.
    `OSError` where nobody handed it over."""
    meant = _HANDED_OVER.fullmatch(name)
    return None if meant is None else handed_over(int(meant[1] or 0))


def handed_over(descriptor: int) -> int:
    """`descriptor`, if whoever started this program left it open. `OSError` (EBADF) where it is none, or one that this
    program opened itself: those are closed at execve(2), PEP 446."""
    if descriptor > 2 and not os.get_inheritable(descriptor):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return descriptor


def text_of(data: bytes) -> str:
    """UTF-8, with or without the mark that some editors put in front. `Unreadable`."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is no UTF-8") from None


def _check(mode: int) -> None:
    for is_of_kind, words in _KINDS:
        if is_of_kind(mode):
            raise Unreadable(words)


def _read(descriptor: int, most: int) -> bytes:
    """To its end. One that is longer is refused, whatever size it claims."""
    data = bytearray()
    try:
        while len(data) <= most:
            part = os.read(descriptor, min(_AT_ONCE, most + 1 - len(data)))
            if not part:
                return bytes(data)
            data += part
    except BlockingIOError:  # a file of /proc or /sys that has nothing to say now
        raise Unreadable("Has no end that could be waited for") from None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    raise Unreadable(f"Too long; at most {most} bytes")
