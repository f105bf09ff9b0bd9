"""Whether a flood of datagrams that answer nobody's probe, sent to the very socket that probes, holds probes up."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.lab import CC, built, inside, python
from bench.measure import Row
from hopscope.wire.messages import VERSION, Batching, Hello, Plan, Start
from tests.lab import netns

RATES: Final = (50_000, 240_000)
"""Packets a second."""
PROBES_S: Final = 10
BEFORE_S: Final = 2.0
_WORKER: Final = "import hopscope.probe.start as start, sys; sys.exit(start.main())"


def flood(quick: bool, folder: Path) -> list[Row]:
    """The share of the probes that were due and did not leave, by rate."""
    if not CC:
        return []
    program = str(built("flood", folder))
    repeats, seconds = (1, 4.0) if quick else (3, 10.0)
    rows = []
    for rate in RATES:
        missing, came = [], []
        for _ in range(repeats):
            sent, reached = _under(program, rate, seconds)
            missing.append(max(0.0, 100 * (1 - sent / (seconds * PROBES_S))))
            came.append(reached)
        what = f"probes held up by {rate:,} foreign packets a second"
        note = f"{min(came):,} a second or more came"
        rows.append(Row("flood", what, "%", tuple(missing), goal=50, note=note))
    return rows


def _under(program: str, rate: int, seconds: float) -> tuple[int, int]:
    """How many probes left meanwhile, and how many packets a second the flood had."""
    name = netns.new_name("flood")
    netns.add(name)
    try:
        words = [*python(name, plain=True), "-c", _WORKER]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as worker:
            assert worker.stdin is not None
            plan = Plan("127.0.0.9", 4, "udp", "udp-socket", interval_ns=1_000_000_000 // PROBES_S, max_ttl=1)
            for command in (Hello(VERSION), Batching(500_000_000), Start(1, plan)):
                worker.stdin.write(msgspec.json.encode(command) + b"\n")
            worker.stdin.flush()
            events = _heard(worker, BEFORE_S)
            port = next(event["source_port"] for event in events if event["type"] == "started")
            flooding = [program, "127.0.0.1", str(port), str(rate), str(seconds)]
            with subprocess.Popen(inside(name, *flooding), stdout=subprocess.PIPE, text=True) as flooder:
                events = _heard(worker, seconds)
                reached = int(flooder.communicate()[0])
            worker.stdin.close()
            worker.wait(10)
        return sum(event["type"] == "sent" for event in events), reached
    finally:
        netns.remove([name])


def _heard(worker: subprocess.Popen[bytes], seconds: float) -> list[dict[str, Any]]:
    """What the worker says in the next seconds; a half line at their end is left out."""
    assert worker.stdout is not None
    fd, data = worker.stdout.fileno(), b""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            data += os.read(fd, 1 << 16)
    events = []
    for line in data.split(b"\n"):
        try:
            events.append(json.loads(line))
        except ValueError:
            continue  # cut off at one end
    return events
