"""Linux capabilities by the kernel's own calls (capabilities(7), capget(2), prctl(2)): no /proc is needed.

What is left after `drop_all` decides, not what was asked for: a set that is not empty, or that cannot be looked at, is
`StillPrivileged`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

CAP_SETGID = 6
CAP_SETUID = 7
CAP_SETPCAP = 8
CAP_NET_RAW = 13

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_IS_SET = 1
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_POSSIBLE_CAP = 63


class StillPrivileged(Exception):
    """A privilege could not be given up. The message says which."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Half(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


class Sets:
    """A process's capability sets, a bit a capability."""

    __slots__ = ("effective", "inheritable", "permitted")

    def __init__(self, effective: int, permitted: int, inheritable: int) -> None:
        self.effective = effective
        self.permitted = permitted
        self.inheritable = inheritable

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in any of them."""
        return not (self.effective or self.permitted or self.inheritable)


def libc() -> Any:
    """The C library that the interpreter is linked with."""
    return ctypes.CDLL(None, use_errno=True)


def get() -> Sets:
    """The calling thread's sets; all empty where the system has no capabilities. Raises `OSError`."""
    if not sys.platform.startswith("linux"):
        return Sets(0, 0, 0)
    header, halves = _Header(_CAPABILITY_VERSION_3, 0), (_Half * 2)()
    if libc().capget(ctypes.byref(header), ctypes.byref(halves)) != 0:
        raise OSError(ctypes.get_errno(), f"capget: {os.strerror(ctypes.get_errno())}")
    low, high = halves
    return Sets(
        high.effective << 32 | low.effective,
        high.permitted << 32 | low.permitted,
        high.inheritable << 32 | low.inheritable,
    )


def has(capability: int) -> bool:
    """Whether the calling thread has a capability in effect."""
    try:
        return bool(get().effective >> capability & 1)
    except OSError:
        return False


def bounding_set() -> set[int]:
    """What a program that is executed could still get; without those that the kernel does not know."""
    call = libc()
    return {number for number in range(_LAST_POSSIBLE_CAP + 1) if _prctl(call, _PR_CAPBSET_READ, number) == 1}


def no_new_privs() -> bool:
    """Whether executing a program can give this thread no privilege any more."""
    return bool(_prctl(libc(), _PR_GET_NO_NEW_PRIVS) == 1)


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends; a change of user would undo it."""
    _prctl(libc(), _PR_SET_PDEATHSIG, signal.SIGKILL)


def empty_bounding_set() -> bool:
    """Take every capability out of the bounding set, for good. Whether the kernel let us: it asks for CAP_SETPCAP, and
    without that `no_new_privs` has to do (execve(2): nothing is then gained from the bounding set)."""
    if not has(CAP_SETPCAP):
        return False
    call = libc()
    for number in bounding_set():
        _prctl(call, _PR_CAPBSET_DROP, number)
    return True


def drop_all() -> None:
    """Empty the effective, permitted, inheritable and ambient sets, and set ``no_new_privs``. `StillPrivileged`."""
    call = libc()
    _prctl(call, _PR_SET_KEEPCAPS, 0)
    _prctl(call, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = _Header(_CAPABILITY_VERSION_3, 0)
    if call.capset(ctypes.byref(header), ctypes.byref((_Half * 2)())) != 0:
        raise StillPrivileged(f"capset: {os.strerror(ctypes.get_errno())}")
    if _prctl(call, _PR_SET_NO_NEW_PRIVS, 1) != 0:
        raise StillPrivileged(f"no_new_privs: {os.strerror(ctypes.get_errno())}")


def verify(*, bounding_emptied: bool) -> None:
    """Ask the kernel what is left. `bounding_emptied`: the bounding set has to be empty too. `StillPrivileged`."""
    try:
        left = get()
    except OSError as problem:
        raise StillPrivileged(f"what is left cannot be looked at: {problem.strerror}") from None
    for name in Sets.__slots__:
        if getattr(left, name):
            raise StillPrivileged(f"the {name} set is {getattr(left, name):x}")
    call = libc()
    for number in range(_LAST_POSSIBLE_CAP + 1):
        if _prctl(call, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_IS_SET, number) == 1:
            raise StillPrivileged(f"the ambient set has capability {number}")
    if not no_new_privs():
        raise StillPrivileged("no_new_privs is not set")
    if bounding_emptied and bounding_set():
        raise StillPrivileged(f"the bounding set has {sorted(bounding_set())}")


def _prctl(call: Any, option: int, *arguments: int) -> int:
    """prctl(2), all of whose arguments are as wide as a register."""
    words = [ctypes.c_ulong(word) for word in (*arguments, 0, 0, 0, 0)[:4]]
    return int(call.prctl(option, *words))
