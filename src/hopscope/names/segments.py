"""Consecutive hops of one owner, as bands: your network, your provider, transit, the target's network.

Pure: hops in (the facts of each hop's addresses), bands out. Nothing is claimed that the facts do not carry: a hop that
is silent belongs to its neighbours' band only where both neighbours agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hopscope.names.facts import AddressInfo
from hopscope.names.scopes import WORDS

HopFacts = Sequence[AddressInfo]
"""The facts of a hop's addresses, the one that answered most first; empty: the hop is silent."""


class Segment(msgspec.Struct, frozen=True):
    """A band: hops `first` to `last` (indices into what was given, both included)."""

    first: int
    last: int
    owner: str
    """In words: ``AS64500 EXAMPLE``, ``private network``, ``carrier-grade NAT``."""
    role: str | None
    """``your network``, ``your provider``, ``transit``, ``the target's network``; None where it cannot be told."""
    asn: int | None


def owner_of(hop: HopFacts) -> tuple[int | None, str] | None:
    """Who a hop belongs to: the AS number (None for special ranges) and words; None where nothing is known."""
    for facts in hop:
        if facts.asns:
            asn = facts.asns[0]
            return asn.number, f"AS{asn.number} {asn.name}" if asn.name else f"AS{asn.number}"
    for facts in hop:
        if facts.scope:
            return None, WORDS.get(facts.scope, facts.scope)
    return None


def segments(hops: Sequence[HopFacts], *, reached: bool) -> list[Segment]:
    """The bands of a path, in its order. `reached`: the last hop is the target."""
    owned = [owner_of(hop) for hop in hops]
    _fill_silent(hops, owned)
    bands: list[tuple[int, int, tuple[int | None, str]]] = []
    for index, owner in enumerate(owned):
        if owner is None:
            continue
        if bands and bands[-1][1] == index - 1 and bands[-1][2] == owner:
            bands[-1] = (bands[-1][0], index, owner)
        else:
            bands.append((index, index, owner))
    networks = [owner[0] for _, _, owner in bands if owner[0] is not None]
    return [
        Segment(first, last, owner[1], _role(first, last, owner, networks, len(hops), reached), owner[0])
        for first, last, owner in bands
    ]


def _fill_silent(hops: Sequence[HopFacts], owned: list[tuple[int | None, str] | None]) -> None:
    index = 0
    while index < len(hops):
        if hops[index]:
            index += 1
            continue
        end = index
        while end < len(hops) and not hops[end]:
            end += 1
        if index > 0 and end < len(hops) and owned[index - 1] == owned[end]:
            owned[index:end] = [owned[end]] * (end - index)
        index = end


def _role(
    first: int, last: int, owner: tuple[int | None, str], networks: Sequence[int], count: int, reached: bool
) -> str | None:
    number, words = owner
    if number is None:
        if words == WORDS["cgnat"]:
            return "your provider"
        return "your network" if first == 0 and words in (WORDS["private"], WORDS["link-local"]) else None
    if reached and last == count - 1:
        return "the target's network"
    if number == networks[0]:
        return "your provider"
    return "transit"
