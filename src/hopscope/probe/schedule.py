"""When is which TTL probed, and what became of the probe: the sweep of one target, sans-IO, time as an argument.

The rules:

- A round every interval; in a round one probe for each TTL, from the first to the horizon.
- The horizon is the TTL at which the target answers. Each further round in which that TTL's probe is lost moves it one
  TTL beyond (the path may have grown, and the new hop be silent). While no TTL is known to be the target's, it is the
  farthest TTL that answered, plus `max_unknown`.
- The first round is quick: a window of a few probes, which each answer widens and a tick without one widens slowly, so
  that neither a silent hop nor a far target holds it up and no storm goes out beyond the target. It is not cut short.
- A stepwise first round (`Plan.opening`) has one probe in flight, as mtr's has: the next TTL leaves with the answer, or
  after `_step_ns` without one, so that no TTL beyond the target is tried but mtr's own one. Its horizon follows mtr's
  rule (ui/net.c, net_send_batch): a round ends where `max_unknown` TTLs in all are exceeded, and the target's place is
  never doubted.
- Later rounds spread their probes over the interval; those that would follow each other within `GRAIN_NS` leave
  together, since at such a rate waking up costs more than all else.
- A probe's fate is its own: the end of its round changes nothing, but the last round's probes are waited for no longer
  than `Plan.grace_ns`. ``lost`` can become ``late``; nothing else changes.
- After a pause, a suspended machine or a stall, rounds that were missed are skipped, never caught up with.

All times are monotonic nanoseconds.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

from hopscope.probe.channels.base import SEQUENCES, Probe
from hopscope.wire.messages import Kind, Plan

NEVER: Final = 1 << 62
"""A deadline that does not come."""

OPENING_WINDOW: Final = 6
"""Probes that the first round sends at once."""
WIDEST_OPENING: Final = 8
"""To so many in flight answers widen that window: what may go out beyond a near target."""
OPENING_TICK_NS: Final = 50_000_000
"""So long without an answer, and the first round's window grows by one."""
STEP_NS: Final = 100_000_000
"""Shortest wait of a stepwise first round for an answer before the next TTL is tried."""
SPREAD: Final = 0.9
"""The share of the interval over which a round's probes are spread."""
GRAIN_NS: Final = 20_000_000
"""Never more than a few probes: a slow uplink should not be busy with one's own."""
LINGER_NS: Final = 10_000_000_000
"""A probe is remembered at least so long after its timeout, to know a late answer or a duplicate for what it is."""
MOST_REMEMBERED: Final = SEQUENCES - 256
"""With more probes than that remembered no round begins: it could run out of sequence numbers."""

_ON_THE_WAY: Final[frozenset[Kind]] = frozenset({"time-exceeded", "fragmentation-needed"})

Verdict = Literal["answered", "late", "duplicate"]


def ends_path(kind: Kind) -> bool:
    """Whether a reply of this kind says that the probe went no further than here by somebody's decision."""
    return kind not in _ON_THE_WAY


def _linger(plan: Plan) -> int:
    """For how long a probe is remembered."""
    return plan.timeout_ns + max(plan.timeout_ns, LINGER_NS)


