"""A target that never answered, or that limits how often it does: the last router that steadily does stands in for it.

Many targets answer no probe, and their path is watched all the same. What is the stand-in's alone is how that router
answers and no trouble: a hop before it must show the same, unless there is none. For a target that limits its answers
it stands in where packets are lost: what the target loses tells of its limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hopscope.judge.delay import BLOCK
from hopscope.judge.hop_series import ANSWERED, LOST, HopSeries
from hopscope.judge.limits import beat, gaps, is_on_top, is_told
from hopscope.judge.outage import GONE_ALONE, silence
from hopscope.judge.route import TOGETHER, RouteWatch
from hopscope.judge.series import KEPT, Series
from hopscope.judge.silence import (
    GONE,
    Finding,
    begin_of_silence,
    late,
    silent_rounds,
    still_answers,
)
from hopscope.judge.slow import DELAYED
from hopscope.judge.standing import LOSSES, WAYS
from hopscope.judge.verdict import Trouble
from hopscope.path.stats import Z95, Z99, is_surely_more

_SPANS: Final = (30, 120)
"""Rounds by which a router is compared with the one before it: whether it is silent, and whether it limits."""
_SHARED: Final = 2
"""Hops that must lose by chance, not on the beat of a limit, until loss is said."""
_LEAST_LOST: Final = 5
"""Probes of the target that must be lost before it may be found to limit its answers besides."""
_HANDED_ON: Final = 120
"""Rounds after which loss is judged by a target that answers by now."""


class StandInWatch:
    """Which router that is."""

    def __init__(self) -> None:
        self.ttl: int | None = None
        """None: there is none, or none is needed."""
        self.until = 0
        """The ordinal of the round in which the target answered for the first time, while trouble stood that was found
        without it."""
        self._limited: int | None = None
        """Which router tells of losses alone, as the target limits its answers."""

    def stands_for(self, kind: Trouble) -> int | None:
        """The TTL of the router that stands in where this is wrong; None: the target itself tells of it."""
        if self.ttl is not None and kind in WAYS:
            return self.ttl
        return self._limited if kind in LOSSES else None

    def told(self, series: Series, found: Finding | None) -> Series:
        """The path to what tells of it: to the target, or to what stands in for it."""
        stand_in = None if found is None else self.stands_for(found.kind)
        return series if stand_in is None else series.up_to(stand_in)

    def seen(self, series: Series, routes: RouteWatch, stands: Finding | None, *, is_reached: bool) -> Series:
        """The path to the target, or to what stands in for it; to be asked for after each round. `stands`: the trouble,
        which goes on by what it was found on; `is_reached`: the target answers other flows, so nothing needs to."""
        if is_reached:
            self.ttl = None
        elif series.target_ttl is None:
            most = self.ttl if stands is not None and stands.kind in WAYS else None
            self.ttl = _farthest(series, routes.changes[-1].at if routes.changes else 0, self.ttl, most)
        elif self.ttl is not None:
            until = self.until or series.end - 1
            if _goes_on(stands, series.end - until):
                self.until = until
            else:
                self.ttl = None
        return series if self.ttl is None else series.up_to(self.ttl)

    def of_losses(self, seen: Series, floor: int, stands: Finding | None) -> Series:
        """The path to what tells of losses, as `seen` or shorter. `floor`: the ordinal of the present route's first
        round."""
        if self.ttl is not None:
            self._limited = None
        elif seen.end % BLOCK == 0:
            known = self._limited if stands is not None and stands.kind in LOSSES else None
            self._limited = _before_limit(seen, seen.index(floor), known)
        if self._limited is not None and all(hop.ttl != self._limited for hop in seen.path()):
            self._limited = None
        return seen if self._limited is None else seen.up_to(self._limited)


def _before_limit(series: Series, start: int, known: int | None) -> int | None:
    """The TTL of the farthest router that tells of what packets are lost by chance before a target that limits its
    answers besides; None: it does not, or no router does. The one that is `known` stays."""
    if series.target.fates.count(LOST, start) < _LEAST_LOST or is_told(series, start):
        return None
    hops = [hop for hop in series.path() if 2 * hop.fates.count(ANSWERED, start) > hop.counted(start)[0]]
    witnesses = [hop for hop in hops if beat(gaps(hop, start)) == "chance" or hop.ttl == known]
    while len(witnesses) > 1 and witnesses[-1].ttl != known and is_on_top(witnesses[-1], witnesses[:-1], start):
        witnesses.pop()
    while len(witnesses) > 1 and _loses_more(witnesses[-1], witnesses[0]):
        del witnesses[0]  # more is lost behind it
    if not witnesses or not is_on_top(series.target, witnesses, start, is_known=known is not None):
        return None
    return witnesses[-1].ttl if known is None else known


def _goes_on(stands: Finding | None, rounds: int) -> bool:
    """Whether trouble of the way must not flicker while the target is new to it for so many rounds."""
    if stands is None:
        return False
    return rounds < (KEPT if stands.kind in DELAYED else _HANDED_ON if stands.kind in LOSSES else 0)


def _farthest(series: Series, since: int, known: int | None, most: int | None) -> int | None:
    """The TTL of the farthest router that loses no more answers than the one before it does. The one that is `known`
    stays where it fell silent together with that one. `most`: no farther, that trouble stays where it was found."""
    hops = [hop for hop in series.path() if hop.runs[-1].last >= since]
    last = next((hop.runs[-1].last for hop in hops if hop.ttl == known), -1)
    for i in range(len(hops) - 1, -1, -1):
        hop = hops[i]
        if hop.ttl != known and not (hop.runs[-1].last >= last and still_answers(hop)):
            continue
        if (most is not None and hop.ttl > most) or _is_nearer(hops[:i], hop):
            continue
        if i == 0 or not _loses_more(hop, hops[i - 1]) or (hop.ttl == known and _with(hop, hops[i + 1 :])):
            return hop.ttl
    return known if any(hop.ttl == known for hop in hops) else None


def _loses_more(hop: HopSeries, before: HopSeries) -> bool:
    for span in _SPANS:
        start = max(0, len(hop.fates) - span)
        if _has_lost_more(hop, before, start, Z95):
            return True
    return False


def _has_lost_more(hop: HopSeries, other: HopSeries, start: int, z: float) -> bool:
    (n, k), (other_n, other_k) = hop.counted(start), other.counted(start)
    return is_surely_more(k, n, other_k, other_n, z)


def _with(hop: HopSeries, behind: Iterable[HopSeries]) -> list[HopSeries]:
    """Those behind it that limit their answers, and have not answered since it fell silent."""
    at = hop.runs[-1].last
    return [each for each in behind if -1 <= at - each.runs[-1].last <= GONE_ALONE]


def _is_nearer(before: list[HopSeries], hop: HopSeries) -> bool:
    """Whether the router that answered here answers at a smaller TTL by now: a shorter way, or a loop that is over."""
    newest = hop.runs[-1]
    return any(newest.address == each.runs[-1].address and newest.last <= each.runs[-1].last for each in before)


def is_alone(found: Finding, seen: Series) -> bool:
    """Whether the trouble is the stand-in's alone, though it is not the only hop that answers."""
    return seen.target.ttl > 0 and found.last_ttl == seen.target_ttl and len(seen.path()) > 0


