"""Called as ``mtr``: a link ``mtr -> hopscope`` is mtr to whatever runs it.

No word is a command, the options are mtr's alone (`mtr_options`), ``MTR_OPTIONS`` is read and hopscope's own defaults
are not, and what stands on standard error and how the program ends is what mtr 0.95 would say and do. Two things are
better on purpose: nobody needs root, and a report that a signal ends prints what it has before it dies of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from typing import Final, NoReturn

from hopscope.cli import mtr_options
from hopscope.cli.config import is_raised
from hopscope.cli.errors import OK, SIGNALLED, UsageError, no_room
from hopscope.cli.mtr_options import Wrong
from hopscope.cli.output import ClosedPipe, Output, OutputError, say, speak_as, write_all
from hopscope.cli.run import carry_out
from hopscope.names.clean import clean

NAME: Final = "mtr"
LONGEST_LINE: Final = 1000
"""Characters of what is wrong, which repeats what was typed."""
FAILED: Final = 1
"""The only status with which mtr fails."""


def is_mtr(argv0: str) -> bool:
    """Whether a program that was called by this path is mtr."""
    return os.path.basename(argv0) == NAME


def run(argv: Sequence[str]) -> int:
    """The exit status of one run; by a signal it ends as mtr does, killed."""
    speak_as(NAME)
    _name_process()
    try:
        # A program with more rights than its caller does not let the caller's environment steer it.
        status = carry_out(mtr_options.read(argv, {} if is_raised() else os.environ))
    except mtr_options.AskedAsMtr as asked:
        Output().write(str(asked))
        return OK
    except Wrong as wrong:
        say(clean(str(wrong), LONGEST_LINE))
        if wrong.usage:
            with contextlib.suppress(OSError):
                write_all(2, mtr_options.usage())
        return FAILED
    except UsageError as error:
        for line in str(error).splitlines():
            say(line)
        return FAILED
    except OutputError as error:
        say(f"write error: {str(error).rpartition(': ')[2]}")
        return FAILED
    except ClosedPipe:
        _die_of(signal.SIGPIPE)
    except KeyboardInterrupt:
        _die_of(signal.SIGINT)
    except (RuntimeError, OSError, MemoryError) as error:
        words = no_room(error)
        if words is None:
            raise
        say(words)
        return FAILED
    if status > SIGNALLED:
        _die_of(status - SIGNALLED)
    return OK if status == OK else FAILED


def _name_process() -> None:
    """For those who look for a process of the name mtr (pgrep -x): an interpreter may have put its own in its place."""
    try:
        with open("/proc/self/comm", "r+b", buffering=0) as comm:
            if comm.read() != f"{NAME}\n".encode():
                comm.write(NAME.encode())
    except OSError:
        return


def _die_of(number: int) -> NoReturn:
    """As a program does that never caught it: whoever waits for this one sees the signal."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(SIGNALLED + number)  # it is blocked
