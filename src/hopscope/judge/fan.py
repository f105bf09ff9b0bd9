"""Which of a target's parallel paths is bad now: `parallel.Evidence`, round by round, over all its flows.

What is compared is members: flows that go the same way wherever flows part. Of a member one flow a round counts, in
turn, since what several flows of one link lose in the same moment is one event. Where flows of one member differ, the
link is hidden below one address, and then the flow alone is named.

Where a flow goes is learned bit by bit; with each new grouping the evidence is gathered again, from the rounds that are
remembered. A flow that was seen to go another way begins anew, and so does whatever was bad and is well again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hopscope.judge.bursts import APART, Bursts
from hopscope.judge.parallel import ALPHA, FEWEST, LOST, Evidence, FlowFinding, events, share_a_limit

Members = tuple[tuple[int, str | None], ...]
"""Of a flow: TTL and router, where flows part; None: nobody was heard there."""

_CALM: Final = 60
"""Rounds without an event after which the next one is the first of another trouble."""
_CURRENT: Final = 30
"""Rounds after its last event for which a member loses, or is slow."""
_OVER: Final = 1e-3
"""The probability, at the rate of its trouble, of as many rounds without an event as end it."""
_LEAST_QUIET: Final = 10


class FlowRound(NamedTuple):
    """What is known of all flows of a target."""

    first_round: int
    rows: Sequence[Sequence[int]]
    """By flow, its target's samples from `first_round` on, all as long (see `parallel`)."""
    members: Sequence[Members]
    is_known: Sequence[bool]
    """By flow, whether it is known who stands on all of its way, or that nobody answers there. One of which it is not
    goes by itself, for now."""
    ports: Sequence[int | None] = ()
    """By flow, its source port."""
    answers: Callable[[int, int], tuple[int, int]] = lambda flow, ttl: (0, 0)
    """Of a flow's probes with a TTL: how many were answered, and lost."""


class BadLinks(NamedTuple):
    """Members that are bad: those of `flows` (their places)."""

    flows: tuple[int, ...]
    ports: tuple[int, ...]
    routers: tuple[tuple[int, str | None], ...]
    """TTL and address of those that no other flow goes by."""
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
    confidence: float
    is_dead: bool


class _Trouble:
    """What is known of one that is compared."""

    __slots__ = ("counted", "events", "first", "last", "named")

    def __init__(self) -> None:
        self.first: int | None = None
        """The round of the first event of this trouble."""
        self.last = 0
        self.events = self.counted = 0
        """Since then."""
        self.named: float | None = None
        """How sure it is that it is bad; None: it is not said to be."""

    def take(self, round_: int, *, is_event: bool) -> None:
        if is_event:
            if self.first is None or (self.named is None and round_ - self.last > _CALM):
                self.first, self.events, self.counted = round_, 0, 0
            self.last = round_
            self.events += 1
        if self.first is not None:
            self.counted += 1

    def is_over(self, round_: int) -> bool:
        """Whether as many rounds without an event were unlikely if it went on."""
        quiet = round_ - self.last
        share = self.events / max(1, self.counted - quiet)
        return quiet >= _LEAST_QUIET and (1 - min(1.0, share)) ** quiet < _OVER


class _Suspects:
    """An e-process over several that are alike unless one is bad."""

    def __init__(self, count: int, alpha: float, bursts: Bursts | None) -> None:
        self._evidence = Evidence(count, bursts)
        self._alpha = alpha
        self.troubles = [_Trouble() for _ in range(count)]

    def take(self, round_: int, happened: Sequence[bool | None]) -> None:
        """A round: whether each had an event; None: it is not known."""
        troubles, evidence = self.troubles, self._evidence
        out = frozenset(i for i, trouble in enumerate(troubles) if trouble.named is not None)
        if not any(happened) and not out:
            for trouble, event in zip(troubles, happened, strict=True):
                trouble.counted += event is not None and trouble.first is not None
            return
        evidence.take(round_, happened, out)
        bar = (len(troubles) - len(out)) / self._alpha
        for i, (trouble, event) in enumerate(zip(troubles, happened, strict=True)):
            if event is not None:
                trouble.take(round_, is_event=event)
            if trouble.named is None:
                if evidence.most[i] >= bar and len(troubles) - len(out) > 1:
                    trouble.named = 1 - bar * self._alpha / evidence.most[i]
            elif trouble.is_over(round_):
                self.troubles[i] = _Trouble()
                evidence.forget(i)

    def named(self, i: int) -> float | None:
        """How sure it is that this one is bad now; None: it is not said to be."""
        return self.troubles[i].named

    def is_current(self, i: int, round_: int) -> bool:
        """Whether it is bad by this evidence, and had an event of late."""
        trouble = self.troubles[i]
        return trouble.named is not None and round_ - trouble.last <= _CURRENT


