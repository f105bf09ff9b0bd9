"""Start a worker, before anything heavy is imported: probing begins while the screen is still being loaded.

The worker is found by this package's own path, never by the environment or the current folder, and runs isolated
(``python -I``). Its standard error goes to a file in memory, of which `Launched.last_words` shows the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from typing import Final

from hopscope.wire.framing import encode_all
from hopscope.wire.messages import VERSION, Command, Hello, Plan, Start

_WORKER: Final = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "probe", "start.py")
_LAST_WORDS: Final = 2000


class Launched:
    """A worker's process, greeted already. Whoever holds it closes it."""

    def __init__(self, command: Sequence[str], anchor_ns: int) -> None:
        """`OSError` where the process cannot be started."""
        self.command = list(command)
        self.anchor_ns = anchor_ns
        self.begun: list[tuple[str, Plan]] = []
        """Targets that it was told to probe before a session took it over, as (query, plan), numbered from 1."""
        self._words = _memory_file()
        try:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                close_fds=True,
                bufsize=0,
            )
        except OSError:
            os.close(self._words)
            raise
        self.tell([Hello(VERSION, anchor_ns)])

    def begin(self, query: str, plan: Plan) -> None:
        """Probe a target at once; the session that takes over will know it."""
        self.begun.append((query, plan))
        self.tell([Start(len(self.begun), plan)])

    def tell(self, commands: Iterable[Command]) -> None:
        """Write commands; a worker that is gone already is noticed by whoever reads from it."""
        assert self.process.stdin is not None
        data = encode_all(commands)
        try:
            while data:
                written = os.write(self.process.stdin.fileno(), data)
                data = data[written:]
        except BrokenPipeError:
            return

    def last_words(self) -> str:
        """The last line that the worker wrote to standard error; empty where there is none."""
        try:
            size = os.fstat(self._words).st_size
            tail = os.pread(self._words, _LAST_WORDS, max(0, size - _LAST_WORDS))
        except OSError:
            return ""
        lines = tail.decode("utf-8", "backslashreplace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self, patience_s: float = 1.0) -> None:
        """End the worker (the end of its standard input is its end), and reap it. Idempotent."""
        process = self.process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        if self._words >= 0:
            os.close(self._words)
            self._words = -1


def launch(
    extra: Sequence[str] = (), *, command: Sequence[str] | None = None, anchor_ns: int | None = None
) -> Launched:
    """Start a worker. `extra` are arguments of the worker itself (``--scapy``); `command` replaces the whole command
    (another machine's worker, a test's); `anchor_ns` goes on with a session's time line. `OSError` where it fails."""
    words = list(command) if command is not None else [sys.executable, "-I", _WORKER, *extra]
    return Launched(words, time.time_ns() - time.monotonic_ns() if anchor_ns is None else anchor_ns)


def _memory_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("hopscope-worker", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
