"""The probes of a flow that is asked and has no rounds: what leaves, and when, somebody else says (`explorer`)."""

from __future__ import annotations

from collections import deque

from hopscope.probe.channel import Probe
from hopscope.probe.pacer import NEVER
from hopscope.probe.schedule import Sweep
from hopscope.wire.messages import Plan


class Inquiry(Sweep):
    """One flow's."""

    __slots__ = ("_asked",)

    def __init__(self, target: int, plan: Plan, now: int, first_sequence: int = 0) -> None:
        self._asked: deque[tuple[int, int]] = deque()
        """TTL and round of what is to leave."""
        super().__init__(target, plan, now, first_sequence)

    def ask(self, ttl: int, round_: int) -> None:
        """A probe of this TTL is to leave, under the number of this round."""
        self._asked.append((ttl, round_))
        self._look_ahead()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight or about to leave."""
        return not self._asked and not self.pending

    @property
    def is_latency_critical(self) -> bool:
        """See `Sweep.is_latency_critical`: the next question waits for the answer to this one."""
        return not self.paused and self.pending > 0

    @property
    def is_between_rounds(self) -> bool:
        """It has none; but what is not answered any more is forgotten as often."""
        return True

    def start_round_if_due(self, now: int) -> bool:
        """See `Sweep.start_round_if_due`."""
        return False

    def take_due(self, now: int) -> Probe | None:
        """See `Sweep.take_due`."""
        if self.paused or not self._asked:
            return None
        ttl, round_ = self._asked.popleft()
        self._look_ahead()
        return Probe(self.target, round_, ttl, self._book.new_sequence())

    def resume(self, now: int) -> None:
        """See `Sweep.resume`."""
        self.paused = False
        self._look_ahead()

    def _send_at(self) -> int:
        return 0 if self._asked else NEVER

    @property
    def _is_ending(self) -> bool:
        return False  # whether more is asked, somebody else says
