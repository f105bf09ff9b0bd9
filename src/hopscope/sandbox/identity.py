"""Who a process is, who called it with more rights, and how it becomes somebody else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hopscope.sandbox import capabilities

NOBODY = 65534
_LARGEST_ID = 2**32 - 2


class User(NamedTuple):
    """A user and the group that goes with it."""

    uid: int
    gid: int


class Caller(NamedTuple):
    """The user on whose behalf root is running."""

    user: User
    tool: str
    """What made it root: ``sudo``, ``doas``, ``pkexec``, or ``set-user-ID``."""


def caller(environ: Mapping[str, str]) -> Caller | None:
    """Who called this process with more rights than theirs; None: nobody did, or it cannot be told.

    sudo (and run0), doas and pkexec each say it in the environment. Where two of them disagree, one was inherited, and
    perhaps laid there: then none is believed. Root that passes for somebody else for a while (seteuid) is nobody's
    caller.
    """
    if os.getuid() == 0 != os.geteuid():
        return None
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        return Caller(User(os.getuid(), os.getgid()), "set-user-ID")
    found = [found for found in (_by_sudo(environ), _by_doas(environ), _by_pkexec(environ)) if found is not None]
    if os.geteuid() != 0 or len({one.user.uid for one in found}) != 1 or found[0].user.uid == 0:
        return None
    return found[0]


def _by_sudo(environ: Mapping[str, str]) -> Caller | None:
    uid = _number(environ.get("SUDO_UID", ""))
    gid = _number(environ.get("SUDO_GID", ""))
    if uid is None or gid is None:
        return None
    return Caller(User(uid, gid), "sudo")


def _by_doas(environ: Mapping[str, str]) -> Caller | None:
    name = environ.get("DOAS_USER", "")
    if not name:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except (KeyError, OSError, ValueError):
        return None
    return Caller(User(entry.pw_uid, entry.pw_gid), "doas")


def _by_pkexec(environ: Mapping[str, str]) -> Caller | None:
    uid = _number(environ.get("PKEXEC_UID", ""))
    if uid is None:
        return None
    import pwd

    try:
        return Caller(User(uid, pwd.getpwuid(uid).pw_gid), "pkexec")
    except (KeyError, OSError):
        return Caller(User(uid, uid), "pkexec")


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _LARGEST_ID):
        return None
    return int(text)


def become(user: User) -> None:
    """Be another user, with that user's own groups, for good. `OSError` where the kernel does not let us."""
    if capabilities.has(capabilities.CAP_SETGID) or os.geteuid() == 0:
        os.setgroups(_groups(user))
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)


def _groups(user: User) -> list[int]:
    """The user's own groups: one of them may be what ``net.ipv4.ping_group_range`` holds."""
    import pwd

    try:
        return os.getgrouplist(pwd.getpwuid(user.uid).pw_name, user.gid) if user.uid != NOBODY else []
    except (KeyError, OSError):
        return []


def can_read(user: User, files: Iterable[str]) -> bool:
    """Whether a user can really read files: a child that became that user tries. False where there can be no child."""
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        code = 1
        try:
            become(user)
            for path in files:
                os.close(os.open(path, os.O_RDONLY))
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child: whatever it was, it must end here
            code = 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def verify(user: User) -> None:
    """Make sure that there is no way back to root from `user`. `StillPrivileged`."""
    if os.getresuid() != (user.uid,) * 3 or os.getresgid() != (user.gid,) * 3:
        raise capabilities.StillPrivileged(f"user and group are {os.getresuid()} and {os.getresgid()}")
    if user.uid == 0:
        return
    for change in (os.setuid, os.seteuid):
        try:
            change(0)
        except OSError:
            continue
        raise capabilities.StillPrivileged("the way back to root is open")


def name(uid: int) -> str:
    """A user's name, or ``user 1000``."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):
        return f"user {uid}"
