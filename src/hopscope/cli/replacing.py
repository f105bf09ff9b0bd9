"""A file in another's place: the new one whole, or the old one untouched, and never by way of somebody else's link.

All is done on open descriptors: the folder's, in which names are looked up, and the new file's, whose mode is set. So
whoever can change names in between cannot turn a write or a mode onto another file.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_PERMISSIONS: Final = 0o777
"""What is taken over from the file before: no set-user-ID, set-group-ID or sticky bit ever is."""
_NOBODY: Final = 65534
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PART: Final = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_PARTS: Final = 4096
"""Of a path and of the links in it: PATH_MAX, and an end where links lead to themselves."""


NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors that say nothing of permissions."""


class Unsafe(OSError):
    """Somebody else could change names on the way to the file meanwhile."""


def replace(path: str, data: bytes, *, known: os.stat_result | None = None, own_folder: bool = False) -> None:
    """Put a file with `data` in the place of `path`, which may be a link of one's own: then what it leads to is
    replaced. The permissions of the file that is there stay; a new one has those that the umask leaves.

    `known`: the file that is there must be this one. `own_folder`: raise `Unsafe` where anybody else could have laid
    the way there. Raises `OSError`; the file that is there is then as it was.
    """
    folder, name = os.path.split(os.path.realpath(path))
    if own_folder:
        _check_way(path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if own_folder:
            _check_folder(descriptor, folder)
        _replace(descriptor, name, data, _permissions(descriptor, name, known))
    finally:
        os.close(descriptor)


def overwrite(descriptor: int, data: bytes) -> None:
    """Write over an open plain file's content, if there is room for the new one: else `OSError` with one of `NO_ROOM`,
    and the old content is untouched."""
    old_size = os.fstat(descriptor).st_size
    try:
        if data:
            os.posix_fallocate(descriptor, 0, len(data))
    except OSError as error:
        if error.errno in NO_ROOM:
            os.ftruncate(descriptor, old_size)
            raise
    os.lseek(descriptor, 0, os.SEEK_SET)
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.ftruncate(descriptor, len(data))


def is_replaceable(there: os.stat_result, path: str) -> bool:
    """Whether an open file stays the same for everybody when another takes its place: it is a plain file with one name
    alone, of this user and group, and nothing else hangs on it (access lists)."""
    if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1:
        return False
    if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
        return False
    try:
        return all(name == "security.selinux" for name in os.listxattr(path))
    except OSError:  # a file system without them
        return True


def open_own(path: str, flags: int, mode: int) -> int:
    """open(2) for root, who can write to more than whoever laid a link on the way: a link is followed only where it is
    this user's or root's, and a file of several names only where no other user could have given it this one. Each part
    is looked up by itself, in the open folder before it: nothing can change between the look and the opening. `Unsafe`,
    `OSError`."""
    if path.startswith("/proc/"):  # its links are the kernel's, and lead to what a process has open
        return os.open(path, flags, mode)
    folder = os.open("/" if path.startswith("/") else ".", _FOLDER)
    try:
        left = _parts(path)
        for _ in range(_MOST_PARTS):
            if not left or (len(left) == 1 and path.endswith("/")):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            name = left.pop()
            try:
                part = os.open(name, _PART, dir_fd=folder)
            except FileNotFoundError:
                if left:
                    raise
                return os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=folder)
            there = os.fstat(part)
            if stat.S_ISLNK(there.st_mode):
                try:
                    if there.st_uid not in (0, os.geteuid()):
                        raise Unsafe(errno.EPERM, "another user's link is not followed", name)
                    leads_to = os.readlink("", dir_fd=part)
                finally:
                    os.close(part)
                if leads_to.startswith("/"):
                    part, folder = folder, os.open("/", _FOLDER)
                    os.close(part)
                left += _parts(leads_to)
            elif left:
                os.close(folder)
                folder = part
            else:
                os.close(part)
                return _opened_own(name, flags, mode, folder)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    finally:
        os.close(folder)


def _parts(path: str) -> list[str]:
    """Its names, the first one last."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _opened_own(name: str, flags: int, mode: int, folder: int) -> int:
    descriptor = os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=folder)
    there = os.fstat(descriptor)
    if stat.S_ISREG(there.st_mode) and there.st_nlink > 1 and os.fstat(folder).st_uid not in (0, os.geteuid()):
        os.close(descriptor)
        raise Unsafe(errno.EPERM, "it has other names, and lies in another user's folder", name)
    return descriptor


def _check_way(path: str) -> None:
    """Each folder, and each link, that leads there has to be this user's or root's."""
    for folder in Path(path).absolute().parents:
        try:
            owner = os.lstat(folder).st_uid
        except OSError:
            continue
        # In a user namespace, what belongs to a user whom it does not map seems to be nobody's.
        if owner not in (0, os.geteuid(), _NOBODY):
            raise Unsafe(errno.EPERM, "it belongs to another user, and nothing is kept there", str(folder))


def _check_folder(descriptor: int, folder: str) -> None:
    there = os.fstat(descriptor)
    if there.st_uid != os.geteuid():
        raise Unsafe(errno.EPERM, "it belongs to another user, and nothing is kept there", folder)
    shared = stat.S_IWOTH if there.st_gid == os.getegid() else stat.S_IWOTH | stat.S_IWGRP
    if there.st_mode & shared:
        raise Unsafe(errno.EPERM, "others can write to it, and nothing is kept there", folder)


def _permissions(folder: int, name: str, known: os.stat_result | None) -> int | None:
    """Those of the file that is there; None: there is none."""
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if known is not None and not os.path.samestat(there, known):
        raise Unsafe(errno.EPERM, "another file has taken its place", name)
    if not stat.S_ISREG(there.st_mode) or there.st_uid != os.geteuid():
        raise Unsafe(errno.EPERM, "it is no plain file of this user's own", name)
    return there.st_mode & _PERMISSIONS


def _replace(folder: int, name: str, data: bytes, mode: int | None) -> None:
    beside = f".{name[:200]}.{os.urandom(6).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = _opened(beside, flags, mode, folder)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside, dir_fd=folder)
        raise
    with suppress(OSError):  # a file system that keeps no order of its own (fsync(2))
        os.fsync(folder)


def _opened(name: str, flags: int, mode: int | None, folder: int) -> int:
    """A new file with `mode`, or as the umask has it. By its creation: confined, root may change no mode."""
    if mode is None:
        return os.open(name, flags, 0o666, dir_fd=folder)
    umask = os.umask(0)
    try:
        descriptor = os.open(name, flags, mode, dir_fd=folder)
    finally:
        os.umask(umask)
    if os.fstat(descriptor).st_mode & _PERMISSIONS != mode:  # the folder's access list has its own
        with suppress(OSError):
            os.fchmod(descriptor, mode)
    return descriptor
