"""What is known of the addresses along a path, and of which of them anything is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hopscope.names.facts import AddressInfo, Namer
from hopscope.path.snapshot import Path

NAMED_AT_ONCE: Final = 8
"""Addresses of a hop that are looked up when they are first seen; a further one must have answered twice, which an
address that was made up for one answer does not."""


def is_worth_a_name(place: int, received: int) -> bool:
    """Whether the `place`-th address of a hop, which answered so often, is looked up."""
    return place < NAMED_AT_ONCE or received > 1


def names_of(paths: Iterable[Path], namer: Namer | None) -> dict[str, AddressInfo]:
    """What is known of the addresses of a target's paths."""
    names: dict[str, AddressInfo] = {}
    if namer is not None:
        for hop in (hop for path in paths for hop in path.hops):
            for place, node in enumerate(hop.nodes):
                if node.address not in names and is_worth_a_name(place, node.received):
                    names[node.address] = namer.look_up(node.address)
    return names
