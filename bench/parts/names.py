"""What names cost where somebody means harm, or nobody answers: a storm of made-up addresses, a dead name server."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Row
from tests.lab import dead_dns
from tests.lab.storm import A_SECOND, calm_and_stormy

MIB = 20.0
QUESTIONS_A_SECOND = 50.0
REPORT_S = 2.0
SCREEN_S = 0.2
"""What two starts of the program may differ by."""


def names(quick: bool, folder: Path) -> list[Row]:
    """Memory and questions of a storm; seconds that a dead name server costs a report and the screen."""
    rows = []
    for is_silent, server in ((True, "silent name server"), (False, "name server says no")):
        runs = [calm_and_stormy(is_silent=is_silent) for _ in range(1 if quick else 3)]
        what = f"{A_SECOND} made-up addresses a second, {server}"
        rows += [
            Row("names", f"{what}: memory", "MiB", tuple(stormy - calm for calm, stormy, _ in runs), MIB),
            Row("names", f"{what}: questions", "/s", tuple(each for _, _, each in runs), QUESTIONS_A_SECOND),
        ]
    for code, what, goal in (
        (dead_dns.REPORT, "dead name server: a report ends later by", REPORT_S),
        (dead_dns.SCREEN, "dead name server: answer shown and keys heard later by", SCREEN_S),
    ):
        pairs = [dead_dns.run(code) for _ in range(1 if quick else 5)]
        rows.append(Row("names", what, "s", tuple(max(0.0, after - before) for before, after in pairs), goal))
    return rows
