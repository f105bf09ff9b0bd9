"""How long the command takes to say anything at all."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.measure import Row


def version(quick: bool, folder: Path) -> list[Row]:
    """How long ``--version`` takes."""
    times = []
    for _ in range(5 if quick else 15):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-m", "hopscope", "--version"], check=True, capture_output=True)
        times.append((time.perf_counter() - began) * 1e3)
    return [Row("start", "--version", "ms", tuple(times), 100)]
