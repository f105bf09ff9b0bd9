"""Parts to rows (`block`): what one commit writes, and what one message carries, which is made smaller."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Collection, Sequence
from operator import sub

from hopscope.history.block import (
    ANSWERED,
    LIVE,
    LOST,
    PACKED,
    SENT,
    WIDE,
    Counted,
    PackedRow,
    PlainColumn,
    PlainRow,
    RowHead,
    RowPart,
    Shape,
    SmallPart,
    encoder,
)
from hopscope.history.packing import LEVEL, packed_column
from hopscope.history.unpacking import Rows, parts_of


def pack_row(parts: Sequence[RowPart]) -> bytes:
    """One row."""
    heads: list[RowHead] = []
    codes: list[int] = []
    rounds: list[int] = []
    times: list[int] = []
    rtts: list[int] = []
    for part in parts:
        head = RowHead(part.target, part.known, [*part.shapes], len(part.codes), len(part.rtts), [*part.odd])
        heads.append(head)
        codes += part.codes
        rounds += part.rounds
        times += part.times
        rtts += part.rtts
    columns = _plain(rounds), _plain(times, min(times, default=0)), _plain(rtts)
    return LIVE + encoder.encode(PlainRow(heads, _short(codes), *columns))


def _short(codes: list[int]) -> PlainColumn:
    try:
        return PlainColumn(0, 1, bytes(codes))
    except ValueError:
        return PlainColumn(0, 2, array("H", codes).tobytes())


def _plain(values: list[int], base: int = 0) -> PlainColumn:
    near = [value - base for value in values] if base else values
    try:
        return PlainColumn(base, 4, array("I", near).tobytes())
    except OverflowError:
        return PlainColumn(base, 8, array(WIDE, near).tobytes())


def without(data: bytes, targets: Collection[int]) -> bytes:
    """A row, of whichever kind, without these targets' facts. `BadBlock`."""
    parts = [part for part in parts_of(data) if part.target not in targets]
    if data.startswith(PACKED):
        counts = [one for one in Rows().count(data) if one.target not in targets]
        return small_row([part for part in parts if isinstance(part, SmallPart)], counts)
    return pack_row([part for part in parts if isinstance(part, RowPart)])


def small_part(part: RowPart, shapes: Sequence[Shape]) -> SmallPart:
    """A part made small. `shapes` are all that are known of its target."""
    codes, rounds, times, rtts = part[3:7]
    told: list[int] = []
    is_told_once = True
    left: dict[tuple[int, int, int], int] = {}
    numbers = zip(rounds, times, strict=True)
    for code in codes:
        if not code:
            continue
        shape = shapes[code - 1]
        round_, at = next(numbers)
        place = round_, shape.ttl, shape.flow
        if shape.kind in (ANSWERED, LOST) and place in left:
            is_told_once = is_told_once and left[place] == at
            continue
        if shape.kind == SENT:
            left[place] = at
        told.append(at)
    if not is_told_once:
        told = list(times)
    return SmallPart(
        part.target,
        part.known,
        [*part.shapes],
        packed_column(codes),
        packed_column(list(map(sub, rounds, [0, *rounds]))),
        packed_column(list(map(sub, told, [0, *told]))),
        is_told_once,
        packed_column(rtts),
        [*part.odd],
    )


def small_row(parts: Sequence[SmallPart], counts: Sequence[Counted]) -> bytes:
    """A row that is sent."""
    return PACKED + encoder.encode(PackedRow(list(counts), zlib.compress(encoder.encode(parts), LEVEL)))
