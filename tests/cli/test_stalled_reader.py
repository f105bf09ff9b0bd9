"""A reader of a stream that stalls ends no run: it is told what it missed, and the rest follows."""

from __future__ import annotations

import json
import subprocess
import sys

# The program as it is, but for a reader's patience: it says on standard error when the reader begins to miss events.
PROGRAM = """
import sys
from hopscope.session import feeds
feeds.DEEPEST, feeds.CAUGHT_UP = 200, 100
class Gap(feeds._Gap):
    def __init__(self):
        super().__init__()
        sys.stderr.write("missing\\n")
        sys.stderr.flush()
feeds._Gap = Gap
from hopscope.cli.run import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_reader_that_stalls_gets_a_gap_line_and_the_run_goes_on_to_its_end() -> None:
    rounds = 60
    words = ["demo", "tour", "--format", "ndjson", "-c", str(rounds), "-i", "0.05", "-Z", "0.3"]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == "missing\n"
        events = [json.loads(line) for line in process.stdout]
        said = process.stderr.read().splitlines()
    gaps = [event for event in events if event["event"] == "gap"]
    missed = sum(gap["events"] for gap in gaps)
    fates = [event for event in events if event["event"] == "probe" and event["outcome"] not in ("late", "duplicate")]
    assert gaps[0]["target"] == events[0]["target"]
    assert gaps[0]["at"] <= gaps[0]["until"]
    assert gaps[0]["first_round"] <= gaps[0]["last_round"]
    assert (events[-1]["event"], events[-1]["rounds"], events[-1]["reached"]) == ("end", rounds, True)
    # Each probe's fate was told or is counted as missing; a late answer or a duplicate is one event more.
    hops = 12
    assert len(fates) + missed >= rounds * hops
    assert process.returncode == 0
    assert f"hopscope: standard output was read too slowly: {missed} events are missing in it" in said
