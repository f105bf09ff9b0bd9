"""What goes on beside what is said: a loss beside a queue or a bad path, a delay beside a loss. Each has an incident of
its own, from its own begin to its own end."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from hopscope.judge.delay_watch import DelayWatch
from hopscope.judge.incidents import Incidents
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding, end_of, is_elsewhere
from hopscope.judge.slow import LASTING, QUEUES
from hopscope.judge.stand_in import StandInWatch
from hopscope.judge.standing import CLEAR, LOSSES, MOVE, RAISE

Side: TypeAlias = Literal["loss", "delay"]
"""What statistics say of all packets of a path: of each there is one at a time."""
SIDES: Final[tuple[Side, ...]] = ("loss", "delay")
_TOGETHER: Final = 15
"""Rounds within which a queue and what it loses begin."""
_SOON: Final = 30
"""What begins so many rounds after an outage did not last all the while…"""
_FORGOTTEN: Final = 120
"""…and after so many evaluations without it nothing did."""


def side_of(found: Finding | None) -> Side | None:
    """Which of both it is; None: neither, or only some of several flows suffer from it."""
    if found is None or found.numbers.paths:
        return None
    return "loss" if found.kind in LOSSES else "delay" if found.kind in LASTING else None


def is_lost_by(queue: Finding, lossy: Finding) -> bool:
    """Whether it is the queue that loses: the loss began with it, and may well begin where it does."""
    if queue.kind not in QUEUES or lossy.since < queue.since - _TOGETHER:
        return False
    first, last, surely = queue.first_ttl, queue.last_ttl, lossy.surely
    if first is None or last is None or surely is None:
        return True
    return (surely[0] < last and surely[1] > first) or surely[0] <= first == last <= surely[1]


class Aside(msgspec.Struct):
    """What goes on beside what is said."""

    found: Finding
    id: str
    """Its incident's."""
    since_at: int | None
    """When it began (epoch ns); None: not known."""
    raised: int
    """The ordinal of the round in which it was found."""
    counted_from: int
    """That of the first round whose probes its incident counts, in this row…"""
    counted_at: int
    """…the TTL of what they were sent to…"""
    counted_to: int | None
    """…and the ordinal after that of the last one; None: it goes on, as a loss does that is not said. What is lost
    while a delay is not said is no loss of its own."""
    moved: int = 0
    """Evaluations in a row in which it was at another place."""
    paused_to: int | None = None
    """The ordinal of the round until which it could not be seen: it is over, unless it is found soon."""

    def take(self, found: Finding) -> None:
        """What is found of it now. Its kind is the same, and its place narrows, unless another one shows for long."""
        first, last = self.found.first_ttl, self.found.last_ttl
        if None not in (first, last, found.first_ttl, found.last_ttl):
            inner = max(first or 0, found.first_ttl or 0), min(last or 0, found.last_ttl or 0)
            self.moved = 0 if inner[0] < inner[1] or inner[0] == inner[1] == first == last else self.moved + 1
            if self.moved < MOVE:
                place = inner if not self.moved else (first, last)
                found = found._replace(first_ttl=place[0], last_ttl=place[1])
            else:
                self.moved = 0
        self.found = found._replace(kind=self.found.kind)

    def goes_on_as(self, found: Finding) -> bool:
        """Whether it is this that is found after a time in which nothing could be seen."""
        if self.paused_to is None:
            return True
        return found.since < self.paused_to + _SOON and not is_elsewhere(self.found, found)


class _Evaluations(msgspec.Struct):
    """What the last evaluations found of a side."""

    found: int = 0
    """In how many in a row there was something…"""
    missed: int = 0
    """…or nothing."""
    last: int = 0
    """The ordinal after that of the last round with something."""