class FanWatch:
    """One target's flows, from round to round."""

    def __init__(self) -> None:
        self._ways: list[Members | int] = []
        """By flow, where it goes, or its own place while that is not known."""
        self._since: list[int] = []
        """By flow, the first round of the way that it takes."""
        self._groups: list[list[int]] = []
        self._group_of: list[int] = []
        self._next = 0
        """The first round that was not compared yet."""
        self._lossy = self._losing = self._slow = _Suspects(0, ALPHA, None)
        self._alone: list[_Suspects] = []
        """By member, its flows beside each other."""
        self.findings: tuple[FlowFinding, ...] = ()
        """Of each flow."""
        self.bad: BadLinks | None = None
        self.is_limited = False
        """The target gives all flows together an answer or a few a round: nothing can be compared."""

    def take(self, known: FlowRound) -> None:
        """All that is known by now; rounds that were compared are not looked at again, unless flows go other ways."""
        end = known.first_round + min((len(row) for row in known.rows), default=0)
        if len(known.rows) < 2:
            self.findings, self.bad = (FlowFinding("unknown", 0.0),) * len(known.rows), None
            return
        ways = [
            way if is_known else i for i, (way, is_known) in enumerate(zip(known.members, known.is_known, strict=True))
        ]
        if ways != self._ways:
            self._regroup(ways, end)
            self._begin_again(known)
        self._compare(known, end)
        self.is_limited = share_a_limit(known.rows)
        if self.is_limited:
            self.findings, self.bad = (FlowFinding("unknown", 0.0),) * len(known.rows), None
            return
        self.findings = tuple(self._finding(flow, known.rows[flow]) for flow in range(len(known.rows)))
        self.bad = self._bad_links(known)

    # --- who is compared ----------------------------------------------------------------------------------------

    def _regroup(self, ways: list[Members | int], end: int) -> None:
        """Take flows together that go the same way. One that goes another way than before is a new one from here on."""
        if len(self._since) != len(ways):
            self._since = [0] * len(ways)
        else:
            for flow, (before, now) in enumerate(zip(self._ways, ways, strict=True)):
                if isinstance(before, int) or isinstance(now, int):
                    continue
                was = dict(before)
                if any(router and (old := was.get(ttl)) and old != router for ttl, router in now):
                    self._since[flow] = max(0, end - APART)
        self._ways = ways
        places: dict[Members | int, int] = {}
        self._group_of = [places.setdefault(one, len(places)) for one in ways]
        self._groups = [[flow for flow, at in enumerate(self._group_of) if at == i] for i in range(len(places))]

    def _begin_again(self, known: FlowRound) -> None:
        first, count, flows = known.first_round, len(self._groups), len(known.rows)
        self._alone = [
            _Suspects(len(group), ALPHA / 4 * len(group) / flows, Bursts(len(group), first)) for group in self._groups
        ]
        self._lossy = _Suspects(count, ALPHA, Bursts(count, first))
        self._losing = _Suspects(count, ALPHA, None)
        self._slow = _Suspects(count, ALPHA, Bursts(count, first))
        self._next = first

    # --- round by round -------------------------------------------------------------------------------------------

    def _compare(self, known: FlowRound, end: int) -> None:
        for round_ in range(max(self._next, known.first_round), end):
            samples = [
                row[round_ - known.first_round] if round_ >= since else NOTHING
                for row, since in zip(known.rows, self._since, strict=True)
            ]
            lost, slow = events(samples)
            turns = [self._turn(group, round_, samples) for group in self._groups]
            by_member = [None if flow is None else lost[flow] for flow in turns]
            self._lossy.take(round_, by_member)
            self._losing.take(round_, by_member)
            self._slow.take(round_, [None if flow is None else slow[flow] for flow in turns])
            for group, alone in zip(self._groups, self._alone, strict=True):
                if len(group) > 1:
                    alone.take(round_, [lost[flow] for flow in group])
            self._next = round_ + 1

    @staticmethod
    def _turn(group: Sequence[int], round_: int, samples: Sequence[int]) -> int | None:
        """The flow of a member that counts in this round; None: nothing is known of any."""
        size = len(group)
        turns = (group[(round_ + i) % size] for i in range(size))
        return next((flow for flow in turns if samples[flow] >= LOST), None)

    # --- what is found ----------------------------------------------------------------------------------------------

    def _finding(self, flow: int, row: Sequence[int]) -> FlowFinding:
        group, round_ = self._group_of[flow], self._next
        known = [sample for sample in row[-10 * FEWEST :] if sample >= LOST]
        if len(known) < FEWEST:
            return FlowFinding("unknown", 0.0)
        sure = self._named(flow)
        if sure is not None:
            is_dead = all(sample == LOST for sample in known[-FEWEST:])
            return FlowFinding("dead" if is_dead else "bad", sure)
        if self._losing.is_current(group, round_):
            return FlowFinding("losing", self._losing.named(group) or 0.0)
        if self._slow.is_current(group, round_):
            return FlowFinding("slow", self._slow.named(group) or 0.0)
        return FlowFinding("ok", 0.0)

    def _named(self, flow: int) -> float | None:
        """How sure it is that this flow is bad, by its member or alone."""
        group = self._group_of[flow]
        sure = self._lossy.named(group)
        return self._alone[group].named(self._groups[group].index(flow)) if sure is None else sure

    def _trouble(self, flow: int) -> _Trouble:
        """What is known of the trouble of a flow that is named."""
        group = self._group_of[flow]
        if self._lossy.named(group) is not None:
            return self._lossy.troubles[group]
        return self._alone[group].troubles[self._groups[group].index(flow)]

    def _bad_links(self, known: FlowRound) -> BadLinks | None:
        bad = [flow for flow, finding in enumerate(self.findings) if finding.state in ("bad", "dead")]
        rest = [flow for flow in range(len(known.rows)) if flow not in bad]
        if not bad or not rest:
            return None
        troubles = [self._trouble(flow) for flow in bad]
        since = min(trouble.first for trouble in troubles if trouble.first is not None)
        start = max(0, since - known.first_round)
        sent, lost = _counted([known.rows[flow] for flow in bad], start)
        others_sent, others_lost = _counted([known.rows[flow] for flow in rest], start)
        newest = [[sample for sample in known.rows[flow][-FEWEST:] if sample >= LOST] for flow in rest]
        if all(sample == LOST for row in newest for sample in row):
            return None  # all are cut off: that is another trouble
        routers = _own_routers([known.members[flow] for flow in bad], [known.members[flow] for flow in rest])
        groups = {self._group_of[flow] for flow in bad}
        is_known = all(known.is_known[flow] for flow in bad)
        is_whole = is_known and all(flow in bad for group in groups for flow in self._groups[group])
        ports = [known.ports[flow] for flow in bad] if known.ports else []
        return BadLinks(
            flows=tuple(bad),
            ports=tuple(port for port in ports if port is not None),
            routers=routers if is_known else (),
            is_hidden=is_known and not is_whole,
            place=_place(known, bad, routers, lost / sent if sent else 0.0) if is_known else None,
            bad=len(groups) if is_whole else 0,
            paths=len({way for way in self._ways if not isinstance(way, int)}) or len(self._groups),
            since=since,
            last=max(trouble.last for trouble in troubles),
            sent=sent,
            lost=lost,
            others_sent=others_sent,
            others_lost=others_lost,
            confidence=min(self.findings[flow].confidence for flow in bad),
            is_dead=all(self.findings[flow].state == "dead" for flow in bad),
        )


