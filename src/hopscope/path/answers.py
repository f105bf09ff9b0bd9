"""What a hop's answered probes add up to, taken in the order of sending.

`HopTotals` is fed by `hop.HopFold` when all earlier probes of the hop have their fate; what is answered already but
stands behind a pending probe is added to a copy, for one snapshot only. So the order of arrival never shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from hopscope.path.snapshot import LastReply, Node, ReplyCount
from hopscope.path.stats import MS, RunningRtt
from hopscope.wire.messages import Answered, Kind

MAX_NODES: Final = 64
"""Addresses kept for a hop. Balancers have up to 64 members; what lies beyond is counted for the hop alone."""

MAX_REPLIES: Final = 64
"""Different replies (kind, type, code) kept for a hop."""

CONFIRM: Final = 3
"""A new address must answer so many probes running before the route is said to have changed for good."""

MAX_CHANGES: Final = 64
"""Changes of a hop whose rounds are kept."""

ReplyKey: TypeAlias = tuple[Kind, int | None, int | None]


class NodeTotals:
    """One address's answers at one hop."""

    __slots__ = ("best", "expired", "first_round", "last", "last_at", "received", "sum")

    def __init__(self, first_round: int, rtt: int) -> None:
        self.first_round = first_round
        self.received = 0
        self.sum = 0
        self.best = rtt
        self.last = rtt
        self.last_at = 0
        self.expired = False

    def copy(self) -> NodeTotals:
        """The same numbers."""
        twin = NodeTotals(self.first_round, self.best)
        twin.received, twin.sum, twin.last, twin.last_at = self.received, self.sum, self.last, self.last_at
        twin.expired = self.expired
        return twin

    def node(self, address: str) -> Node:
        """As the snapshot has it."""
        return Node(
            address=address,
            received=self.received,
            best_ms=self.best / MS,
            avg_ms=self.sum / self.received / MS,
            last_ms=self.last / MS,
            last_at=self.last_at,
            expired=self.expired,
        )


class RouteTracker:
    """Which addresses answer at one TTL, and when that changed for good.

    `members` answer now: one address, or several that take turns (a balancer). A stranger that answers `CONFIRM` probes
    running replaces them, and that is a change; one that gives way sooner has joined them. A value: `step` gives a new
    one, so copies are free.
    """

    __slots__ = ("began", "candidate", "changes", "forgotten", "members", "run")

    def __init__(
        self,
        members: frozenset[str],
        changes: tuple[int, ...] = (),
        forgotten: int = 0,
        candidate: str = "",
        run: int = 0,
        began: int = 0,
    ) -> None:
        self.members = members
        self.changes = changes
        """The rounds in which the changes began, oldest first; at most the last `MAX_CHANGES`."""
        self.forgotten = forgotten
        """How many changes came before those."""
        self.candidate = candidate
        self.run = run
        self.began = began

    def step(self, address: str, round_: int) -> RouteTracker:
        """The next answered probe, in the order of sending."""
        members, changes, forgotten = self.members, self.changes, self.forgotten
        if address == self.candidate:
            if self.run + 1 < CONFIRM:
                return RouteTracker(members, changes, forgotten, address, self.run + 1, self.began)
            if len(changes) == MAX_CHANGES:
                changes = changes[1:]
                forgotten += 1
            return RouteTracker(frozenset((address,)), (*changes, self.began), forgotten)
        if not members:
            return RouteTracker(frozenset((address,)), changes, forgotten)
        if self.candidate and len(members) < MAX_NODES:
            members |= {self.candidate}
        if address in members:
            return RouteTracker(members, changes, forgotten)
        return RouteTracker(members, changes, forgotten, address, 1, round_)


