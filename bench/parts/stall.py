"""A reader of ``--format ndjson`` that stalls for a minute: memory meanwhile, and what it is told afterwards."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Final

from bench.lab import hopscope
from bench.measure import Row, pss_mib, tree
from tests.lab import netns

TARGETS: Final = 256
PROBES_A_SECOND: Final = 15
"""Of each target: as a path of 15 hops gives in a round a second."""
LIMIT_MIB: Final = 150


def stall(quick: bool, folder: Path) -> list[Row]:
    """256 targets, each as a path of 15 hops at a round a second."""
    stalled = 30 if quick else 60
    rounds = (stalled + 10) * PROBES_A_SECOND
    name = netns.new_name("stall")
    netns.add(name)
    try:
        netns.sysctl(name, {"ipv4.ping_group_range": "0 2147483647"})
        targets = [f"127.0.{number >> 7}.{number & 127}" for number in range(1, TARGETS + 1)]
        words = ["--format", "ndjson", "-c", str(rounds), "-i", str(1 / PROBES_A_SECOND), "-m", "1", *targets]
        with subprocess.Popen(
            hopscope(name, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/"
        ) as process:
            assert process.stdout is not None
            time.sleep(stalled)
            memory = pss_mib(tree(process.pid))
            events = [json.loads(line) for line in process.stdout]
            status = process.wait()
    finally:
        netns.remove([name])
    if status != 0 or sum(event["event"] == "end" for event in events) != TARGETS:
        raise RuntimeError(f"the run did not come to its end: status {status}")
    told = sum(event["event"] == "probe" for event in events)
    missed = sum(event["events"] for event in events if event["event"] == "gap")
    what = f"{TARGETS} targets x {PROBES_A_SECOND} probes/s, reader stalled for {stalled} s"
    note = f"{told} told and {missed} in gaps, of {rounds * TARGETS} probes"
    return [
        Row("stall", f"{what}: memory (PSS), session and worker", "MiB", (memory,), LIMIT_MIB, note=note),
        Row("stall", f"{what}: fates neither told nor in a gap", "", (rounds * TARGETS - told - missed,), 0),
    ]
