"""The facts of one target's probes as a few bytes: columns, of which a probe takes five to six bytes at the end.

A probe is one record (flow, TTL, round) with its departure and its fate, wherever both are known; a round's beginning
is a record of TTL 0. Records stand in series (one flow, one TTL), so that neighbours are alike, and in columns of
equally wide integers whose bytes are sorted by their weight, which zlib makes small. Whatever is no column's (late
answers, duplicates, failures, anything out of bounds) is kept as it is.

Facts come back in the order in which they were told, each with the number of its *row*, the commit that wrote it: what
is kept is by how much that differs from the order of their moments, which is nearly nothing. A row by itself
(`pack_row`) is of all targets, short-lived, and made to be quick.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final, TypeAlias, Union

import msgspec

from hopscope.wire.messages import (
    Answered,
    Clock,
    Duplicate,
    Failed,
    Int,
    Kind,
    Label,
    Late,
    Lost,
    RoundStarted,
    Sent,
)

ProbeFact: TypeAlias = Union[RoundStarted, Sent, Answered, Late, Duplicate, Lost, Failed]  # noqa: UP007 - for msgspec
PROBE_FACTS: Final = frozenset({RoundStarted, Sent, Answered, Late, Duplicate, Lost, Failed})
Rowed: TypeAlias = tuple[int, ProbeFact]
"""A fact, and the row that it was written in."""

MOST_RECORDS: Final = 1 << 20
MOST_BYTES: Final = 16 << 20
"""Of a block that is not compressed any more: `writer` makes none that is longer."""

_NONE: Final = 0
_ANSWERED: Final = 1
_LOST: Final = 2
_DEPARTED: Final = 4
"""Bit of a record's fate: its departure is told in this block."""
_MOST_ROUND: Final = 1 << 40
_MOST_FLOW: Final = 1 << 31
_MOST_NS: Final = 1 << 62
_WIDTHS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


class BadBlock(Exception):
    """These bytes are no block, in words."""


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """All of an answer that is the same from probe to probe."""

    address: str
    kind: Kind
    icmp_type: Int | None
    icmp_code: Int | None
    reply_ttl: Int | None
    clock: Clock
    mpls: tuple[Label, ...]
    vouched: bool
    quoted_dscp: Int | None = None
    mtu: Int | None = None


class PackedColumn(msgspec.Struct, frozen=True, array_like=True):
    """Integers: `base` plus unsigned ones of `width` bytes, little-endian, all first bytes first."""

    base: int
    width: int
    data: bytes


class PackedBlock(msgspec.Struct, frozen=True, array_like=True):
    """A block before compression. Columns have an entry for each record, but `rtt` and `shape`: for each answered."""

    first_row: int
    series: list[tuple[int, int, int]]
    """Flow, TTL and number of records."""
    shapes: list[Shape]
    round: PackedColumn
    """From the record before it in its series; of the first the round itself."""
    sent_at: PackedColumn
    """The same."""
    fate: PackedColumn
    rtt: PackedColumn
    shape: PackedColumn
    turn: PackedColumn
    """Of departures, in the order of their moments: by how many places later they were told."""
    row: PackedColumn
    """Of departures, as they were told: from the row before."""
    lag: PackedColumn
    """Of fates: how many departures were told since its own, or where that is not told here, since the beginning."""
    fate_row: PackedColumn
    """The same: how many rows after the one of the departure that was told last."""
    rank: PackedColumn
    """The same: by how many places later than its moment it was told, among what was told between two departures."""
    odd: list[tuple[int, int, int, ProbeFact]]
    """Row, how many departures were told before, its place behind the last of them, and the fact."""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(PackedBlock)
_row_decoder: Final = msgspec.msgpack.Decoder(list[tuple[int, list[ProbeFact]]])


def moment(fact: ProbeFact) -> int:
    """When it was known at the earliest (epoch ns): of a loss only when the probe was sent."""
    if isinstance(fact, RoundStarted):
        return fact.at
    return fact.sent_at + fact.rtt_ns if isinstance(fact, Answered) else fact.sent_at


