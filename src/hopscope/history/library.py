"""`History`: what was recorded, for programs. See ``docs/library.md``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeAlias

import msgspec

from hopscope.history.names import RecordedNames
from hopscope.history.said import as_said
from hopscope.history.store import Store, StoreError, Trace
from hopscope.history.where import STORE, state_folder
from hopscope.session.events import SentEvent, SessionEvent, StreamEvent
from hopscope.session.facts import Asked, Removed, TargetFact
from hopscope.session.model import Target
from hopscope.session.query import QueryText, query_text
from hopscope.session.report import Report, report
from hopscope.session.target import TargetRecord
from hopscope.session.target_fold import IllegalFact, TargetFold
from hopscope.session.telling import Teller
from hopscope.words.numbers import iso
from hopscope.words.when import moment

When: TypeAlias = datetime | int | str
"""A moment: a datetime (one without a zone is this machine's), epoch ns, or words as on the command line."""

S: Final = 1_000_000_000
BEFORE_NS: Final = 600 * S
"""What a moment's numbers are over."""


class RecordedTrace(msgspec.Struct, frozen=True):
    """What is kept of one target of one run."""

    run: int
    number: int
    """The target's in its run."""
    site: str
    """The host that probed."""
    target: str
    """As it was asked for."""
    address: str | None
    protocol: str | None
    begin: str
    """ISO 8601, as `end`."""
    end: str
    rounds: int
    probes: int
    bytes: int


class History:
    """One store, open for reading; another program may go on writing it. A context manager; for one thread."""

    def __init__(self, store: Store) -> None:
        """See `open`."""
        self._store = store

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """A recording, a folder with a ``history.db``, or (None) this user's own history. `FileNotFoundError`,
        `StoreError` where it is none."""
        place = os.fspath(path) if path is not None else str(state_folder(os.environ))
        return cls(Store(os.path.join(place, STORE) if os.path.isdir(place) else place))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Idempotent."""
        self._store.close()

    def list(self) -> tuple[RecordedTrace, ...]:
        """What is kept, the oldest run first. `StoreError`."""
        return tuple(
            RecordedTrace(
                run=trace.run.id,
                number=trace.target,
                site=trace.run.host,
                target=trace.query,
                address=trace.address,
                protocol=trace.protocol,
                begin=iso(trace.begun),
                end=iso(trace.until),
                rounds=trace.rounds,
                probes=trace.probes,
                bytes=trace.bytes,
            )
            for trace in self._store.traces()
        )

    def at(self, trace: RecordedTrace | QueryText, when: When) -> Report:
        """The report of a moment: what was said then, and numbers of the ten minutes before it. A target's name or
        address means its newest trace that reaches to the moment. `LookupError`, `ValueError`, `StoreError`."""
        found, _, at = self._meant(trace, None, when)
        if at is None:
            raise ValueError("name a moment")
        at = max(found.begun, min(at, found.until))
        target = self._folded(found, at - BEFORE_NS, at + 1)
        judged = as_said(target.judged, self._store.said(found), at)
        return self._report(found, msgspec.structs.replace(target, judged=judged), at)

    def between(self, trace: RecordedTrace | QueryText, since: When | None = None, until: When | None = None) -> Report:
        """The report of a span, by default of the whole trace: of the probes that were sent in it, whenever their fates
        became known. A target's name or address means its newest trace in the span. `LookupError`, `ValueError`,
        `StoreError`."""
        found, begin, end = self._meant(trace, since, until)
        return self._report(found, self._folded(found, begin, end), found.until if end is None else end)

    def events(
        self, trace: RecordedTrace | QueryText, since: When | None = None, until: When | None = None
    ) -> Iterator[SessionEvent]:
        """What `Session.events` yielded, or would have yielded, for a span. Errors as of `between`, also later."""
        found, begin, end = self._meant(trace, since, until)
        names = self._names(found)
        return self._told(found, begin, end, names)

    # --- how --------------------------------------------------------------------------------------------------------

    def _meant(
        self, wanted: RecordedTrace | QueryText, since: When | None, until: When | None
    ) -> tuple[Trace, int | None, int | None]:
        """The trace, and the span (epoch ns)."""
        if not isinstance(wanted, RecordedTrace):
            wanted = query_text(wanted)
        key = wanted if isinstance(wanted, str) else (wanted.run, wanted.number)
        found = [one for one in self._store.traces() if key in (one.query, one.address, (one.run.id, one.target))]
        if not found:
            whom = wanted if isinstance(wanted, str) else wanted.target
            raise LookupError(f"nothing is kept of {whom!r}")
        end = self._store.newest(found)
        begin_at = None if since is None else _moment(since, end)
        end_at = None if until is None else _moment(until, end)
        inside = [
            trace
            for trace in found
            if (begin_at is None or trace.until >= begin_at) and (end_at is None or trace.begun <= end_at)
        ]
        if not inside:
            raise LookupError(f"nothing was recorded then; it goes up to {iso(end)}")
        return max(inside, key=lambda trace: trace.begun), begin_at, end_at

    def _names(self, trace: Trace) -> RecordedNames:
        return RecordedNames(self._store.names(trace.run))

    def _folded(self, trace: Trace, since: int | None, until: int | None) -> Target:
        fold: TargetFold | None = None
        for fact in self._facts(trace, since, until):
            try:
                if fold is not None:
                    fold.apply(fact)
                elif isinstance(fact, Asked):
                    fold = TargetFold(trace.target, fact)
            except (IllegalFact, ValueError):
                raise StoreError("it is broken") from None
        if fold is None:
            raise StoreError("it is broken")
        return fold.snapshot(self._names(trace))

    def _facts(self, trace: Trace, since: int | None, until: int | None) -> Iterator[TargetFact]:
        for _, fact in self._store.facts(trace, since, until):
            if not isinstance(fact, Removed):
                yield fact

    @staticmethod
    def _report(trace: Trace, target: Target, now: int) -> Report:
        return report(target, now=now, host=trace.run.host)

    def _told(self, trace: Trace, since: int | None, until: int | None, names: RecordedNames) -> Iterator[SessionEvent]:
        def shown(record: TargetRecord) -> Target:
            return record.snapshot(names)

        teller: Teller | None = None
        for fact in self._facts(trace, since, until):
            try:
                if teller is not None:
                    yield from _plain(teller.hear(fact))
                elif isinstance(fact, Asked):
                    teller = Teller(trace.target, fact, shown)
            except (IllegalFact, ValueError):
                raise StoreError("it is broken") from None
        if teller is not None:
            yield from _plain(teller.end())


def _plain(events: Iterable[StreamEvent]) -> Iterator[SessionEvent]:
    """Without departures, which are told to nobody here."""
    for event in events:
        if not isinstance(event, SentEvent):
            yield event


def _moment(when: When, reference: int) -> int:
    """Epoch ns. `ValueError` where it is no moment."""
    if isinstance(when, str):
        return moment(when, reference)
    if isinstance(when, datetime):
        return int(when.timestamp()) * S + when.microsecond * 1000
    return when
