"""A store, read: which traces it holds, and their facts in the order in which they happened.

A file may come from a stranger: whatever is wrong with it is a `StoreError` in a few words, and nothing in it is
trusted (`schema`, `notes.safe`, `pack`).
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import msgspec

from hopscope.history import notes, pack, schema
from hopscope.history.notes import Missed, Named, SaidVerdict
from hopscope.history.pack import BadBlock, ProbeFact, Rowed
from hopscope.history.schema import StoreError
from hopscope.history.ways import WayIn
from hopscope.names.clean import clean
from hopscope.names.facts import AddressInfo
from hopscope.session.facts import Asked, Removed, SessionFact
from hopscope.session.plans import numeric
from hopscope.session.query import read_query
from hopscope.wire.check import check
from hopscope.wire.facts import Begun, Continued, Found, TakenBack
from hopscope.wire.messages import Answered, Failed, Plan, Protocol, RoundStarted, Sent

MOST_TRACES: Final = 10_000
"""Of one store; a file with more is no recording of anybody's."""
MOST_NOTES: Final = 1_000_000
_LONGEST_ADDRESS: Final = 64
_BROKEN: Final = "it is broken"
_BESIDE: Final = (Named, Missed, SaidVerdict, WayIn)
"""Notes that are no facts of a session's."""

RowedFact: TypeAlias = tuple[int, SessionFact]


class RecordedRun(msgspec.Struct, frozen=True):
    """A session that was recorded."""

    id: int
    begun: int
    """Epoch ns on its time line."""
    ended: int | None
    """None: it goes on, or its writer was killed."""
    host: str
    hopscope: str
    """The version that wrote it."""


class Trace(msgspec.Struct, frozen=True):
    """A target of a run."""

    run: RecordedRun
    target: int
    """Its number in the run."""
    query: str
    address: str | None
    protocol: Protocol | None
    port: int | None
    begun: int
    until: int
    """The newest that is known of it, or the run's end (epoch ns)."""
    rounds: int
    probes: int
    bytes: int
    """That its probes take on the disk."""


