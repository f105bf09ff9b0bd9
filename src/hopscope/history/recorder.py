"""A session's facts to a store, from a thread: whoever probes never waits for a disk.

Whatever is wrong with the store costs the recording alone. `trouble` says it in one line.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from hopscope.judge.verdict import VERSION, Judged, Verdict
from hopscope.names.facts import AddressInfo
from hopscope.session.facts import SessionFact
from hopscope.session.model import Snapshot
from hopscope.system import threads
from hopscope.wire.messages import RoundStarted

if TYPE_CHECKING:  # the database is loaded by the thread, while the screen is drawn
    from hopscope.history.notes import Named, Note, SaidVerdict
    from hopscope.history.writer import StoreWriter

EVERY_S: Final = 1.0
"""Between two commits."""
MOST_QUEUED: Final = 200_000
"""Facts that a store which does not come back may leave in memory."""
PATIENCE_S: Final = 5.0
"""Seconds that the end waits for the disk."""
_AT_FIRST: Final = Judged(verdict=Verdict(kind="starting"))

Seeing: TypeAlias = tuple[int, dict[str, AddressInfo], Judged]
"""Of a target's snapshot: its number, names and judgement."""


class Seen:
    """What was last seen of addresses and incidents, so that only what is new is told."""

    def __init__(self) -> None:
        self._known: dict[str, AddressInfo] = {}
        self._judged: dict[int, Judged] = {}

    def named(self, names: dict[str, AddressInfo]) -> list[Named]:
        """What is known of addresses, and was not before."""
        from hopscope.history.notes import Named

        news = []
        for address, info in names.items():
            known = self._known.get(address)
            if known is not info and known != info:
                news.append(Named.of(address, info))
            self._known[address] = info
        return news

    def said(self, target: int, judged: Judged) -> SaidVerdict | None:
        """What is said otherwise of a target than before."""
        before = self._judged.get(target, _AT_FIRST)
        if before is judged:
            return None
        self._judged[target] = judged
        verdict, incidents = judged.verdict, judged.incidents
        is_same = _place(verdict) == _place(before.verdict)
        is_same &= verdict.kind == "starting" or _way(judged) == _way(before)
        if is_same and incidents is before.incidents:
            return None
        known = {incident.state for incident in before.incidents}
        changed = tuple(incident for incident in incidents if incident.state not in known)
        if is_same and not changed:
            return None
        from hopscope.history.notes import SaidVerdict

        return SaidVerdict(verdict, changed, VERSION, judged.epochs[-1] if judged.epochs else None)


def _way(judged: Judged) -> int:
    """Since when (epoch ns) the path is the one that is taken; 0: none is known."""
    return judged.epochs[-1].begin if judged.epochs else 0


def _place(verdict: Verdict) -> tuple[object, ...]:
    """The same of a verdict."""
    return verdict.kind, verdict.first_ttl, verdict.last_ttl, verdict.comes_and_goes


