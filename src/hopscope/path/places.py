"""Who is known to stand behind the first hops of a path. Pure.

A probe whose TTL ran out says how far away the router is that says so. Every other answer (a refusal, an echo reply of
somebody else's) comes from wherever the probe was stopped, at its TTL or anywhere before it: a router of the first hops
that is silent to a TTL that runs out, and refuses what it should forward, answers as if it stood behind them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

_MOST: Final = 65_536
"""Addresses of a kind that are remembered: strangers can make up one for each answer. Beyond, those of the path
that is looked at are told apart still."""


class Answerer(NamedTuple):
    """An address that answered probes with a TTL."""

    ttl: int
    address: str
    expired: bool
    """It said that the TTL ran out."""


class Behind(NamedTuple):
    """What a path says of addresses."""

    known: set[str]
    """They stand behind the first hops."""
    doubtful: set[str]
    """One of the first hops answers nobody, and what answers at several TTLs (a loop's router, or one that puts its
    address in others' answers) may be just that one."""


NOTHING = Behind(set(), set())


def behind(heard: Iterable[Answerer], hops: int, *, is_hole: bool) -> Behind:
    """Who stands behind the first `hops`. `is_hole`: at one of these nobody is known."""
    near: set[str] = set()
    expired: dict[str, set[int]] = {}
    first: dict[str, int] = {}
    for ttl, address, is_there in heard:
        if ttl <= hops:
            near.add(address)
            continue
        first[address] = min(ttl, first.get(address, ttl))
        if is_there:
            expired.setdefault(address, set()).add(ttl)
    doubtful = {address for address, ttls in expired.items() if is_hole and len(ttls) > 1}
    known = expired.keys() - doubtful - near
    # Whoever refused a probe at or after a TTL that ran out behind the first hops was reached past them. One TTL
    # behind them nothing tells him from the last of them.
    reach = min((min(expired[address]) for address in known), default=None)
    if reach is not None:
        known |= {address for address, ttl in first.items() if ttl > max(reach, hops + 1)} - near - doubtful
    return Behind(known, doubtful)


def behind_of(heard: Iterable[Answerer], hops: int) -> Behind:
    """The same where these are all that answered."""
    heard = list(heard)
    return behind(heard, hops, is_hole=not {one.ttl for one in heard}.issuperset(range(1, hops + 1)))


class Places:
    """What all paths together say of addresses by now. Who stood at a first hop once is near for good."""

    def __init__(self) -> None:
        self.near: set[str] = set()
        self._behind: set[str] = set()
        self.version = 0
        """Grows with each change."""

    def put_near(self, address: str) -> None:
        """It stood at one of the first hops."""
        if address not in self.near and len(self.near) < _MOST:
            self.near.add(address)
            self.version += 1

    def learn(self, said: Behind) -> None:
        """What a path says now: a doubt outweighs what others said before."""
        before = len(self._behind)
        self._behind -= said.doubtful
        self.version += len(self._behind) != before
        if len(self._behind) < _MOST and not said.known <= self._behind:
            self._behind |= said.known
            self.version += 1

    def are_behind(self, addresses: set[str]) -> set[str]:
        """Those of them that are known to stand behind the first hops, and nowhere before."""
        return (addresses & self._behind) - self.near

    def is_behind(self, address: str) -> bool:
        """Whether that is known of it."""
        return address in self._behind and address not in self.near
