"""Rows and blocks to facts (`block`). Whoever made them may mean harm: what does not go together is a `BadBlock`."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, repeat
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from hopscope.history.block import (
    ANSWERED,
    LIVE,
    LOST,
    MOST_BYTES,
    MOST_FACTS,
    MOST_NS,
    MOST_SHAPES,
    MOST_TARGETS,
    ODD,
    OWN_FIELDS,
    PACKED,
    ROUND,
    SENT,
    WIDTHS,
    BadBlock,
    Counted,
    FormerPart,
    PackedBlock,
    PackedColumn,
    PackedRow,
    PlainColumn,
    PlainRow,
    ProbeFact,
    Rowed,
    RowPart,
    Shape,
    SmallPart,
)
from hopscope.wire.messages import Answered, Lost, RoundStarted, Sent
from hopscope.wire.undecodable import UNDECODABLE

_block_decoder: Final = msgspec.msgpack.Decoder(PackedBlock)
_small_decoder: Final = msgspec.msgpack.Decoder(PackedRow)
_parts_decoder: Final = msgspec.msgpack.Decoder(Annotated[list[SmallPart], msgspec.Meta(max_length=MOST_TARGETS)])
_row_decoder: Final = msgspec.msgpack.Decoder(PlainRow)
_former_decoder: Final = msgspec.msgpack.Decoder(Annotated[list[FormerPart], msgspec.Meta(max_length=MOST_TARGETS)])

Columns: TypeAlias = tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]
"""Codes, and of the facts that have a shape rounds, moments, and of answers the RTTs."""


class Rows:
    """The rows of one run, to be read in their order."""

    def __init__(self) -> None:
        self._shapes: dict[int, list[Shape]] = {}

    def unpack(
        self, data: bytes, target: int | None = None, broken: set[int] | None = None
    ) -> list[tuple[int, list[ProbeFact]]]:
        """The next row: facts by target. `target`: of this one alone, here and in all other rows. `broken` is added
        those whose part cannot be read. `BadBlock` where that is None, or none can. A row after one that was not read
        can be, or is a `BadBlock`, but is never read as something else: it says how many shapes were told before it."""
        facts = []
        is_packed = target is not None and data.startswith(PACKED)
        if is_packed and all(one.target != target for one in _small(data).counts):
            return []
        for part in parts_of(data):
            if target in (None, part.target):
                try:
                    shapes = self._known(part)
                    codes, *columns = _columns(part, shapes)
                    facts.append((part.target, facts_of(codes, shapes, columns, part.odd, part.target)))
                except BadBlock:
                    del self._shapes.get(part.target, [])[part.known :]
                    if broken is None:
                        raise
                    broken.add(part.target)
        return facts

    def count(self, data: bytes) -> list[Counted]:
        """The next row, only counted. `BadBlock`."""
        if data.startswith(PACKED):
            return _small(data).counts
        counts = []
        for part in parts_of(data):
            kinds = [ODD, *(shape.kind for shape in self._known(part))]
            codes, _, times, _ = _columns(part, [])
            if max(codes, default=0) >= len(kinds):
                raise BadBlock("it has a fact of no shape")
            told = [kinds[code] for code in codes]
            counts.append(Counted(part.target, told.count(ROUND), told.count(SENT), max(times, default=0)))
        return counts

    def _known(self, part: RowPart | SmallPart) -> list[Shape]:
        """The shapes of a target, with those that this row tells."""
        shapes = self._shapes.setdefault(part.target, [])
        if not 0 <= part.known <= len(shapes) or part.known + len(part.shapes) >= MOST_SHAPES:
            raise BadBlock("it knows shapes that nobody told")
        if part.known < len(shapes):
            shapes = self._shapes[part.target] = shapes[: part.known]
        shapes.extend(part.shapes)
        return shapes


def _columns(part: RowPart | SmallPart, shapes: Sequence[Shape]) -> Columns:
    """`BadBlock`."""
    return _small_columns(part, shapes) if isinstance(part, SmallPart) else part[3:7]


def _small_columns(part: SmallPart, shapes: Sequence[Shape]) -> Columns:
    codes, rtts = _values(part.codes), _values(part.rtts)
    rounds, told = list(accumulate(_values(part.rounds))), list(accumulate(_values(part.times)))
    if min(codes, default=0) < 0 or max(codes, default=0) > len(shapes):
        raise BadBlock("it has a fact of no shape")
    for column in (rounds, told, rtts):
        if column and not -MOST_NS <= min(column) <= max(column) <= MOST_NS:
            raise BadBlock("a number is out of bounds")
    if not part.is_told_once:
        return codes, rounds, told, rtts
    times: list[int] = []
    left: dict[tuple[int, int, int], int] = {}
    of_round, of_time = iter(rounds), iter(told)
    try:
        for code in codes:
            if not code:
                continue
            shape = shapes[code - 1]
            place = next(of_round), shape.ttl, shape.flow
            if shape.kind in (ANSWERED, LOST) and place in left:
                times.append(left[place])
                continue
            times.append(next(of_time))
            if shape.kind == SENT:
                left[place] = times[-1]
    except StopIteration:
        raise BadBlock("its columns do not go together") from None
    return codes, rounds, times, rtts


def _parts(row: PlainRow) -> list[RowPart]:
    """`BadBlock`."""
    codes, rounds, times, rtts = map(_plain, (row.codes, row.rounds, row.times, row.rtts))
    parts = []
    fact = number = answer = 0
    for head in row.heads:
        if not 0 <= head.answers <= head.facts - len(head.odd):
            raise BadBlock("it counts what cannot be")
        facts, numbers = fact + head.facts, number + head.facts - len(head.odd)
        answers = answer + head.answers
        columns = codes[fact:facts], rounds[number:numbers], times[number:numbers], rtts[answer:answers]
        parts.append(RowPart(head.target, head.known, head.shapes, *columns, head.odd))
        fact, number, answer = facts, numbers, answers
    if (fact, number, number, answer) != (len(codes), len(rounds), len(times), len(rtts)):
        raise BadBlock("its columns do not go together")
    return parts


def _former(part: FormerPart) -> RowPart:
    """`BadBlock`."""
    rounds, times, rtts = (_integers("q", data) for data in (part.rounds, part.times, part.rtts))
    return RowPart(part.target, part.known, part.shapes, _integers("H", part.codes), rounds, times, rtts, part.odd)


def _plain(column: PlainColumn) -> Sequence[int]:
    if column.width not in WIDTHS:
        raise BadBlock("a column is of no known width")
    values, base = _integers(WIDTHS[column.width], column.data), column.base
    if not 0 <= base <= MOST_NS or (column.width == max(WIDTHS) and max(values, default=0) > 2 * MOST_NS):
        raise BadBlock("a number is out of bounds")
    return [value + base for value in values] if base else values


def _integers(kind: str, data: bytes) -> array[int]:
    """Those of a column that is not packed; `kind`: their type code."""
    column = array(kind)
    try:
        column.frombytes(data)
    except ValueError:
        raise BadBlock("a column is cut off") from None
    return column


def _small(data: bytes) -> PackedRow:
    try:
        row = _small_decoder.decode(memoryview(data)[len(PACKED) :])
    except UNDECODABLE as error:
        raise BadBlock(str(error)) from None
    if not all(0 <= number <= MOST_NS for one in row.counts for number in msgspec.structs.astuple(one)):
        raise BadBlock("a number is out of bounds")
    return row


def parts_of(data: bytes) -> Sequence[RowPart | SmallPart]:
    """A row by target. `BadBlock`."""
    if len(data) > MOST_BYTES:
        raise BadBlock("it is longer than any row")
    try:
        if data.startswith(PACKED):
            small: list[SmallPart] = _parts_decoder.decode(inflated(_small(data).data))
            return small
        if data.startswith(LIVE):
            return _parts(_row_decoder.decode(memoryview(data)[len(LIVE) :]))
        return [_former(part) for part in _former_decoder.decode(data)]
    except UNDECODABLE as error:
        raise BadBlock(str(error)) from None


def facts_of(
    codes: Sequence[int],
    shapes: Sequence[Shape],
    columns: Sequence[Iterable[int]],
    odd: Iterable[ProbeFact],
    target: int,
) -> list[ProbeFact]:
    """Columns (rounds, times, RTTs) in the order of arrival as facts of `target`. `BadBlock`."""
    facts: list[ProbeFact] = []
    numbers, rtts, rest = zip(*columns[:2], strict=True), iter(columns[2]), iter(odd)
    makers: list[Callable[..., ProbeFact]] = [lambda fact: _odd(fact, target), *_makers(shapes, target)]
    is_answer = [False, *(shape.kind == ANSWERED for shape in shapes)]
    try:
        for code in codes:
            if not code:
                facts.append(makers[0](next(rest)))
            elif is_answer[code]:
                facts.append(makers[code](*next(numbers), next(rtts)))
            else:
                facts.append(makers[code](*next(numbers)))
    except (StopIteration, IndexError, ValueError):
        raise BadBlock("its columns do not go together") from None
    return facts


def _makers(shapes: Iterable[Shape], target: int) -> list[Callable[..., ProbeFact]]:
    """Of each shape what makes a fact of `target` of a round, a moment, and of an answer its RTT. `BadBlock`."""
    return [_maker(shape, target) for shape in shapes]


def _maker(shape: Shape, target: int) -> Callable[..., ProbeFact]:
    kind, ttl, flow = shape.kind, shape.ttl, shape.flow
    if kind == SENT:
        return lambda round_, at: Sent(target, round_, ttl, at, flow)
    if kind == LOST:
        return lambda round_, at: Lost(target, round_, ttl, at, flow)
    if kind == ROUND:
        return lambda round_, at: RoundStarted(target, round_, at)
    if kind == ANSWERED and shape.answer is not None:
        rest = msgspec.structs.astuple(shape.answer)[len(OWN_FIELDS) :]
        return lambda round_, at, rtt: Answered(target, round_, ttl, at, rtt, *rest)
    raise BadBlock("there is no such shape")


def unpack(data: bytes, target: int, begin: int = -(1 << 63), end: int = 1 << 63) -> list[Rowed]:
    """A block's facts in order, as those of `target`, each with its row: of the probes and rounds alone that were sent
    from `begin` on and before `end` (epoch ns). `BadBlock`."""
    try:
        block = _block_decoder.decode(inflated(data))
    except UNDECODABLE as error:
        raise BadBlock(str(error)) from None
    codes = _values(block.codes)
    row_facts = _values(block.facts)
    if min(row_facts, default=0) < 0 or sum(row_facts) != len(codes):
        raise BadBlock("its rows do not go together")
    rows = accumulate(_values(block.rows, len(row_facts)))
    if len(block.shapes) >= MOST_SHAPES or max(codes, default=0) > len(block.shapes) or min(codes, default=0) < 0:
        raise BadBlock("it has a fact of no shape")
    nexts = _sources(block)
    try:
        numbers = [nexts[code]() for code in codes]
    except StopIteration:
        raise BadBlock("it has more facts than its columns") from None
    facts: list[Rowed] = []
    makers = _makers(block.shapes, target)
    row_of = chain.from_iterable(map(repeat, rows, row_facts))
    for code, number, row in zip(codes, numbers, row_of, strict=True):
        if begin <= number[1] < end:
            facts.append((row, makers[code - 1](*number) if code else _odd(number[2], target)))
    return facts


def addresses_of(data: bytes) -> set[str]:
    """The addresses that answer in a block. `BadBlock`."""
    try:
        block = _block_decoder.decode(inflated(data))
    except UNDECODABLE as error:
        raise BadBlock(str(error)) from None
    shaped = {shape.answer.address for shape in block.shapes if shape.answer is not None}
    return shaped | {fact.address for fact in block.odd if isinstance(fact, Answered)}


def inflated(data: bytes) -> bytes:
    """What was compressed, if it is no longer than a block may be. `BadBlock`."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise BadBlock(str(error)) from None
    if not inflater.eof or inflater.unconsumed_tail or inflater.unused_data:
        raise BadBlock("it is cut off, or longer than any block")
    return raw


