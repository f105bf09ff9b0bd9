"""What was counted of a target: plain sums, for whoever takes their differences later (`hopscope.metrics`).

Unlike a snapshot's statistics they add up: of the time before a reset and the time after it, of one flow and the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import add, sub
from typing import Final, NamedTuple

_MS: Final = 1_000_000
_BOUNDS_MS: Final = (
    0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000, 10000,
)  # fmt: skip
"""Upper bounds of the buckets of the target's RTTs, ms: fixed, so that those of all targets and all times add up."""
BOUNDS: Final = tuple(round(bound * _MS) for bound in _BOUNDS_MS)
"""The same in ns."""


class Counts(NamedTuple):
    """What became of probes."""

    answered: int = 0
    lost: int = 0
    late: int = 0
    failed: int = 0
    duplicates: int = 0
    """Further answers."""
    rtt_ns: int = 0
    """The sum of the RTTs of those that were answered."""

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*map(add, self, other))

    def minus(self, other: Counts) -> Counts:
        """The rest, where the other one is a part of this one."""
        return Counts(*map(sub, self, other))

    def at_least(self, other: Counts) -> Counts:
        """The greater number of each."""
        return Counts(*map(max, self, other))


_NOTHING: Final = Counts()


class Totals(NamedTuple):
    """What was counted of one target."""

    hops: Mapping[int, Counts] = {}
    """By TTL."""
    target: Counts = _NOTHING
    """By round, whatever TTL the target stood at."""
    rtts: tuple[int, ...] = (0,) * len(BOUNDS)
    """How many of the target's RTTs were at most as long as each of `BOUNDS` (within 0.8 % of it)."""
    route_changes: int = 0
    incidents: Mapping[str, int] = {}
    """How often something was wrong, by its kind."""

    def plus(self, other: Totals) -> Totals:
        """Both together."""
        return self._with(other, Counts.plus, add)

    def minus(self, other: Totals) -> Totals:
        """The rest, where the other one is a part of this one."""
        return self._with(other, Counts.minus, sub)

    def at_least(self, other: Totals) -> Totals:
        """The greater number of each."""
        return self._with(other, Counts.at_least, max)

    def _with(
        self, other: Totals, of_counts: Callable[[Counts, Counts], Counts], of_numbers: Callable[[int, int], int]
    ) -> Totals:
        return Totals(
            {**other.hops, **{ttl: of_counts(one, other.hops.get(ttl, _NOTHING)) for ttl, one in self.hops.items()}},
            of_counts(self.target, other.target),
            tuple(map(of_numbers, self.rtts, other.rtts)),
            of_numbers(self.route_changes, other.route_changes),
            {
                **other.incidents,
                **{kind: of_numbers(n, other.incidents.get(kind, 0)) for kind, n in self.incidents.items()},
            },
        )


class Responder(NamedTuple):
    """An address that answered for a hop."""

    ttl: int
    place: int
    """Which of the hop's it was, by the first answer of each."""
    address: str
    received: int
    last_at: int
    """When its last answered probe was sent (epoch ns)."""
    expired: bool
    """It said of a probe that its TTL ran out."""


class Tallied(NamedTuple):
    """A path as numbers: what a scrape needs, at a tenth of a snapshot's cost. Answers behind a probe that is in flight
    are not told yet, but for their number."""

    totals: Totals
    hops: int
    """How many there are: up to the target, or to the last that was tried. 0: none was yet."""
    is_answering: bool | None
    """Whether the target answered in the newest round whose fate is known; None: none is."""
    responders: tuple[Responder, ...]
