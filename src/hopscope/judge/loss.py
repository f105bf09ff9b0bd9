"""A rate of loss: where it begins, since when, and whether it is one (not an episode, a limit, or over)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from hopscope.judge.hop_series import LOST, HopSeries
from hopscope.judge.limits import LEAST, SURELY, Telling, beat, gaps, is_shared, is_told
from hopscope.judge.named_loss import LossWindow, named
from hopscope.judge.onset import (
    FLOOR,
    PAST,
    SCORE,
    Onset,
    Spread,
    evidence,
    gain_at,
    is_material,
    is_own,
    is_past,
    is_quiet,
    onset,
    split,
    spread,
)
from hopscope.judge.own_losses import LEARNS, OwnLoss, OwnLosses, narrowed
from hopscope.judge.route import AT_ONCE
from hopscope.judge.series import CIRCLED, REFUSED, Series
from hopscope.judge.silence import Finding, log_chance
from hopscope.judge.verdict import Numbers

WINDOWS: Final = (30, 120, 480)
"""Rounds by which loss is found…"""
_STANDING: Final = (60, 120, 480)
"""…and by which it is known better, once it has lasted for the second of those."""
_ALSO: Final = 120
"""Newest rounds in which the other one of two losses is counted."""
_EACH: Final = 3
_CALM: Final = 0.15
"""The probability of as many rounds without a loss of the target as may be its end."""
_AS_ONE: Final = 0.6
_SILENT: Final = math.log(1e6)
"""A hop answers no more where so long a silence would be chance once in so many times (nats)."""
_MANY: Final = 15
"""Losses on the beat before which a loss that is said is not taken back for a limit."""
_RUNS: Final = 3
_BEFORE: Final = 15
"""Rounds that must lie before the moment since when there is loss."""
_SURE_SPLIT: Final = 6.0
"""By how much a moment must describe the counts better (nats): of some hundred rounds one does by chance."""
_SURE_CHANGE: Final = 3.0
"""The same for the moment at which the route changed: nobody has looked for it."""


class Bar(msgspec.Struct, frozen=True):
    """What evidence must reach."""

    score: float
    floor: float
    past: float
    """How much cleaner the newest rounds must be for it to be over."""
    evidence: float
    """How much must speak for a rate above the floor (`onset.evidence`, nats): counts that begin at one round ever
    come to log(n) by chance, however often one looks, with a probability of at most 1/n (Ville's inequality)."""


RAISE: Final = Bar(SCORE, FLOOR, 4.0, math.log(500))
KEEP: Final = Bar(SCORE / 2, FLOOR / 2, 7.0, -math.inf)
"""For loss that stands: what is said does not come and go with chance."""


class LossWatch:
    """Looks for loss as often as something may have changed: not where nothing was lost in the newest round, and every
    `_EACH` rounds where loss is said already."""

    def __init__(self) -> None:
        self.is_last = False
        """No further round follows: none is left out."""
        self._last: tuple[int, Finding | None] = -1, None
        self._own = OwnLosses()
        self._found_until = 0
        """The ordinal after that of the round by which loss was found last."""

    def forget(self) -> None:
        """What was found last is over."""
        self._last = -1, None

    def look(
        self, series: Series, floor: int, clear: int, stands: Finding | None, *, is_new: bool, is_sought: bool = False
    ) -> Finding | None:
        """The loss as of the newest round. `floor` and `clear`: as for `loss`; `stands`: the loss that is said already;
        `is_new`: since when is not sure yet; `is_sought`: where there is none, something else that is said is over."""
        at, last = self._last
        if stands is None and last is None and series.end % LEARNS == 0:
            self._own.learn(series, series.index(floor))
        if stands is not None:
            if last is not None and series.end - at < _EACH and not self.is_last:
                return last
        elif (
            not is_sought
            and last is None
            and series.target.fates[-1] != LOST
            # Hops that limit their answers lose all the time: every other round is enough.
            and (series.end % 2 or not any(hop.fates[-1] == LOST for hop in series.path()))
        ):
            return None
        found = loss(series, floor, clear, stands, self._own.of(series), is_new=is_new)
        if found is not None:
            self._found_until = series.end
            if stands is not None and _is_calm(series, found):
                # It may be over: what is left of it in older rounds tells worse where it was.
                found = found._replace(first_ttl=stands.first_ttl, last_ttl=stands.last_ttl, surely=stands.surely)
        elif stands is not None and series.end - self._found_until < PAST[0]:
            found = stands if _may_go_on(series, series.index(floor), stands) else None
        self._last = series.end, found
        return found


def loss(
    series: Series,
    floor: int,
    clear: int = 0,
    stands: Finding | None = None,
    own: Mapping[int, OwnLoss] = MappingProxyType({}),
    *,
    is_new: bool = True,
) -> Finding | None:
    """The loss that goes on to the target. `floor`: the ordinal of the first round to look at, that of the present
    route; `clear`: of the first one that tells since when, as no other trouble was there; `stands`: the loss that is
    said already; `own`: what routers lose by themselves (`OwnLosses`); `is_new`: to find out since when."""
    bar = RAISE if stands is None else KEEP
    start = series.index(floor)
    size = len(series)
    target = series.target
    if LOST not in target.fates[max(start, size - WINDOWS[-1]) :]:
        return None
    # One that answers no more tells nothing, and does not lose more and more.
    columns = [hop for hop in series.path() if hop.ttl != series.target_ttl and log_chance(hop) < _SILENT]
    columns.append(target)
    by_window = Telling(columns, start, own)
    windows: list[LossWindow] = []
    before = -1
    is_young = stands is None or series.end - stands.since < WINDOWS[1]
    for rounds in WINDOWS if is_young else _STANDING:
        begin = max(start, size - rounds)
        if begin == before or LOST not in target.fates[begin:]:
            continue
        before = begin
        here = _in_window(*by_window.since(begin, series.reached_of(begin)), begin, bar)
        if here is not None:
            windows.append(here)
    told = named(windows, start, stands)
    if told is None:
        return None
    window, found, other = told
    telling, begin, score = window.columns, window.begin, window.score
    if score < bar.score or _is_limit(series, telling, window.found, window.spread, start, stands=stands is not None):
        return None
    lying = window.spread
    if found is not window.found:
        lying = spread([telling[i] for i in found.pooled], begin)
    surely = _surely(series, telling, found)
    if stands is not None and not is_new and not is_another(surely, stands):
        since = stands.since
    else:
        since = _since(series, telling, start, clear, found, lying)
        if stands is not None and since < series.base and stands.since >= series.base + start:
            since = stands.since
    # Its share is of the rounds since it began.
    lossy = _found(series, telling, max(begin, series.index(since)), score, found, lying, other)
    if found.first == 0 and telling[0] is not columns[0]:
        lossy = lossy._replace(first_ttl=0)  # those that limit may come behind it
    tells = {hop.ttl for window in windows for hop in window.columns}
    lossy = lossy._replace(since=since, untold=frozenset(hop.ttl for hop in columns) - tells, own=frozenset(own))
    return narrowed(lossy, columns, own, found.k / found.n, lying.phi, begin) if own else lossy


def _is_calm(series: Series, lossy: Finding) -> bool:
    """Whether the target lost nothing in so many of the newest rounds that at this rate it would seldom be so."""
    lost, sent = lossy.numbers.lost, lossy.numbers.sent
    quiet = len(series) - 1 - series.target.fates.rfind(LOST)
    return 0 < lost < sent and quiet * math.log1p(-lost / sent) < math.log(_CALM)


def _may_go_on(series: Series, start: int, stands: Finding) -> bool:
    """Whether the present route, which began at index `start`, is too new to tell that the loss that stands is over."""
    lost, sent = stands.numbers.lost, stands.numbers.sent
    if not start or len(series) - start >= PAST[0] or not sent:
        return False
    behind = [series.target, *(hop for hop in series.path() if hop.ttl >= (stands.last_ttl or 0))]
    counts = [hop.counted(start) for hop in behind]
    return sum(n for n, _ in counts) * lost / sent < _SURE_CHANGE + 4 * sum(k for _, k in counts)


def may_begin_at_first(lossy: Finding) -> bool:
    """Whether what is lost may well be lost on the way to the first hop already."""
    return lossy.surely is not None and lossy.surely[0] == 0


def _in_window(columns: list[HopSeries], counts: list[tuple[int, int]], begin: int, bar: Bar) -> LossWindow | None:
    """What the window tells, where it has a rate of loss."""
    found = onset(counts)
    if found is None or found.score < bar.score:
        return None
    lying = spread([columns[i] for i in found.pooled], begin)
    score = found.score / lying.phi
    size = len(lying.by_round)
    if lying.runs < _RUNS and 2 * lying.lossy <= size and not _goes_on(lying, found.k, len(found.pooled)):
        return None
    if not is_material(found, lying.phi, bar.floor) or evidence(found, lying.phi, bar.floor) < bar.evidence:
        return None
    if is_quiet(lying.by_round):
        return None
    trials, surely = found.n / max(1, size), bar.past * lying.phi
    over = is_past(lying.by_round, trials, found.k, found.n, surely)
    return LossWindow(score, begin, found, lying, columns, counts, over)


def _goes_on(lying: Spread, k: int, hops: int) -> bool:
    """Whether the rounds in which something was lost are many and newest ones, and something got through in them: no
    episode in which nothing did."""
    return lying.lossy >= 2 * _RUNS and 10 * k < 7 * lying.lossy * hops and any(lying.by_round[-_RUNS:])


def _is_limit(
    series: Series, columns: list[HopSeries], found: Onset, lying: Spread, start: int, *, stands: bool
) -> bool:
    """Whether the target's losses are a limit's, or too few to tell."""
    pooled = [columns[i] for i in found.pooled]
    are_one = _are_one(series, pooled, lying)
    distances = gaps(columns[-1], start)
    how = beat(distances)
    is_far = found.best < len(columns) - 2 and not are_one
    if is_far and (how != "steady" or any(beat(gaps(column, start)) != "steady" for column in pooled)):
        return False  # else each may have a limit of its own
    if is_told(series, start) or is_shared(series, start):
        return False
    if stands:
        n, k = columns[-1].counted(start)
        surely = SURELY if k >= LEAST * n else SURELY / 2  # the fewer, the more even by chance
        return beat(distances, steady=surely) == "steady" and len(distances) >= _MANY
    if how != "unknown":
        return how == "steady"
    return are_one or found.best == len(columns) - 1 or beat(gaps(columns[-2], start)) != "chance"


def _are_one(series: Series, pooled: list[HopSeries], lying: Spread) -> bool:
    """Whether all hops lose in the same rounds, or nearly: that tells no more than one hop's losses do, since all may
    have the same limit."""
    if len(pooled) <= 2:
        return False
    begin = max(0, len(series) - WINDOWS[0])
    patterns = {bytes(column.fates[begin:]) for column in pooled if LOST in column.fates[begin:]}
    return lying.phi > _AS_ONE * len(pooled) or len(patterns) <= max(2, len(pooled) // 3)


def _found(
    series: Series, columns: list[HopSeries], begin: int, score: float, found: Onset, lying: Spread, other: Onset | None
) -> Finding:
    first = columns[found.first - 1].ttl if found.first else int((columns[0].ttl or series.target_ttl) == 1)
    last = _ttl(series, columns, found.last)
    before = [column.counted(begin) for column in columns[: found.first]]
    theirs = () if other is None else other.pooled
    sums = [each for i, each in enumerate(before) if i in theirs or not is_own(*each)]
    n, k = series.reached_of(begin)
    also = [columns[i].counted(max(begin, len(series) - _ALSO)) for i in theirs]
    numbers = Numbers(
        span_from=series.times[begin],
        rounds=len(series) - begin,
        sent=n,
        lost=k,
        behind_sent=found.n,
        behind_lost=found.k,
        before_sent=sum(n for n, _ in sums),
        before_lost=sum(k for _, k in sums),
        burst=round(lying.burst, 2),
        also_ttl=None if other is None else _ttl(series, columns, other.best),
        also_sent=sum(n for n, _ in also),
        also_lost=sum(k for _, k in also),
    )
    if is_told(series, begin):
        numbers = _told(series, begin, numbers)
    confidence = (1 - math.exp(-score / 4)) * found.mass
    return Finding("loss", first, last, -1, min(0.97, confidence), numbers, _surely(series, columns, found))


def _surely(series: Series, columns: list[HopSeries], found: Onset) -> tuple[int, int]:
    """The wider place outside of which it hardly begins."""
    return columns[found.surely_first - 1].ttl if found.surely_first else 0, _ttl(series, columns, found.surely_last)


def is_another(surely: tuple[int, int], stands: Finding) -> bool:
    """Whether a loss that surely begins there is none of the links of the one that `stands`."""
    if stands.first_ttl is None or stands.last_ttl is None:
        return False
    return surely[0] >= stands.last_ttl or surely[1] <= stands.first_ttl


def _told(series: Series, begin: int, numbers: Numbers) -> Numbers:
    """With what routers say of the rounds from index `begin` on that were lost."""
    cut, refusal = series.cut, series.refused_by
    if cut.count(CIRCLED, begin) > cut.count(REFUSED, begin):
        return msgspec.structs.replace(numbers, addresses=series.ring)
    if refusal is None:
        return numbers
    return msgspec.structs.replace(numbers, says=refusal.kind, address=refusal.address)


def _since(series: Series, columns: list[HopSeries], start: int, clear: int, found: Onset, lying: Spread) -> int:
    """The ordinal of the round in which it began; below the first: not known. At index `start` the present route
    begins; there it begins as well where that tells of it nearly as well as the best moment does."""
    begin = min(start, series.index(clear))
    pooled = _as_target([columns[i] for i in found.pooled], begin, start)
    by_round = spread(pooled, begin).by_round
    size = len(by_round)
    trials = sum(column.counted(begin)[0] for column in pooled) / max(1, size)
    change = split(by_round, trials)
    at = start - begin
    with_route = gain_at(by_round, trials, at)
    is_better = (
        change is not None and abs(change[0] - at) > AT_ONCE and change[1] - with_route > _SURE_SPLIT * lying.phi
    )
    if with_route > _SURE_CHANGE * lying.phi and not is_better:
        return series.base + start
    if change is not None and change[1] > _SURE_SPLIT * lying.phi and change[0] >= _BEFORE:
        return series.base + begin + change[0]
    first = next((i for i, lost in enumerate(by_round) if lost), size)
    # At this rate so many rounds without loss would be one chance in twenty.
    was_always = first * sum(by_round) < 3 * size
    return 0 if begin == series.base == 0 and was_always else series.base - 1


def _as_target(pooled: list[HopSeries], begin: int, end: int) -> list[HopSeries]:
    """Those, the target the last of them, that lost no more than it did before another route began at index `end`: by
    then others may have stood at these TTLs, who limited their answers."""
    if begin == end:
        return pooled
    n, k = pooled[-1].counted(begin, end)
    counts = [column.counted(begin, end) for column in pooled]
    return [each for each, (at, lost) in zip(pooled, counts, strict=True) if at and lost * n <= k * at] or pooled[-1:]


def _ttl(series: Series, columns: list[HopSeries], index: int) -> int:
    if index == len(columns) - 1:
        return series.usual_ttl or columns[-2].ttl + 1
    return columns[index].ttl
