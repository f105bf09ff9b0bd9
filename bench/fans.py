"""Plays networks with parallel paths, and prints what of them is right: ``.venv/bin/python bench/fans.py [options]``.

Nothing is sent anywhere: the networks are simulated, in virtual time. Last, members that are all alike are compared for
3,600 rounds, by the judge alone: how often one is named that is like the others.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from statistics import mean

TOP = Path(__file__).resolve().parent.parent
# In place of this folder, in which a module could hide one of the standard library's.
sys.path[0] = str(TOP)

from hopscope.judge.fan import FanWatch, FlowRound
from hopscope.judge.links import Members
from hopscope.judge.parallel import LOST
from tests.fans.cases import CASES, Case

ALIKE = (
    *((8, 0.01, 1.0, "lost"), (8, 0.05, 1.0, "lost"), (4, 0.01, 1.0, "lost"), (2, 0.01, 1.0, "lost")),
    *((16, 0.01, 1.0, "lost over two forks"), (16, 0.05, 1.0, "lost over two forks")),
    *((8, 0.01, 4.0, "lost"), (8, 0.02, 4.0, "lost"), (8, 0.05, 4.0, "lost"), (8, 0.05, 4.0, "slow")),
)
"""Members that are alike: how many, what of their probes is lost or slow, and how many in a row in the mean."""
HOUR = 3_600
_KEPT = 480
_ANSWERED, _SLOWLY = 10_000_000, 30_000_000


def one(job: tuple[str, int], folder: Path) -> tuple[list[str], int, int | None]:
    """What is wrong with a play, the probes of its discovery, and when a bad member was named."""
    name, seed = job
    case = next(case for case in CASES if case.name == name)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        fan = case.play(seed, Path(place))
    return case.check(fan), fan.found[0].probes if fan.found else 0, min(fan.named.values(), default=None)


def alike(job: tuple[tuple[int, float, float, str], int]) -> bool:
    """Whether one of several members that are alike is ever named in an hour of rounds."""
    (count, rate, burst, what), seed = job
    event = _SLOWLY if what == "slow" else LOST
    rng = Random(seed)
    lost = [False] * count
    rows: list[list[int]] = [[] for _ in range(count)]
    watch = FanWatch()
    members: list[Members] = [((3, f"198.51.100.{number}"),) for number in range(count)]
    if "two forks" in what:
        members = [((3, f"198.51.100.{number // 4}"), (5, f"203.0.113.{number % 4}")) for number in range(count)]
    for round_ in range(1, HOUR + 1):
        for flow in range(count):
            begins = rate if burst == 1 else rate / burst / (1 - rate)
            lost[flow] = rng.random() < (1 - 1 / burst if lost[flow] and burst > 1 else begins)
            rows[flow].append(event if lost[flow] else _ANSWERED)
        if round_ % 5 == 0:
            first = max(0, round_ - _KEPT)
            watch.take(FlowRound(first, [row[first:] for row in rows], members, [True] * count))
            if watch.bad is not None or any(finding.state in ("bad", "dead") for finding in watch.findings):
                return True
    return False


def line(case: Case, played: list[tuple[list[str], int, int | None]]) -> tuple[str, bool]:
    """A row of the table, and whether it is as it must be."""
    right = sum(not wrong for wrong, _, _ in played) / len(played)
    times = sorted(at for _, _, at in played if at is not None)
    named = f"{times[len(times) // 2]} / {times[min(len(times) - 1, int(0.95 * len(times)))]}" if times else ""
    is_right = right >= case.share
    row = f"{case.name:34}{100 * right:6.1f} %{100 * case.share:6.1f} %{mean(one[1] for one in played):8.0f}  {named}"
    return row + ("" if is_right else "   <-- too few"), is_right


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="how often each is played (default 200)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default 2)")
    parser.add_argument("--verbose", action="store_true", help="what was wrong, each time")
    parser.add_argument(
        "having", nargs="?", default="", help="only networks whose name contains this; 'alike': only the last"
    )
    given = parser.parse_args()
    began, all_right = time.monotonic(), True
    print(f"{given.seeds} seeds\n")
    print(f"{'network':34}{'right':>8}{'needed':>8}{'probes':>8}  named after so many rounds (median / 95 %)")
    with tempfile.TemporaryDirectory(prefix="hopscope-fans-") as folder, ProcessPoolExecutor(given.jobs) as pool:
        for case in (case for case in CASES if given.having in case.name):
            jobs = [(case.name, seed) for seed in range(1, given.seeds + 1)]
            played = list(pool.map(partial(one, folder=Path(folder)), jobs, chunksize=5))
            row, is_right = line(case, played)
            print(row, flush=True)
            all_right = all_right and is_right
            if given.verbose:
                for seed, (wrong, _, _) in enumerate(played, 1):
                    if wrong:
                        print(f"  seed {seed}: {'; '.join(wrong)}")
        for kind in ALIKE if given.having in "alike" else ():
            share = mean(pool.map(alike, [(kind, seed) for seed in range(1, given.seeds + 1)], chunksize=5))
            count, rate, burst, what = kind
            kind_of = f"{count} alike, {100 * rate:g} % {what}, {burst:g} in a row"
            print(f"{kind_of:50} one is named in {100 * share:.1f} % of hours", flush=True)
    print(f"\n{time.monotonic() - began:.0f} s")
    return not all_right


if __name__ == "__main__":
    sys.exit(main())
