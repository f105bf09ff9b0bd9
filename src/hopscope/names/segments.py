"""Whose each hop of a path is: your network, your provider, transit, the target's network. Nobody is asked for it.

Known are the kinds of addresses (private, carrier-grade NAT), the names' registered domains, the addresses' prefixes,
and AS data where there are any, which are believed first. Names and prefixes only hint: a name is a claim of whoever
owns the reverse zone, and the far side of a border link is often numbered by the near one. The first public network
behind one's own is the provider's, what ends at the target is the target's, and between them is transit.

Pure: hops in, owners out. A silent hop is its neighbours' only where both agree.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, Literal, TypeAlias

import msgspec

from hopscope.names.domains import registered_domain
from hopscope.names.facts import AddressInfo
from hopscope.names.scopes import WORDS, IpAddress, parse, scope

Role: TypeAlias = Literal["this computer", "your network", "your provider", "transit", "the target's network"]
HopFacts = Sequence[tuple[str, AddressInfo]]
"""A hop's addresses with what is known of each, the one that answers first; empty: the hop is silent."""
_Key: TypeAlias = tuple[str, str | int]

_OWN: Final = frozenset(("private", "link-local", "loopback"))
_HOME: Final[_Key] = ("scope", "own")
_NAT: Final[_Key] = ("scope", "cgnat")
_SAME_NET: Final = {4: 24, 6: 48}
"""Leading bits in which the addresses of one network agree, as a hint."""
_ONE_LINK: Final = {4: 24, 6: 64}
_AKIN: Final = {4: 16, 6: 32}


class Owner(msgspec.Struct, frozen=True):
    """Whose a hop is, and how that is known."""

    number: int | None
    """The AS number."""
    name: str | None
    """The AS's name, or the names' registered domain."""
    by: Literal["as", "name"]

    @property
    def words(self) -> str:
        """``AS64500 EXAMPLE``, ``farline.example``."""
        if self.number is None:
            return self.name or ""
        return f"AS{self.number} {self.name.split(' ')[0]}" if self.name else f"AS{self.number}"


class Whose(msgspec.Struct, frozen=True):
    """What is known of whose a hop is."""

    role: Role | None = None
    owner: Owner | None = None
    scope: str | None = None
    """What kind of address it has, where that is no plain public one."""


class End(msgspec.Struct, frozen=True):
    """What is known of a path's two ends beside its hops."""

    query: str = ""
    """What the user asked for: a name, or an address."""
    address: str | None = None
    """The target's."""
    facts: AddressInfo = AddressInfo()
    """Of that address."""
    reached: bool = False
    """The last hop is the target."""
    source: str | None = None
    """From where probes leave."""


class Segment(msgspec.Struct, frozen=True):
    """A band: hops `first` to `last` (indices into what was given, both included) of one owner."""

    first: int
    last: int
    owner: str
    """In words: ``AS64500 EXAMPLE``, ``private network``, ``carrier-grade NAT``."""
    role: Role | None
    """None where it cannot be told."""
    asn: int | None


def segments(hops: Sequence[HopFacts], end: End) -> list[Segment]:
    """The bands of a path, in its order; hops of which nothing is known are in none."""
    bands = []
    for (whose_, words), group in groupby(
        ((index, *_band(known)) for index, known in enumerate(whose(hops, end))), key=lambda each: each[1:]
    ):
        indices = [index for index, *_ in group]
        if whose_ is not None:
            number = whose_.owner.number if whose_.owner else None
            bands.append(Segment(indices[0], indices[-1], words, whose_.role, number))
    return bands


def _band(known: Whose) -> tuple[Whose | None, str]:
    if known.owner is not None:
        name = f" {known.owner.name}" if known.owner.number is not None and known.owner.name else ""
        words = f"AS{known.owner.number}{name}" if known.owner.number is not None else known.owner.words
        return Whose(known.role, known.owner), words
    if known.scope is not None:
        return known, WORDS.get(known.scope, known.scope)
    return None, ""


