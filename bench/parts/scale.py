"""Many targets in one session, against a reflector that answers at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.lab import CC, HOPS, PROGRAMS, built
from bench.measure import Row
from tests.lab import netns


def scale(quick: bool, folder: Path) -> list[Row]:
    """256 and 1,000 targets of 15 hops, a round a second."""
    if not CC:
        print("scale: left out, there is no C compiler for the reflector", file=sys.stderr)
        return []
    rows = []
    seconds = 8 if quick else 30
    for count in (256, 1000):
        got = _run(built("reflector", folder), count, seconds)
        what = f"{count} targets x 15 hops x 1/s"
        big = count == 1000
        rows += [
            Row("scale", f"{what}: false loss", "%", (got["loss"],), 0.01 if big else 0),
            Row("scale", f"{what}: rate kept", "%", (got["rate"],)),
            Row("scale", f"{what}: CPU, session and worker", "% of a core", (got["cpu"],), None if big else 60),
            Row("scale", f"{what}: CPU, the worker", "% of a core", (got["worker"],)),
            Row("scale", f"{what}: memory (PSS)", "MiB", (got["memory"],), None if big else 150),
        ]
    return rows


def _run(reflector: Path, count: int, seconds: int) -> dict[str, float]:
    name = netns.new_name("scale")
    netns.add(name)
    try:
        netns.sysctl(name, {"ipv4.ping_group_range": "0 2147483647"})
        with netns.entered(name):
            far = subprocess.Popen([reflector, str(HOPS)], stdout=subprocess.PIPE)
            try:
                assert far.stdout is not None
                far.stdout.readline()
                netns.ip(
                    [
                        "address add 10.99.0.2/32 dev sim0",
                        "link set sim0 up txqueuelen 10000",
                        "route add 0.0.0.0/0 dev sim0 src 10.99.0.2",
                    ],
                    name,
                )
                words = [sys.executable, str(PROGRAMS / "many.py"), str(count), str(seconds)]
                done = subprocess.run(words, check=True, capture_output=True, text=True)
            finally:
                far.kill()
                far.wait()
                if far.stdout is not None:
                    far.stdout.close()
    finally:
        netns.remove([name])
    got: dict[str, float] = json.loads(done.stdout)
    return got
