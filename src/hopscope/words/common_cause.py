"""What the trouble of several targets has in common: the router behind which it begins, and the time. Pure.

A cause is one where all of them pass the same router, and no target that is well passes the same way. Two sites meet a
router at different sides, and it answers each from another address; so what then begins before the same next address,
or inside one network, at the same time, is *probably* one cause, and said to be that.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from hopscope.judge.verdict import Judged
from hopscope.names.facts import AddressInfo
from hopscope.path.snapshot import Hop, Path
from hopscope.words.moods import mood

_TOGETHER_NS: Final = 30_000_000_000
"""What began so near to each other may have one cause: finding it takes some rounds."""
_AT_ONCE_NS: Final = 10_000_000_000
"""The same where nothing but a network is shared."""
_LEAST_IN_NETWORK: Final = 3
_LOSING: Final = ("loss", "unreachable")
_HERE: Final = "\0"
"""What the computer that probes stands as, with its site, where routers do by their addresses."""


class Sufferer(Protocol):
    """A target, as far as a common cause is looked for."""

    @property
    def id(self) -> int: ...
    @property
    def path(self) -> Path: ...
    @property
    def judged(self) -> Judged: ...
    @property
    def names(self) -> Mapping[str, AddressInfo]: ...
    @property
    def site(self) -> str | None: ...
    @property
    def state(self) -> str: ...
    @property
    def unheard_s(self) -> int | None: ...


class Cause(msgspec.Struct, frozen=True):
    """One cause of several targets' trouble: it begins behind the same router at the same time."""

    targets: frozenset[int]
    mood: str
    """Theirs, where it is one; else ``loss``."""
    ttl: int
    """Of the router; 0: it begins before the first one."""
    address: str | None
    hostname: str | None
    since: int
    """The first begin."""
    sites: int = 1
    """From how many sites it is seen."""
    is_likely: bool = False
    """It is probably one: the router is not known to be the same."""
    network: str | None = None
    """In which it begins, where nothing nearer is shared."""


class _Way(msgspec.Struct, frozen=True):
    """How a target that is well passes a router: from which site, where, and who is next."""

    site: str | None
    ttl: int
    next: str | None


class _Ill(msgspec.Struct, frozen=True):
    """A target in trouble."""

    target: Sufferer
    since: int
    routers: Mapping[int, str]
    """Who answers, by TTL."""
    behind: Mapping[str, int]
    """The routers behind which its trouble may begin, and their TTLs."""


def is_in_trouble(target: Sufferer) -> bool:
    """Whether something is wrong with it now."""
    return target.judged.verdict.is_trouble and _is_known(target)


def _is_known(target: Sufferer) -> bool:
    """Whether anybody knows how it is now: not where its site's agent ended, or nothing is heard of that."""
    return target.unheard_s is None and not (target.site is not None and target.state == "finished")


def causes(targets: Sequence[Sufferer]) -> list[Cause]:
    """What several of the targets in trouble have in common, the most first. No target that is well passes the same
    way."""
    ill: dict[int, _Ill] = {}
    for each in targets:
        if is_in_trouble(each):
            routers = _routers(each)
            ill[each.id] = _Ill(each, each.judged.since or 0, routers, _before(each, routers))
    wells = _wells(targets, {address for one in ill.values() for address in one.behind})
    losing = {id_: one for id_, one in ill.items() if _mood(one) in _LOSING}
    slow = {id_: one for id_, one in ill.items() if _mood(one) == "slow"}
    found = [cause for some in (losing, slow) for cause in _likely(_common(some, wells), some)]
    return sorted(found, key=lambda cause: -len(cause.targets))


def _mood(one: _Ill) -> str:
    return mood(one.target.judged.verdict)


def _wells(targets: Iterable[Sufferer], wanted: Collection[str]) -> dict[str, list[_Way]]:
    """How the targets that are well pass these routers."""
    wells: dict[str, list[_Way]] = {}
    if not wanted:
        return wells
    for each in targets:
        if each.judged.verdict.is_trouble or not _is_known(each) or not _is_reached(each):
            continue
        here = f"{_HERE}{each.site or ''}"
        before, ttl = (here, 0) if here in wanted else (None, 0)
        for far, address in _routers(each).items():
            if before is not None:
                wells.setdefault(before, []).append(_Way(each.site, ttl, address))
            before, ttl = (address, far) if address in wanted else (None, far)
        if before is not None:
            wells.setdefault(before, []).append(_Way(each.site, ttl, None))
    return wells


