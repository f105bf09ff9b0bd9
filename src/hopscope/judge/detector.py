"""`FaultDetector`: what is wrong with a path as of its newest round, whatever is said of it by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hopscope.judge.account import SETTLING
from hopscope.judge.beside import Side
from hopscope.judge.delay import BLOCK, Delays
from hopscope.judge.delay_watch import DelayWatch
from hopscope.judge.intermittent import IntermittentOutage
from hopscope.judge.loss import LossWatch, may_begin_at_first
from hopscope.judge.members import MemberWatch, bad_links
from hopscope.judge.outage import silence
from hopscope.judge.route import RouteChange, RouteWatch
from hopscope.judge.saying import STARTING
from hopscope.judge.series import Series
from hopscope.judge.silence import (
    GONE,
    Finding,
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
    LONGER,
    QUEUES,
    PathNow,
    elsewhere,
    flapping,
    swinging,
    unsteady,
    with_delay,
    with_loss,
)
from hopscope.judge.stand_in import StandInWatch, facts, is_alone, is_own
from hopscope.judge.standing import LOSSES

if TYPE_CHECKING:
    from hopscope.judge.links import BadLinks


class Context(NamedTuple):
    """What is known when a round is evaluated, besides the rounds."""

    source: str | None
    """This computer's address."""
    packet_size: int | None
    """Bytes of a probe, where that is known."""
    links: BadLinks | None
    """Which of several flows go by a bad link, as was told."""
    is_limited: bool
    """The target's flows share a few answers a round."""
    is_reached: bool
    """Other flows than this one reach the target."""
    stands: Finding | None
    """What is said to be wrong…"""
    since_at: int | None
    """…since when (epoch ns)…"""
    raised: int
    """…and the ordinal of the round in which it was found."""
    lossy: Finding | None
    """The loss that goes on beside it."""


class Detected(NamedTuple):
    """What the newest round tells."""

    gravest: Finding | None
    by_side: dict[Side, Finding | None]
    """What was found of loss and delay, whether it is the gravest or not; what was not looked for is missing."""
    rerouted: RouteChange | None
    """The route changed, and nothing is wrong with the new one."""


