"""Many targets in sentences: how many of which kind, and what several of them have in common. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from hopscope.judge.verdict import Judged
from hopscope.names.facts import AddressInfo
from hopscope.path.snapshot import Hop, Path
from hopscope.words.moods import mood
from hopscope.words.verdicts import Clock

_TOGETHER_NS: Final = 30_000_000_000
"""What began so near to each other may have one cause: finding it takes some rounds."""
_COUNTED: Final[tuple[tuple[str, str, str], ...]] = (
    ("this-computer", "can't be sent to", "can't be sent to"),
    ("unreachable", "down", "down"),
    ("refused", "refused", "refused"),
    ("unresolved", "without an address", "without an address"),
    ("loss", "loses", "lose"),
    ("slow", "slow", "slow"),
    ("no-answer", "silent", "silent"),
    ("starting", "starting", "starting"),
    ("unheard", "not heard of", "not heard of"),
    ("paused", "paused", "paused"),
    ("finished", "finished", "finished"),
    ("healthy", "fine", "fine"),
)
"""States, the worst first, and what one and several are called."""
_BEGINS: Final = {"loss": "loss begins", "unreachable": "nothing gets through", "slow": "the delay begins"}
_LOSING: Final = ("loss", "unreachable")


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


_Well: TypeAlias = tuple[str | None, Mapping[int, str]]
"""Of a target that is well: its site, and who answers at each TTL."""
_HERE: Final = "\0"
"""What the computer that probes stands as, with its site, where routers do by their addresses."""


class Cause(NamedTuple):
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


def counted(states: Collection[str]) -> str:
    """``1 down, 2 lose, 1 slow, 36 fine``; `states` are those of `TargetStatus`."""
    known = list(states)
    parts = []
    for state, one, several in _COUNTED:
        count = known.count(state)
        if count:
            parts.append(f"{count} {one if count == 1 else several}")
    return ", ".join(parts)


def is_in_trouble(target: Sufferer) -> bool:
    """Whether something is wrong with it now."""
    return target.judged.verdict.is_trouble and _is_known(target)


def _is_known(target: Sufferer) -> bool:
    """Whether anybody knows how it is now: not where its site's agent ended, or nothing is heard of that."""
    return target.unheard_s is None and not (target.site is not None and target.state == "finished")


def causes(targets: Sequence[Sufferer]) -> list[Cause]:
    """What several of the targets in trouble have in common: the largest group that loses, and that is slow. No target
    that is well passes the same way."""
    well = [
        (each.site, _routers(each))
        for each in targets
        if not each.judged.verdict.is_trouble and each.path.reached and _is_known(each)
    ]
    ill = [each for each in targets if is_in_trouble(each)]
    losing = [each for each in ill if _mood(each) in _LOSING]
    slow = [each for each in ill if _mood(each) == "slow"]
    return sorted([*_common(losing, well), *_common(slow, well)], key=lambda cause: -len(cause.targets))


def _mood(target: Sufferer) -> str:
    return mood(target.judged.verdict)


def _common(targets: Sequence[Sufferer], well: Sequence[_Well]) -> list[Cause]:
    ill = {each.id: each for each in targets}
    behind = {id_: _before(each) for id_, each in ill.items()}
    found: list[Cause] = []
    left = {id_ for id_, routers in behind.items() if routers}
    while len(left) > 1:
        best: tuple[tuple[int, int], Cause] | None = None
        shared: dict[str, set[int]] = {}
        for id_ in left:
            for address in behind[id_]:
                shared.setdefault(address, set()).add(id_)
        for address, ids in shared.items():
            cause = _cause(address, ids, ill, behind, well) if len(ids) > 1 else None
            if cause is not None and (best is None or (len(cause.targets), cause.ttl) > best[0]):
                best = (len(cause.targets), cause.ttl), cause
        if best is None:
            break
        found.append(best[1])
        left -= best[1].targets
    return found


