"""A day of probing in virtual time: what an hour costs and holds at the end against the beginning."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.lab import TARGET, path_file
from bench.measure import Row, pss_mib
from hopscope.path.fold import PathFold
from hopscope.probe.virtual import VirtualEngine
from hopscope.wire.messages import Lost, Plan, Start
from tests.lab.virtual import simulated


def day(quick: bool, folder: Path) -> list[Row]:
    """24 hours (3 if quick) of 15 hops at a round a second through the real engine, the simulated network, the fold."""
    hours = 3 if quick else 24
    virtual = VirtualEngine()
    virtual.handle(Start(1, simulated(Plan(TARGET[4], 4), str(path_file(folder)))))
    fold = PathFold(TARGET[4])
    costs: list[float] = []
    memory: list[float] = []
    lost = 0
    for _ in range(hours):
        began = time.process_time()
        events = virtual.advance(3600)
        lost += sum(isinstance(event, Lost) for event in events)
        fold.apply_all(events)
        fold.snapshot()
        costs.append(time.process_time() - began)
        del events
        memory.append(pss_mib([os.getpid()]))
    return [
        Row("day", f"engine, network and fold, an hour of 15 hops ({hours} hours)", "s", tuple(costs), 0.8),
        Row("day", "cost of the last hour over the second", "times", (costs[-1] / costs[1],), 1.1),
        Row("day", "memory gained from the second hour to the last", "MiB", (memory[-1] - memory[1],), 2),
        Row("day", "probes lost", "", (lost,), 0),
    ]
