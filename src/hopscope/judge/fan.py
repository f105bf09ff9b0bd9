"""Which of a target's parallel paths is bad now: `parallel.Evidence`, round by round, over all its flows.

What is compared is members: flows that go the same way wherever flows part. Of a member one flow a round counts, in
turn, since what several flows of one link lose in the same moment is one event. Where flows of one member differ, the
link is hidden below one address, and then the flow alone is named.

Where a flow goes is learned bit by bit; with each new grouping the evidence is gathered again, from the rounds that are
remembered. A flow that was seen to go another way begins anew, and so does whatever was bad and is well again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from hopscope.judge.bursts import APART, Bursts
from hopscope.judge.flow_losses import Outages, counted, cut_off, is_reached, losing, sums
from hopscope.judge.links import (
    BadLinks,
    Ends,
    Members,
    blamed,
    meeting,
    met,
    middle_of,
    narrowed,
    narrowed_slow,
    own_routers,
)
from hopscope.judge.parallel import ALPHA, FEWEST, LOST, NOTHING, FlowFinding, events, share_a_limit, slow_above
from hopscope.judge.suspects import Suspects, Trouble

_TELLING: Final = 20
"""Losses of its way that a flow would have a part in…"""
_SPARED: Final = 8
"""…of which one that is spared has less than one in so many."""
_CUT_SURE: Final = 0.97
"""How sure it is that a flow which is cut off is bad."""
_PLACELESS_SURE: Final = 0.85
"""How sure it is at most where the flows' ways are not known yet."""


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
    rtts: Callable[[int, int, int], Sequence[int]] = lambda flow, ttl, since: ()
    """Of a flow's probes with a TTL, from a round on: RTTs, ns."""
    met: Callable[[int], Collection[str]] = lambda flow: ()
    """Of a flow, all routers that it meets, at whatever TTL."""
    seconds: Callable[[int], int] = lambda round_: 0
    """Of a round: how many flows lost it, and were answered by the target at a second try, with a larger TTL."""