class Recorder:
    """Takes facts in the session's thread, and writes them in its own."""

    def __init__(
        self,
        open_writer: Callable[[], StoreWriter],
        *,
        every_s: float = EVERY_S,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """`open_writer` is called by the thread. `StoreError`, `OSError` and `ValueError` of it are `trouble`.
        `committed` is called by the thread when something is on the disk."""
        self.trouble: str | None = None
        """Why nothing is recorded any more, or right now; None: it is."""
        self._open_writer = open_writer
        self._every_s = every_s
        self._committed = committed
        self._facts: dict[int, list[SessionFact | Note]] = {}
        """By target, in its order: what the thread has not taken yet. It takes from the front what it has copied, so
        nothing that is put there meanwhile is lost."""
        self._looks: deque[Seeing] = deque()
        self._put = self._taken = 0
        """How many facts were put there, and taken."""
        self._seen = Seen()
        self._last: dict[int, Seeing] = {}
        self._missed = 0
        self._ended: int | None = None
        self.is_lost = False
        """Nothing is recorded any more, for good."""
        self._stop = threading.Event()
        self._soon = threading.Event()
        """What waits is not to wait until the next commit is due."""
        self._thread: threading.Thread | None = None

    # --- in the session's thread --------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the thread. What was told before is written, too. Idempotent."""
        if self._thread is None and not self.is_lost:
            try:
                self._thread = threads.start(self._run, "hopscope-history")
            except RuntimeError as error:
                self._give_up(str(error))

    def fact(self, target: int, fact: SessionFact) -> None:
        """As `Session`'s ``on_fact`` hands it out. Never waits, never raises."""
        if self._ended is not None or self.is_lost:
            return
        if self._put - self._taken >= MOST_QUEUED and not _must_be_kept(fact):
            self._missed += 1
            return
        try:  # as `_append`: this is once a probe and more
            self._facts[target].append(fact)
        except KeyError:
            self._facts[target] = [fact]
        self._put += 1

    def note(self, target: int, note: Note) -> None:
        """What is known of a target beside its facts."""
        if self._ended is None and not self.is_lost:
            self._append(target, note)

    def _append(self, target: int, fact: SessionFact | Note) -> None:
        facts = self._facts.get(target)
        if facts is None:
            facts = self._facts[target] = []
        facts.append(fact)
        self._put += 1

    def see(self, snapshot: Snapshot) -> None:
        """A look at the session: names and verdicts are told by nothing else."""
        if self._ended is not None or self.is_lost:
            return
        for target in snapshot.targets:
            last = self._last.get(target.id)
            if last is None or last[1] is not target.names or last[2] is not target.judged:
                seen = self._last[target.id] = (target.id, target.names, target.judged)
                self._looks.append(seen)

    def see_judged(self, target: int, judged: Judged) -> None:
        """A look at what is said of a target alone. Another verdict is written at once, with all that led to it."""
        last = self._last.get(target)
        if self._ended is None and not self.is_lost and (last is None or last[2] is not judged):
            seen = self._last[target] = (target, {} if last is None else last[1], judged)
            self._looks.append(seen)
            if last is not None and _place(judged.verdict) != _place(last[2].verdict):
                self._soon.set()

    def end(self, at: int) -> None:
        """What happens after this moment (epoch ns) is not the recording's any more."""
        if self._ended is None:
            self._ended = at

    def close(self, at: int) -> None:
        """`end`, and wait until all is written: not longer than `PATIENCE_S`. Idempotent."""
        self.end(at)
        if self._looks or self._put > self._taken:
            self.begin()
        self._stop.set()
        self._soon.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            if self._thread.is_alive():
                self.trouble = "the disk did not take the end of it in time"

    # --- in a thread of its own ---------------------------------------------------------------------------------

    def _run(self) -> None:
        from hopscope.history.schema import StoreError

        writer = self._opened()
        if writer is None:
            return
        try:
            while True:
                self._soon.wait(self._every_s)
                self._soon.clear()
                if self._stop.is_set():
                    break
                if not self._write(writer):
                    return
            self._write(writer)
            try:
                writer.end(self._ended or 0)
            except StoreError as why:
                self.trouble = str(why)
        finally:
            with suppress(Exception):
                writer.close()

    def _opened(self) -> StoreWriter | None:
        """The store; None where it cannot be had. One that may be had in a moment is asked for again."""
        from hopscope.history.schema import StoreError

        while True:
            try:
                writer = self._open_writer()
            except StoreError as why:
                if not why.passes or self._stop.is_set():
                    self._give_up(str(why))
                    return None
                self.trouble = str(why)
                self._stop.wait(self._every_s)
            except (OSError, ValueError) as error:
                self._give_up(getattr(error, "strerror", None) or str(error))
                return None
            else:
                self.trouble = None
                return writer

    def _give_up(self, why: str) -> None:
        self.trouble = why
        self.is_lost = True
        self._looks.clear()
        self._facts.clear()

    def _write(self, writer: StoreWriter) -> bool:
        """Whether it is worth going on."""
        from hopscope.history.schema import StoreError

        looks = [self._looks.popleft() for _ in range(len(self._looks))]
        for target, waiting in list(self._facts.items()):
            facts = waiting[:]
            del waiting[: len(facts)]
            self._taken += len(facts)
            writer.extend(target, facts)
        for look in looks:
            self._look(writer, look)
        if self._missed:
            missed, self._missed = self._missed, 0
            writer.miss(missed)
        try:
            writer.commit()
            self._committed()
            writer.compact_if_due()
        except StoreError as why:
            if not why.passes:
                self._give_up(str(why))
                return False
            self.trouble = str(why)
        else:
            self.trouble = None
        return True

    def _look(self, writer: StoreWriter, look: Seeing) -> None:
        target, names, judged = look
        for named in self._seen.named(names):
            writer.add(0, named)
        said = self._seen.said(target, judged)
        if said is not None:
            writer.add(target, said)


def _must_be_kept(fact: SessionFact) -> bool:
    """Without it the rest means nothing: it is no probe's."""
    return not isinstance(fact, RoundStarted) and not hasattr(fact, "sent_at")
