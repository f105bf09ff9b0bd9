"""A path's delay while it lasts, whether it is what is said or something graver is: since when, and where by now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from hopscope.judge.delay import MIN_ANSWERS, RECENT, Delays, Rise, newest_rtts
from hopscope.judge.delay_levels import (
    came,
    gap_at,
    gap_over,
    levels,
    nearer_place,
    parted_at,
    rise_of,
    split_in,
    went,
)
from hopscope.judge.delay_place import GOOD, place_in
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding
from hopscope.judge.slow import LASTING, QUEUES, SETTLED, PathNow, delayed, named, numbers_of, ttls_of
from hopscope.judge.verdict import Trouble

_OVER: Final = 5
"""Rounds without it after which it is over."""
_MOVED: Final = 15
"""Rounds after which another place is believed."""
_PART: Final = 30
"""Rounds after which a part of the delay is believed to begin farther on, or not to any more."""
_APART: Final = 15
"""Rounds by which that part must have begun later than the rest."""


class _AddedDelay(NamedTuple):
    """A part of the delay that began farther on, at another time."""

    place: tuple[int, int]
    """The TTLs of the last hop that has it not, and of the first one that has."""
    since: int
    """The ordinal of the round in which it began."""
    at: int | None
    """That round's moment (epoch ns)."""
    more_ms: float
    """How much it is; 0: that is not known by now."""
    size_ms: float
    """How much it was when it was found."""
    stood: Trouble | None
    """What it was called when it was all of the delay."""


