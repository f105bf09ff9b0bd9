"""What browsers that look cost: memory and CPU of each viewer, and how soon it shows something."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from bench.measure import Row
from tests.cli.command import environment
from tests.lab.processes import children
from tests.web.served import Looking, Server, looking, new_home, python, until

_VIEWERS: Final = 5
_BEFORE_S: Final = 5.0
_WORDS: Final = "watched in"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def web(quick: bool, _folder: Path) -> list[Row]:
    """Several viewers of one measurement at a round a second, which goes on meanwhile, once a first one has come and
    gone. Memory is what the kernel says in smaps_rollup: private is what ends with the viewer, PSS has its part of what
    is shared too."""
    home = new_home()
    store = f"{home}/live"
    recording = subprocess.Popen(
        [*python(), "-m", "hopscope", "demo", "tour", "-c", "100000", "--format", "ndjson", "--record", store],
        stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment(HOME=home), cwd="/",
    )  # fmt: skip
    try:
        until(lambda: os.path.exists(store), "nothing is recorded")
        time.sleep(_BEFORE_S)
        with Server(store=store) as server:
            return asyncio.run(_looked_at(server, 10 if quick else 60))
    finally:
        recording.terminate()
        recording.wait()


async def _looked_at(server: Server, seconds: int) -> list[Row]:
    first_ms = []
    async with looking(server) as browser:
        await browser.sees(_WORDS)
    await asyncio.to_thread(until, lambda: not server.viewers(), "a viewer stayed")
    async with AsyncExitStack() as stack:
        browsers: list[Looking] = []
        for _ in range(_VIEWERS):
            began = time.perf_counter()
            browser = await stack.enter_async_context(looking(server))
            await browser.sees(_WORDS)
            first_ms.append((time.perf_counter() - began) * 1e3)
            browsers.append(browser)
        viewers = server.viewers()
        before = {pid: _cpu_s(pid) for pid in viewers}
        reading = [asyncio.create_task(browser.until(lambda: False, patience_s=seconds + 60)) for browser in browsers]
        await asyncio.sleep(seconds)
        cpu = [(_cpu_s(pid) - before[pid]) / seconds * 100 for pid in viewers]
        memory = {pid: _memory_mib(pid) for pid in viewers}
        above = [server.process.pid, *children(server.process.pid)]
        others = [pid for parent in viewers for pid in children(parent)]
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    return [
        Row("web", "private memory of a viewer", "MiB", tuple(one[0] for one in memory.values()), 60),
        Row("web", "PSS of a viewer, one of five", "MiB", tuple(one[1] for one in memory.values()), 60),
        Row("web", "PSS of the server and of what viewers are forked from", "MiB",
            (sum(_memory_mib(pid)[1] for pid in above),)),
        Row("web", "processes that a viewer starts, workers among them", "", (len(others),), 0),
        Row("web", "a viewer's first frame, from the websocket on", "ms", tuple(first_ms), 1000),
        Row("web", "CPU of a viewer at a round a second", "% of a core", tuple(cpu)),
    ]  # fmt: skip


def _memory_mib(pid: int) -> tuple[float, float]:
    """Private, and proportional."""
    kib = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, value, _ = line.split()
        kib[name] = int(value)
    return (kib["Private_Clean:"] + kib["Private_Dirty:"]) / 1024, kib["Pss:"] / 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
