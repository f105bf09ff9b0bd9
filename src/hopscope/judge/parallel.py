"""Which of several parallel flows loses, or is slow, while its siblings are not.

A test that is looked at again and again is wrong sooner or later, so this is an e-process: in each round every flow
that is compared had an event or none, and a flow's evidence is multiplied by what that would be worth if its odds were
`w` times those of the others, for several `w`. If all flows are alike, each factor has the mean one, whatever they lose
in common; so that evidence ever reaches `N` / `ALPHA` has a probability of `ALPHA` at most (Ville's inequality).

Losses come in bursts. An event is therefore a loss (or a slow answer) with which a burst begins, and while it may go
on the flow is not compared (`bursts`). Pure; a row has a sample for each round, ns, or less than 0 where nothing is
known of the round but `LOST`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import dropwhile
from typing import Final, Literal, NamedTuple, TypeAlias

from hopscope.judge.bursts import Bursts
from hopscope.path.stats import MS

ALPHA: Final = 0.005
"""The probability of ever calling a flow bad that is like the others."""
FEWEST: Final = 10
"""Rounds below which nothing is said."""
LOST: Final = -1
NOTHING: Final = -99
"""A sample of a round of which nothing is known."""
_ODDS: Final = (4.0, 16.0, 64.0, 256.0)
_LEAST: Final = math.log(1e-3)
"""The logarithm below which evidence does not fall, so that what was well for a day is named nearly as soon as at the
beginning. What is added by that makes wrong names more frequent by about a tenth an hour."""
_LIMIT_ROUNDS: Final = 30
_LIMIT_FLOWS: Final = 4
_LIMIT_SHARE: Final = 0.3
"""Of all probes, the answers that a limit leaves at the most."""
_LIMIT_VARIES: Final = 0.2
_LIMIT_VARIES_STILL: Final = 0.6
"""Of what chance would make it, the variance of the answers in a round; where it was a limit before."""
_SLOW_NS: Final = 5 * MS
_SLOW_SHARE: Final = 1.2

FlowState: TypeAlias = Literal["ok", "losing", "bad", "slow", "dead", "unknown"]


class FlowFinding(NamedTuple):
    """What a flow is like beside its siblings."""

    state: FlowState
    confidence: float


class Evidence:
    """The evidence against each of `count` flows, and against some of them `together`, which go by one link: the factor
    then is what the number of their events would be worth. `bursts`: what theirs are like; None: each event counts."""

    def __init__(self, count: int, bursts: Bursts | None = None, together: Sequence[Collection[int]] = ()) -> None:
        self._together = together
        self._logs = [[0.0] * len(_ODDS) for _ in range(count + len(together))]
        self._bursts = bursts
        self.most = [1.0] * len(self._logs)
        """The greatest that it ever was: of each flow, then of each that are together."""

    def take(self, round_: int, events: Sequence[bool | None], out: frozenset[int] = frozenset()) -> None:
        """A round: whether each flow had an event; None: it is not known. `out` are no longer compared. A round in
        which none had one may be left out."""
        bursts = self._bursts
        compared = [
            flow
            for flow, event in enumerate(events)
            if event is not None and flow not in out and (bursts is None or bursts.is_new(flow, round_))
        ]
        self._compare(compared, events)
        if bursts is not None:
            for flow in compared:
                if events[flow]:
                    bursts.counted(flow, round_)
            bursts.take(round_, events)

    def _compare(self, compared: Sequence[int], events: Sequence[bool | None]) -> None:
        count = len(compared)
        happened = sum(bool(events[flow]) for flow in compared)
        if not 0 < happened < count:
            return
        commons = [math.log1p(happened / count * (odds - 1)) for odds in _ODDS]
        for flow in compared:
            logs = self._logs[flow]
            for i, common in enumerate(commons):
                logs[i] = max(_LEAST, logs[i] + (math.log(_ODDS[i]) if events[flow] else 0.0) - common)
            self.most[flow] = max(self.most[flow], sum(map(math.exp, logs)) / len(_ODDS))
        for at, flows in enumerate(self._together, len(self._logs) - len(self._together)):
            theirs = [bool(events[flow]) for flow in compared if flow in flows]
            if not 0 < len(theirs) < count:
                continue
            logs, many = self._logs[at], sum(theirs)
            for i, odds in enumerate(_ODDS):
                mean = _mean(odds, len(theirs), happened, count)
                logs[i] = max(_LEAST, logs[i] + many * math.log(odds) - math.log(mean))
            self.most[at] = max(self.most[at], sum(map(math.exp, logs)) / len(_ODDS))

    def forget(self, flow: int) -> None:
        """Gather anew what speaks against one of them, or against some together."""
        self._logs[flow] = [0.0] * len(_ODDS)
        self.most[flow] = 1.0


@lru_cache(4096)
def _mean(odds: float, these: int, happened: int, count: int) -> float:
    """What `odds` to the power of how many of so many events befall `these` of `count` is in the mean, where each is as
    likely as any other."""
    ways = range(max(0, happened - count + these), min(these, happened) + 1)
    sums = (math.comb(these, one) * math.comb(count - these, happened - one) * odds**one for one in ways)
    return math.fsum(sums) / math.comb(count, happened)


def _is_lost(sample: int) -> bool | None:
    return True if sample == LOST else False if sample >= 0 else None


def share_a_limit(
    rows: Sequence[Sequence[int]],
    first_round: int = 0,
    seconds: Callable[[int], int] = lambda round_: 0,
    *,
    did: bool = False,
) -> bool:
    """Whether one answer or a few a round come back, whoever asks: a target that answers by errors gives no more. Then
    most flows lose much, and the number of answers in a round hardly varies. Below four flows that cannot be told.
    `did`: they did so a round ago; then an answer that comes a little before or after its round changes nothing."""
    counts = []
    begin = max(0, min((len(row) for row in rows), default=0) - _LIMIT_ROUNDS)
    for round_, samples in enumerate(zip(*(row[begin:] for row in rows), strict=False), first_round + begin):
        known = [sample for sample in samples if sample >= LOST]
        if len(known) == len(rows):
            # Who spends its answer on a second try has none for the first of another flow.
            counts.append(sum(sample >= 0 for sample in known) + seconds(round_))
    usual = sorted(counts)[len(counts) // 2] if counts else 0
    # What was saved up at first was given at once, and is none of its rate.
    counts = list(dropwhile(lambda count: count > usual, counts))
    asked = len(rows) * len(counts)
    if len(rows) < _LIMIT_FLOWS or len(counts) < FEWEST or not any(counts[-3:]):
        return False
    answered = sum(counts)
    share, mean = answered / asked, answered / len(counts)
    varies = math.fsum((count - mean) ** 2 for count in counts) / len(counts)
    by_chance: float = len(rows) * share * (1 - share)
    return share <= _LIMIT_SHARE and varies <= (_LIMIT_VARIES_STILL if did else _LIMIT_VARIES) * by_chance


def events(samples: Sequence[int]) -> tuple[list[bool | None], list[bool | None]]:
    """Of each flow in one round: whether it lost its probe, and whether its answer took clearly longer than the
    others'; None: that is not known."""
    from statistics import median  # loaded where it is needed: no first frame waits for it

    answered = [sample for sample in samples if sample >= 0]
    middle = median(answered) if len(answered) >= 2 else math.inf
    limit = slow_above(middle)
    return [_is_lost(sample) for sample in samples], [sample > limit if sample >= 0 else None for sample in samples]


def slow_above(usual: float) -> float:
    """The RTT, ns, above which an answer is clearly slower than others that take as long as is `usual`."""
    return max(usual + _SLOW_NS, usual * _SLOW_SHARE)