class FaultDetector:
    """Of one path, from a reset to the next. `series`: its rounds, the newest the last."""

    def __init__(self, series: Series) -> None:
        self.floor = 0
        """The ordinal of the first round of the present route, or after the last trouble…"""
        self._clear_from = 0
        """…and of the first one that tells since when a loss lasts, as no other trouble was there."""
        self.routes = RouteWatch()
        self.delays = Delays()
        self.delay = DelayWatch()
        self.stand_in = StandInWatch()
        self.outages = IntermittentOutage()
        self._series = self._seen = series
        self._losses = LossWatch()
        self._members = MemberWatch()
        self._by_side: dict[Side, Finding | None] = {}
        self._elsewhere_lost: Finding | None = None
        """The loss that begins elsewhere than the queue that is said."""

    def skip_to(self, ordinal: int) -> None:
        """What was lost before this round counts for nothing else."""
        self.floor = max(self.floor, ordinal)
        self._clear_from = max(self._clear_from, ordinal)

    def start_at(self, ordinal: int) -> None:
        """Trouble was over in this round: only from it on rounds tell of another one."""
        self.floor = self._clear_from = ordinal

    def look(self, context: Context, *, is_last: bool) -> Detected:
        """Evaluate the newest round. `is_last`: no further one follows."""
        self._by_side = {}
        self._losses.is_last = is_last
        rerouted = self._look_around(context)
        return Detected(self._evaluate(context), self._by_side, rerouted)

    def loss(self, known: Finding | None) -> Finding | None:
        """What this flow loses as of the newest round, where only others suffer what is said. `known`: that beside it
        so far."""
        return self._losses.look(self._series, self.floor, self._clear_from, known, is_new=known is None)

    def lost_elsewhere(self, series: Series, found: Finding, ended: int) -> Finding:
        """The loss, by its name, that is found elsewhere than the one that `ended` in the round with this ordinal."""
        self.start_at(ended)
        self._losses.forget()
        return self._members.named(series, found, ended, None)

    def _look_around(self, context: Context) -> RouteChange | None:
        """What the path and its usual times are; the change of the route, where nothing is wrong with the new one."""
        series, stands = self._series, context.stands
        rerouted = None
        is_delayed = stands is not None and stands.kind in DELAYED
        seen = self._seen = self.stand_in.seen(series, self.routes, stands, is_reached=context.is_reached)
        if seen is series:
            self.skip_to(self.stand_in.until)
        change = self.routes.look(series, seen.target)
        if change is not None and self._flaps(stands) is None:
            self.floor = max(self.floor, change.at)
            if not change.harm:
                rerouted = change
                if not is_delayed:
                    self.delays.forget_eras()
        if series.end % BLOCK == 0:
            self.delays.add(seen, keeps=self.delay.known is None and not is_delayed)
        return rerouted

    def _evaluate(self, context: Context) -> Finding | None:
        """The gravest of what is wrong as of the newest round."""
        series = self._series
        if series.failure is not None and series.failed_at >= series.end - 20:
            own = this_computer(series)
            if own is not None:
                return own
        if len(series) < STARTING:
            return None
        links = context.links
        if links is not None and links.now_ns is None:
            return bad_links(links, series)
        if context.is_limited:
            return None  # what this flow loses there is the other flows' answers
        silent, stands = silent_rounds(series), self.outages.stands_for(context.stands)
        if silent:
            found = said(series, silent, context.packet_size, stands) or loop(series, silent, stands)
            if found is not None:
                return self.outages.look(series, found)
        if series.late_at >= series.base and silent <= series.late_by + GONE:
            found = late(series, stands)
            if found is not None and not is_more_lost(series):
                return found
        if series.target_ttl is None:
            return None if context.is_reached else self._on_the_way(context) or never(series)
        found = silence(series, silent, stands) if silent and not context.is_reached else None
        return self.outages.look(series, found) or self._slow_or_lossy_beside(context)

    def _on_the_way(self, context: Context) -> Finding | None:
        """What is wrong with the way to a target that never answered."""
        seen = self._seen
        if self.stand_in.ttl is None:
            return None
        found = facts(seen, self.outages.stands_for(context.stands))
        return self.outages.look(seen, found) or self._slow_or_lossy_beside(context)

    def _slow_or_lossy_beside(self, context: Context) -> Finding | None:
        """What is said by statistics alone, of this flow or of links that are slow."""
        links = context.links
        if links is not None and 0 in links.flows:
            return bad_links(links, self._series)  # that this flow's path is slow is known better from all of them
        found = self._slow_or_lossy(context)
        return bad_links(links, self._series) if found is None and links is not None else found

    def _slow_or_lossy(self, context: Context) -> Finding | None:
        """What is said by statistics alone."""
        series = self._seen
        flaps = self._flaps(context.stands)
        if flaps is not None:
            return flapping(series, *flaps)
        stands, since_at = context.stands, context.since_at
        now = PathNow(series, self.delays, self.routes, context.source)
        found = self.delay.look(now, stands, since_at)
        if found is None:
            found = swinging(now, stands)
        if found is not None and is_alone(found, series):
            found = None
        if found is not None or self.delay.known is None:
            self._by_side["delay"] = found
        if found is not None and found.kind not in LONGER:
            is_new = found is self.delay.elsewhere or stands is None or stands.kind not in QUEUES
            return found if is_new else self._with_loss(found, context.lossy)
        self._elsewhere_lost = None
        kind, floor, raised = None if stands is None else stands.kind, self.floor, context.raised
        # Of another route's rounds nothing more is learned of since when it lasts.
        is_new = kind in LOSSES and floor < raised and series.end - raised < SETTLING and series.end % BLOCK == 0
        is_sought = kind == "local-network" and not self.delays.spiky
        known = stands if kind in LOSSES else context.lossy
        witness = self.stand_in.of_losses(series, floor, stands)
        lossy = self._lossy(witness, known, is_new=is_new, is_sought=is_sought)
        if found is None:
            is_nearest = lossy is None or may_begin_at_first(lossy)
            found = unsteady(series, self.delays, lossy if is_nearest else None, stands)
            if found is not None:
                self._by_side["delay"] = found
            if found is not None and is_nearest:
                self._by_side["loss"] = None if context.lossy is None else lossy
                return found
        self._by_side["loss"] = lossy
        if lossy is not None:
            return with_delay(self._members.named(witness, lossy, floor, known), found or self.delay.known)
        return found

    def _lossy(
        self, witness: Series, known: Finding | None, *, is_new: bool, is_sought: bool = False
    ) -> Finding | None:
        """The loss as of the newest round, that is not the stand-in's own; see `LossWatch.look`."""
        found = self._losses.look(witness, self.floor, self._clear_from, known, is_new=is_new, is_sought=is_sought)
        if found is None or is_own(found, witness, self._series.target, self.floor, stands=known is not None):
            return None
        return found

    def _with_loss(self, queue: Finding, aside: Finding | None) -> Finding:
        """The queue that stands, with the loss that surely begins elsewhere, if there is one."""
        known = self._elsewhere_lost if aside is None else aside
        lossy = self._lossy(self._seen, known, is_new=aside is None and self._seen.end % BLOCK == 0)
        also = self._elsewhere_lost = None if lossy is None else elsewhere(queue, lossy, known)
        self._by_side["loss"] = also if aside is None else lossy
        return queue if also is None else with_loss(queue, also)

    def _flaps(self, stands: Finding | None) -> tuple[RouteChange, int] | None:
        """The route's changes to and fro, if it flaps."""
        return self.routes.flapping(self._series, stands=stands is not None and stands.kind == "flapping")
