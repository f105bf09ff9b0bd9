"""Looks at a store as the screen does, and says as JSON how long that took (ms) and what memory it needed (MiB)."""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from typing import Any

import msgspec

from hopscope.cli.playback import Playback
from hopscope.history.store import Store
from hopscope.names.facts import AddressInfo
from hopscope.path.bins import SPANS, TARGET

WEEK_NS = 7 * 86_400 * 10**9


class _Nobody:
    """A namer that knows nothing."""

    version = 0

    def look_up(self, address: str) -> AddressInfo:
        return AddressInfo()

    async def settle(self, timeout_s: float) -> None:
        pass

    async def close(self) -> None:
        pass


def _forget(path: str) -> None:
    """Nothing of the file stays in the machine's memory (posix_fadvise(2))."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    path, moments = sys.argv[1], int(sys.argv[2])
    chance = random.Random(1)
    figures: dict[str, list[float]] = {
        "list": [],
        "open": [],
        "cold": [],
        "cpu": [],
        "five": [],
        "step": [],
        "week": [],
    }

    def timed(of: str, work: Any, *words: Any) -> Any:
        began = time.perf_counter()
        out = work(*words)
        figures[of].append((time.perf_counter() - began) * 1e3)
        return out

    with Store(path) as store:
        before = _memory()
        _forget(path)
        traces = timed("list", store.traces)
        trace = traces[0]
        for _ in range(moments):
            at = chance.randrange(trace.begun + 600 * 10**9, trace.until)
            _forget(path)

            with Store(path) as again:
                playback = timed("open", Playback, again, [trace], _Nobody(), at)
                _forget(path)
                began_cpu = time.thread_time()
                timed("cold", playback.recall, at, 1)
                figures["cpu"].append((time.thread_time() - began_cpu) * 1e3)
                timed("step", playback.recall, at - 10 * 10**9, 1)
            with Store(path) as again:
                playback = Playback(again, [trace], _Nobody(), at, "5m")
                _forget(path)
                timed("five", playback.recall, at, 1)
            since = chance.randrange(trace.begun, max(trace.until - WEEK_NS, trace.begun + 1))
            _forget(path)
            timed("week", store.bins, trace, SPANS[4], since, since + WEEK_NS, (TARGET,))
        figures["memory"] = [_memory() - before]
    sys.stdout.buffer.write(msgspec.json.encode(figures))


if __name__ == "__main__":
    main()
