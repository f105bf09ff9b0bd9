"""Columns of 64-bit integers as bytes that deflate well: all of their first bytes, then all second ones, and so on.
What is small or alike leaves long runs of equal bytes."""

from __future__ import annotations

from array import array

SIZE = 8
"""Bytes of an integer."""


def spread(column: array[int]) -> bytes:
    """The bytes of a column (``q``), sorted by their place."""
    raw = bytes(column)
    return b"".join([raw[place::SIZE] for place in range(SIZE)])


def gathered(data: bytes) -> array[int]:
    """The column that was `spread`."""
    count = len(data) // SIZE
    whole = bytearray(len(data))
    for place in range(SIZE):
        whole[place::SIZE] = data[place * count : (place + 1) * count]
    return array("q", bytes(whole))
