"""A fixed sample of seeds of each network with parallel paths; ``bench/fans.py`` plays 200."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fans.cases import CASES, Case
from tests.fans.player import play

SEEDS = (1, 2)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_true_of_it_is_said_and_nothing_else(case: Case, tmp_path: Path) -> None:
    wrong = {seed: case.check(case.play(seed, tmp_path)) for seed in SEEDS}
    assert not any(wrong.values()), wrong


def test_the_same_seed_gives_the_same_play(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "a03-fan8-bad40")
    first, second = (play(case.scenario, 3, tmp_path, 20) for _ in range(2))
    assert first.found == second.found
    assert first.states == second.states
