"""Facts to columns, columns to rows and blocks (`block`).

Work a fact is what it costs: it is taken apart once, when its row is made, and all that follows is done by the column.
"""

from __future__ import annotations

import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import compress, groupby
from operator import attrgetter, itemgetter, sub
from typing import Any, Final, NamedTuple

from msgspec.structs import astuple

from hopscope.history.block import (
    ANSWERED,
    LOST,
    MOST_NS,
    MOST_SHAPES,
    ODD,
    OWN_FIELDS,
    ROUND,
    SENT,
    WIDE,
    WIDTHS,
    DepartureSeries,
    PackedBlock,
    PackedColumn,
    ProbeFact,
    Rowed,
    RowPart,
    Shape,
    encoder,
)
from hopscope.history.unpacking import facts_of
from hopscope.wire.messages import Answered, Lost, RoundStarted, Sent

_place: Final = attrgetter("ttl", "flow")
_OWN: Final = len(OWN_FIELDS)
ROUNDS: Final = (0, 0)
"""The key of the rounds' track."""
LEVEL: Final = 3
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
        self.codes = array("I")
        self.rounds, self.times, self.rtts = array(WIDE), array(WIDE), array(WIDE)
        self.odd: list[ProbeFact] = []
        self.rows: list[int] = []
        self.row_facts: list[int] = []
        self._sent: dict[tuple[int, int], int] = {}
        self._answered: defaultdict[int, dict[tuple[Any, ...], int]] = defaultdict(dict)
        self._known: dict[tuple[int, int, int], int] = {}
        """Numbers of shapes: of departures by TTL and flow, of answers by TTL and the rest, of all others."""
        self._row: tuple[list[int], list[int], list[int], list[int]] = [], [], [], []
        """Codes, rounds, times and RTTs of what was added last."""
        self._told = 0, 0
        """How many shapes and odd facts stand in rows."""

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def is_full(self) -> bool:
        """Whether a block should be made of it before more is added: there are nearly as many shapes as can be."""
        return len(self.shapes) >= MOST_SHAPES // 2

    def add(self, row: int, facts: Sequence[ProbeFact]) -> None:
        """These facts stand in this row; not more than half of `MOST_SHAPES`."""
        odd = len(self.odd)
        sent, answered, known = self._sent.get, self._answered, self._known
        codes: list[int] = []
        rounds: list[int] = []
        times: list[int] = []
        rtts: list[int] = []
        for fact in facts:
            kind = type(fact)
            if kind is Answered:
                own = astuple(fact)
                number = answered[own[2]].get(own[_OWN:])
                if number is None:
                    number = self._shape(ANSWERED, own[2], own[-1], fact)  # type: ignore[arg-type]
                    answered[own[2]][own[_OWN:]] = number
                rounds.append(own[1])
                times.append(own[3])
                rtts.append(own[4])
            elif kind is Sent:
                key = _place(fact)
                number = sent(key)
                if number is None:
                    number = self._sent[key] = self._shape(SENT, *key)
                rounds.append(fact.round)
                times.append(fact.sent_at)  # type: ignore[union-attr]
            elif kind is Lost or kind is RoundStarted:
                of = (LOST, fact.ttl, fact.flow) if kind is Lost else (ROUND, *ROUNDS)  # type: ignore[union-attr]
                number = known.get(of)
                if number is None:
                    number = known[of] = self._shape(*of)
                rounds.append(fact.round)
                times.append(fact.sent_at if kind is Lost else fact.at)  # type: ignore[union-attr]
            else:
                number = ODD
                self.odd.append(fact)
            codes.append(number)
        try:
            columns = array(WIDE, rounds), array(WIDE, times), array(WIDE, rtts)
        except OverflowError:  # a negative number
            codes, columns = [ODD] * len(facts), (array(WIDE), array(WIDE), array(WIDE))
            rounds, times, rtts = [], [], []
            self.odd[odd:] = facts
        self.codes += array("I", codes)
        self.rounds += columns[0]
        self.times += columns[1]
        self.rtts += columns[2]
        self._row = codes, rounds, times, rtts
        if self.rows and self.rows[-1] == row:
            self.row_facts[-1] += len(facts)
        else:
            self.rows.append(row)
            self.row_facts.append(len(facts))

    def _shape(self, kind: int, ttl: int, flow: int, answer: Answered | None = None) -> int:
        self.shapes.append(Shape(kind, ttl, flow, answer))
        return len(self.shapes)

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
        """What was added last, to be asked once each time."""
        shapes, odd = self._told
        self._told = len(self.shapes), len(self.odd)
        return RowPart(target, shapes, self.shapes[shapes:], *self._row, self.odd[odd:])

    def tracks(self) -> list[Track]:
        """The facts by series, in the order of their first ones."""
        tracks: dict[tuple[int, int], Track] = {}
        nobody: Callable[[int], None] = [0].append
        to: list[tuple[Callable[[int], None], Callable[[int], None]]] = [(nobody, nobody)]
        rtt_to: list[Callable[[int], None]] = [nobody]
        for shape in self.shapes:
            key = (shape.ttl, shape.flow) if shape.kind != ROUND else ROUNDS
            track = tracks.get(key)
            if track is None:
                track = tracks[key] = Track(key, [], [], [], [], [], [], [])
            rounds, times = track.rounds, track.times
            if shape.kind == ANSWERED:
                rounds, times = track.answered_rounds, track.answered_times
            elif shape.kind == LOST:
                rounds, times = track.lost_rounds, track.lost_times
            to.append((rounds.append, times.append))
            rtt_to.append(track.rtts.append)
        codes: Iterable[int] = [code for code in self.codes if code] if self.odd else self.codes
        for code, round_, at in zip(codes, self.rounds, self.times, strict=True):
            add_round, add_time = to[code]
            add_round(round_)
            add_time(at)
        is_answer = [False, *(shape.kind == ANSWERED for shape in self.shapes)]
        for code, rtt in zip(compress(self.codes, map(is_answer.__getitem__, self.codes)), self.rtts, strict=True):
            rtt_to[code](rtt)
        return list(tracks.values())

    def block(self, tracks: list[Track]) -> bytes:
        """All of it, packed. `tracks` are its own."""
        series: list[DepartureSeries] = []
        rounds: list[int] = []
        times: list[int] = []
        answered: list[int] = []
        lost: list[int] = []
        for track in tracks:
            untold, of_answers, of_losses = _departures(track)
            all_rounds = [one[0] for one in untold] + track.rounds
            all_times = [one[1] for one in untold] + track.times
            if not all_rounds:
                continue
            if not (_are_sound(all_rounds) and _are_sound(all_times)):
                return _odd_ones(self).block([])
            counts = len(untold), len(all_rounds), len(of_answers), len(of_losses)
            series.append(DepartureSeries(*track.key, *counts, all_rounds[0], all_times[0]))
            rounds += map(sub, all_rounds[1:], all_rounds)
            times += map(sub, all_times[1:], all_times)
            answered += _steps(of_answers)
            lost += _steps(of_losses)
        rtts = [rtt for track in tracks for rtt in track.rtts]
        if not _are_sound(rtts):
            return _odd_ones(self).block([])
        packed = PackedBlock(
            rows=packed_column(list(map(sub, self.rows, [0, *self.rows]))),
            facts=packed_column(self.row_facts),
            shapes=self.shapes,
            codes=_codes(self.codes, len(self.shapes)),
            series=series,
            rounds=packed_column(rounds),
            times=packed_column(times),
            answered=packed_column(answered),
            lost=packed_column(lost),
            rtts=packed_column(rtts),
            odd=self.odd,
        )
        return zlib.compress(encoder.encode(packed), LEVEL)


