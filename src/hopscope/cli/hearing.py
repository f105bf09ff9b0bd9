"""Of whom a hub's store has heard nothing for a while: of an agent, or of the hub itself, which is no agent's fault."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from hopscope.history.traces import SiteBoot
from hopscope.words.numbers import span

S: Final = 1_000_000_000
UNHEARD_NS: Final = 10 * S
"""Whoever was not heard of for so long is silent: what was known last is shown as that, and no loss."""


class Hearing(NamedTuple):
    """Who is silent."""

    unheard: dict[int, int]
    """By run of a silent agent, for how many seconds."""
    stale: str | None = None
    """Why nothing that is shown is news, where that is no single agent's silence."""


def heard(going: Collection[SiteBoot], now: int, is_written: Callable[[], bool | None]) -> Hearing:
    """`going`: the runs that did not end, `now`: epoch ns. `is_written`: whether a hub writes the store at this moment,
    None where that cannot be known; asked only where nothing came for a while."""
    last = max((boot.heard for boot in going), default=now)
    if now - last < UNHEARD_NS:
        return Hearing({boot.run: silence_s(now, boot.heard) for boot in going if now - boot.heard >= UNHEARD_NS})
    silence = span(silence_s(now, last))
    if is_written() is False:
        return Hearing({}, f"the hub has not been heard for {silence}: no hub writes this store")
    if len(going) > 1:
        return Hearing({}, f"no agent at all has been heard for {silence} (is the broker up?)")
    return Hearing({boot.run: silence_s(now, boot.heard) for boot in going})


def silence_s(now: int, heard: int) -> int:
    """For how many seconds, as exactly as it is worth saying: each change of it draws a thousand targets anew."""
    seconds = (now - heard) // S
    step = 5 if seconds < 60 else 60 if seconds < 3600 else 600
    return seconds // step * step
