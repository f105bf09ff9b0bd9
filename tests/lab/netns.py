"""Network namespaces: named, entered for a moment by the calling thread, and gone when the tests end.

A name carries the process id of the tests that made it, so that parallel runs never meet and what a killed run left
behind is swept by the next one.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.needs import uses

_CLONE_NEWNET = 0x40000000
_RUN = Path("/run/netns")
_LOCAL_WITHIN_S = 10.0
_PREFIX = "hopscope"
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()
_made: set[str] = set()


def why_not() -> str | None:
    """Why this machine does not allow the kernel tests, in words; null where it does."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "needs root, to make network namespaces"
    name = new_name("try")
    try:
        add(name)
    except OSError as problem:
        return f"network namespaces cannot be made here: {problem}"
    remove([name])
    return None


def new_name(role: str) -> str:
    """A namespace name that no other run and no other lab of this run has."""
    return f"{_PREFIX}-{os.getpid()}-{next(_numbers)}-{role}"


def ip(commands: Sequence[str], inside: str | None = None, *, family: Literal[4, 6] | None = None) -> None:
    """Run commands of ip(8) as one batch, in the namespace named `inside`; `family`: where no address tells it.
    `OSError` says what ip said of the first that failed."""
    words = ["ip", *([f"-{family}"] if family else []), *(["-netns", inside] if inside else []), "-batch", "-"]
    done = subprocess.run(words, input="\n".join(commands) + "\n", text=True, check=False, capture_output=True)
    if done.returncode:
        raise OSError(f"ip: {done.stderr.strip()}")


def until_local(name: str, addresses: Sequence[str]) -> None:
    """Wait until the namespace takes packets to these IPv6 addresses. The kernel puts them into use in a work queue of
    its own, after ``ip address add`` has returned, and drops what comes before (Ip6InAddrErrors). `OSError` after some
    seconds."""
    until = time.monotonic() + _LOCAL_WITHIN_S
    words = ["ip", "-netns", name, "-6", "-oneline", "route", "show", "table", "local", "type", "local"]
    missing = set(addresses)
    while missing:
        shown = subprocess.run(words, text=True, check=True, capture_output=True).stdout
        missing -= {line.split()[1] for line in shown.splitlines()}
        if missing and time.monotonic() > until:
            raise OSError(f"the kernel does not take {', '.join(sorted(missing))} into use")


def add(*names: str) -> None:
    """Make namespaces, each with its loopback up."""
    uses("namespaces")
    _sweep()
    _made.update(names)
    ip([f"netns add {name}" for name in names])
    for name in names:
        ip(["link set lo up"], name)


def remove(names: Sequence[str]) -> None:
    """Delete namespaces; those that are gone already are no error."""
    for name in names:
        if (_RUN / name).exists():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
        _made.discard(name)


@contextmanager
def entered(name: str) -> Iterator[None]:
    """Within the block the calling thread is in the namespace: what it opens or starts there stays there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(_RUN / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def sysctl(name: str, values: dict[str, str]) -> None:
    """Set sysctls (dotted names below ``net.``) in a namespace."""
    with entered(name):
        for key, value in values.items():
            Path("/proc/sys/net", *key.split(".")).write_text(value)


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _sweep() -> None:
    """Remove what runs that were killed left behind."""
    if not _RUN.is_dir():
        return
    for entry in _RUN.iterdir():
        found = re.fullmatch(rf"{_PREFIX}-(\d+)-\d+-\w+", entry.name)
        if found and not Path("/proc", found[1]).exists():
            remove([entry.name])


atexit.register(lambda: remove(sorted(_made)))
