"""Landlock: a process takes the file system away from itself, for good (landlock(7), Linux 5.13; needs no privilege).

A domain names the rights that it rules; what no rule gives back is refused with EACCES, also to uid 0 and to whatever
is executed later. Descriptors that are open already stay as they are.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from typing import NamedTuple

from hopscope.sandbox.capabilities import libc

# linux/landlock.h, LANDLOCK_ACCESS_FS_*
EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE_DIR = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_DIR = 1 << 7
MAKE_REG = 1 << 8
TRUNCATE = 1 << 14
IOCTL_DEV = 1 << 15
_MAKE_AND_REMOVE = 0x1FF0
"""Everything from REMOVE_DIR to MAKE_SYM."""
_REFER = 1 << 13

READING = READ_FILE | READ_DIR
WRITING = WRITE_FILE | TRUNCATE | _MAKE_AND_REMOVE | _REFER | IOCTL_DEV
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""Rights that a rule for one file may give; all others are a folder's."""
_SINCE_ABI = ((2, _REFER), (3, TRUNCATE), (5, IOCTL_DEV))
_SCOPES = 0b11
"""LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL, since ABI 6."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture but Alpha."""
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_PATH_BENEATH = struct.Struct("=Qi")
"""struct landlock_path_beneath_attr, which is packed."""
_O_PATH = getattr(os, "O_PATH", 0)


class Rule(NamedTuple):
    """Rights to a file, or to a folder with all that is below it."""

    path: str
    rights: int


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def abi() -> int:
    """The version of Landlock that this kernel has and has switched on; 0: none."""
    if not sys.platform.startswith("linux") or os.uname().machine == "alpha":
        return 0
    return max(0, _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_CREATE_RULESET_VERSION)))


def restrict(rights: int, rules: Iterable[Rule] = (), *, scoped: bool = False) -> bool:
    """From now on this thread, and whatever it starts, has these rights only where a rule gives them. Files that a
    rule names and that are not there get none.

    `scoped`: no signals to, and no abstract sockets of, processes outside (where the kernel can). Whether it holds:
    False where the kernel has no Landlock. Needs ``no_new_privs``. Raises `OSError` where the kernel has it and fails.
    """
    version = abi()
    if version == 0:
        return False
    for since, right in _SINCE_ABI:
        if version < since:
            rights &= ~right
    wanted = _Ruleset(rights, 0, _SCOPES if scoped and version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _checked(_syscall(_CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    try:
        for rule in rules:
            try:
                descriptor = os.open(rule.path, _O_PATH | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue
            try:
                _add(ruleset, descriptor, rule.rights & rights)
            finally:
                os.close(descriptor)
        _checked(_syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return True


def _add(ruleset: int, descriptor: int, rights: int) -> None:
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= _OF_FILES
    if rights:
        beneath = _PATH_BENEATH.pack(rights, descriptor)
        _checked(
            _syscall(
                _ADD_RULE,
                ctypes.c_int(ruleset),
                ctypes.c_int(_RULE_PATH_BENEATH),
                ctypes.c_char_p(beneath),
                ctypes.c_uint32(0),
            )
        )


def _syscall(number: int, *arguments: object) -> int:
    return int(libc().syscall(ctypes.c_long(number), *arguments))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