class HopTotals:
    """The sums over a hop's answered probes."""

    __slots__ = ("last", "nodes", "program_clock", "replies", "route", "series", "unvouched")

    def __init__(self) -> None:
        self.series = RunningRtt()
        self.nodes: dict[str, NodeTotals] = {}
        self.replies: dict[ReplyKey, int] = {}
        self.program_clock = 0
        self.unvouched = 0
        self.last: Answered | None = None
        self.route = RouteTracker(frozenset())

    def copy(self) -> HopTotals:
        """The same sums, to be added to without changing these."""
        twin = HopTotals()
        twin.series = self.series.copy()
        twin.nodes = {address: sums.copy() for address, sums in self.nodes.items()}
        twin.replies = dict(self.replies)
        twin.program_clock = self.program_clock
        twin.unvouched = self.unvouched
        twin.last = self.last
        twin.route = self.route
        return twin

    def add(self, events: Sequence[Answered]) -> None:
        """The next answered probes, in the order of sending; there must be one."""
        self.series.add(*[event.rtt_ns for event in events])
        said = {
            (event.address, event.kind, event.icmp_type, event.icmp_code, event.clock, event.vouched)
            for event in events
        }  # fmt: skip
        if len(said) == 1:  # as mostly
            self._add_alike(events)
        else:
            for event in events:
                self._add_alike((event,))
        self.last = events[-1]

    def _add_alike(self, events: Sequence[Answered]) -> None:
        """Some of them that say the same, but for the RTT."""
        first, last, count = events[0], events[-1], len(events)
        address, nodes = first.address, self.nodes
        sums = nodes.get(address)
        if sums is None and len(nodes) < MAX_NODES:
            sums = nodes[address] = NodeTotals(first.round, first.rtt_ns)
        if sums is not None:
            rtts = [event.rtt_ns for event in events]
            sums.received += count
            sums.sum += sum(rtts)
            sums.best = min(sums.best, min(rtts))
            sums.last, sums.last_at = last.rtt_ns, last.sent_at
            sums.expired = sums.expired or first.kind == "time-exceeded"
        key, replies = (first.kind, first.icmp_type, first.icmp_code), self.replies
        if key in replies or len(replies) < MAX_REPLIES:
            replies[key] = replies.get(key, 0) + count
        if first.clock == "program":
            self.program_clock += count
        if not first.vouched:
            self.unvouched += count
        for event in events:
            if not self.route.candidate and address in self.route.members:
                break  # it was known by now
            self.route = self.route.step(address, event.round)

    def node_list(self, late: dict[str, int]) -> tuple[Node, ...]:
        """The nodes in the order of sending of the first probe that each answered. `late`: the addresses that
        answered late, with the round of the first probe of which each did."""
        nodes = self.nodes
        if not late:
            return tuple([sums.node(address) for address, sums in nodes.items()])
        rows = [
            (min(sums.first_round, late.get(address, sums.first_round)), address, sums.node(address))
            for address, sums in nodes.items()
        ]
        rows += [
            (first, address, Node(address, 0, None, None, None, None))
            for address, first in late.items()
            if address not in nodes
        ]
        return tuple([node for _, _, node in sorted(rows, key=lambda row: row[:2])[:MAX_NODES]])

    def last_reply(self) -> LastReply | None:
        """The reply to the last answered probe."""
        event = self.last
        if event is None:
            return None
        return LastReply(event.icmp_type, event.icmp_code, event.kind, event.reply_ttl, event.clock, event.vouched)

    def reply_counts(self) -> tuple[ReplyCount, ...]:
        """The most frequent first."""
        replies = self.replies
        if len(replies) == 1:
            ((key, count),) = replies.items()
            return (ReplyCount(*key, count),)
        rows = [
            (-count, kind, -1 if type_ is None else type_, -1 if code is None else code)
            for (kind, type_, code), count in replies.items()
        ]
        rows.sort()
        return tuple(
            [
                ReplyCount(kind, None if type_ < 0 else type_, None if code < 0 else code, -count)
                for count, kind, type_, code in rows
            ]
        )
