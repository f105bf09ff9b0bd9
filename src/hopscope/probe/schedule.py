"""When is which TTL probed, and what became of the probe: the sweep of one target, sans-IO, time as an argument.

In each round one probe is sent for each TTL, from the first to the horizon (`horizon`), in time (`pacer`), but to a
router that other flows ask as well only in turn (`budget`). A probe is remembered until nobody expects an answer to it
(`probe_book`). Its fate is its own: the end of its round changes nothing, but the last round's probes are waited for no
longer than `Plan.grace_ns`. ``lost`` can become ``late``; nothing else changes.

All times are monotonic nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from hopscope.probe.budget import Turns
from hopscope.probe.channel import Probe
from hopscope.probe.horizon import Horizon, is_same_host, part_of
from hopscope.probe.pacer import NEVER, Pacer
from hopscope.probe.probe_book import ProbeBook
from hopscope.wire.messages import Kind, Plan

Outcome = Literal["answered", "late", "duplicate"]
"""What an answer is to its probe."""


class Sweep:
    """One target's rounds. The caller sends what `take_due` gives, says how that went, and hands in answers."""

    __slots__ = (
        "_book",
        "_horizon",
        "_pacer",
        "_turns",
        "calm_until",
        "due_at",
        "finished",
        "is_stirred",
        "paused",
        "plan",
        "sent",
        "target",
    )

    def __init__(
        self, target: int, plan: Plan, now: int, first_sequence: int = 0, *, turns: Turns | None = None
    ) -> None:
        """`turns`: its turns to ask routers that others ask as well; None: it keeps to none."""
        self.target = target
        self.plan = plan
        self.paused = False
        self.finished = False
        """All rounds were sent, and every fate is known."""
        self.is_stirred = False
        """Whether the last answer changed what is due when."""
        self.calm_until = 0
        """Before this no timeout passes: not to be looked for with each probe."""
        self._horizon = Horizon(plan)
        self._pacer = Pacer(plan, now if turns is None else turns.begins_at)
        self._turns = turns
        self._book = ProbeBook(plan, now, first_sequence)
        self.sent: Callable[[Probe], None] = self._book.write
        """To be told of a probe that left, at its `sent_mono`."""
        self.due_at = NEVER
        """When the next probe leaves, or the next round starts; `NEVER` where only an answer can change that."""
        self._finish_if_over()  # a plan of no rounds is carried out already
        self._look_ahead()

    # --- what to do when --------------------------------------------------------------------------------------

    @property
    def round(self) -> int:
        """The number of the round that is under way."""
        return self._pacer.round

    @property
    def all_rounds_begun(self) -> bool:
        """Whether no further round will start."""
        return self._pacer.all_rounds_begun

    @property
    def next_sequence(self) -> int:
        """A sequence number that no remembered probe has, and none after it."""
        return self._book.new_sequence()

    @property
    def next_round_at(self) -> int:
        """When the next round starts, if there is one."""
        return self._pacer.round_start + self.plan.interval_ns

    @property
    def pending(self) -> int:
        """Probes in flight."""
        return self._book.pending

    @property
    def is_latency_critical(self) -> bool:
        """Whether an answer changes what is sent, or when the end is: in the first round, and after the last probe."""
        pacer = self._pacer
        if pacer.is_opening or pacer.all_rounds_begun:
            return not (self.paused or self.finished) and (pacer.is_opening or self._is_ending)
        return False

    @property
    def is_between_rounds(self) -> bool:
        """Whether all probes of the round under way were sent, or none has begun."""
        return self._pacer.next_ttl > self._horizon.ttl

    def next_deadline(self) -> int:
        """When something is due next; `NEVER` where only an answer can change that."""
        send_at = self.due_at
        if send_at < self.calm_until:
            return send_at
        oldest = self._book.oldest_pending()
        if oldest is None:
            self._calm_down(self._book.last_sent)
            return send_at
        self._calm_down(oldest.sent_mono)
        expiry = self._expiry(oldest)
        return expiry if expiry < send_at else send_at

    def _send_at(self) -> int:
        """When the next probe leaves, or the next round starts."""
        return self._pacer.next_deadline(self._horizon.ttl)

    def start_round_if_due(self, now: int) -> bool:
        """Whether a round was due; it has started then."""
        pacer = self._pacer
        if self.paused or self.finished or pacer.next_ttl <= self._horizon.ttl:
            return False
        if now < pacer.next_deadline(self._horizon.ttl):
            return False
        if is_full := self._book.is_full:
            pacer.postpone_round(now)
        else:
            pacer.start_round(now)
            if not pacer.is_opening:
                self._horizon.begin_round()
            pacer.spread(self._horizon.ttl)
        self._look_ahead()
        return not is_full

    def take_due(self, now: int) -> Probe | None:
        """The probe to be sent now; None: none is due. Say `sent` or `failed` before asking again."""
        pacer, turns = self._pacer, self._turns
        while now >= self.due_at and pacer.next_ttl <= self._horizon.ttl:
            if turns is None or turns.may_ask(pacer.next_ttl, now):
                probe = Probe(self.target, pacer.round, pacer.take(now), self._book.new_sequence())
                self.due_at = pacer.next_deadline(self._horizon.ttl)
                return probe
            pacer.skip(now)
            self._finish_if_over()
            self._look_ahead()
        return None

    def failed(self, probe: Probe) -> None:
        """This machine could not send `probe`."""
        self._pacer.unanswered()
        self._finish_if_over()
        self._look_ahead()

    # --- what became of it ------------------------------------------------------------------------------------

    def heard(self, probe: Probe, now: int, rtt_ns: int, kind: Kind, address: str | None = None) -> Outcome:
        """An answer to `probe` came from `address`, after `rtt_ns`. The caller has made it lost first, where that was
        too late."""
        outcome: Outcome
        pacer, horizon = self._pacer, self._horizon
        if probe.fate is None:
            outcome = probe.fate = "answered"
            self._book.pending -= 1
            if pacer.is_opening and probe.round == pacer.round:
                pacer.answered(now, rtt_ns)
        elif probe.fate == "lost":
            outcome = probe.fate = "late"
        else:
            self.is_stirred = False
            return "duplicate"
        before = horizon.ttl
        part = part_of(kind, address, self.plan)
        if self.plan.opening == "stepwise" and address is not None:
            # mtr goes on behind a router that refuses to.
            part = "target" if is_same_host(address, self.plan.address) else "router"
        horizon.answered(probe.ttl, probe.round, part, address)
        if self._turns is not None and not self.paused:  # else it would take turns that it does not use
            self._turns.heard(probe.ttl, address if part == "router" else None, now)
        if pacer.all_rounds_begun:
            self._finish_if_over()
        self.is_stirred = pacer.is_opening or self.finished or horizon.ttl != before
        if self.is_stirred:
            self._look_ahead()
        return outcome

    def lose(self, probe: Probe) -> None:
        """The timeout of `probe`, which is pending, has passed."""
        self._end_wait(probe)
        self._horizon.missed(probe.ttl)
        if self._turns is not None:
            self._turns.missed(probe.ttl, probe.sent_mono)
        self._finish_if_over()
        self._look_ahead()

    def mark_unheard(self, probe: Probe) -> None:
        """The timeout of `probe` has passed, and that says nothing: this machine could not hear."""
        self._end_wait(probe)
        self._finish_if_over()
        self._look_ahead()

    def first_expired(self, now: int) -> Probe | None:
        """A pending probe whose timeout has passed; the caller lets it `lose`. None: none has."""
        if now < self.calm_until:
            return None
        oldest = self._book.oldest_pending()
        if oldest is None:
            return None
        return None if now < self._expiry(oldest) else oldest

    def take_forgettable(self, now: int) -> Sequence[Probe]:
        """The probes to which no answer is expected any more; they are forgotten with this call."""
        return self._book.take_forgettable(now)

    # --- what the driver changes ------------------------------------------------------------------------------

    def pause(self) -> None:
        """Send nothing new."""
        self.paused = True
        self._look_ahead()
        if self._turns is not None:
            self._turns.leave()

    def resume(self, now: int) -> None:
        """Send again, with a new round at once."""
        if self.paused:
            self.paused = False
            self._pacer.restart(now)
            self._finish_if_over()
            self._look_ahead()

    def adjust(self, plan: Plan) -> None:
        """Go on by another plan (the same address, method and packets); it holds for the round under way too."""
        self.plan = plan
        self.calm_until = 0
        self._book.adjust(plan)
        self._horizon.adjust(plan)
        self._pacer.adjust(plan, self._horizon.ttl)
        if self._turns is not None:
            self._turns.interval = plan.interval_ns
        self._finish_if_over()
        self._look_ahead()

    def close(self) -> None:
        """It asks no router any more: others need not take turns with it. Idempotent."""
        if self._turns is not None:
            self._turns.end()
            self._turns = None

    # --- inside -----------------------------------------------------------------------------------------------

    @property
    def _is_ending(self) -> bool:
        """Whether no further probe will be sent."""
        return self._pacer.all_rounds_begun and self._pacer.next_ttl > self._horizon.ttl

    def _look_ahead(self) -> None:
        """Pacer or horizon changed, or whether anything is sent at all."""
        self.due_at = NEVER if self.paused or self.finished else self._send_at()

    def _expiry(self, probe: Probe) -> int:
        """When `probe`, which is pending, is lost."""
        expiry = probe.sent_mono + self.plan.timeout_ns
        if self.plan.grace_ns is not None and self._is_ending:
            return min(expiry, self._book.last_sent + self.plan.grace_ns)
        return expiry

    def _calm_down(self, since: int) -> None:
        """No pending probe was sent before `since`. A grace time may end the wait of them all."""
        if self.plan.grace_ns is None:
            self.calm_until = since + self.plan.timeout_ns

    def _end_wait(self, probe: Probe) -> None:
        probe.fate = "lost"
        self._book.pending -= 1
        if probe.round == self._pacer.round:
            self._pacer.unanswered()

    def _finish_if_over(self) -> None:
        if self._book.pending == 0 and self._is_ending:
            self.finished = True
