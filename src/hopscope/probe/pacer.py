"""When a round starts, and when its probes leave. Sans-IO; all times are monotonic nanoseconds.

- A round starts every interval. After a pause, a suspended machine or a stall, rounds that were missed are skipped,
  never caught up with.
- The first round is quick: a window of a few probes, which each answer widens and a tick without one widens slowly, so
  that neither a silent hop nor a far target holds it up and no storm goes out beyond the target. It is not cut short.
- A stepwise first round (`Plan.opening`) has one probe in flight, as mtr's has: the next TTL leaves with the answer, or
  after a step without one, so that no TTL beyond the target is tried but mtr's own one.
- Later rounds spread their probes over the interval; those that would follow each other within `SEND_SLOT_NS` leave
  together, since at such a rate waking up costs more than all else.
"""

from __future__ import annotations

from typing import Final

from hopscope.wire.messages import Plan

NEVER: Final = 1 << 62
"""A deadline that does not come."""

OPENING_WINDOW: Final = 6
"""Probes that the first round sends at once."""
WIDEST_OPENING: Final = 8
"""Upper bound of the first round's window; also how many probes may overshoot a near target."""
OPENING_TICK_NS: Final = 50_000_000
"""Widen the first round's window by one after this long without an answer."""
STEP_NS: Final = 100_000_000
"""Shortest wait of a stepwise first round for an answer before the next TTL is tried."""
SPREAD: Final = 0.9
"""The share of the interval over which a round's probes are spread."""
SEND_SLOT_NS: Final = 20_000_000
"""Probes due within one slot are sent together: it halves wake-ups at 10 rounds/s. Larger ones would queue on slow
uplinks."""


class Pacer:
    """One target's rounds."""

    __slots__ = (
        "_gap",
        "_outstanding",
        "_plan",
        "_progress_at",
        "_send_at",
        "_slowest_rtt",
        "_window",
        "all_rounds_begun",
        "is_opening",
        "next_ttl",
        "round",
        "round_start",
    )

    def __init__(self, plan: Plan, now: int) -> None:
        self._plan = plan
        self.round = plan.first_round - 1
        """The number of the round that is under way."""
        self.next_ttl = NEVER
        """The TTL of the next probe; the round's probes are all sent where it is beyond the horizon."""
        self.is_opening = True
        """Whether no round but the first has started."""
        self.round_start = now - plan.interval_ns
        """When it was due."""
        self._send_at = now
        self._gap = 0
        self._window = 0
        self._outstanding = 0
        """Probes of this round without a fate."""
        self._progress_at = now
        self._slowest_rtt = 0
        self.all_rounds_begun = False
        """Whether no further round will start."""
        self._count_rounds()

    def next_deadline(self, horizon: int) -> int:
        """When the next probe leaves, or the next round starts."""
        if self.next_ttl > horizon:
            return NEVER if self.all_rounds_begun else self.round_start + self._plan.interval_ns
        if not self.is_opening:
            at = self._send_at
            return at if self._gap >= SEND_SLOT_NS else at - (at - self.round_start) % SEND_SLOT_NS
        if self._outstanding < self._window:
            return self._progress_at
        return self._progress_at + self._step_ns()

    def start_round(self, now: int) -> None:
        """A round that is due starts. Say `spread` once the horizon is known."""
        due = self.round_start + self._plan.interval_ns
        self.is_opening = self.round < self._plan.first_round
        # A round that is much too late was missed: the clock starts anew.
        self.round_start = due if now - due < self._plan.interval_ns else now
        self.round += 1
        self._count_rounds()
        self.next_ttl = self._plan.first_ttl
        self._send_at = self._progress_at = now
        self._outstanding = 0
        self._window = 1 if self._is_stepwise else OPENING_WINDOW

    def spread(self, horizon: int) -> None:
        """Spread the round's probes evenly, up to the horizon."""
        self._gap = int(self._plan.interval_ns * SPREAD) // max(1, horizon - self._plan.first_ttl + 1)

    def postpone_round(self, now: int) -> None:
        """Let the round that is due start an interval from now."""
        self.round_start = now

    def take(self, now: int) -> int:
        """The TTL of the probe that is due now, which leaves."""
        if self.is_opening and self._outstanding >= self._window:
            self._window = self._outstanding + 1
            self._progress_at = now
        self._outstanding += 1
        # After a stall the probes of a round do not hurry after each other.
        at, earliest = self._send_at + self._gap, now - 2 * self._gap
        self._send_at = at if at > earliest else earliest
        ttl = self.next_ttl
        self.next_ttl = ttl + 1
        return ttl

    def skip(self, now: int) -> None:
        """The TTL that is due now is not probed in this round."""
        self._send_at = max(self._send_at + self._gap, now - 2 * self._gap)
        self.next_ttl += 1

    def answered(self, now: int, rtt_ns: int) -> None:
        """A probe of the first round was answered in time, while that is under way."""
        self._outstanding -= 1
        if not self._is_stepwise:
            self._window = max(self._window, min(self._window + 1, WIDEST_OPENING))
        self._slowest_rtt = max(self._slowest_rtt, rtt_ns)
        self._progress_at = now

    def unanswered(self) -> None:
        """A probe of this round could not be sent, or its timeout has passed."""
        self._outstanding -= 1

    def restart(self, now: int) -> None:
        """Start a new round at once."""
        self.next_ttl = NEVER
        self.round_start = now - self._plan.interval_ns

    def adjust(self, plan: Plan, horizon: int) -> None:
        """Go on by another plan; it holds for the round under way, too."""
        self._plan = plan
        self._count_rounds()
        if not self.is_opening:
            before = self._gap
            self.spread(horizon)
            self._send_at += self._gap - before

    def _count_rounds(self) -> None:
        rounds = self._plan.rounds
        self.all_rounds_begun = rounds is not None and self.round + 1 >= self._plan.first_round + rounds

    @property
    def _is_stepwise(self) -> bool:
        return self._plan.opening == "stepwise"

    def _step_ns(self) -> int:
        """How long the first round waits for an answer before it tries a further TTL. mtr waits a tenth of the
        interval; here no less than the slowest answer so far would need."""
        if not self._is_stepwise:
            return OPENING_TICK_NS
        return max(STEP_NS, self._plan.interval_ns // 10, self._slowest_rtt + self._slowest_rtt // 2)
