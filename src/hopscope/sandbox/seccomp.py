"""The system calls that a process may still make: seccomp(2), a classic BPF program.

For the probe worker, once all it needs is loaded, an allow-list: reading files, the network's sockets, time, memory,
threads. No file is written, created or removed, no program executed, no process started, traced or signalled, no
namespace entered. What is not on it gets EPERM, a call that is younger than this list ENOSYS (the C library then takes
the older one), and a call of another architecture ends the process. For a front end that keeps uid 0, a deny-list of
what that number alone gives. For x86-64 and AArch64 with the GNU C library; elsewhere nothing is filtered.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence
from typing import Final

from hopscope.sandbox.capabilities import libc
from hopscope.sandbox.syscalls import ALLOWED, ARCHITECTURES, REFUSED_TO_ROOT, Architecture, Numbers

# With conditions on what they are given.
_SOCKET = (41, 198)
_OPEN = (2, None)
_OPENAT = (257, 56)
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_PRCTL = (157, 167)
_PRLIMIT = (302, 261)
_TGKILL = (234, 131)
_FCNTL = (72, 25)
_IOCTL = (16, 29)
_FIRST_UNKNOWN = 463
"""Calls from this number on came after Linux 6.10."""
_X32 = 0x40000000

_FAMILIES = (2, 10)
"""AF_INET, AF_INET6."""
_AF_NETLINK, _NETLINK_ROUTE = 16, 0
_FCNTLS_REFUSED = (8, 10, 15, 1024, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX: whom a descriptor's news signals, and uid 0 may name any process. F_SETLEASE and
F_NOTIFY: others wait for it, or it sees what they do."""
_IOCTL_KINDS = (0x5400, 0x8900)
"""Of terminals and of sockets. Others change a file's attributes, where its owner asks (ioctl_iflags(2))."""
_IOCTLS_REFUSED = (0x5412, 0x541C, 0x5423, 0x8901, 0x8902)
"""TIOCSTI, TIOCLINUX: type into the terminal; TIOCSETD: another line discipline; FIOSETOWN, SIOCSPGRP: as F_SETOWN."""
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CLONE_THREAD = 0x00010000
_PR_SET_NAME, _PR_GET_NAME, _PR_CAPBSET_READ, _PR_GET_NO_NEW_PRIVS = 15, 16, 23, 39

# Classic BPF (linux/bpf_common.h) over struct seccomp_data: the call's number, its architecture, its arguments.
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOWED_CALL, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000

_SET_MODE_FILTER, _SPEC_ALLOW = 1, 1 << 2
"""linux/seccomp.h; the flag leaves the processor's speculation as it is: old kernels slow a filtered process down."""

