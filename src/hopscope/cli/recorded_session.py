"""A session whose facts and names are kept, and which goes on where an earlier run of the same targets was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from hopscope.history.ways import TraceKey, whose
from hopscope.path.snapshot import Path
from hopscope.session.facts import SessionFact
from hopscope.session.model import Snapshot
from hopscope.session.session import Session
from hopscope.system.background import in_background
from hopscope.wire.messages import Plan

if TYPE_CHECKING:  # the database is loaded once the screen stands
    from hopscope.history.earlier import Earlier
    from hopscope.history.recorder import Recorder

BEGIN_S: Final = 0.5
"""The history begins to be written so many seconds after probing: nothing of it delays the first frame."""

AT_ONCE: Final = 8
"""Targets whose past is looked for at once: an earlier run's last minutes are folded for each."""
BREATH_S: Final = 1.0
"""Between one look and the next, seconds: a start with many targets is busy enough."""
TOGETHER: Final = 16
"""Bins of an earlier run that are taken at once: some milliseconds of work."""


class RecordedSession(Session):
    """A session of whose facts and names others are told: `recorders`, and `history`, which is begun here."""

    def __init__(
        self,
        recorders: Sequence[Recorder],
        *args: Any,
        history: Recorder | None = None,
        history_path: str | None = None,
        **options: Any,
    ) -> None:
        """`history_path`: the store that `history` writes, where the past is looked for."""
        self._history = history
        self._history_path = history_path
        self._recorders = [*recorders, *([history] if history is not None else [])]
        self._known: dict[int, tuple[Plan, TraceKey]] = {}
        """By target, the plan of which it is known whose past it has."""
        self._new: list[tuple[int, TraceKey, Path]] = []
        self._is_new = asyncio.Event()
        self._going_on: asyncio.Task[None] | None = None
        self._begun = 0
        super().__init__(*args, on_fact=self._tell if self._recorders else None, **options)

    def _tell(self, target: int, fact: SessionFact) -> None:
        for recorder in self._recorders:
            recorder.fact(target, fact)

    async def __aenter__(self) -> Self:
        self._begun = self.now
        await super().__aenter__()
        if self._history is not None:
            asyncio.get_running_loop().call_later(BEGIN_S, self._begin)
        return self

    def _begin(self) -> None:
        assert self._history is not None
        self._history.begin()
        if self._history_path is not None:
            self._going_on = asyncio.get_running_loop().create_task(self._go_on(self._history_path))

    def snapshot(self) -> Snapshot:
        """As of any session, with what is wrong with its recording or its history."""
        snapshot = super().snapshot()
        if self._recorders:
            self._look_for_new(snapshot)
        for recorder in self._recorders:
            recorder.see(snapshot)
        for recorder in self._recorders:
            if recorder.trouble is not None:
                what = "no history is kept" if recorder is self._history else "nothing is recorded"
                return msgspec.structs.replace(snapshot, history_note=f"{what}: {recorder.trouble}")
        return snapshot

    async def close(self) -> None:
        """What happens from here on is not recorded."""
        now = self.now
        for recorder in self._recorders:
            recorder.end(now)
        if self._going_on is not None:
            self._going_on.cancel()
            with suppress(asyncio.CancelledError):
                await self._going_on
        await super().close()

    # --- going on -----------------------------------------------------------------------------------------------

    def _look_for_new(self, snapshot: Snapshot) -> None:
        """Note the targets of which it is known by now whose past they have."""
        for target in snapshot.targets:
            plan, known = target.plan, self._known.get(target.id)
            if plan is None or (known is not None and known[0] is plan):
                continue
            past = whose(target)
            if past is None:
                continue
            self._known[target.id] = plan, past
            if known is None or known[1] != past:
                self._new.append((target.id, past, target.path))
                for recorder in self._recorders:
                    recorder.note(target.id, past.way)
        if self._new:
            self._is_new.set()

    async def _go_on(self, store: str) -> None:
        """Look for the past of each new target."""
        seen: set[tuple[int, TraceKey]] = set()
        while True:
            await self._is_new.wait()
            wanted, self._new = self._new[:AT_ONCE], self._new[AT_ONCE:]
            if not self._new:
                self._is_new.clear()
            look = partial(_looked_up, store, [(past, path) for _, past, path in wanted], self._begun)
            for (number, past, _), earlier in zip(wanted, await in_background(look), strict=True):
                if earlier is not None:
                    bins = earlier.bins if (number, past) not in seen else []
                    seen.add((number, past))
                    with suppress(KeyError):  # it was removed meanwhile
                        self.remember(number, earlier.delays, ())
                        for place in range(0, len(bins), TOGETHER):
                            self.remember(number, (), bins[place : place + TOGETHER])
                            await asyncio.sleep(0)
            if self._new:
                await asyncio.sleep(BREATH_S)


def _looked_up(path: str, wanted: list[tuple[TraceKey, Path]], before: int) -> list[Earlier | None]:
    """What is wrong with the store is said by whoever writes it; a part that cannot be read is no past."""
    from hopscope.history.earlier import earlier
    from hopscope.history.store import Store, StoreError
    from hopscope.session.target_fold import IllegalFact

    try:
        with Store(path) as store:
            return earlier(store, wanted, before)
    except (StoreError, IllegalFact, OSError, ValueError):
        return [None] * len(wanted)
