"""A fixed sample of the set, played and judged: the score is printed, and held. The whole is ``bench/verdict.py``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final
from zlib import crc32

import pytest

from tests.verdict.case import Case
from tests.verdict.catalogue import cases
from tests.verdict.player import Play, play
from tests.verdict.score import HAS_BEFORE_S, Total

pytestmark = pytest.mark.timeout(900)

RIGHT: Final = 0.98
"""Share of the faults whose kind must be right."""
PLACE: Final = 0.97
"""Of those: share whose place must be right."""
SINCE: Final = 0.95
"""Of those that have a beginning: share whose moment must be right."""
SEGMENT: Final = 0.95
"""Of those whose owner can be told: share where it must be right."""
FALSE_ALARMS: Final = 0
"""Fine paths of which trouble may be said, at any moment."""
SURE: Final = 0.9
"""Of the verdicts said with this confidence, as many must be right."""
CPU_S: Final = 40.0
DETECTED_S: Final = 15.0
"""So long after its beginning an outage must be known, or so many rounds where those are slower: the timeout, and
rounds enough to tell it from a target that limits its answers."""


def in_sample(case: Case) -> bool:
    """Three in ten of either half, but none that is long."""
    return crc32(case.id.encode()) % 10 < 3 and case.probing["rounds"] < 600


def sample(folder: Path) -> tuple[Total, float]:
    """The sample's score, and the CPU seconds that it took."""
    began = time.process_time()
    total = Total()
    for case in filter(in_sample, cases()):
        total.add(play(case, crc32(case.id.encode()) % 1000, folder))
    return total, time.process_time() - began


def test_the_sample_is_judged_as_well_as_ever_and_what_is_said_to_be_sure_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One test, since several would be played by several workers."""
    total, took = sample(tmp_path)
    with capsys.disabled():
        print(f"\nThe verdict, over {len(total.plays)} of the labelled networks:\n{total.table()}\n{took:.0f} s of CPU")
    right, faults = total.right()
    false, fine = total.false_alarms()
    assert faults >= 50
    assert fine >= 30
    assert right >= RIGHT * faults, total.failures()
    for what, share in (("place_right", PLACE), ("since_right", SINCE), ("segment_right", SEGMENT)):
        so, asked = total.named(what)
        assert so >= share * asked, (what, total.failures())
    assert false <= FALSE_ALARMS, total.failures()
    assert took < CPU_S
    _nine_in_ten_of_the_sure_are_right(total)
    _nothing_is_healthy_while_nothing_gets_through(total)


def _nine_in_ten_of_the_sure_are_right(total: Total) -> None:
    sure = [(right, of) for low, right, of in total.calibration() if low >= SURE]
    assert sum(of for _, of in sure) >= 100
    assert sum(right for right, _ in sure) >= SURE * sum(of for _, of in sure)


def _nothing_is_healthy_while_nothing_gets_through(total: Total) -> None:
    outages = [played for played, _ in total.plays if played.case.trouble and _is_outage(played)]
    assert len(outages) >= 5
    for played in outages:
        trouble = played.case.trouble
        assert trouble is not None
        known_s = trouble.begins_s + DETECTED_S * max(1.0, played.case.interval_s)
        quiet = [
            f"{moment.at_s:.0f} s: {moment.verdict.kind}"
            for moment in played.moments
            if known_s <= moment.at_s <= (trouble.ends_s or played.case.seconds) and not moment.verdict.is_trouble
        ]
        assert not quiet, (played.case.id, quiet)


def _is_outage(played: Play) -> bool:
    trouble = played.case.trouble
    return trouble is not None and "outage" in trouble.kinds and trouble.begins_s >= HAS_BEFORE_S
