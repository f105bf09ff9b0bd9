"""What is read of a hub's store for a screen: what was said of every target of every site, a part at a time, and then
what is added; and the probes of those targets that somebody looks at."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from time import time_ns
from typing import Final

from hopscope.cli.fleet_files import is_written
from hopscope.cli.following import Following
from hopscope.cli.hearing import Hearing, heard
from hopscope.cli.stores import UNREADABLE
from hopscope.history.notes import SaidVerdict
from hopscope.history.one_trace import TraceTail
from hopscope.history.standing import Standings, TargetStanding
from hopscope.history.store import RecordedRun, Store
from hopscope.history.tail import Tail
from hopscope.history.traces import SiteBoot
from hopscope.judge.verdict import Judged
from hopscope.names.facts import AddressInfo, Namer
from hopscope.path.fold import PathFold
from hopscope.path.windows import WindowName
from hopscope.session.model import Target, TargetState
from hopscope.session.target_fold import TargetFold
from hopscope.system.background import in_background
from hopscope.words.numbers import span

S: Final = 1_000_000_000
FOLDED: Final = 24
"""Targets up to which the probes of all of them are read."""
OPEN: Final = 4
"""Of more targets, those that stay open after somebody looked at them."""
FIRST_S: Final = 0.3
"""Seconds that the first look may take; the rest follows."""
SLICE_S: Final = 0.03
CLOCK_NS: Final = 2 * S
"""How far an agent's clock may differ without a word, ns."""
OFF_NS: Final = 60 * S
"""One that differs more says nothing of when anything was at other sites, ns."""
_EMPTY: Final = PathFold("").snapshot()