class Sweep:
    """One target's rounds. The caller sends what `due` gives, says how that went, and hands in answers."""

    __slots__ = (
        "_aging",
        "_beyond",
        "_deadline_of_send",
        "_end",
        "_far",
        "_gap",
        "_horizon",
        "_last_sent",
        "_linger",
        "_next_ttl",
        "_opening",
        "_outstanding",
        "_probes",
        "_progress",
        "_remembered",
        "_replies",
        "_round_start",
        "_seq",
        "_slowest",
        "_window",
        "finished",
        "paused",
        "pending",
        "plan",
        "round",
        "target",
    )

    def __init__(self, target: int, plan: Plan, now: int, first_sequence: int = 0) -> None:
        self.target = target
        self.plan = plan
        self.round = plan.first_round - 1
        """The number of the round that is under way."""
        self.paused = False
        self.finished = False
        """All rounds were sent, and every fate is known."""
        self.pending = 0
        """Probes in flight."""
        self._linger = _linger(plan)
        self._probes: dict[int, Probe] = {}
        self._aging: deque[Probe] = deque()
        self._remembered: deque[Probe] = deque()
        self._seq = first_sequence
        self._round_start = now - plan.interval_ns
        self._next_ttl = NEVER
        self._deadline_of_send = now
        self._gap = 0
        self._end: int | None = None
        self._far = 0
        self._beyond = 0
        self._horizon = 0
        self._replies: dict[int, tuple[int, bool]] = {}
        self._opening = True
        self._window = 0
        self._outstanding = 0
        self._progress = now
        self._slowest = 0
        self._last_sent = now
        self._measure()
        self._settle()  # a plan of no rounds is carried out already

    # --- what to do when --------------------------------------------------------------------------------------

    @property
    def hurried(self) -> bool:
        """Whether an answer changes what is sent, or when the end is: in the first round, and after the last probe."""
        return (self._opening or (self._all_rounds_begun() and not self._sending())) and not (
            self.paused or self.finished
        )

    def next_deadline(self) -> int:
        """When `due` or `expired` will have something next; `NEVER` where only an answer can change that."""
        oldest = self._oldest_pending()
        expiry = self._expiry(oldest) if oldest is not None else NEVER
        return min(expiry, self._sending_deadline())

    def begins_round(self, now: int) -> bool:
        """Whether a round is due; if so it begins with this call."""
        if self.paused or self.finished or self._sending() or self._all_rounds_begun():
            return False
        due = self._round_start + self.plan.interval_ns
        if now < due:
            return False
        if len(self._probes) > MOST_REMEMBERED:
            self._round_start = now  # no sequence numbers are left that nobody may still answer to
            return False
        self._opening = self.round < self.plan.first_round
        # A round that is much too late was missed: the clock starts anew.
        self._round_start = due if now - due < self.plan.interval_ns else now
        self.round += 1
        self._next_ttl = self.plan.first_ttl
        self._deadline_of_send = now
        self._progress = now
        self._outstanding = 0
        self._window = 1 if self._is_stepwise else OPENING_WINDOW
        self._measure()
        self._gap = self._even_gap()
        return True

    def due(self, now: int) -> Probe | None:
        """The probe to be sent now, written down; None: none is due. Say `sent` or `failed` before asking again."""
        if self.paused or not self._sending() or now < self._sending_deadline():
            return None
        if self._opening and self._outstanding >= self._window:
            self._window = self._outstanding + 1
            self._progress = now
        probe = Probe(self.target, self.round, self._next_ttl, self._new_seq())
        self._next_ttl += 1
        self._outstanding += 1
        # After a stall the probes of a round do not hurry after each other.
        self._deadline_of_send = max(self._deadline_of_send + self._gap, now - 2 * self._gap)
        return probe

    def sent(self, probe: Probe) -> None:
        """`probe` left, at its `sent_mono`."""
        self._probes[probe.seq] = probe
        self._aging.append(probe)
        self._remembered.append(probe)
        self._last_sent = probe.sent_mono
        self.pending += 1

    def failed(self, probe: Probe) -> None:
        """This machine could not send `probe`."""
        self._outstanding -= 1
        self._settle()

    # --- what became of it ------------------------------------------------------------------------------------

    def heard(self, probe: Probe, now: int, rtt_ns: int, kind: Kind) -> Verdict:
        """An answer to `probe` came, after `rtt_ns`. The caller has made it lost first, where that was too late."""
        fate = probe.fate
        if fate is None:
            probe.fate = "answered"
            verdict: Verdict = "answered"
            self.pending -= 1
        elif fate == "lost":
            probe.fate = "late"
            verdict = "late"
        else:
            return "duplicate"
        if self._opening and probe.round == self.round and verdict == "answered":
            self._outstanding -= 1
            if not self._is_stepwise:
                self._window = max(self._window, min(self._window + 1, WIDEST_OPENING))
            self._slowest = max(self._slowest, rtt_ns)
            self._progress = now
        self._learn(probe, ends_path(kind))
        self._settle()
        return verdict

    def lose(self, probe: Probe) -> None:
        """The timeout of `probe`, which is pending, has passed."""
        self._end_wait(probe)
        if probe.ttl == self._end:
            self._beyond += 1
            self._measure()
        self._settle()

    def give_up(self, probe: Probe) -> None:
        """The timeout of `probe` has passed, and that says nothing: this machine could not hear."""
        self._end_wait(probe)
        self._settle()

    def expired(self, now: int) -> Probe | None:
        """A pending probe whose timeout has passed; the caller lets it `lose`. None: none has."""
        oldest = self._oldest_pending()
        if oldest is None or now < self._expiry(oldest):
            return None
        return oldest

    def forgettable(self, now: int) -> Probe | None:
        """A probe to which no answer is expected any more; it is forgotten with this call. None: none is."""
        remembered = self._remembered
        while remembered and (remembered[0].sent_mono + self._linger <= now or len(remembered) > SEQUENCES // 2):
            if remembered[0].fate is None:
                return None
            probe = remembered.popleft()
            if self._probes.get(probe.seq) is probe:
                del self._probes[probe.seq]
                return probe
        return None

    # --- what the driver changes ------------------------------------------------------------------------------

    def pause(self) -> None:
        """Send nothing new."""
        self.paused = True

    def resume(self, now: int) -> None:
        """Send again, with a new round at once."""
        if self.paused:
            self.paused = False
            self._next_ttl = NEVER
            self._round_start = now - self.plan.interval_ns
            self._settle()

    def adjust(self, plan: Plan) -> None:
        """Go on by another plan (the same address, method and packets); it holds for the round under way too."""
        self.plan = plan
        self._linger = _linger(plan)
        self._measure()
        if not self._opening:
            before, self._gap = self._gap, self._even_gap()
            self._deadline_of_send += self._gap - before
        self._settle()

    # --- inside -----------------------------------------------------------------------------------------------

    @property
    def _is_stepwise(self) -> bool:
        return self.plan.opening == "stepwise"

    def _expiry(self, probe: Probe) -> int:
        """When `probe`, which is pending, is lost."""
        expiry = probe.sent_mono + self.plan.timeout_ns
        grace = self.plan.grace_ns
        if grace is not None and self._all_rounds_begun() and not self._sending():
            return min(expiry, self._last_sent + grace)
        return expiry

    def _step_ns(self) -> int:
        """How long the first round waits for an answer before it tries a further TTL. mtr waits a tenth of the
        interval; here no less than the slowest answer so far would need."""
        if not self._is_stepwise:
            return OPENING_TICK_NS
        return max(STEP_NS, self.plan.interval_ns // 10, self._slowest + self._slowest // 2)

    def _sending(self) -> bool:
        return self._next_ttl <= self._horizon

    def _all_rounds_begun(self) -> bool:
        rounds = self.plan.rounds
        return rounds is not None and self.round + 1 >= self.plan.first_round + rounds

    def _sending_deadline(self) -> int:
        if self.paused or self.finished:
            return NEVER
        if self._sending():
            if not self._opening:
                at = self._deadline_of_send
                return at if self._gap >= GRAIN_NS else at - (at - self._round_start) % GRAIN_NS
            return self._progress if self._outstanding < self._window else self._progress + self._step_ns()
        return NEVER if self._all_rounds_begun() else self._round_start + self.plan.interval_ns

    def _oldest_pending(self) -> Probe | None:
        aging = self._aging
        while aging:
            if aging[0].fate is None:
                return aging[0]
            aging.popleft()
        return None

    def _new_seq(self) -> int:
        seq = self._seq
        while seq in self._probes:
            seq = (seq + 1) % SEQUENCES
        self._seq = (seq + 1) % SEQUENCES
        return seq

    def _learn(self, probe: Probe, ends: bool) -> None:
        """What an answer at this TTL says of the path's length; an older round's answer says nothing new."""
        ttl = probe.ttl
        known = self._replies.get(ttl)
        if known is not None and known[0] > probe.round:
            return
        self._replies[ttl] = (probe.round, ends)
        if ttl == self._end:
            self._beyond = 0
        if known is not None and known[1] == ends and (ends or self._end is None or ttl < self._end):
            if ttl == self._end:
                self._measure()
            return
        if not ends:
            self._far = max(self._far, ttl)
            if self._end is not None and ttl > self._end and probe.round >= self._replies[self._end][0]:
                # A router answers from beyond: what answered nearer is not the end any more.
                self._replies = {at: reply for at, reply in self._replies.items() if not reply[1] or at > ttl}
        ending = [at for at, (_, terminal) in self._replies.items() if terminal]
        end = min(ending) if ending else None
        if end != self._end:
            self._end = end
            self._beyond = 0
        self._measure()

    def _measure(self) -> None:
        plan = self.plan
        if self._is_stepwise:
            horizon = self._stepwise_horizon()
        elif self._end is not None:
            horizon = self._end + min(self._beyond, plan.max_unknown)
        else:
            horizon = max(self._far, plan.first_ttl - 1) + plan.max_unknown
        self._horizon = min(plan.max_ttl, horizon)

    def _stepwise_horizon(self) -> int:
        """How far mtr goes: in its first round one TTL beyond the target, which it does not know yet when that probe
        leaves, then to the target; while none answers, until more than `max_unknown` TTLs before the probe have not."""
        first = self.plan.first_ttl
        if self._end is not None:
            return self._end + 1 if self._opening else self._end
        far = max(self._far, first - 1)
        silent = sum(ttl not in self._replies for ttl in range(first, far + 1))
        return far + max(0, self.plan.max_unknown + 1 - silent) + 1

    def _even_gap(self) -> int:
        return int(self.plan.interval_ns * SPREAD) // max(1, self._horizon - self.plan.first_ttl + 1)

    def _end_wait(self, probe: Probe) -> None:
        probe.fate = "lost"
        self.pending -= 1
        if probe.round == self.round:
            self._outstanding -= 1

    def _settle(self) -> None:
        if self.pending == 0 and self._all_rounds_begun() and not self._sending():
            self.finished = True
