"""Where a store stands, and what stands beside it: whether somebody else could exchange or forge it.

SQLite believes the files beside a database by their names: a write-ahead log holds pages that take the place of its
own, and a rollback journal names a further file that is deleted after it was played back (sqlite.org/fileformat2.html,
section 3; sqlite.org/atomiccommit.html, 5.2). So whoever can lay a file beside a store could say what it says, and
delete files of whoever opens it. Our stores never have a rollback journal, and their log is their owner's.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Final

BESIDE: Final = ("-wal", "-shm")
"""What stands beside a store while it is open: its log, and the memory that those who have it open share."""
_JOURNAL: Final = "-journal"
_WHOLE: Final = 1 << 32
"""As many users as a machine has whose user namespace is the first one."""


class Held:
    """A file that somebody has open by its name: whether it still has one."""

    def __init__(self, path: str) -> None:
        """`OSError`."""
        # No more than a hold on it: were a descriptor of the store itself closed, SQLite's locks would go with it.
        self._descriptor = os.open(path, getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)

    def is_there(self) -> bool:
        """False: somebody removed it, and what is written to it is gone with whoever writes it."""
        return os.fstat(self._descriptor).st_nlink > 0

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


class UnsafePlace(Exception):
    """Somebody else has a hand in it, in a few words."""


def check_beside(path: str) -> None:
    """That what stands beside the store at `path`, which is there, is its owner's alone. `UnsafePlace`, `OSError`."""
    real = os.path.realpath(path)
    owner = os.stat(real).st_uid
    name = os.path.basename(real)
    if os.path.lexists(real + _JOURNAL):
        raise UnsafePlace(f"{name}{_JOURNAL} stands beside it, which none of ours has: take it away first")
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            _check_file(os.lstat(real + ending), owner, name + ending)


def check_opened(path: str) -> None:
    """The same of what this process has open of the store: what was exchanged between the look and the opening. Says
    nothing without /proc. `UnsafePlace`, `OSError`."""
    real = os.path.realpath(path)
    owner = os.stat(real).st_uid
    wanted = {real + ending: os.path.basename(real) + ending for ending in ("", *BESIDE)}
    for descriptor in _descriptors():
        with suppress(OSError):
            place = f"/proc/self/fd/{descriptor}"
            name = wanted.get(os.readlink(place).removesuffix(" (deleted)"))
            if name is not None:
                _check_file(os.stat(place), owner, name)


def check_folder(path: str) -> None:
    """For root, who can write to more than others: that nobody else can exchange the store at `path` for a link, there
    or in any folder above. `UnsafePlace`, `OSError`."""
    if os.geteuid() != 0:
        return
    owners = _trusted()
    folder = os.path.dirname(os.path.realpath(path))
    while True:
        there = os.stat(folder)
        if there.st_uid not in owners:
            raise UnsafePlace(f"the folder {folder} is another user's, who could exchange it")
        if there.st_mode & stat.S_IWOTH and not there.st_mode & stat.S_ISVTX:
            raise UnsafePlace(f"everybody may write to the folder {folder}, and could exchange it")
        if folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)


def _check_file(there: os.stat_result, owner: int, name: str) -> None:
    if not stat.S_ISREG(there.st_mode) or there.st_nlink > 1:
        raise UnsafePlace(f"{name} is no plain file of one name")
    if there.st_uid != owner:
        raise UnsafePlace(f"{name} is another user's")


def _descriptors() -> list[str]:
    try:
        return os.listdir("/proc/self/fd")
    except OSError:
        return []


def _trusted() -> set[int]:
    """Root, and in a user namespace whoever has no number there, as the machine's own root has (user_namespaces(7))."""
    owners = {0}
    with suppress(OSError, ValueError):
        with open("/proc/self/uid_map", encoding="ascii") as file:
            mapped = sum(int(line.split()[2]) for line in file)
        if mapped < _WHOLE - 1:
            with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
                owners.add(int(file.read()))
    return owners
