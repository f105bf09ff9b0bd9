"""A store, read: which traces it holds, and their facts in the order in which they happened.

A file may come from a stranger: whatever is wrong with it is a `StoreError` in a few words, and nothing in it is
trusted (`schema`, `notes.safe`, `unpacking`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Final, Self, TypeAlias, TypeVar

from hopscope.history import notes, schema
from hopscope.history.added import MOST_NOTES, Added, RowedFact
from hopscope.history.block import ProbeFact, Rowed
from hopscope.history.notes import Missed, Named, SaidVerdict
from hopscope.history.packing import Packer
from hopscope.history.schema import StoreError
from hopscope.history.sites import Sites
from hopscope.history.sound import made_safe, read_note, sound
from hopscope.history.tables import BROKEN, Tables
from hopscope.history.tiers import HOUR, MINUTE, Aim, minutes
from hopscope.history.traces import RecordedRun, Trace
from hopscope.history.unpacking import Rows, addresses_of, inflated, unpack
from hopscope.history.ways import WayIn
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo
from hopscope.path.bins import SpanBins, decode, together
from hopscope.session.facts import Asked
from hopscope.wire.facts import Begun, Found, TakenBack
from hopscope.wire.messages import Answered, Plan, Protocol, RoundStarted

MOST_TRACES: Final = 40_000
"""The newest so many are read of one store; a hub keeps three quarters of that."""
_NOBODYS: Final = 100_000
"""Runs or targets, beyond which it is refused: no recording of anybody's has as many."""
_EVER: Final = (1 << 63) - 1
"""Later than any moment, epoch ns."""
_BESIDE: Final = (Named, Missed, SaidVerdict, WayIn)
"""Notes that are no facts of a session's."""

_SEGMENTS: Final = (
    "SELECT max(last_row) AS newest, count(CASE WHEN typeof(first_row) || typeof(since) || typeof(until)"
    " <> 'integerintegerinteger' THEN 1 END) AS unsound FROM segment WHERE run = ? AND target = ?"
)
"""Of a target the newest row in segments, and how many of these no question for a span finds or leaves out rightly."""

_OF_A_SPAN: Final = (
    "SELECT id, since, until FROM segment WHERE run = ? AND target = ? AND until >= ? AND since <= ? ORDER BY first_row"
)

_Segments: TypeAlias = list[tuple[int, int, int]]
"""Id, first and last moment."""
T = TypeVar("T")


