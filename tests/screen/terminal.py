"""The real command in a real pseudo terminal: what leaves it, byte for byte, and how the terminal is afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.processes import children

PATIENCE_S = 60.0
"""A wait that is longer than this has failed: a machine that is shared was seen to stand still for 20 s."""


class Terminal:
    """Runs ``python -m hopscope`` with `arguments`, or `code` in an interpreter."""

    def __init__(
        self,
        *arguments: str,
        size: tuple[int, int] = (120, 34),
        code: str | None = None,
        term: str = "xterm-256color",
        colorterm: str = "truecolor",
        **more: str,
    ) -> None:
        """`term`, `colorterm` and `more` are of its environment."""
        self.bytes = b""
        self.status: int | None = None
        self.peak = 0
        """KiB that the command took at the most, as far as was looked while it was waited for."""
        command = [sys.executable, *(["-c", code] if code is not None else ["-m", "hopscope"]), *arguments]
        environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if name not in ("NO_COLOR", "XDG_CONFIG_HOME", "COLUMNS", "LINES")
            },
            "TERM": term,
            "COLORTERM": colorterm,
            "LC_ALL": "C.UTF-8",
            "HOME": "/dev/null",
            **more,
        }
        self.master, slave = pty.openpty()
        self.resize(*size, tell=False)
        self.before = termios.tcgetattr(slave)
        self.pid = os.posix_spawn(
            sys.executable,
            command,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, slave, fd) for fd in (0, 1, 2)],
            setsid=True,
        )
        self.slave = slave

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.slave)
        os.close(self.master)

    def resize(self, columns: int, lines: int, tell: bool = True) -> None:
        """Another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if tell:
            os.kill(self.pid, signal.SIGWINCH)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def paste(self, text: bytes) -> None:
        """Paste, as a terminal brackets it; what is drawn meanwhile is taken, so that neither waits for the other."""
        rest = memoryview(b"\x1b[200~" + text + b"\x1b[201~")
        end = time.monotonic() + PATIENCE_S
        os.set_blocking(self.master, False)
        try:
            while rest:
                assert time.monotonic() < end, "the command reads no more"
                ready, room, _ = select.select([self.master], [self.master], [], 0.5)
                if ready:
                    self.bytes += os.read(self.master, 1 << 16)
                if room:
                    with contextlib.suppress(BlockingIOError):
                        rest = rest[os.write(self.master, rest[:1024]) :]
        finally:
            os.set_blocking(self.master, True)

    def read(self, until: bytes, since: int = 0) -> int:
        """Read until something was written after `since`; the number of bytes read so far."""
        end = time.monotonic() + PATIENCE_S
        while until not in self.bytes[since:]:
            self._read(end, f"{until!r} was not written")
        return len(self.bytes)

    def wait(self) -> int:
        """Read until the command ends; its exit status, as a shell would say it."""
        end = time.monotonic() + PATIENCE_S
        while self.status is None:
            self.peak = max(self.peak, peak_of(self.pid))
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self.status = code if code >= 0 else 128 - code
            self._read(end, "the command did not end", 0.02)
        return self.status

    def is_restored(self) -> bool:
        """Is the terminal as it was: its modes, the main screen, the cursor?"""
        main = self.bytes.rindex(b"\x1b[?1049l") > self.bytes.rindex(b"\x1b[?1049h")
        cursor = self.bytes.rindex(b"\x1b[?25h") > self.bytes.rindex(b"\x1b[?25l")
        return main and cursor and termios.tcgetattr(self.slave) == self.before

    def children(self) -> list[int]:
        """The command's own processes: its worker."""
        return children(self.pid)

    def _read(self, end: float, words: str, wait: float = 0.5) -> None:
        if time.monotonic() > end:
            raise AssertionError(f"{words}; the last of what was: {self.bytes[-2000:]!r}")
        self.take(wait)

    def take(self, wait: float) -> None:
        """Take what is written within some seconds."""
        ready, _, _ = select.select([self.master], [], [], wait)
        if ready:
            self.bytes += os.read(self.master, 1 << 16)


def peak_of(pid: int) -> int:
    """KiB that a process took at the most (VmHWM, proc_pid_status(5)); 0 where it has none any more. What wait4(2) says
    counts the process that began it, too."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
