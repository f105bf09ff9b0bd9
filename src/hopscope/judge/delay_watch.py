"""A path's delay while it lasts, whether it is what is said or something graver is: since when, and where by now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from hopscope.judge.delay import MIN_ANSWERS, RECENT, Delays, Rise
from hopscope.judge.delay_place import place_in, step_in, turned
from hopscope.judge.hop_series import HopSeries, nearest_rank_ms
from hopscope.judge.route import RouteWatch
from hopscope.judge.series import Series
from hopscope.judge.silence import Finding
from hopscope.judge.slow import LASTING, QUEUES, SETTLED, delayed, end_of_path, named, ttls_of
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

    ttl: int
    """Of the hop from which on all have it."""
    since: int
    """The ordinal of the round in which it began."""
    at: int | None
    """That round's moment (epoch ns)."""
    more_ms: float
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
        self._parted: tuple[int, int] = 0, 0
        """The TTL from which on there is more of the delay, and for how many rounds by now; negative: for how many the
        part that is known was not there."""
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
        self._part, self._parted = None, (0, 0)

    def since(self, said: Finding, before: Finding | None) -> tuple[int | None, bool]:
        """Of what is said after something graver (`before`; None: after nothing): since when it lasts (epoch ns; None:
        that is not known here), and whether it was said already."""
        known = self.known
        if known is None or known.kind != said.kind or (before is not None and before.kind in LASTING):
            return None, False
        return self.since_at, self.since_at is not None and said.kind == self._stood

    def look(
        self,
        series: Series,
        delays: Delays,
        routes: RouteWatch,
        source: str | None,
        stands: Finding | None,
        since_at: int | None,
    ) -> Finding | None:
        """The delay as of the newest round. `stands`: what is said to be wrong, since when (epoch ns)."""
        self.elsewhere = None
        is_said = stands is not None and stands.kind in LASTING
        if stands is not None and is_said:
            self.known, self.since_at, self._stood = stands, since_at, stands.kind
        known = self.known
        rise = delays.rise(series, stands=known is not None and known.kind in QUEUES)
        is_settled = known is not None and (series.end - known.since > SETTLED or known.since == self._begun)
        found = None if rise is None else delayed(series, delays, rise, routes, source, known, is_settled=is_settled)
        if found is None or rise is None:
            recent = series.target.counted(max(0, len(series) - RECENT))
            if recent[0] - recent[1] >= MIN_ANSWERS:
                self._missed += 1
            if self._missed >= _OVER:
                self.forget()
            return None
        self._missed = 0
        if known is not None and is_settled and not rise.is_slow:
            profile = delays.profile(series, rise, len(series) - RECENT, series.index(known.since))
            self.elsewhere = self._elsewhere(series, delays, rise, routes, source, known, profile)
            if self.elsewhere is not None:
                found, self._begun = self.elsewhere, self.elsewhere.since
            self._look_farther(series, rise, found, profile)
            found = self._with_part(found)
            if self.elsewhere is not None:
                self.elsewhere = found
        if self.elsewhere is not None or (stands is not None and not is_said):
            if known is None:
                self._stood = None
            if known is None or (known.since != found.since and self.elsewhere is None):
                self.since_at = _moment(series, found.since)
            self.known = found
        return found

    def _elsewhere(
        self,
        series: Series,
        delays: Delays,
        rise: Rise,
        routes: RouteWatch,
        source: str | None,
        known: Finding,
        profile: Sequence[float | None],
    ) -> Finding | None:
        """What it is where it has left its place (`known`) for another one; None: it has not. `profile`: by hop, how
        much of it there is now."""
        first, last = known.first_ttl, known.last_ttl
        if first is None or last is None:
            return None
        hops = series.path()
        where = place_in(profile, rise.more)
        nearer, behind = ttls_of(series, where)
        if not nearer or (nearer, behind) == (first, last) or (nearer < last and behind > first):
            self._moved = 0
            return None
        self._moved += 1
        if self._moved < _MOVED:
            return None
        is_up = behind <= first
        least, most = (behind, first) if is_up else (last, nearer)
        between = [hop for hop, its in zip(hops, profile, strict=True) if least <= hop.ttl <= most and its is not None]
        at = _since(series, delays, between, series.index(known.since), is_up=is_up)
        self._moved = 0
        if at is None:
            return None
        part = self._part
        found = named(series, delays, rise, routes, source, (nearer, behind), at, was_queue=False)
        if found is None:
            return None
        self.ended = at
        if part is not None and part.ttl == behind:
            found = found._replace(since=part.since)
            self.since_at, self._stood, self._part = part.at, part.stood, None
        else:
            step = step_in(profile, rise.more, where[1]) if is_up else None
            stays = step is not None and _ttl(series, step[0]) == last
            self._part = _AddedDelay(last, known.since, self.since_at, 0.0, self._stood) if stays else None
            self.since_at, self._stood = _moment(series, at), None
        self._parted = 0, 0
        return found

    def _look_farther(self, series: Series, rise: Rise, found: Finding, profile: Sequence[float | None]) -> None:
        """Whether a part of the delay that is `found` begins farther on, and began later."""
        place = next((i for i, hop in enumerate(series.path()) if hop.ttl == found.last_ttl), None)
        step = None if place is None else step_in(profile, rise.more, place)
        ttl, rounds = self._parted
        part = self._part
        if part is not None:
            if step is not None and _ttl(series, step[0]) == part.ttl:
                self._part, self._parted = part._replace(more_ms=step[1]), (part.ttl, 0)
            else:
                self._parted = part.ttl, rounds - 1
                if rounds - 1 <= -_PART:
                    self._part, self._parted = None, (0, 0)
            return
        if step is None or _ttl(series, step[0]) != ttl:
            self._parted = 0 if step is None else _ttl(series, step[0]), 1
            return
        self._parted = ttl, rounds + 1
        if rounds + 1 >= _PART:
            self._parted = 0, 0
            start = series.index(found.since)
            at = turned(series.target, rise.now - step[1] / 2, start, is_up=True)
            if at - start >= _APART:
                self._part = _AddedDelay(ttl, series.base + at, series.times[at], step[1], None)

    def _with_part(self, found: Finding) -> Finding:
        """The delay with what is known of a part that began farther on."""
        part = self._part
        if part is None or not part.more_ms:
            return found
        more_ns = round(part.more_ms * 1e6)
        return found._replace(numbers=replace(found.numbers, part_ttl=part.ttl, part_ns=more_ns, part_since=part.at))


def _ttl(series: Series, index: int) -> int:
    """The TTL of a hop by its index in the path; the target's index is the path's length."""
    hops = series.path()
    return hops[index].ttl if index < len(hops) else end_of_path(series)


def _moment(series: Series, ordinal: int) -> int | None:
    """When the round with this ordinal began (epoch ns); None: that is not known."""
    return series.times[ordinal - series.base] if series.base <= ordinal < series.end else None


def _since(series: Series, delays: Delays, between: Sequence[HopSeries], start: int, *, is_up: bool) -> int | None:
    """The ordinal of the round, after index `start`, in which these hops became slow, or quick; None: they did not."""
    for hop in between:
        usual = delays.usual(hop.ttl, series.end)
        was, now = sorted(hop.rtts_of(start, len(series) - 2 * RECENT)), sorted(hop.rtts_of(len(series) - RECENT))
        if usual is None or len(was) < MIN_ANSWERS or len(now) < MIN_ANSWERS:
            continue
        before, after = nearest_rank_ms(was, 50), nearest_rank_ms(now, 50)
        if (after - before if is_up else before - after) > usual.noise:
            return series.base + turned(hop, (before + after) / 2, start, is_up=is_up)
    return None
