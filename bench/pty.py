"""A command in a pseudo terminal, and every byte that it writes with the time at which it came."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

PATIENCE_S = 20.0


class Pty:
    """Runs `words` in a terminal of `columns` x `rows`."""

    def __init__(self, words: Sequence[str], columns: int, rows: int) -> None:
        self.bytes = b""
        self._master, slave = os.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        unset = ("NO_COLOR", "COLUMNS", "LINES")
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8", "HOME": "/dev/null"}
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True, cwd="/"
        )
        os.close(slave)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._master)

    def until(self, *wanted: bytes) -> float:
        """Milliseconds from the start until all of these were written."""
        left = list(wanted)
        while left := [each for each in left if each not in self.bytes]:
            if time.perf_counter() - self.began > PATIENCE_S:
                raise RuntimeError(f"{left} not written; the last: {self.bytes[-500:]!r}")
            self.take(0.5)
        return (time.perf_counter() - self.began) * 1e3

    def watch(self, seconds: float) -> None:
        """Take what is written for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.take(left)

    def take(self, seconds: float) -> None:
        """Take what is written next, within some seconds."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            self.bytes += os.read(self._master, 1 << 16)
