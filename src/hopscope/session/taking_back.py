"""What a session can take back for a minute: that a target was removed, and that its statistics were begun anew."""

from __future__ import annotations

from hopscope.session.target import TargetRecord
from hopscope.session.targets import Targets


class TakingBack:
    """A part of `hopscope.session.session.Session`."""

    _targets: Targets

    def _tell_news(self, record: TargetRecord) -> None:
        raise NotImplementedError

    def _bump(self) -> None:
        raise NotImplementedError

    def set_aside(self, target: int) -> None:
        """As `remove`, but for a minute it can be brought back."""
        self._targets.set_aside(target)
        self._bump()

    def bring_back(self, target: int) -> bool:
        """Show and probe a target again that was set aside. False: it is forgotten."""
        record = self._targets.bring_back(target)
        self._bump()
        return record is not None

    def take_back(self, target: int) -> bool:
        """Take the last `reset` or `restart` of a target back: the statistics before it, and what was found since a
        reset. False: it is more than a minute ago, or there was none."""
        record = self._targets[target]
        is_done = self._targets.take_back(record)
        if is_done:
            self._tell_news(record)
        self._bump()
        return is_done
