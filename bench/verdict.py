"""Plays the labelled set, and prints what the judge gets right: ``.venv/bin/python bench/verdict.py [options]``.

Nothing is sent anywhere: the networks are simulated, in virtual time. ``--write FOLDER`` leaves the scenarios there, as
files for ``hopscope demo``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
# In place of this folder, in which a module could hide one of the standard library's.
sys.path[0] = str(TOP)

from tests.verdict.case import HALVES, Case, toml
from tests.verdict.catalogue import cases
from tests.verdict.player import Play, play
from tests.verdict.score import Total


def one(job: tuple[Case, int], folder: Path) -> Play:
    """A case, played with a seed."""
    return play(*job, folder)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, help="of the set; both without")
    parser.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="how often each network is played (default 3)"
    )
    parser.add_argument("--draw", type=int, default=0, metavar="N", help="other networks of the same kinds")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--quiet", action="store_true", help="the score alone, not what was wrong")
    parser.add_argument("--verbose", action="store_true", help="each change of the verdict of each play")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the scenarios there, and play nothing")
    parser.add_argument("having", nargs="?", default="", help="only networks whose name contains this")
    given = parser.parse_args()
    chosen = cases((given.half,) if given.half else HALVES, given.having, given.draw)
    if given.write:
        given.write.mkdir(parents=True, exist_ok=True)
        for case in chosen:
            (given.write / f"{case.name}-{case.half}.toml").write_text(toml(case.scenario), encoding="utf-8")
        return 0
    began = time.monotonic()
    total = Total()
    jobs = [(case, seed) for case in chosen for seed in range(1, given.seeds + 1)]
    with tempfile.TemporaryDirectory(prefix="hopscope-verdict-") as folder, ProcessPoolExecutor(given.jobs) as pool:
        for played in pool.map(partial(one, folder=Path(folder)), jobs, chunksize=4):
            total.add(played)
            if given.verbose:
                print(changes(played), flush=True)
    if not given.quiet:
        print(total.failures())
    for half in HALVES:
        part = [case for case in chosen if case.half == half]
        if part:
            print(f"\n{half}, {len(part)} networks, {given.seeds} seeds\n{total.of(part).table()}")
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


def changes(played: Play) -> str:
    """How one was probed, what is true, and each change of what was said."""
    case = played.case
    lines = [f"{case.id} seed {played.seed}: {dict(case.probing)}", f"  true: {case.trouble or 'fine'}"]
    before: tuple[object, ...] = ()
    for moment in played.moments:
        verdict = moment.verdict
        now = (verdict.kind, verdict.first_ttl, verdict.last_ttl)
        if now != before:
            since = "" if verdict.since is None else f" since {verdict.since}"
            place = f"{verdict.first_ttl}..{verdict.last_ttl} {moment.segment or ''}"
            lines.append(f"  {moment.at_s:7.1f} s {verdict.kind} {place} {verdict.confidence:.2f}{since}")
        before = now
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