class FleetReading(Following):
    """What is known of a hub's store by now."""

    def __init__(
        self,
        path: str,
        namer: Callable[[dict[str, AddressInfo]], Namer],
        window: WindowName = "start",
        *,
        is_live: bool = True,
        only: str | None = None,
    ) -> None:
        """`namer` makes one of what is known of addresses. Not `is_live`: nothing that comes later is shown. `only`:
        the targets of this name or address. `StoreError`, `ValueError` where the store is broken,
        `FileNotFoundError`."""
        super().__init__()
        self.path, self.is_live, self.only = path, is_live, only
        self.store = Store(path)
        self.window = window
        self.runs: dict[int, RecordedRun] = {}
        self.boots: dict[str, list[SiteBoot]] = {}
        """By site, its agent's runs, the oldest first."""
        self._off: dict[str, int] = {}
        self.shown: dict[str, int] = {}
        """By site, the run that is shown: the last one that was read."""
        self.left_out: dict[str, str] = {}
        """Sites whose last run cannot be read, and why."""
        self.standings = Standings(self.store)
        self._make_namer = namer
        self._namers: dict[int, Namer] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._keys: dict[int, tuple[str, str]] = {}
        self._of: dict[int, TargetStanding] = {}
        """By number, how the target stands now."""
        self._sizes: dict[int, int] = {}
        """By run, for how many targets it was asked."""
        self._queue: deque[tuple[str, int]] = deque()
        self._reading: tuple[str, int, Iterator[None]] | None = None
        self._count = count(1).__next__
        self._tails: dict[int, Tail] = {}
        """By run, where all targets are folded."""
        self._open: dict[int, TraceTail] = {}
        """By number, where only those are that somebody looked at; the last one looked at last."""
        self._opening: asyncio.Task[None] | None = None
        self._looked_at: int | None = None
        self._cached: dict[str, tuple[Target, ...]] = {}
        self._hearing = Hearing({})
        try:
            self._see_runs()
            self._advance(FIRST_S)
            self._silence_changed()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the store. Idempotent."""
        self.store.close()
        for one in self._open.values():
            one.close()

    def namer(self, run: int) -> Namer:
        """Of a run's addresses."""
        if run not in self._namers:
            self._namers[run] = self._make_namer(self.standings.names(run))
        return self._namers[run]

    def off(self, site: str) -> int:
        """By how many ns a site's clock is ahead of the one that is nearest to the broker's, where that is so much that
        no other site goes by it; else 0."""
        return self._off.get(site, 0)

    # --- what is written ----------------------------------------------------------------------------------------

    def _see_runs(self) -> bool:
        """Which runs there are; the last one of each site is to be read. Whether one ended, or is gone."""
        before, self.runs = self.runs, {run.id: run for run in self.store.runs()}
        changed = [site for site, run in self.shown.items() if self.runs.get(run) != before.get(run)]
        for site in changed:
            self._cached.pop(site, None)
        boots: dict[str, list[SiteBoot]] = {}
        for boot in self.store.boots():
            if boot.heard and boot.run in self.runs:
                boots.setdefault(boot.site, []).append(boot)
        self.boots = boots
        nearest = min((its[-1].ahead for its in boots.values()), key=abs, default=0)
        ahead = {site: its[-1].ahead - nearest for site, its in boots.items()}
        self._off = {site: by for site, by in ahead.items() if abs(by) > OFF_NS}
        for site in [site for site in self.shown if site not in boots]:  # it was forgotten
            self._let_go(site)
        waiting = {run for _, run in self._queue} | ({self._reading[1]} if self._reading else set())
        for site, its in boots.items():
            run = its[-1].run
            if run not in waiting and run != self.shown.get(site) and site not in self.left_out:
                self._queue.append((site, run))
                self._sizes[run] = self.standings.size(run)
        return bool(changed)

    def _advance(self, for_s: float) -> bool:
        """Go on reading for a while; whether a site's last run was read."""
        until = time.perf_counter() + for_s
        is_new = False
        while self._queue or self._reading is not None:
            if self._reading is None:
                site, run = self._queue.popleft()
                self._reading = site, run, self.standings.read(run)
            site, run, reading = self._reading
            try:
                for _ in reading:
                    if time.perf_counter() > until:
                        return is_new
                self._reading = None
                self._show(site, run)
            except UNREADABLE as why:
                self.leave_out(site, why)
                self._reading = None
            is_new = True
        return is_new

    def _show(self, site: str, run: int) -> None:
        if site in self.shown:
            self._let_go(site)
        self.shown[site] = run
        for standing in self.standings.runs[run].values():
            number = self.number(site, standing.typed)
            self._of[number] = standing
            opened = self._open.pop(number, None)
            if opened is not None:
                opened.close()
                self._looked_at = None
        if self.is_live and self.is_small:
            try:
                self._tails[run] = Tail(self.store, run, self._count)
            except UNREADABLE as why:
                self.leave_out(site, why)
                del self.shown[site]

    def _let_go(self, site: str) -> None:
        run = self.shown.pop(site)
        self._cached.pop(site, None)
        for known in (self._tails, self._namers, self._sizes):
            known.pop(run, None)
        self.standings.let_go(run)

    def leave_out(self, site: str, why: Exception) -> None:
        """What one agent sent cannot be read, which harms no other's; what may pass is raised again."""
        if getattr(why, "passes", False):
            raise why
        self.left_out[site] = str(why)

    @property
    def note(self) -> str | None:
        """What is to be said of all of it; None: nothing."""
        notes = [f"{site} is left out: {why}" for site, why in sorted(self.left_out.items())]
        if not self.is_read:
            notes.append(f"{len(self.shown)} of {len(self.boots)} sites are read so far")
        return self.trouble or "; ".join(notes) or None

    def number(self, site: str, typed: str) -> int:
        """What a site's target is shown by, whichever run it is of."""
        number = self._numbers.get((site, typed))
        if number is None:
            number = self._numbers[site, typed] = len(self._numbers) + 1
            self._keys[number] = site, typed
        return number

    @property
    def is_small(self) -> bool:
        """Whether the probes of all targets are read."""
        return sum(self._sizes.get(its[-1].run, 0) for its in self.boots.values()) <= FOLDED

    @property
    def is_read(self) -> bool:
        """Whether it is known how all targets stand."""
        return not self._queue and self._reading is None

    def take(self) -> bool:
        """See `Following.take`."""
        is_new = self._see_runs() if self.is_live else False
        is_new |= self._advance(SLICE_S)
        if self.is_live:
            is_new |= self._take_said()
            is_new |= self._take_probes()
            is_new |= self._silence_changed()
        return is_new

    def _take_said(self) -> bool:
        told = self.standings.more()
        sites = {run: site for site, run in self.shown.items()}
        for run, target in told:
            site = sites.get(run)
            if site is not None:
                self._cached.pop(site, None)
                standing = self.standings.runs[run].get(target)
                if standing is not None:
                    self._of[self.number(site, standing.typed)] = standing
        return bool(told)

    def _take_probes(self) -> bool:
        is_new = False
        sites = {run: site for site, run in self.shown.items()}
        for run, tail in list(self._tails.items()):
            try:
                got = tail.more()
            except UNREADABLE as why:
                self.leave_out(sites[run], why)
                del self._tails[run]
                got = True
            if got:
                self._cached.pop(sites[run], None)
                is_new = True
        for number, opened in list(self._open.items()):
            try:
                got = opened.more()
            except UNREADABLE as why:
                self.leave_out(self._keys[number][0], why)
                self._open.pop(number).close()
                got = True
            if got:
                self._cached.pop(sites.get(self._of[number].run, ""), None)
                is_new = True
        return is_new

    def _silence_changed(self) -> bool:
        """Whether other words are to be said of who is silent."""
        if not self.is_live:
            return False
        going = [self.boots[site][-1] for site in self.shown if self._ended(site) is None]
        before, self._hearing = self._hearing, heard(going, time_ns(), lambda: is_written(self.path))
        for site, run in self.shown.items():
            if before.unheard.get(run) != self._hearing.unheard.get(run):
                self._cached.pop(site, None)
        return before != self._hearing

    def _ended(self, site: str) -> int | None:
        run = self.runs.get(self.shown[site])
        return run.ended if run is not None else None

    # --- what somebody looks at ---------------------------------------------------------------------------------

    def look_at(self, number: int | None) -> None:
        """See `Opening.look_at`."""
        if number == self._looked_at:
            return
        self._looked_at = number
        self._changed()
        if number is None or not self.is_live or self._fold(number) is not None or number not in self._of:
            return
        if self._opening is not None:
            self._opening.cancel()
        self._opening = asyncio.get_running_loop().create_task(self._open_soon(number))

    async def _open_soon(self, number: int) -> None:
        is_wanted = True

        def read() -> TraceTail:
            opened = self._tail(number)
            if not is_wanted:
                opened.close()
            return opened

        try:
            opened = await in_background(read)
        except asyncio.CancelledError:
            is_wanted = False
            raise
        except UNREADABLE as why:
            if getattr(why, "passes", False):
                self._looked_at = None  # to be opened again by whoever looks at it still
            else:
                self.leave_out(self._keys[number][0], why)
        else:
            self._keep_open(number, opened)
        self._changed()

    def _keep_open(self, number: int, opened: TraceTail) -> None:
        self._open[number] = opened
        while len(self._open) > OPEN:
            self._open.pop(next(iter(self._open))).close()
        self._cached.clear()

    def _tail(self, number: int) -> TraceTail:
        standing, store = self._of[number], Store(self.path)
        try:
            return TraceTail(store, self.runs[standing.run], standing.target, number)
        except BaseException:
            store.close()
            raise

    def _fold(self, number: int) -> TargetFold | None:
        """What was made of a target's probes, as far as they are read."""
        standing = self._of.get(number)
        if standing is None:
            return None
        opened = self._open.get(number)
        if opened is not None:
            return opened.fold
        tail = self._tails.get(standing.run)
        return tail.folds.get(standing.target) if tail is not None else None

    def named(self, number: int) -> tuple[str, str] | None:
        """A target's site, and how it was asked for there."""
        return self._keys.get(number)

    def last_said(self, number: int) -> SaidVerdict | None:
        """What was said of a target last."""
        standing = self._of.get(number)
        return None if standing is None else standing.said

    # --- a target ----------------------------------------------------------------------------------------------

    def is_wanted(self, standing: TargetStanding) -> bool:
        """Whether it is one of those that were asked for."""
        return self.only is None or self.only in (standing.query, standing.typed, standing.address)

    def notes_of(self, site: str) -> tuple[str, ...]:
        """What is to be said of all that a site measures."""
        boot = self.boots[site][-1]
        words = f"measured at {site}"
        if abs(boot.ahead) >= CLOCK_NS:
            off = f"{span(abs(boot.ahead) / S)} {'ahead' if boot.ahead > 0 else 'behind'}"
            words += f"; its clock is {off}, and these times are its own"
        return (words,)

    def light(
        self,
        site: str,
        standing: TargetStanding,
        number: int,
        state: TargetState,
        judged: Judged,
        unheard_s: int | None,
    ) -> Target:
        """A target of which no probe was read."""
        return Target(
            number,
            standing.query,
            state,
            standing.address,
            standing.plan,
            None,
            standing.refusal,
            standing.error,
            _EMPTY,
            self.standings.names(standing.run),
            self.notes_of(site),
            judged=judged,
            site=site,
            unheard_s=unheard_s,
            is_brief=True,
        )
