"""Which links are bad, when it is known which flows are: by the likelihood of what the flows that go by each lose.

A link leads from a router to the next one, where flows part. Links that carry just the same flows cannot be told
apart: they are one class. A class scores by how much likelier what was lost becomes if its flows lose at a rate of
their own and all others at theirs; the class that scores most is blamed, its flows are taken out, and so on until each
flow that was named is explained. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

Members: TypeAlias = tuple[tuple[int, str | None], ...]
"""Of a flow: TTL and router, where flows part; None: nobody was heard there."""
Ends: TypeAlias = tuple[tuple[int, str | None], ...]
"""TTL and router at both sides of a link; None: all flows go by it, or it is not known."""

_TELLING: Final = 5.0
"""Losses that a router would have had, which answered all, by which it is known that the loss is behind it."""


class BadLinks(NamedTuple):
    """Links that are bad, or slow: those of `flows` (their places)."""

    flows: tuple[int, ...]
    ports: tuple[int, ...]
    routers: Members
    """TTL and address of those that no other flow goes by; where there are none, both ends of the link."""
    is_hidden: bool
    """Other flows go by the very same routers, and are fine."""
    place: tuple[int, int] | None
    """Between which TTLs it is lost, there or back; None: it cannot be told."""
    bad: int
    """How many members they are, of…"""
    paths: int
    """…so many in all."""
    since: int
    """The round of the first loss…"""
    last: int
    """…and of the last one by now."""
    sent: int
    """Of these flows since then, and how many were lost."""
    lost: int
    others_sent: int
    others_lost: int
    others_now: tuple[int, int] | None
    """Probes of the others of late, and those that were lost; None: they lose nothing to speak of."""
    confidence: float
    is_dead: bool
    sides: Members = ()
    """Where flows part, the router by which all of these go; None: several, or it is not known."""
    in_all: tuple[int, int] = (0, 0)
    """Probes of theirs since the trouble began, one of each way in a round, and those that were lost."""
    usual_ns: int | None = None
    """Where they are slow: the median RTT of the other flows…"""
    now_ns: int | None = None
    """…and theirs."""


def blamed(
    ways: Sequence[Members],
    is_known: Sequence[bool],
    named: Collection[int],
    counts: Sequence[tuple[int, int]],
) -> tuple[list[int], Ends]:
    """The flows whose links are bad, and the ends of these links where they are one class. `named`: flows that are
    known to be bad; `counts`: by flow, probes, and those that tell against it."""
    classes = _classes(ways, is_known)
    left, explained, ends = set(range(len(ways))), set[int](), list[Ends]()
    open_ = set(named)
    while open_:
        scored = [(score(counts, flows & left, left), -len(flows), sorted(flows)) for flows in classes if flows & open_]
        most, _, flows = max(scored, default=(0.0, 0, []))
        if most <= 0:
            explained |= open_  # no link says more than the flows themselves
            break
        ends.append(classes[frozenset(flows)])
        explained.update(flows)
        left -= set(flows)
        open_ -= set(flows)
    return sorted(explained), ends[0] if len(ends) == 1 else ()


def _classes(ways: Sequence[Members], is_known: Sequence[bool]) -> dict[frozenset[int], Ends]:
    """The flows that each link carries, and its ends: of links that carry the same flows, those of the whole row."""
    carried: dict[Ends, set[int]] = {}
    for flow, way in enumerate(ways):
        if not is_known[flow]:
            continue
        at = dict(way)
        for ttl, router in way:
            carried.setdefault(((ttl - 1, at.get(ttl - 1)), (ttl, router)), set()).add(flow)
            if ttl + 1 not in at:
                carried.setdefault(((ttl, router), (ttl + 1, None)), set()).add(flow)
    classes: dict[frozenset[int], Ends] = {}
    for link, flows in sorted(carried.items(), key=lambda one: one[0][0][0]):
        same = classes.get(frozenset(flows))
        classes[frozenset(flows)] = link if same is None else (same[0], link[-1])
    return classes


def meeting(ways: Sequence[Members]) -> list[frozenset[int]]:
    """The ways that meet at one router or go by one link while others do not, where they are several."""
    found: dict[object, set[int]] = {}
    for way, members in enumerate(ways):
        at = dict(members)
        for ttl, router in members:
            if router is not None:
                found.setdefault((ttl, router), set()).add(way)
                found.setdefault((ttl, router, at.get(ttl - 1)), set()).add(way)
    kept = {frozenset(these) for these in found.values() if 1 < len(these) < len(ways)}
    return sorted(kept, key=sorted)


def score(counts: Sequence[tuple[int, int]], flows: Collection[int], among: Collection[int]) -> float:
    """The logarithm of how much likelier the losses of the flows `among` are if these lose at a rate of their own; 0
    where they do not lose more than the others."""
    n, k = (sum(counts[flow][part] for flow in flows) for part in (0, 1))
    whole_n, whole_k = (sum(counts[flow][part] for flow in among) for part in (0, 1))
    rest_n, rest_k = whole_n - n, whole_k - k
    if not n or not rest_n or k / n <= rest_k / rest_n:
        return 0.0
    return _likelihood(k, n) + _likelihood(rest_k, rest_n) - _likelihood(whole_k, whole_n)


def _likelihood(k: int, n: int) -> float:
    """Of k losses of n at their own rate, the logarithm."""
    return sum(part * math.log(part / n) for part in (k, n - k) if part)


def own_routers(bad: Sequence[Members], rest: Sequence[Members], others_meet: Collection[str] = ()) -> Members:
    """By TTL, the routers of the bad flows, as far as no other flow goes by one of them. `others_meet`: all routers
    of the others; ways of another length meet the same ones at another TTL."""
    others = {place for members in rest for place in members}
    others |= {(ttl, router) for members in bad for ttl, router in members if router in others_meet}
    own: dict[int, list[tuple[int, str | None]]] = {}
    for place in dict.fromkeys(place for members in bad for place in members):
        own.setdefault(place[0], []).append(place)
    return tuple(place for _, places in sorted(own.items()) if not others.intersection(places) for place in places)


def met(ways: Sequence[Members]) -> Members:
    """At each TTL at which flows part, the router that all of these meet; None: several, or not known."""
    found: dict[int, set[str | None]] = {}
    for ttl, router in (place for way in ways for place in way):
        found.setdefault(ttl, set()).add(router)
    return tuple((ttl, routers.pop() if len(routers) == 1 else None) for ttl, routers in sorted(found.items()))


def narrowed(
    answers: Callable[[int, int], tuple[int, int]],
    bad: Sequence[int],
    routers: Members,
    ends: Ends,
    loss: float,
) -> tuple[int, int]:
    """Between which TTLs it is lost, by what the last of the links' own `routers` does not answer; where they have
    none, between the `ends` of the link. `answers`: of a flow's probes with a TTL, those answered, and those lost."""
    if not routers:
        return max(1, ends[0][0]), ends[-1][0]
    first, last = routers[0][0], routers[-1][0]
    counts = [answers(flow, last) for flow in bad]
    answered, lost = sum(count[0] for count in counts), sum(count[1] for count in counts)
    n = answered + lost
    if lost >= 2 and lost >= loss * n / 2:
        return max(1, first - 1), last
    if not lost and loss * n >= _TELLING:
        return last, last + 1
    return max(1, first - 1), last + 1


def narrowed_slow(
    rtts: Callable[[int, int], Sequence[int]],
    bad: Sequence[int],
    rest: Sequence[int],
    routers: Members,
    ends: Ends,
    more: float,
) -> tuple[int, int]:
    """Between which TTLs the `more` ns are spent that the bad flows' round trips take: before the first of the links'
    own `routers` that has half of it already, by the other flows at its TTL; behind the last that has not. `rtts`: of a
    flow's probes with a TTL, ns."""
    if not routers:
        return max(1, ends[0][0]), ends[-1][0]
    fine = routers[0][0] - 1
    for ttl, _ in routers:
        theirs, others = (middle_of(rtts(flow, ttl) for flow in flows) for flows in (bad, rest))
        if theirs is None or others is None:
            continue
        if theirs - others >= more / 2:
            return max(1, fine), ttl
        fine = ttl
    return max(1, fine), routers[-1][0] + 1


def middle_of(times: Iterable[Sequence[int]]) -> float | None:
    """The middle one of several flows' median RTTs, ns; None: there are none."""
    from statistics import median  # loaded where it is needed: no first frame waits for it

    medians = [median(these) for these in times if these]
    return median(medians) if medians else None
