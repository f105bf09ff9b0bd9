"""The fans of targets that have several flows: made anew with each round, and not at all for one flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hopscope.session.model import Target

if TYPE_CHECKING:
    from hopscope.words.parallel import Fan, Links


class FanCache:
    """Of each target, the paths that its flows take."""

    def __init__(self) -> None:
        self._fans: dict[int, tuple[object, Fan]] = {}

    def of(self, target: Target) -> Fan | None:
        """The fan; None where a target has one flow."""
        if not target.flows:
            return None
        path = target.path
        made_of = (path.started_at, path.rounds, len(path.hops), len(target.flows), path.reached)
        known = self._fans.get(target.id)
        if known is None or known[0] != made_of:
            from hopscope.session.report_flows import paths_of

            known = self._fans[target.id] = made_of, paths_of(target)
        return known[1]

    def members(self, target: Target, ttl: int | None) -> Links | None:
        """The routers side by side at a TTL; None where all flows go by one."""
        fan = self.of(target)
        return None if fan is None or ttl is None else fan.members.get(ttl)
