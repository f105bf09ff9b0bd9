"""Facts to columns, columns to rows and blocks (`block`).

Work a fact is what it costs: it is taken apart once, when its row is made, and all that follows is done by the column.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter, sub
from typing import Any, Final, NamedTuple

from hopscope.history.block import (
    ANSWERED,
    LOST,
    MOST_NS,
    MOST_SHAPES,
    PACKED,
    ROUND,
    SENT,
    SHAPE_FIELDS,
    WIDTHS,
    Counted,
    DepartureSeries,
    PackedBlock,
    PackedColumn,
    PackedRow,
    ProbeFact,
    Rowed,
    RowPart,
    Shape,
    SmallPart,
    encoder,
)
from hopscope.history.unpacking import facts_of, parts_of
from hopscope.wire.messages import Answered, Lost, RoundStarted, Sent

_place: Final = attrgetter("ttl", "flow")
_shape_of: Final = attrgetter("ttl", *SHAPE_FIELDS)
ROUNDS: Final = (0, 0)
"""The key of the rounds' track."""
_LEVEL: Final = 3
"""zlib's: more would take twice the time and save one byte in a hundred."""


class Track(NamedTuple):
    """One series' facts, by what they are."""

    key: tuple[int, int]
    """TTL (0: rounds) and flow."""
    rounds: list[int]
    times: list[int]
    """Of departures."""
    answered_rounds: list[int]
    answered_times: list[int]
    rtts: list[int]
    lost_rounds: list[int]
    lost_times: list[int]


