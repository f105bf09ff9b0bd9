"""What a target's flows lose of late, and whether it answers, by their rows of samples (see `parallel`). Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from hopscope.judge.loss import KEEP, RAISE
from hopscope.judge.parallel import LOST, NOTHING
from hopscope.path.stats import wilson95

_CUT: Final = 40
"""Rounds in a row without an answer for which a flow is cut off, where nearly all probes of the others are answered. A
burst of four losses in the mean is as long once in 75,000 (``0.75 ** 39``)."""
_CUT_OTHERS: Final = 0.9
"""The share of the others' probes that must be answered."""
_CUT_LONGER: Final = 3
"""How many times as long as any row of the others' losses it must last."""
_LATELY: Final = 120
"""The newest rounds, by which flows that go by no bad link are known to lose, too…"""
_RUNS: Final = 3
"""…in as many runs of rounds at least."""
_OUTAGE: Final = 3
"""Rounds in a row in which nothing comes back to any of several flows: an outage of all."""
_REACHED: Final = 3
_REACHED_AT_MOST: Final = 30
"""Rounds for which an answer to another flow tells that the target is there, more of them where answers are rare…"""
_BY_CHANCE: Final = 1e-3
"""…until so many without one would come by chance with less than this probability."""


class Outages:
    """When nothing came back to any flow for some rounds: what a member loses then is none of its."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []
        """The first round of each, and the one behind its last."""
        self._next = self._begin = self._rounds = 0
        """The first round that was not looked at yet; and of the newest row of rounds: where it began, and how many
        they are."""

    def look(self, rows: Sequence[Sequence[int]], first_round: int, end: int) -> int:
        """Look at the rounds that are new; up to which it is known what they are."""
        self._spans = [span for span in self._spans if span[1] > first_round]
        for round_ in range(max(self._next, first_round), end):
            samples = [row[round_ - first_round] for row in rows]
            known = [sample for sample in samples if sample >= LOST]
            if len(known) > 1 and max(known) == LOST:
                self._begin = self._begin if self._rounds else round_
                self._rounds += 1
                if self._rounds >= _OUTAGE:
                    if self._rounds > _OUTAGE:
                        self._spans.pop()
                    self._spans.append((self._begin, round_ + 1))
            elif known:
                self._rounds = 0
        self._next = max(self._next, end)
        return self._begin if 0 < self._rounds < _OUTAGE else end

    def has(self, round_: int) -> bool:
        """Whether this round is part of one."""
        return any(begin <= round_ < end for begin, end in reversed(self._spans))

    def without(self, rows: Sequence[Sequence[int]], first_round: int) -> Sequence[Sequence[int]]:
        """The flows' samples, as if nothing were known of these rounds."""
        spans = [(max(0, begin - first_round), end - first_round) for begin, end in self._spans]
        if not spans:
            return rows
        kept = [list(row) for row in rows]
        for row in kept:
            for begin, end in spans:
                row[begin:end] = [NOTHING] * len(row[begin:end])
        return kept


def cut_off(rows: Sequence[Sequence[int]]) -> frozenset[int]:
    """The flows of which nothing comes back any more, while nearly all probes of the others are answered. It must have
    lasted far longer than any burst of the others' losses."""
    newest = [[sample for sample in row[-_CUT:] if sample >= LOST] for row in rows]
    cut = [flow for flow, row in enumerate(newest) if len(row) >= _CUT and max(row) == LOST]
    others = [flow for flow in range(len(rows)) if flow not in cut]
    asked = sum(len(newest[flow]) for flow in others)
    answered = sum(sample >= 0 for flow in others for sample in newest[flow])
    if not cut or not answered or answered < _CUT_OTHERS * asked:
        return frozenset()
    longest = max(max(_losses_in_a_row(rows[flow])) for flow in others)
    return frozenset(flow for flow in cut if _losses_in_a_row(rows[flow])[-1] >= _CUT_LONGER * longest)


def is_reached(rows: Sequence[Sequence[int]]) -> bool:
    """Whether the target answered any of these flows of late."""
    if any(sample >= 0 for row in rows for sample in row[-_REACHED:]):
        return True
    answered = [max(samples) >= 0 for samples in zip(*(row[-_LATELY:] for row in rows), strict=False)]
    silent = next((i for i, is_answered in enumerate(reversed(answered)) if is_answered), len(answered))
    before = answered[: len(answered) - silent]
    if not before:
        return False
    missed = (before.count(False) + 0.5) / (len(before) + 1)
    return silent < min(_REACHED_AT_MOST, math.log(_BY_CHANCE) / math.log(missed))


def losing(rows: Sequence[Sequence[int]], *, did: bool) -> tuple[int, int] | None:
    """Probes of these flows in the newest rounds, and those that were lost, where that is a rate and no episode.
    `did`: it was one a round ago, and does not come and go with chance."""
    newest = [row[-_LATELY:] for row in rows]
    sent, lost = sums(counted(row) for row in newest)
    lossy = [LOST in samples for samples in zip(*newest, strict=False)]
    runs = sum(is_lossy and not was for was, is_lossy in pairwise([False, *lossy]))
    if runs < _RUNS or wilson95(lost, sent)[0] < (KEEP if did else RAISE).floor:
        return None
    return sent, lost


def counted(row: Iterable[int]) -> tuple[int, int]:
    """Of a flow's samples, those of probes with a fate, and of those that are lost."""
    sent = lost = 0
    for sample in row:
        sent += sample >= LOST
        lost += sample == LOST
    return sent, lost


def sums(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """All of them together."""
    n = k = 0
    for one_n, one_k in counts:
        n, k = n + one_n, k + one_k
    return n, k


def _losses_in_a_row(row: Sequence[int]) -> list[int]:
    """The rows of losses between answers, in order; the last one is still going on."""
    runs = [0]
    for sample in row:
        if sample >= 0:
            runs.append(0)
        elif sample == LOST:
            runs[-1] += 1
    return runs
