"""Which of the table's columns a width has room for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hopscope.views.screen.columns import COLUMNS, Column

HOST_MIN = 16
SPARK_MIN = 12
NUMBER = 8
"""Cells before the host: the mark of where trouble begins, the cursor, the TTL, the bracket of a network."""
GAP = 2


class ColumnLayout(msgspec.Struct, frozen=True):
    """Which columns a width has room for."""

    columns: tuple[Column, ...]
    """Without the sparkline."""
    host: int
    spark: int
    """Cells of the sparkline; 0: none."""
    left_out: int
    """Columns that were asked for and do not fit."""


def layout(keys: Sequence[str], width: int, host_wanted: int) -> ColumnLayout:
    """Leave out columns, the least important first, until host and sparkline have their room."""
    wanted = [COLUMNS[key] for key in keys]
    has_spark = any(column.kind == "spark" for column in wanted)
    kept = [column for column in wanted if column.kind != "spark"]
    left_out = 0

    def rest() -> int:
        return width - NUMBER - sum(column.width for column in kept) - 1

    spark_need = SPARK_MIN + GAP if has_spark else 0
    comfortable = min(host_wanted, 22)
    while kept and rest() < max(HOST_MIN, comfortable) + spark_need:
        if len(kept) == 1 and rest() >= HOST_MIN:
            break
        kept.remove(min(kept, key=lambda column: column.rank))
        left_out += 1
    room = rest()
    if has_spark and room - HOST_MIN < 6 + GAP:
        has_spark, left_out = False, left_out + 1
    if not has_spark:
        return ColumnLayout(tuple(kept), max(1, min(room, max(HOST_MIN, host_wanted))), 0, left_out)
    # Names take room from the sparkline before a letter is lost.
    host = max(HOST_MIN, min(host_wanted, room - SPARK_MIN - GAP))
    return ColumnLayout(tuple(kept), host, room - host - GAP, left_out)
