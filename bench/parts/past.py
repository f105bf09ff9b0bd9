"""What keeping a path's past costs: bytes and CPU a probe, and how long a past moment or a window takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bench.lab import TARGET, path_file
from bench.measure import Row
from hopscope.path import bins
from hopscope.path.fold import PathFold
from hopscope.path.log import MOST_BYTES
from hopscope.path.past import Past, Sliding
from hopscope.path.windows import WindowName
from hopscope.probe.virtual import VirtualEngine
from hopscope.wire.facts import Begun
from hopscope.wire.messages import Event, Plan, RoundStarted, Sent, Start
from tests.lab.virtual import simulated

_HOPS = 15
_MOMENTS = 20


def past(quick: bool, folder: Path) -> list[Row]:
    """Hours of 15 hops at a round a second, with their past and without it, in turns."""
    hours = 2 if quick else 6
    virtual = VirtualEngine()
    plan = Plan(TARGET[4], 4)
    virtual.handle(Start(1, simulated(plan, str(path_file(folder)))))
    kept, path, plain = Past(MOST_BYTES), PathFold(TARGET[4]), PathFold(TARGET[4])
    kept.append(Begun(0, plan), path)
    without: list[float] = []
    with_it: list[float] = []
    probes = 0
    for _ in range(hours):
        events = virtual.advance(3600)
        probes += sum(isinstance(event, Sent) for event in events)
        without.append(1e6 * _cpu_s(plain.apply_all, events) / len(events))
        with_it.append(1e6 * _cpu_s(_keep, kept, path, events) / len(events))
    end = path.snapshot().last_at or 0
    begin = path.snapshot().started_at or 0
    moments = [begin + (end - begin) * i // _MOMENTS for i in range(1, _MOMENTS)]
    hour = Sliding(kept, "1h")
    at_first, later = _cpu_s(hour.path, path, end), _cpu_s(hour.path, path, end + 10**9)
    axis = _cpu_s(kept.timeline.between, path.snapshot(), begin, end, bins.SPANS[2], (bins.TARGET,))
    return [
        Row("past", f"packed bytes a probe ({hours} hours of {_HOPS} hops)", "B", (kept.log.bytes / probes,)),
        Row("past", "CPU an event, the fold alone", "µs", tuple(without)),
        Row("past", "CPU an event, the fold and its past", "µs", tuple(with_it)),
        Row("past", "any past moment, since the start", "ms", _each(kept, moments, "start")),
        Row("past", "any past moment, over the 5 min before", "ms", _each(kept, moments, "5m")),
        Row("past", f"bins of {hours} hours, kept", "KiB", (kept.timeline.bytes / 1024,)),
        Row("past", f"an axis of {hours} hours in minutes, the target", "ms", (1e3 * axis,)),
        Row("past", "the last hour's numbers, at first", "ms", (1e3 * at_first,)),
        Row("past", "the last hour's numbers, a second later", "ms", (1e3 * later,)),
    ]


def _each(kept: Past, moments: list[int], window: WindowName) -> tuple[float, ...]:
    return tuple(1e3 * _cpu_s(kept.path, moment, window) for moment in moments)


def _keep(kept: Past, path: PathFold, events: list[Event]) -> None:
    for event in events:
        path.apply(event)
        kept.append(event, path)
        if isinstance(event, RoundStarted) and kept.timeline.is_due(event.round):
            kept.timeline.take(path.snapshot())


def _cpu_s(work: Callable[..., object], *words: object) -> float:
    began = time.process_time()
    work(*words)
    return time.process_time() - began
