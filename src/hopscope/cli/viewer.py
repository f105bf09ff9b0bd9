"""What `hopscope.web` starts for each browser: ``python -m hopscope.cli.viewer`` and the words of ``hopscope web``."""

from __future__ import annotations

import fcntl
import os
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress

from hopscope.cli.run import run


def main() -> int:
    """The exit status."""
    with suppress(OSError):  # this terminal's end is to be this process's (SIGHUP): tty_ioctl(4)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    return run(sys.argv[1:], _view)


def _view(argv: Sequence[str]) -> int:
    from hopscope.cli.history_screen import in_browser
    from hopscope.cli.options import read

    return in_browser(read(argv, os.environ))


if __name__ == "__main__":
    sys.exit(main())
