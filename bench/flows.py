"""What parallel flows cost: ``.venv/bin/python bench/flows.py [--base PYTHON] [--seconds N]``.

A plain user's flows by UDP to one target over three kernel routers, a round a second: the share of a core that session
and worker take together, of a report and of the live screen, once they are under way. `--base`: a Python that has an
older hopscope, 0.1.0 say, against which one flow is held, in turns, at twenty rounds a second, between two moments of
one run each. Root only, and nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

TOP = Path(__file__).resolve().parent.parent
sys.path[0] = str(TOP)

from bench.lab import hopscope, inside
from bench.measure import cpu_seconds, run_cpu, tree
from bench.pty import Pty
from tests.lab.chain import Chain

SETTLED_S: Final = 12
REPEATS: Final = 9
INTERVAL_S: Final = 0.05
STARTED_S: Final = 4
"""After which only rounds cost."""


def words(flows: int, target: str) -> list[str]:
    return ["-u", "-P", "9", "--flows", str(flows), target]


def of_report(chain: Chain, flows: int, seconds: int) -> float:
    """Percent of a core."""
    found: list[float] = []

    def look(pid: int) -> None:
        time.sleep(SETTLED_S)
        pids = tree(pid)
        before, began = cpu_seconds(pids), time.perf_counter()
        time.sleep(seconds)
        found.append(100 * (cpu_seconds(pids) - before) / (time.perf_counter() - began))

    rounds = str(SETTLED_S + seconds + 5)
    run_cpu(
        hopscope(chain.client, "--format", "json", "-c", rounds, *words(flows, chain.destination(4)), plain=True), look
    )
    return found[0]


def of_screen(chain: Chain, flows: int, seconds: int) -> float:
    """The same of the live screen, 120x34."""
    with Pty(hopscope(chain.client, *words(flows, chain.destination(4)), plain=True), 120, 34) as terminal:
        terminal.watch(SETTLED_S)
        pids = tree(terminal.pid)
        before, began = cpu_seconds(pids), time.perf_counter()
        terminal.watch(seconds)
        return 100 * (cpu_seconds(pids) - before) / (time.perf_counter() - began)


def of_one_flow(chain: Chain, command: list[str], seconds: int) -> float:
    """Milliseconds of CPU that a round costs, start and end left out."""
    rounds = str(round((STARTED_S + seconds + 30) / INTERVAL_S))
    words = ["-r", "-i", str(INTERVAL_S), "-Z", "0.5", "-u", "-P", "9", "-c", rounds, chain.destination(4)]
    process = subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(STARTED_S)
        pids = tree(process.pid)
        before, began = cpu_seconds(pids), time.perf_counter()
        time.sleep(seconds)
        return (cpu_seconds(pids) - before) / (time.perf_counter() - began) * INTERVAL_S * 1e3
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Run and print."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--base", metavar="PYTHON", help="also hold one flow against the hopscope that this one has")
    reader.add_argument("--seconds", type=int, default=30, metavar="N", help="how long each is measured (default 30)")
    options = reader.parse_args()
    with Chain(3) as chain:
        print("flows  report, % of a core  screen, % of a core")
        for flows in (1, 16, 64):
            report = of_report(chain, flows, options.seconds)
            print(f"{flows:>5} {report:>20.1f} {of_screen(chain, flows, options.seconds):>20.1f}", flush=True)
        if options.base:
            commands = {
                "this one": hopscope(chain.client),
                "the base": inside(chain.client, options.base, "-I", "-m", "hopscope", "-n"),
            }
            found: dict[str, list[float]] = {name: [] for name in commands}
            for turn in range(REPEATS):
                for name in sorted(commands, reverse=bool(turn % 2)):
                    found[name].append(of_one_flow(chain, commands[name], min(10, options.seconds)))
            ours, theirs = found["this one"], found["the base"]
            pairs = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
            middle = f"{statistics.median(ours):.2f} ms of CPU, the base {statistics.median(theirs):.2f} ms"
            print(f"one flow, a round: {middle}; of {REPEATS} pairs the median is x{pairs:.2f}")


if __name__ == "__main__":
    main()
