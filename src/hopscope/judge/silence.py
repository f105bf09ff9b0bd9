"""What needs no statistics: somebody says why the target is silent, packets go round in a ring, this computer fails.

Facts hold only while they are new and the target does not answer. All functions are pure, over `Series`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from hopscope.judge.hop_series import ANSWERED, FAILED, LATE, LOST, NONE, HopSeries
from hopscope.judge.onset import onset
from hopscope.judge.series import CIRCLED, RING, RouterError, Series
from hopscope.judge.spikes import last_spike
from hopscope.judge.verdict import Numbers, Trouble
from hopscope.wire.answers import plain

GONE: Final = 3
"""Losses of the target in a row that are silence, where nothing was lost before."""
NEW: Final = 4
"""Rounds for which an error or a loop is news."""
_FEW_ERRORS: Final = 2
"""Rounds with an error up to which nothing is known of how often they come."""
_MOST_APART: Final = 90
_TOLD_AT_LAST: Final = 30
"""Rounds of an outage after which somebody may begin to say why nothing gets through, and it is the same trouble since
its beginning: a limit leaves out so many. Later it is another state of the network, as once a route is withdrawn."""
_FAR_MORE: Final = 2
"""Probes lost by those answered late (a ratio) from which on the loss is the graver of the two."""
RECENT: Final = 120
"""Rounds by which it is known how surely a hop answers."""
_LONG: Final = 240
"""The same as `RECENT` where late answers are known to come."""
_OVER: Final = 30
"""Rounds without a late answer after which there are none any more, at least…"""
_SURELY_OVER: Final = math.log(1e5)
"""…and where chance would have so many in a row once in 100,000 times (natural logarithm)."""
_OWN: Final = 20
"""Rounds in which this computer's own failures are counted."""
_APART: Final = 10
"""Rounds between two of its failures that belong together, at most."""

_AT_MOST: Final = 0.9
"""Nothing answers more surely than this…"""
_BY_CHANCE: Final = math.log(1000)
"""…and what is silent no longer answers where chance would do that once in so many times (natural logarithm)."""

REFUSED_KINDS: Final[frozenset[Trouble]] = frozenset(("unreachable", "filter", "mtu"))
"""Kinds in which somebody said why the target is silent."""
EXPLAINED: Final[frozenset[Trouble]] = REFUSED_KINDS | {"loop"}
"""Kinds in which it is known why the target is silent."""
SILENT: Final[frozenset[Trouble]] = EXPLAINED | {"outage"}
"""Kinds in which it is silent since a moment, which is kept while the trouble stays where it is."""


class Finding(NamedTuple):
    """Trouble, and where."""

    kind: Trouble
    first_ttl: int | None
    last_ttl: int | None
    since: int
    """The ordinal of the round in which it began; below the first: unknown."""
    confidence: float
    numbers: Numbers
    surely: tuple[int, int] | None = None
    """The wider place outside of which it hardly can be; from 0: the first hop may lose already."""
    untold: frozenset[int] = frozenset()
    """TTLs of routers that limit how often they answer: they tell nothing of where it is."""
    own: frozenset[int] = frozenset()
    """TTLs of routers that lose answers by themselves, while all is fine as well."""
    steady: frozenset[int] = frozenset()
    """TTLs of the routers that answered before it: by these it is known where an outage is."""
    hides: Finding | None = None
    """The outage farther away that stood when this one began, and may last behind it."""
    again: int | None = None
    """The ordinal of the first round in which it was seen to last, behind a nearer one that was over."""

    @property
    def comes_and_goes(self) -> bool:
        """See `Verdict`."""
        return self.kind in SILENT and self.numbers.times > 1


def is_elsewhere(found: Finding, stands: Finding) -> bool:
    """Whether what was found and what stands have no hop in common: then they are two troubles."""
    if found.first_ttl is None or found.last_ttl is None or stands.first_ttl is None or stands.last_ttl is None:
        return False
    return found.first_ttl > stands.last_ttl or found.last_ttl < stands.first_ttl


def silent_rounds(series: Series) -> int:
    """For how many rounds the target has not been reached; rounds without a probe's fate are passed over."""
    newest = series.target.fates[begin_of_silence(series) - series.base :]
    return len(newest) - newest.count(NONE)


def begin_of_silence(series: Series) -> int:
    """The ordinal of the first round since the target last answered."""
    fates = series.target.fates
    at = max(fates.rfind(ANSWERED), fates.rfind(LATE)) + 1
    return series.base + at


def _silent_since(series: Series, stands: Finding | None) -> int | None:
    """The same; None where it never answered. `stands`: what was found before."""
    if stands is not None and stands.kind == "outage":
        return stands.since
    fates = series.target.fates
    return begin_of_silence(series) if ANSWERED in fates or LATE in fates else None


