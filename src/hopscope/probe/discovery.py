"""Which parallel paths lead to a target? What to ask next, until it can be said. Sans-IO; times are monotonic ns.

Hop by hop, by a few flows at first and by the more the more routers are seen side by side: one stops at the points of
`stopping`, with the error split over the hops, so that for the whole path together the probability of having missed a
router is what was asked for, where routers side by side are equally likely (MDA-Lite's rule, Vermeulen et al. 2018; the
same flows ask at each hop, so that links that cross show by themselves). The rules:

- What flows hear in their rounds counts, and costs nothing.
- A flow has one question in flight; all together ask `PER_SECOND` times a second, a router that is known no more often
  than the budget allows, and one TTL has `AT_ONCE` questions in flight.
- Behind a router behind which one flow's path ends, those of all flows that go by it do: a target is asked once for
  each such router, since one that answers by ICMP errors gives few.
- A question without an answer is put again in a later round, as often as it takes where routers answer seldom.
- Where all flows that one would stop after hear nobody, the hop is silent.
- Where two flows hear nobody and others do, a silent router stands among its siblings. Flows that hear nobody at two
  hops that answer others are not asked further, but once at the end: their path is dead, or only silent.
- Where several routers answer, one flow is asked again until it is clear whether it keeps to its own (`alternation`).
- At the end, of each router at least one flow is asked at all hops where flows part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Literal, NamedTuple

from hopscope.probe.hop_search import ALONE, MOST_TRIES, TRIES, HopSearch
from hopscope.probe.paths_seen import PathsSeen

PER_SECOND: Final = 20
AT_ONCE: Final = 4
_SPACING_NS: Final = 1_000_000_000 // PER_SECOND
_PATIENCE_NS: Final = 1_000_000_000
"""How long an answer is waited for at the least before the question is put again."""
_WITNESS_NS: Final = 30_000_000_000
"""How long one flow's answers are waited for when all else is known."""


class Question(NamedTuple):
    """A probe to be sent."""

    flow: int
    ttl: int