def _are_sound(column: Sequence[int]) -> bool:
    return not column or -MOST_NS <= min(column) <= max(column) <= MOST_NS


def _steps(places: Sequence[int]) -> Sequence[int]:
    """How many departures later each fate's is than that of the one before it."""
    return [1] * len(places) if isinstance(places, range) else list(map(sub, places, [-1, *places]))


def _departures(track: Track) -> tuple[list[tuple[int, int]], Sequence[int], Sequence[int]]:
    """Departures that are told nowhere here, and of each answer and of each loss, which departure is its own."""
    index: dict[int, int] = {}
    places: list[Sequence[Any]] = []
    rounds, times = track.rounds, track.times
    for of_rounds, of_times in (
        (track.answered_rounds, track.answered_times),
        (track.lost_rounds, track.lost_times),
    ):
        count = len(of_rounds)
        if of_rounds == rounds[:count] and of_times == times[:count]:  # as it mostly is
            places.append(range(count))
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
    for one in places:
        for place in one if isinstance(one, list) else ():
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
    out.codes = array("I", [ODD]) * len(packer.codes)
    out.odd = facts_of(packer.codes, packer.shapes, (packer.rounds, packer.times, packer.rtts), packer.odd, 0)
    return out


def pack(facts: Iterable[Rowed]) -> bytes:
    """One target's facts, in the order of their rows, as a block."""
    packer = Packer()
    for row, told in groupby(facts, key=itemgetter(0)):
        packer.add(row, [fact for _, fact in told])
    return packer.block(packer.tracks())


def _codes(codes: array[int], most: int) -> PackedColumn:
    """The same as `packed_column`; `most`: the largest that there may be."""
    width = 1 if most < 1 << 8 else 2
    plain = codes.tobytes()
    return PackedColumn(0, width, b"".join([plain[place :: codes.itemsize] for place in range(width)]))


def packed_column(values: Sequence[int]) -> PackedColumn:
    """A column as small as it can be before compression."""
    if not values:
        return PackedColumn(0, 1, b"")
    base = min(0, min(values))
    most = max(values) - base
    width = 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4 if most < 1 << 32 else 8
    if base:
        values = [value - base for value in values]
    if width == 1:
        return PackedColumn(base, width, bytes(values))
    plain = array(WIDTHS[width], values).tobytes()
    return PackedColumn(base, width, b"".join([plain[place::width] for place in range(width)]))