def _is_told_late(stands: Finding | None, began: int) -> bool:
    """Whether what tells why the target is silent, which `began` in that round, is no part of what `stands`: another
    reason was known till then, or none was for long."""
    if stands is None or stands.kind not in SILENT:
        return False
    return stands.kind != "outage" or began - stands.since > _TOLD_AT_LAST


def _begin_of_row(ordinals: Sequence[int], apart: int) -> int:
    """The first of the last ones of which no two that follow each other are farther apart. Not empty, in order."""
    first = ordinals[-1]
    for each in reversed(ordinals):
        if first - each > apart:
            break
        first = each
    return first


def said(series: Series, silent: int, size: int | None, stands: Finding | None) -> Finding | None:
    """An error, from a router or from the target, that keeps the probes from it; they have `size` bytes, where that is
    known. `stands`: what was found before."""
    if not series.refusals or silent < 2:
        return None
    since = begin_of_silence(series)
    last = series.refusals[-1]
    new = series.end - _news_of_errors(series, since)
    news = [refusal for refusal in series.refusals if refusal.at >= max(since, new)]
    if last.at < new or last.at < since or (len({refusal.at for refusal in news}) < 2 and silent < GONE):
        return None
    nearest = min((refusal for refusal in news if refusal.at >= last.at - 1), key=lambda refusal: refusal.ttl)
    kind: Trouble = "unreachable"
    if nearest.kind == "fragmentation-needed":
        kind = "mtu"
    elif nearest.kind == "prohibited" and not nearest.is_precedence:
        kind = "filter"
    first, place = _place_of(series, nearest)
    if kind == "mtu":
        first, place = place, place + 1
    # Who refuses a packet and says that larger ones pass is wrong about one of the two.
    mtu = nearest.mtu if nearest.mtu is not None and (size is None or nearest.mtu < size) else None
    numbers = Numbers(says=nearest.kind, address=nearest.address, mtu=mtu)
    began = [r.at for r in series.refusals if r.at >= since]
    found = Finding(kind, first, place, began[0], 0.97, numbers)
    silent_since = _silent_since(series, stands)
    if stands is not None and stands.kind in SILENT and is_elsewhere(found, stands):
        own = [r.at for r in series.refusals if r.at >= since and r.address == nearest.address]
        begin = _begin_of_row(own, 2 * (series.end - new))
        is_both = any(r.at >= begin and r.address == stands.numbers.address for r in series.refusals)
        return stands if is_both and stands.kind == kind else found._replace(since=begin)
    if stands is not None and stands.kind == kind:
        return found._replace(since=stands.since)
    alike = _begin_of_row([r.at for r in series.refusals if r.at >= since and r.kind == nearest.kind], _MOST_APART)
    if _is_told_late(stands, alike):
        return found._replace(since=alike)
    if silent_since is not None:
        return found._replace(since=min(began[0], silent_since + NEW))
    return found._replace(since=_begin_of_row(began, 2 * (series.end - new)))


def _news_of_errors(series: Series, since: int) -> int:
    """For how many rounds an error is news: longer where who sends them limits how often, as all those since the
    ordinal `since` tell."""
    rounds = sorted({refusal.at for refusal in series.refusals if refusal.at >= since})
    if len(rounds) <= _FEW_ERRORS:
        return 2 * NEW
    apart = (rounds[-1] - rounds[0]) / (len(rounds) - 1)
    return max(2 * NEW, min(_MOST_APART, math.ceil(3 * apart)))


def _place_of(series: Series, refusal: RouterError) -> tuple[int, int]:
    """A router that refuses stands at its own TTL, where it answered probes that ended there, or else at the smallest
    one at which it refuses: if it limits how often, each round's refusal is another probe's."""
    for ttl, hop in sorted(series.hops.items()):
        if ttl <= refusal.ttl and hop.runs and hop.runs[-1].address == refusal.address:
            return ttl, ttl
    if plain(refusal.address) == series.address:
        return refusal.ttl, refusal.ttl
    since = begin_of_silence(series)
    own = min(r.ttl for r in series.refusals if r.address == refusal.address and (r.at >= since or r is refusal))
    return max(1, own - 1), own


