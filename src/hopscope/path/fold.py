"""`PathFold`: the events of one target in, its path out.

The rules that it keeps:

- The order of arrival never shows. Counts are sums; what depends on an order (jitter, the last RTT, nodes) is taken in
  the order of sending (`hop`, `answers`).
- A probe's fate is counted once and never changes, but from lost to late.
- Memory is bounded: per hop a window of rounds, 64 nodes, the probes in flight.
- A hostile or broken event changes nothing: numbers out of range are ignored.

Where a path ends: at the smallest TTL whose newest answer was of a kind that ends a path, unless some later TTL has
answered a clearly newer probe (`FRESHER` rounds). So a path that grew or shrank is followed within a round, a lost
answer of the target changes nothing, and a passing "host unreachable" of a router hides nothing for good. A router's
refusal ends no path while the target, or a router on the way, answered from behind it in the same rounds: it refused
what expired there, and forwards the rest.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Final

from hopscope.path.answers import RouteTracker
from hopscope.path.hop import HopFold
from hopscope.path.snapshot import Hop, NumbersWindow, Path
from hopscope.path.target_series import FRESHER, TargetSeries
from hopscope.path.totals import Tallied, Totals
from hopscope.path.window import RoundTimes
from hopscope.wire.answers import PASSING, REACHING, plain
from hopscope.wire.facts import Abandoned, DriverFact, Reset
from hopscope.wire.messages import (
    Answered,
    Duplicate,
    Event,
    Failed,
    Finished,
    Late,
    Lost,
    Protocol,
    RoundStarted,
    Sent,
)

WINDOW: Final = 1024
"""Rounds of the window that sparklines, charts and percentiles see."""

_MAX_TTL: Final = 255
_MAX_ROUND: Final = 2**40
_MAX_COUNT: Final = 2**32
_MAX_NS: Final = 2**62


class PathFold:
    """One target's path. Not for several threads; `snapshot` may be kept and read anywhere.

    `address` (the target's own), `protocol` and `first_ttl` come from the target's plan; `window` is in rounds. It is
    the path of one flow, `flow`.
    """

    def __init__(
        self, address: str, protocol: Protocol = "icmp", first_ttl: int = 1, *, window: int = WINDOW, flow: int = 0
    ) -> None:
        self.version = 0
        self._flow = flow
        self._address = plain(address)
        self._protocol = protocol
        self._first_ttl = first_ttl
        self._window = window
        self._since = 0
        self._clear()

    def _clear(self) -> None:
        self._hops: dict[int, HopFold] = {}
        self._target = TargetSeries(self._window, self._address)
        self._is_over = False
        self._times = RoundTimes(self._window)
        self._newest = -1
        self._newest_at = _MAX_NS
        """A moment of the newest round, after which none tells of its beginning."""
        self._oldest = 0
        self._rounds = 0
        self._last_round = -1
        self._started_at: int | None = None
        self._last_at = -1
        """The latest moment that was told of; -1: none was."""
        self._reached = False
        self._cached: Path | None = None

    def copy(self) -> PathFold:
        """The same, to be continued by itself."""
        twin = copy.copy(self)
        twin._hops = {ttl: hop.copy() for ttl, hop in self._hops.items()}
        twin._target = self._target.copy()
        twin._times = self._times.copy()
        return twin

    def bare(self) -> PathFold:
        """A copy without what can be made again of the rest."""
        twin = self.copy()
        twin._cached = None
        for hop in twin._hops.values():
            hop.forget_shown()
        twin._target.forget_shown()
        return twin

    @property
    def since(self) -> int:
        """Probes that were sent before count no more (epoch ns); 0: all do."""
        return self._since

    def anew(self) -> PathFold:
        """Another one, to be reset; this one stays as it is."""
        return copy.copy(self)

    def go_on_after(self, other: PathFold) -> None:
        """Be shown in the place of `other`: as something newer."""
        self.version = max(self.version, other.version) + 1
        self._cached = None

    def reset(self, at_ns: int) -> None:
        """All statistics anew. Probes that were sent before `at_ns` (epoch ns) count no more, whatever becomes of
        them."""
        self._since = max(self._since, at_ns)
        self._clear()
        self.version += 1

    def abandon(self, now: int, message: str, error: str = "WORKER") -> None:
        """The worker died: no fate will come for what is pending, so those probes failed, by this machine's fault."""
        changed = [hop.abandon(now, error, message, self._oldest) for hop in self._hops.values()]
        if any(changed):
            self._target.abandon(now, error, message)
            self._changed(now)

    def apply(self, event: Event | DriverFact) -> None:
        """Fold one event of this target; what is no probe's, no round's and does not concern all of them is
        ignored."""
        if not (type(event) is Sent or type(event) is Answered or isinstance(event, (Answered, Lost, Failed))):
            self._apply_other(event)
            return
        at, round_ = event.sent_at, event.round
        is_of_newest = round_ == self._newest and self._newest_at <= at < _MAX_NS
        if event.flow != self._flow or not (is_of_newest or (self._since <= at < _MAX_NS and 0 <= round_ < _MAX_ROUND)):
            return
        hop = self._hops.get(event.ttl) or self._new_hop(event)
        if hop is None:
            return
        oldest = self._oldest
        # `Late` and `Duplicate` are kinds of `Answered`.
        if type(event) is Sent:
            changed = hop.sent_one(round_, oldest)
        elif type(event) is Answered:
            changed = 0 <= event.rtt_ns < _MAX_NS and hop.answered(event, oldest)
            at += event.rtt_ns
            if changed and event.kind not in PASSING:
                self._arrived(event, hop)
        else:
            changed = self._settle_otherwise(event, hop)
            if isinstance(event, Answered):
                at += event.rtt_ns
        if changed:
            if not is_of_newest:
                self._see_round(round_, event.sent_at)
            self.version += 1
            self._cached = None
            if at > self._last_at:
                self._last_at = at

    def apply_all(self, events: Iterable[Event]) -> None:
        """Fold many events."""
        for event in events:
            self.apply(event)

    def _apply_other(self, event: Event | DriverFact) -> None:
        """What is no probe's."""
        if isinstance(event, RoundStarted):
            self._round(event)
        elif isinstance(event, Reset):
            self.reset(event.at)
        elif isinstance(event, Abandoned):
            self.abandon(event.at, event.message, event.error)
        elif isinstance(event, Finished):
            self._is_over = True
            self._changed(max(0, self._last_at))

    def _new_hop(self, event: Sent | Answered | Lost | Failed) -> HopFold | None:
        """The hop of which this is the first to be heard; None: it begins none."""
        if isinstance(event, Duplicate) or event.round < self._oldest or not 0 < event.ttl <= _MAX_TTL:
            return None
        if isinstance(event, Answered) and not 0 <= event.rtt_ns < _MAX_NS:
            return None
        hop = self._hops[event.ttl] = HopFold(event.ttl, self._window, event.round)
        return hop

    def _settle_otherwise(self, event: Sent | Answered | Lost | Failed, hop: HopFold) -> bool:
        """Fold what became of a probe that was not answered in time. Whether it changed anything."""
        oldest = self._oldest
        if isinstance(event, (Lost, Failed)):
            changed = hop.lost_one(event.round, oldest) if isinstance(event, Lost) else hop.failed_one(event, oldest)
            if changed and event.round < self._target.next:
                self._target.settled(event)
            return changed
        assert isinstance(event, Answered)
        if not 0 <= event.rtt_ns < _MAX_NS:
            return False
        if isinstance(event, Duplicate):
            return 0 < event.count < _MAX_COUNT and hop.duplicate(event.count)
        assert isinstance(event, Late)
        changed = hop.late_one(event, oldest)
        if changed:
            if self._reaches(event):
                self._reached = True
                hop.newest_own = max(hop.newest_own, event.round)
            if event.round < self._target.next:
                self._target.settled(event)
        return changed

    def _arrived(self, event: Answered, hop: HopFold) -> None:
        """An answer in time that ends the path."""
        is_own = self._reaches(event)
        if is_own:
            self._reached = True
            hop.newest_own = max(hop.newest_own, event.round)
        else:
            hop.errors += 1
        self._target.arrived(event, is_own)

    def _round(self, event: RoundStarted) -> None:
        if not (self._since <= event.at < _MAX_NS and 0 <= event.round < _MAX_ROUND):
            return
        if event.round > self._last_round:
            self._last_round = event.round
            self._rounds += 1
        self._see_round(event.round, event.at)
        self._changed(event.at)

    def _see_round(self, round_: int, at: int) -> None:
        if round_ > self._newest:
            if self._target.is_behind(self._newest):
                self._target.advance(self._hops, self._newest)
            self._newest, self._newest_at = round_, at
            self._is_over = False
            self._oldest = max(0, round_ - self._window + 1)
        if round_ >= self._oldest:
            self._times.see(round_, at)
        if self._started_at is None or at < self._started_at:
            self._started_at = at

    def _changed(self, at: int) -> None:
        self.version += 1
        self._cached = None
        if at > self._last_at:
            self._last_at = at

    def _reaches(self, event: Answered) -> bool:
        return reaches(event, self._address, self._protocol)

    # --- what is shown ---------------------------------------------------------------------------------------------

    def tallied(self) -> Tallied:
        """The path as numbers at this moment."""
        end, _ = self._end()
        target, rtts = self._target.counts(self._hops, self._newest, self._is_over)
        counts = {ttl: hop.counts() for ttl, hop in self._hops.items()}
        shown = [hop.responders() for ttl, hop in sorted(self._hops.items()) if ttl <= end]
        changes = route_changes(route for _, route in shown)
        return Tallied(
            Totals(counts, target, rtts, changes),
            end,
            self._target.is_answering,
            tuple([one for responders, _ in shown for one in responders]),
        )

    def snapshot(self) -> Path:
        """The path at this moment; the same object as before while nothing changed."""
        if self._cached is None:
            self._cached = self._build()
        return self._cached

    def target(self) -> Hop | None:
        """The target by round alone, as `snapshot` has it."""
        if self._cached is not None:
            return self._cached.target
        first = self._times.start
        return self._target.snapshot(self._hops, first, max(self._newest, first), self._reached, self._is_over)

    def has_second(self, round_: int) -> bool:
        """Whether the target answered a second try of a round (of the window) that is lost."""
        return self._target.has_second(round_)

    def _build(self) -> Path:
        times = self._times
        first, newest = times.start, max(self._newest, times.start)
        end, ends = self._end()
        hops: list[Hop] = []
        if self._hops:
            for ttl in range(min(self._first_ttl, min(self._hops)), end + 1):
                hop = self._hops.get(ttl) or HopFold(ttl, self._window, first)
                hops.append(hop.snapshot(first, newest, ends and ttl == end))
        return Path(
            hops=tuple(hops),
            reached=self._reached,
            rounds=self._rounds,
            round_times=times.view(),
            first_round=first,
            started_at=self._started_at,
            last_at=None if self._last_at < 0 else self._last_at,
            version=self.version,
            # The hops' snapshots were just taken.
            route_changes=route_changes(hop.route for ttl, hop in self._hops.items() if ttl <= end),
            protocol=self._protocol,
            target=self._target.snapshot(self._hops, first, newest, self._reached, self._is_over),
            numbers=NumbersWindow("start", self._started_at, self._rounds),
        )

    def _end(self) -> tuple[int, bool]:
        """The last TTL to be listed, and whether the path ends there (or it is only the last that was tried)."""
        freshest, passed = -1, -FRESHER
        end = 0
        for ttl in sorted(self._hops, reverse=True):
            hop = self._hops[ttl]
            newest = hop.newest_answer
            is_own = hop.newest_own == newest
            if hop.newest_ends and newest + FRESHER > freshest and (is_own or newest >= passed + FRESHER):
                end = ttl
            freshest = max(freshest, newest)
            if newest >= 0 and (is_own or not hop.newest_ends):
                passed = max(passed, newest)
        if end:
            return end, True
        return max(self._hops, default=0), False


def route_changes(hops: Iterable[RouteTracker]) -> int:
    """How often a path changed for good. Changes of several hops that began within two rounds of each other are
    one."""
    rounds: set[int] = set()
    forgotten = 0
    for route in hops:
        rounds.update(route.changes)
        forgotten = max(forgotten, route.forgotten)
    count = 0
    before = -3
    for round_ in sorted(rounds):
        if round_ - before > 2:
            count += 1
        before = round_
    return forgotten + count


def reaches(answer: Answered, address: str, protocol: Protocol) -> bool:
    """Is this an answer of the target itself, whose own address that is?"""
    kind = answer.kind
    if kind in REACHING:
        return True
    if kind in PASSING:
        return False
    if protocol == "udp" and (kind == "port-unreachable" or (kind == "other" and answer.icmp_type is None)):
        return True
    return plain(answer.address) == plain(address)
