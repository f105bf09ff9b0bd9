"""`PathJudge`: the rounds of one path in, from one reset to the next, and what is wrong with it out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from hopscope.judge.account import SETTLING, Account
from hopscope.judge.beside import Beside, Side, is_lost_by, side_of
from hopscope.judge.delay import BLOCK, Delays
from hopscope.judge.delay_watch import DelayWatch
from hopscope.judge.incidents import Incidents
from hopscope.judge.intermittent import IntermittentOutage
from hopscope.judge.loss import LossWatch, may_begin_at_first
from hopscope.judge.members import MemberWatch, bad_links
from hopscope.judge.moves import moved
from hopscope.judge.notes import Notes
from hopscope.judge.outage import silence
from hopscope.judge.rounds import Complete
from hopscope.judge.route import RouteChange, RouteWatch
from hopscope.judge.saying import STARTING, verdict_of
from hopscope.judge.series import Series
from hopscope.judge.silence import (
    GONE,
    SILENT,
    Finding,
    end_of,
    is_more_lost,
    late,
    loop,
    never,
    said,
    silent_rounds,
    this_computer,
)
from hopscope.judge.slow import (
    DELAYED,
    LASTING,
    LONGER,
    QUEUES,
    elsewhere,
    flapping,
    swinging,
    unsteady,
    with_delay,
    with_loss,
)
from hopscope.judge.stand_in import StandInWatch, facts, is_alone, is_own
from hopscope.judge.standing import FACTS, LOSSES, StandingFinding
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
        self._series = self._seen = Series(address, protocol, first_ttl)
        self._stand_in = StandInWatch()
        self._standing = StandingFinding()
        self._delays = Delays()
        self._routes = RouteWatch()
        self._losses = LossWatch()
        self._members = MemberWatch()
        self._delay = DelayWatch()
        self._there: dict[Side, Finding | None] = {}
        """What the newest evaluation found, whether it is said or not; what it did not look for is missing."""
        self._elsewhere_lost: Finding | None = None
        """The loss that begins elsewhere than the queue that is said."""
        self._floor = self._clear_from = 0
        """The ordinals of the first rounds of the present route, and after the last trouble."""
        self._links: BadLinks | None = None
        """Which of several flows go by a bad link, as was told."""
        self._is_limited = self._is_reached = False
        self._links_ended = 0
        """The ordinal of the round after their last loss, once that is over."""
        self._notes = Notes()
        self._at = 0
        self._account = Account(self._incidents)
        self._beside = Beside(self._incidents)
        self._outages = IntermittentOutage()

    def compared(self, links: BadLinks | None, *, is_limited: bool = False, is_reached: bool = False) -> None:
        """What a comparison of the target's flows found by the newest round; it counts from the next one on. They share
        a few answers a round (`is_limited`); others than this one reach the target (`is_reached`)."""
        self._is_limited, self._is_reached = is_limited, is_reached
        if links is None and self._links is not None and len(self._series):
            # What was lost by then is told of, and counts for nothing else.
            series = self._series
            self._links_ended = max(series.base, series.end - max(0, series.rounds[-1] - self._links.last))
            if self._beside.found("loss") is None:
                self._floor = max(self._floor, self._links_ended)
                self._clear_from = max(self._clear_from, self._links_ended)
        self._links = links

    def moved(self, source: str | None) -> None:
        """This computer has another address."""
        self.source = source
        self._floor = self._series.end

    def remember(self, delays: tuple[UsualDelay, ...]) -> None:
        """What was usual before."""
        self._delays.remember(delays)

    def take(self, complete: Complete, lates: Iterable[Late], *, is_last: bool) -> None:
        """Judge the next round. `lates`: the late answers that came by its end; `is_last`: no further round follows."""
        self._losses.is_last = is_last
        series = self._series
        if len(series) and complete.at - series.times[-1] > _GAP * 1_000_000_000:
            self._incidents.mark("gap", series.times[-1], end=complete.at)
        series.put(complete.round, complete.at, complete.fates)
        self._at = complete.until
        self.turn_late(lates)
        self._weigh_newest()

    def turn_late(self, answers: Iterable[Late]) -> None:
        """These probes were answered after their time."""
        for answer in answers:
            self._series.turn_late(answer)

    def _look_around(self) -> None:
        """What the path and its usual times are."""
        series = self._series
        found = self._standing.found
        seen = self._seen = self._stand_in.seen(series, self._routes, found, is_reached=self._is_reached)
        if seen is series:
            self._floor = max(self._floor, self._stand_in.until)
            self._clear_from = max(self._clear_from, self._stand_in.until)
        change = self._routes.look(series, seen.target)
        if change is not None and self._flaps() is None:
            self._floor = max(self._floor, change.at)
            if not change.harm:
                at = series.times[series.index(change.at)]
                self._incidents.mark("route-change", at, ttl=change.ttl, before=change.before, after=change.after)
                if found is None or found.kind not in DELAYED:
                    self._delays.forget_eras()
        if series.end % BLOCK == 0:
            stands = self._standing.found
            is_slow = self._delay.known is not None or (stands is not None and stands.kind in DELAYED)
            self._delays.add(seen, keeps=not is_slow)

    def _evaluate(self) -> Finding | None:
        """The gravest of what is wrong as of the newest round."""
        series = self._series
        if series.failure is not None and series.failed_at >= series.end - 20:
            own = this_computer(series)
            if own is not None:
                return own
        if len(series) < STARTING:
            return None
        links = self._links
        if links is not None and links.now_ns is None:
            return bad_links(links, series)
        if self._is_limited:
            return None  # what this flow loses there is the other flows' answers
        silent, stands = silent_rounds(series), self._outages.stands_for(self._standing.found)
        if silent:
            found = said(series, silent, self.packet_size, stands) or loop(series, silent, stands)
            if found is not None:
                return self._outages.look(series, found)
        if series.late_at >= series.base and silent <= series.late_by + GONE:
            found = late(series, stands)
            if found is not None and not is_more_lost(series):
                return found
        if series.target_ttl is None:
            return None if self._is_reached else self._on_the_way() or never(series)
        found = silence(series, silent, stands) if silent and not self._is_reached else None
        return self._outages.look(series, found) or self._slow_or_lossy_beside()

    def _on_the_way(self) -> Finding | None:
        """What is wrong with the way to a target that never answered."""
        seen = self._seen
        if self._stand_in.ttl is None:
            return None
        found = facts(seen, self._outages.stands_for(self._standing.found))
        return self._outages.look(seen, found) or self._slow_or_lossy_beside()

    def _slow_or_lossy_beside(self) -> Finding | None:
        """What is said by statistics alone, of this flow or of links that are slow."""
        links = self._links
        if links is not None and 0 in links.flows:
            return bad_links(links, self._series)  # that this flow's path is slow is known better from all of them
        found = self._slow_or_lossy()
        return bad_links(links, self._series) if found is None and links is not None else found

    def _slow_or_lossy(self) -> Finding | None:
        """What is said by statistics alone."""
        series = self._seen
        flaps = self._flaps()
        if flaps is not None:
            return flapping(series, *flaps)
        stands, since_at = self._standing.found, self._account.since_at
        found = self._delay.look(series, self._delays, self._routes, self.source, stands, since_at)
        if found is None:
            found = swinging(series, self._delays, self.source, stands)
        if found is not None and is_alone(found, series):
            found = None
        if found is not None or self._delay.known is None:
            self._there["delay"] = found
        if found is not None and found.kind not in LONGER:
            is_new = found is self._delay.elsewhere or stands is None or stands.kind not in QUEUES
            return found if is_new else self._with_loss(found)
        self._elsewhere_lost = None
        kind, floor, raised = None if stands is None else stands.kind, self._floor, self._account.raised
        # Of another route's rounds nothing more is learned of since when it lasts.
        is_new = kind in LOSSES and floor < raised and series.end - raised < SETTLING and series.end % BLOCK == 0
        is_sought = kind == "local-network" and not self._delays.spiky
        known = stands if kind in LOSSES else self._beside.found("loss")
        witness = self._stand_in.of_losses(series, floor, stands)
        lossy = self._lossy(witness, known, is_new=is_new, is_sought=is_sought)
        if found is None:
            is_nearest = lossy is None or may_begin_at_first(lossy)
            found = unsteady(series, self._delays, lossy if is_nearest else None, stands)
            if found is not None:
                self._there["delay"] = found
            if found is not None and is_nearest:
                self._there["loss"] = None if self._beside.found("loss") is None else lossy
                return found
        self._there["loss"] = lossy
        if lossy is not None:
            return with_delay(self._members.named(witness, lossy, floor, known), found or self._delay.known)
        return found

    def _lossy(
        self, witness: Series, known: Finding | None, *, is_new: bool, is_sought: bool = False
    ) -> Finding | None:
        """The loss as of the newest round, that is not the stand-in's own; see `LossWatch.look`."""
        found = self._losses.look(witness, self._floor, self._clear_from, known, is_new=is_new, is_sought=is_sought)
        if found is None or is_own(found, witness, self._series.target, self._floor, stands=known is not None):
            return None
        return found

    def _with_loss(self, queue: Finding) -> Finding:
        """The queue that stands, with the loss that surely begins elsewhere, if there is one."""
        aside = self._beside.found("loss")
        known = self._elsewhere_lost if aside is None else aside
        lossy = self._lossy(self._seen, known, is_new=aside is None and self._seen.end % BLOCK == 0)
        also = self._elsewhere_lost = None if lossy is None else elsewhere(queue, lossy, known)
        self._there["loss"] = also if aside is None else lossy
        return queue if also is None else with_loss(queue, also)

    def _flaps(self) -> tuple[RouteChange, int] | None:
        """The route's changes to and fro, if it flaps."""
        stands = self._standing.found
        return self._routes.flapping(self._series, stands=stands is not None and stands.kind == "flapping")

    def _weigh_newest(self) -> None:
        """Evaluate the newest round, and say what follows."""
        standing, series = self._standing, self._series
        before = standing.found
        self._there.clear()
        self._look_around()
        found = self._evaluate()
        if before is not None and before.kind in FACTS:
            self._there.clear()  # its rounds tell nothing of a rate or a delay
        self._beside.look(self._there, series.end)
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
        self._look_beside(now)
        if now is not None:
            stand_in = self._stand_in.stands_for(now.kind)
            since_at, goes_on = self._delay.since(now, before)
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
                lasts=self._outages.lasts,
            )

    def _elsewhere(self, before: Finding | None, found: Finding | None) -> Finding | None:
        """The loss as it is found anew, or the delay, once the one that was said is over and it is another place that
        has it."""
        if before is None or found is None:
            return None
        if before.kind in LASTING and found is self._delay.elsewhere:
            self._standing.ended = self._delay.ended
            self._end_trouble(before)
            self._delay.elsewhere = None
            return found
        if side_of(before) != "loss" or side_of(found) != "loss":
            return None
        series = self._judged_by(before)
        move = moved(series, before, found, self._floor)
        if move is None:
            return None
        ended, anew = move
        self._standing.ended = ended
        self._end_trouble(before)
        self._floor = self._clear_from = ended
        self._losses.forget()
        return self._members.named(series, anew, ended, None)

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

    def _look_beside(self, now: Finding | None) -> None:
        """What goes on beside what stands now, or begins there, or is over."""
        series, beside = self._series, self._beside
        if now is not None and now.kind in FACTS:
            beside.pause(series)
        if self._is_of_others(now):
            aside = beside.found("loss")
            found = self._losses.look(series, self._floor, self._clear_from, aside, is_new=aside is None)
            self._there = {"loss": found}
            beside.look(self._there, series.end)
        beside.follow(series, now, self._there, self._delay, self._stand_in)

    def _end_trouble(self, before: Finding) -> None:
        standing, series = self._standing, self._judged_by(before)
        if before.kind in LASTING and self._delay.elsewhere is None:
            self._delay.forget()
        end = series.end if standing.ended is None else standing.ended
        standing.ended = ended = self._links_ended if before.numbers.paths else end_of(before, series, end)
        if before.comes_and_goes:
            standing.ended = ended = min(end, max(series.base, self._outages.ended))
        self._account.end(series, before, ended)
        if standing.found is None and before.numbers.paths and (goes_on := self._beside.found("loss")) is not None:
            standing.stand(goes_on)
            return
        # What was over behind a silence ended before that.
        standing.ended = ended = max(ended, self._floor)
        self._floor = self._clear_from = max(series.base, ended)

    def _judged_by(self, found: Finding | None) -> Series:
        """Whose numbers tell of it: the target's, or those of what stands in for it."""
        return self._stand_in.told(self._series, found)

    def verdict(self, *, with_notes: bool) -> Verdict:
        """What is wrong now. Without its notes it is a small part of the cost."""
        noted = self._noted() if with_notes and len(self._series) else ()
        return verdict_of(
            self._judged_by(self._standing.found),
            self._standing,
            at=self._at,
            floor=self._floor,
            since=self._account.since_at,
            notes=noted,
            was=self._incidents.newest,
        )

    def usual_delays(self) -> tuple[UsualDelay, ...]:
        """What was usual of late, for a later judge of the same path to remember."""
        return self._delays.newest()

    def _noted(self) -> tuple[Note, ...]:
        """What is odd."""
        found = self._standing.found
        known = self._notes.of(
            self._series, self._routes, self.source, found, floor=self._floor, is_limited=self._is_limited
        )
        stand_in = None if found is None else self._stand_in.stands_for(found.kind)
        if stand_in is None:
            return known
        target = self._series.target_ttl
        if target is not None and self._stand_in.ttl is None:
            known += (Note(kind="target-limits", ttl=target),)
        return (*known, Note(kind="stand-in", ttl=stand_in))

    def epochs(self) -> tuple[Epoch, ...]:
        """The path's, from the first to the present one."""
        return self._routes.all_epochs(self._series)
