"""What the judge finds: verdicts, incidents, marks and epochs, as facts that can be stored and sent.

Times are epoch ns, durations ns, confidences 0 to 1; what is unknown is None. No words and no owners: `views` makes
sentences of the numbers, and the names say whose a place is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import msgspec

from hopscope.wire.messages import Int, Kind

Trouble: TypeAlias = Literal[
    "loss",
    "outage",
    "no-answer",
    "filter",
    "unreachable",
    "loop",
    "flapping",
    "route-change",
    "detour",
    "local-network",
    "bufferbloat",
    "congestion",
    "bad-member",
    "mtu",
    "late",
    "this-computer",
]
ROUTES: Final[frozenset[str]] = frozenset(("route-change", "detour", "flapping"))
"""Kinds of troubles, and of a mark, that tell of another path."""
INTERRUPTING: Final[frozenset[str]] = frozenset(("outage", "unreachable", "filter", "mtu", "loop"))
"""Kinds in which nothing gets through any more."""
VerdictKind: TypeAlias = Literal["starting", "healthy", "recovered"] | Trouble
NoteKind: TypeAlias = Literal[
    "rate-limit",
    "target-limits",
    "silent",
    "slow-answers",
    "route-change",
    "balanced",
    "nat",
    "double-nat",
    "dscp",
    "foreign-answers",
    "chance-loss",
    "early-loss",
    "jitter",
    "stand-in",
]
"""What explains an oddity and is no trouble."""
MarkKind: TypeAlias = Literal["pause", "reset", "route-change", "source-change", "worker-restart", "gap"]

VERSION: Final = 7
"""Of what the judge finds: grows when the same facts may be judged otherwise."""
QUIET_KINDS: Final = ("starting", "healthy", "recovered")
QUIET: Final[frozenset[str]] = frozenset(QUIET_KINDS)
"""Kinds of a verdict that name no trouble."""


class Numbers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a verdict rests on. A sentence's number names its span: `span_from` and `rounds`."""

    span_from: Int | None = None
    """When the first of the rounds that were looked at began."""
    rounds: Int = 0
    """How many rounds were looked at."""
    sent: Int = 0
    """Probes of the target with a fate (answered or lost) in the span. Where a router stands in for the target, as a
    note says, all numbers are that router's."""
    lost: Int = 0
    """Those of them that were lost; an error of a router in the target's place counts as lost."""
    behind_sent: Int = 0
    """The same for all hops from the place on, the target included."""
    behind_lost: Int = 0
    before_sent: Int = 0
    """The same for the hops before the place, but those that limit their answers."""
    before_lost: Int = 0
    also_ttl: Int | None = None
    """``loss``: a part of it begins nearer, at this TTL, or more comes on top farther on; of the hops that tell of that
    the probes with a fate, and those that were lost. ``bufferbloat``, ``congestion``: the loss that begins at this TTL
    beside the queue, of the target's probes since then."""
    also_sent: Int = 0
    also_lost: Int = 0
    burst: float | None = None
    """Mean run of losses, by what chance would give (1: by chance)."""
    usual_ns: Int | None = None
    """The target's usual RTT (median of the quietest times); where paths are compared and some are slow, the others'
    median RTT."""
    now_ns: Int | None = None
    """The target's RTT of late (median), of a fine one, too; of paths that are slow, theirs."""
    quick_ns: Int | None = None
    """Of a queue without a quiet time to compare with: the target's RTT of late that nine in ten exceed…"""
    slow_ns: Int | None = None
    """…and the one that one in ten exceeds."""
    part_ttl: Int | None = None
    """The TTL from which on a part of the delay is, that came at another time than what is from `last_ttl` on."""
    part_ns: Int = 0
    """How much that is."""
    part_since: Int | None = None
    """When it began."""
    late: Int = 0
    """Answers after the timeout in the span."""
    failed: Int = 0
    """Sends that this computer refused in the span."""
    says: Kind | None = None
    """What the error says (``unreachable``, ``mtu``, ``filter``)."""
    address: str | None = None
    """Who says it."""
    addresses: tuple[str, ...] = ()
    """The routers of a loop, in order."""
    error: str | None = None
    """This computer's own error, by name (``EPERM``)."""
    message: str | None = None
    """The same in the system's words."""
    mtu: Int | None = None
    times: Int = 1
    """How often it was seen, where it comes and goes."""
    paths: Int = 0
    """``bad-member``, of several flows: how many paths they take; `sent` and `lost` are of those that are bad."""
    bad_paths: Int = 0
    """How many of the paths are bad; 0: some flows of one."""
    others_sent: Int = 0
    """The same as `sent` for all other flows."""
    others_lost: Int = 0
    others_now: tuple[Int, Int] | None = None
    """Probes of the other flows of late, and those that were lost, where they lose, too; None: they do not."""
    is_hidden: bool = False
    """Other flows that go by the very same routers are fine: it is one of several links below one address."""
    ports: tuple[Int, ...] = ()
    """The source ports of the bad flows; `addresses` are the routers that only they go by."""
    in_all: tuple[Int, Int] | None = None
    """Probes of the bad flows since the trouble began, one of each way in a round, and those of them that were lost."""
    sides: tuple[tuple[Int, str | None], ...] = ()
    """The TTLs at which flows part, and the router that all bad flows meet there; None: several, or it is not known."""

    @property
    def more_ns(self) -> int | None:
        """How much longer a round trip takes than usual; None: that is not known."""
        return None if self.usual_ns is None or self.now_ns is None else self.now_ns - self.usual_ns


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something odd that is no trouble, and where."""

    kind: NoteKind
    ttl: Int | None = None
    sent: Int = 0
    lost: Int = 0
    at: Int | None = None
    """When it was, where it is a moment's."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong now, as of the beginning of a round."""

    kind: VerdictKind
    at: Int = 0
    """As of when."""
    round: Int = 0
    first_ttl: Int | None = None
    """It begins somewhere from `first_ttl` (0: on the way to the first hop) to `last_ttl`, or on the way back."""
    last_ttl: Int | None = None
    since: Int | None = None
    """When it began; ``recovered``: when the trouble ended."""
    confidence: float = 0.0
    numbers: Numbers = Numbers()
    notes: tuple[Note, ...] = ()
    was: str | None = None
    """``recovered``: the id of the incident that is over."""

    @property
    def is_trouble(self) -> bool:
        """Whether something is wrong."""
        return self.kind not in QUIET

    @property
    def comes_and_goes(self) -> bool:
        """Whether it is many outages that follow each other: now nothing gets through, now all does."""
        return self.kind in INTERRUPTING and self.numbers.times > 1

    @property
    def is_of_route(self) -> bool:
        """Whether the trouble began when the route changed."""
        begin = self.since if self.is_trouble else None
        return any(note.kind == "route-change" and note.at == begin is not None for note in self.notes)


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was wrong, from its begin to its end. It outlives every window."""

    id: str
    """Unique within a target; the same for the same stream of facts."""
    kind: Trouble
    begin: Int
    end: Int | None = None
    """None: it lasts."""
    first_ttl: Int | None = None
    last_ttl: Int | None = None
    addresses: tuple[str | None, str | None] = (None, None)
    """Who answered then at both sides of its place: at `first_ttl` (or the last before that answers), and at
    `last_ttl` (or the first behind that answers)."""
    sent: Int = 0
    lost: Int = 0
    """Of the target, while it lasted; where several flows are compared, of those that are bad (`of_flows`)."""
    of_flows: bool = False
    stand_in: Int | None = None
    """Of the router at this TTL, where the target never answered by then, or limits how often it answers."""
    delay_ns: Int | None = None
    """How much more than usual."""
    times: Int = 1
    """How often it came; `begin` is the first time's, `end` the last one's."""
    confidence: float = 0.0

    @property
    def state(self) -> tuple[str, Trouble, int, bool]:
        """What of it is news when it changes: its numbers grow with every round."""
        return self.id, self.kind, self.times, self.end is None


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened and is no trouble."""

    kind: MarkKind
    begin: Int
    end: Int | None = None
    """None: a moment's, or it lasts."""
    ttl: Int | None = None
    before: str | None = None
    after: str | None = None
    """An address, before and after."""


