"""A sample of ``bench/fleet.py day``: the same in a few virtual minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.fleets import day


def test_an_agent_whose_broker_is_away_for_a_while_loses_nothing_and_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(day, "HOUR_S", 240)
    assert day.day(8, 1, 4, tmp_path) == []
    lines = capsys.readouterr().out.splitlines()
    unsent = [int(line.split()[4]) for line in lines[2:10]]
    assert [count > 200 for count in unsent] == [number in (2, 3) for number in range(8)]
    assert unsent[3] > unsent[2] + 200
