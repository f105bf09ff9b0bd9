"""Give every privilege up, for good, and make sure of it.

Under sudo the process goes back to the user who called it, as plain root it becomes `nobody`: each only where that user
can read what is still to be imported. Where neither can, it stays root without any capability. In each case: empty
capability sets and bounding set, no ambient capabilities, ``no_new_privs`` (capabilities(7), prctl(2)). What /proc says
afterwards decides: a privilege that is left is `StillPrivileged`, and the worker ends.

Loads nothing but the standard library's basics, since it runs before anything else is imported.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

CAP_SETGID = 6
CAP_SETUID = 7
CAP_SETPCAP = 8
CAP_NET_RAW = 13
NOBODY = 65534

_PR_SET_KEEPCAPS = 8
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_POSSIBLE_CAP = 63


class StillPrivileged(Exception):
    """A privilege could not be given up. The message says which."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def status() -> dict[str, str]:
    """``/proc/self/status`` as a dictionary; empty where there is none."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except OSError:
        return {}


def has(capability: int) -> bool:
    """Whether the process has a capability in effect."""
    return bool(int(status().get("CapEff", "0"), 16) >> capability & 1)


def give_up(needed_files: Iterable[str] = ()) -> str:
    """Drop everything, check it, and say who the process is now, in words.

    `needed_files`: what `nobody` has to be able to read for root to become it. Raises `StillPrivileged`.
    """
    if not sys.platform.startswith("linux"):
        return _give_up_elsewhere()
    libc = ctypes.CDLL(None, use_errno=True)
    was_root = os.geteuid() == 0
    user = _whom(needed_files) if was_root or os.getuid() != os.geteuid() else None
    _empty_bounding_set(libc)
    if user is not None:
        _become(*user)
    libc.prctl(_PR_SET_KEEPCAPS, 0, 0, 0, 0)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = _Header(_CAPABILITY_VERSION_3, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref((_Data * 2)())) != 0:
        raise StillPrivileged(f"capset: {os.strerror(ctypes.get_errno())}")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise StillPrivileged(f"no_new_privs: {os.strerror(ctypes.get_errno())}")
    _make_sure(was_root)
    return _words(was_root)


def _whom(needed_files: Iterable[str]) -> tuple[int, int] | None:
    """The user and group to become; None: none can be."""
    if os.getuid() != os.geteuid():
        return os.getuid(), os.getgid()
    candidates = [(NOBODY, NOBODY)]
    by_sudo = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if all(text.isascii() and text.isdigit() for text in by_sudo) and int(by_sudo[0]) != 0:
        candidates.insert(0, (int(by_sudo[0]), int(by_sudo[1])))
    files = list(needed_files)
    return next((candidate for candidate in candidates if can_read(*candidate, files)), None)


def can_read(user: int, group: int, files: Iterable[str]) -> bool:
    """Whether a user can really read files: a child that became that user tries."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _become(user, group)
            for path in files:
                os.close(os.open(path, os.O_RDONLY))
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child: whatever it was, it must end here
            code = 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def _become(user: int, group: int) -> None:
    if has(CAP_SETGID) or os.geteuid() == 0:
        os.setgroups(_groups(user, group))
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def _groups(user: int, group: int) -> list[int]:
    """The user's own groups: one of them may be what ``net.ipv4.ping_group_range`` holds."""
    import pwd

    try:
        return os.getgrouplist(pwd.getpwuid(user).pw_name, group) if user != NOBODY else []
    except (KeyError, OSError):
        return []


def _empty_bounding_set(libc: ctypes.CDLL) -> None:
    if not has(CAP_SETPCAP):
        return  # no_new_privs keeps it from ever mattering
    for capability in range(_LAST_POSSIBLE_CAP + 1):
        if libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _make_sure(was_root: bool) -> None:
    now = status()
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb") + (("CapBnd",) if was_root else ()):
        if int(now.get(name, "0"), 16) != 0:
            raise StillPrivileged(f"{name} is {now[name]}")
    if now.get("NoNewPrivs", "1") != "1":
        raise StillPrivileged("no_new_privs is not set")
    if os.geteuid() != 0 or os.getuid() != 0:
        for change in (os.setuid, os.seteuid):
            try:
                change(0)
            except OSError:
                continue
            raise StillPrivileged("the way back to root is open")


def _give_up_elsewhere() -> str:
    """Without Linux's facilities: back to the invoking user, if there is one."""
    was_root = os.geteuid() == 0
    user = os.environ.get("SUDO_UID", "") if was_root else ""
    group = os.environ.get("SUDO_GID", "")
    if user.isdigit() and group.isdigit() and int(user) != 0:
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
        if os.geteuid() == 0:
            raise StillPrivileged("the user id is still root's")
    return _words(was_root)


def _words(was_root: bool) -> str:
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    return f"{name}, privileges given up" if was_root else name
