"""What ends the program with one line on standard error."""

from __future__ import annotations

OK = 0
NOT_REACHED = 1
USAGE = 2
NOT_ALLOWED = 3
WORKER = 4
BROKEN_ASSERTION = 5
SIGNALLED = 128


class UsageError(Exception):
    """The command line, the environment's options or the configuration are wrong: what, which value, what to try."""
