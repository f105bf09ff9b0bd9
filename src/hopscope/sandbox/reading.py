"""What a Python program has to be able to read to go on, as rules of Landlock: for a process that is still uid 0."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

from hopscope.sandbox.landlock import EXECUTE, IOCTL_DEV, READ_FILE, READING, WRITE_FILE, Rule

_LIBRARIES: Final = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_OF_ETC: Final = (
    "resolv.conf",
    "hosts",
    "host.conf",
    "gai.conf",
    "nsswitch.conf",
    "networks",
    "protocols",
    "services",
    "passwd",
    "group",
    "localtime",
    "timezone",
    "locale.alias",
    "ld.so.cache",
    "ld.so.preload",
    "ld-musl-x86_64.path",
    "ld-musl-aarch64.path",
    "alternatives",
    "ethertypes",
    "hostname",
)
"""What the C library, name look-ups and Python read of /etc. All of it is for everybody: /etc/shadow is not here."""
_RESOLVERS: Final = ("/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/run/connman")
"""Where /etc/resolv.conf may lead, and be replaced while we run."""


def of_program(*, execute: bool) -> list[Rule]:
    """The interpreter, its libraries, this package and what it depends on, the system's tables. `execute`: they may
    also be executed, to start a worker."""
    rights = READING | (EXECUTE if execute else 0)
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    here = os.path.realpath(os.curdir)  # ``python -m`` puts it into sys.path, and it is no part of the program
    modules = [path for path in sys.path if os.path.realpath(path) != here]
    folders = [sys.prefix, sys.base_prefix, sys.exec_prefix, *modules, package, *_LIBRARIES]
    folders += os.environ.get("LD_LIBRARY_PATH", "").split(":")
    executables = [sys.executable, os.path.realpath(sys.executable or "/")]
    rules = [Rule(path, rights) for path in dict.fromkeys((*folders, *executables)) if _is_narrow(path)]
    rules += [Rule(f"/etc/{name}", READING) for name in _OF_ETC]
    rules += [Rule(path, READING) for path in (*_RESOLVERS, "/proc", "/sys/devices/system/cpu")]
    rules += [Rule(path, READ_FILE | WRITE_FILE | IOCTL_DEV) for path in ("/dev/null", "/dev/tty", *_terminals())]
    rules += [Rule(path, READ_FILE) for path in ("/dev/urandom", "/dev/random", "/dev/zero")]
    return rules


def _terminals() -> list[str]:
    """This process's own: those of others may be root's as well, and what is typed there."""
    found = []
    for descriptor in (0, 1, 2):
        with suppress(OSError):
            found.append(os.ttyname(descriptor))
    return found


def _is_narrow(path: str) -> bool:
    """Whether a rule for `path` is less than one for the whole file system."""
    return path.startswith("/") and os.path.realpath(path) != "/"
