"""The target by round, whatever TTL it stands at: one fate a round, folded like a hop's.

What became of a round, by the target's distance in the rounds before it:

- answered, by the nearest of the target's own answers;
- but where the target answers farther away than before, and its old TTL is silent or somebody refuses there, that
  counts only once it has answered at one TTL for `FRESHER` rounds together, or the old one has been silent for `_GONE`:
  until then the probe at its TTL of that time is lost, and what answered in its place was a second try;
- lost where that probe was, and where routers' errors are all that came of it ("no route", "prohibited");
- while no distance is known, the farthest probe of the round stands for the target: it did not answer;
- lost, too, where a router of the way to it answered in its place: packets went round (`_went_round`);
- not probed where another router answered at the target's TTL and nothing was sent beyond.

Only answers in time tell the distance, and a round is settled once nothing of it is in flight, so the order of arrival
never shows. Rounds before that are settled for one snapshot only, on a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final, NamedTuple

from hopscope.path.hop import HopFold
from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING, Hop
from hopscope.path.totals import BOUNDS, Counts
from hopscope.wire.answers import plain
from hopscope.wire.messages import Answered, Failed, Late, Lost

FRESHER: Final = 3
"""Rounds by which a later hop's newest answer must be newer to show that the path goes on; so many together must the
target have answered at one TTL farther away."""

_GONE: Final = 30
"""Rounds of silence in the target's place after which any answer from farther away shows that the path has grown: where
nine of ten packets are lost, one silence in twenty-five lasts so long."""

_SETTLED_EACH: Final = 64
"""Look at rounds that are settled once this many wait."""


class TargetPlace(NamedTuple):
    """Where the target stands."""

    ttl: int
    """The TTL at which it answered last; 0: none is known."""
    seen: int
    """The round of that answer."""
    farther: int = 0
    """The TTL beyond at which it answers while its own is silent."""
    run: int = 0
    """In how many rounds together it did so."""

    def tried_beyond(self, own: int) -> TargetPlace:
        """After a round in which the target answered at the TTL `own` alone (0: at none)."""
        if own:
            return self._replace(farther=own, run=self.run + 1 if own == self.farther else 1)
        return self._replace(run=0) if self.run else self

    def is_left(self, round_: int) -> bool:
        """Whether, by what came up to this round, the target stands farther away than here."""
        return self.run >= FRESHER or self.seen + _GONE <= round_


class Outcome(NamedTuple):
    """What became of a round."""

    round: int
    used: int
    """The TTL whose probe stood for the target."""
    fate: Answered | int
    """The target's answer, or the sample of a probe without one."""
    is_error: bool
    """A router's error is what came of it."""
    place: TargetPlace
    """Where the target stands from now on."""
    has_second: bool = False
    """It was lost, and the target answered a second try."""


