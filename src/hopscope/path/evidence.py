"""What a hop is judged by: its newest fate, how sure numbers are, what is more than chance."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hopscope.path.snapshot import NO_PROBE, PENDING, Hop
from hopscope.path.stats import wilson95

COLLECTING: Final = 10
"""Below so many probes with a fate, nothing is said about loss."""

PROVISIONAL: Final = 30
"""Below so many, what is said is provisional."""

GONE: Final = 3
"""Call the target silent after this many lost probes running, up to now."""

Confidence: TypeAlias = Literal["collecting", "provisional", "full"]


def confidence(n: int) -> Confidence:
    """How much `n` probes with a fate can tell."""
    if n < COLLECTING:
        return "collecting"
    return "provisional" if n < PROVISIONAL else "full"


def last_fate(hop: Hop) -> int:
    """The sample of the newest probe that has its fate; `NO_PROBE` where there is none."""
    samples = hop.window.samples
    for i in range(len(samples) - 1, -1, -1):
        if samples[i] not in (NO_PROBE, PENDING):
            return samples[i]
    return NO_PROBE


def is_significant(lost: int, n: int) -> bool:
    """One lost probe is chance, and so is what Wilson's interval does not lift above half a percent."""
    return lost >= 2 and wilson95(lost, n)[0] > 0.005
