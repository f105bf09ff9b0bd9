"""All of the bench: ``.venv/bin/python bench/run.py [--quick] [part ...]``, as root (network namespaces).

Each part runs hopscope and whichever peer is installed on one simulated path in the same run. The figures go to
``bench/results/latest.json`` and, as a table, to ``docs/performance.md``; parts that are not run keep their rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "bench")]

import parts
from measure import Row, machine, table

RESULTS = TOP / "bench" / "results" / "latest.json"
PAGE = TOP / "docs" / "performance.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PARTS: dict[str, Callable[[bool, Path], list[Row]]] = {
    "version": parts.version,
    "accuracy": parts.accuracy,
    "cost": parts.cost,
    "screen": parts.screen,
    "scale": parts.scale,
    "day": parts.day,
}


def keep(part: str, rows: list[Row]) -> None:
    """Put a part's rows among the results, and the whole table on the page."""
    results = msgspec.json.decode(RESULTS.read_bytes()) if RESULTS.exists() else {}
    results[part] = {"machine": machine(), "rows": msgspec.to_builtins(rows)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    every = [row for name in PARTS if name in results for row in msgspec.convert(results[name]["rows"], list[Row])]
    if PAGE.exists():
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table(every)}{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and repeats")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without")
    given = parser.parse_args()
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}: {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="hopscope-bench-") as folder:
        for part in given.parts or PARTS:
            rows = PARTS[part](given.quick, Path(folder))
            keep(part, rows)
            print(table(rows), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
