"""What the open screen costs, measured on the real command in a pseudo terminal: its first frame, CPU and memory.

    .venv/bin/python bench/screen.py [--seconds 30] [--size 160x50] [--no-chart] [-- ARGUMENTS OF HOPSCOPE]

Without arguments it watches the demo. CPU is user and system time of the screen's process and of its worker in percent
of one core, after `SETTLE_S` seconds; memory is the proportional set size (PSS), so that what both share counts once.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tests.screen.terminal import Terminal

SETTLE_S = 8.0


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid: int) -> float:
    """A process's proportional set size."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def watch(terminal: Terminal, seconds: float) -> None:
    """Let time pass, and take what the screen writes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.take(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--size", default="160x50")
    parser.add_argument("--no-chart", action="store_true")
    parser.add_argument("arguments", nargs="*", default=["demo"])
    given = parser.parse_args()
    columns, lines = map(int, given.size.split("x"))
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        config.write(f"[screen]\nchart = {'false' if given.no_chart else 'true'}\n")
        config.flush()
        began = time.monotonic()
        with Terminal(*given.arguments, "--config", config.name, size=(columns, lines)) as terminal:
            terminal.read(b"reset")
            print(f"first frame   {1000 * (time.monotonic() - began):.0f} ms after the command")
            watch(terminal, SETTLE_S)
            (worker,) = terminal.children()
            before = cpu_s(terminal.pid), cpu_s(worker), len(terminal.bytes), time.monotonic()
            watch(terminal, given.seconds)
            passed = time.monotonic() - before[3]
            screen = 100 * (cpu_s(terminal.pid) - before[0]) / passed
            other = 100 * (cpu_s(worker) - before[1]) / passed
            print(f"CPU           {screen + other:.2f} % of a core: screen {screen:.2f} %, worker {other:.2f} %")
            one, two = pss_mib(terminal.pid), pss_mib(worker)
            print(f"memory        {one + two:.0f} MiB: screen {one:.0f}, worker {two:.0f}")
            print(f"written       {(len(terminal.bytes) - before[2]) / passed / 1024:.1f} KiB/s to the terminal")
            terminal.type("q")
            terminal.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
