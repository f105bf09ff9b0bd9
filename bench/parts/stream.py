"""How soon a line of ``--format ndjson`` stands in its reader's pipe after the answer stood at this machine's door."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from bench.lab import TARGET, hopscope, path_file
from bench.measure import Row, busy_loops, nearest_rank
from bench.parts.wire import trips_of
from tests.lab.capture import Capture
from tests.lab.tun import DEVICE, TunLab

LOOPS: Final = 4


def stream(quick: bool, folder: Path) -> list[Row]:
    """From the capture's stamp of the answer to the moment at which a reader of the pipe has the line."""
    rounds = 10 if quick else 60
    scenario = path_file(folder)
    rows = []
    for loaded in (False, True):
        with TunLab(scenario) as lab, Capture(lab.name, DEVICE) as capture, busy_loops(LOOPS if loaded else 0):
            words = hopscope(
                lab.name, "--format", "ndjson", "-c", str(rounds), "-i", "0.2", "-Z", "1", TARGET[4], plain=True
            )
            lines = _lines(words)
            trips = trips_of(capture, "icmp", 4, TARGET[4])
        came: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for at, line in lines:
            event = json.loads(line)
            if event["event"] == "probe" and event["outcome"] == "answered":
                came[event["ttl"]].append((event["round"], at))
        delays = []
        for ttl, seen in trips.items():
            answers = [trip.answer.stamp for trip in seen if trip.answer is not None]
            if len(answers) == len(came[ttl]):
                delays += [(at - stamp) / 1e6 for (_, at), stamp in zip(sorted(came[ttl]), answers, strict=True)]
        if not delays:
            raise RuntimeError("no line could be paired with an answer on the wire")
        state = "loaded" if loaded else "idle"
        note = f"of {len(delays)} lines"
        rows += [
            Row("stream", f"answer to ndjson line, median, {state}", "ms", (nearest_rank(delays, 0.5),), note=note),
            Row("stream", f"answer to ndjson line, p99, {state}", "ms", (nearest_rank(delays, 0.99),), note=note),
        ]
    return rows


def _lines(words: list[str]) -> list[tuple[int, bytes]]:
    """Every line with the wall clock (ns; the capture's) at which its end had come."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/")
    assert process.stdout is not None
    lines = []
    rest = b""
    with process.stdout as pipe:
        while data := os.read(pipe.fileno(), 1 << 16):
            at = time.time_ns()
            *whole, rest = (rest + data).split(b"\n")
            lines += [(at, line) for line in whole]
    if process.wait():
        raise RuntimeError(f"{words}: {process.returncode}")
    return lines
