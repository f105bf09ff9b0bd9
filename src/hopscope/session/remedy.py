"""Remedies as commands that work where they are read: for this installation, this user, and what this system has.

The worker knows neither how hopscope was called nor which target was asked for: in its remedies ``hopscope`` and
``TARGET`` stand for both, and a leading ``sudo`` for becoming root.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from typing import Final

from hopscope.wire.messages import Protocol

_ON_ROOTS_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where sudo and su look for a command (sudoers(5), secure_path)."""
_FLAGS: Final[Mapping[Protocol, str]] = {"icmp": "", "udp": " -u", "tcp": " -T"}


def runnable(remedy: str | None, protocol: Protocol = "icmp", target: str | None = None) -> str | None:
    """A worker's `remedy` as it can be pasted into a shell; None where there is none, or it cannot help this user.
    `protocol` and `target`: what the command is to probe; without a target ``TARGET`` stays to be filled in."""
    command = (remedy or "").removeprefix("sudo ")
    if command == (remedy or ""):
        return remedy
    if command.startswith("hopscope "):
        if os.geteuid() == 0:
            return None  # root already, and it was refused
        command = called() + _FLAGS[protocol] + command.removeprefix("hopscope")
        if target is not None:
            command = command.replace("TARGET", shlex.quote(target))
    elif command.startswith("sysctl -w ") and not _is_there("sysctl"):
        name, _, value = command.removeprefix("sysctl -w ").partition("=")
        command = f"sh -c 'echo {value} > /proc/sys/{name.replace('.', '/')}'"
    return as_root(command)


def as_root(command: str) -> str:
    """`command`, run as root by what this system has for that."""
    if os.geteuid() == 0:
        return command
    for program in ("sudo", "doas"):
        if _is_there(program):
            return f"{program} {command}"
    return f"su -c {shlex.quote(command)}"


def called() -> str:
    """How root can call this very hopscope, in shell words: an absolute path, unless root finds it without."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    module = [sys.executable, "-m", "hopscope"]
    started = shutil.which(sys.argv[0]) if sys.argv and sys.argv[0] else None
    if started is None or os.path.basename(started) != "hopscope":  # python -m, or a link of another name
        if package in map(os.path.abspath, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))):
            return shlex.join(["env", f"PYTHONPATH={package}", *module])  # sudo does not hand the environment on
        started = shutil.which(os.path.join(os.path.dirname(sys.executable), "hopscope"))
        if started is None:
            return shlex.join(module)
    folder, name = os.path.split(os.path.abspath(started))
    return name if folder in _ON_ROOTS_PATH else shlex.quote(os.path.join(folder, name))


def _is_there(program: str) -> bool:
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *_ON_ROOTS_PATH))) is not None
