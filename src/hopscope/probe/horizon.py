"""How far a target's path reaches: the last TTL that is worth a probe. Sans-IO.

The horizon is the TTL at which the target answers. After each further round in which that TTL's probe is lost the next
one goes one TTL farther (the path may have grown, and the new hop be silent). While no TTL is known to be the target's,
it is the farthest TTL that answered, plus `Plan.max_unknown`.

A router's refusal ("no route", "prohibited") ends the path as well, but speaks of its own probe alone: a router that
refuses what expires there may forward all else. So it ends nothing while the newest answer of some TTL behind it is the
target's, or that of a router on the way, or the refusal of yet another router, which was reached past it; the first
round looks for those. Where that was so and everything is refused by now, all is probed as before: no other answer can
say that it is over.

A stepwise trace (`Plan.opening`) follows mtr's rule (ui/net.c, net_send_batch): a round ends where more than
`max_unknown` TTLs did not answer in all, and the target's place is never doubted.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hopscope.wire.answers import PASSING, REACHING, plain
from hopscope.wire.messages import Kind, Plan

BEHIND_REFUSAL: Final = 5
"""TTLs that the first round tries at the most behind a refusal: it has sent to about as many by then anyway."""

Part: TypeAlias = Literal["router", "refusal", "target"]
"""Whose an answer is: a router's that the probe has passed, somebody's that refused it, the target's."""


def part_of(kind: Kind, address: str | None, plan: Plan) -> Part:
    """Whose an answer of this kind is; `address`: its sender's, None where that is not known."""
    if kind in PASSING:
        return "router"
    if address is None or kind in REACHING or (kind == "port-unreachable" and plan.protocol == "udp"):
        return "target"
    return "target" if is_same_host(address, plan.address) else "refusal"


def is_same_host(address: str, other: str) -> bool:
    """Whether two addresses are one, whatever their zones."""
    return plain(address) == plain(other)


class Horizon:
    """One target's horizon."""

    __slots__ = ("_beyond", "_end", "_far", "_is_opening", "_is_passed", "_last_end", "_plan", "_replies", "ttl")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._end: int | None = None
        """The TTL at which the path ends."""
        self._far = 0
        """The farthest TTL of which a router answered."""
        self._beyond = 0
        """How many probes of `_end` were lost since it last answered."""
        self._replies: dict[int, tuple[int, Part, str | None]] = {}
        """By TTL, the round of its newest answer, whose that was, and by which address, as far as it is known."""
        self._last_end = 0
        """The TTL at which the path ended when the target answered last; 0: it never did."""
        self._is_passed = False
        """Somebody answered from behind a refusal."""
        self._is_opening = True
        self.ttl = 0
        """The last TTL that is worth a probe."""
        self._measure()

    @property
    def end(self) -> int | None:
        """The TTL at which the path ends; None: it is not known."""
        return self._end

    @property
    def is_refused(self) -> bool:
        """Somebody who is not the target ends the path by refusing."""
        return self._end is not None and self._replies[self._end][1] == "refusal"

    def answered(self, ttl: int, round_: int, part: Part, address: str | None = None) -> None:
        """A probe of this TTL and round was answered, by this address. An older round's answer says nothing new."""
        known = self._replies.get(ttl)
        if known is not None and known[0] > round_:
            return
        self._replies[ttl] = (round_, part, address)
        if ttl == self._end and self._beyond:
            self._beyond = 0
            self._measure()
        if part == "target" and ttl == self._end:
            self._last_end = ttl
        is_router = part == "router"
        is_known = known is not None and known[1] == part and (part != "refusal" or known[2] == address)
        if is_known and (not is_router or self._end is None or ttl < self._end):
            return
        if is_router:
            self._far = max(self._far, ttl)
            if self._end is not None and ttl > self._end and round_ >= self._replies[self._end][0]:
                # A router answers from beyond: what answered nearer is not the end any more.
                self._replies = {at: reply for at, reply in self._replies.items() if reply[1] == "router" or at > ttl}
        end = self._found_end()
        if part == "target":
            self._last_end = end or 0
        if end != self._end:
            self._end = end
            self._beyond = 0
        self._measure()

    def _found_end(self) -> int | None:
        """Where the newest answers say that the path ends."""
        targets = [ttl for ttl, (_, part, _) in self._replies.items() if part == "target"]
        refusals = {ttl: by for ttl, (_, part, by) in self._replies.items() if part == "refusal"}
        if targets:
            passed = min(targets)
        else:
            passed = max((ttl for ttl, (_, part, _) in self._replies.items() if part == "router"), default=0)
        self._is_passed |= any(ttl < passed for ttl in refusals)
        if targets:
            return passed
        last = refusals.get(max(refusals, default=0))  # who refuses farthest was reached past all others
        return min((ttl for ttl, by in refusals.items() if ttl > passed and by == last), default=None)

    def missed(self, ttl: int) -> None:
        """A probe of this TTL was lost. The next round goes farther for that, not this one: what reached the target
        with a larger TTL would hide that the probe of its own was lost."""
        if ttl == self._end:
            self._beyond += 1

    def begin_round(self) -> None:
        """Another round than the first one begins."""
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
            if self.is_refused:
                if self._is_opening:
                    ttl = max(ttl, self._end + min(plan.max_unknown, BEHIND_REFUSAL))
                if self._is_passed:
                    ttl = max(ttl, self._last_end or self._far)
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