class Beside:
    """Of one path, from a reset to the next."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents
        self._asides: dict[Side, Aside] = {}
        self._evaluations: dict[Side, _Evaluations] = {side: _Evaluations() for side in SIDES}

    def found(self, side: Side) -> Finding | None:
        """What goes on beside what is said."""
        aside = self._asides.get(side)
        return None if aside is None or aside.paused_to is not None else aside.found

    def look(self, there: Mapping[Side, Finding | None], end: int) -> None:
        """What the evaluation of the newest round found, said or not; `end`: the ordinal after it."""
        for side, found in there.items():
            its = self._evaluations[side]
            if found is None:
                its.found, its.missed = 0, its.missed + 1
            else:
                its.found, its.missed, its.last = its.found + 1, 0, end

    def put(self, side: Side, aside: Aside) -> None:
        """This was said, and goes on beside what is said now, or is over as `follow` will tell."""
        self._asides[side] = aside

    def take(self, side: Side, found: Finding) -> Aside | None:
        """What is said again, from now on, as what is `found`; None: nothing of the kind went on."""
        aside = self._asides.pop(side, None)
        return aside if aside is not None and aside.goes_on_as(found) else None

    def follow(
        self,
        series: Series,
        said: Finding | None,
        there: Mapping[Side, Finding | None],
        delay: DelayWatch,
        stand_in: StandInWatch,
    ) -> None:
        """Take what the evaluation of the newest round found of what is not `said`: it goes on, begins or is over."""
        for side in SIDES:
            if side not in there or side == side_of(said):
                continue
            found = there[side]
            if side == "delay" and delay.elsewhere is not None:
                self._end(side, series, delay.ended)
            judged = stand_in.told(series, found or self.found(side))
            self._weigh(side, judged, found)
            if found is not None and said is not None:
                since_at, _ = delay.since(found, said)
                self._begin(side, judged, found, since_at, stand_in=stand_in.stands_for(found.kind))

    def _weigh(self, side: Side, series: Series, found: Finding | None) -> None:
        """Take what the evaluation of the newest round found of what is there already. `series`: whose numbers tell."""
        aside, its = self._asides.get(side), self._evaluations[side]
        if aside is None:
            return
        if aside.paused_to is not None:
            if found is None or not aside.goes_on_as(found):
                if found is not None or its.missed >= _FORGOTTEN:
                    del self._asides[side]
                return
            aside.paused_to, aside.counted_from = None, series.end - 1
            self._incidents.resume(aside.id)
            self._incidents.count_on(aside.id)
        if found is None:
            self._count(aside, series)
            if its.missed >= CLEAR:
                self._end(side, series)
            return
        aside.take(found)
        self._count(aside, series)

    def _begin(
        self, side: Side, series: Series, found: Finding, since_at: int | None, *, stand_in: int | None = None
    ) -> None:
        """What is found beside what is said is another trouble, once it was found often enough. `since_at`: when it
        began (epoch ns), where that is known better."""
        if side in self._asides or self._evaluations[side].found < RAISE:
            return
        if since_at is None:
            since_at = series.moment(found.since)
        place, now = (found.first_ttl, found.last_ttl), series.times[-1]
        begin = now if since_at is None else since_at
        known = self._incidents.begin_aside(found.kind, begin, place, series.sides(*place), now, stand_in=stand_in)
        if known[0] is None:
            return
        start = bisect_left(series.times, max(begin, known[1]))
        origin = series.base + start
        until = None if side == "loss" else origin
        aside = Aside(found, known[0], since_at, series.end, origin, series.target.ttl, until)
        self._asides[side] = aside
        self._count(aside, series, start)

    def _count(self, aside: Aside, series: Series, start: int = -1) -> None:
        """What is known of it by now, with the probes of the newest round, or of those from index `start` on."""
        found, n, k = aside.found, 0, 0
        if aside.counted_to is None and series.target.ttl == aside.counted_at:
            n, k = series.reached_of(start % len(series))
        more = None if found.kind == "loss" else found.numbers.more_ns
        place = found.first_ttl, found.last_ttl
        self._incidents.update(
            aside=aside.id,
            place=place,
            addresses=series.sides(*place),
            sent=n,
            lost=k,
            delay_ns=more,
            confidence=found.confidence,
        )

    def pause(self, series: Series) -> None:
        """Something is said that leaves nothing to be seen beside it. What was there has ended, unless it is there
        afterwards."""
        for side, aside in self._asides.items():
            if aside.paused_to is None:
                self._close(side, aside, series, series.end - 1)
            aside.paused_to = series.end

    def _end(self, side: Side, series: Series, ended: int | None = None) -> None:
        """It is over, if it went on: since the round with the ordinal `ended`, or since it was found last."""
        aside = self._asides.pop(side, None)
        if aside is not None and aside.paused_to is None:
            self._close(side, aside, series, series.end, ended)

    def _close(self, side: Side, aside: Aside, series: Series, known: int, ended: int | None = None) -> None:
        """`known`: the ordinal of the first round that was not counted yet."""
        if ended is None:
            ended = end_of(aside.found, series, max(series.base, self._evaluations[side].last))
        if series.target.ttl == aside.counted_at:
            to = known if aside.counted_to is None else aside.counted_to
            recount(self._incidents, series, aside.counted_from, to, ended, aside=aside.id)
        self._incidents.end_aside(aside.id, series.times[min(series.index(ended), len(series) - 1)])


def recount(
    incidents: Incidents, series: Series, start: int, known: int, ended: int, *, aside: str | None = None
) -> None:
    """What was counted since it was over is none of it: of the incident that is open, or of the one `aside`. Ordinals
    of rounds: `start` is the first one that counts, `known` the first one that was not counted yet, `ended` the first
    one without it."""
    if series.base <= start < min(ended, known):
        n, k = series.reached_of(series.index(start), series.index(min(ended, known)))
        incidents.update(sent=n, lost=k, anew=True, stand_in=series.target.ttl or None, aside=aside)
    elif max(start, ended) >= series.base and ended < known:  # this row of it began earlier, or later than it ended
        n, k = series.reached_of(series.index(max(start, ended)), series.index(known))
        incidents.update(sent=-n, lost=-k, aside=aside)
