"""A path with the numbers of one window of time."""

from __future__ import annotations

import msgspec

from hopscope.path.snapshot import Hop, Node, NumbersWindow, Path
from hopscope.path.windows import WindowName


class Narrowed:
    """Paths with one window's numbers, and the same hop as before where nothing of it changed."""

    def __init__(self, window: WindowName) -> None:
        self._window = window
        self._made: dict[int | None, tuple[Hop, Hop | None, Hop]] = {}

    def path(self, whole: Path, part: Path) -> Path:
        """The rows and rounds of `whole`, with the numbers of `part`, the same path's from a later beginning on."""
        of_part = {hop.ttl: hop for hop in part.hops}
        numbers = part.numbers
        return msgspec.structs.replace(
            whole,
            hops=tuple([self._hop(hop.ttl, hop, of_part.get(hop.ttl)) for hop in whole.hops]),
            target=None if whole.target is None else self._hop(None, whole.target, part.target),
            route_changes=part.route_changes,
            numbers=NumbersWindow(self._window, numbers.begin, numbers.rounds),
        )

    def _hop(self, key: int | None, whole: Hop, part: Hop | None) -> Hop:
        made = self._made.get(key)
        if made is None or made[0] is not whole or made[1] is not part:
            made = self._made[key] = (whole, part, _narrowed(whole, part))
        return made[2]


def _narrowed(whole: Hop, part: Hop | None) -> Hop:
    """A hop with the numbers of a window. Who answered before is still listed, without numbers."""
    if part is whole:
        return whole
    if part is None:
        part = Hop(
            ttl=whole.ttl, sent=0, received=0, lost=0, late=0, pending=0, failed=0, duplicates=0, loss_pct=None,
            loss_ci95_pct=None, nodes=(), rtt=None, jitter=None, reply=None, replies=(), mpls=(), last_error=None,
            window=whole.window, is_target=whole.is_target, program_clock=0,
        )  # fmt: skip
    nodes = part.nodes or tuple([Node(node.address, 0, None, None, None, None, node.expired) for node in whole.nodes])
    return msgspec.structs.replace(part, ttl=whole.ttl, nodes=nodes, window=whole.window, is_target=whole.is_target)
