"""What findings are made of: fates from the windows, how sure numbers are, when a trouble began."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hopscope.path.snapshot import LATE, LOST, NO_PROBE, PENDING, Hop, Path
from hopscope.path.stats import wilson95

RECENT: Final = 120
"""Rounds that health is judged by: two minutes at one a second."""

COLLECTING: Final = 10
"""Below so many probes with a fate, nothing is said about loss."""

PROVISIONAL: Final = 30
"""Below so many, what is said is provisional."""

GONE: Final = 3
"""Call the target silent after this many lost probes running, up to now."""

CALM: Final = 60
"""An episode ends after this many clean probes; earlier losses belong to a previous episode."""

Confidence: TypeAlias = Literal["collecting", "provisional", "full"]


def confidence(n: int) -> Confidence:
    """How much `n` probes with a fate can tell."""
    if n < COLLECTING:
        return "collecting"
    return "provisional" if n < PROVISIONAL else "full"


def fates(hop: Hop, rounds: int | None) -> list[int]:
    """The samples of the last rounds (None: of the window) whose fate is known and the network's, oldest first."""
    samples = hop.window.samples if rounds is None else hop.window.samples[-rounds:]
    return [sample for sample in samples.tolist() if sample >= 0 or sample in (LOST, LATE)]


def last_fate(hop: Hop) -> int:
    """The sample of the newest probe that has its fate; `NO_PROBE` where there is none."""
    samples = hop.window.samples
    for i in range(len(samples) - 1, -1, -1):
        if samples[i] not in (NO_PROBE, PENDING):
            return samples[i]
    return NO_PROBE


def count(samples: list[int]) -> tuple[int, int]:
    """Lost, and all that loss is counted of."""
    lost = samples.count(LOST)
    return lost, len(samples) - samples.count(LATE)


def loss(hop: Hop, rounds: int | None) -> tuple[int, int]:
    """Lost, and all that loss is counted of, over the last rounds (None: since the last reset)."""
    return (hop.lost, hop.lost + hop.received) if rounds is None else count(fates(hop, rounds))


def is_significant(lost: int, n: int) -> bool:
    """One lost probe is chance, and so is what Wilson's interval does not lift above half a percent."""
    return lost >= 2 and wilson95(lost, n)[0] > 0.005


def run_began(path: Path, hop: Hop, fate: int) -> int | None:
    """When the newest probes of `hop` began to have this fate only; None if that was before the window."""
    samples = hop.window.samples
    began = None
    for i in range(len(samples) - 1, -1, -1):
        if samples[i] == fate:
            began = i
        elif samples[i] not in (NO_PROBE, PENDING):
            return None if began is None else path.round_times[began]
    return _if_seen(path, began)


def loss_began(path: Path, hop: Hop) -> int | None:
    """When the first probe was lost after at least `CALM` without loss."""
    samples = hop.window.samples
    began, calm = None, 0
    for i in range(len(samples) - 1, -1, -1):
        if samples[i] == LOST:
            began, calm = i, 0
        elif samples[i] >= 0:
            calm += 1
            if calm >= CALM:
                return None if began is None else path.round_times[began]
    return _if_seen(path, began)


def _if_seen(path: Path, began: int | None) -> int | None:
    """The time of a trouble that reaches back to the window's start: known only if the window holds all rounds."""
    if began is None or not path.round_times or path.started_at is None or path.round_times[0] > path.started_at:
        return None
    return path.round_times[began]
