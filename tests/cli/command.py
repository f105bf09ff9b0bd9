"""The real command in a process of its own, on a simulated network: nothing leaves the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

QUICK = ("-i", "50ms", "-Z", "300ms", "-c", "2")
COMMAND = (sys.executable, "-m", "hopscope")


def environment(**more: str) -> dict[str, str]:
    """Nobody's configuration, and no options from outside."""
    return {**os.environ, "HOPSCOPE_OPTIONS": "", "XDG_CONFIG_HOME": "/dev/null", "TZ": "UTC", **more}


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
    )


def start(
    words: Sequence[str], *, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """The command, under way."""
    return subprocess.Popen(
        [*COMMAND, *words], stdout=stdout, stderr=stderr, env=environment(), stdin=subprocess.DEVNULL
    )