Step = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand."""


def answer(number: int) -> Step:
    """The call is not made, and fails with this error."""
    return (_RETURN, 0, 0, _ERRNO | number)


ALLOW: Final[Step] = (_RETURN, 0, 0, _ALLOWED_CALL)
REFUSE: Final[Step] = answer(errno.EPERM)


class Filter:
    """A program in the making: what a call of this architecture's gets, decided by the first step that knows it."""

    def __init__(self, architecture: Architecture) -> None:
        self.steps: list[Step] = [
            (_LOAD, 0, 0, _ARCHITECTURE_AT),
            (_IF_EQUAL, 1, 0, architecture.audit),
            (_RETURN, 0, 0, _KILL_PROCESS),
            (_LOAD, 0, 0, _NUMBER_AT),
        ]
        self._column = architecture.column

    def when(self, numbers: Numbers, *then: Step) -> None:
        """Of this call `then` decides, which ends with a return."""
        number = numbers[self._column]
        if number is not None:
            self.steps.extend(((_IF_EQUAL, 0, len(then), number), *then))

    def otherwise(self, verdict: int) -> list[Step]:
        """Whatever is left gets `verdict`, a call that is younger than these lists ENOSYS. The whole program."""
        return [
            *self.steps,
            (_IF_AT_LEAST, 0, 3, _FIRST_UNKNOWN),
            (_IF_AT_LEAST, 1, 0, _X32),
            (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
            REFUSE,
            (_RETURN, 0, 0, verdict),
        ]


def argument(index: int) -> Step:
    """Look at an argument's lower half from here on."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)


def one_of(values: Sequence[int], then: Step, otherwise: Step) -> list[Step]:
    """`then` where what is looked at is one of `values`."""
    tests = [(_IF_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [*tests, otherwise, then]


def any_bit(bits: int, then: Step, otherwise: Step) -> list[Step]:
    """`then` where what is looked at has one of `bits`."""
    return [(_IF_ANY_BIT, 0, 1, bits), then, otherwise]


def rule_descriptors(own: Filter) -> None:
    """Sockets of the network alone, and what may be done to a descriptor that is open."""
    families = one_of(_FAMILIES, ALLOW, REFUSE)
    own.when(
        _SOCKET,
        argument(0),
        (_IF_EQUAL, 0, 2, _AF_NETLINK),
        argument(2),
        (_IF_EQUAL, len(families) - 1, len(families) - 2, _NETLINK_ROUTE),
        *families,
    )
    own.when(_FCNTL, argument(1), *one_of(_FCNTLS_REFUSED, REFUSE, ALLOW))
    refused = [step for request in _IOCTLS_REFUSED for step in ((_IF_EQUAL, 0, 1, request), REFUSE)]
    own.when(_IOCTL, argument(1), *refused, (_AND, 0, 0, 0xFF00), *one_of(_IOCTL_KINDS, ALLOW, REFUSE))


def program(architecture: Architecture, process: int) -> list[Step]:
    """The worker's filter. `process` may signal its own threads: abort(3) does."""
    own = Filter(architecture)
    for numbers in ALLOWED.values():
        own.when(numbers, ALLOW)
    for numbers, flags in ((_OPEN, 1), (_OPENAT, 2)):
        own.when(numbers, argument(flags), *any_bit(_TO_WRITE, answer(errno.EACCES), ALLOW))
    rule_descriptors(own)
    own.when(_CLONE, argument(0), *any_bit(_CLONE_THREAD, ALLOW, REFUSE))
    # Its flags lie in memory, where no filter can look: the C library then takes clone(2).
    own.when(_CLONE3, answer(errno.ENOSYS))
    own.when(
        _PRCTL,
        argument(0),
        *one_of((_PR_SET_NAME, _PR_GET_NAME, _PR_CAPBSET_READ, _PR_GET_NO_NEW_PRIVS), ALLOW, REFUSE),
    )
    own.when(_PRLIMIT, argument(0), *one_of((0, process), ALLOW, REFUSE))
    own.when(_TGKILL, argument(0), *one_of((process,), ALLOW, REFUSE))
    return own.otherwise(_ERRNO | errno.EPERM)


_SOCKETPAIR = (53, 199)
_KILL = (62, 129)
_CLONE_NEW = 0x7E020080
"""The flags of clone(2) that make a namespace."""
_SOCK_STREAM, _SOCK_KIND = 1, 0xF


def program_for_root(architecture: Architecture, process: int) -> list[Step]:
    """The filter of a front end that keeps uid 0 without any capability: a deny-list, for it goes on to start workers.
    No file's mode, owner, times or attributes, no Unix socket of another's, no other process than its own group."""
    own = Filter(architecture)
    for numbers in REFUSED_TO_ROOT.values():
        own.when(numbers, REFUSE)
    rule_descriptors(own)
    # A pair of datagram sockets could be connected to any name; one of streams is connected for good.
    own.when(_SOCKETPAIR, argument(1), (_AND, 0, 0, _SOCK_KIND), *one_of((_SOCK_STREAM,), ALLOW, REFUSE))
    own.when(_CLONE, argument(0), *any_bit(_CLONE_NEW, REFUSE, ALLOW))
    own.when(_CLONE3, answer(errno.ENOSYS))
    # Its own process group is stopped with it: the shell's job.
    own.when(_KILL, argument(0), *one_of((0, process), ALLOW, REFUSE))
    own.when(_TGKILL, argument(0), *one_of((process,), ALLOW, REFUSE))
    own.when(_PRLIMIT, argument(0), *one_of((0, process), ALLOW, REFUSE))
    return own.otherwise(_ALLOWED_CALL)


def architecture() -> Architecture | None:
    """This process's own; None where there is no list for it."""
    if not sys.platform.startswith("linux") or sys.maxsize < 2**32:
        return None
    try:
        if not os.confstr("CS_GNU_LIBC_VERSION"):
            return None
    except (ValueError, OSError):
        return None  # another C library makes other calls
    return ARCHITECTURES.get(os.uname().machine)


def restrict() -> bool:
    """Install the worker's filter, for this thread and all that come of it. Whether it holds: False where there is no
    list for this machine, or the kernel takes no filter. Needs ``no_new_privs``."""
    own = architecture()
    return own is not None and _install(own, program(own, os.getpid()))


def restrict_root() -> bool:
    """The same with `program_for_root`, which whatever is started later has as well."""
    own = architecture()
    return own is not None and _install(own, program_for_root(own, os.getpid()))


def _install(own: Architecture, steps: Sequence[Step]) -> bool:
    code = b"".join(_INSTRUCTION.pack(*step) for step in steps)
    kept = ctypes.create_string_buffer(code)
    # struct sock_fprog, linux/filter.h
    filter_program = struct.pack("@HP", len(code) // _INSTRUCTION.size, ctypes.addressof(kept))
    call = libc().syscall
    return any(
        call(ctypes.c_long(own.seccomp), ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(flags), filter_program) == 0
        for flags in (_SPEC_ALLOW, 0)
    )
