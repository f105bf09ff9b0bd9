"""Answers to a target's probes from one other address: a subnet-router anycast address (RFC 4291, 2.6.1), a host that
answers from another of its addresses, a balancer that does not translate back.

Such an answer shows the probe's own random bytes, so whoever sent it has seen the probe; yet the target itself may
answer too, and then that is the answer. So it is held until the probe's timeout, and counts where nothing else came.
From then on answers from that address count at once, until the target is heard.
"""

from __future__ import annotations

from hopscope.probe.channel import Probe, Reply, Tally


class StandIn:
    """Who answers in a target's place, if anybody does."""

    def __init__(self, tally: Tally) -> None:
        self.address: str | None = None
        """Whose answers count; None: nobody's but the target's."""
        self._tally = tally
        self._is_target_heard = False
        self._ends_at: str | None = None
        self._held: dict[int, tuple[Probe, Reply]] = {}

    def on_target(self) -> bool:
        """The target itself was heard: nobody stands in for it. Whether the note changed."""
        if self._is_target_heard:
            return False
        self._is_target_heard = True
        self._tally.foreign += len(self._held)
        self._held.clear()
        is_news = self.address is not None or self._ends_at is not None
        self.address = self._ends_at = None
        return is_news

    def on_end(self, address: str) -> bool:
        """Another one says that probes end with it (its port is closed). Whether the note changed."""
        if self._is_target_heard or address == self._ends_at:
            return False
        self._ends_at = address
        return self.address is None

    def takes(self, probe: Probe, reply: Reply) -> bool:
        """An answer from elsewhere, whether it counts now. One that may count later is kept."""
        if self._is_target_heard or not reply.vouched:
            self._tally.foreign += 1
            return False
        if reply.address == self.address or probe.fate is not None:
            return reply.address == self.address
        if probe.seq in self._held:
            self._tally.foreign += 1
        else:
            self._held[probe.seq] = probe, reply
        return False

    def last_word(self, probe: Probe) -> Reply | None:
        """The answer that was kept for a probe to which nothing else came; its sender stands in from now on."""
        held = self._held.pop(probe.seq, None)
        if held is None or held[0] is not probe:
            return None
        self.address = held[1].address
        return held[1]

    def forget(self, probe: Probe) -> None:
        """No answer to `probe` counts any more."""
        self._held.pop(probe.seq, None)

    @property
    def answers(self) -> str | None:
        """Who answers in the target's place; None: nobody does."""
        return self.address or self._ends_at
