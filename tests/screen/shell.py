"""The real command started from a real shell with job control, which leads the session of a real pseudo terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.lab.processes import children, state, with_signal

PATIENCE_S = 20.0
"""A wait that is longer than this has failed."""
SHELLS = {
    "sh": ["dash", "-i"],
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
PROMPT = b"ready> "


class ShellTerminal:
    """A shell in a terminal; `run` starts hopscope in its foreground."""

    def __init__(self, shell: str = "sh", size: tuple[int, int] = (120, 34)) -> None:
        self.bytes = b""
        self.pid = 0
        self.is_fish = shell == "fish"
        program, *words = SHELLS[shell]
        self.home = tempfile.TemporaryDirectory(prefix="hopscope-home-", ignore_cleanup_errors=True)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "XDG_CONFIG_HOME", "COLUMNS", "LINES", "ENV", "INPUTRC")
        }
        environment |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "HOME": self.home.name, "PS1": PROMPT.decode()}
        self.master, slave = pty.openpty()
        self.name = os.ttyname(slave)
        # The leader of a session that opens a terminal gets it as its own: credentials(7). No fork: this process may
        # have threads.
        self.shell = os.posix_spawnp(
            program,
            [program, *words],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, self.name, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
            ],
            setsid=True,
        )
        os.close(slave)
        self.resize(*size)
        os.set_blocking(self.master, False)
        name = "function fish_prompt; echo -n '{}'; end\n" if shell == "fish" else "PS1='{}'\n"
        self.at_prompt(name.format(PROMPT.decode()))
        self.before = self.modes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in (*self.children(), self.shell):
            with_signal(pid, signal.SIGKILL)
        os.close(self.master)
        os.waitpid(self.shell, 0)
        self.home.cleanup()

    def resize(self, columns: int, lines: int) -> None:
        """Another size; the kernel tells whoever is in the foreground."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def modes(self) -> bytes:
        """All modes that a program finds which the shell starts: stty(1)."""
        at = len(self.bytes)
        self.at_prompt("stty -g\n", rb"[0-9a-f]+(:[0-9a-f]+){8,}")
        found = re.findall(rb"[0-9a-f]+(?::[0-9a-f]+){8,}", self.bytes[at:])
        return bytes(found[-1])

    @property
    def is_restored(self) -> bool:
        """Are the modes, and all that was asked for by sequences, as they were before hopscope began?"""
        return self.modes() == self.before and Lent(self.bytes).is_back

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def at_prompt(self, line: str, words: bytes = b"") -> None:
        """Type a line to the shell, and wait for `words` and then its next prompt."""
        at = len(self.bytes)
        self.type(line)
        self.read(words + b".*" + re.escape(PROMPT), at)

    def run(self, *words: str) -> int:
        """Start hopscope, and wait until its screen stands; its process."""
        known = set(self.children())
        at = len(self.bytes)
        self.type(f"{sys.executable} -m hopscope {' '.join(words or ('demo',))}\n")
        self.read(re.escape(b"leaf12.dc3.hosting.example"), at)
        (self.pid,) = set(self.children()) - known
        return self.pid

    def kill(self, *numbers: int) -> None:
        """Send signals to hopscope from elsewhere."""
        for number in numbers:
            with_signal(self.pid, number)

    def children(self) -> list[int]:
        """The shell's processes."""
        return children(self.shell)

    def state(self) -> str:
        """Of hopscope's process: proc_pid_stat(5); ``-`` where there is none."""
        return state(self.pid)

    def until(self, holds: Callable[[], bool], words: str) -> None:
        """Take what is written until something holds."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            self._read(end, words, 0.02)

    def until_stopped(self) -> None:
        self.until(lambda: self.state() == "T", "it is not stopped")

    def until_gone(self) -> None:
        self.until(lambda: self.state() in "-Z", "it is not gone")

    def read(self, pattern: bytes, since: int = 0) -> int:
        """Read until something was written after `since`; the number of bytes read so far."""
        end = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.bytes[since:], re.DOTALL):
            self._read(end, f"{pattern!r} was not written")
        return len(self.bytes)

    def until_end(self) -> int:
        """Wait for hopscope's end and the prompt; the exit status that the shell saw."""
        self.until_gone()
        at = len(self.bytes)
        self.at_prompt(f"echo ended with {'$status' if self.is_fish else '$?'}\n", rb"ended with \d+")
        return int(re.findall(rb"ended with (\d+)", self.bytes[at:])[-1])

    def _read(self, end: float, words: str, wait: float = 0.5) -> None:
        if time.monotonic() > end:
            raise AssertionError(f"{words}; the last of what was: {self.bytes[-1500:]!r}")
        if select.select([self.master], [], [], wait)[0]:
            self.bytes += os.read(self.master, 1 << 16)


OURS = (b"1049", b"25", b"1004", b"7", b"1000", b"1002", b"1003", b"1005", b"1006", b"1015", b"1016", b"2048")
_PRIVATE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_KEYBOARD = re.compile(rb"\x1b\[([<>])[0-9;]*u")


class Lent:
    """What a terminal was asked for, and not released from, by all that was written to it."""

    def __init__(self, written: bytes) -> None:
        self.balance: Counter[bytes] = Counter()
        """Of each mode: how often it was asked for, less how often it was given back."""
        self.last: dict[bytes, bytes] = {}
        for modes, what in _PRIVATE.findall(written):
            for mode in modes.split(b";"):
                if mode in OURS:
                    self.balance[mode] += 1 if what == b"h" else -1
                    self.last[mode] = what
        for what in _KEYBOARD.findall(written):
            self.balance[b"keyboard"] += 1 if what == b">" else -1

    @property
    def is_back(self) -> bool:
        """All is as it was: the main screen, a cursor, wrapping, no reports."""
        on = {mode for mode, what in self.last.items() if what == b"h"}
        off = {mode for mode, what in self.last.items() if what == b"l"}
        return on <= {b"25", b"7"} and not off & {b"25", b"7"} and not any(self.balance.values())


def shows_whole(written: bytes) -> bool:
    """Was the whole screen drawn (by the demo of the name "tour"): its first line, a hop, the last line?"""
    return all(words in written for words in (b"hopscope", b"leaf12.dc3.hosting.example", b"quit"))
