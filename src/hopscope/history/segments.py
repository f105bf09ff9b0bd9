"""Rows become segments: a block of probes for each target, and the minutes and hours that stay when it is gone."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping
from operator import add
from typing import Any, Final

from hopscope.history.block import moment
from hopscope.history.packing import ROUNDS, Packer, Track
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

    def __init__(self, connection: sqlite3.Connection, run: int) -> None:
        self.aims: dict[int, Aim] = {}
        """By target: whom its probes are for."""
        self._connection = connection
        self._run = run
        self._distances: dict[int, int] = {}

    def write(self, packers: Mapping[int, Packer], before: int, rows: int | None) -> None:
        """Put what the packers have in the place of the run's rows before this one. Where there are not so many of them
        (None: whatever there is) somebody took this run for dead and let them go: then they are gone. `StoreError`."""
        blocks: list[tuple[Any, ...]] = []
        bins: dict[int, list[SpanBins]] = {}
        distances = {}
        for target, packer in packers.items():
            tracks = packer.tracks()
            blocks.append((self._run, target, *_segment(packer, tracks)))
            aim = self.aims.get(target, Aim())
            bins[target], distances[target] = minutes(packer, tracks, aim, self._distances.get(target, 0))
        with Transaction(self._connection) as do:
            gone = do.execute("DELETE FROM live WHERE run = ? AND row < ?", (self._run, before)).rowcount
            if rows is not None and gone != rows:
                return
            do.executemany(_SEGMENT, blocks)
            for target, spans in bins.items():
                self._keep(do, target, spans)
        self._distances |= distances

    def _keep(self, do: sqlite3.Connection, target: int, spans: list[SpanBins]) -> None:
        """Minutes, and what they add to their hours."""
        key = (self._run, target)
        for hour in together(spans, HOUR):
            of_hour = [span for span in spans if hour.begin <= span.begin < hour.begin + HOUR]
            end = of_hour[-1].begin + of_hour[-1].span
            do.execute(_TIER, (*key, of_hour[0].span, of_hour[0].begin, end, zlib.compress(encode(of_hour))))
            words = "SELECT id, data FROM tier WHERE run = ? AND target = ? AND span = ? AND since = ?"
            found = do.execute(words, (*key, HOUR, hour.begin)).fetchone()
            if found is None:
                packed = zlib.compress(encode([hour]))
                do.execute(_TIER, (*key, HOUR, hour.begin, hour.begin + HOUR, packed))
                continue
            before = decode(zlib.decompress(found[1]))
            packed = zlib.compress(encode(together([*before, hour], HOUR)))
            do.execute("UPDATE tier SET data = ? WHERE id = ?", (packed, found[0]))


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