def facts(seen: Series, stands: Finding | None) -> Finding | None:
    """What of the way to the stand-in needs no statistics: it is dead, or answers come late."""
    silent = silent_rounds(seen)
    found = silence(seen, silent, stands)
    if found is None and seen.late_at >= seen.base and silent <= seen.late_by + GONE:
        found = late(seen, stands)
    if found is None or _is_new_way(seen, found):
        return None
    behind = (hop for hop in seen.hops.values() if hop.ttl > seen.target.ttl and hop.answers)
    if is_alone(found, seen) and all(still_answers(each) for each in _with(seen.target, behind)):
        return None
    return found


def _is_new_way(seen: Series, found: Finding) -> bool:
    """Whether somebody new answers before the place since it is silent: another way, on which others answer."""
    begin = begin_of_silence(seen) - TOGETHER
    for hop in seen.path():
        run = hop.runs[-1]
        is_before = found.kind == "outage" and hop.ttl < (found.last_ttl or 0)
        if (
            is_before
            and run.first >= max(begin, 1)
            and all(each.address != run.address for each in list(hop.runs)[:-1])
        ):
            return True
    return False


def is_own(lossy: Finding, seen: Series, target: HopSeries, floor: int, *, stands: bool) -> bool:
    """Whether the stand-in alone loses, or too few hops from the place on, the target among them, lose by chance: each
    may have a limit of its own, as one has that loses more than what is behind it. What `stands` goes once it surely is
    the stand-in's."""
    last, start = seen.target.ttl, seen.index(floor)
    if not last:
        return False
    columns = [hop for hop in seen.path() if hop.ttl >= (lossy.last_ttl or 0)]
    if stands:
        is_last = lossy.surely is not None and lossy.surely[0] == last
        return len(seen.path()) > 0 and (
            is_last or all(_has_lost_more(each, seen.target, start, Z99) for each in columns)
        )
    telling = [each for each in columns if not _loses_more(each, seen.target)]
    by_chance = sum(beat(gaps(column, start)) == "chance" for column in (*telling, seen.target))
    if beat(gaps(target, start)) == "chance":
        return not by_chance
    return is_alone(lossy, seen) or by_chance < min(_SHARED, len(seen.path()) + 1)
