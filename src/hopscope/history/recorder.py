"""A session's facts to a store, from a thread: whoever probes never waits for a disk.

Whatever is wrong with the store costs the recording alone. `trouble` says it in one line.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import Final

from hopscope.history.notes import Named, Note, SaidVerdict
from hopscope.history.pack import PROBE_FACTS
from hopscope.history.writer import StoreError, StoreWriter
from hopscope.judge.verdict import Incident, Judged, Verdict
from hopscope.names.facts import AddressInfo
from hopscope.session.facts import SessionFact
from hopscope.session.model import Snapshot
from hopscope.system import threads

EVERY_S: Final = 1.0
"""Between two commits."""
MOST_QUEUED: Final = 200_000
"""Facts that a store which does not come back may leave in memory."""
PATIENCE_S: Final = 5.0
"""Seconds that the end waits for the disk."""
_AT_FIRST: Final = Judged(verdict=Verdict(kind="starting"))


class Seen:
    """What was last seen of addresses and incidents, so that only what is new is told."""

    def __init__(self) -> None:
        self._known: dict[str, AddressInfo] = {}
        self._names: dict[int, dict[str, AddressInfo]] = {}
        self._judged: dict[int, Judged] = {}

    def news(self, snapshot: Snapshot) -> list[tuple[int, Named | SaidVerdict]]:
        """What a snapshot knows that none before it knew, by target (0: no target's)."""
        news: list[tuple[int, Named | SaidVerdict]] = []
        for target in snapshot.targets:
            if self._names.get(target.id) is not target.names:
                self._names[target.id] = target.names
                for address, info in target.names.items():
                    known = self._known.get(address)
                    if known is not info and known != info:
                        news.append((0, Named.of(address, info)))
                    self._known[address] = info
            said = self.said(target.id, target.judged)
            if said is not None:
                news.append((target.id, said))
        return news

    def said(self, target: int, judged: Judged) -> SaidVerdict | None:
        """What is said otherwise of a target than before."""
        before = self._judged.get(target, _AT_FIRST)
        if before is judged:
            return None
        self._judged[target] = judged
        verdict, incidents = judged.verdict, judged.incidents
        is_same = _place(verdict) == _place(before.verdict)
        if is_same and incidents is before.incidents:
            return None
        known = {_state(incident) for incident in before.incidents}
        changed = tuple(incident for incident in incidents if _state(incident) not in known)
        return None if is_same and not changed else SaidVerdict(verdict, changed)


def _state(incident: Incident) -> tuple[object, ...]:
    """What of it is news: its numbers grow with every round."""
    return incident.id, incident.times, incident.end is None


def _place(verdict: Verdict) -> tuple[object, ...]:
    """The same of a verdict."""
    return verdict.kind, verdict.first_ttl, verdict.last_ttl


class Recorder:
    """Takes facts in the session's thread, and writes them in its own."""

    def __init__(self, writer: StoreWriter, *, every_s: float = EVERY_S) -> None:
        """`writer` is the thread's alone from now on. `RuntimeError` where no thread can be started."""
        self.trouble: str | None = None
        """Why nothing is recorded any more, or right now; None: it is."""
        self._writer = writer
        self._every_s = every_s
        self._queue: deque[tuple[int, SessionFact | Note]] = deque()
        self._seen = Seen()
        self._missed = 0
        self._ended: int | None = None
        self._stop = threading.Event()
        self._thread = threads.start(self._run, "hopscope-history")

    # --- in the session's thread --------------------------------------------------------------------------------

    def fact(self, target: int, fact: SessionFact) -> None:
        """As `Session`'s ``on_fact`` hands it out. Never waits, never raises."""
        if self._ended is not None:
            return
        if len(self._queue) >= MOST_QUEUED and type(fact) in PROBE_FACTS:
            self._missed += 1
        else:
            self._queue.append((target, fact))

    def see(self, snapshot: Snapshot) -> None:
        """A look at the session: names and incidents are told by nothing else."""
        if self._ended is None:
            self._queue.extend(self._seen.news(snapshot))

    def end(self, at: int) -> None:
        """What happens after this moment (epoch ns) is not the recording's any more."""
        if self._ended is None:
            self._ended = at

    def close(self, at: int) -> None:
        """`end`, and wait until all is written: not longer than `PATIENCE_S`. Idempotent."""
        self.end(at)
        self._stop.set()
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            self.trouble = "the disk did not take the end of it in time"

    # --- in a thread of its own ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._every_s):
                if not self._write():
                    return
            self._write()
            try:
                self._writer.end(self._ended or 0)
            except StoreError as why:
                self.trouble = str(why)
        finally:
            with suppress(Exception):
                self._writer.close()

    def _write(self) -> bool:
        """Whether it is worth going on."""
        queue, writer = self._queue, self._writer
        for _ in range(len(queue)):
            writer.add(*queue.popleft())
        if self._missed:
            missed, self._missed = self._missed, 0
            writer.miss(missed)
        try:
            writer.commit()
            writer.compact_if_due()
        except StoreError as why:
            self.trouble = str(why)
            if not why.passes:
                self._ended = self._ended or 0
                queue.clear()
                return False
        else:
            self.trouble = None
        return True
