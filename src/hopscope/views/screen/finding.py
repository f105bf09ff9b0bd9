"""Find a target or a hop by whatever is known of it: names, addresses, networks, TTLs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hopscope.names.facts import AddressInfo
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


def is_sifted(text: str, targets: Sequence[Target]) -> Callable[[Target], bool]:
    """Whether a target has `text` in it: its site, its name or address, or a router that it passes, by address, name or
    network."""
    wanted = " ".join(text.lower().split())
    seen: dict[int, set[str]] = {}

    def meant(target: Target) -> bool:
        here = (f"{target.site or ''} {target.query}", target.address or "")
        if any(wanted in each.lower() for each in here):
            return True
        # Targets of one site share what is known of addresses.
        routers = seen.get(id(target.names))
        if routers is None:
            routers = {address for address, known in target.names.items() if wanted in _known(address, known)}
            seen[id(target.names)] = routers
        epoch = target.judged.epochs[-1] if target.judged.epochs else None
        passed = {address for ttl in epoch.addresses for address in ttl} if epoch is not None else set()
        passed |= {node.address for hop in target.path.hops for node in hop.nodes}
        return wanted in passed or not routers.isdisjoint(passed)

    return meant


def _known(address: str, info: AddressInfo) -> str:
    owners = " ".join(f"as{asn.number} {asn.name or ''}" for asn in info.asns)
    return f"{address} {info.hostname or ''} {owners}".lower()


def after(found: Sequence[FoundPlace], target: int | None, ttl: int | None) -> int:
    """Which of them comes after this place; the first one behind the last."""
    here = next((i for i, each in enumerate(found) if each.target == target and each.ttl == ttl), None)
    if here is not None:
        return (here + 1) % len(found)
    return next((i for i, each in enumerate(found) if each.target == target), 0)
