"""The system calls that the probe worker may still make once all it needs is loaded: seccomp(2), a classic BPF program.

An allow-list: reading files, the network's sockets, time, memory, threads. No file is written, created or removed, no
program executed, no process started, traced or signalled, no namespace entered. What is not on it gets EPERM, a call
that is younger than this list ENOSYS (the C library then takes the older one), and a call of another architecture ends
the process. For x86-64 and AArch64 with the GNU C library; elsewhere nothing is filtered.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from hopscope.sandbox.capabilities import libc


class Architecture(NamedTuple):
    """What tells one architecture's calls."""

    audit: int
    """AUDIT_ARCH_*, linux/audit.h."""
    column: int
    """Which of the numbers in `_ALLOWED` are its own."""
    seccomp: int
    """The number of seccomp(2) itself."""


ARCHITECTURES: Final = {
    "x86_64": Architecture(0xC000003E, 0, 317),
    "aarch64": Architecture(0xC00000B7, 1, 277),
}

# Numbers on x86-64 and on AArch64; None: it has no such call. Those that the worker makes with every probe come first.
_ALLOWED: Final[dict[str, tuple[int | None, int | None]]] = {
    "recvmsg": (47, 212),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "select": (23, None),
    "pselect6": (270, 72),
    "read": (0, 63),
    "write": (1, 64),
    "poll": (7, None),
    "ppoll": (271, 73),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "epoll_ctl": (233, 21),
    "epoll_create1": (291, 20),
    "bind": (49, 200),
    "connect": (42, 203),
    "close": (3, 57),
    "setsockopt": (54, 208),
    "getsockopt": (55, 209),
    "getsockname": (51, 204),
    "getpeername": (52, 205),
    "socketpair": (53, 199),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "shutdown": (48, 210),
    "sendmmsg": (307, 269),
    "recvmmsg": (299, 243),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "membarrier": (324, 283),
    "futex": (202, 98),
    "rseq": (334, 293),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "set_tid_address": (218, 96),
    "arch_prctl": (158, None),
    "fstat": (5, 80),
    "stat": (4, None),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "lseek": (8, 62),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "fadvise64": (221, 223),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "eventfd2": (290, 19),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_getres": (229, 114),
    "times": (100, 153),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getpgrp": (111, None),
    "getsid": (124, 156),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "capget": (125, 90),
    "getrlimit": (97, 163),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
    "setitimer": (38, 103),
    "getitimer": (36, 102),
    "alarm": (37, None),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
CALLS: Final = len(_ALLOWED)

# With conditions on what they are given.
_SOCKET = (41, 198)
_OPEN = (2, None)
_OPENAT = (257, 56)
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_PRCTL = (157, 167)
_PRLIMIT = (302, 261)
_TGKILL = (234, 131)
_FIRST_UNKNOWN = 463
"""Calls from this number on came after Linux 6.10."""
_X32 = 0x40000000

_FAMILIES = (2, 10, 16)
"""AF_INET, AF_INET6, AF_NETLINK (interfaces and routes)."""
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CLONE_THREAD = 0x00010000
_PR_SET_NAME, _PR_GET_NAME, _PR_CAPBSET_READ, _PR_GET_NO_NEW_PRIVS = 15, 16, 23, 39

# Classic BPF (linux/bpf_common.h) over struct seccomp_data: the call's number, its architecture, its arguments.
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000

_SET_MODE_FILTER, _SPEC_ALLOW = 1, 1 << 2
"""linux/seccomp.h; the flag leaves the processor's speculation as it is: old kernels slow a filtered process down."""

Step = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand."""


def program(architecture: Architecture, process: int) -> list[Step]:
    """The filter. `process` may signal its own threads: abort(3) does."""
    refused = _ERRNO | errno.EPERM
    steps: list[Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]

    def when(numbers: tuple[int | None, int | None], *then: Step) -> None:
        number = numbers[architecture.column]
        if number is not None:
            steps.extend(((_IF_EQUAL, 0, len(then), number), *then))

    def argument(index: int) -> Step:
        return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)

    def one_of(values: Sequence[int]) -> list[Step]:
        tests = [(_IF_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
        return [*tests, (_RETURN, 0, 0, refused), (_RETURN, 0, 0, _ALLOW)]

    for numbers in _ALLOWED.values():
        when(numbers, (_RETURN, 0, 0, _ALLOW))
    for numbers, flags in ((_OPEN, 1), (_OPENAT, 2)):
        when(
            numbers,
            argument(flags),
            (_IF_ANY_BIT, 0, 1, _TO_WRITE),
            (_RETURN, 0, 0, _ERRNO | errno.EACCES),
            (_RETURN, 0, 0, _ALLOW),
        )
    when(_SOCKET, argument(0), *one_of(_FAMILIES))
    when(_CLONE, argument(0), (_IF_ANY_BIT, 1, 0, _CLONE_THREAD), (_RETURN, 0, 0, refused), (_RETURN, 0, 0, _ALLOW))
    # Its flags lie in memory, where no filter can look: the C library then takes clone(2).
    when(_CLONE3, (_RETURN, 0, 0, _ERRNO | errno.ENOSYS))
    when(_PRCTL, argument(0), *one_of((_PR_SET_NAME, _PR_GET_NAME, _PR_CAPBSET_READ, _PR_GET_NO_NEW_PRIVS)))
    when(_PRLIMIT, argument(0), *one_of((0, process)))
    when(_TGKILL, argument(0), *one_of((process,)))
    steps += [
        (_IF_AT_LEAST, 0, 2, _FIRST_UNKNOWN),
        (_IF_AT_LEAST, 1, 0, _X32),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_RETURN, 0, 0, refused),
    ]
    return steps


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
    """Install the filter, for this thread and all that come of it. Whether it holds: False where there is no list for
    this machine, or the kernel takes no filter. Needs ``no_new_privs``."""
    own = architecture()
    if own is None:
        return False
    code = b"".join(_INSTRUCTION.pack(*step) for step in program(own, os.getpid()))
    kept = ctypes.create_string_buffer(code)
    # struct sock_fprog, linux/filter.h
    filter_program = struct.pack("@HP", len(code) // _INSTRUCTION.size, ctypes.addressof(kept))
    call = libc().syscall
    return any(
        call(ctypes.c_long(own.seccomp), ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(flags), filter_program) == 0
        for flags in (_SPEC_ALLOW, 0)
    )
