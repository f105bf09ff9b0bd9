"""One target under way: its sweep says what to send, its flow sends it, and each probe gets one fate.

A probe is called lost only where nothing of this machine's own can be to blame: before that it is asked whether the
answer still lies unread, whether the route moved, whether this machine slept, stood still or dropped what it received,
and whether its next hop is there at all.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from hopscope.probe.channel import Channel, Flow, Probe, Reply
from hopscope.probe.clocks import Clocks, rtt
from hopscope.probe.crowd import Crowd
from hopscope.probe.event_queue import EventQueue
from hopscope.probe.own_fault import OwnFault
from hopscope.probe.pacer import NEVER
from hopscope.probe.refusals import words_for
from hopscope.probe.schedule import Sweep
from hopscope.wire.messages import (
    Answered,
    Duplicate,
    Failed,
    Late,
    Lost,
    RoundStarted,
    Sent,
    SourceChanged,
    Started,
)

MAX_UNREAD_NS: Final = 1_000_000_000
"""Under a flood, look through what arrived for an answer this long after a probe's timeout."""
UNREAD_POLL_NS: Final = 1_000_000
LOOK_EVERY_NS: Final = 1_000_000_000
"""How often a target's route is looked at again, at most: 20 µs each."""
_OVERFLOWED: Final = "this computer's receive buffer overflowed while the probe was in flight"
_ASLEEP: Final = "this computer was asleep or stood still while the probe was in flight"
_MOVED: Final = "this computer's own address or route changed while the probe was in flight"


@dataclass(slots=True)
class Surroundings:
    """What all targets of an engine share."""

    queue: EventQueue
    clocks: Clocks
    monotonic: Callable[[], int]
    stood_still: int = 0
    """Monotonic ns at which it was last noticed that the machine had slept or the process stood still."""
    crowd: Crowd = field(default_factory=Crowd)


class Observer(Protocol):
    """Who learns from a flow's probes."""

    def heard(self, flow: int, ttl: int, reply: Reply, rtt_ns: int) -> None:
        """One of the flow's probes was answered."""

    def missed(self, flow: int, ttl: int) -> None:
        """One of them was lost."""


