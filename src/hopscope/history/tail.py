"""A run of a store, followed while another program writes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from operator import itemgetter
from typing import Final

from hopscope.history.notes import Named, Note
from hopscope.history.store import Store
from hopscope.history.unpacking import Rows
from hopscope.names.facts import AddressInfo
from hopscope.session.facts import Asked, Removed, SessionFact, TargetFact
from hopscope.session.phases import PHASES
from hopscope.session.target_fold import IllegalFact, TargetFold
from hopscope.wire.messages import RoundStarted

S: Final = 1_000_000_000
WHOLE: Final = 150_000
"""A run of so many probes is folded from its beginning; of a longer one the last hour is."""
LOOK_BACK_NS: Final = 3600 * S
LOOK_ROUNDS: Final = 5
"""What is said is looked at so often, for whoever goes back in time."""
LATEST_NS: Final = 120 * S
"""No fate of a probe becomes known so long after the probe was sent."""


class Tail:
    """The targets of one run, as they are by now."""

    def __init__(self, store: Store, run: int, number: Callable[[], int] | None = None) -> None:
        """`number` gives each target the number that it is shown by. `StoreError`,
        `session.target_fold.IllegalFact`, `ValueError` where it is broken, here as in `more`, unless the store
        leaves that out (`Store.on_broken`)."""
        self._store = store
        self._number = number or count(1).__next__
        self.run = run
        self.folds: dict[int, TargetFold] = {}
        self.names: dict[str, AddressInfo] = {}
        self.until = 0
        """The newest moment that is known of (epoch ns)."""
        self._lost: set[int] = set()
        """Targets of which nothing more can be told, for something is broken that the rest goes by."""
        self._row = -1
        self._reader = Rows()
        self.version = 0
        self._begin()

    def _begin(self) -> None:
        """Everything that is there."""
        store = self._store
        self.folds.clear()
        self._reader = Rows()
        with store.at_one_moment():
            run = next((one for one in store.runs() if one.id == self.run), None)
            if run is None:
                return
            self._row = store.newest_row(self.run)
            self.names |= store.names(run)
            for trace in store.traces():
                if trace.run.id == self.run:
                    since = None if trace.probes <= WHOLE else trace.until - LOOK_BACK_NS
                    for _, fact in store.facts(trace, since):
                        self._hear(trace.target, fact)
                    self.until = max(self.until, trace.until)
            store.rows_after(self.run, -1, self._reader)  # what the next rows take for known
        self.version += 1

    def more(self) -> bool:
        """Take what was added since; whether there was anything."""
        store = self._store
        with store.at_one_moment():
            if store.segments_after(self.run, self._row):
                told = self._out_of_segments()
            else:
                told = store.rows_after(self.run, self._row, self._reader)
        for row, target, fact in told:
            self._row = row
            self._hear(target, fact)
        self.version += bool(told)
        return bool(told)

    def _out_of_segments(self) -> list[tuple[int, int, SessionFact | Note]]:
        """What was added and has been put into segments since."""
        store = self._store
        run = next((run for run in store.runs() if run.id == self.run), None)
        if run is None:
            return []  # it was forgotten
        self.names |= store.names(run)
        told: list[tuple[int, int, SessionFact | Note]] = []
        for trace in store.traces():
            if trace.run.id == self.run:
                facts = store.facts(trace, self.until - LATEST_NS)
                told += [(row, trace.target, fact) for row, fact in facts if row > self._row]
        self._reader = Rows()
        store.rows_after(self.run, -1, self._reader)
        return sorted(told, key=itemgetter(0))

    def _hear(self, target: int, fact: SessionFact | Note) -> None:
        self.until = max(self.until, getattr(fact, "at", 0), getattr(fact, "sent_at", 0))
        if isinstance(fact, Named):
            self.names[fact.address] = fact.info
        elif isinstance(fact, Removed):
            self.folds.pop(target, None)
        elif target in self.folds:
            if type(fact) in PHASES and target not in self._lost:
                self._apply(target, fact)  # type: ignore[arg-type] # what stands there is a target's fact
        elif isinstance(fact, Asked):
            self.folds[target] = TargetFold(self._number(), fact)

    def _apply(self, target: int, fact: TargetFact) -> None:
        fold = self.folds[target]
        try:
            fold.apply(fact)
        except (IllegalFact, ValueError):
            if self._store.on_broken is None:
                raise
            self._lost.add(target)
            self._store.on_broken(self.run, target, 0, 0)
        else:
            if isinstance(fact, RoundStarted) and fact.round % LOOK_ROUNDS == 0:
                fold.told.keep(fold.judge.judged(), fact.at)