class Store:
    """One file, open for reading. A context manager; for one thread."""

    def __init__(self, path: str) -> None:
        """`StoreError`, `FileNotFoundError`."""
        self._connection = schema.open_to_read(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()

    # --- what there is ------------------------------------------------------------------------------------------

    def runs(self) -> list[RecordedRun]:
        """All of them, the oldest first. `StoreError`."""
        rows = self._rows("SELECT id, begun, ended, host, hopscope FROM run ORDER BY id LIMIT ?", MOST_TRACES + 1)
        runs = [
            RecordedRun(id_, _moment(begun), None if ended is None else _moment(ended), clean(host), clean(version))
            for id_, begun, ended, host, version in rows
        ]
        if len(runs) > MOST_TRACES:
            raise StoreError("it holds more runs than any recording")
        return runs

    def traces(self) -> list[Trace]:
        """All of them, in the order of their runs and of their targets' numbers. `StoreError`."""
        runs = {run.id: run for run in self.runs()}
        said: dict[tuple[int, int], tuple[str, int, str | None, Protocol | None, int | None]] = {}
        for run, target, data in self._rows("SELECT run, target, fact FROM note WHERE target > 0 ORDER BY id"):
            if run not in runs:
                continue
            query, begun, address, protocol, port = said.get((run, target), ("", runs[run].begun, None, None, None))
            fact = _note(data)
            match fact:
                case Asked():
                    query, begun = fact.query, fact.at if not query else begun
                case Found():
                    address = fact.address
                case Begun(plan=plan) | TakenBack(plan=Plan() as plan):
                    address, protocol, port = plan.address, plan.protocol, plan.port
            said[run, target] = (query, begun, address, protocol, port)
            if len(said) > MOST_TRACES:
                raise StoreError("it holds more targets than any recording")
        counts = self._counts()
        traces = []
        for (run, target), (query, begun, address, protocol, port) in sorted(said.items()):
            rounds, probes, size, until = counts.get((run, target), (0, 0, 0, begun))
            ended = runs[run].ended
            until = max(until, begun, ended or 0)
            traces.append(
                Trace(runs[run], target, clean(query), address, protocol, port, begun, until, rounds, probes, size)
            )
        return traces

    def _counts(self) -> dict[tuple[int, int], tuple[int, int, int, int]]:
        """By run and target: rounds, probes, bytes, and the newest moment."""
        counts: dict[tuple[int, int], tuple[int, int, int, int]] = {}
        words = (
            "SELECT run, target, sum(rounds), sum(probes), sum(length(data)), max(until)"
            " FROM segment GROUP BY run, target LIMIT ?"
        )
        for run, target, rounds, probes, size, until in self._rows(words, MOST_TRACES):
            counts[run, target] = (rounds, probes, size, _moment(until))
        for run, data in self._rows("SELECT run, data FROM live ORDER BY id"):
            parts = _row(data)
            for target, told in parts:
                rounds, probes, size, until = counts.get((run, target), (0, 0, 0, 0))
                counts[run, target] = (
                    rounds + sum(isinstance(fact, RoundStarted) for fact in told),
                    probes + sum(isinstance(fact, Sent) for fact in told),
                    size + len(data) // len(parts),
                    max(until, *(pack.moment(fact) for fact in told), 0),
                )
        return counts

    # --- what happened ------------------------------------------------------------------------------------------

    def facts(self, trace: Trace, since: int | None = None, until: int | None = None) -> Iterator[RowedFact]:
        """A trace's facts, each with the row that it was written in. `since`, `until` (epoch ns): of its probes those
        alone that were sent then, whenever their fates became known, and what else had happened by `until`.
        `StoreError`."""
        words = "SELECT id, first_row, since, until FROM segment WHERE run = ? AND target = ? ORDER BY first_row"
        segments = self._rows(words, trace.run.id, trace.target)
        waiting = self._notes(trace.run.id, trace.target)
        if until is not None:
            beyond = min((row for _, row, begin, _ in segments if begin > until), default=None)
            segments = [segment for segment in segments if segment[2] <= until]
            if beyond is not None:
                waiting = [note for note in waiting if note[0] <= beyond]
        if since is not None:
            segments = [segment for segment in segments if segment[3] >= since]
        waiting.reverse()
        clock = trace.begun

        def happened(row: int | None) -> Iterator[RowedFact]:
            nonlocal clock
            while waiting and (row is None or waiting[-1][0] <= row):
                note = waiting.pop()
                clock = max(clock, getattr(note[1], "at", clock))
                if until is None or clock <= until:
                    yield note

        for row, fact in self._probes(trace, [segment[0] for segment in segments]):
            yield from happened(row)
            at = fact.at if isinstance(fact, RoundStarted) else fact.sent_at
            clock = max(clock, at)
            if (since is None or since <= at) and (until is None or at < until):
                yield row, fact
        yield from happened(None)

    def _notes(self, run: int, target: int) -> list[RowedFact]:
        words = "SELECT row, fact FROM note WHERE run = ? AND target = ? ORDER BY id LIMIT ?"
        rows = self._rows(words, run, target, MOST_NOTES)
        return [(row, fact) for row, data in rows if not isinstance(fact := _note(data), _BESIDE)]

    def _probes(self, trace: Trace, segments: list[int]) -> Iterator[Rowed]:
        """The facts of these segments, and of what is in none yet."""
        run, target = trace.run.id, trace.target
        for id_ in segments:
            for (data,) in self._rows("SELECT data FROM segment WHERE id = ?", id_):
                yield from _unpack(data, target)
        for row, data in self._rows("SELECT row, data FROM live WHERE run = ? ORDER BY id", run):
            for number, told in _row(data):
                if number == target:
                    yield from _made_safe([(row, fact) for fact in told])

    def said(self, trace: Trace) -> list[SaidVerdict]:
        """What was said of it then, in order. `StoreError`."""
        words = "SELECT fact FROM note WHERE run = ? AND target = ? ORDER BY id LIMIT ?"
        rows = self._rows(words, trace.run.id, trace.target, MOST_NOTES)
        return [fact for (data,) in rows if isinstance(fact := _note(data), SaidVerdict)]

    def way(self, trace: Trace) -> WayIn | None:
        """Which network it was last probed from; None: that never became known. `StoreError`."""
        words = "SELECT fact FROM note WHERE run = ? AND target = ? ORDER BY id DESC LIMIT ?"
        rows = self._rows(words, trace.run.id, trace.target, MOST_NOTES)
        return next((fact for (data,) in rows if isinstance(fact := _note(data), WayIn)), None)

    def names(self, run: RecordedRun) -> dict[str, AddressInfo]:
        """What was known of addresses at the end. `StoreError`."""
        rows = self._rows("SELECT fact FROM note WHERE run = ? AND target = 0 ORDER BY id LIMIT ?", run.id, MOST_NOTES)
        return {fact.address: fact.info for (data,) in rows if isinstance(fact := _note(data), Named)}

    def missed(self, run: RecordedRun) -> int:
        """How many facts of a run could not be kept when they happened. `StoreError`."""
        rows = self._rows("SELECT fact FROM note WHERE run = ? AND target = 0 ORDER BY id LIMIT ?", run.id, MOST_NOTES)
        return sum(fact.facts for (data,) in rows if isinstance(fact := _note(data), Missed))

    def _rows(self, words: str, *values: int) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(words, values).fetchall()
        except schema.ERRORS as error:
            raise schema.explained(error) from None


def _moment(at: int) -> int:
    if not 0 <= at < 1 << 62:
        raise StoreError(_BROKEN)
    return at


def _row(data: bytes) -> list[tuple[int, list[ProbeFact]]]:
    try:
        return pack.unpack_row(data)
    except BadBlock:
        raise StoreError(_BROKEN) from None


def _unpack(data: bytes, target: int) -> list[Rowed]:
    try:
        return _made_safe(pack.unpack(data, target))
    except BadBlock:
        raise StoreError(_BROKEN) from None


def _made_safe(told: list[Rowed]) -> list[Rowed]:
    """These facts, with nothing in them that could harm a reader."""
    known: set[str] = set()
    for place, (row, fact) in enumerate(told):
        if isinstance(fact, Answered):
            if fact.address not in known:
                if not _is_address(fact.address):
                    raise StoreError(_BROKEN)
                known.add(fact.address)
        elif isinstance(fact, Failed):
            told[place] = (row, notes.safe_failure(fact))
    return told


def _is_address(text: str) -> bool:
    return len(text) <= _LONGEST_ADDRESS and numeric(text) is not None and clean(text) == text


def _note(data: bytes) -> notes.Note:
    """A note that a fold can take."""
    try:
        fact = notes.decode(data)
        if isinstance(fact, (Begun, Continued, TakenBack)) and fact.plan is not None:
            check(fact.plan)
        elif isinstance(fact, Found) and not _is_address(fact.address):
            raise ValueError
        elif isinstance(fact, Asked):
            read_query(fact.query)
    except (msgspec.DecodeError, ValueError):
        raise StoreError(_BROKEN) from None
    return fact


__all__ = ["ProbeFact", "RecordedRun", "Removed", "Store", "StoreError", "Trace"]
