"""What a recording costs: bytes and CPU a probe, how long a commit takes, and how long any moment takes to be read."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.lab import TARGET, path_file
from bench.measure import Row, nearest_rank
from hopscope.history.block import PROBE_FACTS
from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.probe.virtual import VirtualEngine
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.replay import replay
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Plan, Sent, Start, Started
from tests.lab.virtual import simulated

SPAN_NS = 300 * 10**9
"""Of a moment that is looked at."""


def recording(quick: bool, folder: Path) -> list[Row]:
    """An hour (ten minutes if quick) of 15 hops at a round a second, a commit each second, as by the clock."""
    seconds = 660 if quick else 3600
    plan = simulated(Plan(TARGET[4], 4), str(path_file(folder)))
    virtual = VirtualEngine()
    virtual.handle(Start(1, plan))
    path = str(folder / "recording")
    writer = StoreWriter(path, host="bench", begun=virtual.wall)
    writer.add(1, Asked(virtual.wall, plan.address, Probing()))
    writer.add(1, Begun(virtual.wall, plan))
    commits: list[float] = []
    cpu = 0.0
    probes = 0
    for _ in range(seconds):
        facts = [event for event in virtual.advance(1) if type(event) in PROBE_FACTS or isinstance(event, Started)]
        probes += sum(isinstance(fact, Sent) for fact in facts)
        began_cpu = time.thread_time()
        for fact in facts:
            writer.add(1, fact)
        writer.cut()
        began = time.perf_counter()
        writer.commit()
        commits.append((time.perf_counter() - began) * 1e3)
        writer.compact_if_due()
        cpu += time.thread_time() - began_cpu
    began_cpu = time.thread_time()
    writer.end(virtual.wall)
    writer.close()
    cpu += time.thread_time() - began_cpu
    moments: list[float] = []
    with Store(path) as store:
        (trace,) = store.traces()
        for place in range(1, 6):
            at = trace.begun + (trace.until - trace.begun) * place // 5
            began = time.perf_counter()
            replay((1, fact) for _, fact in store.facts(trace, at - SPAN_NS, at))[1].snapshot()
            moments.append((time.perf_counter() - began) * 1e3)
    return [
        Row("recording", "on the disk, all in", "bytes a probe", (os.path.getsize(path) / probes,), 6.5),
        Row("recording", "CPU, of a thread of its own", "µs a probe", (cpu / probes * 1e6,), 3),
        Row("recording", "a second's commit, the 99th percentile", "ms", (nearest_rank(commits, 0.99),), 1),
        Row("recording", "CPU of one target at a round a second", "% of a core", (cpu / seconds * 100,)),
        Row("recording", "any moment and the five minutes before it, read and folded", "ms", tuple(moments), 150),
    ]
