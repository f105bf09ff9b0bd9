"""What a store's probes are kept as: the types that `packing` and `rows` write and `unpacking` reads.

A *shape* is all of a fact that is the same from probe to probe, of which a path has a few dozen; what is left are a
round, a moment and an RTT. A *row* is what one commit wrote, of all targets: short-lived, and made to be quick. A
*block* is one target's facts of many rows, and made to be small: a departure is told as the difference from the one
before it in its series (one flow, one TTL), a fate by how many departures later in the series its own is than that of
the fate before it; integers stand in columns of equal width, their bytes sorted by weight, which zlib makes small. The
order of arrival is that of the shapes. Facts of no shape (late answers, duplicates, failures, numbers beyond any sense)
are kept as they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple, TypeAlias, Union

import msgspec

from hopscope.wire.messages import (
    Answered,
    Duplicate,
    Failed,
    Int,
    Late,
    Lost,
    RoundStarted,
    Sent,
)

ProbeFact: TypeAlias = Union[RoundStarted, Sent, Answered, Late, Duplicate, Lost, Failed]  # noqa: UP007 - for msgspec
PROBE_FACTS: Final = frozenset({RoundStarted, Sent, Answered, Late, Duplicate, Lost, Failed})
Rowed: TypeAlias = tuple[int, ProbeFact]
"""A fact, and the row that it was written in."""

MOST_FACTS: Final = 1 << 19
MOST_BYTES: Final = 16 << 20
"""Of a block that is not compressed any more: `writer` makes none that is longer."""
MOST_TARGETS: Final = 1024
"""Of a row."""
MOST_SHAPES: Final = 1 << 16
MOST_NS: Final = 1 << 61
"""Larger numbers stand in no column."""
WIDTHS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Of a column's integers, in bytes, and the type code of an array of them."""
WIDE: Final = "L" if array("L").itemsize == 8 else "Q"
"""The type code of the 64 bits that an array takes quickest: in a quarter of the time of signed ones."""

ODD, ROUND, SENT, LOST, ANSWERED = range(5)
"""What a shape is of. `ODD` has none: its number is 0."""


class BadBlock(Exception):
    """These bytes are no block, in words."""


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """All of a fact that is the same from probe to probe."""

    kind: Int
    ttl: Int
    """0: a round's."""
    flow: Int
    answer: Answered | None = None
    """An answer of it."""


Shapes: TypeAlias = Annotated[list[Shape], msgspec.Meta(max_length=MOST_SHAPES - 1)]
OddFacts: TypeAlias = Annotated[list[ProbeFact], msgspec.Meta(max_length=MOST_FACTS)]


LIVE: Final = b"\xc0"
"""What a row begins with: none of version 2 does, nor a packed one."""


class PlainColumn(msgspec.Struct, frozen=True, array_like=True):
    """Integers: `base` plus unsigned ones of `width` bytes (1, 2, 4 or 8), little-endian."""

    base: int
    width: int
    data: bytes


class RowPart(NamedTuple):
    """A target's facts of one row."""

    target: int
    known: int
    """How many shapes the rows before told; 0: none of theirs count any more."""
    shapes: Sequence[Shape]
    """Further ones. The first of all has the number 1."""
    codes: Sequence[int]
    """The number of each fact's shape, in the order of arrival."""
    rounds: Sequence[int]
    times: Sequence[int]
    """Of each fact that has a shape: its round, and when that began or the probe was sent."""
    rtts: Sequence[int]
    """Of each answer."""
    odd: Sequence[ProbeFact]
    """Those of no shape, in their order."""


class RowHead(msgspec.Struct, frozen=True, array_like=True):
    """A `RowPart` but for its columns, of which each has so many numbers."""

    target: int
    known: int
    shapes: Shapes
    facts: int
    answers: int
    odd: OddFacts


class PlainRow(msgspec.Struct, frozen=True, array_like=True):
    """A row as it is committed; the columns of all parts stand one after the other."""

    heads: Annotated[list[RowHead], msgspec.Meta(max_length=MOST_TARGETS)]
    codes: PlainColumn
    rounds: PlainColumn
    times: PlainColumn
    rtts: PlainColumn


class FormerPart(msgspec.Struct, frozen=True, array_like=True):
    """A `RowPart` in rows of stores of version 2, which are lists of them: codes are 16 bits each, the rest 64."""

    target: int
    known: int
    shapes: Shapes
    codes: bytes
    rounds: bytes
    times: bytes
    rtts: bytes
    odd: OddFacts


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What a target has in a row."""

    target: int
    rounds: int
    probes: int
    until: int
    """The newest moment of a departure (epoch ns)."""


PACKED: Final = b"\xc1"
"""What a packed row begins with: no MessagePack does."""


class PackedColumn(msgspec.Struct, frozen=True, array_like=True):
    """Integers: `base` plus unsigned ones of `width` bytes, little-endian, all first bytes first."""

    base: int
    width: int
    data: bytes


class SmallPart(msgspec.Struct, frozen=True, array_like=True):
    """A `RowPart` that is made small, to be sent."""

    target: int
    known: int
    shapes: Shapes
    codes: PackedColumn
    rounds: PackedColumn
    """From the one before."""
    times: PackedColumn
    """The same. A fate has none whose departure stands before it here, in the same round and with the same TTL and
    flow, if `is_told_once`."""
    is_told_once: bool
    rtts: PackedColumn
    odd: OddFacts


class PackedRow(msgspec.Struct, frozen=True, array_like=True):
    """A row that is sent: whoever only counts need not open it."""

    counts: Annotated[list[Counted], msgspec.Meta(max_length=MOST_TARGETS)]
    data: bytes
    """The parts (`SmallPart`), compressed."""


class DepartureSeries(msgspec.Struct, frozen=True, array_like=True):
    """A flow's probes with one TTL (0: its rounds)."""

    ttl: int
    flow: int
    untold: int
    """Departures, the first ones, that no fact of this block tells: only their fates are in it."""
    departures: int
    """In all."""
    answered: int
    lost: int
    round: int
    at: int
    """Of the first departure."""


class PackedBlock(msgspec.Struct, frozen=True, array_like=True):
    """A block before compression. But for `rows`, `facts` and `codes`, columns are by series."""

    rows: PackedColumn
    """Numbers of rows, from the one before."""
    facts: PackedColumn
    """How many facts each row has."""
    shapes: Shapes
    codes: PackedColumn
    """Of each fact the number of its shape, the first one being 1, in the order of arrival."""
    series: Annotated[list[DepartureSeries], msgspec.Meta(max_length=MOST_SHAPES)]
    rounds: PackedColumn
    """Of each departure but its series' first: from the one before."""
    times: PackedColumn
    """The same."""
    answered: PackedColumn
    """Of each answer: how many departures later its own is than that of the answer before it (or than none)."""
    lost: PackedColumn
    """The same of losses."""
    rtts: PackedColumn
    """Of each answer."""
    odd: OddFacts


OWN_FIELDS: Final = ("target", "round", "ttl", "sent_at", "rtt_ns")
"""An answer's fields that each has for itself; the others make its shape."""
assert Answered.__struct_fields__[: len(OWN_FIELDS)] == OWN_FIELDS

encoder: Final = msgspec.msgpack.Encoder()


def moment(fact: ProbeFact) -> int:
    """When it was known at the earliest (epoch ns): of a loss only when the probe was sent."""
    if isinstance(fact, RoundStarted):
        return fact.at
    return fact.sent_at + fact.rtt_ns if isinstance(fact, Answered) else fact.sent_at
