"""The worker's filter: what it lets through by the kernel itself here, and as a program for every architecture."""

from __future__ import annotations

import errno
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hopscope.sandbox import seccomp
from hopscope.sandbox.syscalls import ALLOWED, ARCHITECTURES, REFUSED_TO_ROOT, Architecture

Program = Callable[[Architecture, int], list[seccomp.Step]]

ALLOW, KILL = 0x7FFF0000, 0x80000000
PROCESS = 4711
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def verdict(
    name: str, number: int, *arguments: int, audit: int | None = None, program: Program = seccomp.program
) -> int:
    """What the filter of an architecture says of a call: classic BPF, run as the kernel would."""
    architecture = ARCHITECTURES[name]
    words = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, architecture.audit if audit is None else audit, 0, *words)
    steps = program(architecture, PROCESS)
    assert len(steps) < 4096
    loaded = place = 0
    while True:
        operation, then, otherwise, operand = steps[place]
        place += 1
        if operation == 0x20:
            (loaded,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x06:
            return operand
        elif operation == 0x54:
            loaded &= operand
        else:
            holds = {0x15: loaded == operand, 0x35: loaded >= operand, 0x45: bool(loaded & operand)}[operation]
            place += then if holds else otherwise


def refusal(number: int) -> int:
    return 0x00050000 | number


# Numbers from the kernel's own tables, not from the list under test.
CALLS = {
    "x86_64": {"read": 0, "sendmsg": 46, "execve": 59, "fork": 57, "vfork": 58, "ptrace": 101, "kill": 62,
               "openat": 257, "socket": 41, "clone": 56, "clone3": 435, "unlink": 87, "rename": 82, "mount": 165,
               "io_uring_setup": 425, "bpf": 321, "setuid": 105, "unshare": 272, "prctl": 157,
               "tgkill": 234, "process_vm_writev": 311,
               "openat2": 437, "creat": 85, "chmod": 90, "truncate": 76, "keyctl": 250, "userfaultfd": 323,
               "pidfd_getfd": 438, "execveat": 322, "memfd_create": 319, "init_module": 175},
    "aarch64": {"read": 63, "sendmsg": 211, "execve": 221, "ptrace": 117, "kill": 129, "openat": 56, "socket": 198,
                "clone": 220, "clone3": 435, "unlinkat": 35, "renameat": 38, "mount": 40, "io_uring_setup": 425,
                "bpf": 280, "setuid": 146, "unshare": 97, "prctl": 167, "tgkill": 131, "process_vm_writev": 271,
                "openat2": 437, "truncate": 45, "keyctl": 219, "userfaultfd": 282, "pidfd_getfd": 438, "execveat": 281,
                "memfd_create": 279, "init_module": 105},
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_probing_does_not_take_is_refused(name: str) -> None:
    numbers = CALLS[name]
    harmful = set(numbers) - {"read", "sendmsg", "openat", "socket", "clone", "clone3", "prctl", "tgkill"}
    for call in harmful:
        assert verdict(name, numbers[call]) == refusal(errno.EPERM), call
    assert verdict(name, numbers["read"]) == verdict(name, numbers["sendmsg"]) == ALLOW


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_some_calls_are_looked_at_more_closely(name: str) -> None:
    numbers = CALLS[name]
    for flags, said in ((0, ALLOW), (0o2000000, ALLOW), (1, refusal(13)), (2, refusal(13)), (0o100, refusal(13))):
        assert verdict(name, numbers["openat"], 0, 0, flags) == said
    for family, said in ((2, ALLOW), (10, ALLOW), (16, ALLOW), (1, refusal(1)), (17, refusal(1)), (40, refusal(1))):
        assert verdict(name, numbers["socket"], family) == said
    thread = 0x3D0F00
    assert verdict(name, numbers["clone"], thread) == ALLOW
    assert verdict(name, numbers["clone"], 0x11) == refusal(errno.EPERM)  # a process
    assert verdict(name, numbers["clone"], 0x10000011) == refusal(errno.EPERM)  # a user namespace
    assert verdict(name, numbers["clone3"]) == refusal(errno.ENOSYS)
    assert verdict(name, numbers["tgkill"], PROCESS, PROCESS, 6) == ALLOW
    assert verdict(name, numbers["tgkill"], PROCESS + 1, PROCESS + 1, 9) == refusal(errno.EPERM)
    assert verdict(name, numbers["prctl"], 15) == ALLOW
    assert verdict(name, numbers["prctl"], 4) == refusal(errno.EPERM)  # PR_SET_DUMPABLE


@pytest.mark.parametrize("program", [seccomp.program, seccomp.program_for_root])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_of_a_descriptor_only_what_is_its_own_business_can_be_changed(name: str, program: Program) -> None:
    """No signal to whom it names, no lease, no attribute of a file, no keys typed; of netlink, routes."""
    column = ARCHITECTURES[name].column
    socket, fcntl, ioctl = ((41, 198)[column], (72, 25)[column], (16, 29)[column])

    def said(number: int, *arguments: int) -> int:
        return verdict(name, number, *arguments, program=program)

    refused = refusal(errno.EPERM)
    assert [said(socket, 16, 3, protocol) for protocol in (0, 2, 4, 9, 15)] == [ALLOW] + [refused] * 4
    assert [said(socket, family, 2, 17) for family in (2, 10, 1)] == [ALLOW] * 2 + [refused]
    assert {said(fcntl, 0, command) for command in (1, 2, 3, 4, 1030)} == {ALLOW}
    assert {said(fcntl, 0, command) for command in (8, 10, 15, 1024, 1026)} == {refused}
    assert {said(ioctl, 0, request) for request in (0x5401, 0x5413, 0x541B, 0x5421, 0x5451, 0x802C542A, 0x8933)} == {
        ALLOW
    }
    for request in (0x5412, 0x541C, 0x5423, 0x8901, 0x8902, 0x40086602, 0x401C5820, 0x40806685, 0x800C6613, 0x40087602):
        assert said(ioctl, 0, request) == refused, hex(request)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_another_architectures_calls_end_the_process_and_younger_ones_are_unknown(name: str) -> None:
    assert verdict(name, 0, audit=0x40000003) == KILL  # i386's numbers mean other calls
    assert verdict(name, 500) == refusal(errno.ENOSYS)
    assert verdict(name, 0x40000000 | CALLS[name]["execve"]) == refusal(errno.EPERM)  # x32


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_numbers_are_the_kernels(name: str) -> None:
    """Held to the kernel's headers where the machine has them; else to the few that stand in this file."""
    header = HEADERS[name]
    known = dict(CALLS[name])
    if header.exists():
        found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(), re.MULTILINE)
        known |= {call: int(number) for call, number in found}
        known.setdefault("newfstatat", known.get("fstatat", -1))
    column = ARCHITECTURES[name].column
    listed = {**ALLOWED, **REFUSED_TO_ROOT}
    allowed = {call: numbers[column] for call, numbers in listed.items() if numbers[column] is not None}
    assert {call: known[call] for call in allowed if call in known} == {
        call: number for call, number in allowed.items() if call in known
    }
    assert len(allowed) == len(set(allowed.values()))


ROOTS = {
    "x86_64": {"chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260,
               "setxattr": 188, "fsetxattr": 190, "utime": 132, "utimensat": 280, "ptrace": 101, "io_uring_setup": 425,
               "unshare": 272, "setns": 308, "keyctl": 250, "tkill": 200, "pidfd_send_signal": 424, "fchmodat2": 452,
               "sched_setaffinity": 203, "setpriority": 141, "setpgid": 109, "ioprio_set": 251,
               "socketpair": 53, "ioctl": 16, "kill": 62, "execve": 59, "openat": 257, "prlimit64": 302},
    "aarch64": {"fchmod": 52, "fchmodat": 53, "fchown": 55, "fchownat": 54, "setxattr": 5, "fsetxattr": 7,
                "utimensat": 88, "ptrace": 117, "io_uring_setup": 425, "unshare": 97, "setns": 268, "keyctl": 219,
                "tkill": 130, "pidfd_send_signal": 424, "fchmodat2": 452, "sched_setaffinity": 122, "setpriority": 140,
                "setpgid": 154, "ioprio_set": 30, "socketpair": 199, "ioctl": 29, "kill": 129,
                "execve": 221, "openat": 56, "prlimit64": 261},
}  # fmt: skip
GIVEN_MORE = {"socketpair", "ioctl", "kill", "execve", "openat", "prlimit64"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_front_end_that_stays_root_has_nothing_of_that_number(name: str) -> None:
    def said(call: str, *arguments: int) -> int:
        number = {**CALLS[name], **ROOTS[name]}[call]
        return verdict(name, number, *arguments, program=seccomp.program_for_root)

    refused = refusal(errno.EPERM)
    assert {call: said(call) for call in ROOTS[name] if call not in GIVEN_MORE} == dict.fromkeys(
        set(ROOTS[name]) - GIVEN_MORE, refused
    )
    assert said("execve") == said("openat", 0, 0, 0o101) == said("read") == ALLOW
    assert [said("socket", family) for family in (2, 10, 16, 1, 17)] == [ALLOW] * 3 + [refused] * 2
    assert [said("socketpair", 1, kind) for kind in (1, 0o2004001, 2, 3, 5)] == [ALLOW] * 2 + [refused] * 3
    assert [said("ioctl", 0, request) for request in (0x5413, 0x5412, 0x541C)] == [ALLOW, refused, refused]
    assert [said("kill", process, 15) for process in (0, PROCESS, 1, 2**64 - 1)] == [ALLOW] * 2 + [refused] * 2
    assert [said("tgkill", process, process, 6) for process in (PROCESS, 1)] == [ALLOW, refused]
    assert [said("prlimit64", process) for process in (0, PROCESS, 1)] == [ALLOW, ALLOW, refused]
    assert [said("clone", flags) for flags in (0x11, 0x3D0F00, 0x10000011, 0x20011)] == [ALLOW] * 2 + [refused] * 2
    assert said("clone3") == verdict(name, 500, program=seccomp.program_for_root) == refusal(errno.ENOSYS)
    assert verdict(name, 0x40000000 | CALLS[name]["read"], program=seccomp.program_for_root) == refused


@pytest.mark.needs("seccomp")
def test_the_kernel_holds_a_process_to_it_and_threads_and_sockets_go_on() -> None:
    program = (
        "import os, socket, subprocess, sys, threading\n"
        "from hopscope.sandbox import capabilities, seccomp\n"
        "capabilities.drop_all()\n"
        "assert seccomp.restrict()\n"
        "def tried(what):\n"
        "    try: what(); return 'done'\n"
        "    except OSError as problem: return problem.strerror\n"
        "for what in (lambda: os.fork(), lambda: os.execv('/bin/true', ['true']),\n"
        "             lambda: subprocess.run(['/bin/true']),\n"
        "             lambda: open('/tmp/x', 'w'), lambda: os.kill(os.getppid(), 0), lambda: os.unlink('/tmp/x'),\n"
        "             lambda: socket.socket(socket.AF_UNIX)):\n"
        "    print(tried(what))\n"
        "thread = threading.Thread(target=lambda: print('thread'))\n"
        "thread.start(); thread.join()\n"
        "print(socket.if_nametoindex('lo'), tried(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert [line for line in lines[:7] if line not in ("Operation not permitted", "Permission denied")] == []
    assert lines[7:] == ["thread", "1 done"]