def pack_row(facts: Mapping[int, Sequence[ProbeFact]]) -> bytes:
    """One row: facts by target, in their order."""
    return zlib.compress(_encoder.encode(list(facts.items())), 1)


def unpack_row(data: bytes) -> list[tuple[int, list[ProbeFact]]]:
    """A row again. `BadBlock`."""
    try:
        return _row_decoder.decode(_inflated(data))
    except msgspec.DecodeError as error:
        raise BadBlock(str(error)) from None


def pack(facts: Iterable[Rowed]) -> bytes:
    """One target's facts, in the order of their rows."""
    return zlib.compress(_encoder.encode(_columns(facts)), 6)


def unpack(data: bytes, target: int) -> list[Rowed]:
    """The facts again, in order, as those of `target`. `BadBlock`."""
    return _facts(_block(data), target)


def _block(data: bytes) -> PackedBlock:
    try:
        return _decoder.decode(_inflated(data))
    except msgspec.DecodeError as error:
        raise BadBlock(str(error)) from None


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise BadBlock(str(error)) from None
    if not inflater.eof or inflater.unconsumed_tail or inflater.unused_data:
        raise BadBlock("it is cut off, or longer than any block")
    return raw


# --- facts to columns ----------------------------------------------------------------------------------------------


class _Record:
    """A probe, or a round."""

    __slots__ = ("answer", "at", "fate", "fate_row", "index", "rank", "slot")

    def __init__(self, at: int, index: int) -> None:
        self.at = at
        self.index = index
        """Of its departure, among all that were told; -1: it was not."""
        self.fate = _NONE if index < 0 else _DEPARTED
        self.slot = 0
        """How many departures were told before its fate."""
        self.fate_row = 0
        self.rank = 0
        """Its fate's place behind the last departure."""
        self.answer: Answered | None = None


def _columns(facts: Iterable[Rowed]) -> PackedBlock:
    records: dict[tuple[int, int, int], _Record] = {}
    """By flow, TTL and round."""
    rows: list[int] = []
    """Of departures, as they were told."""
    odd: list[tuple[int, int, int, ProbeFact]] = []
    odd_keys: set[tuple[int, int, int]] = set()
    first_row = -1
    rank = 0
    for row, fact in facts:
        if first_row < 0:
            first_row = row
        kind = type(fact)
        if isinstance(fact, RoundStarted):
            key, at = (0, 0, fact.round), fact.at
        else:
            key, at = (fact.flow, fact.ttl, fact.round), fact.sent_at
        fits = key not in odd_keys and 0 <= at < _MOST_NS and 0 <= key[2] < _MOST_ROUND and 0 <= key[0] < _MOST_FLOW
        fits = fits and (kind is RoundStarted or 0 < key[1] < 256)
        record = records.get(key)
        if not fits:
            pass
        elif kind is Sent or kind is RoundStarted:
            if record is None:
                records[key] = _Record(at, len(rows))
                rows.append(row)
                rank = 0
                continue
        elif kind is Lost or (kind is Answered and 0 <= fact.rtt_ns < _MOST_NS):  # type: ignore[union-attr]
            if record is None:
                record = records[key] = _Record(at, -1)
            if record.fate & 3 == _NONE and record.at == at:
                record.slot, record.rank, record.fate_row = len(rows), rank, row
                rank += 1
                if isinstance(fact, Answered):
                    record.fate |= _ANSWERED
                    record.answer = fact
                else:
                    record.fate |= _LOST
                continue
        odd.append((row, len(rows), rank, fact))
        rank += 1
        odd_keys.add(key)
    ordered = sorted(records.items(), key=itemgetter(0))
    series: dict[tuple[int, int], int] = {}
    shapes: dict[Shape, int] = {}
    rounds, sent_at, fates, rtts, answers, lags, fate_rows = (array("q") for _ in range(7))
    settled: list[tuple[int, int, int, int, int, int]] = []
    place: tuple[int, int] | None = None
    round_ = at = 0
    for (flow, ttl, number), record in ordered:
        if place != (flow, ttl):
            place = (flow, ttl)
            series[place] = round_ = at = 0
        series[place] += 1
        rounds.append(number - round_)
        sent_at.append(record.at - at)
        round_, at = number, record.at
        fates.append(record.fate)
        if not record.fate & 3:
            continue
        slot = record.slot
        lags.append(slot - 1 - record.index)
        fate_rows.append(record.fate_row - (rows[slot - 1] if slot else first_row))
        rtt = 0
        if record.answer is not None:
            rtt = record.answer.rtt_ns
            rtts.append(rtt)
            answers.append(shapes.setdefault(_shape(record.answer), len(shapes)))
        settled.append((slot, record.at + rtt, number, ttl, flow, record.rank))
    settled.sort()
    departures = sorted((one.at, key[2], key[1], key[0], one.index) for key, one in ordered if one.index >= 0)
    return PackedBlock(
        first_row=max(first_row, 0),
        series=[(*key, count) for key, count in series.items()],
        shapes=list(shapes),
        round=_column(rounds),
        sent_at=_column(sent_at),
        fate=_column(fates),
        rtt=_column(rtts),
        shape=_column(answers),
        turn=_column(array("q", [one[4] - place for place, one in enumerate(departures)])),
        row=_column(array("q", [row - before for row, before in zip(rows, [first_row, *rows], strict=False)])),
        lag=_column(lags),
        fate_row=_column(fate_rows),
        rank=_column(
            array("q", [one[5] - place for one, place in zip(settled, _places(one[0] for one in settled), strict=True)])
        ),
        odd=odd,
    )


