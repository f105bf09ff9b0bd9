"""Who limits how often it answers? Losses on the beat are a limit's; by chance they wander off it. And a router that
loses more than one behind it loses answers of its own."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final, Literal, TypeAlias

from hopscope.judge.hop_series import ANSWERED, LOST, HopSeries
from hopscope.judge.series import CIRCLED, REFUSED, Series
from hopscope.path.stats import Z99, is_surely_more, wilson

_FEW: Final = 2
"""Gaps below which nothing can be told."""
_TELLING: Final = 3.0
"""So far must chance be expected to wander off the beat before not to have done so means anything."""
_STEADY: Final = 0.3
"""Of that, what a limit stays below (by chance less than one series in a hundred does, where it is long)."""

SURELY: Final = 0.2
"""The same where a loss that stands would be taken back (by chance hardly one series in a thousand stays below it)."""

LEAST: Final = 0.1
"""Of what is asked, a limit leaves out so much: hardly any is so near to the rate of asking that it leaves out less."""
_ALIKE: Final = 0.8
"""Two hops lose in the same rounds where so much of what each loses is in rounds in which both do."""
_LONG: Final = 25
"""Gaps from which on to be steady is no chance."""
_CHANCE: Final = 1e-3
"""The probability, by chance, of fewer gaps that are as even as a limit's."""
_ENOUGH: Final = 2
"""Hops with losses by chance behind which it tells nothing new that others lose on the beat."""
_HALF: Final = 0.5
"""As whole probes are counted, even a limit's are so far off the line."""
_EVEN: Final = 3.0
"""Changes between answered and lost beyond what is usual by chance (standard deviations) that are a limit's: by chance
one series in 740 has so many."""
_EVEN_STILL: Final = 1.5
"""The same for a limit that is known, or whose losses are on the beat as well."""
_SPANS: Final = (120, 480)
"""Rounds in which they are counted."""
_FATED: Final = bytes((LOST, ANSWERED))
_UNFATED: Final = bytes(letter for letter in range(256) if letter not in _FATED)

Beat: TypeAlias = Literal["steady", "chance", "unknown"]


def gaps(column: HopSeries, start: int) -> list[int]:
    """The distances, in answered or lost probes, between those of the rarer of the two fates, from the first loss on:
    before it, a limiter's bucket was full."""
    fates = bytes(column.fates[start:]).translate(None, _UNFATED)
    first = fates.find(LOST)
    if first < 0:
        return []
    rare = LOST if 2 * fates.count(LOST, first) <= len(fates) - first else ANSWERED
    return [len(between) + 1 for between in fates[first:].split(bytes((rare,)))[1:-1]]


def is_told(series: Series, start: int) -> bool:
    """Whether routers tell of most of what the target lost from index `start` on: they refused it, or sent it round."""
    rounds = [i for i, fate in enumerate(series.target.fates[start:], start) if fate == LOST]
    return 2 * sum(series.cut[i] in (REFUSED, CIRCLED) for i in rounds) > len(rounds)


def is_shared(series: Series, start: int) -> bool:
    """Whether packets are lost before the target from index `start` on: the hop before it lost in the very same rounds,
    and a hop before that did not, or so few were lost (`LEAST`) that it is nobody's limit. Hops that leave out half or
    more are not asked: they limit, and may have the same beat."""
    rounds = [i for i, fate in enumerate(series.target.fates[start:], start) if fate == LOST]
    path = [hop for hop in series.path() if 2 * hop.fates.count(ANSWERED, start) > hop.counted(start)[0]]
    if len(path) < 2:
        return False
    last = path[-1]
    together = sum(last.fates[i] == LOST for i in rounds)
    if _ALIKE * len(rounds) > together or _ALIKE * last.fates.count(LOST, start) > together:
        return False
    if len(rounds) < LEAST * series.target.counted(start)[0]:
        return True
    return any(_ALIKE * len(rounds) > sum(hop.fates[i] == LOST for i in rounds) for hop in path)


def is_targets(series: Series, start: int) -> bool:
    """Whether what the target lost from index `start` on is left out by a limit of its own."""
    n, k = series.target.counted(start)
    if k < LEAST * n or beat(gaps(series.target, start)) != "steady":
        return False
    return not is_told(series, start) and not is_shared(series, start)


def is_on_top(hop: HopSeries, before: Sequence[HopSeries], start: int, *, is_known: bool = False) -> bool:
    """Whether from index `start` on the hop limits its answers on top of what packets are lost before it: it loses
    surely more than those before it do, and its losses avoid each other, though they need not be on the beat."""
    size = len(hop.fates)
    for span in _SPANS:
        begin = max(start, size - span)
        n, k = hop.counted(begin)
        counts = [each.counted(begin) for each in before]
        before_n, before_k = sum(n for n, _ in counts), sum(k for _, k in counts)
        if not is_surely_more(k, n, before_k, before_n, Z99):
            continue
        more = _excess_of_runs(bytes(hop.fates[begin:]).translate(None, _UNFATED))
        if more >= _EVEN or (more >= _EVEN_STILL and (is_known or beat(gaps(hop, begin)) == "steady")):
            return True
    return False