class Store(Sites, Added):
    """One file, open for reading. A context manager; for one thread."""

    def __init__(self, path: str | sqlite3.Connection) -> None:
        """`path`: or a store that is open. `StoreError`, `FileNotFoundError`."""
        self._tables = Tables(schema.open_to_read(path) if isinstance(path, str) else path)
        self.broken: set[int] = set()
        """Runs of which something that was asked for is broken, so that the answer was without it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Idempotent."""
        self._tables.close()

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Meanwhile nothing is seen of what others write. Not for long: their log grows. `StoreError`."""
        self._tables.rows("BEGIN")
        try:
            yield
        finally:
            self._tables.rows("COMMIT")

    # --- what there is ------------------------------------------------------------------------------------------

    def runs(self) -> list[RecordedRun]:
        """The newest `MOST_TRACES`, the oldest first. `StoreError`."""
        words = "SELECT id, begun, ended, host, hopscope FROM run ORDER BY id DESC LIMIT ?"
        runs = [
            RecordedRun(id_, _moment(begun), None if ended is None else _moment(ended), clean(host), clean(version))
            for id_, begun, ended, host, version in self._tables.rows(words, MOST_TRACES)
        ]
        if len(runs) == MOST_TRACES and self._tables.rows("SELECT id FROM run LIMIT 1 OFFSET ?", _NOBODYS):
            raise StoreError("it holds more runs than any recording")
        return runs[::-1]

    def traces(self) -> list[Trace]:
        """The newest `MOST_TRACES`, in the order of their runs and of their targets' numbers. `StoreError`."""
        runs = {run.id: run for run in self.runs()}
        said: dict[tuple[int, int], tuple[str, int, str | None, Protocol | None, int | None]] = {}
        words = (
            "SELECT run, target, fact FROM note WHERE target > 0"
            " AND kind IN ('asked', 'found', 'begun', 'taken-back') ORDER BY id"
        )
        gone = 0
        for run, target, data in self._tables.cursor(words):
            if run not in runs:
                continue
            query, begun, address, protocol, port = said.get((run, target), ("", runs[run].begun, None, None, None))
            try:
                fact = read_note(data)
            except StoreError:
                self.broken.add(run)
                continue
            match fact:
                case Asked():
                    query, begun = fact.query, fact.at if not query else begun
                case Found():
                    address = fact.address
                case Begun(plan=plan) | TakenBack(plan=Plan() as plan):
                    address, protocol, port = plan.address, plan.protocol, plan.port
            said[run, target] = (query, begun, address, protocol, port)
            if len(said) > MOST_TRACES:
                del said[next(iter(said))]  # the oldest
                gone += 1
            if gone > _NOBODYS:
                raise StoreError("it holds more targets than any recording")
        counts = self._counts(runs)
        traces = []
        for (run, target), (query, begun, address, protocol, port) in sorted(said.items()):
            rounds, probes, size, until = counts.get((run, target), (0, 0, 0, begun))
            ended = runs[run].ended
            until = max(until, begun, begun if ended is None else ended)
            traces.append(
                Trace(runs[run], target, clean(query), address, protocol, port, begun, until, rounds, probes, size)
            )
        return traces

    def _counts(self, runs: Container[int]) -> dict[tuple[int, int], tuple[int, int, int, int]]:
        """By run and target: rounds, probes, bytes, and the newest moment."""
        counts: dict[tuple[int, int], tuple[int, int, int, int]] = {}
        segmented: dict[tuple[int, int], int] = {}
        words = (
            "SELECT run, target, sum(rounds), sum(probes), sum(bytes), max(until), max(last_row)"
            " FROM segment GROUP BY run, target ORDER BY run DESC LIMIT ?"
        )
        for run, target, rounds, probes, size, until, last in self._tables.rows(words, MOST_TRACES):
            counts[run, target] = (rounds, probes, size, _moment(until))
            segmented[run, target] = last
        readers: dict[int, Rows] = {}
        for run, row, data in self._tables.cursor("SELECT run, row, data FROM live ORDER BY id"):
            if run not in runs:
                continue  # it was forgotten while it was written
            try:
                parts = sound(readers.setdefault(run, Rows()).count, data)
            except StoreError:
                self.broken.add(run)
                continue
            for one in parts:
                if row <= segmented.get((run, one.target), -1):
                    continue
                rounds, probes, size, until = counts.get((run, one.target), (0, 0, 0, -_EVER))
                counts[run, one.target] = (
                    rounds + one.rounds,
                    probes + one.probes,
                    size + len(data) // len(parts),
                    max(until, _moment(one.until)) if one.until else until,
                )
        return counts

    # --- what happened ------------------------------------------------------------------------------------------

    def facts(self, trace: Trace, since: int | None = None, until: int | None = None) -> Iterator[RowedFact]:
        """A trace's facts, each with the row that it was written in. `since`, `until` (epoch ns): of its probes those
        alone that were sent then, whenever their fates became known, and what else had happened by `until`.
        `StoreError`."""
        live = self._live(trace)
        key = (trace.run.id, trace.target)
        ((newest, unsound),) = self._tables.rows(_SEGMENTS, *key)
        if unsound:
            raise StoreError(BROKEN)
        live = [row for row in live if newest is None or row[0] > newest]
        waiting = self._notes(*key)
        begin, end = -_EVER if since is None else since, _EVER if until is None else until
        is_cut = any(_at(fact) >= end for _, fact in live)
        if until is not None:
            beyond = "SELECT {} AS newest FROM segment WHERE run = ? AND target = ? AND {} ?"
            is_cut = is_cut or self._one(beyond.format("1", "until >="), *key, end) is not None
            first = self._one(beyond.format("min(first_row)", "since >"), *key, end)
            waiting = [note for note in waiting if first is None or note[0] <= first]
        segments = self._tables.rows(_OF_A_SPAN, *key, begin, end)
        waiting.reverse()
        clock = trace.begun

        def happened(row: int | None) -> Iterator[RowedFact]:
            nonlocal clock
            while waiting and (row is None or waiting[-1][0] <= row):
                note = waiting.pop()
                at = getattr(note[1], "at", None)
                clock = max(clock, at or 0)
                # One that has no time is of that of the probes around it, which may lie beyond the span.
                if (until is None or clock <= until) and not (row is None and is_cut and at is None):
                    yield note

        for told in self._probes(trace, segments, live, begin, end):
            for rowed in told:
                row, fact = rowed
                if waiting and waiting[-1][0] <= row:
                    yield from happened(row)
                at = fact.at if type(fact) is RoundStarted else fact.sent_at  # type: ignore[union-attr]
                if at > clock:
                    clock = at
                yield rowed
        yield from happened(None)

    def _one(self, words: str, *values: int) -> int | None:
        """The first column of the first row. `StoreError`."""
        found = self._tables.rows(f"{words} LIMIT 1", *values)
        return found[0][0] if found else None

    def _notes(self, run: int, target: int) -> list[RowedFact]:
        words = "SELECT row, fact FROM note WHERE run = ? AND target = ? AND kind != 'said' ORDER BY id LIMIT ?"
        rows = self._tables.rows(words, run, target, MOST_NOTES)
        told = ((row, self._read_note(data, run, target)) for row, data in rows)
        return [(row, fact) for row, fact in told if fact is not None and not isinstance(fact, _BESIDE)]

    def _live(self, trace: Trace) -> list[Rowed]:
        """What was in no segment when this was asked; asked before segments are, it is what may be in one by then."""
        run, target = trace.run.id, trace.target
        rows = Rows()
        facts: list[Rowed] = []
        for row, data in self._tables.cursor("SELECT row, data FROM live WHERE run = ? ORDER BY id", run):
            try:
                for _, told in sound(rows.unpack, data, target):
                    facts += made_safe([(row, fact) for fact in told])
            except StoreError:
                self.broken.add(run)
        return facts

    def _probes(
        self, trace: Trace, segments: _Segments, live: list[Rowed], begin: int, end: int
    ) -> Iterator[list[Rowed]]:
        """The facts of these segments, then of these rows, of the probes that were sent in a span."""
        for id_, since, until in segments:
            try:
                for (data,) in self._tables.rows("SELECT data FROM segment WHERE id = ?", id_):
                    yield made_safe(sound(unpack, data, trace.target, begin, end))
            except StoreError as why:
                self._leave_out(why, trace.run.id, trace.target, since, until)
        yield [told for told in live if begin <= _at(told[1]) < end]

    def addresses(self, trace: Trace) -> set[str]:
        """Those that answered it, and its own. `StoreError`."""
        key = (trace.run.id, trace.target)
        met = {trace.address} if trace.address else set()
        for (data,) in self._tables.cursor("SELECT data FROM segment WHERE run = ? AND target = ?", *key):
            met |= sound(addresses_of, data)
        met |= {fact.address for _, fact in self._live(trace) if isinstance(fact, Answered)}
        return met

    def bins(
        self,
        trace: Trace,
        span: int,
        since: int = 0,
        until: int = 1 << 62,
        ttls: Container[int] = range(256),
        *,
        is_whole: bool = True,
    ) -> list[SpanBins]:
        """The trace in bins (`path.bins`) of a minute or of `span`, whichever is longer: those that overlap with the
        time from `since` to `until` (epoch ns), in order. They reach back farther than the probes do. Where only hours
        are kept, hours. Not `is_whole`: without what is in no segment yet, whose probes stay closed. `StoreError`."""
        words = "SELECT data FROM tier WHERE run = ? AND target = ? AND span = ? AND since < ? AND until > ?"
        key = (trace.run.id, trace.target)
        parts: list[SpanBins] = []
        if span < HOUR:
            for (data,) in self._tables.rows(f"{words} ORDER BY since", *key, MINUTE, until, since):
                parts += sound(_bins, data, ttls)
        told = {part.begin // HOUR for part in parts}
        for (data,) in self._tables.rows(f"{words} ORDER BY since", *key, HOUR, until, since):
            parts += [hour for hour in sound(_bins, data, ttls) if hour.begin // HOUR not in told]
        if span >= HOUR:  # a hub is told an hour when it is over, and its minutes before
            rest = max((part.begin + HOUR for part in parts), default=since)
            for (data,) in self._tables.rows(
                f"{words} AND since >= ? ORDER BY since", *key, MINUTE, until, since, rest
            ):
                parts += sound(_bins, data, ttls)
        if is_whole:
            parts += self._live_bins(trace, ttls)
        begin = since // max(span, MINUTE) * max(span, MINUTE)
        wanted = [part for part in parts if part.begin + part.span > begin and part.begin < until]
        return together(wanted, max(span, MINUTE))

    def _live_bins(self, trace: Trace, ttls: Container[int]) -> list[SpanBins]:
        """Of what is in no segment yet."""
        live = self._live(trace)
        words = "SELECT max(last_row) AS newest FROM segment WHERE run = ? AND target = ?"
        ((newest,),) = self._tables.rows(words, trace.run.id, trace.target)
        packer = Packer()
        for row, told in groupby(live, key=itemgetter(0)):
            if newest is None or row > newest:
                packer.add(row, [fact for _, fact in told])
        aim = Aim(trace.address or "", trace.protocol or "icmp")
        spans, _ = minutes(packer, packer.tracks(), aim, 0)
        return [
            SpanBins(span.begin, span.span, {ttl: one for ttl, one in span.bins.items() if ttl in ttls})
            for span in spans
        ]

    # --- what was said ------------------------------------------------------------------------------------------

    def said(self, trace: Trace) -> list[SaidVerdict]:
        """What was said of it then, in order. `StoreError`."""
        words = "SELECT fact FROM note WHERE run = ? AND target = ? AND kind = 'said' ORDER BY id LIMIT ?"
        rows = self._tables.rows(words, trace.run.id, trace.target, MOST_NOTES)
        return [fact for (data,) in rows if isinstance(fact := read_note(data), SaidVerdict)]

    def way(self, trace: Trace) -> WayIn | None:
        """Which network it was last probed from; None: that never became known. `StoreError`."""
        words = "SELECT fact FROM note WHERE run = ? AND target = ? AND kind = 'way' ORDER BY id DESC LIMIT 1"
        rows = self._tables.rows(words, trace.run.id, trace.target)
        return next((fact for (data,) in rows if isinstance(fact := read_note(data), WayIn)), None)

    def names(self, run: RecordedRun) -> dict[str, AddressInfo]:
        """What was known of addresses at the end. `StoreError`."""
        return {fact.address: fact.info for fact in self._of_all(run) if isinstance(fact, Named)}

    def missed(self, run: RecordedRun) -> int:
        """How many facts of a run could not be kept when they happened. `StoreError`."""
        return sum(fact.facts for fact in self._of_all(run) if isinstance(fact, Missed))

    def _of_all(self, run: RecordedRun) -> Iterator[notes.Note]:
        """The notes that are no target's."""
        words = "SELECT fact FROM note WHERE run = ? AND target = 0 ORDER BY id LIMIT ?"
        told = (self._read_note(data, run.id) for (data,) in self._tables.cursor(words, run.id, MOST_NOTES))
        return (note for note in told if note is not None)


def _moment(at: int) -> int:
    if not -(1 << 62) < at < 1 << 62:
        raise StoreError(BROKEN)
    return at


def _at(fact: ProbeFact) -> int:
    return fact.at if isinstance(fact, RoundStarted) else fact.sent_at


def _bins(data: bytes, ttls: Container[int]) -> list[SpanBins]:
    return decode(inflated(data), ttls)


__all__ = ["RecordedRun", "Store", "StoreError", "Trace"]
