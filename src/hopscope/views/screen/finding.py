"""Find a target or a hop by whatever is known of it: names, addresses, networks, TTLs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hopscope.session.model import Target


class FoundPlace(NamedTuple):
    """A place: a target, or one of its hops (`ttl`)."""

    target: int
    ttl: int | None
    words: str
    """What it is called there."""


def find(text: str, targets: Sequence[Target]) -> list[FoundPlace]:
    """Every place with `text` in it: targets first, then hops; ``hop 6`` and ``AS64500`` are found, too."""
    wanted = " ".join(text.lower().split())
    found = [each for target in targets for each in _in(target, wanted)] if wanted else []
    return sorted(found, key=lambda each: each.ttl is not None)


def _in(target: Target, wanted: str) -> Iterator[FoundPlace]:
    if any(wanted in each.lower() for each in (target.query, target.address or "")):
        yield FoundPlace(target.id, None, target.query)
    for hop in target.path.rows:
        for node in hop.nodes:
            known = target.names.get(node.address)
            name = (known.hostname if known is not None else None) or ""
            owners = [f"as{asn.number} {asn.name or ''}".lower() for asn in (known.asns if known is not None else ())]
            if wanted in (node.address, f"hop {hop.ttl}") or any(
                wanted in each for each in (name.lower(), node.address, *owners)
            ):
                yield FoundPlace(target.id, hop.ttl, f"hop {hop.ttl} of {target.query}, {name or node.address}")
                break


def after(found: Sequence[FoundPlace], target: int | None, ttl: int | None) -> int:
    """Which of them comes after this place; the first one behind the last."""
    here = next((i for i, each in enumerate(found) if each.target == target and each.ttl == ttl), None)
    if here is not None:
        return (here + 1) % len(found)
    return next((i for i, each in enumerate(found) if each.target == target), 0)