def _own_routers(bad: Sequence[Members], rest: Sequence[Members]) -> tuple[tuple[int, str | None], ...]:
    """By TTL, the routers of the bad flows, as far as no other flow goes by one of them."""
    others = {place for members in rest for place in members}
    own: dict[int, list[tuple[int, str | None]]] = {}
    for place in dict.fromkeys(place for members in bad for place in members):
        own.setdefault(place[0], []).append(place)
    return tuple(place for _, places in sorted(own.items()) if not others.intersection(places) for place in places)


def _place(
    known: FlowRound, bad: Sequence[int], routers: Sequence[tuple[int, str | None]], loss: float
) -> tuple[int, int] | None:
    """Links that carry just the bad flows cannot be told apart, but by what their last router does not answer."""
    if not routers:
        return None
    first, last = routers[0][0], routers[-1][0]
    counts = [known.answers(flow, last) for flow in bad]
    answered, lost = sum(count[0] for count in counts), sum(count[1] for count in counts)
    n = answered + lost
    if lost >= 2 and lost >= loss * n / 2:
        return max(1, first - 1), last
    if not lost and loss * n >= _TELLING:
        return last, last + 1
    return max(1, first - 1), last + 1


_TELLING: Final = 5.0
"""Losses that a router would have had, which answered all, by which it is known that the loss is behind it."""
NOTHING: Final = -99
"""A sample of a round of which nothing is known."""


def _counted(rows: Sequence[Sequence[int]], start: int) -> tuple[int, int]:
    """Probes with a fate from index `start` on, and those that are lost."""
    sent = lost = 0
    for row in rows:
        for sample in row[start:]:
            sent += sample >= LOST
            lost += sample == LOST
    return sent, lost
