"""The probes of one target, from their sending until nobody expects an answer to them any more. Sans-IO."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from hopscope.probe.channel import SEQUENCES, Probe
from hopscope.wire.messages import Plan

LINGER_NS: Final = 10_000_000_000
"""Remember a probe at least this long after its timeout, to know a late answer or a duplicate for what it is."""
MOST_REMEMBERED: Final = SEQUENCES - 256
"""Start no round with more probes than that remembered: it could run out of sequence numbers."""


class ProbeBook:
    """One target's probes."""

    __slots__ = ("_aging", "_linger_ns", "_next_sequence", "_probes", "_remembered", "last_sent", "pending")

    def __init__(self, plan: Plan, now: int, first_sequence: int) -> None:
        self._probes: dict[int, Probe] = {}
        self._aging: deque[Probe] = deque()
        """In the order of sending, those that may be pending."""
        self._remembered: deque[Probe] = deque()
        self._next_sequence = first_sequence
        self._linger_ns = 0
        self.pending = 0
        """Probes in flight."""
        self.last_sent = now
        """When the last probe left."""
        self.adjust(plan)

    def adjust(self, plan: Plan) -> None:
        """Go on by another plan."""
        self._linger_ns = plan.timeout_ns + max(plan.timeout_ns, LINGER_NS)

    @property
    def is_full(self) -> bool:
        """Whether no sequence numbers are left for a round that nobody may still answer to."""
        return len(self._probes) > MOST_REMEMBERED

    def new_sequence(self) -> int:
        """A sequence number that no remembered probe has."""
        sequence = self._next_sequence
        while sequence in self._probes:
            sequence = (sequence + 1) % SEQUENCES
        self._next_sequence = (sequence + 1) % SEQUENCES
        return sequence

    def write(self, probe: Probe) -> None:
        """`probe` left, at its `sent_mono`."""
        self._probes[probe.seq] = probe
        self._aging.append(probe)
        self._remembered.append(probe)
        self.last_sent = probe.sent_mono
        self.pending += 1

    def oldest_pending(self) -> Probe | None:
        """The pending probe that was sent first."""
        aging = self._aging
        while aging:
            oldest = aging[0]
            if oldest.fate is None:
                return oldest
            aging.popleft()
        return None

    def take_forgettable(self, now: int) -> Sequence[Probe]:
        """The probes to which no answer is expected any more; they are forgotten with this call."""
        remembered, probes = self._remembered, self._probes
        sent_until = now - self._linger_ns
        taken = []
        while remembered:
            probe = remembered[0]
            if probe.fate is None or (probe.sent_mono > sent_until and len(remembered) <= SEQUENCES // 2):
                break
            remembered.popleft()
            if probes.get(probe.seq) is probe:
                del probes[probe.seq]
                taken.append(probe)
        return taken