class ProbedTarget:
    """One target, its sweep and its flow. All times are monotonic nanoseconds."""

    __slots__ = (
        "_channel",
        "_heard_at",
        "_looked_at",
        "_moved_at",
        "_own_fault",
        "_shared",
        "_source",
        "flow",
        "flow_number",
        "is_finish_told",
        "number",
        "observer",
        "scheduled",
        "sweep",
        "target",
    )

    def __init__(
        self,
        target: int,
        channel: Channel,
        flow: Flow,
        sweep: Sweep,
        shared: Surroundings,
        now: int,
        flow_number: int = 0,
    ) -> None:
        """`target` is the driver's number for it, `flow_number` which of its flows this is."""
        self.target = target
        self.flow_number = flow_number
        self.number = sweep.target
        """Under which the engine has it: no other flow has the same."""
        self.flow = flow
        self.sweep = sweep
        self.scheduled = NEVER
        """When `work` is to be called, as the engine has it in its book."""
        self.is_finish_told = False
        self.observer: Observer | None = None
        """Who hears of each answer, and of each loss."""
        self._channel = channel
        self._shared = shared
        self._looked_at = now
        self._moved_at = -NEVER
        """When probes were last seen to leave from elsewhere: what was in flight then may be answered to nobody."""
        self._source = flow.info.source
        self._heard_at = -NEVER
        """When the last answer came."""
        self._own_fault = OwnFault(flow)

    # --- what is due --------------------------------------------------------------------------------------------

    def work(self, now: int, *, held: bool) -> int:
        """Expire, forget and send all that is due (send nothing while `held`). The time from which the next deadline
        counts: now, or a little later where an answer may lie unread."""
        sweep = self.sweep
        is_unread = now >= sweep.calm_until and self._expire_all(now)
        if not held:
            if now - self._looked_at >= LOOK_EVERY_NS and not sweep.paused:
                self._look_at_route(now)
            if sweep.is_between_rounds:
                self._start_round(now)
            while now >= sweep.due_at and (probe := sweep.take_due(now)) is not None:
                self._send(probe)
        return now + UNREAD_POLL_NS if is_unread else now

    def _start_round(self, now: int) -> None:
        """Start the next round, if it is due; before that, forget what nobody will answer."""
        sweep = self.sweep
        for old in sweep.take_forgettable(now):
            self.flow.forget(old)
        if sweep.start_round_if_due(now) and not self.flow_number:
            queue = self._shared.queue
            queue.events.append(RoundStarted(self.target, sweep.round, queue.time_line.at(now)))

    def _send(self, probe: Probe) -> None:
        queue = self._shared.queue
        try:
            self.flow.send(probe)
        except OSError as problem:
            self.flow.forget(probe)
            self._looked_at = -NEVER  # perhaps the way is another one now
            self.sweep.failed(probe)
            name, words = errno.errorcode.get(problem.errno or 0, "EIO"), words_for(problem)
            if self.sweep.plan.source is not None:  # that is gone, perhaps, of which the kernel tells a consequence
                name, words = self.flow.own_fault() or (name, words)
            at = queue.time_line.at(probe.sent_mono or self._shared.monotonic())
            queue.events.append(Failed(self.target, probe.round, probe.ttl, at, name, words, self.flow_number))
            return
        self.sweep.sent(probe)
        queue.events.append(
            Sent(self.target, probe.round, probe.ttl, queue.time_line.at(probe.sent_mono), self.flow_number)
        )

    # --- without an answer --------------------------------------------------------------------------------------

    def _expire_all(self, now: int) -> bool:
        """Give a fate to whatever waits in vain. False, unless an answer may lie unread."""
        while (old := self.sweep.first_expired(now)) is not None:
            if self._may_lie_unread(old, now):
                return True
            self._expire(old, now)
        return False

    def _may_lie_unread(self, old: Probe, now: int) -> bool:
        """Whether the answer to a probe whose timeout has passed may wait behind others in a socket."""
        return self._channel.has_backlog and now < old.sent_mono + self.sweep.plan.timeout_ns + MAX_UNREAD_NS

    def _expire(self, old: Probe, now: int) -> None:
        """The timeout of `old` has passed: is the network to blame?"""
        if self._looked_at <= old.sent_mono:
            self._look_at_route(now)
        if (held := self.flow.last_word(old)) is not None:
            self.deliver(old, held)
        elif old.sent_mono <= self._shared.stood_still:
            self._not_heard(old, "ASLEEP", _ASLEEP)
        elif old.sent_mono <= self.flow.receive_overflow_at:
            self._not_heard(old, "OVERFLOW", _OVERFLOWED)
        elif old.sent_mono < self._moved_at:
            self._not_heard(old, "MOVED", _MOVED)
        elif (fault := self._own_fault.of(old.sent_mono, self._heard_at, now)) is not None:
            self._not_heard(old, *fault)
        else:
            self._lose(old)

    def _lose(self, probe: Probe) -> None:
        self.sweep.lose(probe)
        if self.observer is not None:
            self.observer.missed(self.flow_number, probe.ttl)
        queue = self._shared.queue
        queue.events.append(
            Lost(self.target, probe.round, probe.ttl, queue.time_line.at(probe.sent_mono), self.flow_number)
        )

    def _not_heard(self, probe: Probe, error: str, message: str) -> None:
        """No answer was heard, and that may be this machine's own fault."""
        self.flow.forget(probe)
        self.sweep.mark_unheard(probe)
        self._failed(probe, error, message)

    def _failed(self, probe: Probe, error: str, message: str) -> None:
        queue = self._shared.queue
        at = queue.time_line.at(probe.sent_mono)
        queue.events.append(Failed(self.target, probe.round, probe.ttl, at, error, message, self.flow_number))

    def _look_at_route(self, now: int) -> None:
        self._looked_at = now
        if self.flow.follow():
            self._moved_at = self._shared.monotonic()

    # --- with one -----------------------------------------------------------------------------------------------

    def deliver(self, probe: Probe, reply: Reply) -> bool:
        """An answer to a probe of this target. Whether that changed what is due when."""
        shared, sweep = self._shared, self.sweep
        now = reply.received_mono
        if now > self._heard_at:
            self._heard_at = now
        if self._own_fault.lasts:
            self._own_fault.answered(probe.sent_mono, now)
        rtt_ns, clock = rtt(probe, reply, shared.clocks)
        is_too_late = probe.fate is None and rtt_ns > sweep.plan.timeout_ns
        if is_too_late:
            self._lose(probe)
        outcome = sweep.heard(probe, now, rtt_ns, reply.kind, reply.address)
        if self.observer is not None and outcome != "duplicate":
            self.observer.heard(self.flow_number, probe.ttl, reply, rtt_ns)
        make = Answered if outcome == "answered" else Late if outcome == "late" else Duplicate
        event = make(
            self.target,
            probe.round,
            probe.ttl,
            shared.queue.time_line.at(probe.sent_mono),
            rtt_ns,
            reply.address,
            reply.kind,
            reply.icmp_type,
            reply.icmp_code,
            reply.reply_ttl,
            clock,
            reply.mpls,
            reply.vouched,
            reply.quoted_dscp,
            reply.mtu,
            self.flow_number,
        )
        if outcome == "duplicate" and isinstance(event, Duplicate) and shared.crowd.takes(probe, event):
            return False
        shared.queue.events.append(event)
        return is_too_late or sweep.is_stirred

    def failed_here(self, probe: Probe, error: str, message: str) -> bool:
        """This machine says that it refused a probe after all; it may take longer for that than the probe's timeout.
        Whether that changed anything."""
        if probe.fate not in (None, "lost"):
            return False
        self._looked_at = -NEVER  # perhaps there is another way now
        if probe.fate is None:
            self._not_heard(probe, error, message)
        else:
            self.flow.forget(probe)
            self._failed(probe, error, message)
        return True

    # --- what is told of it ---------------------------------------------------------------------------------------

    def tell_flow(self, note: str | None, now: int) -> None:
        """Tell how it is probed, with `note`; first, whether from elsewhere."""
        info, queue = self.flow.info, self._shared.queue
        if info.source != self._source:
            if not self.flow_number:
                queue.emit_now(SourceChanged(self.target, queue.time_line.at(now), self._source, info.source))
            self._source = info.source
        queue.emit_now(
            Started(
                self.target,
                self._channel.method,
                info.source,
                info.source_port,
                info.port,
                info.packet_size,
                info.flow,
                info.clock,
                note,
                info.answered_by,
                self.flow_number,
                info.label,
            )
        )
