"""Many targets in sentences: how many of which kind, and what several of them have in common. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from hopscope.words.common_cause import Cause
from hopscope.words.verdicts import Clock

_COUNTED: Final[tuple[tuple[str, str, str], ...]] = (
    ("this-computer", "can't be sent to", "can't be sent to"),
    ("unreachable", "down", "down"),
    ("refused", "refused", "refused"),
    ("unresolved", "without an address", "without an address"),
    ("loss", "loses", "lose"),
    ("slow", "slow", "slow"),
    ("no-answer", "silent", "silent"),
    ("starting", "starting", "starting"),
    ("unheard", "not heard of", "not heard of"),
    ("paused", "paused", "paused"),
    ("finished", "finished", "finished"),
    ("healthy", "fine", "fine"),
)
"""States, the worst first, and what one and several are called."""
_BEGINS: Final = {"loss": "loss begins", "unreachable": "nothing gets through", "slow": "the delay begins"}


def counted(states: Collection[str]) -> str:
    """``1 down, 2 lose, 1 slow, 36 fine``; `states` are those of `TargetStatus`."""
    known = Counter(states)
    parts = []
    for state, one, several in _COUNTED:
        count = known[state]
        if count:
            parts.append(f"{count:,} {one if count == 1 else several}")
    return ", ".join(parts)


def cause_place(cause: Cause) -> str:
    """``loss begins behind r4.isp.example``, for a row."""
    return f"{_BEGINS.get(cause.mood, 'it begins')} {_place(cause)}"


def _place(cause: Cause) -> str:
    if cause.network is not None:
        return f"inside {cause.network}"
    if cause.is_likely:
        return f"before {cause.hostname or cause.address}"
    if cause.sites == 1 and not cause.ttl:
        return "between this computer and the first hop"
    return f"behind {cause.hostname or cause.address or 'a hidden router'}"


def cause_words(cause: Cause, troubled: int, clock: Clock) -> tuple[str, ...]:
    """``One cause for 3 of the 4: loss begins behind r4.isp.example (hop 4), since 18:34:12``, and shorter ways.
    `troubled`: how many targets are in trouble."""
    count = len(cause.targets)
    which = f"all {count:,}" if count == troubled else f"{count:,} of the {troubled:,}"
    place = short = _place(cause)
    if cause.sites > 1:
        which += f", at {cause.sites} sites"
    elif cause.ttl:
        place, short = f"{place} (hop {cause.ttl})", f"behind hop {cause.ttl}"
    begins = _BEGINS.get(cause.mood, "it begins")
    since = f", since {clock(cause.since)}" if cause.since else ""
    one = "Probably one cause" if cause.is_likely else "One cause"
    return (
        f"{one} for {which}: {begins} {place}{since}.",
        f"{one} for {which}: {begins} {short}{since}.",
        f"{one} for {count:,}: {short}{since}.",
    )
