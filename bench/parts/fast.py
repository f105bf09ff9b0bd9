"""An hour of 15 hops in virtual time, as ``hopscope demo --fast`` plays it, and what of that is whose."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

from bench.lab import HOPS, TARGET, path_file
from bench.measure import Row, run_cpu
from hopscope.path.fold import PathFold
from hopscope.probe.virtual import VirtualEngine
from hopscope.wire.messages import Plan, Start
from tests.lab.virtual import simulated

SECONDS: Final = 3600
_RUN: Final = "import sys; from hopscope.__main__ import main; sys.exit(main())"
_WITHOUT: Final = "from hopscope.judge.judge import Judge; Judge.apply = lambda self, fact: None; "
"""Put before `_RUN`: no fact reaches a judge."""


def fast(quick: bool, folder: Path) -> list[Row]:
    """CPU seconds of the command with and without the judge, and of engine, network and fold alone."""
    scenario = path_file(folder)
    words = ["demo", str(scenario), "--fast", "-c", str(SECONDS), "--format", "json"]
    tour = ["demo", "tour", *words[2:]]
    repeats = 1 if quick else 5
    figures: dict[str, list[float]] = {"with": [], "without": [], "tour": [], "alone": []}
    for _ in range(repeats):
        figures["with"].append(_command(_RUN, words))
        figures["without"].append(_command(_WITHOUT + _RUN, words))
        figures["tour"].append(_command(_RUN, tour))
        figures["alone"].append(_alone(scenario))
    hour = f"an hour of {HOPS} hops"
    return [
        Row("fast", f"{hour}: the whole command", "s", tuple(figures["with"]), 2),
        Row("fast", f"{hour}: the whole command without the judge", "s", tuple(figures["without"])),
        Row("fast", f"{hour}: engine, network and fold alone", "s", tuple(figures["alone"]), 0.8),
        Row("fast", "an hour of the tour, which is in trouble: the whole command", "s", tuple(figures["tour"]), 2),
    ]


def _command(program: str, words: list[str]) -> float:
    return run_cpu([sys.executable, "-c", program, *words])[0]


def _alone(scenario: Path) -> float:
    virtual = VirtualEngine()
    virtual.handle(Start(1, simulated(Plan(TARGET[4], 4), str(scenario))))
    virtual.advance(5)
    fold = PathFold(TARGET[4])
    began = time.process_time()
    fold.apply_all(virtual.advance(SECONDS))
    fold.snapshot()
    return time.process_time() - began