def whose(hops: Sequence[HopFacts], end: End) -> list[Whose]:
    """Whose each hop is, in the path's order."""
    hops = _as_reached(hops, end)
    keys = _keys(hops, end)
    target = _target_keys(keys, hops, end)
    filled = _filled(keys, hops, target)
    # Where nothing public is known before the target, its network is its own, and nobody's provider.
    before = filled[:-1] if end.reached else filled
    provider = next((key for key in before if key not in (None, _HOME, _NAT)), None)
    owners = _owners(hops, keys)
    roles = [_role(key, provider, target) for key in filled]
    _bridge(roles)
    return [
        Whose(role, owners.get(key) if key is not None else None, scope(hop[0][0]) if hop else _scope_of(key))
        for role, key, hop in zip(roles, filled, hops, strict=True)
    ]


def _role(key: _Key | None, provider: _Key | None, target: frozenset[_Key]) -> Role | None:
    if key is None:
        return None
    if key == _HOME:
        return "your network"
    if key in (_NAT, provider):
        return "your provider"
    return "the target's network" if key in target else "transit"


def _keys(hops: Sequence[HopFacts], end: End) -> list[_Key | None]:
    """The network of each hop, by the best that is known of it; None: silent, or nothing is."""
    by_as: dict[str, _Key] = {}
    for hop in hops:
        for _, facts in hop:
            domain = registered_domain(facts.hostname) if facts.hostname else None
            if facts.asns and domain:
                by_as.setdefault(domain, ("as", facts.asns[0].number))
    keys: list[_Key | None] = []
    is_home = True
    for index, hop in enumerate(hops):
        if hop:
            is_home = is_home and _is_own(hop[0][0], end.source, is_first=index == 0)
            keys.append(_HOME if is_home else _key(hop, by_as))
        else:
            # Who has a private address has a router of his own.
            keys.append(_HOME if index == 0 and end.source is not None and scope(end.source) in _OWN else None)
    _give_back(keys, hops, by_as)
    return keys


def _key(hop: HopFacts, by_as: dict[str, _Key]) -> _Key | None:
    for _, facts in hop:
        if facts.asns:
            return "as", facts.asns[0].number
    for address, facts in hop:
        domain = registered_domain(facts.hostname) if facts.hostname else None
        if domain and scope(address) not in _OWN:
            return by_as.get(domain, ("name", domain))
    if not hop:
        return None
    address = hop[0][0]
    kind = scope(address)
    if kind == "cgnat":
        return _NAT
    parsed = parse(address)
    return None if parsed is None or kind in _OWN else ("net", _network(parsed))


def _give_back(keys: list[_Key | None], hops: Sequence[HopFacts], by_as: dict[str, _Key]) -> None:
    """Providers number routers with private addresses, too: what is called like the first public network is its."""
    first = next((key for key in keys if key not in (None, _HOME, _NAT)), None)
    for index in range(1, len(keys)):
        if keys[index] not in (None, _HOME):
            return
        for _, facts in hops[index]:
            domain = registered_domain(facts.hostname) if facts.hostname else None
            if domain and first is not None and by_as.get(domain, ("name", domain)) == first:
                keys[index] = first


def _filled(keys: Sequence[_Key | None], hops: Sequence[HopFacts], target: frozenset[_Key]) -> list[_Key | None]:
    """The keys, where silent hops and those known by their prefix alone take what their neighbours agree on."""
    filled = list(keys)
    named = [index for index, key in enumerate(keys) if key is not None and key[0] != "net"]
    for index, key in enumerate(keys):
        if key is not None and key[0] != "net":
            continue
        left = max((at for at in named if at < index), default=None)
        right = min((at for at in named if at > index), default=None)
        before = keys[left] if left is not None else None
        after = keys[right] if right is not None else None
        if before is not None and before == after:
            filled[index] = before
        elif key is not None:
            filled[index] = _akin(hops, index, left, right, filled) or key
            is_first = all(each in (None, _HOME, _NAT) for each in keys[:index])
            if is_first and keys.count(key) == 1 and after is not None and after not in target:
                filled[index] = after  # a provider's first router is often the one without a name
    # A silent hop between two of one prefix.
    for index, key in enumerate(filled):
        if key is None:
            sides = _sides(filled, index)
            filled[index] = sides[0] if sides[0] == sides[1] else None
    return filled


