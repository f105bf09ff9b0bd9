"""How far a target's path reaches: the last TTL that is worth a probe. Sans-IO.

The horizon is the TTL at which the target answers. Each further round in which that TTL's probe is lost moves it one
TTL beyond (the path may have grown, and the new hop be silent). While no TTL is known to be the target's, it is the
farthest TTL that answered, plus `Plan.max_unknown`.

A stepwise trace (`Plan.opening`) follows mtr's rule (ui/net.c, net_send_batch): a round ends where more than
`max_unknown` TTLs did not answer in all, and the target's place is never doubted.
"""

from __future__ import annotations

from typing import Final

from hopscope.wire.messages import Kind, Plan

ON_THE_WAY: Final[frozenset[Kind]] = frozenset({"time-exceeded", "fragmentation-needed"})
"""Kinds of reply from routers that a probe has passed; every other one says that it went no further than here by
somebody's decision."""


class Horizon:
    """One target's horizon."""

    __slots__ = ("_beyond", "_end", "_far", "_is_opening", "_plan", "_replies", "ttl")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._end: int | None = None
        """The TTL at which the path ends."""
        self._far = 0
        """The farthest TTL of which a router answered."""
        self._beyond = 0
        """How many probes of `_end` were lost since it last answered."""
        self._replies: dict[int, tuple[int, bool]] = {}
        """By TTL, the round of its newest answer, and whether that ended the path."""
        self._is_opening = True
        self.ttl = 0
        """The last TTL that is worth a probe."""
        self._measure()

    @property
    def end(self) -> int | None:
        """The TTL at which the path ends; None: it is not known."""
        return self._end

    def answered(self, ttl: int, round_: int, ends: bool) -> None:
        """A probe of this TTL and round was answered; `ends`: the path ends there. An older round's answer says
        nothing new."""
        known = self._replies.get(ttl)
        if known is not None and known[0] > round_:
            return
        self._replies[ttl] = (round_, ends)
        if ttl == self._end and self._beyond:
            self._beyond = 0
            self._measure()
        if known is not None and known[1] == ends and (ends or self._end is None or ttl < self._end):
            return
        if not ends:
            self._far = max(self._far, ttl)
            if self._end is not None and ttl > self._end and round_ >= self._replies[self._end][0]:
                # A router answers from beyond: what answered nearer is not the end any more.
                self._replies = {at: reply for at, reply in self._replies.items() if not reply[1] or at > ttl}
        ending = [at for at, (_, terminal) in self._replies.items() if terminal]
        end = min(ending) if ending else None
        if end != self._end:
            self._end = end
            self._beyond = 0
        self._measure()

    def missed(self, ttl: int) -> None:
        """A probe of this TTL was lost."""
        if ttl == self._end:
            self._beyond += 1
            self._measure()

    def end_opening(self) -> None:
        """The first round is over."""
        self._is_opening = False
        self._measure()

    def adjust(self, plan: Plan) -> None:
        """Go on by another plan."""
        self._plan = plan
        self._measure()

    def _measure(self) -> None:
        plan = self._plan
        if plan.opening == "stepwise":
            ttl = self._stepwise()
        elif self._end is not None:
            ttl = self._end + min(self._beyond, plan.max_unknown)
        else:
            ttl = max(self._far, plan.first_ttl - 1) + plan.max_unknown
        self.ttl = min(plan.max_ttl, ttl)

    def _stepwise(self) -> int:
        """How far mtr goes: in its first round one TTL beyond the target, which it does not know yet when that probe
        leaves, then to the target; while none answers, until more than `max_unknown` TTLs before the probe have not."""
        plan = self._plan
        if self._end is not None:
            return self._end + 1 if self._is_opening else self._end
        silent = 0
        for ttl in range(plan.first_ttl, plan.max_ttl):
            if silent > plan.max_unknown:
                return ttl
            silent += ttl not in self._replies
        return plan.max_ttl