class Packer:
    """One target's facts since the last block, in columns."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self.codes = array("H")
        self.rounds, self.times, self.rtts = array("q"), array("q"), array("q")
        self.odd: list[ProbeFact] = []
        self.rows: list[int] = []
        self.row_facts: list[int] = []
        self.newest = -1
        """The newest round that began."""
        self._known: dict[Any, int] = {}
        self._marks = (0, 0, 0, 0, 0)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def is_full(self) -> bool:
        """Whether a block should be made of it before more is added: there are nearly as many shapes as can be."""
        return len(self.shapes) >= MOST_SHAPES // 2

    def add(self, row: int, facts: Sequence[ProbeFact]) -> None:
        """These facts stand in this row; not more than half of `MOST_SHAPES`."""
        known = self._known
        code, round_, time, rtt = self.codes.append, self.rounds.append, self.times.append, self.rtts.append
        for fact in facts:
            kind = type(fact)
            key: Any
            if kind is Answered:
                key = _shape_of(fact)
                number = known.get(key)
                if number is None:
                    number = self._shape(key, Shape(ANSWERED, fact.ttl, fact.flow, fact))  # type: ignore[union-attr,arg-type]
                rtt(fact.rtt_ns)  # type: ignore[union-attr]
                at = fact.sent_at  # type: ignore[union-attr]
            elif kind is Sent:
                key = _place(fact)
                number = known.get(key)
                if number is None:
                    number = self._shape(key, Shape(SENT, *key))
                at = fact.sent_at  # type: ignore[union-attr]
            elif kind is Lost:
                key = (LOST, fact.ttl, fact.flow)  # type: ignore[union-attr]
                number = known.get(key)
                if number is None:
                    number = self._shape(key, Shape(*key))
                at = fact.sent_at  # type: ignore[union-attr]
            elif kind is RoundStarted:
                number = known.get(ROUND)
                if number is None:
                    number = self._shape(ROUND, Shape(ROUND, 0, 0))
                at = fact.at  # type: ignore[union-attr]
                if fact.round > self.newest:
                    self.newest = fact.round
            else:
                code(0)
                self.odd.append(fact)
                continue
            code(number)
            round_(fact.round)
            time(at)
        if self.rows and self.rows[-1] == row:
            self.row_facts[-1] += len(facts)
        else:
            self.rows.append(row)
            self.row_facts.append(len(facts))

    def _shape(self, key: Any, shape: Shape) -> int:
        self.shapes.append(shape)
        number = self._known[key] = len(self.shapes)
        return number

    def pieces(self, most: int) -> list[Packer]:
        """The same in packers of so many facts, and of those of their last row."""
        if len(self) <= most:
            return [self]
        facts = facts_of(self.codes, self.shapes, (self.rounds, self.times, self.rtts), self.odd, 0)
        pieces = [Packer()]
        begin = 0
        for row, count in zip(self.rows, self.row_facts, strict=True):
            if len(pieces[-1]) >= most:
                pieces.append(Packer())
            pieces[-1].add(row, facts[begin : begin + count])
            begin += count
        return pieces

    def row_part(self, target: int) -> RowPart:
        """What was added since the last row."""
        codes, numbers, answers, shapes, odd = self._marks
        self._marks = (len(self.codes), len(self.rounds), len(self.rtts), len(self.shapes), len(self.odd))
        return RowPart(
            target,
            shapes,
            self.shapes[shapes:],
            self.codes[codes:].tobytes(),
            self.rounds[numbers:].tobytes(),
            self.times[numbers:].tobytes(),
            self.rtts[answers:].tobytes(),
            self.odd[odd:],
        )

    def tracks(self) -> list[Track]:
        """The facts by series, in the order of their first ones."""
        tracks: dict[tuple[int, int], Track] = {}
        round_to: list[Callable[[int], None]] = []
        time_to: list[Callable[[int], None]] = []
        rtt_to: dict[int, Callable[[int], None]] = {}
        for number, shape in enumerate(self.shapes, 1):
            key = (shape.ttl, shape.flow) if shape.kind != ROUND else ROUNDS
            track = tracks.get(key)
            if track is None:
                track = tracks[key] = Track(key, [], [], [], [], [], [], [])
            rounds, times = track.rounds, track.times
            if shape.kind == ANSWERED:
                rounds, times = track.answered_rounds, track.answered_times
                rtt_to[number] = track.rtts.append
            elif shape.kind == LOST:
                rounds, times = track.lost_rounds, track.lost_times
            round_to.append(rounds.append)
            time_to.append(times.append)
        told: Iterable[int] = [code - 1 for code in self.codes if code]
        for code, round_, at in zip(told, self.rounds, self.times, strict=True):
            round_to[code](round_)
            time_to[code](at)
        for code, rtt in zip([code for code in self.codes if code in rtt_to], self.rtts, strict=True):
            rtt_to[code](rtt)
        return list(tracks.values())

    def block(self, tracks: list[Track]) -> bytes:
        """All of it, packed. `tracks` are its own."""
        numbers = (self.rounds, self.times, self.rtts)
        if any(column and (min(column) < -MOST_NS or max(column) > MOST_NS) for column in numbers):
            return _odd_ones(self).block([])
        series: list[DepartureSeries] = []
        rounds: list[int] = []
        times: list[int] = []
        rtts: list[int] = []
        answered: list[int] = []
        lost: list[int] = []
        for track in tracks:
            untold, of_answers, of_losses = _departures(track)
            all_rounds = [one[0] for one in untold] + track.rounds
            all_times = [one[1] for one in untold] + track.times
            if not all_rounds:
                continue
            counts = len(untold), len(all_rounds), len(of_answers), len(of_losses)
            series.append(DepartureSeries(*track.key, *counts, all_rounds[0], all_times[0]))
            rounds += map(sub, all_rounds[1:], all_rounds)
            times += map(sub, all_times[1:], all_times)
            answered += map(sub, of_answers, [-1, *of_answers])
            lost += map(sub, of_losses, [-1, *of_losses])
            rtts += track.rtts
        packed = PackedBlock(
            rows=_column(list(map(sub, self.rows, [0, *self.rows]))),
            facts=_column(self.row_facts),
            shapes=self.shapes,
            codes=_column(self.codes),
            series=series,
            rounds=_column(rounds),
            times=_column(times),
            answered=_column(answered),
            lost=_column(lost),
            rtts=_column(rtts),
            odd=self.odd,
        )
        return zlib.compress(encoder.encode(packed), _LEVEL)


def _departures(track: Track) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Departures that are told nowhere here, and of each answer and of each loss, which departure is its own."""
    index: dict[int, int] = {}
    places: list[list[Any]] = []
    rounds, times = track.rounds, track.times
    for of_rounds, of_times in (
        (track.answered_rounds, track.answered_times),
        (track.lost_rounds, track.lost_times),
    ):
        count = len(of_rounds)
        if of_rounds == rounds[:count] and of_times == times[:count]:  # as it mostly is
            places.append(list(range(count)))
            continue
        index = index or dict(zip(rounds, range(len(rounds)), strict=True))
        found: list[Any] = list(map(index.get, of_rounds))
        if None in found or list(map(times.__getitem__, found)) != of_times:
            found = [
                place if place is not None and times[place] == at else (round_, at)
                for place, round_, at in zip(found, of_rounds, of_times, strict=True)
            ]
        places.append(found)
    untold: dict[tuple[int, int], int] = {}
    for found in places:
        for place in found:
            if isinstance(place, tuple):
                untold.setdefault(place, len(untold))
    if untold:
        count = len(untold)
        places = [[untold[place] if isinstance(place, tuple) else place + count for place in one] for one in places]
    return list(untold), places[0], places[1]