class TargetSeries:
    """One target's rounds, from the fates of its hops. `window` is in rounds; `address` is the target's own."""

    __slots__ = (
        "_address",
        "_arrivals",
        "_cached",
        "_cached_of",
        "_fold",
        "_place",
        "_second",
        "_used",
        "_window",
        "next",
    )

    def __init__(self, window: int, address: str) -> None:
        self._window = window
        self._address = address
        self._fold = HopFold(0, window, 0)
        self._arrivals: dict[int, dict[int, tuple[Answered, bool]]] = {}
        """By round and TTL: answers in time that end the path, and whether the target itself sent them."""
        self._place = TargetPlace(0, -1)
        self._used = bytearray(window)
        """By round modulo `window`: the TTL whose probe stood for the target."""
        self._second = bytearray(window)
        """By round modulo `window`: 1 where what was lost there had a second try that the target answered."""
        self._cached: Hop | None = None
        self._cached_of: tuple[int, int, bool, list[Outcome]] = (0, 0, False, [])
        self.next = 0
        """The first round that is not settled."""

    def copy(self) -> TargetSeries:
        """The same, to be continued by itself."""
        twin = copy.copy(self)
        twin._fold = self._fold.copy()
        twin._arrivals = {round_: dict(answers) for round_, answers in self._arrivals.items()}
        twin._used = self._used[:]
        twin._second = self._second[:]
        return twin

    def forget_shown(self) -> None:
        """Make the next snapshot anew."""
        self._cached = None
        self._cached_of = (0, 0, False, [])
        self._fold.forget_shown()

    # --- facts, once the hop has taken them -----------------------------------------------------------------------

    def arrived(self, event: Answered, is_own: bool) -> None:
        """An answer in time that ends the path; `is_own`: the target's, not a router's error."""
        if event.round >= self.next:
            self._arrivals.setdefault(event.round, {})[event.ttl] = (event, is_own)
        elif is_own and self._stood_for(event):
            self._cached = None
            self._fold.answered(event, 0)

    def settled(self, event: Lost | Late | Failed) -> None:
        """A probe of a round that is settled has another fate now."""
        if not self._stood_for(event):
            return
        self._cached = None
        fate = LOST if isinstance(event, Lost) else LATE if isinstance(event, Late) else FAILED
        self._fold.mark(event.round, fate, max(0, self.next - self._window))

    def abandon(self, now: int, error: str, message: str) -> None:
        """No fate will come any more."""
        self._cached = None
        self._fold.abandon(now, error, message, max(0, self.next - self._window))

    def _stood_for(self, event: Answered | Lost | Failed) -> bool:
        """Whether this probe was the one that stood for the target; as far as is known still."""
        if event.round < self.next - self._window:
            return self._place.ttl in (0, event.ttl)
        return self._used[event.round % self._window] == event.ttl

    # --- rounds ---------------------------------------------------------------------------------------------------

    def is_behind(self, newest: int) -> bool:
        """Whether so many rounds wait that some should be settled now, while the hops remember them."""
        return newest - self.next >= min(_SETTLED_EACH, self._window // 2)

    def advance(self, hops: Mapping[int, HopFold], newest: int, is_over: bool = False) -> None:
        """Settle every round before `newest` (`is_over`: and that one) of which nothing is in flight, and what is about
        to leave the window in any case."""
        pending = min((hop.first_pending for hop in hops.values() if hop.pending), default=newest + 1)
        oldest = newest - self._window + 1
        end = max(min(pending, newest + is_over), oldest)
        if end > self.next:
            first = max(self.next, end - self._window)
            for round_ in (*self._in_flight(hops, first), *range(first, end)):
                outcome = self._outcome(hops, round_, self._place, is_complete=True)
                self._place = outcome.place
                self._used[round_ % self._window] = outcome.used
                self._second[round_ % self._window] = outcome.has_second
                _settle(self._fold, outcome)
            self.next = end
            self._cached = None
            for round_ in [round_ for round_ in self._arrivals if round_ < end]:
                del self._arrivals[round_]

    def snapshot(
        self, hops: Mapping[int, HopFold], first: int, newest: int, ends: bool, is_over: bool = False
    ) -> Hop | None:
        """The target as a hop of its own, at the TTL where it stands (0: unknown), its window from round `first` to
        `newest`; None before anything was sent. `ends`: it is what ends the path now."""
        self.advance(hops, newest, is_over)
        place = self._place
        rest: list[Outcome] = []
        for round_ in range(self.next, newest + 1):
            outcome = self._outcome(hops, round_, place, is_complete=round_ < newest or is_over)
            place = outcome.place
            rest.append(outcome)
        made_of = (first, newest, ends, rest)
        fold = self._fold
        if self._cached is not None and self._cached_of == made_of:
            return self._cached
        if rest:
            fold = fold.copy()
            for outcome in rest:
                _settle(fold, outcome)
        if not fold.sent:
            return None
        fold.ttl = place.ttl
        if fold.failed:
            fold.blame((hops.get(fold.ttl) or hops[max(hops)]).last_error)
        self._cached, self._cached_of = fold.snapshot(first, newest, ends), made_of
        return self._cached

    def counts(self, hops: Mapping[int, HopFold], newest: int, is_over: bool) -> tuple[Counts, tuple[int, ...]]:
        """What became of the rounds that are settled, and how many RTTs there are up to each of `totals.BOUNDS`."""
        self.advance(hops, newest, is_over)
        return self._fold.counts(), self._fold.rtts_up_to(BOUNDS)

    def has_second(self, round_: int) -> bool:
        """Whether a round of the window that is settled was lost, and the target answered a second try of it."""
        return round_ < self.next and bool(self._second[round_ % self._window])

    @property
    def is_answering(self) -> bool | None:
        """Whether the target answered in the last round that is settled and in which it was probed; None: it was in
        none."""
        fate = self._fold.newest_fate()
        return None if fate is None else fate >= 0

    def _in_flight(self, hops: Mapping[int, HopFold], before: int) -> list[int]:
        """The rounds to be settled that have left the window, but for something of them that is in flight still."""
        if self.next >= before:
            return []
        known = {round_ for hop in hops.values() for round_ in hop.in_flight()}
        return sorted(round_ for round_ in known if self.next <= round_ < before)

    def _outcome(self, hops: Mapping[int, HopFold], round_: int, place: TargetPlace, *, is_complete: bool) -> Outcome:
        """What became of one round; `place`: where the target stood before it."""
        distance = place.ttl
        arrivals = self._arrivals.get(round_, {})
        own = min((ttl for ttl, (_, is_own) in arrivals.items() if is_own), default=0)
        at = hops.get(distance)
        fate = NO_PROBE if at is None else at.fate(round_)
        if fate >= 0 and distance not in arrivals and self._went_round(hops, round_, distance):
            fate = LOST
        is_refused = distance in arrivals and not arrivals[distance][1]
        is_passed = fate == NO_PROBE or (fate >= 0 and not is_refused)
        if own:
            place = place.tried_beyond(own)
            is_gone = (is_refused or fate in (LOST, LATE)) and place.is_left(round_)
            if own <= distance or is_passed or is_gone:
                return Outcome(round_, own, arrivals[own][0], False, TargetPlace(own, round_))
        elif fate != PENDING:
            place = place.tried_beyond(0)
        used = distance
        if is_passed:
            used, beyond = _farthest(hops, round_, distance, is_complete)
            if beyond >= 0:
                # The target is farther away than anything that was tried, now or at all.
                beyond = LOST if not distance and is_complete else NO_PROBE
            if fate >= 0:
                place = TargetPlace(0, place.seen)
            fate = beyond
        is_error = is_refused or (bool(arrivals) and not own and fate != PENDING)
        return Outcome(round_, used, LOST if is_error or fate >= 0 else fate, is_error, place, own > 0)

    def _went_round(self, hops: Mapping[int, HopFold], round_: int, distance: int) -> bool:
        """Whether the routers that answered in the target's place up to this round are those that its probes pass
        before, each the only one at a nearer TTL: a path that grows meets others. Two TTLs lie between a router and
        itself at least; what forwards packets that have no TTL left answers at two that are next to each other."""
        ways = [hops[ttl].answerers(round_) for ttl in hops if ttl <= distance - 2]
        passed = {way[0] for way in ways if len(way) == 1}
        routers = {one for one in hops[distance].answerers(round_) if plain(one) != self._address}
        return bool(routers) and routers <= passed


def _settle(fold: HopFold, outcome: Outcome) -> None:
    """Give a round its fate."""
    if isinstance(outcome.fate, Answered):
        fold.answered(outcome.fate, outcome.round)
    else:
        fold.mark(outcome.round, outcome.fate, outcome.round)
    fold.errors += outcome.is_error


def _farthest(hops: Mapping[int, HopFold], round_: int, distance: int, is_complete: bool) -> tuple[int, int]:
    """The farthest probe of a round, beyond the target's place where that answered, and its fate."""
    probed = [(ttl, fate) for ttl, hop in hops.items() if (fate := hop.fate(round_)) != NO_PROBE]
    ttl, fate = max(probed, default=(0, NO_PROBE))
    if (distance and ttl <= distance and fate >= 0) or not (is_complete or fate == PENDING):
        return ttl, NO_PROBE
    return ttl, fate
