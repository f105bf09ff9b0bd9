"""Which of a scenario's changes are in force at a time, and until when that stays so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hopscope.sim.language import Change

NEVER: Final = 1 << 62


class Timetable:
    """The changes of one scenario."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes

    def at(self, since: int, start: int) -> tuple[tuple[int, ...], int]:
        """The numbers of the changes in force `since` ns after `start`, and the time (from `start`'s origin) at which
        the next one comes or goes."""
        active: list[int] = []
        following = NEVER
        for number, change in enumerate(self._changes):
            on, boundary = _state(change, since)
            if on:
                active.append(number)
            following = min(following, boundary)
        return tuple(active), following if following == NEVER else start + following


def _state(change: Change, since: int) -> tuple[bool, int]:
    period, at = change.every, int(change.at)
    until = NEVER if change.until is None else int(change.until)
    begun = 0
    if period:
        begun = since // period * period
    phase = since - begun
    if phase < at:
        return False, begun + at
    if phase < until:
        return True, NEVER if until == NEVER else begun + until
    return False, begun + period + at if period else NEVER