def _excess_of_runs(fates: bytes) -> float:
    """How many more runs of one fate there are than by chance, in standard deviations (the test of A. Wald and
    J. Wolfowitz, On a Test Whether Two Samples are from the Same Population, 1940)."""
    n, k = len(fates), fates.count(LOST)
    if n <= k or not k:
        return 0.0
    runs = 1 + fates.count(bytes((LOST, ANSWERED))) + fates.count(bytes((ANSWERED, LOST)))
    pairs = 2 * k * (n - k) / n
    variance = pairs * (pairs - 1) / (n - 1)
    return (runs - 1 - pairs) / math.sqrt(variance) if variance > 0 else 0.0


def beat(distances: Sequence[int], *, steady: float = _STEADY) -> Beat:
    """Whether they come on the beat (a limit), as by chance, or are too few to tell. What is compared is how far they
    are off a straight line at most, with how far independent losses (a bridge of geometric steps) would be: below
    `steady` times as far they are on the beat."""
    expected = _expected(distances)
    if len(distances) < _FEW or expected < _TELLING:
        return "unknown"
    return "steady" if _keeps_within(distances, steady * expected) else "chance"


def is_limit(distances: Sequence[int]) -> bool:
    """Whether they come on the beat so surely that it needs nothing else to be a limit."""
    count, expected = len(distances), _expected(distances)
    if count < _FEW or not expected:
        return False
    if count >= _LONG:
        return expected >= _TELLING and _keeps_within(distances, _STEADY * expected)
    # By chance each sum of the first distances is off the line by a normal deviation, together by a bridge's; so they
    # all are within `most` with the probability `_CHANCE`.
    most = (_CHANCE / math.sqrt(count)) ** (1 / (count - 1)) * expected / (0.8 * math.sqrt(count))
    return most > _HALF and _keeps_within(distances, most)


def _expected(distances: Sequence[int]) -> float:
    """How far independent losses would be off the line, at the end of a series without a bridge's second pier."""
    count = len(distances)
    mean = sum(distances) / max(1, count)
    return math.sqrt(count * mean * (mean - 1))


def _keeps_within(distances: Sequence[int], most: float) -> bool:
    """Whether they are never so far off a straight line."""
    mean = sum(distances) / len(distances)
    off = 0.0
    for gap in distances:
        off += gap - mean
        if off >= most or -off >= most:
            return False
    return True


class Telling:
    """Which hops' losses tell where packets are lost: not those of a router whose limit hides it, as its losses are on
    the beat and the target's are not, or are surely more than those of a hop behind it. Where they are surely fewer
    than the target's they do tell that not all is lost before it."""

    def __init__(self, columns: Sequence[HopSeries], start: int, own: Collection[int] = ()) -> None:
        """`columns`: the hops that answer, in order and the target last; `start`: the index of the first round; `own`:
        the TTLs of those that are known to lose answers of their own."""
        self._columns = columns
        self._start = start
        self._own = frozenset(own)
        self._limits: dict[int, bool] = {}
        """Of each hop by its TTL, once it was asked."""

    def since(self, begin: int, reached: tuple[int, int]) -> tuple[list[HopSeries], list[tuple[int, int]]]:
        """Those that tell it of the rounds from index `begin` on, the target the last, and of each the probes that were
        answered or lost, and those that were lost. `reached`: the target's, without second tries."""
        columns = self._columns
        counts = [hop.counted(begin) for hop in columns]
        asked = [*counts[:-1], reached]
        bounds = [wilson(k, n, Z99) if k else (0.0, Z99 * Z99 / (n + Z99 * Z99)) for n, k in asked]
        fewer, least = bounds[-1]
        limiters = {i for i, hop in enumerate(columns[:-1]) if hop.ttl in self._own}
        for i in range(len(columns) - 2, -1, -1):
            low, high = bounds[i]
            if low > least and high >= fewer:
                limiters.add(i)
            least = min(least, high)
        at_random = 0
        for i, (_, k) in enumerate(counts[:-1]):
            if k and bounds[i][1] >= fewer and i not in limiters:
                if self._is_limit(columns[i]) and not self._is_limit(columns[-1]):
                    limiters.add(i)
                else:
                    at_random += 1
                    if at_random == _ENOUGH:
                        break
        told = [i for i in range(len(columns)) if i not in limiters]
        return [columns[i] for i in told], [counts[i] for i in told]

    def _is_limit(self, hop: HopSeries) -> bool:
        known = self._limits.get(hop.ttl)
        if known is None:
            known = self._limits[hop.ttl] = is_limit(gaps(hop, self._start))
        return known
