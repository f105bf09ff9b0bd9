"""`PathJudge`: the rounds of one path in, from one reset to the next, and what is said of it out.

`FaultDetector` finds what is wrong as of the newest round; here follows what is said, and which incidents there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from hopscope.judge.account import Account
from hopscope.judge.beside import Beside, Side, is_lost_by, side_of
from hopscope.judge.detector import Context, FaultDetector
from hopscope.judge.incidents import Incidents
from hopscope.judge.moves import moved
from hopscope.judge.notes import Notes
from hopscope.judge.rounds import Complete
from hopscope.judge.saying import verdict_of
from hopscope.judge.series import Series
from hopscope.judge.silence import SILENT, Finding, end_of
from hopscope.judge.slow import LASTING
from hopscope.judge.standing import FACTS, StandingFinding
from hopscope.judge.verdict import Epoch, Note, Verdict
from hopscope.wire.facts import UsualDelay
from hopscope.wire.messages import Late, Protocol

if TYPE_CHECKING:
    from hopscope.judge.links import BadLinks

_GAP: Final = 20
"""A pause between two rounds of so many seconds and intervals is a gap."""


class PathJudge:
    """The judge of one path. `address`, `protocol` and `first_ttl`: as for `Judge`; `incidents`: where it writes what
    was wrong."""

    def __init__(self, address: str, protocol: Protocol, first_ttl: int, incidents: Incidents) -> None:
        self.source: str | None = None
        """This computer's address."""
        self.packet_size: int | None = None
        """Bytes of a probe, where that is known."""
        self._incidents = incidents
        self._series = Series(address, protocol, first_ttl)
        self._detector = FaultDetector(self._series)
        self._standing = StandingFinding()
        self._links: BadLinks | None = None
        """Which of several flows go by a bad link, as was told."""
        self._is_limited = self._is_reached = False
        self._links_ended = 0
        """The ordinal of the round after their last loss, once that is over."""
        self._notes = Notes()
        self._at = 0
        self._account = Account(self._incidents)
        self._beside = Beside(self._incidents)

    def compared(self, links: BadLinks | None, *, is_limited: bool = False, is_reached: bool = False) -> None:
        """What a comparison of the target's flows found by the newest round; it counts from the next one on. They share
        a few answers a round (`is_limited`); others than this one reach the target (`is_reached`)."""
        self._is_limited, self._is_reached = is_limited, is_reached
        if links is None and self._links is not None and len(self._series):
            # What was lost by then is told of, and counts for nothing else.
            series = self._series
            self._links_ended = max(series.base, series.end - max(0, series.rounds[-1] - self._links.last))
            if self._beside.found("loss") is None:
                self._detector.skip_to(self._links_ended)
        self._links = links

    def moved(self, source: str | None) -> None:
        """This computer has another address."""
        self.source = source
        self._detector.floor = self._series.end

    def remember(self, delays: tuple[UsualDelay, ...]) -> None:
        """What was usual before."""
        self._detector.delays.remember(delays)

    def take(self, complete: Complete, lates: Iterable[Late], *, is_last: bool) -> None:
        """Judge the next round. `lates`: the late answers that came by its end; `is_last`: no further round follows."""
        series = self._series
        if len(series) and complete.at - series.times[-1] > _GAP * 1_000_000_000:
            self._incidents.mark("gap", series.times[-1], end=complete.at)
        series.put(complete.round, complete.at, complete.fates)
        self._at = complete.until
        self.turn_late(lates)
        self._weigh_newest(is_last=is_last)

    def turn_late(self, answers: Iterable[Late]) -> None:
        """These probes were answered after their time."""
        for answer in answers:
            self._series.turn_late(answer)

    def _weigh_newest(self, *, is_last: bool) -> None:
        """Evaluate the newest round, and say what follows. `is_last`: no further one follows."""
        standing, series, detector = self._standing, self._series, self._detector
        before = standing.found
        found, there, change = detector.look(self._context(), is_last=is_last)
        if change is not None:
            at = series.times[series.index(change.at)]
            self._incidents.mark("route-change", at, ttl=change.ttl, before=change.before, after=change.after)
        if before is not None and before.kind in FACTS:
            there = {}  # its rounds tell nothing of a rate or a delay
        self._beside.look(there, series.end)
        anew = self._elsewhere(before, found)
        if anew is None:
            standing.weigh(found, series.end - 1)
        else:
            before = None
            standing.stand(anew)
        now = standing.found
        if before is not None and before is not now and (now is None or (now.kind == "no-answer" != before.kind)):
            self._end_trouble(before)
            now = standing.found  # it may be what went on beside what is over
        elif before is not None and before.kind in SILENT and now is not None and now.kind not in FACTS:
            standing.ended = series.end - 1
            self._end_trouble(before)  # what went on behind it is said again
            before = None
        elif before is not None and now is not None and side_of(before) != side_of(now):
            self._leave(before, now)
        before = self._taken_up(before, now)
        self._look_beside(now, there)
        if now is not None:
            stand_in = detector.stand_in.stands_for(now.kind)
            since_at, goes_on = detector.delay.since(now, before)
            if now.comes_and_goes:
                since_at = now.numbers.span_from
            series = self._judged_by(now)
            is_apart = anew is not None and now.kind in LASTING
            self._account.note(
                series,
                before,
                now,
                standing.ended,
                stand_in,
                since_at=since_at,
                goes_on=goes_on,
                is_apart=is_apart,
                lasts=detector.outages.lasts,
            )

    def _elsewhere(self, before: Finding | None, found: Finding | None) -> Finding | None:
        """The loss as it is found anew, or the delay, once the one that was said is over and it is another place that
        has it."""
        if before is None or found is None:
            return None
        delay = self._detector.delay
        if before.kind in LASTING and found is delay.elsewhere:
            self._standing.ended = delay.ended
            self._end_trouble(before)
            delay.elsewhere = None
            return found
        if side_of(before) != "loss" or side_of(found) != "loss":
            return None
        series = self._judged_by(before)
        move = moved(series, before, found, self._detector.floor)
        if move is None:
            return None
        ended, anew = move
        self._standing.ended = ended
        self._end_trouble(before)
        return self._detector.lost_elsewhere(series, anew, ended)

    def _leave(self, before: Finding, now: Finding) -> None:
        """Something else is said now than before, which goes on beside it, or is over."""
        side, other = side_of(before), side_of(now)
        if before.numbers.paths:
            if other is not None and self._beside.found(other) is not None:
                self._account.end(self._series, before, self._links_ended)
        elif side is not None and (other is not None or (side == "loss" and self._is_of_others(now))):
            if side == "loss" and is_lost_by(now, before):
                return
            aside = self._account.set_aside(self._series, before)
            if aside is not None:
                self._beside.put(side, aside)

    def _is_of_others(self, said: Finding | None) -> bool:
        """Whether only flows of which this one is none suffer what is said."""
        links = self._links
        return said is not None and bool(said.numbers.paths) and (links is None or 0 not in links.flows)

    def _taken_up(self, before: Finding | None, now: Finding | None) -> Finding | None:
        """What stood before what stands now: that went on beside it, if so."""
        side = side_of(now)
        aside = None
        if now is not None and side is not None and side != side_of(before):
            aside = self._beside.take(side, now)
        if aside is None:
            return before
        self._account.take_up(aside, self._judged_by(aside.found))
        return aside.found

    def _look_beside(self, now: Finding | None, there: Mapping[Side, Finding | None]) -> None:
        """What goes on beside what stands now, or begins there, or is over. `there`: what the newest round tells of
        loss and delay."""
        series, beside, detector = self._series, self._beside, self._detector
        if now is not None and now.kind in FACTS:
            beside.pause(series)
        if self._is_of_others(now):
            there = {"loss": detector.loss(beside.found("loss"))}
            beside.look(there, series.end)
        beside.follow(series, now, there, detector.delay, detector.stand_in)

    def _end_trouble(self, before: Finding) -> None:
        standing, series, detector = self._standing, self._judged_by(before), self._detector
        if before.kind in LASTING and detector.delay.elsewhere is None:
            detector.delay.forget()
        end = series.end if standing.ended is None else standing.ended
        standing.ended = ended = self._links_ended if before.numbers.paths else end_of(before, series, end)
        if before.comes_and_goes:
            standing.ended = ended = min(end, max(series.base, detector.outages.ended))
        self._account.end(series, before, ended)
        if standing.found is None and before.numbers.paths and (goes_on := self._beside.found("loss")) is not None:
            standing.stand(goes_on)
            return
        # What was over behind a silence ended before that.
        standing.ended = ended = max(ended, detector.floor)
        detector.start_at(max(series.base, ended))

    def _context(self) -> Context:
        return Context(
            source=self.source,
            packet_size=self.packet_size,
            links=self._links,
            is_limited=self._is_limited,
            is_reached=self._is_reached,
            stands=self._standing.found,
            since_at=self._account.since_at,
            raised=self._account.raised,
            lossy=self._beside.found("loss"),
        )

    def _judged_by(self, found: Finding | None) -> Series:
        """Whose numbers tell of it: the target's, or those of what stands in for it."""
        return self._detector.stand_in.told(self._series, found)

    def verdict(self, *, with_notes: bool) -> Verdict:
        """What is wrong now. Without its notes it is a small part of the cost."""
        noted = self._noted() if with_notes and len(self._series) else ()
        return verdict_of(
            self._judged_by(self._standing.found),
            self._standing,
            at=self._at,
            floor=self._detector.floor,
            since=self._account.since_at,
            notes=noted,
            was=self._incidents.newest,
        )

    def usual_delays(self) -> tuple[UsualDelay, ...]:
        """What was usual of late, for a later judge of the same path to remember."""
        return self._detector.delays.newest()

    def _noted(self) -> tuple[Note, ...]:
        """What is odd."""
        found = self._standing.found
        known = self._notes.of(
            self._series,
            self._detector.routes,
            self.source,
            found,
            floor=self._detector.floor,
            is_limited=self._is_limited,
        )
        stand_in = None if found is None else self._detector.stand_in.stands_for(found.kind)
        if stand_in is None:
            return known
        target = self._series.target_ttl
        if target is not None and self._detector.stand_in.ttl is None:
            known += (Note(kind="target-limits", ttl=target),)
        return (*known, Note(kind="stand-in", ttl=stand_in))

    def epochs(self) -> tuple[Epoch, ...]:
        """The path's, from the first to the present one."""
        return self._detector.routes.all_epochs(self._series)
