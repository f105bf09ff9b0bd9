"""What became of the last rounds' probes, by hop and for the target, in the order of the rounds.

Each series has one letter and one RTT a round; all are of the same length, so one index is one round in each of them.
The target has a series of its own, whatever TTL it stands at. Bounded: the last `KEPT` rounds, at least.
"""

from __future__ import annotations

import copy
import re
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from hopscope.judge.hop_series import ANSWERED, ERROR, FAILED, LATE, LOST, MISSED, NONE, TARGET, HopSeries
from hopscope.path.target_series import FRESHER, TargetPlace
from hopscope.wire.answers import REACHING, plain
from hopscope.wire.messages import Answered, Failed, Kind, Late, Lost, Protocol

KEPT: Final = 480
"""Rounds that are remembered one by one; up to `_SLACK` more stand there."""
_SLACK: Final = 160
_OUTAGE: Final = re.compile(rb"[LEX.]{10,}")
"""Finds outages in the target's fates: ten rounds or more in a row that did not reach it, or did not ask it."""

REFUSED: Final = 1
CIRCLED: Final = 2
SECOND: Final = 3
"""Somebody who is not the target refused the probe; it went round until its TTL was used up; it was lost, and what
reached the target was a second try, with a larger TTL."""

RING: Final = 16
"""Rounds after one in which packets surely went round, in which an answer of a router of that ring, from farther away
than it stands, tells that they still do: its routers may limit how often they answer."""

_ALONE: Final = 5
"""Answers of one address in a row from which on it is the only one at its hop."""

_PASSED: Final = frozenset({"ASLEEP", "MOVED", "WORKER"})
"""Failures that say nothing of whether this computer can send: it slept, it moved, its worker was started again."""

_PRECEDENCE: Final = frozenset({(3, 14), (3, 15)})

Fate: TypeAlias = Answered | Lost | Failed | None
"""What became of a probe; None: not known."""


class RouterError(msgspec.Struct, frozen=True):
    """An error that ended a probe's way."""

    at: int
    """The ordinal of its round."""
    ttl: int
    address: str
    kind: Kind
    is_precedence: bool
    """It was refused for its precedence, by no filter."""
    mtu: int | None = None
    """The largest packet (bytes) that gets through, where it says so."""