_Source: TypeAlias = Iterator[tuple[Any, ...]]
"""A round, a moment, and of an answer its RTT, of a fact of no shape itself; one after the other."""


def _sources(block: PackedBlock) -> list[Callable[[], tuple[Any, ...]]]:
    """By the number of a shape, what has its next fact."""
    counts = [count for one in block.series for count in (one.untold, one.departures, one.answered, one.lost)]
    if min(counts, default=0) < 0 or sum(counts) > MOST_FACTS or not all(one.departures for one in block.series):
        raise BadBlock("it counts what cannot be")
    departures = sum(one.departures - 1 for one in block.series)
    answers = sum(one.answered for one in block.series)
    rounds, times = iter(_values(block.rounds, departures)), iter(_values(block.times, departures))
    answered, rtts = iter(_values(block.answered, answers)), iter(_values(block.rtts, answers))
    lost = iter(_values(block.lost, sum(one.lost for one in block.series)))
    sources: dict[tuple[int, int, int], _Source] = {}
    for one in block.series:
        all_rounds = list(accumulate(islice(rounds, one.departures - 1), initial=one.round))
        all_times = list(accumulate(islice(times, one.departures - 1), initial=one.at))
        of_answers = list(accumulate(islice(answered, one.answered), initial=-1))[1:]
        of_losses = list(accumulate(islice(lost, one.lost), initial=-1))[1:]
        for places in (of_answers, of_losses):
            if places and not 0 <= min(places) <= max(places) < one.departures:
                raise BadBlock("a fate is out of its place")
        of_rtts = list(islice(rtts, one.answered))
        for column in (all_rounds, all_times, of_rtts):
            if column and not -MOST_NS <= min(column) <= max(column) <= MOST_NS:
                raise BadBlock("a number is out of bounds")
        place = one.ttl, one.flow
        told = zip(all_rounds[one.untold :], all_times[one.untold :], strict=True)
        sources[(SENT, *place)] = sources[(ROUND, *place)] = told
        round_of, time_of = all_rounds.__getitem__, all_times.__getitem__
        sources[(ANSWERED, *place)] = zip(map(round_of, of_answers), map(time_of, of_answers), of_rtts, strict=True)
        sources[(LOST, *place)] = zip(map(round_of, of_losses), map(time_of, of_losses), strict=True)
    odd = ((0, fact.at if isinstance(fact, RoundStarted) else fact.sent_at, fact) for fact in block.odd)
    nothing: _Source = iter(())
    return [
        source.__next__
        for source in (odd, *(sources.get((shape.kind, shape.ttl, shape.flow), nothing) for shape in block.shapes))
    ]


def _odd(fact: ProbeFact, target: int) -> ProbeFact:
    return msgspec.structs.replace(fact, target=target)


def _values(column: PackedColumn, count: int | None = None) -> list[int]:
    """A column's integers; `count`: how many there must be."""
    width, data = column.width, column.data
    if width not in WIDTHS or len(data) % width or count not in (None, len(data) // width):
        raise BadBlock("a column has another length than it should have")
    if len(data) > width * MOST_FACTS:
        raise BadBlock("it has more facts than any block")
    plain = bytearray(len(data))
    each = len(data) // width
    for place in range(width):
        plain[place::width] = data[place * each : (place + 1) * each]
    values = array(WIDTHS[width])
    values.frombytes(plain)
    base = column.base
    return [value + base for value in values] if base else values.tolist()