def _cause(
    address: str,
    ids: set[int],
    ill: Mapping[int, Sufferer],
    behind: Mapping[int, Mapping[str, int]],
    well: Sequence[_Well],
) -> Cause | None:
    """The largest part of these targets whose trouble began together."""
    begun = sorted((each.judged.since or 0, id_) for id_, each in ill.items() if id_ in ids)
    best: list[tuple[int, int]] = []
    for first in range(len(begun)):
        group = [one for one in begun[first:] if one[0] - begun[first][0] <= _TOGETHER_NS]
        if len(group) > len(best):
            best = group
    if len(best) < 2:
        return None
    members = frozenset(id_ for _, id_ in best)
    one = ill[best[0][1]]
    ttl = behind[one.id][address]
    ttls = {ill[id_].site: behind[id_][address] for id_ in members}
    ways = {_next(_routers(ill[id_]), behind[id_][address]) for id_ in members}
    for site, other in well:
        near = _place(other, address, ttls.get(site))
        if near is not None and (len(ways) > 1 or _next(other, near) in ways):
            return None
    moods = {_mood(ill[id_]) for id_ in members}
    worst = moods.pop() if len(moods) == 1 else "loss"
    info = one.names.get(address)
    name = info.hostname if info is not None else None
    return Cause(members, worst, ttl, address if ttl else None, name, best[0][0], len(ttls))


def _place(well: Mapping[int, str], address: str, ttl: int | None) -> int | None:
    """Where a target that is well passes this router, None: it goes another way. `ttl`: where those pass it that are
    probed from the same site; None: from there none does."""
    if ttl is None:
        return next((far for far, there in well.items() if there == address), None)
    return ttl if not ttl or well.get(ttl) == address else None


def _routers(target: Sufferer) -> dict[int, str]:
    """Who answers at each TTL, or did last."""
    return {hop.ttl: address for hop in target.path.hops if (address := _newest(hop)) is not None}


def _next(routers: Mapping[int, str], ttl: int) -> str | None:
    return next((routers[far] for far in sorted(routers) if far > ttl), None)


def _before(target: Sufferer) -> dict[str, int]:
    """The routers behind which its trouble may begin, by address their TTLs; what begins with `_HERE` is the
    computer that probes."""
    verdict = target.judged.verdict
    if verdict.kind in ("this-computer", "no-answer", "late", "mtu"):
        return {}
    last = verdict.last_ttl
    if last is None:
        return {}
    first = verdict.first_ttl if verdict.first_ttl is not None and verdict.first_ttl < last else last - 1
    answering = _routers(target)
    near = max((ttl for ttl in answering if ttl <= first), default=0)
    routers = {answering[ttl]: ttl for ttl in range(max(1, near), last) if ttl in answering}
    return routers if near else {f"{_HERE}{target.site or ''}": 0, **routers}


def _newest(hop: Hop) -> str | None:
    nodes = [node for node in hop.nodes if node.last_at is not None]
    return max(nodes, key=lambda node: node.last_at or 0).address if nodes else None


def cause_words(cause: Cause, troubled: int, clock: Clock) -> tuple[str, ...]:
    """``One cause for 3 of the 4: loss begins behind r4.isp.example (hop 4), since 18:34:12``, and shorter ways.
    `troubled`: how many targets are in trouble."""
    count = len(cause.targets)
    which = f"all {count}" if count == troubled else f"{count} of the {troubled}"
    begins = _BEGINS.get(cause.mood, "it begins")
    if cause.sites > 1:
        place = short = f"behind {cause.hostname or cause.address or 'a hidden router'}"
        which += f", at {cause.sites} sites"
    elif not cause.ttl:
        place = short = "between this computer and the first hop"
    else:
        name = cause.hostname or cause.address or "a hidden router"
        place, short = f"behind {name} (hop {cause.ttl})", f"behind hop {cause.ttl}"
    since = f", since {clock(cause.since)}" if cause.since else ""
    return (
        f"One cause for {which}: {begins} {place}{since}.",
        f"One cause for {which}: {begins} {short}{since}.",
        f"One cause for {count}: {short}{since}.",
    )