class Series:
    """The series of one target's path."""

    def __init__(self, address: str, protocol: Protocol, first_ttl: int) -> None:
        self.address = plain(address)
        self.protocol = protocol
        self.first_ttl = first_ttl
        self.target = HopSeries(0, 0)
        self.hops: dict[int, HopSeries] = {}
        self.rounds = array("q")
        """The rounds' numbers."""
        self.times = array("q")
        """When they began (epoch ns)."""
        self.base = 0
        """The ordinal of index 0: how many rounds have left."""
        self.end = 0
        """The ordinal of the round to come."""
        self.target_ttl: int | None = None
        """Where the target answered last."""
        self._place = TargetPlace(0, -1)
        """The same as the table has it, which counts no second try."""
        self.far = 0
        """The largest TTL at which a router answered since the target last did."""
        self.cut = bytearray()
        """By round, why its probe surely did not reach the target, where that is known: `REFUSED`, `CIRCLED`, `SECOND`
        (which `target` has as answered: it is so much more evidence); else 0."""
        self.refused_by: RouterError | None = None
        """The newest refusal for which `cut` has `REFUSED`."""
        self.ring: tuple[str, ...] = ()
        """The routers of the newest round for which `cut` has `CIRCLED`: those between which its probes went round."""
        self._homes: dict[str, int] = {}
        """The TTL at which each of them stands."""
        self.refusals: deque[RouterError] = deque(maxlen=32)
        self.harmless: set[int] = set()
        """TTLs at which a router refuses what expires there and forwards the rest: somebody behind it answered."""
        self.failure: Failed | None = None
        """The newest."""
        self.newest: dict[int, tuple[int, str, Kind]] = {}
        """By TTL the newest answer: ordinal, address, kind."""
        self.failed_at = -1
        """The ordinal of the newest round in which this computer failed, and that of the newest late answer's."""
        self.late_at = -1
        self.late_by = 0
        """After how many rounds the last late answer came."""
        self._path: Sequence[HopSeries] | None = None
        """What `path` gave since something changed."""

    def __len__(self) -> int:
        return len(self.rounds)

    def index(self, ordinal: int) -> int:
        """The index of a round by its ordinal; 0 where it has left."""
        return max(0, ordinal - self.base)

    def moment(self, ordinal: int) -> int | None:
        """When the round with this ordinal began (epoch ns); None: it is not known, or not remembered any more."""
        return self.times[ordinal - self.base] if self.base <= ordinal < self.end else None

    def path(self) -> Sequence[HopSeries]:
        """The hops before the target (or all of them, where it never answered) that ever answered, in order."""
        if self._path is None:
            end = self.target_ttl
            self._path = [hop for ttl, hop in sorted(self.hops.items()) if hop.answers and (end is None or ttl < end)]
        return self._path

    def up_to(self, ttl: int) -> Series:
        """The same as of now, with the hop at this TTL in the target's place; no round is to be put there."""
        seen = copy.copy(self)
        seen.target, seen.target_ttl, seen._path = self.hops[ttl], ttl, None
        seen._place = TargetPlace(ttl, -1)
        seen.cut = self.cut.replace(bytes((SECOND,)), bytes(1))
        return seen

    @property
    def usual_ttl(self) -> int | None:
        """Where the target stands; second tries beyond, in rounds that were lost there, move it not."""
        usual, newest = self._place.ttl, self.target_ttl
        return usual if usual and newest is not None and usual < newest else newest

    def is_silent(self, ttl: int) -> bool:
        """Whether nobody answers what is sent with this TTL: no router, the target neither, in time or late."""
        return ttl not in self.newest and LATE not in self.hops[ttl].fates

    def put(self, round_: int, at: int, fates: Mapping[int, Fate]) -> None:
        """All that became of a round that began at `at`: a fate by TTL."""
        ordinal, length = self.end, len(self.rounds)
        self.end += 1
        self._path = None
        self.rounds.append(round_)
        self.times.append(at)
        reached: Answered | None = None
        refusals: list[RouterError] = []
        last = max(fates, default=0)
        circled = self._circled_from(fates)
        for ttl, fate in sorted(fates.items()):
            hop = self.hops.get(ttl)
            if hop is None:
                hop = self.hops[ttl] = HopSeries(ttl, length)
            if type(fate) is Answered:
                if circled and ttl >= circled:
                    # It never came to the hop of this TTL.
                    self.newest[ttl] = (ordinal, fate.address, fate.kind)
                    hop.put(LOST)
                    continue
                if ttl == last:
                    self.harmless.discard(ttl)  # nothing was tried behind it
                if self._answer(hop, fate, ordinal, refusals) and reached is None:
                    reached = fate
            elif isinstance(fate, Failed):
                hop.put(self._fail(fate, ordinal))
            else:
                hop.put(NONE if fate is None else LOST)
        for hop in self.hops.values():
            if len(hop.fates) == length:
                hop.put(NONE)
        passed = reached.ttl if reached is not None else _farthest(fates)
        if reached is None:
            self.refusals += [refusal for refusal in refusals if refusal.ttl > passed]
        elif self._is_second_try(reached.ttl, refusals):
            passed, reached = self.target_ttl or 0, None
        self.harmless |= {refusal.ttl for refusal in refusals if refusal.ttl < passed}
        refused = [refusal for refusal in refusals if refusal.ttl >= passed] if reached is None else []
        if refused:
            self.refused_by = refused[0]
        is_second = self._follow(fates, reached, ordinal)
        self.cut.append(CIRCLED if circled else REFUSED if refused else SECOND if is_second else 0)
        self._put_target(reached)
        if len(self.rounds) > KEPT + _SLACK:
            self._forget(_SLACK)

    def _circled_from(self, fates: Mapping[int, Fate]) -> int:
        """The first TTL of a round from which on the routers are those that its probes had passed before: packets went
        round, as the answer in the target's place tells; 0: they did not. A router that is found at two TTLs since
        packets take ways of several lengths is not the only one at the nearer of them."""
        at = fates.get(self.target_ttl or 0)
        if type(at) is not Answered or at.kind != "time-exceeded":
            return self._still_circled_from(fates)
        homes: dict[str, int] = {}
        again: dict[int, str] = {}
        for ttl, fate in sorted(fates.items()):
            if type(fate) is not Answered or fate.kind != "time-exceeded":
                continue
            home = homes.setdefault(fate.address, ttl)
            if ttl - home >= 2 and self._is_alone(home, fate.address):
                again[ttl] = fate.address
        if self.target_ttl not in again:
            return self._still_circled_from(fates)
        self._homes = {address: homes[address] for address in again.values()}
        self.ring = tuple(sorted(self._homes, key=self._homes.__getitem__))
        return min(again)

    def _still_circled_from(self, fates: Mapping[int, Fate]) -> int:
        """The same where the routers of the ring left some of the newest round's probes without an answer."""
        if CIRCLED not in self.cut[-RING:]:
            return 0
        answers = [(ttl, fate) for ttl, fate in fates.items() if type(fate) is Answered]
        if any(fate.kind != "time-exceeded" for _, fate in answers):
            return 0
        return min((ttl for ttl, fate in answers if ttl - self._homes.get(fate.address, ttl) >= 2), default=0)

    def ring_place(self) -> tuple[int, int]:
        """The TTLs of the first and the last router of `ring`."""
        return min(self._homes.values()), max(self._homes.values())

    def _is_alone(self, ttl: int, address: str) -> bool:
        """Whether this router alone has been answering at a TTL."""
        hop = self.hops.get(ttl)
        if hop is None or not hop.runs:
            return False
        return hop.runs[-1].address == address and (len(hop.members) == 1 or hop.runs[-1].answers >= _ALONE)

    def _is_second_try(self, ttl: int, refusals: Sequence[RouterError]) -> bool:
        """Whether somebody refused the newest round's probe in the target's place, where the target answered of late:
        then what reached it at this larger TTL is no news of it."""
        place = self.hops.get(self.target_ttl or 0)
        if place is None or place.ttl >= ttl or all(refusal.ttl != place.ttl for refusal in refusals):
            return False
        return TARGET in place.fates[-FRESHER:]

    def _follow(self, fates: Mapping[int, Fate], reached: Answered | None, ordinal: int) -> bool:
        """Follow where the target stands, as `path.target_series` does; whether what reached it was a second try."""
        place = self._place
        if reached is not None and (reached.ttl <= place.ttl or not isinstance(fates.get(place.ttl), Lost)):
            self._place = TargetPlace(reached.ttl, ordinal)
            return False
        self._place = place = place.tried_beyond(0 if reached is None else reached.ttl)
        if reached is not None and place.is_left(ordinal):
            self._place = TargetPlace(reached.ttl, ordinal)
            return False
        return reached is not None

    def _fail(self, failed: Failed, ordinal: int) -> int:
        """Put down what this computer could not do; the letter for it."""
        if failed.error in _PASSED:
            return NONE
        self.failure = failed
        self.failed_at = ordinal
        return FAILED

    def _answer(self, hop: HopSeries, answer: Answered, ordinal: int, refusals: list[RouterError]) -> bool:
        """Put down an answer; whether it is the target's. One that refuses joins `refusals`."""
        kind, address, ttl = answer.kind, answer.address, hop.ttl
        rtt = answer.rtt_ns / 1e6
        self.newest[ttl] = (ordinal, address, kind)
        is_own = kind != "time-exceeded" and self.reaches(answer)
        if kind == "time-exceeded" or is_own:
            self.harmless.discard(ttl)
        if kind == "time-exceeded" or (ttl in self.harmless and not is_own):
            hop.answered(address, ordinal, rtt)
            hop.quoted_dscp = answer.quoted_dscp
            if ttl > self.far:
                self.far = ttl
            return False
        if is_own:
            hop.put(TARGET, rtt)
            return True
        # What is refused on the way to a target that answered is lost.
        hop.put(ERROR if self.target_ttl is None else LOST, rtt)
        refusals.append(
            RouterError(
                ordinal, ttl, address, kind, (answer.icmp_type, answer.icmp_code) in _PRECEDENCE, answer.mtu or None
            )
        )
        return False

    def reaches(self, answer: Answered) -> bool:
        """Is this the target's own answer, and none that refuses?"""
        kind = answer.kind
        if kind in REACHING:
            return True
        if kind == "port-unreachable":
            return self.protocol == "udp" or plain(answer.address) == self.address
        return kind == "other" and (answer.icmp_type is None or plain(answer.address) == self.address)

    def _put_target(self, reached: Answered | None) -> None:
        if reached is not None:
            self.target_ttl = reached.ttl
            self.far = 0
            self.target.put(ANSWERED, reached.rtt_ns / 1e6)
            return
        ttl = self.target_ttl
        if ttl is not None:
            hop = self.hops.get(ttl)
            fate = NONE if hop is None else hop.fates[-1]
            if fate == NONE and self.cut[-1] == REFUSED:
                # Where somebody refuses, no probe need go farther.
                fate = LOST
            self.target.put(MISSED if fate == ANSWERED else fate)
            return
        self.target.put(self._never_reached())

    def _never_reached(self) -> int:
        """What became of the newest round's probes beyond all routers."""
        newest = [hop.fates[-1] for hop in self.hops.values()]
        if ERROR in newest:
            return ERROR
        beyond = [hop.fates[-1] for ttl, hop in self.hops.items() if ttl > self.far]
        for fate in (LOST, LATE, FAILED):
            if fate in beyond:
                return fate
        return MISSED if ANSWERED in newest else NONE

    def turn_late(self, answer: Late) -> None:
        """A probe that was lost was answered late."""
        ordinal, ttl = self.find(answer.round), answer.ttl
        hop = self.hops.get(ttl)
        if ordinal is None or hop is None or hop.fates[ordinal - self.base] != LOST:
            return
        index = ordinal - self.base
        hop.fates[index] = LATE
        self.late_at = max(self.late_at, ordinal)
        self.late_by = self.end - ordinal
        if answer.kind == "time-exceeded":
            self.far = max(self.far, ttl) if self.target_ttl is None else self.far
        elif self.reaches(answer) and (self.target_ttl is None or ttl <= self.target_ttl):
            self.target_ttl, self._path = ttl, None
            if self.target.fates[index] != ANSWERED or self.cut[index] == SECOND:
                self.target.fates[index], self.cut[index] = LATE, 0

    def find(self, round_: int) -> int | None:
        """The ordinal of a round by its number; None where it is not remembered."""
        at = bisect_left(self.rounds, round_)
        return self.base + at if at < len(self.rounds) and self.rounds[at] == round_ else None

    def reached_of(self, start: int, end: int | None = None) -> tuple[int, int]:
        """From index `start` to before `end`: probes of the target with a fate, and those that did not reach it."""
        fates = self.target.fates if end is None else self.target.fates[:end]
        missed = fates.count(LOST, start) + fates.count(ERROR, start) + fates.count(MISSED, start)
        stop = len(self.cut) if end is None else end
        return fates.count(ANSWERED, start) + missed, missed + self.cut.count(SECOND, start, stop)

    def reached_beside_outages(self, start: int) -> tuple[int, int]:
        """As `reached_of`, without outages: each is a trouble of its own, and its packets are no other one's."""
        n, k = self.reached_of(start)
        for outage in _OUTAGE.finditer(self.target.fates, start):
            sent, lost = self.reached_of(*outage.span())
            n, k = n - sent, k - lost
        return n, k

    def sides(
        self, first: int | None, last: int | None, met: Iterable[tuple[int, str | None]] = ()
    ) -> tuple[str | None, str | None]:
        """Who answered at both sides of a place: at `first` or the last before that answers, at `last` or the first
        behind that answers. `met`: by TTL, whom the flows in question meet there instead; None: nobody knows."""
        if first is None or last is None:
            return None, None
        routers = {ttl: answer[1] for ttl, answer in self.newest.items()} | dict(met)
        known = [(ttl, router) for ttl, router in sorted(routers.items()) if router is not None]
        before = [router for ttl, router in known if ttl <= first]
        behind = [router for ttl, router in known if ttl >= last]
        return before[-1] if before else None, behind[0] if behind else None

    def _forget(self, count: int) -> None:
        for column in (self.target, *self.hops.values()):
            del column.fates[:count], column.rtts[:count], column.who[:count]
        del self.rounds[:count], self.times[:count], self.cut[:count]
        self.base += count


def _farthest(fates: Mapping[int, Fate]) -> int:
    """The largest TTL at which a router on the way answered; 0: none did."""
    return max(
        (ttl for ttl, fate in fates.items() if type(fate) is Answered and fate.kind == "time-exceeded"), default=0
    )
