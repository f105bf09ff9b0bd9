"""What a session answers that probes nothing: whoever looks at it can change nothing of it."""

from __future__ import annotations

from typing import ClassVar

from hopscope.session.model import Probing
from hopscope.session.target_fold import TargetFold


class Watched:
    """The part of `views.screen.source.SessionLike` that is about probing."""

    why_not: ClassVar[str]
    """Why nothing is probed, in a line."""
    opens_at: int | None = None
    """The moment to be shown first; None: the newest."""
    _folds: dict[int, TargetFold]

    def probing(self, target: int) -> Probing:
        """How a target was probed then."""
        return self._folds[target].probing

    def add(self, query: str, probing: Probing | None = None) -> int:
        """Never: `ValueError`."""
        raise ValueError(self.why_not)

    def remove(self, target: int) -> None:
        """Nothing is probed."""

    def set_aside(self, target: int) -> None:
        """Nothing is probed."""

    def bring_back(self, target: int) -> bool:
        """Nothing was set aside."""
        return False

    def pause(self, target: int | None = None) -> None:
        """Nothing is probed."""

    def resume(self, target: int | None = None) -> None:
        """Nothing is probed."""

    def reset(self, target: int | None = None) -> None:
        """What happened stays."""

    def retry(self, target: int | None = None) -> bool:
        """There is nothing to try."""
        return False

    def ask_owners(self, on: bool) -> None:
        """Nobody is asked: what was known then is shown."""

    def adjust(
        self,
        target: int,
        *,
        interval_s: float | None = None,
        timeout_s: float | None = None,
        first_ttl: int | None = None,
        max_ttl: int | None = None,
        max_unknown: int | None = None,
    ) -> None:
        """Nothing is probed: `ValueError`."""
        raise ValueError(self.why_not)

    def restart(self, target: int, probing: Probing) -> None:
        """Nothing is probed."""

    def take_back(self, target: int) -> bool:
        """What happened stays."""
        return False
