"""The sweep of a flow that can have one probe in flight: over TCP sockets its port is taken until a try has ended.

In each round it asks the target, and of the hops before it at least one: in round `r` flow `f` begins with the one at
place `(r + f) mod T`. Each probe leaves when the one before has its answer, or is heard no more. Where the target's
last try was in vain, the hop comes first, so that an outage keeps nobody from seeing how far probes get. A further hop
is asked only where it cannot hold up the next round. Until the target has answered, hops are asked one after the other,
as far as the horizon, from round to round; the last round is not cut short for that.

All times are monotonic nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hopscope.probe.budget import Turns
from hopscope.probe.channel import Probe
from hopscope.probe.pacer import NEVER
from hopscope.probe.schedule import Outcome, Sweep
from hopscope.wire.messages import Kind, Plan

HEARING_NS: Final = 950_000_000
"""How long a try is heard: the kernel's first retransmission of a SYN is due a second after it (RFC 6298)."""


class OneAtATime(Sweep):
    """One flow's rounds, with one probe in flight."""

    __slots__ = ("_asked", "_flow", "_flying", "_free_at", "_next_place", "_was_in_vain")

    def __init__(
        self,
        target: int,
        plan: Plan,
        now: int,
        first_sequence: int = 0,
        *,
        turns: Turns | None = None,
        flow: int = 0,
    ) -> None:
        """`flow`: which of the target's flows it is."""
        self._flow = flow
        self._asked: set[int] | None = None
        """The TTLs that had their turn in the round under way; None: nothing more is asked in it."""
        self._next_place = 0
        """Among the hops, whose turn is next."""
        self._flying: Probe | None = None
        self._free_at = now
        """When the next probe may leave at the latest."""
        self._was_in_vain = False
        """Whether the target's last try had no answer."""
        super().__init__(target, plan, now, first_sequence, turns=turns)
        self.sent = self._sent

    # --- what to do when --------------------------------------------------------------------------------------

    @property
    def is_between_rounds(self) -> bool:
        """A round may be due while a probe is in flight."""
        return True

    def start_round_if_due(self, now: int) -> bool:
        """See `Sweep.start_round_if_due`. Rounds begin in time, so that those of all flows are at one time."""
        if not super().start_round_if_due(now):
            return False
        self._pacer.next_ttl = NEVER
        self._asked = set()
        if self._horizon.end is not None:
            self._next_place = self._pacer.round + self._flow
        self._look_ahead()
        return True

    def take_due(self, now: int) -> Probe | None:
        """See `Sweep.take_due`."""
        if self.paused or self._asked is None or now < self._free_at:
            return None
        while (ttl := self._next_ttl(now)) is not None:
            self._asked.add(ttl)
            if ttl != self._horizon.end:
                hops = self._hops()
                self._next_place = hops.index(ttl) + 1
            if self._turns is None or self._turns.may_ask(ttl, now):
                return Probe(self.target, self._pacer.round, ttl, self._book.new_sequence())
        self._asked = None
        self._finish_if_over()
        self._look_ahead()
        return None

    def _sent(self, probe: Probe) -> None:
        """See `Sweep.sent`."""
        self._book.write(probe)
        self._flying = probe
        self._free_at = probe.sent_mono + HEARING_NS
        self._was_in_vain |= probe.ttl == self._horizon.end
        self._look_ahead()

    # --- what became of it ------------------------------------------------------------------------------------

    def heard(self, probe: Probe, now: int, rtt_ns: int, kind: Kind, address: str | None = None) -> Outcome:
        """See `Sweep.heard`."""
        is_awaited = probe is self._flying
        if is_awaited:
            self._flying, self._free_at = None, now
            self._was_in_vain &= probe.ttl != self._horizon.end
        outcome = super().heard(probe, now, rtt_ns, kind, address)
        self.is_stirred = self.is_stirred or is_awaited
        if is_awaited:
            self._look_ahead()
        return outcome

    def mark_unheard(self, probe: Probe) -> None:
        """See `Sweep.mark_unheard`."""
        if probe is self._flying:
            self._flying, self._free_at = None, probe.sent_mono
        super().mark_unheard(probe)

    # --- inside -----------------------------------------------------------------------------------------------

    def _send_at(self) -> int:
        if self._asked is None:
            return super()._send_at()
        return min(max(self._free_at, self._pacer.round_start), super()._send_at())

    @property
    def _is_ending(self) -> bool:
        return self._pacer.all_rounds_begun and self._asked is None

    def _hops(self) -> range | list[int]:
        """The TTLs that are asked in turn."""
        end, last = self._horizon.end, self._horizon.ttl
        if end is not None and self._horizon.is_refused:  # of what expires there, it may be, alone
            last = min(self.plan.max_ttl, max(last, end + self.plan.max_unknown))
        ttls = range(self.plan.first_ttl, last + 1)
        return ttls if end is None else [ttl for ttl in ttls if ttl != end]

    def _next_ttl(self, now: int) -> int | None:
        """The TTL that is due next in the round under way; None: none is any more."""
        asked, end = self._asked, self._horizon.end
        if asked is None:
            return None
        over_at = self._pacer.round_start + self.plan.interval_ns
        if now >= over_at and (end is not None or not self._pacer.all_rounds_begun):
            return None
        is_first_hop = all(ttl == end for ttl in asked)
        may_hold_up = end is not None and not is_first_hop and now + HEARING_NS > over_at
        for ttl in self._in_turn(end, hop_first=self._was_in_vain and is_first_hop):
            if ttl not in asked and (ttl == end or not may_hold_up):
                return ttl
        return None

    def _in_turn(self, end: int | None, *, hop_first: bool) -> Iterator[int]:
        hops = self._hops()
        turns = [hops[(self._next_place + i) % len(hops)] for i in range(len(hops))]
        if hop_first:
            yield from turns[:1]
        if end is not None:
            yield end
        yield from turns
