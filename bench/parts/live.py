"""The open screen: how soon it shows what, and what it costs to leave it open."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from bench.lab import HOPS, MTR, PROGRAMS, TARGET, TRIP, hopscope, inside, path_file, python, trip
from bench.measure import Row, cpu_seconds, pss_mib, run_cpu, tree
from bench.parts.wire import told_by_bare
from bench.pty import Pty
from tests.lab.tun import TunLab

SIZE: Final = (160, 50)
SETTLE_S: Final = 8.0
"""From the whole path on: the rush of the start is over."""
ADDRESSES: Final = tuple(f"198.51.100.{n}".encode() for n in range(1, HOPS))
FIRST_WORDS: Final = {"hopscope": b"reset", "mtr": b"Keys", "trippy": b"Target"}
"""Written with the first whole frame, whatever is known of the path."""

Figures = defaultdict[str, list[float]]


def screen(quick: bool, folder: Path) -> list[Row]:
    """The open screen in a terminal of 160x50: start, CPU and memory."""
    seconds = 8.0 if quick else 20.0
    found: Figures = defaultdict(list)
    configs = {}
    for chart in ("false", "true"):
        configs[chart] = folder / f"chart-{chart}.toml"
        configs[chart].write_text(f"[screen]\nchart = {chart}\n")
    with TunLab(path_file(folder)) as lab:
        commands = {
            "hopscope": hopscope(lab.name, "--config", str(configs["false"]), TARGET[4]),
            "hopscope, chart": hopscope(lab.name, "--config", str(configs["true"]), TARGET[4]),
        }
        if MTR:
            commands["mtr"] = inside(lab.name, MTR, "-n", TARGET[4])
        if TRIP:
            commands["trippy"] = trip(lab.name, "--tui-address-mode", "ip", TARGET[4])
        for _ in range(1 if quick else 3):
            for name, words in commands.items():
                _watch(found, name, words, seconds)
            _bare_loop(found, lab.name, int(seconds))
    return _rows(found, [name for name in commands if not name.startswith("hopscope")])


def _watch(found: Figures, name: str, words: list[str], seconds: float) -> None:
    with Pty(words, *SIZE) as terminal:
        found[f"{name} frame"].append(terminal.until(FIRST_WORDS[name.partition(",")[0]]))
        found[f"{name} hop"].append(terminal.until(ADDRESSES[0]))
        found[f"{name} path"].append(terminal.until(*ADDRESSES))
        terminal.watch(SETTLE_S)
        first, *others = tree(terminal.pid)
        mine, other = cpu_seconds([first]), cpu_seconds(others)
        began, written = time.perf_counter(), len(terminal.bytes)
        terminal.watch(seconds)
        passed = time.perf_counter() - began
        mine = 100 * (cpu_seconds([first]) - mine) / passed
        other = 100 * (cpu_seconds(others) - other) / passed
        found[f"{name} cpu"].append(mine + other)
        found[f"{name} first"].append(mine)
        found[f"{name} others"].append(other)
        found[f"{name} memory"].append(pss_mib([first, *others]))
        found[f"{name} written"].append((len(terminal.bytes) - written) / passed / 1024)


def _bare_loop(found: Figures, namespace: str, rounds: int) -> None:
    """The least that could probe as the screen's worker does, a round a second."""
    source = (PROGRAMS / "bare.py").read_text(encoding="utf-8")
    words = [*python(namespace, plain=True), "-c", source, "probe", TARGET[4], str(HOPS), str(rounds), str(10**9)]
    _, cpu_ns, _ = told_by_bare(run_cpu(words)[1])
    found["reference cpu"].append(100 * cpu_ns / 1e9 / rounds)


def _rows(found: Figures, peers: list[str]) -> list[Row]:
    def row(what: str, figure: str, unit: str, goal: float | None, *, of: str = "hopscope", alone: bool = False) -> Row:
        beside = {} if alone else {peer: statistics.median(found[f"{peer} {figure}"]) for peer in peers}
        return Row("screen", what, unit, tuple(found[f"{of} {figure}"]), goal, beside)

    core = "% of a core"
    return [
        row("start to first frame", "frame", "ms", None),
        row("start to first hop", "hop", "ms", None),
        row("start to whole path", "path", "ms", 800),
        row("CPU, steady, 15 hops x 1/s", "cpu", core, 1.3),
        row("CPU, steady: the screen's process", "first", core, None, alone=True),
        row("CPU, steady: the worker", "others", core, None, alone=True),
        row("reference: CPU, a bare loop in Python that probes", "cpu", core, None, of="reference", alone=True),
        row("CPU, steady, with the chart open", "cpu", core, 4, of="hopscope, chart", alone=True),
        row("CPU, with the chart open: the screen's process", "first", core, None, of="hopscope, chart", alone=True),
        row("memory, all processes (PSS)", "memory", "MiB", 90),
        row("memory, with the chart open (PSS)", "memory", "MiB", None, of="hopscope, chart", alone=True),
        row("written to the terminal, steady", "written", "KiB/s", None),
    ]
