"""Rows become segments: a block of probes for each target, and the minutes and hours that stay when it is gone."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from operator import add
from typing import Any, Final

from hopscope.history.block import moment
from hopscope.history.packing import ROUNDS, Packer, Track
from hopscope.history.parcels import MOST_SENT_FACTS, Parcels, Written
from hopscope.history.tiers import HOUR, Aim, minutes
from hopscope.history.transaction import Transaction
from hopscope.path.bins import SpanBins, decode, encode, together

_SEGMENT: Final = (
    "INSERT INTO segment (run, target, first_row, last_row, since, until, rounds, probes, bytes, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_TIER: Final = "INSERT INTO tier (run, target, span, since, until, data) VALUES (?, ?, ?, ?, ?, ?)"


class Segments:
    """Makes the segments of one run."""

    def __init__(self, connection: sqlite3.Connection, run: int, parcels: Parcels | None = None) -> None:
        """`parcels`: gives what is written rows of its own."""
        self.aims: dict[int, Aim] = {}
        """By target: whom its probes are for."""
        self._connection = connection
        self._run = run
        self._parcels = parcels
        self._distances: dict[int, int] = {}

    def write(self, packers: Mapping[int, Packer], before: int, rows: int | None) -> int:
        """Put what the packers have in the place of the run's rows before this one; the row that is free then. Where
        there are not so many of them (None: whatever there is) somebody took this run for dead and let them go: then
        they are gone. `StoreError`."""
        blocks: list[tuple[Any, ...]] = []
        bins: dict[int, list[SpanBins]] = {}
        distances = dict(self._distances)
        for target, whole in packers.items():
            aim = self.aims.get(target, Aim())
            for packer in whole.pieces(MOST_SENT_FACTS) if self._parcels is not None else [whole]:
                tracks = packer.tracks()
                blocks.append((self._run, target, *_segment(packer, tracks)))
                spans, distances[target] = minutes(packer, tracks, aim, distances.get(target, 0))
                bins.setdefault(target, []).extend(spans)
        with Transaction(self._connection) as do:
            gone = do.execute("DELETE FROM live WHERE run = ? AND row < ?", (self._run, before)).rowcount
            if rows is not None and gone != rows:
                return before
            segments = _numbered(do, "segment", _SEGMENT, blocks)
            tiers = self._keep_minutes(do, bins)
            tiers += self._keep_hours(do, bins)
            if self._parcels is not None:
                before = self._parcels.add(do, before, segments, tiers)
        self._distances = distances
        return before

    def end(self, row: int, at: int) -> int:
        """The run is over at `at` (epoch ns); the row that is free then. `StoreError`."""
        with Transaction(self._connection) as do:
            do.execute("UPDATE run SET ended = ? WHERE id = ?", (at, self._run))
            return row if self._parcels is None else self._parcels.end(do, row, at)

    def _keep_minutes(self, do: sqlite3.Connection, bins: Mapping[int, list[SpanBins]]) -> list[Written]:
        """The minutes of an hour stand together."""
        kept = []
        for target, spans in bins.items():
            by_hour: dict[int, list[SpanBins]] = {}
            for span in spans:
                by_hour.setdefault(span.begin // HOUR, []).append(span)
            for of_hour in by_hour.values():
                end = of_hour[-1].begin + of_hour[-1].span
                packed = zlib.compress(encode(of_hour))
                kept.append((self._run, target, of_hour[0].span, of_hour[0].begin, end, packed))
        return _numbered(do, "tier", _TIER, kept)

    def _keep_hours(self, do: sqlite3.Connection, bins: Mapping[int, list[SpanBins]]) -> list[Written]:
        """What they add to their hours; which hours are over by that."""
        over = []
        for target, spans in bins.items():
            for hour in together(spans, HOUR):
                key = (self._run, target, HOUR)
                words = "SELECT id, data FROM tier WHERE run = ? AND target = ? AND span = ? AND since = ?"
                found = do.execute(words, (*key, hour.begin)).fetchone()
                if found is not None:
                    before = decode(zlib.decompress(found[1]))
                    packed = zlib.compress(encode(together([*before, hour], HOUR)))
                    do.execute("UPDATE tier SET data = ? WHERE id = ?", (packed, found[0]))
                    continue
                if self._parcels is not None:
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
    since, until = min(packer.times, default=0), max(packer.times, default=0)
    for track in tracks:
        until = max(until, max(map(add, track.answered_times, track.rtts), default=0))
    for fact in packer.odd:
        at = moment(fact)
        since, until = min(since or at, at), max(until, at)
    rounds = sum(len(track.rounds) for track in tracks if track.key == ROUNDS)
    probes = sum(len(track.rounds) for track in tracks if track.key != ROUNDS)
    data = packer.block(tracks)
    return packer.rows[0], packer.rows[-1], since, until, rounds, probes, len(data), data
