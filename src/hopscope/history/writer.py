"""Facts into a store: rows that wait, commits, and the segments that rows become.

Not for several threads at once. What it is given costs memory until the next `commit`; what a store does not take
waits, up to `MOST_WAITING`, and is counted as missed beyond that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from hopscope._version import __version__
from hopscope.history import notes, schema
from hopscope.history.block import PROBE_FACTS, BadBlock, Counted, ProbeFact, RowPart, SmallPart, moment
from hopscope.history.notes import Missed, Note
from hopscope.history.others import Others, Taken
from hopscope.history.packing import Packer
from hopscope.history.parcels import PARCEL_BYTES, Parcels, new_run
from hopscope.history.place import Held
from hopscope.history.pruning import Pruner
from hopscope.history.rows import pack_row, small_part, small_row, without
from hopscope.history.schema import StoreError
from hopscope.history.segments import Compaction, Segments
from hopscope.history.tiers import Aim
from hopscope.history.transaction import Transaction
from hopscope.history.unpacking import Rows
from hopscope.session.facts import SessionFact
from hopscope.wire.facts import Begun, Continued, Shared, TakenBack
from hopscope.wire.messages import RoundStarted, Sent

SEGMENT_ROWS: Final = 600
"""Rows that become segments: ten minutes, at a commit a second. Where a commit is many messages, commits."""
SEGMENT_FACTS: Final = 200_000
"""Facts that do, where they come thicker: as many as are held in memory at once, by some 20 bytes each."""
ROW_FACTS: Final = 20_000
"""Facts of a row, at the most."""
SENT_BYTES: Final = 160 << 10
"""Bytes of a row that is sent, before it is made small: a third of that or less by then."""
SENT_FACTS: Final = 1_000
"""Facts that a target has in it."""
DUE_FACTS: Final = 2_000_000
"""Facts that become segments where they are sent: a minute of a thousand targets."""
MOST_WAITING: Final = 8 << 20
"""Bytes of rows that a store does not take."""


_LAST_STEPS: Final = 20
"""Calls of the pruner when a run ends: the user waits for it."""
_LIVE: Final = "INSERT INTO live (run, row, at, data) VALUES (?, ?, ?, ?)"


class _OpenRow:
    """What stands between two notes, or two commits: the notes first."""

    __slots__ = ("at", "data", "facts", "note_bytes", "notes", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.notes: list[tuple[int, str, bytes]] = []
        self.note_bytes = 0
        self.data = b""
        self.facts = 0
        self.at = 0


class StoreWriter:
    """One run in a store."""

    def __init__(
        self,
        path: str | sqlite3.Connection,
        *,
        host: str,
        begun: int,
        limit: int | None = None,
        parcels: Parcels | None = None,
    ) -> None:
        """`path`: or a store that is open for writing. `host` is this machine's name, `begun` epoch ns; `limit`: bytes
        that the store may have, the oldest goes beyond that; None: no bound. `parcels`: each row can be sent as one
        message, and what else is written gets rows there. `StoreError`, `OSError`."""
        self._connection = schema.open_to_write(path) if isinstance(path, str) else path
        try:
            run = new_run(self._connection, begun, host, __version__)
            self._file = Held(path) if isinstance(path, str) else None
        except schema.ERRORS as error:
            self._connection.close()
            raise schema.explained(error) from None
        except OSError:
            self._connection.close()
            raise
        self._run = run
        self._others = Others(self._connection, run) if isinstance(path, str) and parcels is None else None
        """None: nobody else writes there, or an agent, whose rows each stand for themselves."""
        self._told: set[int] = set()
        """Targets of which something is in the store."""
        self._forgotten: set[int] = set()
        self._is_forgotten = False
        """The whole run."""
        self._parcels = parcels
        if parcels is not None:
            parcels.begin(self._connection, run)
        self._most_facts, self._due_facts = (ROW_FACTS, SEGMENT_FACTS) if parcels is None else (SENT_FACTS, DUE_FACTS)
        self._segments = Segments(self._connection, run, parcels)
        # The log beside it counts as well, and takes some.
        self._pruner = None if limit is None else Pruner(self._connection, run, limit - limit // 16, parcels)
        self._is_pruned = False
        """Whether nothing more has to go until the next segments."""
        self._row = _OpenRow(0)
        self._probes: dict[int, list[ProbeFact]] = {}
        """Of the row that is open, by target."""
        self._packers: dict[int, Packer] = {}
        """By target: the facts of the rows since the last segments."""
        self._is_whole = True
        """Whether they have all of these rows."""
        self._compaction: Compaction | None = None
        """Of rows that are becoming segments."""
        self._waiting: list[_OpenRow] = []
        self._waiting_bytes = 0
        self._missed = 0
        self._live_rows = 0
        self._live_facts = 0
        self._commits = 0

    def add(self, target: int, fact: SessionFact | Note) -> None:
        """The next fact. Of a note that is no target's, `target` is 0. What was forgotten is kept no more."""
        if self._is_forgotten or target in self._forgotten:
            return
        kind = type(fact)
        if kind in PROBE_FACTS:
            facts = self._probes.get(target)
            if facts is None:
                facts = self._probes[target] = []
            facts.append(fact)  # type: ignore[arg-type]
            if len(facts) >= self._most_facts:
                self.cut()
            return
        if isinstance(fact, Shared):
            return  # what another flow met is kept as its own
        if target in self._probes:
            self.cut()
        if isinstance(fact, (Begun, Continued, TakenBack)) and fact.plan is not None:
            self._segments.aims[target] = Aim(fact.plan.address, fact.plan.protocol)
        data = notes.encode(fact)  # type: ignore[arg-type]
        if self._parcels is not None and self._row.note_bytes + len(data) > PARCEL_BYTES:
            self._next_row()
        self._row.notes.append((target, notes.kind_of(fact), data))  # type: ignore[arg-type]
        self._row.note_bytes += len(data) + 16

    def extend(self, target: int, facts: Sequence[SessionFact | Note]) -> None:
        """The next facts, in their order; see `add`."""
        probes = self._probes.get(target, ())
        is_mixed = self._is_forgotten or target in self._forgotten or not PROBE_FACTS.issuperset(map(type, facts))
        if is_mixed or len(probes) + len(facts) >= self._most_facts:
            for fact in facts:
                self.add(target, fact)
        elif facts:
            self._probes[target] = [*probes, *facts]  # type: ignore[list-item] # they are probes' alone

    def miss(self, facts: int) -> None:
        """Count `facts` facts that were not handed over."""
        self._missed += facts

    def cut(self) -> None:
        """What comes from now on stands in a later row."""
        if self._parcels is not None:
            self._cut_small()
        elif self._probes:
            self._row.data = pack_row([self._part(target, facts) for target, facts in self._probes.items()])
        self._probes = {}
        self._next_row()
        if self._waiting_bytes > MOST_WAITING:
            self._let_go()

    def _cut_small(self) -> None:
        """The same in rows of one message each: notes, and probes of some targets."""
        if self._row.notes and self._probes:
            self._next_row()
        parts: list[SmallPart] = []
        counts: list[Counted] = []
        size = 0
        for target, facts in self._probes.items():
            part = self._part(target, facts)
            size += 2 * len(part.codes) + 24 * len(part.times) + 200 * (len(part.shapes) + len(part.odd))
            parts.append(small_part(part, self._packers[target].shapes))
            begun = sum(type(fact) is RoundStarted for fact in facts)
            sent = sum(type(fact) is Sent for fact in facts)
            counts.append(Counted(target, begun, sent, max(map(moment, facts))))
            if size >= SENT_BYTES:
                self._row.data = small_row(parts, counts)
                self._next_row()
                parts, counts, size = [], [], 0
        if parts:
            self._row.data = small_row(parts, counts)

    def _part(self, target: int, facts: list[ProbeFact]) -> RowPart:
        """Facts of a target for the row that is open."""
        row = self._row
        packer = self._packers.get(target)
        if packer is None:
            packer = self._packers[target] = Packer()
        packer.add(row.number, facts)
        row.facts += len(facts)
        row.at = max(row.at, moment(facts[-1]))
        return packer.row_part(target)

    def _next_row(self) -> None:
        row = self._row
        if row.data or row.notes:
            self._waiting.append(row)
            self._waiting_bytes += len(row.data)
            self._row = _OpenRow(row.number + 1)

    def _let_go(self) -> None:
        """What the store does not take is missed; notes are kept, without which the rest means nothing."""
        for row in self._waiting:
            self._missed += row.facts
            row.data, row.facts = b"", 0
        self._waiting_bytes = 0
        self._packers, self._is_whole = {}, False

    def commit(self) -> None:
        """All of it into the store. `StoreError`: it waits on."""
        self.cut()
        if self._file is not None and not self._file.is_there():
            raise StoreError("somebody removed it meanwhile")
        if not self._waiting:
            return
        with Transaction(self._connection) as do:
            if self._others is not None and (taken := self._others.taken(do, self._told - self._forgotten)):
                self._give_way(taken)
            if self._missed and self._waiting:
                missed = Missed(self._missed)
                self._waiting[-1].notes.append((0, notes.kind_of(missed), notes.encode(missed)))
                self._missed = 0
            notes_of = [(self._run, row.number, *note) for row in self._waiting for note in row.notes]
            rows = [(self._run, row.number, row.at, row.data) for row in self._waiting if row.data]
            do.executemany("INSERT INTO note (run, row, target, kind, fact) VALUES (?, ?, ?, ?, ?)", notes_of)
            do.executemany(_LIVE, rows)
        self._told.update(target for _, _, target, *_ in notes_of if target)
        self._commits += 1
        self._live_rows += len(rows)
        self._live_facts += sum(row.facts for row in self._waiting)
        self._waiting = []
        self._waiting_bytes = 0

    def _give_way(self, taken: Taken) -> None:
        """Write nothing that rests on what others took, and nothing more of what was forgotten."""
        if taken.run:
            self._is_forgotten = True
            self._waiting, self._packers, self._compaction = [], {}, None
            return
        self._forgotten |= taken.targets
        if self._compaction is not None:
            self._compaction.forget(taken.targets)
        for target in taken.targets:
            self._packers.pop(target, None)
        for row in self._waiting if taken.targets else ():
            row.notes = [note for note in row.notes if note[0] not in taken.targets]
            row.data = without(row.data, taken.targets) if row.data else b""
        if taken.rows != self._live_rows:
            self._live_rows = taken.rows
            self._let_go()

    def compact_if_due(self) -> None:
        """Rows that are old or many enough become segments, and what is too much goes. `StoreError`: they stay what
        they are."""
        if self._is_due:
            self._finish_compaction()
            if self._is_due:
                self._begin_compaction()
        if self._compaction is not None:
            self._compaction.work()
            if self._compaction.is_ready:
                self._finish_compaction()
                with suppress(sqlite3.Error):
                    self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if self._pruner is not None and not self._is_pruned:
            self._is_pruned = self._pruner.prune()

    @property
    def _is_due(self) -> bool:
        """Whether the rows of which no segments are being made should be segments."""
        rows = self._live_rows if self._parcels is None else self._commits
        is_full = any(packer.is_full for packer in self._packers.values())
        return rows >= SEGMENT_ROWS or self._live_facts >= self._due_facts or is_full

    def compact(self) -> None:
        """All rows until now become segments. `StoreError`."""
        self._finish_compaction()
        self._begin_compaction()
        self._finish_compaction()

    def _begin_compaction(self) -> None:
        """Of all rows until now. `StoreError`: there is none."""
        self.commit()
        if not self._is_whole:
            self._packers = self._read_rows()
        rows = self._live_rows if self._is_whole else None
        self._compaction = Compaction(self._segments, self._packers, self._row.number, rows)
        self._packers, self._is_whole = {}, True
        self._live_facts = self._commits = 0

    def _finish_compaction(self) -> None:
        """The one that is under way, in one transaction. `StoreError`: it stays under way."""
        self.commit()
        made = self._compaction
        if made is None:
            return
        while not made.is_ready:
            made.work()
        row, gone = self._segments.write(made, self._row.number)
        self._row = _OpenRow(row)
        self._compaction = None
        self._live_rows -= gone
        self._is_pruned = False

    def _read_rows(self) -> dict[int, Packer]:
        """The rows on the disk, in columns again."""
        packers: dict[int, Packer] = {}
        rows = Rows()
        words = "SELECT row, data FROM live WHERE run = ? ORDER BY id"
        try:
            for number, data in self._connection.execute(words, (self._run,)):
                for target, facts in rows.unpack(data):
                    packers.setdefault(target, Packer()).add(number, facts)
        except schema.ERRORS as error:
            raise schema.explained(error) from None
        except BadBlock as why:
            raise StoreError(str(why)) from None
        return packers

    def end(self, at: int) -> None:
        """The run is over at `at` (epoch ns): commit, and leave a file that is as small as it can be. `StoreError`."""
        self.commit()
        self._row = _OpenRow(self._segments.end(self._row.number, at))
        self.compact()
        if self._pruner is not None:
            for _ in range(_LAST_STEPS):
                if self._pruner.prune():
                    break
        with suppress(sqlite3.Error):
            # One call of execute() would free one page.
            self._connection.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Let go of the store; what was not committed is lost."""
        schema.leave_plain(self._connection)
        self._connection.close()
        if self._file is not None:
            self._file.close()
            self._file = None


__all__ = ["StoreError", "StoreWriter"]
