"""Which of several parallel flows loses, or is slow, while its siblings are not.

A test that is looked at again and again is wrong sooner or later, so this is an e-process: in each round every flow
that is compared had an event or none, and a flow's evidence is multiplied by what that would be worth if its odds were
`w` times those of the others, for several `w`. If all flows are alike, each factor has the mean one, whatever they lose
in common; so that evidence ever reaches `N` / `ALPHA` has a probability of `ALPHA` at most (Ville's inequality).

Losses come in bursts. An event is therefore a loss (or a slow answer) that comes `APART` rounds after the flow's last
event at least, and until then the flow is not compared. Pure; a row has a sample for each round, ns, or less than 0
where nothing is known of the round but `LOST`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Final, Literal, NamedTuple, TypeAlias

from hopscope.path.stats import MS

ALPHA: Final = 0.01
"""The probability of ever calling a flow bad that is like the others."""
APART: Final = 10
"""Rounds between two events of a flow."""
_FARTHER_APART: Final = ((2.0, 20), (6.0, 40))
"""The same where losses in a row are so many in the mean: a burst must hardly ever be two events."""
FEWEST: Final = 10
"""Rounds below which nothing is said."""
LOST: Final = -1
_ODDS: Final = (2.0, 4.0, 16.0, 64.0)
_LEAST: Final = math.log(1e-3)
"""The logarithm below which evidence does not fall, so that what was well for a day is named nearly as soon as at the
beginning. What is added by that makes wrong names more frequent by about a tenth an hour."""
_LIMIT_ROUNDS: Final = 30
_LIMIT_FLOWS: Final = 4
_LIMIT_SHARE: Final = 0.3
"""Of all probes, the answers that a limit leaves at the most."""
_LIMIT_VARIES: Final = 0.2
"""Of what chance would make it, the variance of the answers in a round."""
_SLOW_NS: Final = 5 * MS
_SLOW_SHARE: Final = 1.2

FlowState: TypeAlias = Literal["ok", "losing", "bad", "slow", "dead", "unknown"]


class FlowFinding(NamedTuple):
    """What a flow is like beside its siblings."""

    state: FlowState
    confidence: float


class Evidence:
    """The evidence against each of `count` flows."""

    def __init__(self, count: int, apart: int) -> None:
        self._logs = [[0.0] * len(_ODDS) for _ in range(count)]
        self._free_from = [0] * count
        self._apart = apart
        self.most = [1.0] * count
        """The greatest that it ever was."""

    def take(self, round_: int, events: Sequence[bool | None], out: frozenset[int] = frozenset()) -> None:
        """A round: whether each flow had an event; None: it is not known. `out` are no longer compared."""
        compared = [
            flow
            for flow, event in enumerate(events)
            if event is not None and flow not in out and round_ >= self._free_from[flow]
        ]
        count = len(compared)
        happened = sum(bool(events[flow]) for flow in compared)
        for flow in compared:
            if events[flow]:
                self._free_from[flow] = round_ + self._apart
        if not 0 < happened < count:
            return
        commons = [math.log1p(happened / count * (odds - 1)) for odds in _ODDS]
        for flow in compared:
            logs = self._logs[flow]
            for i, common in enumerate(commons):
                logs[i] = max(_LEAST, logs[i] + (math.log(_ODDS[i]) if events[flow] else 0.0) - common)
            self.most[flow] = max(self.most[flow], sum(map(math.exp, logs)) / len(_ODDS))

    def forget(self, flow: int) -> None:
        """Gather anew what speaks against one of them."""
        self._logs[flow] = [0.0] * len(_ODDS)
        self.most[flow] = 1.0


def _is_lost(sample: int) -> bool | None:
    return True if sample == LOST else False if sample >= 0 else None


def apart_of(rows: Sequence[Sequence[int]], bad: int = 1, before: int = APART) -> int:
    """How many rounds lie between two events at the least, by how long bursts are. `bad`: how many flows may be bad.
    `before`: how many it were so far; fewer only where bursts are clearly shorter: each change is a further look."""
    mean = burst(rows, bad)
    return max(
        (apart for longer, apart in _FARTHER_APART if mean > longer * (0.75 if before >= apart else 1)), default=APART
    )


def burst(rows: Sequence[Sequence[int]], bad: int = 1) -> float:
    """Losses in a row, in the mean. Not those of the quarter that loses most, or of `bad` flows, nor of rounds in which
    all lost."""
    by_losses = sorted(rows, key=lambda row: sum(sample == LOST for sample in row))
    kept = by_losses[: -max(bad, len(rows) // 4)]
    for_all = [all(sample == LOST for sample in samples) for samples in zip(*rows, strict=False)]
    losses = runs = 0
    for row in kept:
        before = 0
        for sample, is_all in zip(row, for_all, strict=False):
            if is_all:
                continue
            losses += sample == LOST
            runs += sample == LOST != before
            before = sample
    return losses / runs if runs else 0.0


def share_a_limit(rows: Sequence[Sequence[int]]) -> bool:
    """Whether one answer or a few a round come back, whoever asks: a target that answers by errors gives no more. Then
    most flows lose much, and the number of answers in a round hardly varies. Below four flows that cannot be told."""
    counts = []
    asked = 0
    for samples in zip(*(row[-_LIMIT_ROUNDS:] for row in rows), strict=False):
        known = [sample for sample in samples if sample >= LOST]
        if len(known) == len(rows):
            counts.append(sum(sample >= 0 for sample in known))
            asked += len(known)
    if len(rows) < _LIMIT_FLOWS or len(counts) < FEWEST or not any(counts[-3:]):
        return False
    answered = sum(counts)
    share, mean = answered / asked, answered / len(counts)
    varies = math.fsum((count - mean) ** 2 for count in counts) / len(counts)
    by_chance: float = len(rows) * share * (1 - share)
    return share <= _LIMIT_SHARE and varies <= _LIMIT_VARIES * by_chance


def events(samples: Sequence[int]) -> tuple[list[bool | None], list[bool | None]]:
    """Of each flow in one round: whether it lost its probe, and whether its answer took clearly longer than the
    others'; None: that is not known."""
    answered = [sample for sample in samples if sample >= 0]
    middle = median(answered) if len(answered) >= 2 else math.inf
    limit = max(middle + _SLOW_NS, middle * _SLOW_SHARE)
    return [_is_lost(sample) for sample in samples], [sample > limit if sample >= 0 else None for sample in samples]