def loop(series: Series, silent: int, stands: Finding | None) -> Finding | None:
    """Routers that send packets round: an address that answered of late at three TTLs, equally far apart. A router that
    forwards what has no TTL left answers at two that are next to each other. `stands`: what was found before."""
    if silent < 1 or (silent < 2 and series.target_ttl is not None):
        return None
    end = series.end
    is_known = CIRCLED in series.cut[-RING:]
    if is_known and stands is not None and stands.kind == "loop" and set(series.ring) <= set(stands.numbers.addresses):
        return stands  # routers that limit their answers show a part of it in each round
    at: dict[str, list[int]] = {}
    for ttl, (ordinal, address, kind) in sorted(series.newest.items()):
        if ordinal >= end - NEW and kind == "time-exceeded":
            at.setdefault(address, []).append(ttl)
    rings = {address: ttls for address, ttls in at.items() if len(ttls) >= 3 and _is_even(ttls)}
    if not rings:
        return None
    addresses = sorted(rings, key=lambda address: rings[address][0])
    period = rings[addresses[0]][1] - rings[addresses[0]][0]
    first = rings[addresses[0]][0]
    last = first + period - 1
    if is_known and set(addresses) <= set(series.ring):
        addresses, (first, last) = list(series.ring), series.ring_place()
    numbers = Numbers(addresses=tuple(addresses[:8]))
    begin = _silent_since(series, stands)
    found = Finding("loop", first, last, series.end - 1 if begin is None else begin, 0.98, numbers)
    is_other = stands is not None and stands.kind in SILENT and is_elsewhere(found, stands)
    if stands is not None and stands.kind == "loop" and not is_other:
        return found._replace(since=stands.since)
    circled = [series.base + i for i, why in enumerate(series.cut) if why == CIRCLED] if is_known else []
    if circled and not is_other and _is_told_late(stands, began := _begin_of_row(circled, RING)):
        begin = began
    elif begin is None or is_other:
        begin = max(_came_again(series, address, ttls[1]) for address, ttls in rings.items())
    return found._replace(since=begin)


def _came_again(series: Series, address: str, ttl: int) -> int:
    """The ordinal of the first round in which this router began to answer there as well."""
    hop = series.hops[ttl]
    member = 1 + hop.members.index(address) if address in hop.members else -1
    rounds = [i for i, who in enumerate(hop.who) if who == member]
    return series.base + _begin_of_row(rounds, 2 * NEW) if rounds else series.end - 1


def _is_even(ttls: Sequence[int]) -> bool:
    return ttls[1] - ttls[0] >= 2 and len({b - a for a, b in pairwise(ttls)}) == 1


def never(series: Series) -> Finding | None:
    """The target never answered. The place is behind the last hop that answers now."""
    if len(series) < GONE:
        return None
    far = next((hop.ttl for hop in reversed(series.path()) if still_answers(hop)), None)
    last = None if far is None else max(far + 1, series.first_ttl)
    return Finding("no-answer", far, last, 0, 0.9 if len(series) >= 5 else 0.8, Numbers())


def still_answers(hop: HopSeries) -> bool:
    """Whether its silence since it last answered may be chance, at the rate at which it answered before."""
    return log_chance(hop) < _BY_CHANCE


def log_chance(hop: HopSeries) -> float:
    """In how many times chance would once do so long a silence (natural logarithm)."""
    fates = hop.fates
    last = fates.rfind(ANSWERED) + 1
    if not last:
        return math.inf
    quiet = fates.count(LOST, last)
    n, k = hop.counted(max(0, last - RECENT), last)
    return -quiet * math.log1p(-min(_AT_MOST, (n - k) / n))


def is_more_lost(series: Series) -> bool:
    """Whether far more of the target's answers do not come at all than come late: then that is what is wrong."""
    fates = series.target.fates[-RECENT:]
    return fates.count(LOST) > _FAR_MORE * max(1, fates.count(LATE))


def late(series: Series, stands: Finding | None = None) -> Finding | None:
    """The target answers, but after the timeout. `stands`: what was found before."""
    goes_on = stands is not None and stands.kind == "late"
    fates = series.target.fates[-_LONG if goes_on else -RECENT :]
    answered, in_time = fates.count(LATE), fates.count(ANSWERED)
    known = answered + in_time + fates.count(LOST)
    # Where nothing comes in time, the first one tells.
    if not goes_on and (answered < (2 if in_time else 1) or 20 * answered <= known):
        return None
    # Where it does not go on it is over.
    if not answered or _quiet_since(series.target, LATE) >= (_gap(series.target, LATE) if goes_on else _OVER):
        return None
    begin, end = _late_from(series, stands if goes_on else None)
    first = series.end - len(fates) + fates.find(LATE)
    return Finding("late", begin, end, first, min(0.95, 0.7 + answered / 40), Numbers(late=answered))


def _quiet_since(column: HopSeries, fate: int) -> int:
    """How many rounds there were since the last one of this fate."""
    return len(column.fates) - 1 - column.fates.rfind(fate)


def _gap(column: HopSeries, fate: int) -> int:
    """How many rounds without this fate are more than chance, at the share that it has."""
    fates = column.fates
    first, last = fates.find(fate), fates.rfind(fate)
    # Of few of them it is hardly known.
    share = fates.count(fate) / (last + 1 - first + _OVER)
    return max(_OVER, min(_LONG, math.ceil(_SURELY_OVER / -math.log1p(-min(_AT_MOST, share)))))


