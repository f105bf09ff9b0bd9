"""From which hop on is anything lost? All hops behind a lossy link lose, so their trials are pooled.

The description length of a window's counts is compared for each place where loss may begin, with that of no loss at
all; a hop may instead have losses of its own (a router that limits its answers). Losses come in runs, so the score is
divided by how much more they vary than by chance. Pure functions over counts; `k` of `n` probes were lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from hopscope.judge.hop_series import ANSWERED, LOST, HopSeries
from hopscope.path.stats import wilson95

FLOOR: Final = 0.004
"""Loss below this is not worth a word."""
SCORE: Final = 8.0
"""Say loss only where it describes the counts better than no loss does by this much, in natural logarithms (nats)."""
MASS: Final = 0.8
"""A place is the fewest hops that together have this share of the probability."""
PAST: Final = (60, 90, 120, 180, 240)
"""Rounds in which a loss must still go on."""
_LEAST_QUIET: Final = 10
_QUIET: Final = 12.0
"""So sure (natural logarithms) must it be that rounds without loss at the end are no gap as there were before."""
SURE: Final = 0.98
_E: Final = 0.0004
_OWN: Final = 2.5
_A: Final = 1.0
_B: Final = 30.0
"""Shapes of the beta distribution that a rate of loss is drawn from before anything is known (`evidence`): its mean is
1/31, and the smaller a rate, the likelier."""
_LOST_1: Final = bytes(1 if letter == LOST else 0 for letter in range(256))
_FATE_1: Final = bytes(1 if letter in (LOST, ANSWERED) else 0 for letter in range(256))


class Onset(msgspec.Struct, frozen=True):
    """Where loss begins, by one window."""

    score: float
    first: int
    """Indices of the hops: somewhere from the one before `first` to `last`; `best` is the likeliest."""
    last: int
    best: int
    mass: float
    """The probability of the places from `first` to `last`."""
    pooled: tuple[int, ...]
    """Indices of the hops that tell of it."""
    n: int
    k: int
    surely_first: int
    """As `first` and `last`, outside of which it hardly begins."""
    surely_last: int
    costs: tuple[float, ...] = ()
    """Of each place: what it costs (nats) to describe the counts by a loss that begins there."""


def _own_cost(n: int, k: int) -> float:
    q = max(k / n, _E)
    ll = (k * math.log(q) if k else 0.0) + ((n - k) * math.log1p(-q) if k < n else 0.0)
    return 0.5 * math.log(n) + _OWN - ll


def is_own(n: int, k: int) -> bool:
    """Whether a hop that lost so many answers limits them itself, for all that its own numbers tell."""
    return bool(n) and _own_cost(n, k) < -(k * math.log(_E) + (n - k) * math.log1p(-_E))


def onset(counts: Sequence[tuple[int, int]]) -> Onset | None:
    """The onset by (n, k) of each answering hop, in order, the target last; None where no loss describes it better."""
    hops = len(counts)
    if not hops or not counts[-1][1]:
        return None
    log_e, log_1e = math.log(_E), math.log1p(-_E)
    own = [_own_cost(n, k) if n else 0.0 for n, k in counts]
    share = [k / n if n else 0.0 for n, k in counts]
    clean = [-(k * log_e + (n - k) * log_1e) for n, k in counts]
    # The target has no loss "of its own": if it loses, packets are lost.
    none = [min(cost, mine) if n else 0.0 for cost, mine, (n, _) in zip(clean, own, counts, strict=True)]
    none[-1] = clean[-1]
    total = sum(none)
    lossy: list[_Row] = [(i, n, k, own[i], share[i]) for i, (n, k) in enumerate(counts) if k]
    # At any rate, each probe to a hop that lost nothing costs the same.
    unlost = sum(n for n, k in counts if not k)
    before = 0.0
    n_left, k_left = sum(n for n, _ in counts), sum(k for _, k in counts)
    price = 0.5 * math.log(n_left)
    costs: list[float] = []
    pools: list[tuple[int, ...]] = []
    for start, (n, k) in enumerate(counts):
        cost, pool = _from(lossy, unlost, k_left / n_left)
        costs.append(before + cost + price)
        pools.append(pool)
        before += none[start]
        n_left, k_left = n_left - n, k_left - k
        if k:
            lossy = lossy[1:]
        else:
            unlost -= n
    best = min(range(hops), key=costs.__getitem__)
    score = total - costs[best]
    if score <= 0:
        return None
    weights = [math.exp(min(0.0, costs[best] - cost)) for cost in costs]
    mass = sum(weights)
    places = sorted(range(hops), key=costs.__getitem__)
    first, last, sure = fewest(places, weights, MASS * mass)
    surely_first, surely_last, _ = fewest(places, weights, SURE * mass)
    pool = tuple(sorted((*pools[best], *(i for i in range(best, hops) if counts[i][0] and not counts[i][1]))))
    n, k = sum(counts[i][0] for i in pool), sum(counts[i][1] for i in pool)
    return Onset(score, first, last, best, min(1.0, sure / mass), pool, n, k, surely_first, surely_last, tuple(costs))


def cost_from(counts: Sequence[tuple[int, int]]) -> tuple[float, tuple[int, ...]]:
    """The cost (nats) of these hops' (n, k) if loss begins with the first of them, and the indices of those that tell
    of it; of none where nothing was lost at the last."""
    if not counts[-1][1]:
        return -sum(n - k for n, k in counts) * math.log1p(-_E) - sum(k for _, k in counts) * math.log(_E), ()
    lossy = [(i, n, k, _own_cost(n, k), k / n) for i, (n, k) in enumerate(counts) if k]
    n, k = sum(n for n, _ in counts), sum(k for _, k in counts)
    cost, pool = _from(lossy, sum(n for n, k in counts if not k), k / n)
    return cost, tuple(sorted((*pool, *(i for i, (n, k) in enumerate(counts) if n and not k))))


def fewest(places: Sequence[int], weights: Sequence[float], mass: float) -> tuple[int, int, float]:
    """The smallest and the largest of the likeliest places that have so much weight, and how much they have."""
    sure = 0.0
    for count, place in enumerate(places, 1):
        sure += weights[place]
        if sure >= mass or count == len(places):
            return min(places[:count]), max(places[:count]), sure
    raise AssertionError("there is no place")


def _from(lossy: Sequence[_Row], unlost: int, pooled: float) -> tuple[float, tuple[int, ...]]:
    """The cost of some hops, if loss begins with them, and which of those that lost something it explains: `lossy`, the
    target the last of them. The others had so many probes, `unlost`; of all of them the share `pooled` is lost."""
    at_target = lossy[-1][-1]
    found = _at_rate(at_target, lossy, unlost)
    # Where the target was lucky, or most of the hops are limited, the other end of the scale is the better begin.
    if abs(pooled - at_target) > 0.25 * at_target:
        found = min(found, _at_rate(pooled, lossy, unlost))
    return found


def _at_rate(p: float, lossy: Sequence[_Row], unlost: int) -> tuple[float, tuple[int, ...]]:
    """The same with the rate that follows from this first guess."""
    last = lossy[-1][0]
    cost = 0.0
    mine: list[int] = []
    for _ in range(4):
        q = min(max(p, 0.0) + _E, 0.9999)
        log_q, log_1q = math.log(q), math.log1p(-q)
        theirs = 0.0
        mine = []
        trials, losses = unlost, 0
        for i, n, k, own, share in lossy:
            if share > q and own < -(k * log_q + (n - k) * log_1q) and i != last:
                theirs += own
            else:
                mine.append(i)
                trials += n
                losses += k
        cost = theirs - losses * log_q - (trials - losses) * log_1q
        before, p = p, losses / trials
        if abs(p - before) < 1e-6:
            break
    return cost, tuple(mine)


_Row: TypeAlias = tuple[int, int, int, float, float]
"""Of a hop that lost something: its index, its n and k, what losses of its own would cost, and its share of losses."""


class Spread(msgspec.Struct, frozen=True):
    """How the losses of several hops lie in the rounds of a window."""

    phi: float
    """By how much their number in a round varies more than by chance; at least 1."""
    runs: int
    """Runs of rounds in which something was lost."""
    lossy: int
    """Such rounds."""
    burst: float
    """The mean run, by what chance would give."""
    by_round: bytes
    """Losses of each round."""


def spread(columns: Sequence[HopSeries], start: int) -> Spread:
    """Of the rounds from index `start` on."""
    size = len(columns[0].fates) - start
    total = fated = 0
    for column in columns:
        fates = bytes(column.fates[start:])
        total += int.from_bytes(fates.translate(_LOST_1), "little")
        fated += int.from_bytes(fates.translate(_FATE_1), "little")
    by_round = total.to_bytes(size, "little")
    rounds = size - fated.to_bytes(size, "little").count(0)
    if not rounds:
        return Spread(1.0, 0, 0, 1.0, by_round)
    m = len(columns)
    mean = sum(by_round) / rounds
    squares = sum(value * value * by_round.count(value) for value in range(1, m + 1))
    variance = squares / rounds - mean * mean
    chance = mean * (1 - mean / m)
    phi = max(1.0, variance / chance) if chance > 0 else 1.0
    lossy = size - by_round.count(0)
    runs = len(by_round.translate(_AS_WORDS).split())
    p = lossy / rounds
    burst = (lossy / runs) * (1 - p) if runs else 1.0
    return Spread(phi, runs, lossy, max(burst, 0.0), by_round)


_AS_WORDS: Final = b" " + b"x" * 255


def is_past(by_round: bytes, trials: float, k: int, n: int, surely: float) -> bool:
    """Whether the newest rounds, `PAST` or more of them, are so much cleaner than those before that the loss is over:
    by `surely`, in natural logarithms. `trials`: probes a round; `k` of `n` were lost in the whole window."""
    size = len(by_round)
    for span in PAST:
        if size < span + 15:
            return False
        recent = sum(by_round[-span:])
        recent_n = min(n - 1.0, trials * span)
        before, before_n = k - recent, max(1.0, n - recent_n)
        if recent * before_n < before * recent_n and gain(recent, recent_n, before, before_n) > surely:
            return True
    return False


def is_quiet(by_round: bytes) -> bool:
    """Whether nothing was lost in the newest rounds, for far longer than between the losses before: by the chance of a
    gap, whatever its length by now, to end with the next round."""
    known = by_round.rstrip(b"\0")
    quiet = len(by_round) - len(known)
    if quiet < _LEAST_QUIET:
        return False
    known = known.lstrip(b"\0")
    gaps = len(known.translate(_AS_WORDS).split()) - 1
    ends = (gaps + 0.5) / (known.count(0) + 1)
    return -quiet * math.log1p(-min(ends, 0.9)) > _QUIET


def split(by_round: bytes, trials: float) -> tuple[int, float] | None:
    """The index at which the rate of losses changed most likely, and by how much that describes the counts better
    (natural logarithms). `trials`: probes a round. None where there is nothing to split."""
    size = len(by_round)
    k, n = sum(by_round), size * trials
    if not k or size < 2 or k >= n:
        return None
    all_of_it = _likelihood(k, n)
    best: tuple[int, float] | None = None
    so_far = 0
    for i in range(1, size):
        so_far += by_round[i - 1]
        # A rate can begin to be higher only at a loss.
        if not by_round[i]:
            continue
        before_n, after_n, after = i * trials, (size - i) * trials, k - so_far
        if so_far * after_n >= after * before_n or after > after_n:
            continue
        gain = _likelihood(so_far, before_n) + _likelihood(after, after_n) - all_of_it
        if best is None or gain > best[1]:
            best = i, gain
    return best


def gain_at(by_round: bytes, trials: float, at: int) -> float:
    """By how much a rate that is higher from index `at` on describes the counts better than one that never changed
    (natural logarithms). `trials`: probes a round."""
    before, after = sum(by_round[:at]), sum(by_round[at:])
    before_n, after_n = at * trials, (len(by_round) - at) * trials
    if before * after_n >= after * before_n or after > after_n:
        return 0.0
    return gain(before, before_n, after, after_n)


def gain(k1: float, n1: float, k2: float, n2: float) -> float:
    """By how much two rates describe `k1` of `n1` and `k2` of `n2` better than one does (natural logarithms)."""
    return _likelihood(k1, n1) + _likelihood(k2, n2) - _likelihood(k1 + k2, n1 + n2)


def _likelihood(k: float, n: float) -> float:
    """How likely it is that `k` of `n` are lost, at the rate at which that is likeliest (natural logarithm)."""
    if k <= 0 or k >= n:
        return 0.0
    q = k / n
    return k * math.log(q) + (n - k) * math.log1p(-q)


def is_material(found: Onset, phi: float, floor: float) -> bool:
    """Whether the loss is surely above `floor`, with so many trials as there would be without runs."""
    n = max(1, round(found.n / phi))
    return wilson95(min(n, round(found.k / phi)), n)[0] >= floor


def evidence(found: Onset, phi: float, floor: float) -> float:
    """How much speaks for a loss above `floor`, however often one looks: the logarithm of an e-value, that is of how
    much likelier the counts are if its rate is drawn from a beta distribution around 3 % than if it is `floor`."""
    k, n = found.k / phi, found.n / phi
    likely = _log_beta(_A + k, _B + n - k) - _log_beta(_A, _B)
    return likely - k * math.log(floor) - (n - k) * math.log1p(-floor)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