class Epoch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A span in which a target's path stayed the same."""

    begin: Int
    end: Int | None = None
    """None: it lasts."""
    first_ttl: Int = 1
    addresses: tuple[tuple[str, ...], ...] = ()
    """By TTL from `first_ttl` on: who answered there; several are parallel, none is silent."""


_TOGETHER_NS: Final = 60_000_000_000
"""A path that changed this near to what was said of a route, ns, is what was said."""


def untold(epochs: Sequence[Epoch], told: Iterable[tuple[int, int]]) -> list[tuple[Epoch, Epoch]]:
    """The epochs of another path, each with the one before it, that no trouble or mark of a route tells of: those say
    from when to when (`told`, epoch ns), and what changed so near to it is the same."""
    spans = [(begin - _TOGETHER_NS, end + _TOGETHER_NS) for begin, end in told]
    return [
        (before, epoch)
        for before, epoch in pairwise(epochs)
        if not any(begin <= epoch.begin <= end for begin, end in spans)
    ]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """All that the judge has to say of a target at one moment."""

    verdict: Verdict
    incidents: tuple[Incident, ...] = ()
    """In the order of their begin."""
    forgotten: Int = 0
    """Incidents that were too many to be kept."""
    marks: tuple[Mark, ...] = ()
    epochs: tuple[Epoch, ...] = ()

    @property
    def open(self) -> Incident | None:
        """The incident of the verdict's trouble."""
        kind = self.verdict.kind
        return next((each for each in reversed(self.incidents) if each.end is None and each.kind == kind), None)

    @property
    def since(self) -> int | None:
        """When the verdict's state began, as far as that is known; without a moment of its own it is its incident's."""
        if self.verdict.since is None and self.open is not None and self.times == 1:
            return self.open.begin
        return self.verdict.since

    @property
    def times(self) -> int:
        """How often the verdict's trouble came."""
        return 1 if self.open is None else self.open.times