class DelayWatch:
    """What `delayed` finds, and what is known of it from before."""

    def __init__(self) -> None:
        self.known: Finding | None = None
        """The delay that stands, or stood when something graver came, or came then."""
        self.since_at: int | None = None
        """When that began (epoch ns); None: not known."""
        self._stood: Trouble | None = None
        """As what it was said already."""
        self.elsewhere: Finding | None = None
        """What `look` found last, if it is another trouble than what stood: that is over, and this began then."""
        self.ended = 0
        """The ordinal of the round from which on what stood is over, then."""
        self._part: _AddedDelay | None = None
        self._parted = 0
        """By how many rounds those in which there is more of the delay farther on outnumber those in which there is
        not; negative: those in which the part that is known was not there, the others."""
        self._missed = 0
        """Rounds in a row in which there was no delay."""
        self._moved = 0
        """Rounds in a row in which it was elsewhere."""
        self._begun: int | None = None
        """The ordinal of the round in which it left another place; None: it did not."""

    def forget(self) -> None:
        """It is over."""
        self.known = self.since_at = self._stood = self._begun = None
        self._missed = self._moved = 0
        self._part, self._parted = None, 0

    def since(self, said: Finding, before: Finding | None) -> tuple[int | None, bool]:
        """Of what is said after something graver (`before`; None: after nothing): since when it lasts (epoch ns; None:
        that is not known here), and whether it was said already."""
        known = self.known
        if known is None or known.kind != said.kind or (before is not None and before.kind in LASTING):
            return None, False
        return self.since_at, self.since_at is not None and said.kind == self._stood

    def look(self, now: PathNow, stands: Finding | None, since_at: int | None) -> Finding | None:
        """The delay as of the newest round. `stands`: what is said to be wrong, since when (epoch ns)."""
        self.elsewhere = None
        series, delays = now.series, now.delays
        is_said = stands is not None and stands.kind in LASTING
        if stands is not None and is_said:
            self.known, self.since_at, self._stood = stands, since_at, stands.kind
        known = self.known
        rise = delays.rise(series, stands=known is not None and known.kind in QUEUES)
        is_settled = known is not None and (series.end - known.since > SETTLED or known.since == self._begun)
        found = None if rise is None else delayed(now, rise, known, is_settled=is_settled)
        if found is None or rise is None:
            if newest_rtts(series):
                self._missed += 1
            if self._missed >= _OVER:
                self.forget()
            return None
        self._missed = 0
        if known is not None and is_settled and not rise.is_slow:
            profile = delays.profile(series, rise, len(series) - RECENT, series.index(known.since))
            self.elsewhere = self._elsewhere(now, rise, known, profile)
            if self.elsewhere is not None:
                found, self._begun = self.elsewhere, self.elsewhere.since
            self._look_farther(series, delays, rise, found, profile)
            found = self._with_part(found)
            if self.elsewhere is not None:
                self.elsewhere = found
        if self.elsewhere is not None or (stands is not None and not is_said):
            if known is None:
                self._stood = None
            if known is None or (known.since != found.since and self.elsewhere is None):
                self.since_at = series.moment(found.since)
            self.known = found
        return found

    def _elsewhere(self, now: PathNow, rise: Rise, known: Finding, profile: Sequence[float | None]) -> Finding | None:
        """What it is where it has left its place (`known`) for another one; None: it has not. `profile`: by hop, how
        much of it there is now."""
        first, last = known.first_ttl, known.last_ttl
        if first is None or last is None:
            return None
        nearer, behind = ttls_of(now.series, place_in(profile, rise.more))
        if not nearer or (nearer, behind) == (first, last) or (nearer < last and behind > first):
            self._moved = 0
            return None
        self._moved += 1
        if self._moved < _MOVED:
            return None
        self._moved = 0
        if behind <= first:
            return self._nearer(now, rise, known, behind)
        return self._farther(now, rise, known, (nearer, behind))

    def _nearer(self, now: PathNow, rise: Rise, known: Finding, behind: int) -> Finding | None:
        """The delay that the hops from this TTL on have, before the place of the one that is `known`, which goes on
        behind it, or is over; None: that is all that changed, or nothing did."""
        series, delays = now.series, now.delays
        first, last = known.first_ttl or 0, known.last_ttl or 0
        start, end = series.index(known.since), len(series)
        between = [hop for hop in series.path() if behind <= hop.ttl <= first]
        at = came(series, delays, between, start)
        sides = _index(series, behind), _index(series, last)
        over = gap_over(series, delays, sides, start if at is None else at)
        if at is None and over is not None:
            at = came(series, delays, between, 0)  # it was there before
        elif at is None:
            return None
        since = -1 if at is None else series.base + at
        where = nearer_place(series, delays, end - 2 * RECENT if at is None else at, first)
        if where is None:
            return None
        near = series.up_to(first) if first in series.hops else series
        own = rise_of(series, delays, near.target) or rise
        found = named(now._replace(series=near), own, ttls_of(series, where), since, was_queue=False)
        if found is None:
            return None
        if over is None:
            size = max(0.0, (known.numbers.more_ns or 0) / 1e6 - own.more)
            self._part = _AddedDelay((first, last), known.since, self.since_at, 0.0, size, self._stood)
        self.ended = since if over is None else series.base + over
        self.since_at, self._stood, self._parted = series.moment(since), None, 0
        return found._replace(numbers=numbers_of(rise))

    def _farther(self, now: PathNow, rise: Rise, known: Finding, place: tuple[int, int]) -> Finding | None:
        """The delay that is left where the one that is `known` is over: at this place, or at that of the part that
        began farther on; None: it is not over."""
        series, delays = now.series, now.delays
        part, last = self._part, known.last_ttl or 0
        to = place[0] if part is None else part.place[1] - 1
        between = [hop for hop in series.path() if last <= hop.ttl <= to]
        over = went(series, delays, between, series.index(known.since))
        if over is None:
            return None
        self.ended = series.base + over
        if part is None:
            at = _came_on_top(series, delays, (last, place[1]), series.index(known.since))
            where, since = place, series.base + (over if at is None else at)
        else:
            where, since = part.place, part.since
        # How it varies is told by the rounds that have nothing else.
        shape = max(self.ended, series.end - RECENT)
        found = named(now, rise, where, since, was_queue=False, shape=shape)
        if found is None:
            return None
        if part is None:
            self.since_at, self._stood = series.moment(since), None
        else:
            found = found._replace(kind=part.stood or found.kind)
            self.since_at, self._stood = part.at, part.stood
        self._part, self._parted = None, 0
        return found

    def _look_farther(
        self, series: Series, delays: Delays, rise: Rise, found: Finding, profile: Sequence[float | None]
    ) -> None:
        """Whether a part of the delay that is `found` begins farther on, and began later."""
        near, part, whole = _index(series, found.last_ttl or 0), self._part, (*profile, rise.more)
        if part is not None:
            gap = gap_at(whole, near, _index(series, part.place[1]))
            is_there = gap is not None and gap > GOOD * part.size_ms
            self._parted = min(0, self._parted + (1 if is_there else -1))
            if gap is not None and is_there:
                self._part = part._replace(more_ms=gap)
            elif self._parted <= -_PART:
                self._part, self._parted = None, 0
            return
        self._parted = max(0, self._parted + (1 if split_in(whole, near) else -1))
        if self._parted < _PART:
            return
        self._part = _part_behind(series, delays, found, near)
        self._parted = _PART // 2 if self._part is None else 0

    def _with_part(self, found: Finding) -> Finding:
        """The delay with what is known of a part that began farther on."""
        part = self._part
        if part is None or not part.more_ms:
            return found
        more_ns = round(part.more_ms * 1e6)
        return found._replace(
            numbers=replace(found.numbers, part_ttl=part.place[1], part_ns=more_ns, part_since=part.at)
        )


def _came_on_top(series: Series, delays: Delays, ttls: tuple[int, int], start: int) -> int | None:
    """The index of the round, after index `start`, in which what the hops from the second of these TTLs on have more
    than those from the first on came on top; None: that is not sure."""
    sides = _index(series, ttls[0]), _index(series, ttls[1])
    gap = gap_at(levels(series, delays, len(series) - MIN_ANSWERS), *sides)
    return None if gap is None else parted_at(series, delays, sides, gap, start)


def _part_behind(series: Series, delays: Delays, found: Finding, near: int) -> _AddedDelay | None:
    """The part of the delay that is `found` at the hop with index `near` which begins farther on, and began later;
    None: that is not sure."""
    start = series.index(found.since)
    split = split_in(levels(series, delays, len(series) - 2 * RECENT), near)
    at = None if split is None else parted_at(series, delays, (near, split[0]), split[1], start)
    if split is None or at is None or at - start < _APART:
        return None
    profile = levels(series, delays, at)
    far, gap = split_in(profile, near) or split
    # A hop that tells nothing may have it.
    before = max((i for i in range(near, far) if profile[i] is not None), default=far - 1)
    place = ttls_of(series, (before, far))
    return _AddedDelay(place, series.base + at, series.times[at], gap, gap, None)


def _index(series: Series, ttl: int) -> int:
    """The index in the path of the hop with this TTL, or the first one behind; the target's is the path's length."""
    return sum(hop.ttl < ttl for hop in series.path())
