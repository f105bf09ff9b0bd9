"""The account of what is said: since when a trouble lasts, and its incident, as troubles come and go."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from hopscope.judge.beside import Aside, recount, side_of
from hopscope.judge.incidents import Incidents
from hopscope.judge.moves import lessened
from hopscope.judge.series import Series
from hopscope.judge.silence import SILENT, Finding, is_elsewhere
from hopscope.judge.standing import FACTS, GOES_ON, LOSSES, is_one

SETTLING: Final = 120
"""Rounds for which the moment since when a trouble lasts is known better and better."""
_SAME: Final = 30
"""Within so many rounds after one trouble another one may be the same."""
_SAME_NS: Final = 30_000_000_000
"""A loss that begins so long after a silence (ns) did not last all the while."""


class Account:
    """Of one path, from a reset to the next."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents
        self.since_at: int | None = None
        """When the trouble that stands began (epoch ns); None: there is none, or it is not known."""
        self.raised = 0
        """The ordinal of the round in which it was found."""
        self._before: int | None = None
        """Since when what comes soon after a trouble that is over may have lasted: since that began, or ended."""
        self._hidden: dict[int, int | None] = {}
        """The same as `since_at` of outages that a nearer one hides, by the ordinal of their first round."""
        self._counted_from = 0
        self._counted_at = 0
        """The TTL of what stands in for the target in its incident's numbers; 0: none does."""
        self._begun_at = 0
        """The same when it began."""
        self._interrupted: tuple[Finding, int | None] | None = None
        """The loss or the delay that stood when the target fell silent, and its `since_at`."""
        self._less: tuple[Finding, int | None] | None = None
        """The loss that was named before a graver one was, and its `since_at`."""

    def note(
        self,
        series: Series,
        before: Finding | None,
        now: Finding,
        ended: int | None,
        stand_in: int | None,
        *,
        since_at: int | None = None,
        goes_on: bool = False,
        is_apart: bool = False,
        lasts: Finding | None = None,
    ) -> None:
        """What stands as of the newest round. `series`: whose numbers tell of it; `ended`: the ordinal of the round in
        which the last trouble ended; `stand_in`: see `Incident`; `since_at`: when it began (epoch ns), where that is
        known better; `goes_on`: it was said before, until something graver came; `is_apart`: it has left the place of
        the newest incident; `lasts`: the outage of now, where what stands comes and goes."""
        incidents = self._incidents
        is_limit, goes_on = False, goes_on or (before is not None and now.kind == "no-answer")
        first, last = now.first_ttl, now.last_ttl
        sides = series.sides(first, last, now.numbers.sides)
        is_retold = before is not None and before.kind != now.kind and _is_one_loss(before, now)
        if is_retold:
            incidents.retell(now.kind)  # it is known better what it is
        is_other = before is None or before.kind != now.kind or _is_another(before, now)
        is_other |= before is not None and _is_another_loss(series, before, now, self._less, self.since_at)
        if is_other and not is_retold:
            self.raised = series.end
            back = 0
            again, place = self._outage_again(series, before, now), (first, last)
            if again is None and (
                known := self._went_on(series, before, now, ended) or self._less_again(series, before, now)
            ):
                self.raised -= SETTLING  # it is known since when
                again, place = known[:2], known[2]
            if again is not None:
                goes_on = True
                back, self.since_at = again
            else:
                self.since_at = series.moment(now.since) if since_at is None else since_at
            if self.since_at is None and ended is not None and series.end - ended <= _SAME and not goes_on:
                # It was taken for something else first.
                self.since_at = self._before
            clear = series.times[0 if ended is None else min(series.index(ended), len(series) - 1)]
            begin = clear if self.since_at is None else self.since_at
            routers = frozenset(now.numbers.addresses if now.kind == "bad-member" else ())
            counted = incidents.begin(
                now.kind,
                begin,
                *place,
                sides,
                series.times[-1],
                routers=routers,
                goes_on=goes_on,
                is_apart=is_apart,
                stand_in=stand_in,
            )
            self._counted_at = self._begun_at = series.target.ttl
            self._counted_from = series.base + bisect_left(series.times, max(begin, counted, back))
            n, k = series.reached_of(series.index(self._counted_from))
        else:
            if now.kind not in FACTS and series.end - self.raised < SETTLING:
                self.since_at = series.moment(now.since) or self.since_at
            # The target is known to limit by now, so what it left out was no loss; or known to lose all the same.
            is_limit = now.kind in LOSSES and series.target.ttl != self._counted_at and not self._begun_at
            if is_limit:
                self._counted_at = series.target.ttl
            n, k = series.reached_of(series.index(self._counted_from) if is_limit else len(series) - 1)
            if before is not None and (before.comes_and_goes or now.comes_and_goes):
                n, k = self._of_outages(series, before, now, lasts)
        in_all = now.numbers.in_all
        if in_all is not None or series.target.ttl != self._counted_at:
            n = k = 0  # this flow may be a good one; or the target is new to a trouble that was found without it
        more = None if now.kind == "loss" else now.numbers.more_ns  # else it is a delay's beside it
        sure, place = now.confidence, (first, last)
        incidents.update(
            place=place,
            addresses=sides,
            sent=n,
            lost=k,
            in_all=in_all,
            delay_ns=more,
            confidence=sure,
            anew=is_limit,
            stand_in=stand_in,
        )

    def _of_outages(self, series: Series, before: Finding, now: Finding, lasts: Finding | None) -> tuple[int, int]:
        """What the target was sent and lost in the outage of now (`lasts`), not counted by now, of those that follow
        each other; and that it came again, and since when it lasts."""
        self.since_at = now.numbers.span_from if now.comes_and_goes else series.moment(now.since)
        if lasts is None:
            return 0, 0
        if before.comes_and_goes and now.comes_and_goes and now.numbers.times > before.numbers.times:
            self._incidents.came_again()
            return series.reached_of(series.index(lasts.since))
        return series.reached_of(len(series) - 1)

    def _outage_again(self, series: Series, before: Finding | None, now: Finding) -> tuple[int, int | None] | None:
        """When a nearer outage was over behind which this one lasts, which then has ended, and since when this one
        lasts; None: nothing hid it."""
        if before is not None and now.again is not None:
            at = series.times[series.index(now.again)]
            self._incidents.end(at)
            return at, self._hidden.pop(now.since, None)
        if before is not None and now.hides is not None:
            self._hidden[before.since] = self.since_at
        else:
            self._hidden.clear()
        return None

    def _went_on(
        self, series: Series, before: Finding | None, now: Finding, ended: int | None
    ) -> tuple[int, int | None, tuple[int | None, int | None]] | None:
        """When a silence was over beside which the loss or the delay lasted that is found again, since when it lasts,
        and where it was; None: it is another one."""
        if before is not None and before.kind in GOES_ON and now.kind in FACTS:
            self._interrupted = before, self.since_at
        if self._interrupted is None or ended is None or now.kind in FACTS:
            return None
        known, since_at = self._interrupted
        if not is_one(known.kind, now.kind):
            return None
        self._interrupted = None
        if series.end - ended > SETTLING:
            return None
        at = series.times[min(series.index(ended), len(series) - 1)]
        is_new = now.since >= series.base and series.times[now.since - series.base] > at + _SAME_NS
        # Of a few rounds its place is hardly known.
        wide = now if now.surely is None else now._replace(first_ttl=now.surely[0], last_ttl=now.surely[1])
        return None if is_new or is_elsewhere(wide, known) else (at, since_at, (known.first_ttl, known.last_ttl))

    def _less_again(
        self, series: Series, before: Finding | None, now: Finding
    ) -> tuple[int, int | None, tuple[int | None, int | None]] | None:
        """When the graver loss is over that was named in the place of this one, since when this one lasts, which went
        on beside it, and where it was; None: it is new."""
        if before is None or not _is_one_loss(before, now):
            return None
        known, since_at = self._less or (None, None)
        self._less = before, self.since_at
        if known is None or is_elsewhere(known, now):
            return None
        at = series.times[series.index(min(lessened(series, before), series.end - 1))]
        self._incidents.end(at)
        return at, since_at, (known.first_ttl, known.last_ttl)

    # --- what goes on beside it -----------------------------------------------------------------------------------

    def set_aside(self, series: Series, found: Finding) -> Aside | None:
        """What stood goes on beside what is told of next; None: it has no incident."""
        aside = self._incidents.set_aside()
        if aside is None:
            return None
        until = None if side_of(found) == "loss" else series.end
        return Aside(found, aside, self.since_at, self.raised, self._counted_from, self._counted_at, until)

    def take_up(self, aside: Aside, series: Series) -> None:
        """What went on beside is told of again."""
        self._incidents.end(series.times[-1])
        self._incidents.take_up(aside.id)
        self.since_at, self.raised = aside.since_at, aside.raised
        self._counted_from, self._counted_at = aside.counted_from, aside.counted_at
        self._begun_at = aside.counted_at
        if aside.paused_to is not None or aside.counted_to is not None:
            self._incidents.count_on(aside.id)
            self._counted_from = series.end - 1

    def end(self, series: Series, before: Finding, ended: int) -> None:
        """What stood has `ended` in the round with this ordinal."""
        is_same = before.numbers.in_all is None and series.target.ttl == self._counted_at
        if before.kind not in FACTS and is_same:
            recount(self._incidents, series, self._counted_from, series.end - 1, ended)
        end = series.times[min(series.index(ended), len(series) - 1)]
        self._incidents.end(end)
        # Nobody takes a rate of loss for so long a silence.
        self._less = None
        self._before = end if before.kind in FACTS and ended - before.since >= _SAME else self.since_at
        self.since_at = None


def _is_one_loss(before: Finding, now: Finding) -> bool:
    """Whether the loss that was found is the same, found on the same flow."""
    return before.kind in LOSSES and now.kind in LOSSES and not (before.numbers.paths or now.numbers.paths)


def _is_another(before: Finding, now: Finding) -> bool:
    """Whether the target is silent for something else of the same kind, elsewhere."""
    if before.comes_and_goes or now.comes_and_goes:
        return is_elsewhere(before, now)
    places = (before.first_ttl, before.last_ttl), (now.first_ttl, now.last_ttl)
    return now.kind in SILENT and now.since != before.since and places[0] != places[1]


def _is_another_loss(
    series: Series, before: Finding, now: Finding, less: tuple[Finding, int | None] | None, since_at: int | None
) -> bool:
    """Whether the loss that is named now is another one than before, beside which it may have gone on; not one that was
    placed wrongly at first, which began when this one did. `less`: what was named before that."""
    if before.kind != now.kind or not _is_one_loss(before, now) or not is_elsewhere(before, now):
        return False
    if less is not None and not is_elsewhere(less[0], now):
        return True
    began = series.moment(now.since)
    return began is not None and since_at is not None and abs(began - since_at) > _SAME_NS
