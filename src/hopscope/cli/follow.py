"""``hopscope history follow``: the screen on a store that another program writes. Nothing is probed or written."""

from __future__ import annotations

from collections.abc import Callable, Container
from itertools import count
from time import time_ns
from typing import Final

import msgspec

from hopscope.cli.following import Following
from hopscope.cli.hearing import UNHEARD_NS, silence_s
from hopscope.history.store import RecordedRun, Store
from hopscope.history.tail import Tail
from hopscope.names.facts import AddressInfo, Namer
from hopscope.path.bins import SpanBins
from hopscope.path.windows import WindowName
from hopscope.session.model import Snapshot, Target
from hopscope.session.recall import Recall
from hopscope.session.target_fold import TargetFold
from hopscope.session.told import Happening
from hopscope.wire.messages import Counters
from hopscope.words.numbers import span, time_of_day

S: Final = 1_000_000_000
LOOK_S: Final = 0.25
"""Between two looks at the store."""
TOGETHER_NS: Final = 60 * S
"""A run whose newest fact is so much older than the newest of all is no longer written."""
MOST_RUNS: Final = 64
_ROUNDS: Final = 3
"""Rounds in which nothing came after which it is said, where that is longer than `hearing.UNHEARD_NS`."""


class Follow(Following):
    """The runs of a store that are being written. Implements `views.screen.source.SessionLike`, `Watching` and
    `Recalling`."""

    why_not = "this screen watches what another program records: nothing is probed"

    def __init__(
        self,
        path: str,
        namer: Callable[[dict[str, AddressInfo]], Namer],
        window: WindowName = "start",
        *,
        clock: Callable[[], int] = time_ns,
    ) -> None:
        """`namer` makes one of what is known of addresses, and goes on to read that; `clock`: epoch ns. `StoreError`,
        `IllegalFact`, `ValueError` where the store is broken, `FileNotFoundError`."""
        super().__init__()
        self._path = path
        self._store = Store(path)
        self._store.on_broken = self._left_out
        self._broken: set[int] = set()
        """Runs of which something is broken."""
        self._names: dict[str, AddressInfo] = {}
        self._namer = namer(self._names)
        self._window = window
        self._number = count(1).__next__
        self._tails: dict[int, Tail] = {}
        self._ended: dict[int, int] = {}
        self._folds: dict[int, TargetFold] = {}
        self._newest_run = -1
        self._recall: Recall | None = None
        self._clock = clock
        self._heard_at = 0
        """When something was written last."""
        self._unheard_s: int | None = None
        """For how many seconds nothing was written, where something should have been."""
        try:
            self._begin()
            self._heard_at = min(clock(), self._now)
            self._unheard_s = self._silence_s()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the store. Idempotent."""
        self._store.close()

    # --- what is written ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """The runs that are being written; where there is none, the last one."""
        runs = {run.id: run for run in self._store.runs()}
        until: dict[int, int] = {}
        for trace in self._store.traces():
            until[trace.run.id] = max(until.get(trace.run.id, 0), trace.until)
        going = [run for run in runs.values() if run.ended is None]
        last = [*runs.values()][-1:]
        newest = max(until.get(run.id, run.begun) for run in (*going, *last)) if last else 0
        # One that has only begun has nothing yet, and one that was killed long ago goes on no more.
        chosen = [run for run in going if until.get(run.id, run.begun) >= newest - TOGETHER_NS] or last
        for run in chosen[-MOST_RUNS:]:
            self._join(run)
        self._newest_run = max(runs, default=-1)
        self._gather()

    def _left_out(self, run: int, target: int, since: int, until: int) -> None:
        self._broken.add(run)

    def _join(self, run: RecordedRun) -> None:
        self._tails[run.id] = Tail(self._store, run.id, self._number)
        if run.ended is not None:
            self._ended[run.id] = run.ended

    def take(self) -> bool:
        """See `Following.take`."""
        ended: dict[int, int] = {}
        runs = self._store.runs()
        is_new = self._let_forgotten_go({run.id for run in runs})
        for run in runs:
            if run.id > self._newest_run and run.ended is None and len(self._tails) < MOST_RUNS:
                self._join(run)
                is_new = True
            if run.id in self._tails and run.ended is not None and run.id not in self._ended:
                ended[run.id] = run.ended
            self._newest_run = max(self._newest_run, run.id)
        for run_id, tail in list(self._tails.items()):
            if run_id not in self._ended:
                is_new = tail.more() or is_new
        # Only now: what kept the last rows from being read may pass.
        self._ended |= ended
        is_new = is_new or bool(ended)
        if is_new:
            self._gather()
            self._heard_at = self._clock()
        before, self._unheard_s = self._unheard_s, self._silence_s()
        return is_new or self._unheard_s != before

    def _silence_s(self) -> int | None:
        """For how long nothing was written though something should be: whoever wrote it was killed, perhaps, or the
        file is another one by now."""
        probed = [
            fold.probing
            for run, tail in self._tails.items()
            if run not in self._ended
            for fold in tail.folds.values()
            if fold.state == "running"
        ]
        if not probed:
            return None
        longest_s = max(_ROUNDS * one.interval_s + one.timeout_s for one in probed)
        now = self._clock()
        if now - self._heard_at < max(UNHEARD_NS, longest_s * S):
            return None
        return silence_s(now, self._heard_at)

    def _let_forgotten_go(self, there: set[int]) -> bool:
        """Of the runs, only these are there: whether one that is followed is gone. Another may have its number next."""
        gone = self._tails.keys() - there
        for run in gone:
            del self._tails[run]
            self._names.clear()  # those that others know come again
        self._ended = {run: at for run, at in self._ended.items() if run in there}
        self._newest_run = min(self._newest_run, max(there, default=-1))
        return bool(gone)

    def _gather(self) -> None:
        """What the tails know, together."""
        self._folds = {fold.number: fold for tail in self._tails.values() for fold in tail.folds.values()}
        for tail in self._tails.values():
            self._names |= tail.names

    @property
    def pause_s(self) -> float:
        """See `Following.pause_s`."""
        return LOOK_S

    # --- as a session -------------------------------------------------------------------------------------------

    @property
    def _now(self) -> int:
        return max((tail.until for tail in self._tails.values()), default=0)

    def snapshot(self) -> Snapshot:
        """What is known by now."""
        now = self._now
        targets = tuple(self._target(fold, now) for fold in self._folds.values())
        return Snapshot(targets, "running", self.trouble, 0, Counters(), None, now, stale=self._stale)

    @property
    def _stale(self) -> str | None:
        if self._unheard_s is None:
            return None
        return f"nothing has been written for {span(self._unheard_s)}: has the program ended that writes it?"

    def _target(self, fold: TargetFold, now: int) -> Target:
        target = fold.snapshot(self._namer, window=self._window, now=now)
        run = next(id_ for id_, tail in self._tails.items() if fold in tail.folds.values())
        ended = self._ended.get(run)
        words = f"watched in {self._path}, where another program writes it"
        if self.trouble is not None:
            words = f"{self._path} cannot be read any more: {self.trouble}"
        elif ended is not None:
            words = f"watched in {self._path}; it ended at {time_of_day(ended)}"
        if run in self._broken or run in self._store.broken:
            words += "; a part of it is broken and left out"
        state = "finished" if ended is not None and target.state in ("running", "paused") else target.state
        unheard_s = self._unheard_s if ended is None else None
        return msgspec.structs.replace(target, state=state, unheard_s=unheard_s, notes=(words, *target.notes))

    def numbers_over(self, window: WindowName) -> None:
        """What snapshots' numbers are over from now on."""
        self._window = window
        self._changed()

    # --- in time ------------------------------------------------------------------------------------------------

    def recall(self, moment: int, chosen: int | None = None) -> Snapshot:
        """See `Session.recall`."""
        self._recall = self._recall or Recall()
        now = self.snapshot()
        known = list(zip(self._folds.values(), now.targets, strict=True))
        targets = self._recall.targets(known, moment, self._window, chosen, self._namer)
        return msgspec.structs.replace(now, targets=targets, now=moment)

    @property
    def is_recalled(self) -> bool:
        """See `Session.is_recalled`."""
        return self._recall is None or self._recall.is_whole

    @property
    def earliest(self) -> int:
        """See `Session.earliest`."""
        begun = [fold.past.begin or fold.path.snapshot().started_at for fold in self._folds.values()]
        return min((at for at in begun if at), default=self._now)

    def let_go(self) -> None:
        """See `Session.let_go`."""
        self._recall = None

    def bins(self, target: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        """See `Session.bins`."""
        fold = self._folds.get(target)
        return fold.bins(begin, end, span, ttls) if fold is not None else []

    def happenings(self, target: int) -> list[Happening]:
        """See `Session.happenings`."""
        fold = self._folds.get(target)
        return fold.told.happenings(fold.judge.judged()) if fold is not None else []
