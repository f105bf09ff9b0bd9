"""Is a hop fine, and is its loss real? Judged by the numbers that stand in the table, since the last reset.

Whether its loss is trouble now is the judge's to say (`hopscope.judge`), and `hopscope.words.hops` heeds that.

Loss or delay that is real goes on to the target; what stops at a hop is only how that router answers: routers answer
expired packets slowly and at a limited rate, and forward all others at full speed all the while.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hopscope.path.evidence import (
    COLLECTING,
    GONE,
    Confidence,
    confidence,
    is_significant,
    last_fate,
)
from hopscope.path.snapshot import FAILED, Hop, LocalError, Path
from hopscope.path.stats import MS, wilson95

HopState: TypeAlias = Literal[
    "starting", "ok", "past", "silent", "cosmetic", "slow-to-answer", "loss", "no-answer", "this-computer"
]


class HopFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What a hop is like."""

    state: HopState
    confidence: Confidence
    error: LocalError | None = None
    """``this-computer``: what failed."""
    lost: int = 0
    """``ok``: chance losses, of `n`; ``past``: what was lost in all."""
    n: int = 0
    loss_pct: float | None = None
    """``cosmetic`` and ``loss``."""
    goes_on_pct: float | None = None
    """``loss``: of it, what a later hop loses as well, where that is less."""
    begins_here: bool = False
    """``loss``: it begins here, just before, or on the way back."""
    is_last: bool = False
    """``loss``: no later hop answers."""
    extra_ns: int | None = None
    """``slow-to-answer``: by how much it answers later than hops behind it; None: it answers after the timeout only."""

    @property
    def is_trouble(self) -> bool:
        """Worth the colour of trouble."""
        return self.state in ("loss", "no-answer", "this-computer")


def hop_health(path: Path, hop: Hop) -> HopFinding:
    """Judge one hop of `path` by its numbers since the last reset."""
    n = hop.received + hop.lost
    sure = confidence(n)
    if hop.failed and last_fate(hop) == FAILED:
        return HopFinding(state="this-computer", confidence=sure, error=hop.last_error)
    if not n and not hop.late:
        return HopFinding(state="starting", confidence="collecting")
    later = [other for other in path.rows if other.ttl > hop.ttl and (other.received or other.late)]
    if not hop.received:
        return _without_answers(hop, later, sure)
    if hop.lost:
        verdict = _loss_at(path, hop, later, sure)
        if verdict:
            return verdict
    extra = _slow_to_answer(hop, later)
    if extra:
        return HopFinding(state="slow-to-answer", confidence=sure, extra_ns=extra)
    return HopFinding(state="ok", confidence=sure, lost=hop.lost, n=n)


def loss_onset(path: Path) -> int | None:
    """The smallest TTL from which loss goes on, over every answering hop, to the target, since the last reset; None
    without significant loss there."""
    rows = [(hop.ttl, hop.lost, hop.lost + hop.received) for hop in path.rows if hop.received]
    if not rows or not is_significant(rows[-1][1], rows[-1][2]):
        return None
    floor = wilson95(rows[-1][1], rows[-1][2])[0]
    onset = None
    for ttl, lost, n in reversed(rows):
        if lost and lost / n >= floor:
            onset = ttl
        elif not lost or wilson95(lost, n)[1] < floor:
            break  # this one is clean; one that may be either leaves it to the hops before it
    return onset


def _without_answers(hop: Hop, later: list[Hop], sure: Confidence) -> HopFinding:
    if hop.late:
        return HopFinding(state="slow-to-answer", confidence=sure)
    if later:
        return HopFinding(state="silent", confidence=sure)
    if hop.lost < GONE:
        return HopFinding(state="starting", confidence=sure)
    return HopFinding(state="no-answer", confidence=sure)


def _loss_at(path: Path, hop: Hop, later: list[Hop], sure: Confidence) -> HopFinding | None:
    """Is the loss of this hop real (it goes on), cosmetic (it goes no further), or chance (None)?"""
    lost, n = hop.lost, hop.received + hop.lost
    if sure == "collecting" or not is_significant(lost, n):
        return None
    pct = 100 * lost / n
    answering = [(other.lost, other.lost + other.received) for other in later]
    least = min((c for c in answering if c[1] >= COLLECTING), key=lambda c: c[0] / c[1], default=(lost, n))
    surely_less = wilson95(lost, n)[0] > wilson95(*least)[1]
    # While the end of the path loses as well, half as much at one hop between may be chance: it proves nothing.
    end_is_lossy = bool(answering) and is_significant(*answering[-1])
    if surely_less or (not end_is_lossy and 2 * least[0] * n <= lost * least[1]):
        if is_significant(*least):
            return HopFinding(
                state="loss", confidence=sure, loss_pct=pct, goes_on_pct=100 * least[0] / least[1], is_last=not later
            )
        return HopFinding(state="cosmetic", confidence=sure, loss_pct=pct)
    begins = loss_onset(path) == hop.ttl and bool(later)
    return HopFinding(state="loss", confidence=sure, loss_pct=pct, begins_here=begins, is_last=not later)


def _slow_to_answer(hop: Hop, later: list[Hop]) -> int:
    """By how many ns this hop's median exceeds what is needed to reach a later hop; 0 where that is nothing."""
    medians = [other.rtt.median for other in later if other.rtt and other.rtt.median is not None]
    if hop.received < COLLECTING or not hop.rtt or hop.rtt.median is None or not medians:
        return 0
    best = min(medians)
    extra = hop.rtt.median - best
    return int(extra * MS) if extra > max(5.0, best / 5) else 0
