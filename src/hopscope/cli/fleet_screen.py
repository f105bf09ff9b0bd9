"""A hub's store on the screen: every target of every site, from what agents said of them. A target's probes are opened
when somebody looks at it; of a fleet of few targets they all are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from contextlib import suppress
from types import TracebackType
from typing import Final

import msgspec

from hopscope.cli.fleet_past import FleetPast
from hopscope.cli.fleet_reading import OFF_NS, FleetReading
from hopscope.history.standing import TargetStanding, as_told, judged_of
from hopscope.history.traces import SiteBoot
from hopscope.judge.verdict import Judged, Verdict
from hopscope.names.facts import AddressInfo, Namer
from hopscope.path.bins import SpanBins
from hopscope.path.windows import WindowName
from hopscope.session.model import Probing, Snapshot, Target
from hopscope.session.told import Happening
from hopscope.wire.messages import Counters

LOOK_S: Final = 0.5
"""Between two looks at the store."""


class FleetScreen(FleetReading):
    """What a hub has. Implements `views.screen.source.SessionLike`, `Watching`, `Recalling` and `Opening`."""

    why_not = "this screen watches what agents record: nothing is probed"

    def __init__(
        self,
        path: str,
        namer: Callable[[dict[str, AddressInfo]], Namer],
        window: WindowName = "start",
        *,
        is_live: bool = True,
        only: str | None = None,
        at: Callable[[int], int] | None = None,
        since: Callable[[int], int] | None = None,
    ) -> None:
        """See `FleetReading`. `at`: from the last moment (epoch ns), the one to begin with; `since`: the first one that
        can be gone to."""
        self.past = FleetPast(self)
        super().__init__(path, namer, window, is_live=is_live, only=only)
        self._folds = {}
        self._since = 0
        if at is not None or since is not None:
            self._advance(float("inf"))
        if since is not None:
            self._since = since(self.now)
        if at is not None:
            moment = at(self.now)
            self.opens_at = None if moment >= self.now else max(moment, self.earliest)

    def close(self) -> None:
        """See `FleetReading.close`."""
        super().close()
        self.past.let_go()

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opening is not None:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        await super().__aexit__(kind, problem, trace)

    def has_any(self) -> bool:
        """Whether there is a target that was asked for; all of it is read for that."""
        self._advance(float("inf"))
        return any(self.is_wanted(standing) for standing in self._of.values())

    @property
    def pause_s(self) -> float | None:
        """See `Following.pause_s`. What is still to be read is read on at once."""
        if self.is_read:
            return LOOK_S if self.is_live else None
        return 0.002

    # --- as a session -------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The newest moment that anything is known of (epoch ns), by the clocks that are not off."""
        return max((self._now_at(its[-1]) for site, its in self.boots.items() if not self.off(site)), default=0)

    def _now_at(self, boot: SiteBoot) -> int:
        """By a site's own clock."""
        now = boot.heard + boot.ahead
        tail = self._tails.get(boot.run)
        return now if tail is None else max(now, min(tail.until, now + OFF_NS))

    @property
    def is_whole(self) -> bool:
        """See `Opening.is_whole`."""
        return self.is_read and (self.is_live or self.past.is_whole)

    def snapshot(self) -> Snapshot:
        """What is known by now; of what does not go on, its end."""
        now = self.now
        if not self.is_live and self.is_read:
            return self._at(now, self._looked_at)
        targets = tuple(target for site in sorted(self.shown) for target in self._of_site(site, now))
        return Snapshot(targets, "running", self.note, 0, Counters(), None, now, stale=self._hearing.stale)

    def _of_site(self, site: str, now: int) -> tuple[Target, ...]:
        known = self._cached.get(site)
        if known is None:
            run, boot = self.shown[site], self.boots[site][-1]
            now = self._now_at(boot) if self.off(site) else now
            known = tuple(
                self._target(site, standing, now)
                for standing in self.standings.runs[run].values()
                if standing.removed is None and self.is_wanted(standing)
            )
            self._cached[site] = known
        return known

    def _target(self, site: str, standing: TargetStanding, now: int) -> Target:
        number = self.number(site, standing.typed)
        ended = self._ended(site)
        fold = self._fold(number)
        notes = self.notes_of(site)
        unheard = self._hearing.unheard.get(standing.run)
        if fold is not None:
            target = fold.snapshot(self.namer(standing.run), window=self.window, now=now)
            state = "finished" if ended is not None and target.state in ("running", "paused") else target.state
            return msgspec.structs.replace(
                target,
                id=number,
                state=state,
                notes=(*notes, *target.notes),
                judged=as_told(target.judged, standing.said),
                site=site,
                unheard_s=unheard,
            )
        state = "paused" if standing.is_paused and standing.state == "running" else standing.state
        state = "finished" if ended is not None and state in ("running", "paused") else state
        return self.light(site, standing, number, state, judged_of(standing.said), unheard)

    def numbers_over(self, window: WindowName) -> None:
        """What snapshots' numbers are over from now on."""
        self.window = window
        self.past.numbers_over(window)
        self._cached.clear()
        self._changed()

    def probing(self, target: int) -> Probing:
        """How a target was probed."""
        fold = self._fold(target)
        return fold.probing if fold is not None else Probing()

    # --- in time ------------------------------------------------------------------------------------------------

    def recall(self, moment: int, chosen: int | None = None) -> Snapshot:
        """See `Session.recall`."""
        return self._at(moment, chosen)

    def _at(self, moment: int, chosen: int | None) -> Snapshot:
        """As it stood at a moment: of a small fleet all by their probes, else the one that is looked at."""
        wanted = None if self.is_small else {self._looked_at or 0}
        shown = self.past.at(moment, wanted, chosen)
        if not self.past.is_whole:
            self._changed()
        return shown

    @property
    def is_recalled(self) -> bool:
        """See `Session.is_recalled`."""
        return self.past.is_whole

    @property
    def earliest(self) -> int:
        """See `Session.earliest`."""
        boots = [boot for site, its in self.boots.items() if not self.off(site) for boot in its]
        begun = min((self.runs[boot.run].begun for boot in boots), default=self.now)
        return max(begun, self._since)

    def let_go(self) -> None:
        """See `Session.let_go`."""
        self.past.let_go()

    def bins(self, target: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        """See `Session.bins`."""
        fold = self._fold(target)
        if fold is None:
            return self.past.minutes(target, begin, end, span, ttls)
        folded_from = fold.past.begin or fold.path.snapshot().started_at or begin
        near = fold.bins(max(begin, folded_from), end, span, ttls)
        if begin >= folded_from:
            return near
        return sorted([*self.past.minutes(target, begin, min(end, folded_from), span, ttls), *near])

    def happenings(self, target: int) -> list[Happening]:
        """See `Session.happenings`."""
        fold = self._fold(target)
        judged = fold.judge.judged() if fold is not None else Judged(verdict=Verdict(kind="starting"))
        return self.past.told(target).happenings(judged)