def _late_from(series: Series, stands: Finding | None) -> tuple[int, int]:
    """From where on answers come late: as loss has its place, by what all hops have late. `stands`: what was found
    before, where it goes on."""
    target = series.target_ttl or max(series.hops, default=1)
    hops = [hop for hop in series.hops.values() if hop.ttl < target and (hop.answers or LATE in hop.fates)]
    hops.sort(key=lambda hop: hop.ttl)
    ttls = [*(hop.ttl for hop in hops), target]
    start = max(0, len(series) - RECENT) if stands is None else 0
    late_ones = [hop.fates.count(LATE, start) for hop in (*hops, series.target)]
    in_time = [hop.fates.count(ANSWERED, start) for hop in (*hops, series.target)]
    found = onset([(many + k, k) for many, k in zip(in_time, late_ones, strict=True)])
    if found is None:
        return (ttls[-2] if hops else target), target
    first, last = found.first, found.last
    if stands is not None and stands.first_ttl is not None and stands.last_ttl in ttls:
        # The place narrows, unless it surely is another one.
        was_last = ttls.index(stands.last_ttl)
        was_first = next(i for i, ttl in enumerate(ttls) if ttl > stands.first_ttl or i == was_last)
        if was_first <= last and first <= was_last:
            first, last = max(first, was_first), min(last, was_last)
        elif was_first <= found.surely_last and found.surely_first <= was_last:
            first, last = was_first, was_last
    return (ttls[first - 1] if first else max(1, series.first_ttl)), ttls[last]


def this_computer(series: Series) -> Finding | None:
    """This computer cannot send: it failed for most of the probes, or in several of the last rounds for a good part."""
    columns = [hop for hop in series.hops.values() if FAILED in hop.fates[-_OWN:]]
    if not columns or series.failure is None or _is_over(series):
        return None
    start = max(0, len(series) - _OWN)
    rounds = sum(any(hop.fates[i] == FAILED for hop in columns) for i in range(start, len(series)))
    failed = sum(hop.fates.count(FAILED, start) for hop in columns)
    total = sum(len(hop.fates) - start - hop.fates.count(NONE, start) for hop in series.hops.values())
    if (rounds < GONE or 20 * failed <= total) and 2 * failed <= total:
        return None
    numbers = Numbers(failed=failed, error=series.failure.error, message=series.failure.message)
    return Finding("this-computer", None, None, _first_failure(series), 0.97, numbers)


def _is_over(series: Series) -> bool:
    """No failure for three times as long as there was between two, or for ten rounds."""
    failures = _failures(series)
    longest = max((later - earlier for earlier, later in pairwise(failures)), default=1)
    return len(series) - 1 - failures[-1] >= min(_APART, 3 * longest)


def _failures(series: Series) -> list[int]:
    """The indexes of the rounds of this row of failures: not more than ten rounds lie between two."""
    columns = [hop.fates for hop in series.hops.values() if FAILED in hop.fates]
    row: list[int] = []
    for i in range(len(series) - 1, -1, -1):
        if row and row[-1] - i > _APART:
            break
        if any(fates[i] == FAILED for fates in columns):
            row.append(i)
    return row[::-1]


def _first_failure(series: Series) -> int:
    """The ordinal of the first round of this row of failures."""
    return series.base + _failures(series)[0]


def end_of(found: Finding, series: Series, noticed: int) -> int:
    """The ordinal of the first round without the trouble, whose end was `noticed` in the round of that ordinal. What is
    a fact while it is new, or stands by statistics, is noticed to be over later than it is."""
    kind, fates = found.kind, series.target.fates
    stop = series.index(noticed)
    n = found.numbers
    usual, now = (n.usual_ns, n.now_ns) if n.slow_ns is None else (n.quick_ns, n.slow_ns)
    if kind == "this-computer":
        last = series.failed_at
    elif kind in ("late", "loss", "bad-member"):
        at = fates.rfind(LATE if kind == "late" else LOST, 0, stop)
        if kind == "loss" and found.last_ttl is not None:
            # The target may have been lucky of late: all hops behind the place tell.
            tell = [
                hop for hop in series.path() if hop.ttl >= found.last_ttl and hop.ttl not in found.untold | found.own
            ]
            at = max([at, *(hop.fates.rfind(LOST, 0, stop) for hop in tell)])
        if at < 0:
            return noticed
        last = series.base + at
    elif usual is not None and now is not None and now > usual:
        middle = (usual + now) / 2e6
        rtts = series.target.rtts
        slow = (i for i in range(stop - 1, -1, -1) if fates[i] == ANSWERED and rtts[i] > middle)
        last = series.base + next(slow, stop - 1)
    elif kind == "local-network" and (spike := last_spike(series, stop)) is not None:
        last = series.base + spike
    else:
        return noticed
    return max(series.base, min(noticed, last + 1))
