"""What printing a report costs: ``render.py SCENARIO FORMAT HOPS`` in a fresh interpreter, as at the end of a report.

It probes the scenario for a hundred rounds in virtual time, then prints two numbers: milliseconds of CPU of the first
rendering, imports included, and of a further one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hopscope.path.fold import PathFold
from hopscope.session.model import Target
from hopscope.wire.messages import Plan
from tests.lab.virtual import run

ROUNDS = 100
AGAIN = 20


def main(scenario: str, name: str, hops: int) -> None:
    """Measure and print."""
    plan = Plan("192.0.2.80", 4, rounds=ROUNDS, max_ttl=64, max_unknown=30)
    events = run(scenario, plan, ROUNDS + 10, truth=False).events
    fold = PathFold(plan.address)
    fold.apply_all(events)
    path = fold.snapshot()
    assert len(path.hops) == hops, len(path.hops)
    target = Target(1, "far.example", "finished", plan.address, plan, None, None, None, path, {})
    began = time.process_time()
    from hopscope.views.report.document import Document
    from hopscope.views.report.formats import render

    document = Document((target,), path.last_at or 0, "bench", "0", rounds=ROUNDS)
    text = render(document, name)
    first = time.process_time() - began
    assert len(text) > hops
    began = time.process_time()
    for _ in range(AGAIN):
        render(document, name)
    print(first * 1e3, (time.process_time() - began) / AGAIN * 1e3)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
