"""What the last keys did and how that is undone: the newest first, each for a minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

KEPT_NS: Final = 60_000_000_000
MOST: Final = 50


class Undo(msgspec.Struct, frozen=True):
    """One step. `at`: when it was done, on the session's time line (epoch ns); `do` says in words what it undid, or
    raises `LookupError` where that is too late."""

    at: int
    do: Callable[[], str]


class Undoing:
    """The steps that can be undone."""

    def __init__(self) -> None:
        self._steps: list[Undo] = []

    def add(self, at: int, do: Callable[[], str]) -> None:
        """One more."""
        self._steps = [*self._steps[1 - MOST :], Undo(at, do)]

    def undo(self, now: int) -> str:
        """Undo the newest one; what that was in words."""
        while self._steps:
            step = self._steps.pop()
            if now - step.at > KEPT_NS:
                self._steps = []
                break
            try:
                return step.do()
            except LookupError:
                continue
        return "nothing to undo: the last minute changed nothing"
