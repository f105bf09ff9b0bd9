"""What the open screen costs, measured on the real command in a pseudo terminal: its first frame, CPU and memory.

    .venv/bin/python bench/screen.py [--seconds 30] [--size 160x50] [--no-chart] [-- ARGUMENTS OF HOPSCOPE]

    .venv/bin/python bench/screen.py --keys     how soon a key is answered while 200 targets are probed

Without arguments it watches the demo. CPU is user and system time of the screen's process and of its worker in percent
of one core, after `SETTLE_S` seconds; memory is the proportional set size (PSS), so that what both share counts once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path[0] = str(TOP)  # not this folder: a module in it may be called as one of the standard library is

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


TARGETS = 200
KEYS = "kkjjgjkgdnlojqkv?jqmkejT"
"""Pressed in this order, again and again: each changes something on the screen (``q`` closes what is open)."""


def many_targets(folder: Path) -> Path:
    """A network of 200 targets, 10 hops away each."""
    hops = "".join(f'  {{ at = "203.0.113.{n}", delay = "2ms", jitter = "0.3ms" }},\n' for n in range(1, 10))
    ends = "".join(
        f'[[targets]]\nname = "t{n}.example"\nat = "198.51.100.{n}"\ndelay = "2ms"\n' for n in range(1, TARGETS + 1)
    )
    folder.chmod(0o755)  # the worker reads it without privileges
    file = folder / "many.toml"
    file.write_text(f'title = "Many"\nseed = 1\nsource = ["192.168.1.23"]\nhops = [\n{hops}]\n{ends}')
    return file


def quiet(terminal: Terminal, seconds: float) -> None:
    """Let the screen finish what it draws: until nothing came for so long."""
    while True:
        before = len(terminal.bytes)
        terminal.take(seconds)
        if len(terminal.bytes) == before:
            return


def keys(rounds: int) -> list[float]:
    """Milliseconds from a key to the first byte that is drawn, while 200 targets are probed once a second. Frames that
    are due anyway fall into so short a time seldom; a key that nothing answered within 2 s counts as 2 s."""
    times = []
    with (
        tempfile.TemporaryDirectory(prefix="hopscope-keys-") as folder,
        Terminal("demo", str(many_targets(Path(folder))), size=(160, 50)) as terminal,
    ):
        terminal.read(b"t1.example")
        watch(terminal, SETTLE_S)
        terminal.type("g")
        for _ in range(60):  # the overview has the worst, and so whoever has not begun, at its top
            at = len(terminal.bytes)
            terminal.type("f")
            watch(terminal, 0.5)
            if all(words not in terminal.bytes[at:] for words in (b"starting", b"too early", b"looking")):
                break
            terminal.type("f")
        terminal.type("fg")
        watch(terminal, 1)
        for key in KEYS * rounds:
            quiet(terminal, 0.06)
            before, pressed = len(terminal.bytes), time.monotonic()
            terminal.type(key)
            while len(terminal.bytes) == before and time.monotonic() - pressed < 2:
                terminal.take(0.5)
            times.append(1000 * (time.monotonic() - pressed))
        terminal.type("\x03")
        terminal.wait()
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--size", default="160x50")
    parser.add_argument("--no-chart", action="store_true")
    parser.add_argument("--keys", action="store_true", help="measure keys with 200 targets instead")
    parser.add_argument("arguments", nargs="*", default=["demo"])
    given = parser.parse_args()
    if given.keys:
        times = sorted(keys(4))
        print(
            f"key to first byte, {TARGETS} targets, {len(times)} presses: median {statistics.median(times):.1f} ms, "
            f"p95 {times[int(len(times) * 0.95)]:.1f} ms, longest {times[-1]:.1f} ms"
        )
        return 0
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
