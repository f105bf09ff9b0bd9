"""What a probe costs in CPU, headless: the command's two processes, mtr's, and the least that anybody can do."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from bench.lab import CC, HOPS, MTR, PROGRAMS, TARGET, TRIP, built, hopscope, inside, path_file, python, trip
from bench.measure import Row, cpu_seconds, marginal, run_cpu, tree, wake_ups
from bench.parts.wire import told_by_bare
from tests.lab.tun import TunLab

A_SECOND: Final = 10
"""Rounds."""
SETTLED_S: Final = 7.0
"""A session settles after five seconds; the rush of its start is left out of what is said of the settled state."""
LONG_PATH: Final = 30
"""Hops of the path whose report is printed."""
FORMATS: Final = ("text", "json", "html")

Figures = defaultdict[str, list[float]]


def cost(quick: bool, folder: Path) -> list[Row]:
    """CPU a probe of reports at ten rounds a second, marginal, whole and in the settled state; references; printing."""
    few, many = (60, 120) if quick else (60, 240)
    repeats = 1 if quick else 3
    found: Figures = defaultdict(list)
    with TunLab(path_file(folder)) as lab:
        ours = hopscope(lab.name, "-r", "-i", "0.1", "-Z", "0.5", TARGET[4])
        theirs = {}
        if MTR:
            theirs["mtr"] = (inside(lab.name, MTR, "-n", "-r", "-i", "0.1", TARGET[4]), "-c")
        if TRIP:
            theirs["trippy"] = (trip(lab.name, "-m", "csv", "-i", "100ms", "-T", "100ms", TARGET[4]), "-C")
        for _ in range(repeats):
            _whole(found, "hopscope", [*ours, "-c"], few, many, watched=True)
            for peer, (words, rounds) in theirs.items():
                _whole(found, peer, [*words, rounds], few, many)
            _references(found, lab.name, folder, 40 if quick else 80)
    return [*_rows(found, sorted(theirs), many), *_printing(folder, repeats)]


def _whole(found: Figures, name: str, words: list[str], few: int, many: int, *, watched: bool = False) -> None:
    """A short run and a long one; of ours the long one is looked into while it probes."""

    def look(pid: int) -> None:
        time.sleep(SETTLED_S)
        parts = {"session": [pid], "worker": tree(pid)[1:]}
        before = {part: (cpu_seconds(pids), wake_ups(pids)) for part, pids in parts.items()}
        began = time.perf_counter()
        time.sleep(many / A_SECOND - SETTLED_S - 1)
        probes = (time.perf_counter() - began) * A_SECOND * HOPS
        for part, pids in parts.items():
            cpu, wakes = before[part]
            found[f"{part} cpu"].append((cpu_seconds(pids) - cpu) / probes * 1e6)
            found[f"{part} wakes"].append((wake_ups(pids) - wakes) / probes)

    short, _ = run_cpu([*words, str(few)])
    long, _ = run_cpu([*words, str(many)], look if watched else None)
    found[f"{name} marginal"].append(marginal(long, short, many * HOPS, few * HOPS))
    found[f"{name} whole"].append(long / (many * HOPS) * 1e6)


def _references(found: Figures, namespace: str, folder: Path, rounds: int) -> None:
    source = (PROGRAMS / "bare.py").read_text(encoding="utf-8")
    arguments = [TARGET[4], str(HOPS), str(rounds), str(1_000_000_000 // A_SECOND)]
    commands = {"python probe": [*python(namespace, plain=True), "-c", source, "probe", *arguments]}
    if CC:
        program = str(built("bare", folder))
        commands["c probe"] = inside(namespace, program, "probe", *arguments)
        commands["c wake"] = inside(namespace, program, "wake", *arguments)
    for name, words in commands.items():
        _, out = run_cpu(words)
        _, cpu_ns, _ = told_by_bare(out)
        found[name].append(cpu_ns / 1e3 / (rounds * HOPS))


def _rows(found: Figures, peers: list[str], many: int) -> list[Row]:
    def of_peers(figure: str) -> dict[str, float]:
        return {peer: statistics.median(found[f"{peer} {figure}"]) for peer in peers}

    def row(what: str, key: str, unit: str = "µs", note: str = "") -> Row:
        return Row("cost", what, unit, tuple(found[key]), note=note)

    beside = of_peers("marginal")
    goal = beside["mtr"] / 2 if "mtr" in beside else None
    rows = [
        Row("cost", "CPU a probe, marginal, 15 hops x 10/s", "µs", tuple(found["hopscope marginal"]), goal, beside),
        *_times_mtrs(found),
        Row(
            "cost", "CPU a probe, whole run, start and end included", "µs", tuple(found["hopscope whole"]), None,
            of_peers("whole"), f"of {many} rounds",
        ),
        row("CPU a probe, worker, settled", "worker cpu"),
        row("CPU a probe, session, settled", "session cpu"),
        row("wake-ups a probe, worker, settled", "worker wakes", ""),
        row("wake-ups a probe, session, settled", "session wakes", ""),
        row("reference: CPU a probe, a bare loop in Python", "python probe", note="one wake-up, both stamps read"),
    ]  # fmt: skip
    if CC:
        rows += [
            row("reference: CPU a probe, a bare loop in C", "c probe", note="one wake-up, both stamps read"),
            row("reference: CPU a wake-up, 150 a second, a program in C", "c wake", note="it does nothing else"),
        ]
    return rows


def _times_mtrs(found: Figures) -> list[Row]:
    """The ratio, each repeat's with mtr's run right after it: other work on the machine slows down both."""
    pairs = zip(found["hopscope marginal"], found["mtr marginal"], strict=False)
    ratios = tuple(ours / theirs for ours, theirs in pairs if theirs > 0)
    return [Row("cost", "CPU a probe, marginal, over mtr's of the same moment", "times", ratios, 1.5)] if ratios else []


def _printing(folder: Path, repeats: int) -> list[Row]:
    """What a report costs beside the probing, at its end."""
    scenario = str(path_file(folder, LONG_PATH))
    rows = []
    for name in FORMATS:
        runs = []
        for _ in range(repeats):
            words = [sys.executable, str(PROGRAMS / "render.py"), scenario, name, str(LONG_PATH)]
            out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            runs.append([float(word) for word in out.split()])
        again = statistics.median(run[1] for run in runs)
        what = f"printing a report of {LONG_PATH} hops, {name}"
        rows.append(Row("cost", what, "ms", tuple(run[0] for run in runs), note=f"imports included; again {again:.2g}"))
    return rows
