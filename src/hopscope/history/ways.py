"""Whose past a target has: two runs belong together where query, address, protocol, port and the first public hop are
the same. Another network's path is another path. Loads no database.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from hopscope.names.scopes import INSIDE, scope
from hopscope.path.snapshot import Path
from hopscope.session.model import Target
from hopscope.wire.messages import Protocol

_SURE_AFTER: Final = 2
"""Rounds after which a hop that has not answered is left out."""


class WayIn(msgspec.Struct, frozen=True, tag="way"):
    """Which network a target was probed from: the first public hop that answered, and where there is none (the target
    is on this machine, or in its own network) the source address."""

    first_public: str | None
    source: str | None


class TraceKey(NamedTuple):
    """Whose past it is."""

    query: str
    address: str
    protocol: Protocol
    port: int | None
    way: WayIn


def whose(target: Target) -> TraceKey | None:
    """Whose past a target's is; None: that is not known yet."""
    plan, started = target.plan, target.started
    if plan is None or started is None:
        return None
    way = way_in(target.path, started.source)
    return None if way is None else TraceKey(target.query, plan.address, plan.protocol, plan.port, way)


def way_in(path: Path, source: str | None) -> WayIn | None:
    """Which network a path begins in; None: that is not known yet."""
    for hop in path.hops:
        outside = [node.address for node in hop.nodes if scope(node.address) not in INSIDE]
        if outside:
            return WayIn(outside[0], None)
        if not hop.nodes and path.rounds < _SURE_AFTER:
            return None
    return WayIn(None, source) if path.rounds >= _SURE_AFTER else None
