"""Which loss is named, by what windows of different length tell of it. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from hopscope.judge.hop_series import HopSeries
from hopscope.judge.onset import Onset, Spread
from hopscope.judge.silence import Finding
from hopscope.judge.two_losses import parted

_SURELY_ELSEWHERE: Final = 12.0
"""By how much better (nats) newer rounds must be described by a loss that begins elsewhere than by what most of the
rounds tell."""


class LossWindow(NamedTuple):
    """What the rounds from index `begin` on tell of a loss."""

    score: float
    begin: int
    found: Onset
    spread: Spread
    columns: list[HopSeries]
    """The hops that tell of it, the target the last…"""
    counts: list[tuple[int, int]]
    """…and (n, k) of each."""
    is_past: bool
    """The newest rounds are so much cleaner that it is over, if it is one."""


class NamedLoss(NamedTuple):
    """The loss that is named."""

    window: LossWindow
    """Those rounds tell of it."""
    found: Onset
    other: Onset | None
    """That beside it, if there are two."""

    @property
    def hop(self) -> HopSeries:
        """With which it begins."""
        return self.window.columns[self.found.best]


def named(windows: list[LossWindow], start: int, stands: Finding | None) -> NamedLoss | None:
    """The loss that is named, by what the windows tell, the newest first: what came on top of late is told by the
    newest rounds, as a long time tells how it was for most of the while."""
    known = None if stands is None else stands.last_ttl
    told: NamedLoss | None = None
    for window in windows:
        if told is not None and (told.other is None or window.is_past):
            break
        loss, other = parted(window.columns, window.counts, window.found, window.spread.phi, start, known)
        here = NamedLoss(window, loss, other)
        if told is not None:
            # The more rounds tell the same, the better it is known.
            if other is not None and here.hop is told.hop:
                told = here
        elif other is not None and not window.is_past:
            told = here
        elif loss is not window.found and (not window.is_past or loss.best < window.found.best):
            told = here  # what came on top is over, or what it came on top of
    if told is not None:
        return told
    going_on = [window for window in windows if not window.is_past]
    best = max(going_on, key=lambda window: window.score, default=None)
    if best is None:
        return None
    window = next((window for window in going_on if _contradicts(window, best)), best)
    return NamedLoss(window, window.found, None)


def _contradicts(window: LossWindow, best: LossWindow) -> bool:
    """Whether it surely begins elsewhere by now than by most of what is known."""
    at = best.columns[best.found.best]
    if at not in window.columns or window.columns[window.found.best] is at:
        return False
    costs = window.found.costs
    return costs[window.columns.index(at)] - costs[window.found.best] > _SURELY_ELSEWHERE * window.spread.phi