class FanWatch:
    """One target's flows, from round to round."""

    def __init__(self) -> None:
        self._ways: list[Members | int] = []
        """By flow, where it goes, or its own place while that is not known."""
        self._met: list[dict[int, str]] = []
        """By flow and TTL, the router that it met last."""
        self._since: list[int] = []
        """By flow, the first round of the way that it takes."""
        self._groups: list[list[int]] = []
        self._group_of: list[int] = []
        self._next = 0
        """The first round that was not compared yet."""
        self._lossy = self._losing = self._slow = Suspects(0, ALPHA, None)
        self._alone: list[Suspects] = []
        """By member, its flows beside each other."""
        self.findings: tuple[FlowFinding, ...] = ()
        """Of each flow."""
        self.bad: BadLinks | None = None
        self.is_limited = False
        """The target gives all flows together an answer or a few a round: nothing can be compared."""
        self.is_reached = False
        """Other flows than the first reached the target of late."""
        self._outages = Outages()
        """Of all flows."""
        self._cut: frozenset[int] = frozenset()
        """Flows that are cut off while others are not."""

    def take(self, known: FlowRound) -> None:
        """All that is known by now; rounds that were compared are not looked at again, unless flows go other ways."""
        end = known.first_round + min((len(row) for row in known.rows), default=0)
        self.is_reached = is_reached(known.rows[1:])
        if len(known.rows) < 2:
            self._tell_nothing(known)
            return
        ways = [
            way if is_known else i for i, (way, is_known) in enumerate(zip(known.members, known.is_known, strict=True))
        ]
        if ways != self._ways:
            self._regroup(ways, end)
            self._begin_again(known)
        self._compare(known, self._outages.look(known.rows, known.first_round, end))
        self.is_limited = share_a_limit(known.rows, known.first_round, known.seconds, did=self.is_limited)
        if self.is_limited:
            self._tell_nothing(known)
            return
        asked = known.rows
        known = known._replace(rows=self._outages.without(asked, known.first_round))
        self._cut = cut_off(known.rows)
        self.findings = tuple(self._finding(flow, asked[flow], known) for flow in range(len(known.rows)))
        self.bad = self._bad_links(known)
        if self.bad is not None and self.bad.now_ns is None:
            self.findings = tuple(self._in_light_of(self.bad, flow) for flow in range(len(known.rows)))

    def _tell_nothing(self, known: FlowRound) -> None:
        self.findings, self.bad = (FlowFinding("unknown", 0.0),) * len(known.rows), None

    # --- who is compared ----------------------------------------------------------------------------------------

    def _regroup(self, ways: list[Members | int], end: int) -> None:
        """Take flows together that go the same way. One that goes another way than before is a new one from here on."""
        if len(self._since) != len(ways):
            self._since, self._met = [0] * len(ways), [{} for _ in ways]
        for flow, way in enumerate(ways):
            if isinstance(way, int):
                continue
            routers = {ttl: router for ttl, router in way if router is not None}
            met = self._met[flow]
            if any(met.get(ttl, router) != router for ttl, router in routers.items()):
                self._since[flow] = max(0, end - APART)
            met.update(routers)
        self._ways = ways
        places: dict[Members | int, int] = {}
        self._group_of = [places.setdefault(one, len(places)) for one in ways]
        self._groups = [[flow for flow, at in enumerate(self._group_of) if at == i] for i in range(len(places))]

    def _begin_again(self, known: FlowRound) -> None:
        first, count, flows = known.first_round, len(self._groups), len(known.rows)
        together = meeting(
            [() if isinstance(way, int) else way for way in (self._ways[one[0]] for one in self._groups)]
        )
        self._alone = [
            Suspects(len(group), ALPHA / 4 * len(group) / flows, Bursts(len(group), first)) for group in self._groups
        ]
        self._lossy = Suspects(count, ALPHA, Bursts(count, first), together)
        self._losing = Suspects(count, ALPHA, None, together)
        self._slow = Suspects(count, ALPHA, Bursts(count, first), together)
        self._next = first

    # --- round by round -------------------------------------------------------------------------------------------

    def _compare(self, known: FlowRound, end: int) -> None:
        for round_ in range(max(self._next, known.first_round), end):
            samples = [
                row[round_ - known.first_round] if round_ >= since else NOTHING
                for row, since in zip(known.rows, self._since, strict=True)
            ]
            is_of_all = self._outages.has(round_)
            lost, slow = events(samples)
            turns = [self._turn(group, round_, samples) for group in self._groups]
            by_member = [None if flow is None else lost[flow] for flow in turns]
            self._lossy.take(round_, by_member, is_of_all=is_of_all)
            self._losing.take(round_, by_member, is_of_all=is_of_all)
            self._slow.take(round_, [None if flow is None else slow[flow] for flow in turns])
            for group, alone in zip(self._groups, self._alone, strict=True):
                if len(group) > 1:
                    alone.take(round_, [lost[flow] for flow in group], is_of_all=is_of_all)
            self._next = round_ + 1

    @staticmethod
    def _turn(group: Sequence[int], round_: int, samples: Sequence[int]) -> int | None:
        """The flow of a member that counts in this round; None: nothing is known of any."""
        size = len(group)
        turns = (group[(round_ + i) % size] for i in range(size))
        return next((flow for flow in turns if samples[flow] >= LOST), None)

    # --- what is found ----------------------------------------------------------------------------------------------

    def _finding(self, flow: int, asked: Sequence[int], known: FlowRound) -> FlowFinding:
        """`asked`: all its samples; those that are `known` tell of it and of no outage of all."""
        group, round_ = self._group_of[flow], self._next
        if sum(sample >= LOST for sample in asked[-10 * FEWEST :]) < FEWEST:
            return FlowFinding("unknown", 0.0)
        if self._is_spared(flow, known):
            return FlowFinding("ok", 0.0)
        sure = self._named(flow)
        if sure is not None:
            newest = islice((sample for sample in reversed(known.rows[flow]) if sample >= LOST), FEWEST)
            is_dead = all(sample == LOST for sample in newest)
            return FlowFinding("dead" if is_dead else "bad", sure)
        if self._losing.is_current(group, round_):
            return FlowFinding("losing", self._losing.named(group) or 0.0)
        if self._slow.is_current(group, round_):
            return FlowFinding("slow", self._slow.named(group) or 0.0)
        return FlowFinding("ok", 0.0)

    def _in_light_of(self, bad: BadLinks, flow: int) -> FlowFinding:
        """What a flow is like, where it is known which links are bad: by them what it lost is theirs."""
        finding = self.findings[flow]
        is_theirs = flow in bad.flows and finding.state in ("ok", "losing")
        return FlowFinding("bad", bad.confidence) if is_theirs and self._trouble(flow).events else finding

    def _named(self, flow: int) -> float | None:
        """How sure it is that this flow is bad, alone or by its member; by that not where others of it are bad alone:
        then one of several links that answer by one address is."""
        group = self._group_of[flow]
        alone = self._alone[group]
        if any(trouble.named is not None for trouble in alone.troubles):
            sure = alone.named(self._groups[group].index(flow))
        else:
            sure = self._lossy.named(group)
        return _CUT_SURE if sure is None and flow in self._cut else sure

    def _is_spared(self, flow: int, known: FlowRound) -> bool:
        """Whether a flow loses nearly nothing of what its way does: most of the links below one address are bad then,
        and its own is not."""
        group = self._group_of[flow]
        trouble = self._lossy.troubles[group]
        if len(self._groups[group]) < 2 or trouble.named is None or trouble.first is None:
            return False
        sent, lost = counted(known.rows[flow][max(0, trouble.first - known.first_round) :])
        expected = sent * trouble.events / max(1, trouble.counted)
        return expected >= _TELLING and _SPARED * lost <= expected

    def _trouble(self, flow: int) -> Trouble:
        """What is known of the trouble of a flow that is named."""
        group = self._group_of[flow]
        alone = self._alone[group].troubles[self._groups[group].index(flow)]
        of_all = self._lossy.troubles[group]
        return of_all if alone.named is None and of_all.first is not None else alone

    def _bad_links(self, known: FlowRound) -> BadLinks | None:
        named = [flow for flow, finding in enumerate(self.findings) if finding.state in ("bad", "dead")]
        if named:
            troubles = [self._trouble(flow) for flow in named]
            start = max(0, _since(troubles) - known.first_round)
            counts = [counted(row[start:]) for row in known.rows]
            newest = [sample for flow, row in enumerate(known.rows) if flow not in named for sample in row[-FEWEST:]]
            if all(sample == LOST for sample in newest if sample >= LOST):
                return None  # all are cut off: that is another trouble
            return self._links(known, named, troubles, counts)
        named = [flow for flow, finding in enumerate(self.findings) if finding.state == "slow"]
        if not named:
            return None
        troubles = [self._slow.troubles[self._group_of[flow]] for flow in named]
        start = max(0, _since(troubles) - known.first_round)
        times = [[sample for sample in row[start:] if sample >= 0] for row in known.rows]
        usual = middle_of(flow_times for flow, flow_times in enumerate(times) if flow not in named)
        if usual is None:
            return None
        limit = slow_above(usual)
        counts = [(len(these), sum(sample > limit for sample in these)) for these in times]
        slowly = [sample for flow in named for sample in times[flow] if sample > limit]
        more = (middle_of([slowly]) or limit) - usual
        found = self._links(known, named, troubles, counts, slow_from=known.first_round + start, more=more)
        now = None if found is None else middle_of(times[flow] for flow in found.flows)
        if found is None or now is None or now <= limit:
            return None  # some answers of it are slow, and most are not
        sent, lost = sums(counted(known.rows[flow][start:]) for flow in found.flows)
        rest = [flow for flow in range(len(known.rows)) if flow not in found.flows]
        others_sent, others_lost = sums(counted(known.rows[flow][start:]) for flow in rest)
        return found._replace(
            sent=sent,
            lost=lost,
            others_sent=others_sent,
            others_lost=others_lost,
            in_all=(sent, lost),
            is_dead=False,
            usual_ns=round(usual),
            now_ns=round(now),
        )

    def _links(
        self,
        known: FlowRound,
        named: Sequence[int],
        troubles: Sequence[Trouble],
        counts: Sequence[tuple[int, int]],
        *,
        slow_from: int | None = None,
        more: float = 0.0,
    ) -> BadLinks | None:
        """The links that the flows which are named go by. `counts`: by flow, probes, and those that tell against it;
        `slow_from`, where they are slow: the round since when, and by how much `more`, ns."""
        groups = {self._group_of[flow] for flow in named}
        is_known = all(known.is_known[flow] for flow in named)
        is_whole = is_known and all(flow in named for group in groups for flow in self._groups[group])
        bad = list(named)
        ends: Ends = ()
        if is_whole:
            bad, ends = blamed(known.members, known.is_known, named, counts)
            groups = {self._group_of[flow] for flow in bad}
        rest = [flow for flow in range(len(known.rows)) if flow not in bad]
        if not rest:
            return None
        sent, lost = sums(counts[flow] for flow in bad)
        others_sent, others_lost = sums(counts[flow] for flow in rest)
        others = {router for flow in rest for router in known.met(flow)}
        routers = own_routers([known.members[flow] for flow in bad], [known.members[flow] for flow in rest], others)
        place = None
        if is_known and (routers or ends):
            if slow_from is None:
                place = narrowed(known.answers, bad, routers, ends, lost / sent if sent else 0.0)
            else:
                since = slow_from
                place = narrowed_slow(lambda flow, ttl: known.rtts(flow, ttl, since), bad, rest, routers, ends, more)
        ports = [known.ports[flow] for flow in bad] if known.ports else []
        did = self.bad is not None and self.bad.others_now is not None
        return BadLinks(
            flows=tuple(bad),
            ports=tuple(port for port in ports if port is not None),
            routers=(routers or ends) if is_known else (),
            is_hidden=is_known and not is_whole,
            place=place,
            bad=len(groups) if is_whole else 0,
            paths=len({way for way in self._ways if not isinstance(way, int)}) or len(self._groups),
            since=_since(troubles),
            last=max(trouble.last for trouble in troubles),
            sent=sent,
            lost=lost,
            others_sent=others_sent,
            others_lost=others_lost,
            others_now=losing([known.rows[flow] for flow in rest], did=did),
            confidence=min(*(self.findings[flow].confidence for flow in named), 1.0 if is_known else _PLACELESS_SURE),
            is_dead=all(self.findings[flow].state == "dead" for flow in named),
            in_all=sums({id(one): (one.counted, one.events) for one in troubles}.values()),
            sides=met([known.members[flow] for flow in bad]) if place else (),
        )


def _since(troubles: Iterable[Trouble]) -> int:
    """The round in which the first of them began."""
    return min(trouble.first for trouble in troubles if trouble.first is not None)
