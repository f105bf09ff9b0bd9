"""One target of a run in a store of thousands: read, and followed, without the others."""

from __future__ import annotations

from operator import itemgetter
from typing import Final

from hopscope.history.notes import Named, Note
from hopscope.history.sound import made_safe, read_note, sound
from hopscope.history.store import Store
from hopscope.history.tail import LATEST_NS
from hopscope.history.traces import RecordedRun, Trace
from hopscope.history.unpacking import Rows
from hopscope.names.clean import clean
from hopscope.session.facts import Asked, Removed, SessionFact
from hopscope.session.phases import PHASES
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Found, TakenBack
from hopscope.wire.messages import Plan, Protocol, RoundStarted

S: Final = 1_000_000_000
LOOK_BACK_NS: Final = 600 * S
"""How far before its end the probes of a trace are folded, ns; what was before stands in bins."""


def trace_of(store: Store, run: RecordedRun, target: int) -> Trace | None:
    """What `Store.traces` says of one target, but that rows are not counted which are in no segment yet. None: nobody
    asked for it. `StoreError`."""
    query, begun, address, port = "", run.begun, None, None
    protocol: Protocol | None = None
    words = (
        "SELECT fact FROM note WHERE run = ? AND target = ? AND kind IN ('asked', 'found', 'begun', 'taken-back')"
        " ORDER BY id"
    )
    for (data,) in store.rows(words, run.id, target):
        match read_note(data):
            case Asked() as fact:
                query, begun = fact.query, fact.at if not query else begun
            case Found() as fact:
                address = fact.address
            case Begun(plan=plan) | TakenBack(plan=Plan() as plan):
                address, protocol, port = plan.address, plan.protocol, plan.port
    if not query:
        return None
    words = (
        "SELECT ifnull(sum(rounds), 0), ifnull(sum(probes), 0), ifnull(sum(bytes), 0), ifnull(max(until), 0)"
        " FROM segment WHERE run = ? AND target = ?"
    )
    ((rounds, probes, size, until),) = store.rows(words, run.id, target)
    ((newest,),) = store.rows("SELECT ifnull(max(at), 0) FROM live WHERE run = ?", run.id)
    until = max(until, newest, begun, run.ended or 0)
    return Trace(run, target, clean(query), address, protocol, port, begun, until, rounds, probes, size)


class TraceTail:
    """One target that is being measured, from some minutes before now on."""

    def __init__(self, store: Store, run: RecordedRun, target: int, number: int) -> None:
        """`number`: what it is shown by. `LookupError` where nobody asked for it; `StoreError`,
        `session.target_fold.IllegalFact`, `ValueError` where it is broken, here as in `more`."""
        self._store, self._run, self._target, self._number = store, run, target, number
        self.fold: TargetFold | None = None
        self.until = 0
        """The newest moment that is known of it (epoch ns)."""
        self._row = self._id = -1
        self._reader = Rows()
        with store.at_one_moment():
            trace = trace_of(store, run, target)
            if trace is None:
                raise LookupError("nobody asked for it")
            self._trace = trace
            self.begin = max(trace.begun, trace.until - LOOK_BACK_NS)
            """From when on its probes are folded (epoch ns)."""
            since = None if self.begin <= trace.begun else self.begin
            for row, fact in store.facts(trace, since):
                self._hear(row, fact)
            self._added()  # what the next rows take for known
            self._row = max(self._row, store.newest_row(run.id))

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def more(self) -> bool:
        """Take what was added since; whether there was anything."""
        with self._store.at_one_moment():
            if self._store.segments_after(self._run.id, self._row):
                facts = self._store.facts(self._trace, self.until - LATEST_NS)
                told: list[tuple[int, SessionFact | Note]] = [(row, fact) for row, fact in facts if row > self._row]
                self._reader, self._id = Rows(), -1
                self._added()
                self._row = max(self._row, self._store.newest_row(self._run.id))
            else:
                told = self._added()
        for row, fact in told:
            self._hear(row, fact)
        return bool(told)

    def _added(self) -> list[tuple[int, SessionFact | Note]]:
        """What later rows hold of it."""
        run, target, store = self._run.id, self._target, self._store
        words = "SELECT row, fact FROM note WHERE run = ? AND target = ? AND row > ? ORDER BY id"
        told: list[tuple[int, SessionFact | Note]] = [
            (row, read_note(data)) for row, data in store.rows(words, run, target, self._row)
        ]
        ((newest,),) = store.rows("SELECT ifnull(max(id), 0) FROM live")
        if newest < self._id:
            self._id = -1  # all rows became segments, and ids begin anew
        for id_, row, data in store.rows("SELECT id, row, data FROM live WHERE id > ? AND run = ?", self._id, run):
            for _, facts in sound(self._reader.unpack, data, target):
                if row > self._row:
                    told += made_safe([(row, fact) for fact in facts])
            self._id = id_
        self._id = max(self._id, newest)
        return sorted(told, key=itemgetter(0))

    def _hear(self, row: int, fact: SessionFact | Note) -> None:
        self._row = max(self._row, row)
        self.until = max(self.until, getattr(fact, "at", 0), getattr(fact, "sent_at", 0))
        fold = self.fold
        if isinstance(fact, Named | Removed):
            return
        if fold is None:
            if isinstance(fact, Asked):
                self.fold = TargetFold(self._number, fact)
        elif type(fact) in PHASES:
            fold.apply(fact)  # type: ignore[arg-type] # what stands there is a target's fact
            if isinstance(fact, RoundStarted) and fact.round % 5 == 0:
                fold.told.keep(fold.judge.judged(), fact.at)