class Discovery(PathsSeen):
    """One target's."""

    def __init__(self, first_ttl: int, max_ttl: int, alpha: float, timeout_ns: int, runs: Collection[int]) -> None:
        """`alpha`: the probability of missing a router that is allowed for. `runs`: the flows that are probed in rounds
        meanwhile, and not asked."""
        super().__init__(first_ttl, max_ttl, alpha, runs)
        self.probes = 0
        """Questions that were put."""
        self.is_over = False
        self._timeout_ns = timeout_ns
        self._patience_ns = min(timeout_ns, _PATIENCE_NS)
        self._flying: set[int] = set()
        self._send_at = 0
        self._turn = 0
        self._known_at: int | None = None
        """Since when all is known but whether flows keep to their ways."""

    # --- what happens ------------------------------------------------------------------------------------------------

    def heard(self, flow: int, ttl: int, address: str, rtt_ns: int, *, ends: bool) -> None:
        """An answer came, to a question or to a probe of a round. `ends`: the path ends there."""
        if flow in self.hop(ttl).flying:
            self._flying.discard(flow)
        self._patience_ns = max(self._patience_ns, min(self._timeout_ns, 4 * rtt_ns))
        self.learn(flow, ttl, address, ends=ends)

    def missed(self, flow: int, ttl: int) -> None:
        """A probe of a flow's round was lost."""
        if flow in self.runs:
            self._miss(self.hop(ttl), flow)

    def refused(self, question: Question) -> None:
        """A question could not be put, since no such flow can be had, nor a further one: it counts as never asked."""
        self.most = question.flow
        self.hop(question.ttl).flying.pop(question.flow, None)
        self._flying.discard(question.flow)
        self.probes -= 1
        self.forget_conclusions()

    def _miss(self, hop: HopSearch, flow: int) -> None:
        self.learn_nothing(flow, hop)
        self._flying.discard(flow)

    def take(self, now: int, round_: int, may_ask: Callable[[Collection[str]], bool]) -> Question | None:
        """The question that is due; None: none is now. `may_ask`: whether routers with these addresses may be asked."""
        self._expire(now)
        if self.is_over or now < self._send_at:
            return None
        ttls = self.ttls()
        for place in range(len(ttls)):
            ttl = ttls[(self._turn + place) % len(ttls)]
            hop = self.hop(ttl)
            if len(hop.flying) >= AT_ONCE:
                continue
            flow = self._next_flow(hop, round_)
            if flow is not None and may_ask(set(hop.seen.values())):
                self._turn = (self._turn + place + 1) % len(ttls)
                return self._ask(hop, flow, round_, now)
        self._end_if_known(now)
        return None

    def _ask(self, hop: HopSearch, flow: int, round_: int, now: int) -> Question:
        hop.asked(flow, round_, now)
        self.forget_conclusions()
        self._flying.add(flow)
        self._send_at = now + _SPACING_NS
        self.probes += 1
        return Question(flow, hop.ttl)

    def _expire(self, now: int) -> None:
        if not self._flying:
            return
        for hop in self.hops():
            for flow in [flow for flow, sent in hop.flying.items() if now - sent >= self._patience_ns]:
                self._miss(hop, flow)

    def _end_if_known(self, now: int) -> None:
        is_asking = any(self._lacks(hop) or self._waiting(hop) for hop in map(self.hop, self.ttls()))
        if self._flying or is_asking or self._incomplete() is not None:
            return
        if self._known_at is None:
            self._known_at = now
        parting = self.parting()
        is_clear = all(self.is_by_packet(hop) is not None for hop in parting)
        are_known = all(flow in hop.seen or hop.is_silent_to(flow) for flow in self.runs for hop in parting)
        self.is_over = (is_clear and are_known) or now - self._known_at >= _WITNESS_NS

    # --- what to ask -------------------------------------------------------------------------------------------------

    def _waiting(self, hop: HopSearch) -> int:
        """How many flows have a question in flight at a hop, or may put it again."""
        return len(hop.flying) + sum(flow not in hop.flying and self._can(hop, flow) for flow in hop.tries)

    def _may_get_to(self, flow: int, ttl: int) -> bool:
        """Whether it makes sense to ask by this flow at this TTL. It walks from hop to hop, past those that lack
        nothing."""
        if not self.gets_to(flow, ttl):
            return False
        end, silent = self.end, self.silent_beyond(flow) if flow in self.struck else []
        if silent:
            further = silent[-1] + 1 if self.dead_after(flow) is None else end
            return ttl in (further, self._unknown_before(flow))
        if ttl == self.first_ttl:
            return True
        before = self.hop(ttl - 1)
        if flow in before.seen or self.is_silent(before):
            return True
        is_open = flow in before.tries and before.tries[flow] < self._tries(before, flow)
        is_past = flow not in before.flying and not is_open and not self._lacks(before)
        return is_past and (end is None or ttl < end)

    def _unknown_before(self, flow: int) -> int | None:
        """The hop at which to ask whether a flow that some hop is silent to gets that far: where others get no further,
        or, if it gets nowhere, the hop before the first that is silent to it. None: that is known."""
        silent = self.silent_beyond(flow)
        if not silent:
            return None
        first, dead = silent[0], {one: self.dead_after(one) for one in self.struck}
        ends = {after + 1 for one, after in dead.items() if after is not None and after + 1 < first}
        for ttl in (*sorted(ends), *([] if dead[flow] is None else [first - 1])):
            hop = self.hop(ttl)
            if ttl >= self.first_ttl and flow not in hop.seen and not hop.is_silent_to(flow):
                return ttl
        return None

    def _unknown_behind(self, flow: int) -> int | None:
        """The hop at which to ask whether a flow that some hop is silent to gets any further. None: that is known of
        it, or of another to which the same hop is silent."""
        silent = self.silent_beyond(flow)
        if not silent or self.dead_after(flow) is not None:
            return None
        alike = [one for one in self.struck if self.hop(silent[0]).is_silent_to(one)]
        gets_through = any(one in hop.seen for hop in self.hops() if hop.ttl > silent[0] for one in alike)
        return None if gets_through else silent[-1] + 1

    def _lacks(self, hop: HopSearch) -> int:
        return self.concluded(("lacks", hop.ttl), lambda: self._count_lacking(hop))

    def _count_lacking(self, hop: HopSearch) -> int:
        """How many flows are still to be heard at a hop, beside those that are being asked. 0 as well where no flow is
        left to ask by."""
        if self.is_by_packet(hop):
            lacking = 0
        elif not hop.seen:
            lacking = 0 if self.is_silent(hop) else self.needed(1) - len(hop.tries)
        else:
            groups = self.groups(hop)
            lacking = self.needed(len(groups)) + hop.wanted_more - sum(map(len, groups.values()))
        return lacking if lacking > 0 and any(self._can(hop, flow) for flow in range(self.most)) else 0

    def _can(self, hop: HopSearch, flow: int) -> bool:
        tries = hop.tries.get(flow, 0)
        return (
            flow not in self.runs
            and flow not in hop.seen
            and tries < self._tries(hop, flow)
            and self._may_get_to(flow, hop.ttl)
        )

    def _tries(self, hop: HopSearch, flow: int) -> int:
        """How many questions it takes to be sure that nobody hears a flow at a hop."""
        if not hop.seen:
            return 1
        silent = self.concluded(("silent to", hop.ttl), lambda: [one for one in hop.tries if hop.is_silent_to(one)])
        tries = ALONE * hop.enough if silent == [flow] else hop.enough
        return tries if tries <= MOST_TRIES else TRIES

    def _next_flow(self, hop: HopSearch, round_: int) -> int | None:
        """The flow to ask by at a hop."""
        witness = hop.witness(self.runs)
        alternation = None if witness is None else hop.alternation(witness)
        is_by_packet = None if alternation is None else alternation.is_by_packet
        if is_by_packet is None and alternation is not None and alternation.changes > 1:
            return self._again(hop, witness, round_)
        if is_by_packet:
            return None
        lacking = self._lacks(hop)
        candidates = range(self.most) if lacking > self._waiting(hop) else sorted(hop.tries)
        for flow in candidates:
            if flow not in self._flying and self._can(hop, flow) and hop.may_ask(flow, round_):
                return flow
        if not lacking and hop.seen and self.end is not None and hop.ttl > self.end:
            self._want_more_before(hop)
        if len(self.groups(hop)) > 1 and is_by_packet is None:
            return self._again(hop, witness, round_)
        missing = self._incomplete()
        if missing is not None and missing.ttl == hop.ttl and hop.may_ask(missing.flow, round_):
            return missing.flow if missing.flow not in self._flying else None
        return None

    def _again(self, hop: HopSearch, witness: int | None, round_: int) -> int | None:
        """The flow whose answers are compared, if it has to be asked and can be."""
        if witness is None or witness in self.runs or witness in self._flying or not hop.may_ask(witness, round_):
            return None
        return witness

    def _want_more_before(self, hop: HopSearch) -> None:
        """Only some flows get to this hop, and they are too few: more are to be asked at those before."""
        groups, end = self.groups(hop), self.end
        if end is None or sum(map(len, groups.values())) >= self.needed(len(groups)):
            return
        before = [self.hop(ttl) for ttl in range(max(self.first_ttl, end - 1), hop.ttl)]
        if not any(self._lacks(one) or self._waiting(one) or one.wanted_more >= self.most for one in before):
            for one in before:
                one.wanted_more += 1
            self.forget_conclusions()

    def _incomplete(self) -> Question | None:
        return self.concluded("incomplete", self._find_incomplete)

    def _find_incomplete(self) -> Question | None:
        """What is still to be asked so that of each router at least one flow is known at all hops where flows part, and
        of those that get nowhere, how far they get."""
        for flow in sorted(self.struck):
            for ttl in (self._unknown_before(flow), self._unknown_behind(flow)):
                if ttl is not None and self._can(self.hop(ttl), flow):
                    return Question(flow, ttl)
        parting = [hop for hop in self.parting() if self.is_by_packet(hop) is not True]
        if len(parting) < 2:
            return None
        known = [{flow for flows in self.groups(hop).values() for flow in flows} for hop in parting]
        for hop in parting:
            for flows in self.groups(hop).values():
                lacking = [self._lacking(flow, parting, known) for flow in sorted(flows)]
                questions = [one for one in lacking if isinstance(one, Question)]
                if None not in lacking and questions:
                    return questions[0]
        return None

    def _lacking(
        self, flow: int, parting: list[HopSearch], known: list[set[int]]
    ) -> Question | Literal["never"] | None:
        """Where a flow is still to be asked, if it can be; None: it is known wherever flows part."""
        for hop, flows in zip(parting, known, strict=True):
            if flow in flows or not self.gets_to(flow, hop.ttl):
                continue
            return Question(flow, hop.ttl) if self._can(hop, flow) else "never"
        return None