def _places(slots: Iterable[int]) -> list[int]:
    """Of fates by slot, the place of each in its slot."""
    places: list[int] = []
    place, before = 0, -1
    for slot in slots:
        place = place + 1 if slot == before else 0
        before = slot
        places.append(place)
    return places


def _shape(fact: Answered) -> Shape:
    return Shape(
        fact.address,
        fact.kind,
        fact.icmp_type,
        fact.icmp_code,
        fact.reply_ttl,
        fact.clock,
        fact.mpls,
        fact.vouched,
        fact.quoted_dscp,
        fact.mtu,
    )


def _column(values: array[int]) -> PackedColumn:
    if not values:
        return PackedColumn(0, 1, b"")
    base = min(values)
    most = max(values) - base
    width = 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4 if most < 1 << 32 else 8
    plain = array(_WIDTHS[width], [value - base for value in values]).tobytes()
    return PackedColumn(base, width, b"".join([plain[place::width] for place in range(width)]))


# --- columns to facts ----------------------------------------------------------------------------------------------


def _values(column: PackedColumn, count: int) -> list[int]:
    width, data = column.width, column.data
    if width not in _WIDTHS or len(data) != width * count:
        raise BadBlock("a column has another length than it should have")
    plain = bytearray(len(data))
    for place in range(width):
        plain[place::width] = data[place * count : (place + 1) * count]
    values = array(_WIDTHS[width])
    values.frombytes(plain)
    base = column.base
    return [value + base for value in values]


