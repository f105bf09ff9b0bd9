"""Start a worker, before anything heavy is imported: probing begins while the screen is still being loaded.

The worker is found by this package's own path, never by the environment or the current folder, and runs isolated
(``python -I``), with little of the environment. Of its standard error the end is kept (`Launched.last_words`); none of
it reaches the terminal.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from hopscope.system import threads
from hopscope.wire.framing import encode_all
from hopscope.wire.messages import VERSION, Command, Hello, Plan, Start

_WORKER: Final = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "probe", "start.py")
_LAST_WORDS: Final = 2000
_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD", "QEMU_LD_PREFIX")
"""What a worker gets of the environment: what the interpreter may need to be loaded at all, and how it writes text."""
_OF_ROOT: Final = ("SUDO_UID", "SUDO_GID", "DOAS_USER", "PKEXEC_UID")
"""And where it starts as root: who called."""


class WorkerProcess:
    """A worker's process, greeted already. Whoever holds it closes it."""

    def __init__(
        self, command: Sequence[str], anchor_ns: int, *, extra: Sequence[str] = (), is_own: bool = False
    ) -> None:
        """`extra` are the worker's own arguments; `is_own`: it is this package's worker, on this machine. `OSError`
        where the process cannot be started."""
        self.command = [*command, *extra]
        self.extra = tuple(extra)
        self.anchor_ns = anchor_ns
        self.begun: list[tuple[str, Plan]] = []
        """Targets that it was told to probe before a session took it over, as (query, plan), numbered from 1."""
        self._words = bytearray()
        self._closing = threading.Lock()
        line: int | None = None
        self._lifeline: int | None = None
        self._keeper: _Keeper | None = None
        if is_own and sys.platform == "linux":
            line, self._lifeline = os.pipe()
        environment = _environment() if is_own else None
        try:
            if line is None or _may_be_signalled(line):
                self.process = self._start(line, environment)
            else:
                self._keeper = _Keeper(lambda: self._start(line, environment))
                self.process = self._keeper.process
        except BaseException:
            self._cut_lifeline()
            raise
        finally:
            if line is not None:
                os.close(line)
        assert self.process.stderr is not None
        os.set_blocking(self.process.stderr.fileno(), False)
        self.greeted_at = time.monotonic_ns()
        # Another machine has another clock: its worker takes an anchor of its own, and says what time it is there.
        self.tell([Hello(VERSION, anchor_ns if is_own else None)])

    def _start(self, line: int | None, environment: dict[str, str] | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command if line is None else [*self.command, "--lifeline", str(line)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            close_fds=True,
            pass_fds=() if line is None else (line,),
            # A session of its own: the kernel's scheduler weighs sessions against each other (sched(7), autogroup), so
            # that what else runs in this terminal holds no probe up. Job control is noticed by an unread pipe.
            start_new_session=True,
            bufsize=0,
        )

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

    def hear_words(self) -> bool:
        """Take in what the worker wrote to standard error; of that the end is kept. Whether more can come."""
        stream = self.process.stderr
        if stream is None or stream.closed:
            return False
        try:
            data = os.read(stream.fileno(), 1 << 16)
        except BlockingIOError:
            return True
        self._words += data
        del self._words[:-_LAST_WORDS]
        return bool(data)

    def last_words(self) -> str:
        """The last line that the worker wrote to standard error, as it came; empty where there is none."""
        lines = self._words.decode("utf-8", "backslashreplace").strip().splitlines()
        return lines[-1] if lines else ""

    def kill(self) -> None:
        """End it at once, whatever it does. Its end is then noticed as any other. Idempotent."""
        self._cut_lifeline()
        # Without privileges this process may not signal the user that the worker became; its lifeline does.
        with suppress(PermissionError):
            self.process.kill()

    def _cut_lifeline(self) -> None:
        line, self._lifeline = self._lifeline, None
        if line is not None:
            os.close(line)
        if self._keeper is not None:
            self._keeper.is_over.set()

    def close(self, grace_s: float = 1.0) -> None:
        """End the worker (the end of its standard input is its end), and reap it. Idempotent, and for any thread."""
        with self._closing:
            process = self.process
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.kill()
                process.wait()
            self._cut_lifeline()
            self.hear_words()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


class _Keeper:
    """A thread that starts a process and lives for as long as that one may: its end is the process's (prctl(2),
    PR_SET_PDEATHSIG), where nobody may signal anybody (`sandbox.seccomp.program_for_root`)."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        """`OSError` where it cannot be started."""
        from queue import SimpleQueue  # few processes need it

        self.is_over = threading.Event()
        started: SimpleQueue[subprocess.Popen[bytes] | BaseException] = SimpleQueue()

        def keep() -> None:
            try:
                with threads.taking_signals():
                    process = start()
                started.put(process)
            except BaseException as problem:  # noqa: BLE001 - it is raised where the process is wanted
                started.put(problem)
            else:
                self.is_over.wait()

        try:
            threads.start(keep, "hopscope-keeper")
        except RuntimeError:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        process = started.get()
        if isinstance(process, BaseException):
            raise process
        self.process = process


def _may_be_signalled(line: int) -> bool:
    """Whether a process may ask to be signalled by what happens to this descriptor: fcntl(2), F_SETOWN."""
    import fcntl

    try:
        fcntl.fcntl(line, fcntl.F_SETOWN, os.getpid())
    except PermissionError:
        return False
    return True


def options_for(scenario: str | None) -> tuple[str, ...]:
    """The worker's own arguments for a scenario that may be played: as root it can have to be told which file it may
    read (`hopscope.probe.confinement`)."""
    if scenario is None or os.geteuid() != 0 or not ("/" in scenario or scenario.endswith(".toml")):
        return ()
    return ("--may-read", os.path.abspath(scenario))


def launch(
    extra: Sequence[str] = (), *, command: Sequence[str] | None = None, anchor_ns: int | None = None
) -> WorkerProcess:
    """Start a worker. `extra` are arguments of the worker itself (``--scapy``); `command` replaces the whole command
    (another machine's worker, a test's); `anchor_ns` goes on with a session's time line. `OSError` where it fails."""
    anchor = time.time_ns() - time.monotonic_ns() if anchor_ns is None else anchor_ns
    if command is not None:
        return WorkerProcess(command, anchor)
    return WorkerProcess([sys.executable, "-I", _WORKER], anchor, extra=extra, is_own=True)


def _environment() -> dict[str, str]:
    names = (*_ENVIRONMENT, *(_OF_ROOT if os.geteuid() == 0 else ()))
    return {name: os.environ[name] for name in names if name in os.environ}
