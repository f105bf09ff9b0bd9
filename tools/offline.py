"""Runs a command in a network namespace of its own, in which loopback alone is up: no mistake of a test or an example
can send a packet to a real network there.

    .venv/bin/python tools/offline.py .venv/bin/python -m pytest tests/path

Root gets a network namespace; anybody else a user namespace too, in which they stay who they are and have no more
rights than before (user_namespaces(7): an execve by a user who is not 0 clears all capabilities). What a fresh network
namespace lacks is set here: loopback is up, and ping sockets are open to all groups of the namespace, as systemd opens
them on a desktop. Where the machine allows no namespace, the command runs as it is, after one line that says so.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
"""clone(2)."""
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
"""netdevice(7)."""
_EVERY_GROUP = "0 2147483647"


def isolate() -> None:
    """Take this process into namespaces of its own. `OSError` where that is not allowed; the process may then stand
    half in them."""
    user, group = os.geteuid(), os.getegid()
    _unshare(_CLONE_NEWNET | (_CLONE_NEWUSER if user else 0))
    if user:
        _write("/proc/self/setgroups", "deny")  # what lets a plain user map a group (user_namespaces(7))
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        name, flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", name, flags | _IFF_UP))
    # Groups that the user namespace does not map are not written there.
    _write("/proc/sys/net/ipv4/ping_group_range", f"{group} {group}" if user else _EVERY_GROUP)


def _unshare(flags: int) -> None:
    """unshare(2), which `os` has from Python 3.12 on only."""
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def why_not() -> str | None:
    """Why this user cannot be isolated on this machine, in words; null where it works. Tried by a child, because an
    attempt cannot be taken back."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            isolate()
            status = 0
        except OSError as problem:
            os.write(writer, str(problem).encode())
        finally:
            os._exit(status)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    return said or "the attempt ended early" if os.waitpid(child, 0)[1] else None


def main(words: list[str]) -> int:
    if not words:
        print("usage: offline.py COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    reason = why_not()
    if reason is None:
        isolate()
    else:
        print(f"This machine allows no network namespace ({reason}): its own network is used.", file=sys.stderr)
    try:
        os.execvp(words[0], words)
    except OSError as problem:
        print(f"offline.py: {words[0]}: {problem.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