def _is_reached(target: Sufferer) -> bool:
    """Whether it answers. Of whose probes none were read that is known by its verdict alone."""
    return target.path.reached or (not target.path.hops and target.judged.verdict.kind in ("healthy", "recovered"))


def _common(ill: Mapping[int, _Ill], wells: Mapping[str, list[_Way]]) -> list[Cause]:
    """The largest group first, then the largest of what is left."""
    shared: dict[str, set[int]] = {}
    for id_, one in ill.items():
        for address in one.behind:
            shared.setdefault(address, set()).add(id_)
    waiting: list[tuple[int, int, int, str, Cause]] = []

    def wait(number: int, address: str, ids: Collection[int]) -> None:
        cause = _cause(address, ids, ill, wells) if len(ids) > 1 else None
        if cause is not None:
            heapq.heappush(waiting, (-len(cause.targets), -cause.ttl, number, address, cause))

    for number, (address, ids) in enumerate(shared.items()):
        wait(number, address, ids)
    found: list[Cause] = []
    left = set(ill)
    while waiting:
        _, _, number, address, cause = heapq.heappop(waiting)
        if cause.targets <= left:
            found.append(cause)
            left -= cause.targets
        else:
            wait(number, address, shared[address] & left)
    return found


def _together(begun: Sequence[tuple[int, int]], within: int) -> Sequence[tuple[int, int]]:
    """Of moments in order, each with a number, the most that are so near to each other."""
    best, first = (0, 0), 0
    for last in range(len(begun)):
        while begun[last][0] - begun[first][0] > within:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = first, last + 1
    return begun[best[0] : best[1]]


def _cause(
    address: str, ids: Collection[int], ill: Mapping[int, _Ill], wells: Mapping[str, list[_Way]]
) -> Cause | None:
    """The largest part of these targets whose trouble began together."""
    best = _together(sorted((ill[id_].since, id_) for id_ in ids), _TOGETHER_NS)
    if len(best) < 2:
        return None
    members = frozenset(id_ for _, id_ in best)
    ttls = {ill[id_].target.site: ill[id_].behind[address] for id_ in members}
    ways = {_next(ill[id_].routers, ill[id_].behind[address]) for id_ in members}
    for way in wells.get(address, ()):
        if ttls.get(way.site, way.ttl) == way.ttl and (len(ways) > 1 or way.next in ways):
            return None
    one = ill[best[0][1]]
    ttl = one.behind[address]
    return Cause(
        members,
        _mood_of(members, ill),
        ttl,
        address if ttl else None,
        _hostname(one.target, address),
        best[0][0],
        len(ttls),
    )


def _mood_of(members: Iterable[int], ill: Mapping[int, _Ill]) -> str:
    moods = {_mood(ill[id_]) for id_ in members}
    return moods.pop() if len(moods) == 1 else "loss"


def _hostname(target: Sufferer, address: str) -> str | None:
    info = target.names.get(address)
    return info.hostname if info is not None else None


# --- what is probably one -------------------------------------------------------------------------------------------


class _Part(msgspec.Struct, frozen=True):
    """Targets that are known to share a cause, or one alone."""

    ids: frozenset[int]
    since: int
    cause: Cause | None


def _likely(found: Sequence[Cause], ill: Mapping[int, _Ill]) -> list[Cause]:
    """The causes, those joined which are probably one: what is seen from several sites, from each on its side."""
    if len({one.target.site for one in ill.values()}) < 2:
        return list(found)
    told = {id_ for cause in found for id_ in cause.targets}
    parts = [_Part(cause.targets, cause.since, cause) for cause in found]
    parts += [_Part(frozenset((id_,)), one.since, None) for id_, one in ill.items() if id_ not in told]
    parts, joined = _joined(parts, ill, _TOGETHER_NS, _far_of, 2, is_network=False)
    parts, more = _joined(parts, ill, _AT_ONCE_NS, _network_of, _LEAST_IN_NETWORK, is_network=True)
    return [*(part.cause for part in parts if part.cause is not None), *joined, *more]


