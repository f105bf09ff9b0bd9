"""Columns of integers as bytes."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from hopscope.path.planes import gathered, spread


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_a_column_comes_back(values: list[int]) -> None:
    column = array("q", values)
    assert gathered(spread(column)) == column


def test_equal_bytes_stand_together() -> None:
    assert spread(array("q", [1, 2, 3])) == b"\x01\x02\x03" + bytes(21)
