"""What a path looks like at one moment: immutable, cheap to take, and all that a view ever sees of it.

RTTs and jitters are milliseconds (floats); the window's samples are nanoseconds. What is unknown is None, never 0.
The statistics' definitions stand in ``docs/statistics.md``.
"""

from __future__ import annotations

import msgspec

from hopscope.path.windows import WindowName
from hopscope.wire.messages import Clock, Kind, Label, Protocol

# Samples of a window that are no RTT.
LOST = -1
PENDING = -2
FAILED = -3
LATE = -4
NO_PROBE = -5
"""No probe was sent to this hop in that round."""


class Rtt(msgspec.Struct, frozen=True):
    """RTT statistics of a hop over the numbers' window, in ms. Percentiles: nearest rank, exact while all answers are
    among the newest 1,024 rounds, within 0.4 % beyond that."""

    last: float
    best: float
    avg: float
    worst: float
    stddev: float | None
    """Sample standard deviation (n-1); None below two answers."""
    median: float | None
    p95: float | None
    p99: float | None
    gmean: float
    """Geometric mean, mtr's ``G``."""


class Jitter(msgspec.Struct, frozen=True):
    """Differences of consecutive answered probes in the order of sending, in ms. There are none below two answers."""

    last: float
    avg: float
    worst: float
    rfc3550: float


class Node(msgspec.Struct, frozen=True):
    """An address that answered for a hop. One that only ever answered late has `received` 0 and no times."""

    address: str
    received: int
    best_ms: float | None
    avg_ms: float | None
    last_ms: float | None
    last_at: int | None
    """When its last answered probe was sent (epoch ns)."""
    expired: bool = False
    """It said of a probe that its TTL ran out: so it stands at this one. Others answer for what lies before, too."""


class LastReply(msgspec.Struct, frozen=True):
    """The reply to the last answered probe (in the order of sending)."""

    type: int | None
    code: int | None
    kind: Kind
    ttl: int | None
    clock: Clock
    vouched: bool = True
    """False: it quoted so little of the probe that a stranger could have made it up."""


class ReplyCount(msgspec.Struct, frozen=True):
    """How often a kind of reply was seen among the answered probes; the most frequent first."""

    kind: Kind
    type: int | None
    code: int | None
    count: int


class LocalError(msgspec.Struct, frozen=True):
    """Why this machine could not send or hear, the last time."""

    error: str
    message: str
    at: int


class Window(msgspec.Struct, frozen=True):
    """A hop's last rounds, oldest first: `samples[i]` belongs to round `first_round + i`; ns, or one of the
    negative constants of this module. A read-only memoryview of format ``q``."""

    first_round: int
    samples: memoryview

    def last(self, count: int) -> list[int]:
        """The newest `count` samples, oldest first; padded in front with `NO_PROBE`."""
        tail = self.samples[-count:].tolist() if count > 0 else []
        return [NO_PROBE] * (count - len(tail)) + tail


class Hop(msgspec.Struct, frozen=True):
    """One TTL. ``sent == received + lost + late + pending + failed`` always."""

    ttl: int
    sent: int
    received: int
    lost: int
    late: int
    pending: int
    failed: int
    duplicates: int
    loss_pct: float | None
    """``100 * lost / (sent - late - pending - failed)``; None where that is 0."""
    loss_ci95_pct: tuple[float, float] | None
    """Wilson's 95 % interval of `loss_pct`."""
    nodes: tuple[Node, ...]
    """In the order of sending of the first probe that each answered."""
    rtt: Rtt | None
    jitter: Jitter | None
    reply: LastReply | None
    replies: tuple[ReplyCount, ...]
    mpls: tuple[Label, ...]
    """Of the last answered probe."""
    last_error: LocalError | None
    window: Window
    is_target: bool
    """The path's target (or whatever ends the path) answers here."""
    program_clock: int
    """How many of the received answers had an RTT by the program's clock, not by the kernel's."""
    unvouched: int = 0
    """How many of the received answers quoted so little of their probe that a stranger could have made them up."""
    errors: int = 0
    """How many of the received answers were a router's error that ends the path ("no route", "prohibited")."""
    turns: frozenset[str] = frozenset()
    """The addresses that answer in turns, where there are several (`answers.RouteTracker`)."""


class NumbersWindow(msgspec.Struct, frozen=True):
    """The span of time that a path's numbers are over."""

    name: WindowName = "start"
    begin: int | None = None
    """When the first of its rounds began (epoch ns)."""
    rounds: int = 0
    """Rounds begun in it."""


class Path(msgspec.Struct, frozen=True):
    """A target's path at one moment."""

    hops: tuple[Hop, ...]
    """Every TTL from the first to the last: the target's, or the last that was tried, without a gap."""
    reached: bool
    """The target itself answered at least once."""
    rounds: int
    """Rounds begun since the last reset."""
    round_times: memoryview
    """``round_times[i]``: when round `first_round + i` began (epoch ns), for the rounds of the windows; ``q``."""
    first_round: int
    started_at: int | None
    """When the first round began (epoch ns)."""
    last_at: int | None
    """The newest fact's time (epoch ns)."""
    version: int
    """Grows with every change: two snapshots of one target with the same version are the same."""
    route_changes: int
    """How often the addresses along the path changed for good."""
    protocol: Protocol = "icmp"
    """What it is probed by."""
    target: Hop | None = None
    """The target by round, whatever TTL it stood at (`ttl`: now; 0: not known). Rounds that ended with a router's
    error are lost here, and counted in `errors`. None before anything was sent."""
    numbers: NumbersWindow = NumbersWindow()
    """Which window the numbers of `hops` and `target` are over; samples, `rounds` and `round_times` are of all."""

    pooled: tuple[Hop, ...] = ()
    """Hops that several targets ask in turn, with the numbers of all their probes."""

    @property
    def rows(self) -> tuple[Hop, ...]:
        """The hops as people are shown them: where the target stands, its own series, so that it has one loss; where
        several ask in turn, what all of them know."""
        hops, target = self.hops, self.target
        if self.pooled:
            known = {hop.ttl: hop for hop in self.pooled}
            hops = tuple(known.get(hop.ttl, hop) for hop in hops)
        if target is None or not hops or not hops[-1].is_target or hops[-1].ttl != target.ttl:
            return hops
        return (*hops[:-1], target)

    @property
    def target_hop(self) -> Hop | None:
        """The row at which the target answers; None while it does not."""
        hops = self.hops
        return self.rows[-1] if hops and hops[-1].is_target else None


def kept_here(path: Path) -> LocalError | None:
    """Why no probe of this path left this machine, the last time; None where one did, or none was due yet."""
    hops = [hop for hop in path.hops if hop.sent]
    if not hops or any(hop.failed < hop.sent for hop in hops):
        return None
    errors = [hop.last_error for hop in hops if hop.last_error is not None]
    return max(errors, key=lambda error: error.at, default=None)