def _joined(
    parts: Sequence[_Part],
    ill: Mapping[int, _Ill],
    within: int,
    of: Callable[[_Ill, Cause | None], str | None],
    least: int,
    *,
    is_network: bool,
) -> tuple[list[_Part], list[Cause]]:
    """What stays by itself, and what was joined by what all targets of a part share (`of`)."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for number, part in enumerate(parts):
        keys = {of(ill[id_], part.cause) for id_ in part.ids}
        key = keys.pop() if len(keys) == 1 else None
        if key is not None:
            groups.setdefault(key, []).append((part.since, number))
    taken: set[int] = set()
    joined: list[Cause] = []
    for key, begun in groups.items():
        together = [number for _, number in _together(sorted(begun), within) if number not in taken]
        ids = frozenset(id_ for number in together for id_ in parts[number].ids)
        sites = {ill[id_].target.site for id_ in ids}
        if len(together) < 2 or len(sites) < 2 or len(ids) < least:
            continue
        taken.update(together)
        since = min(parts[number].since for number in together)
        one = ill[min(ids)].target
        address = None if is_network else key
        hostname = None if is_network else _hostname(one, key)
        network = key if is_network else None
        joined.append(Cause(ids, _mood_of(ids, ill), 0, address, hostname, since, len(sites), True, network))
    return [part for number, part in enumerate(parts) if number not in taken], joined


def _far_of(one: _Ill, cause: Cause | None) -> str | None:
    """The address before which the trouble begins: the first one that answers behind its place."""
    last = one.target.judged.verdict.last_ttl
    near = one.behind.get(cause.address or "") if cause is not None else None
    if near is not None:
        return _next(one.routers, near)
    return None if last is None else one.routers.get(last) or _next(one.routers, last)


def _network_of(one: _Ill, cause: Cause | None) -> str | None:
    """The network in which it begins: that of both sides of its place."""
    last = one.target.judged.verdict.last_ttl
    if last is None or not one.behind:
        return None
    near = cause.address if cause is not None else max(one.behind, key=lambda address: one.behind[address])
    far = one.routers.get(last) or _next(one.routers, last)
    owners = [_owner(one.target.names.get(address or "")) for address in (near, far)]
    return owners[0] if owners[0] == owners[1] else None


def _owner(info: AddressInfo | None) -> str | None:
    if info is None or len(info.asns) != 1:
        return None
    (asn,) = info.asns
    return f"{asn.name} (AS{asn.number})" if asn.name else f"AS{asn.number}"


# --- paths ----------------------------------------------------------------------------------------------------------


def _routers(target: Sufferer) -> dict[int, str]:
    """Who answers at each TTL, or did last, in order. Of whose probes none were read: on the path that was told."""
    hops, epochs = target.path.hops, target.judged.epochs
    if hops or not epochs:
        return {hop.ttl: address for hop in hops if (address := _newest(hop)) is not None}
    return {ttl: there[0] for ttl, there in enumerate(epochs[-1].addresses, epochs[-1].first_ttl) if there}


def _next(routers: Mapping[int, str], ttl: int) -> str | None:
    return next((address for far, address in routers.items() if far > ttl), None)


def _before(target: Sufferer, answering: Mapping[int, str]) -> dict[str, int]:
    """The routers behind which its trouble may begin, by address their TTLs; what begins with `_HERE` is the
    computer that probes."""
    verdict = target.judged.verdict
    if verdict.kind in ("this-computer", "no-answer", "late", "mtu"):
        return {}
    last = verdict.last_ttl
    if last is None:
        return {}
    first = verdict.first_ttl if verdict.first_ttl is not None and verdict.first_ttl < last else last - 1
    near = max((ttl for ttl in answering if ttl <= first), default=0)
    routers = {answering[ttl]: ttl for ttl in range(max(1, near), last) if ttl in answering}
    return routers if near else {f"{_HERE}{target.site or ''}": 0, **routers}


def _newest(hop: Hop) -> str | None:
    nodes = [node for node in hop.nodes if node.last_at is not None]
    return max(nodes, key=lambda node: node.last_at or 0).address if nodes else None