def _akin(
    hops: Sequence[HopFacts], index: int, left: int | None, right: int | None, keys: Sequence[_Key | None]
) -> _Key | None:
    """The network of the neighbour whose address is the more alike, where one clearly is."""
    address = hops[index][0][0]
    shared = {side: _shared(address, hops[side][0][0]) for side in (left, right) if side is not None and hops[side]}
    family = 6 if ":" in address else 4
    best = max(shared.values(), default=0)
    winners = [side for side, bits in shared.items() if bits == best]
    if best < _AKIN[family] or len(winners) != 1 or keys[winners[0]] in (_HOME, _NAT):
        return None
    return keys[winners[0]]


def _sides(keys: Sequence[_Key | None], index: int) -> tuple[_Key | None, _Key | None]:
    before = next((key for key in reversed(keys[:index]) if key is not None), None)
    return before, next((key for key in keys[index + 1 :] if key is not None), None)


def _as_reached(hops: Sequence[HopFacts], end: End) -> Sequence[HopFacts]:
    """The hops, the last one as the target alone, where routers answered there, too: packets went round, or farther."""
    own = [each for each in hops[-1] if each[0] == end.address] if end.reached and hops else []
    return [*hops[:-1], own] if own else hops


def _target_keys(keys: Sequence[_Key | None], hops: Sequence[HopFacts], end: End) -> frozenset[_Key]:
    """What the target's network may be called."""
    found: set[_Key] = set()
    if end.reached and keys and keys[-1] is not None:
        found.add(keys[-1])
    for asn in end.facts.asns:
        found.add(("as", asn.number))
    for name in (end.facts.hostname, end.query if parse(end.query) is None else None):
        domain = registered_domain(name) if name else None
        if domain:
            found.add(("name", domain))
    if end.address is not None:
        # A host's name need not be its network's: routers with addresses beside the target's are.
        for key, hop in zip(keys, hops, strict=True):
            if key is not None and key[0] != "as" and hop and _agree(hop[0][0], end.address, _SAME_NET):
                found.add(key)
    return frozenset(found)


def _owners(hops: Sequence[HopFacts], keys: Sequence[_Key | None]) -> dict[_Key, Owner]:
    """Who the networks are, as far as they have a name."""
    owners: dict[_Key, Owner] = {}
    for hop in hops:
        for _, facts in hop:
            for asn in facts.asns[:1]:
                known = owners.get(("as", asn.number))
                if known is None or known.name is None:
                    owners["as", asn.number] = Owner(asn.number, asn.name, "as")
    for key in keys:
        if key is not None and key[0] == "name":
            owners[key] = Owner(None, str(key[1]), "name")
    return owners


def _bridge(roles: list[Role | None]) -> None:
    """Nothing is known of a hop but that both its sides play the same role: so does it."""
    for index, role in enumerate(roles):
        if role is None:
            before = next((each for each in reversed(roles[:index]) if each is not None), None)
            after = next((each for each in roles[index + 1 :] if each is not None), None)
            if before == after:
                roles[index] = before


def _scope_of(key: _Key | None) -> str | None:
    return "private" if key == _HOME else "cgnat" if key == _NAT else None


def _is_own(address: str, source: str | None, *, is_first: bool) -> bool:
    """Whether the address is of the user's own network: a private one, or on the first hop one of this computer's own
    link."""
    return scope(address) in _OWN or (is_first and source is not None and _agree(address, source, _ONE_LINK))


def _agree(one: str, other: str, bits: dict[int, int]) -> bool:
    a, b = parse(one), parse(other)
    return a is not None and b is not None and a.version == b.version and _shared(one, other) >= bits[a.version]


@lru_cache(maxsize=4096)
def _shared(one: str, other: str) -> int:
    """In how many leading bits two addresses agree."""
    a, b = parse(one), parse(other)
    if a is None or b is None or a.version != b.version:
        return 0
    return a.max_prefixlen - (int(a) ^ int(b)).bit_length()


def _network(address: IpAddress) -> str:
    return str(ipaddress.ip_network((address, _SAME_NET[address.version]), strict=False))