def _odd_ones(packer: Packer) -> Packer:
    """The same, with every fact as it is."""
    out = Packer()
    out.rows, out.row_facts = packer.rows, packer.row_facts
    out.codes = array("H", bytes(2 * len(packer.codes)))
    out.odd = facts_of(packer.codes, packer.shapes, (packer.rounds, packer.times, packer.rtts), packer.odd, 0)
    return out


def pack_row(parts: Iterable[RowPart]) -> bytes:
    """One row."""
    return encoder.encode(list(parts))


def without(data: bytes, targets: Collection[int]) -> bytes:
    """A row without these targets' facts; empty where nothing else is in it."""
    parts = [part for part in parts_of(data) if part.target not in targets] if data else []
    return pack_row(part for part in parts if isinstance(part, RowPart)) if parts else b""


def small_part(part: RowPart, shapes: Sequence[Shape]) -> SmallPart:
    """A part made small. `shapes` are all that are known of its target."""
    codes, rounds, times, rtts = array("H", part.codes), array("q"), array("q"), array("q")
    for column, data in ((rounds, part.rounds), (times, part.times), (rtts, part.rtts)):
        column.frombytes(data)
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
        part.shapes,
        _column(codes),
        _column(list(map(sub, rounds, [0, *rounds]))),
        _column(list(map(sub, told, [0, *told]))),
        is_told_once,
        _column(rtts),
        part.odd,
    )


def small_row(parts: Sequence[SmallPart], counts: Sequence[Counted]) -> bytes:
    """A row that is sent."""
    return PACKED + encoder.encode(PackedRow(list(counts), zlib.compress(encoder.encode(parts), _LEVEL)))


def pack(facts: Iterable[Rowed]) -> bytes:
    """One target's facts, in the order of their rows, as a block."""
    packer = Packer()
    for row, told in groupby(facts, key=itemgetter(0)):
        packer.add(row, [fact for _, fact in told])
    return packer.block(packer.tracks())


def _column(values: Sequence[int]) -> PackedColumn:
    if not values:
        return PackedColumn(0, 1, b"")
    base = min(0, min(values))
    most = max(values) - base
    width = 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4 if most < 1 << 32 else 8
    plain = array(WIDTHS[width], [value - base for value in values] if base else values).tobytes()
    return PackedColumn(base, width, b"".join([plain[place::width] for place in range(width)]))