def _facts(block: PackedBlock, target: int) -> list[Rowed]:
    count = 0
    for _, _, records in block.series:
        if not 0 <= records <= MOST_RECORDS:
            raise BadBlock("it has more records than any block")
        count += records
    if count > MOST_RECORDS:
        raise BadBlock("it has more records than any block")
    fates = _values(block.fate, count)
    probes = _probes(block, count)
    keyed = [
        (at, round_, ttl, flow, place)
        for place, (flow, ttl, round_, at) in enumerate(probes)
        if fates[place] & _DEPARTED
    ]
    keyed.sort()
    told = len(keyed)
    turns, rows_since = _values(block.turn, told), _values(block.row, told)
    index_of: dict[int, int] = {}
    departures = [(0, 0, 0, 0)] * told
    for turn, (at, round_, ttl, flow, place) in enumerate(keyed):
        index = turn + turns[turn]
        if not 0 <= index < told:
            raise BadBlock("a departure is out of its turn")
        index_of[place] = index
        departures[index] = (at, round_, ttl, flow)
    rows = [block.first_row]
    for since in rows_since:
        rows.append(rows[-1] + since)
    everything: list[tuple[int, int, int, ProbeFact]] = []
    """How many departures were told before, the place behind the last of them, row, and the fact."""
    for index, (at, round_, ttl, flow) in enumerate(departures, 1):
        fact: ProbeFact = Sent(target, round_, ttl, at, flow) if ttl else RoundStarted(target, round_, at)
        everything.append((index, -1, rows[index], fact))
    settled = _settled(block, target, probes, fates, index_of, rows)
    ranks = _values(block.rank, len(settled))
    for (slot, *_, row, fact), place, later in zip(settled, _places(one[0] for one in settled), ranks, strict=True):
        everything.append((slot, place + later, row, fact))
    everything += [
        (slot, rank, row, msgspec.structs.replace(fact, target=target)) for row, slot, rank, fact in block.odd
    ]
    everything.sort(key=itemgetter(0, 1))
    return [(row, fact) for _, _, row, fact in everything]


def _probes(block: PackedBlock, count: int) -> list[tuple[int, int, int, int]]:
    """Flow, TTL, round and moment of each record."""
    rounds, sent_at = _values(block.round, count), _values(block.sent_at, count)
    probes = []
    place = 0
    for flow, ttl, records in block.series:
        round_ = at = 0
        for i in range(place, place + records):
            round_ += rounds[i]
            at += sent_at[i]
            if not (0 <= at < _MOST_NS and 0 <= round_ < _MOST_ROUND):
                raise BadBlock("a number is out of bounds")
            probes.append((flow, ttl, round_, at))
        place += records
    return probes


_Settled: TypeAlias = tuple[int, int, int, int, int, int, ProbeFact]
"""Slot, moment, round, TTL, flow, row, and the fate."""


def _settled(
    block: PackedBlock,
    target: int,
    probes: list[tuple[int, int, int, int]],
    fates: list[int],
    index_of: dict[int, int],
    rows: list[int],
) -> list[_Settled]:
    """The fates, by slot (how many departures were told before) and moment."""
    into: list[_Settled] = []
    settled = sum(fate & 3 != _NONE for fate in fates)
    answered = sum(fate & 3 == _ANSWERED for fate in fates)
    lags = zip(_values(block.lag, settled), _values(block.fate_row, settled), strict=True)
    answers = zip(_values(block.rtt, answered), _values(block.shape, answered), strict=True)
    shapes = block.shapes
    for place, fate in enumerate(fates):
        if not fate & 3:
            continue
        flow, ttl, round_, at = probes[place]
        lag, row = next(lags)
        slot = index_of.get(place, -1) + 1 + lag
        if not 0 <= slot < len(rows):
            raise BadBlock("a fate is out of its place")
        row += rows[slot]
        if fate & 3 != _ANSWERED:
            into.append((slot, at, round_, ttl, flow, row, Lost(target, round_, ttl, at, flow)))
            continue
        rtt, shape = next(answers)
        if not (0 <= shape < len(shapes) and 0 <= rtt < _MOST_NS):
            raise BadBlock("a number is out of bounds")
        answer = _answer(target, round_, ttl, at, rtt, shapes[shape], flow)
        into.append((slot, at + rtt, round_, ttl, flow, row, answer))
    into.sort(key=itemgetter(0, 1, 2, 3, 4))
    return into


def _answer(target: int, round_: int, ttl: int, at: int, rtt: int, shape: Shape, flow: int) -> Answered:
    return Answered(
        target,
        round_,
        ttl,
        at,
        rtt,
        shape.address,
        shape.kind,
        shape.icmp_type,
        shape.icmp_code,
        shape.reply_ttl,
        shape.clock,
        shape.mpls,
        shape.vouched,
        shape.quoted_dscp,
        shape.mtu,
        flow,
    )
