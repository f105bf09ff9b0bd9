"""The registry of measures: whole, and read by everything that shows a number."""

from __future__ import annotations

import pytest

from hopscope.cli import assertions
from hopscope.path.measures import BY_LETTER, MEASURES
from hopscope.views.report import mtr, table_csv
from hopscope.views.screen.columns import COLUMNS
from tests.report.sample import target


def test_a_measure_is_a_column_of_the_screen_and_of_csv_and_a_value_of_assert() -> None:
    heads = [name for name, _cell in table_csv.COLUMNS]
    for key, measure in MEASURES.items():
        assert COLUMNS[key].title == measure.title
        assert measure.csv_head in heads
        assert (key in assertions.NAMES) is bool(measure.unit)


def test_each_of_mtrs_letters_is_a_measures() -> None:
    assert set(mtr.FIELDS) - {" "} == set(BY_LETTER)


@pytest.mark.parametrize("key", MEASURES)
def test_a_column_shows_its_own_measure(key: str) -> None:
    hop = target().path.hops[-1]
    value = MEASURES[key].value(hop)
    cell = COLUMNS[key].cell(hop).strip()
    if isinstance(value, str):
        assert cell == value
    elif value is not None:
        assert float(cell) == pytest.approx(value, abs=0.06)


def test_every_measure_with_a_unit_can_be_asserted() -> None:
    for key, measure in MEASURES.items():
        if measure.unit:
            unit = measure.unit if measure.unit in ("ms", "%") else ""
            (condition,) = assertions.read(f"{key}>=0{unit}")
            assert condition.broken(target()) is None, key
