"""All of the bench: ``.venv/bin/python bench/run.py [--quick] [--dry] [part ...]``, as root (network namespaces).

Each part runs hopscope and whichever peer is installed on one simulated path in the same run. The figures go to
``bench/results/latest.json`` and, as a table, to ``docs/performance.md``; parts that are not run keep their rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

TOP = Path(__file__).resolve().parent.parent
# In place of this folder, in which a module could hide one of the standard library's.
sys.path[0] = str(TOP)

from bench.measure import Row, machine, table
from bench.parts import PARTS

RESULTS = TOP / "bench" / "results" / "latest.json"
PAGE = TOP / "docs" / "performance.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


class Result(msgspec.Struct, frozen=True):
    """The last run of a part."""

    machine: dict[str, str]
    """As it was when the part ended."""
    rows: tuple[Row, ...]
    quick: bool | None = None
    """Whether with fewer rounds and repeats; null where that was not written down."""
    at: str = ""
    """When it ended: UTC."""


Results = dict[str, Result]


def merged(results: Results, part: str, result: Result) -> Results:
    """The results with a part's new ones, in the order of the parts; what is no part any more is dropped."""
    every = {**results, part: result}
    return {name: every[name] for name in PARTS if name in every}


def page(text: str, results: Results) -> str:
    """The page with the table of these results between its markers."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows = [row for result in results.values() for row in result.rows]
    told = "; ".join(_told(name, result) for name, result in results.items())
    return f"{before}{BEGIN}\n{table(rows)}\nTaken: {told}.\n{END}{after}"


def _told(name: str, result: Result) -> str:
    return " ".join(filter(None, (name, "(`--quick`)" if result.quick else "", result.at)))


def keep(part: str, rows: Sequence[Row], quick: bool) -> None:
    """Put a part's rows among the results, and the whole table on the page."""
    results = msgspec.json.decode(RESULTS.read_bytes(), type=Results) if RESULTS.exists() else {}
    at = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    results = merged(results, part, Result(machine(), tuple(rows), quick, at))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    if PAGE.exists():
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and repeats")
    parser.add_argument("--dry", action="store_true", help="print the figures, and keep the last ones")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without")
    given = parser.parse_args()
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}: {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="hopscope-bench-") as folder:
        for part in given.parts or PARTS:
            began = time.monotonic()
            rows = PARTS[part](given.quick, Path(folder))
            if not given.dry:
                keep(part, rows, given.quick)
            print(f"{table(rows)}{part}: {time.monotonic() - began:.0f} s\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
