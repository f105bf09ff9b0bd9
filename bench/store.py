"""What stores live through, by the thousand: ``.venv/bin/python bench/store.py [--kills N] [--cuts N] [--changes N]
[--days N] [--seed N]``. Prints a line for each kind, and stops at the first that goes wrong.

A year of four targets is as many probes as fit into 256 MiB many times over: what is measured is that the file stays
within its bound, what is left in it, and how long the longest step of the writer took.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
import tempfile
import time
from pathlib import Path

import msgspec

TOP = Path(__file__).resolve().parent.parent
# In place of this folder, in which a module could hide one of the standard library's.
sys.path[0] = str(TOP)

from hopscope.history.store import Store
from hopscope.history.writer import StoreWriter
from hopscope.path.bins import SPANS
from hopscope.wire.messages import Answered, Sent
from tests.history.rough import Powered, kill, mutate
from tests.history.test_store import BEGUN, S, head, second, written

MIB = 1 << 20


def kills(count: int, chance: random.Random, folder: Path) -> str:
    """Programs killed while they write."""
    told = [kill(folder / f"killed{number}", chance) for number in range(count)]
    return f"{count} writers killed, {sum(told)} seconds committed, none missing"


def cuts(count: int, chance: random.Random, folder: Path) -> str:
    """Power cuts."""
    powered = Powered(folder / "powered", 200)
    for _ in range(count):
        powered.cut(folder / "cut", chance)
    return f"{count} images of a power cut: each opens, with all up to where its log was cut"


def changes(count: int, chance: random.Random, folder: Path) -> str:
    """Changed bytes."""
    written(folder / "changed", 650).close()
    data = (folder / "changed").read_bytes()
    said = collections.Counter(mutate(folder / "broken", data, chance) for _ in range(count))
    return f"{count} files with changed bytes: " + ", ".join(f"{why or 'read'} {n}" for why, n in said.most_common())


def days(count: int, chance: random.Random, folder: Path, limit: int = 8 * MIB) -> str:
    """A run of so many days in a store that may have so many bytes. Rounds come a minute apart."""
    path = folder / "year"
    out = StoreWriter(str(path), host="box", begun=BEGUN, limit=limit)
    for fact in head():
        out.add(1, fact)
    largest, longest, probes = 0, 0.0, 0
    for number in range(0, count * 86_400, 60):
        for fact in second(number):
            if isinstance(fact, Answered):
                fact = msgspec.structs.replace(fact, rtt_ns=fact.rtt_ns + chance.getrandbits(17))
            probes += isinstance(fact, Sent)
            out.add(1, fact)
        began = time.perf_counter()
        if number % 600 == 0:
            out.commit()
            out.compact_if_due()
        longest = max(longest, time.perf_counter() - began)
        largest = max(largest, path.stat().st_size)
    out.end(BEGUN + count * 86_400 * S)
    out.close()
    assert path.stat().st_size <= limit
    with Store(str(path)) as store:
        (trace,) = store.traces()
        hours = store.bins(trace, SPANS[4])
        minutes = [span for span in store.bins(trace, SPANS[2]) if span.span == SPANS[2]]
    kept = f"{trace.probes} of {probes} probes, {len(minutes)} minutes and {len(hours)} hours are left"
    return (
        f"{count} days in at most {limit / MIB:.0f} MiB: never more than {largest / MIB:.1f} MiB, {kept};"
        f" the longest step took {longest * 1e3:.0f} ms"
    )


def main() -> None:
    """Of each kind as many as was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = {"kills": (kills, 100), "cuts": (cuts, 2000), "changes": (changes, 3000), "days": (days, 365)}
    for name, (_, usual) in kinds.items():
        parser.add_argument(f"--{name}", type=int, default=usual, metavar="N", help=f"{usual} without")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for name, (what, _) in kinds.items():
        count = getattr(given, name)
        if count:
            with tempfile.TemporaryDirectory(prefix="hopscope-bench-") as folder:
                print(what(count, random.Random(given.seed), Path(folder)), flush=True)


if __name__ == "__main__":
    main()
