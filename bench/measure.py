"""What every part of the bench is made of: rows of the table, medians, CPU and memory of process trees, load."""

from __future__ import annotations

import contextlib
import math
import os
import platform
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure of the table. `values` are one figure a repeat; `goal` is the most that it may be."""

    part: str
    what: str
    """What was measured; the same from run to run, so that runs can be compared. A reference program's begins with
    ``reference:``."""
    unit: str
    values: tuple[float, ...]
    goal: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    """The same figure of other programs, taken in the same run."""
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one of the repeats."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; null without a goal."""
        return None if self.goal is None else self.median <= self.goal


def nearest_rank(values: Sequence[float], share: float) -> float:
    """The ceil(share * n)-th smallest."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def marginal(long_cpu_s: float, short_cpu_s: float, long_probes: int, short_probes: int) -> float:
    """CPU microseconds that one more probe costs, start and end left out."""
    return (long_cpu_s - short_cpu_s) / (long_probes - short_probes) * 1e6


def lateness(times_ns: Sequence[int], interval_ns: int) -> list[float]:
    """How much later than due each send of one TTL was, ms, the earliest against its grid being on time."""
    behind = [at - index * interval_ns for index, at in enumerate(times_ns)]
    first = min(behind)
    return [(each - first) / 1e6 for each in behind]


def format_number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| part | what | figure | spread | goal | | peers, same run |",
        "| --- | --- | ---: | --- | ---: | --- | --- |",
    ]
    for row in rows:
        spread = f"{format_number(min(row.values))} to {format_number(max(row.values))}" if len(row.values) > 1 else ""
        goal = "" if row.goal is None else format_number(row.goal)
        verdict = {None: "", True: "met", False: "**not met**"}[row.met]
        peers = ", ".join(f"{name} {format_number(value)}" for name, value in row.peers.items())
        if row.note:
            peers = f"{peers}; {row.note}" if peers else row.note
        figure = f"{format_number(row.median)} {row.unit}".rstrip()
        lines.append(f"| {row.part} | {row.what} | {figure} | {spread} | {goal} | {verdict} | {peers} |")
    return "\n".join(lines) + "\n"


def machine() -> dict[str, str]:
    """The machine that the figures came from."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0].split(":", 1)[1].strip() if models else platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time of living processes together, to the scheduler's nanosecond (clock_getcpuclockid(3))."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += time.clock_gettime_ns(~pid << 3 | 2)
    return total / 1e9


def wake_ups(pids: Sequence[int]) -> int:
    """How often the threads of living processes have slept and been woken (voluntary switches, proc(5))."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                for line in (task / "status").read_text().splitlines():
                    if line.startswith("voluntary_ctxt_switches:"):
                        total += int(line.split()[1])
    return total


def pss_mib(pids: Sequence[int]) -> float:
    """Memory of living processes together, shared pages shared out."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def run_cpu(
    words: Sequence[str], meanwhile: Callable[[int], None] | None = None, *, own_session: bool = False
) -> tuple[float, bytes]:
    """Run to the end: CPU seconds of it and all that it waited for, and its standard output. `meanwhile` is called
    with its process id; a program that writes more than a pipe holds until then has to wait."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=own_session,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        if meanwhile is not None:
            meanwhile(process.pid)
        out = process.stdout.read()
        said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        command = textwrap.shorten(" ".join(words), 200)
        raise RuntimeError(f"{command}: {process.returncode}, {said.decode(errors='replace').strip()}")
    return usage.ru_utime + usage.ru_stime, out


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """So many processes that never rest."""
    loops = [subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
