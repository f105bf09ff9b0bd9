"""What `hopscope.web` starts once: ``python -m hopscope.cli.viewers``, the words of ``hopscope web``, a descriptor.

It loads the screen, and forks a viewer for each terminal that comes through the descriptor, a Unix socket. The answer
is the new process's own descriptor (pidfd_open(2)), or none where there is no room for it.
"""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import socket
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import Final

from hopscope.cli.run import run

_SCREEN: Final = tuple(
    f"hopscope.views.screen.{name}"
    for name in ("app", "driver", "panels", "plot", "heat", "ribbon", "clockline", "dialogs.why", "parting")
)
"""What a viewer would load once it was forked, and then have for itself."""


def main() -> int:
    """The exit status, of this process or of a viewer's."""
    return run(sys.argv[1:], _serve)


def _serve(argv: Sequence[str]) -> int:
    from hopscope.cli.options import read

    *words, descriptor = argv
    options = read(words, os.environ)
    from hopscope.cli.history_screen import in_browser

    for name in _SCREEN:
        import_module(name)
    _confine()
    gc.freeze()  # what is never looked through is never written to, and so stays shared
    signal.signal(signal.SIGCHLD, _reap)
    with socket.socket(fileno=int(descriptor)) as door:
        while True:
            asked, terminals, _, _ = socket.recv_fds(door, 1, 1)
            if not asked:
                return 0
            if _fork(door, terminals[0]):
                break
    return in_browser(options)


def _confine() -> None:
    """From here on this process and its viewers can make, change, remove and execute nothing (where the kernel has
    Landlock); what they read is what their user may."""
    from hopscope.sandbox import capabilities, landlock

    capabilities.drop_all()
    with suppress(OSError):
        landlock.restrict(landlock.WRITING | landlock.EXECUTE, scoped=True)


def _fork(door: socket.socket, terminal: int) -> bool:
    """Whether this is the viewer."""
    process: int | None = None
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # its number is its own until it has a descriptor
    try:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                _take(terminal)
            except OSError:  # the browser is gone already, and its terminal with it
                os._exit(0)
            return True
        process = os.pidfd_open(pid)
    except OSError:
        pass  # no room for one more
    finally:
        os.close(terminal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    with suppress(BrokenPipeError):
        socket.send_fds(door, [b"\0"], [process] if process is not None else [])
    if process is not None:
        os.close(process)
    return False


def _take(terminal: int) -> None:
    """Let this terminal be the process's own, whose end is the process's (SIGHUP): setsid(2), tty_ioctl(4)."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for standard in (0, 1, 2):
        os.dup2(terminal, standard)


def _reap(_number: int, _frame: FrameType | None) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    sys.exit(main())
