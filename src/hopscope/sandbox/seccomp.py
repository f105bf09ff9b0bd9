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

Numbers = tuple[int | None, int | None]
"""A call's on x86-64 and on AArch64; None: it has no such call."""

# Those that the worker makes with every probe come first.
_ALLOWED: Final[dict[str, Numbers]] = {
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
    for numbers in _ALLOWED.values():
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


# What uid 0 may do by its number alone, with no capability and whatever Landlock says; on x86-64 and on AArch64.
_ROOTS: Final[dict[str, Numbers]] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "open_by_handle_at": (304, 265),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # Another process of root's, and its share of the processors and of the memory.
    "setpgid": (109, 154),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
}
_SOCKETPAIR = (53, 199)
_KILL = (62, 129)
_CLONE_NEW = 0x7E020080
"""The flags of clone(2) that make a namespace."""
_SOCK_STREAM, _SOCK_KIND = 1, 0xF


def program_for_root(architecture: Architecture, process: int) -> list[Step]:
    """The filter of a front end that keeps uid 0 without any capability: a deny-list, for it goes on to start workers.
    No file's mode, owner, times or attributes, no Unix socket of another's, no other process than its own group."""
    own = Filter(architecture)
    for numbers in _ROOTS.values():
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
