"""Rows become segments: a block of probes for each target, and the minutes and hours that stay when it is gone."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Collection, Mapping, Sequence
from operator import add
from typing import Any, Final

from hopscope.history.block import moment
from hopscope.history.packing import ROUNDS, Packer, Track
from hopscope.history.parcels import MOST_SENT_FACTS, Parcels, Written
from hopscope.history.tiers import HOUR, Aim, minutes
from hopscope.history.transaction import Transaction
from hopscope.path.bins import SpanBins, decode, encode, together

PARTS: Final = 30
"""In so many parts, one a commit, the segments of many targets are made: no second is short of much for it."""
_SEGMENT: Final = (
    "INSERT INTO segment (run, target, first_row, last_row, since, until, rounds, probes, bytes, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_TIER: Final = "INSERT INTO tier (run, target, span, since, until, data) VALUES (?, ?, ?, ?, ?, ?)"


class Compaction:
    """Rows on their way to segments, some targets at a time: whoever records goes on meanwhile."""

    def __init__(self, segments: Segments, packers: dict[int, Packer], before: int, rows: int | None) -> None:
        """`packers` have what stands in the run's rows before this one, and are let go one by one; there are so many of
        these rows (None: whatever there is)."""
        self.before = before
        self.rows = rows
        self.blocks: list[tuple[Any, ...]] = []
        self.minutes: list[tuple[Any, ...]] = []
        self.hours: dict[int, list[SpanBins]] = {}
        self.distances = dict(segments.distances)
        self._segments = segments
        self._left = packers
        self._at_once = -(-len(packers) // PARTS) if segments.parcels is not None else len(packers)

    @property
    def is_ready(self) -> bool:
        """Whether nothing is left to be made."""
        return not self._left

    def work(self) -> None:
        """The segments of some targets: where they are sent, so many that `PARTS` calls make all."""
        for _ in range(min(self._at_once, len(self._left))):
            target = next(iter(self._left))
            self._make(target, self._left.pop(target))

    def forget(self, targets: Collection[int]) -> None:
        """Nothing is kept of these."""
        for target in targets:
            self._left.pop(target, None)
            self.hours.pop(target, None)
        self.blocks = [block for block in self.blocks if block[1] not in targets]
        self.minutes = [of_hour for of_hour in self.minutes if of_hour[1] not in targets]

    def _make(self, target: int, whole: Packer) -> None:
        segments, spans = self._segments, []
        aim = segments.aims.get(target, Aim())
        for packer in whole.pieces(MOST_SENT_FACTS) if segments.parcels is not None else [whole]:
            tracks = packer.tracks()
            self.blocks.append((segments.run, target, *_segment(packer, tracks)))
            more, self.distances[target] = minutes(packer, tracks, aim, self.distances.get(target, 0))
            spans += more
        by_hour: dict[int, list[SpanBins]] = {}  # the minutes of an hour stand together
        for span in spans:
            by_hour.setdefault(span.begin // HOUR, []).append(span)
        for of_hour in by_hour.values():
            end = of_hour[-1].begin + of_hour[-1].span
            packed = zlib.compress(encode(of_hour))
            self.minutes.append((segments.run, target, of_hour[0].span, of_hour[0].begin, end, packed))
        self.hours[target] = together(spans, HOUR)


class Segments:
    """Makes the segments of one run."""

    def __init__(self, connection: sqlite3.Connection, run: int, parcels: Parcels | None = None) -> None:
        """`parcels`: gives what is written rows of its own."""
        self.aims: dict[int, Aim] = {}
        """By target: whom its probes are for."""
        self.run = run
        self.parcels = parcels
        self.distances: dict[int, int] = {}
        """By target: at which TTL it stood in the end; 0: unknown."""
        self._connection = connection

    def write(self, made: Compaction, row: int) -> tuple[int, int]:
        """Put what was made in the place of the rows that it was made of, with rows of their own from `row` on; the row
        that is free then, and how many went. Where there are not as many of these rows, somebody took this run for dead
        and let them go: then they are gone. `StoreError`."""
        with Transaction(self._connection) as do:
            gone = do.execute("DELETE FROM live WHERE run = ? AND row < ?", (self.run, made.before)).rowcount
            if made.rows is not None and gone != made.rows:
                return row, gone
            segments = _numbered(do, "segment", _SEGMENT, made.blocks)
            tiers = _numbered(do, "tier", _TIER, made.minutes)
            tiers += self._keep_hours(do, made.hours)
            if self.parcels is not None:
                row = self.parcels.add(do, row, made.before, segments, tiers)
        self.distances = made.distances
        return row, gone

    def end(self, row: int, at: int) -> int:
        """The run is over at `at` (epoch ns); the row that is free then. `StoreError`."""
        with Transaction(self._connection) as do:
            do.execute("UPDATE run SET ended = ? WHERE id = ?", (at, self.run))
            return row if self.parcels is None else self.parcels.end(do, row, at)

    def _keep_hours(self, do: sqlite3.Connection, hours: Mapping[int, list[SpanBins]]) -> list[Written]:
        """What they add to their hours; which hours are over by that."""
        over = []
        for target, of_target in hours.items():
            for hour in of_target:
                key = (self.run, target, HOUR)
                words = "SELECT id, data FROM tier WHERE run = ? AND target = ? AND span = ? AND since = ?"
                found = do.execute(words, (*key, hour.begin)).fetchone()
                if found is not None:
                    before = decode(zlib.decompress(found[1]))
                    packed = zlib.compress(encode(together([*before, hour], HOUR)))
                    do.execute("UPDATE tier SET data = ? WHERE id = ?", (packed, found[0]))
                    continue
                if self.parcels is not None:
                    words = "SELECT id, run, target, span, since, until, data FROM tier WHERE run = ? AND target = ?"
                    over += do.execute(f"{words} AND span = ? AND since = ?", (*key, hour.begin - HOUR)).fetchall()
                packed = zlib.compress(encode([hour]))
                do.execute(_TIER, (*key, hour.begin, hour.begin + HOUR, packed))
        do.executemany("DELETE FROM tier WHERE id = ?", [(id_,) for id_, *_ in over])
        return _numbered(do, "tier", _TIER, [tuple(columns) for _, *columns in over])


def _numbered(do: sqlite3.Connection, table: str, words: str, rows: Sequence[tuple[Any, ...]]) -> list[Written]:
    """Write these, whose last column are bytes; each with its id, which are one after the other."""
    (newest,) = do.execute(f"SELECT max(id) FROM {table}").fetchone()  # noqa: S608 - of our tables
    do.executemany(words, rows)
    return [Written(id_, len(row[-1])) for id_, row in enumerate(rows, (newest or 0) + 1)]


def _segment(packer: Packer, tracks: list[Track]) -> tuple[int, int, int, int, int, int, int, bytes]:
    """A segment's columns but for whose it is."""
    ends = [moment(fact) for fact in packer.odd]
    for track in tracks:
        for times in filter(None, (track.times, track.answered_times, track.lost_times)):
            ends += min(times), max(times)
        if track.rtts:  # an answer comes after its probe
            ends.append(max(map(add, track.answered_times, track.rtts)))
    since, until = min(ends, default=0), max(ends, default=0)
    rounds = sum(len(track.rounds) for track in tracks if track.key == ROUNDS)
    probes = sum(len(track.rounds) for track in tracks if track.key != ROUNDS)
    data = packer.block(tracks)
    return packer.rows[0], packer.rows[-1], since, until, rounds, probes, len(data), data
