"""``--bell``: when a target is lost, and when it is back."""

from __future__ import annotations

from collections.abc import Iterable

from hopscope.session.model import Target
from hopscope.views.screen.judged import HealthCache


class Bell:
    """What was heard of already."""

    def __init__(self) -> None:
        self._lost: set[int] = set()

    def rings(self, targets: Iterable[Target], judge: HealthCache) -> bool:
        """Whether one of the targets is lost that was not, or back that was. One that never answered cannot be lost,
        and what is paused is neither."""
        rings = False
        for target in targets:
            if target.state != "running" or not target.path.reached:
                continue
            is_lost = judge.target(target).state == "unreachable"
            if is_lost != (target.id in self._lost):
                self._lost ^= {target.id}
                rings = True
        return rings
