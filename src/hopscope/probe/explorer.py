"""A target whose flows are as many as it has paths: its discovery, the flows that ask for it, and what becomes of them.

One flow has rounds from the beginning. The others are opened as they are needed and ask what `Discovery` says; when all
is known, one flow of each path is probed in rounds from the next one on, and the rest is closed. Where flows that are
watched move to other routers, the search is made again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from hopscope.probe.alternation import Alternation
from hopscope.probe.budget import Budget
from hopscope.probe.channel import ChannelRefused, Reply
from hopscope.probe.discovery import Discovery
from hopscope.probe.found_paths import found_paths
from hopscope.probe.inquiry import Inquiry
from hopscope.probe.pacer import NEVER
from hopscope.probe.probed import ProbedTarget
from hopscope.probe.quoted_ports import QuotedPorts
from hopscope.wire.answers import PASSING
from hopscope.wire.discovered import Discovered
from hopscope.wire.messages import Plan
from hopscope.wire.times import TimeLine

_POLL_NS: Final = 50_000_000
MOVED: Final = 3
"""Answers in a row from another router, after which a flow goes another way."""
AGAIN_NS: Final = 60_000_000_000
"""The shortest time between the end of a search and the next."""
MOST_OFTEN_NS: Final = 100_000_000
"""How often at the most questions are numbered anew when there are no rounds any more."""


class Flows(Protocol):
    """What an explorer wants of the engine."""

    def inquire(self, target: int, flow: int) -> ProbedTarget:
        """A further flow of a target, without rounds. Raises `ChannelRefused`."""

    def stirred(self, flow: ProbedTarget) -> None:
        """A flow has something to send."""

    def watch(self, flow: ProbedTarget, round_: int, at: int) -> None:
        """A flow that was asked is probed in rounds from this one on, which begins at this time."""

    def drop(self, flow: ProbedTarget) -> None:
        """A flow is closed."""

    def tell(self, found: Discovered) -> None:
        """What was found."""

    def settled(self, target: int) -> None:
        """Nothing more is asked beside the rounds, for now."""


class Explorer:
    """One target's. All times are monotonic nanoseconds."""

    def __init__(
        self, target: int, plan: Plan, first: ProbedTarget, flows: Flows, budget: Budget, time_line: TimeLine
    ) -> None:
        self.due = 0
        """When to call `work`; `NEVER`: only an answer changes anything."""
        self.is_settled = False
        """What was found is told, and every flow is watched or closed."""
        self._target = target
        self._plan = plan
        self._first = first
        self._flows = flows
        self._budget = budget
        self._time_line = time_line
        self._asking: dict[int, ProbedTarget] = {}
        self._watched: dict[int, ProbedTarget] = {0: first}
        self._ports: dict[int, int | None] = {0: first.flow.info.source_port}
        self._found: Discovered | None = None
        self._settled_at = 0
        self._over_at: int | None = None
        """When the first flow's last round was over."""
        self._note: str | None = None
        """Why there can be no further flow."""
        self._quoted = QuotedPorts()
        self._routers: dict[tuple[int, int], str] = {}
        """By flow and TTL, who answers there."""
        self._answers: dict[tuple[int, int], Alternation] = {}
        self._told_after = first.sweep.plan.first_round
        """The round after which questions are put in any case."""
        self._is_first_search = True
        self._discovery = self._new_discovery()
        first.observer = self

    def _new_discovery(self) -> Discovery:
        plan = self._plan
        return Discovery(plan.first_ttl, plan.max_ttl, 1 - plan.certainty_pct / 100, plan.timeout_ns, self._watched)

    # --- what happens ------------------------------------------------------------------------------------------------

    def heard(self, flow: int, ttl: int, reply: Reply, rtt_ns: int) -> None:
        """One of the flows was answered."""
        address, now = reply.address, reply.received_mono
        self._quoted.heard(flow, ttl, reply.quoted_port)
        if flow in self._asking:
            self._budget.ask_beside_turns(address, self._plan.budget, now)
        if not self.is_settled:
            self._discovery.heard(flow, ttl, address, rtt_ns, ends=reply.kind not in PASSING)
        elif flow in self._watched and self._is_another(flow, ttl, address):
            self.due = min(self.due, max(now, self._settled_at + AGAIN_NS))

    def missed(self, flow: int, ttl: int) -> None:
        """A probe of one of them was lost."""
        if not self.is_settled:
            self._discovery.missed(flow, ttl)

    def _is_another(self, flow: int, ttl: int, address: str) -> bool:
        """Whether a flow that is watched goes another way by now."""
        answers = self._answers.get((flow, ttl))
        if answers is None:
            answers = self._answers[flow, ttl] = Alternation()
        answers.add(address)
        before = self._routers.setdefault((flow, ttl), address)
        if address == before or answers.run < MOVED or self._is_known_to_alternate(ttl):
            return False
        self._routers[flow, ttl] = address
        return True

    def _is_known_to_alternate(self, ttl: int) -> bool:
        found = self._found
        return found is not None and any(hop.ttl == ttl and hop.balancing == "per-packet" for hop in found.hops)

    # --- what is due -------------------------------------------------------------------------------------------------

    def work(self, now: int) -> None:
        """Put the questions that are due; settle when all is known. To be called when it is due."""
        self.due = now + _POLL_NS
        if self._first.sweep.paused:
            return
        if self.is_settled:
            self._search_again()
        if self._discovery.is_over:
            self._settle(now)
        elif self._has_begun:
            self._ask(now)

    @property
    def _has_begun(self) -> bool:
        """Whether the first flow knows how long its path is, as far as it ever will; of a later search, whether all
        flows that are watched had a whole round for it."""
        sweep = self._first.sweep
        is_known = self._is_first_search and 0 in self._discovery.ends
        return is_known or sweep.round > self._told_after or sweep.finished

    def _ask(self, now: int) -> None:
        round_ = self._round(now)
        budget = self._plan.budget

        def may_ask(routers: Collection[str]) -> bool:
            return self._budget.may_ask_beside_turns(routers, budget, now)

        while (question := self._discovery.take(now, round_, may_ask)) is not None:
            probed = self._asking.get(question.flow) or self._open(question.flow)
            if probed is None:
                self._discovery.refused(question)
                continue
            assert isinstance(probed.sweep, Inquiry)
            probed.sweep.ask(question.ttl, round_)
            self._flows.stirred(probed)

    def _round(self, now: int) -> int:
        """The number of the round that is under way: it goes on when the first flow's last one is over."""
        sweep = self._first.sweep
        if not sweep.finished:
            return sweep.round
        if self._over_at is None:
            self._over_at = now
        return sweep.round + 1 + (now - self._over_at) // max(sweep.plan.interval_ns, MOST_OFTEN_NS)

    def _open(self, flow: int) -> ProbedTarget | None:
        """A further flow; None: there can be no more."""
        try:
            probed = self._flows.inquire(self._target, flow)
        except ChannelRefused as refusal:
            had = len(self._watched) + len(self._asking)
            self._note = f"only {had} flow{'s' if had > 1 else ''} could be had: {refusal.message}"
            return None
        self._asking[flow] = probed
        self._ports[flow] = probed.flow.info.source_port
        probed.observer = self
        return probed

    # --- when all is known -------------------------------------------------------------------------------------------

    def _settle(self, now: int) -> None:
        """Tell what was found, once; then watch or close each flow that has nothing in flight any more."""
        if self._found is None:
            note = "; ".join(filter(None, (self._note, self._unheard()))) or None
            at, one_port = self._time_line.at(now), self._quoted.one_for_all
            self._found = found_paths(self._discovery, self._target, at, self._ports.get, note, one_port)
            self._flows.tell(self._found)
        watched = self._found.watched
        for flow, probed in list(self._watched.items()):
            if flow not in watched:
                self._flows.drop(probed)
                del self._watched[flow]
        sweep = self._first.sweep
        for flow, probed in list(self._asking.items()):
            inquiry = probed.sweep
            assert isinstance(inquiry, Inquiry)
            if not inquiry.is_idle:
                continue
            del self._asking[flow]
            if flow in watched and not sweep.all_rounds_begun:
                self._flows.watch(probed, sweep.round + 1, sweep.next_round_at)
                self._watched[flow] = probed
            else:
                self._flows.drop(probed)
        if not self._asking:
            self.is_settled, self._settled_at, self.due = True, now, NEVER
            self._routers.clear()
            self._answers.clear()
            self._flows.settled(self._target)

    def _unheard(self) -> str | None:
        """Behind which hop no flow is answered, where none gets to an end."""
        heard = [hop.ttl for hop in self._discovery.hops() if hop.seen]
        if self._discovery.ends or not heard or max(heard) >= self._plan.max_ttl:
            return None
        return f"nobody behind hop {max(heard)} answers any flow: whether paths part there cannot be told"

    def _search_again(self) -> None:
        """A flow went another way."""
        self.is_settled, self._found, self._note = False, None, None
        self._told_after, self._is_first_search = self._first.sweep.round + 1, False
        self._discovery = self._new_discovery()
