"""A fleet at earlier moments: of each site the run that went on then, how its targets stood by what was said, and of
those that somebody looks at what their probes say."""

from __future__ import annotations

import time
from collections.abc import Collection, Container, Iterator
from typing import Final

import msgspec

from hopscope.cli.fleet_reading import FleetReading
from hopscope.cli.hearing import UNHEARD_NS
from hopscope.cli.playback import Playback, told_of
from hopscope.cli.stores import UNREADABLE
from hopscope.history.notes import SaidVerdict
from hopscope.history.one_trace import trace_of
from hopscope.history.standing import TargetStanding, judged_of
from hopscope.history.store import RecordedRun, Store, Trace
from hopscope.path.bins import SpanBins
from hopscope.path.windows import WindowName
from hopscope.session.model import Snapshot, Target, TargetState
from hopscope.session.told import Told
from hopscope.wire.messages import Counters

S: Final = 1_000_000_000
SLICE_S: Final = 0.1
"""What a look may spend on sites that were not read yet."""
_GOES_ON_NS: Final = 5 * S
"""A run that goes on is read again once the moment wanted is so far beyond what was read of it, ns."""
MOST_OPEN: Final = 8
_Key = tuple[int, tuple[int, ...]]


class FleetPast:
    """Of one `FleetScreen`."""

    def __init__(self, fleet: FleetReading) -> None:
        self._fleet = fleet
        self.is_whole = True
        """Whether the last look knew how all sites stood."""
        self._reading: dict[int, Iterator[None]] = {}
        self._playbacks: dict[_Key, Playback] = {}
        self._kept: dict[int, tuple[tuple[object, ...], tuple[Target, ...]]] = {}
        """By run: of what its targets were made last, and they."""
        self._targets: dict[tuple[int, int], tuple[tuple[object, ...], Target]] = {}
        self._told: dict[int, tuple[SaidVerdict | None, Told]] = {}

    def let_go(self) -> None:
        """The present is shown again."""
        for playback in self._playbacks.values():
            playback.close()
        self._playbacks.clear()
        self._kept.clear()
        self._targets.clear()

    def numbers_over(self, window: WindowName) -> None:
        """What numbers are over from now on."""
        for playback in self._playbacks.values():
            playback.numbers_over(window)
        self._kept.clear()

    # --- which run ----------------------------------------------------------------------------------------------

    def run_at(self, site: str, moment: int) -> RecordedRun | None:
        """The run of a site's agent that went on at a moment (epoch ns), or the last before; None: there is none."""
        begun = [run for boot in self._fleet.boots[site] if (run := self._fleet.runs[boot.run]).begun <= moment]
        return max(begun, key=lambda run: run.begun, default=None)

    def _silent_s(self, site: str, run: RecordedRun, moment: int) -> int | None:
        """For how many seconds nobody had measured there at a moment; None: somebody did, or it was over for good."""
        if self._is_over(site, run, moment):
            return None
        boot = next(boot for boot in self._fleet.boots[site] if boot.run == run.id)
        last = run.ended if run.ended is not None else boot.heard + boot.ahead
        return (moment - last) // S if moment - last >= UNHEARD_NS else None

    def _is_over(self, site: str, run: RecordedRun, moment: int) -> bool:
        """Whether the last run there had ended by a moment."""
        return run.ended is not None and run.ended <= moment and run.id == self._fleet.boots[site][-1].run

    def _is_known(self, run: int, until: float) -> bool:
        """Whether it is read how its targets stood, going on with that until some time (of the performance counter)."""
        standings = self._fleet.standings
        if standings.knows(run):
            return True
        reading = self._reading.get(run)
        if reading is None:
            reading = self._reading[run] = self._read(run)
        try:
            for _ in reading:
                if time.perf_counter() > until:
                    return False
        except BaseException:
            del self._reading[run]  # it does not go on: whoever asks again begins again
            raise
        del self._reading[run]
        return standings.knows(run)  # it may have been let go meanwhile

    def _read(self, run: int) -> Iterator[None]:
        standings = self._fleet.standings
        if run not in standings.runs:
            yield from standings.read(run)
        yield from standings.read_said(run)

    # --- at a moment --------------------------------------------------------------------------------------------

    def at(self, moment: int, wanted: Container[int] | None, chosen: int | None) -> Snapshot:
        """All targets as they stood at a moment (epoch ns; at a site whose clock is off, by that), those of these
        numbers (None: all) by their probes, too; what of it cannot be read is left out, and said."""
        fleet, until = self._fleet, time.perf_counter() + SLICE_S
        self.is_whole = True
        targets: list[Target] = []
        notes: list[str] = []
        for site in sorted(fleet.boots):
            here = moment + fleet.off(site)
            run = self.run_at(site, here)
            if run is None or site in fleet.left_out:
                continue
            try:
                of_site = self._said_of_site(site, run, here, until, is_first=not targets)
            except UNREADABLE as why:
                if getattr(why, "passes", False):
                    self.is_whole = False  # it is asked for again
                else:
                    fleet.leave_out(site, why)
                continue
            opened = [target for target in of_site if wanted is None or target.id in wanted]
            by_number: dict[int, Target] = {}
            try:
                by_number = self._by_probes(site, run, opened, here, chosen) if opened else by_number
            except UNREADABLE as why:
                notes.append(f"probes of {site} cannot be shown: {why}")  # what was said of them can
            targets += (by_number.get(target.id, target) for target in of_site)
        notes += [fleet.note] if fleet.note is not None else []
        return Snapshot(tuple(targets), "running", "; ".join(notes) or None, 0, Counters(), None, moment)

    def _said_of_site(
        self, site: str, run: RecordedRun, moment: int, until: float, *, is_first: bool
    ) -> tuple[Target, ...]:
        """A site's targets by what was said of them, as far as that is known by some time (of the performance
        counter)."""
        if not self._is_known(run.id, until):
            self.is_whole = False
            return ()
        before = self._kept.get(run.id)
        if time.perf_counter() > until and (before is not None or not is_first):
            self.is_whole = False
            return before[1] if before is not None else ()  # as it stood at another moment, for a moment
        return self._of_site(site, run, moment)

    def _of_site(self, site: str, run: RecordedRun, moment: int) -> tuple[Target, ...]:
        """By what was said of them."""
        fleet, silent = self._fleet, self._silent_s(site, run, moment)
        is_over = self._is_over(site, run, moment)
        made_of = (fleet.standings.place(run.id, moment), silent, is_over, len(fleet.standings.runs[run.id]))
        known = self._kept.get(run.id)
        if known is not None and known[0] == made_of:
            return known[1]
        fleet.standings.fetch(run.id, moment)
        targets = tuple(
            self._target(site, standing, moment, silent, is_over=is_over)
            for standing in fleet.standings.runs[run.id].values()
            if standing.begun <= moment and (standing.removed is None or standing.removed > moment)
            if fleet.is_wanted(standing)
        )
        self._kept[run.id] = made_of, targets
        return targets

    def _target(self, site: str, standing: TargetStanding, moment: int, silent: int | None, *, is_over: bool) -> Target:
        fleet = self._fleet
        said = fleet.standings.said(standing.run, standing.target, moment)
        is_paused = standing.paused_at(moment)
        made_of = (said, is_paused, silent, is_over)
        key = standing.run, standing.target
        known = self._targets.get(key)
        if known is not None and known[0][0] is said and known[0][1:] == made_of[1:]:
            return known[1]
        state: TargetState = "paused" if is_paused else "running" if said is not None else "starting"
        state = "finished" if is_over else state
        number = fleet.number(site, standing.typed)
        target = fleet.light(site, standing, number, state, judged_of(said), silent)
        self._targets[key] = made_of, target
        return target

    def _by_probes(
        self, site: str, run: RecordedRun, targets: Collection[Target], moment: int, chosen: int | None
    ) -> dict[int, Target]:
        """The same targets with what their probes say."""
        fleet = self._fleet
        in_run = {fleet.number(site, one.typed): one.target for one in fleet.standings.runs[run.id].values()}
        key = run.id, tuple(in_run[target.id] for target in targets)
        playback = self._playbacks.get(key)
        if playback is None or (run.ended is None and moment > playback.end + _GOES_ON_NS):
            playback = self._playback(key, run)
        numbers = [target.id for target in targets]
        shown = playback.recall(moment, numbers.index(chosen) + 1 if chosen in numbers else 1)
        self.is_whole &= playback.is_recalled
        out = {}
        for target in shown.targets:
            light = next(one for one in targets if one.id == numbers[target.id - 1])
            state = light.state if light.state == "finished" else target.state
            own = target.notes[1:] if fleet.is_live else target.notes
            out[light.id] = msgspec.structs.replace(
                target, id=light.id, state=state, site=site, unheard_s=light.unheard_s, notes=(*light.notes, *own)
            )
        return out

    def _playback(self, key: _Key, run: RecordedRun) -> Playback:
        fleet = self._fleet
        before = self._playbacks.pop(key, None)
        if before is not None:
            before.close()
        store = Store(fleet.path)
        try:
            traces = [trace for target in key[1] if (trace := trace_of(store, run, target)) is not None]
            playback = Playback(store, traces, fleet.namer(run.id), None, fleet.window)
        except BaseException:
            store.close()
            raise
        self._playbacks[key] = playback
        while len(self._playbacks) > MOST_OPEN + len(fleet.boots):
            self._playbacks.pop(next(iter(self._playbacks))).close()
        return playback

    # --- a target in all runs -----------------------------------------------------------------------------------

    def _traces(self, number: int) -> list[Trace]:
        """Where a target's facts stand in the runs it was in, the oldest first, as far as they are read."""
        fleet = self._fleet
        found = fleet.named(number)
        if found is None:
            return []
        site, typed = found
        traces = []
        for boot in fleet.boots.get(site, ()):
            run, target = fleet.runs[boot.run], fleet.standings.target_of(boot.run, typed)
            if target is not None:
                traces.append(Trace(run, target, "", None, None, None, run.begun, 0, 0, 0, 0))
        return sorted(traces, key=lambda trace: trace.run.begun)

    def minutes(self, number: int, begin: int, end: int, span: int, ttls: Container[int]) -> list[SpanBins]:
        """A target's minutes and hours, whichever runs they are of; of what is in no segment yet there are none."""
        found: list[SpanBins] = []
        for trace in self._traces(number):
            if trace.run.begun < end and (trace.run.ended is None or trace.run.ended > begin):
                found += self._fleet.store.bins(trace, span, begin, end, ttls, is_whole=False)
        return sorted(found)

    def told(self, number: int) -> Told:
        """All that was said of a target in all runs."""
        last = self._fleet.last_said(number)
        known = self._told.get(number)
        if known is None or known[0] is not last:
            said = [one for trace in self._traces(number) for one in self._fleet.store.said(trace)]
            known = self._told[number] = last, told_of(said)
        return known[1]
