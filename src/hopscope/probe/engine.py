"""All targets, their sweeps and their channels: commands and answers in, events out.

The engine has no clock and no loop of its own. Whoever drives it calls `tick` at `next_deadline` at the latest, after
the channels have heard what there was to hear (receive first, expire and send last: an answer that waits in a socket
must never be called lost), and takes the events from `take`.
"""

from __future__ import annotations

import errno
import heapq
from collections.abc import Callable
from typing import Final

from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused, Flow, Probe, Reply, Tally, Watch
from hopscope.probe.clocks import Clocks, rtt
from hopscope.probe.crowd import Crowd
from hopscope.probe.pacer import NEVER
from hopscope.probe.refusals import most_helpful, refusal_of, words_for
from hopscope.probe.schedule import Sweep
from hopscope.wire.check import check, check_adjust
from hopscope.wire.messages import (
    DEFAULT_PORT,
    Adjust,
    Answered,
    Batching,
    Capabilities,
    Command,
    Counters,
    Duplicate,
    Event,
    Failed,
    Finished,
    Hello,
    Late,
    Lost,
    Method,
    Pause,
    Plan,
    Problem,
    Refused,
    Resume,
    RoundStarted,
    Sent,
    SourceChanged,
    Start,
    Started,
    Stop,
    Stopped,
)
from hopscope.wire.methods import tried_by_auto

MOST_TARGETS: Final = 4096
COUNTERS_EVERY_NS: Final = 1_000_000_000
LONGEST_TEXT: Final = 400
"""Characters of what is said of a bad command, which may quote it: an event must fit on a line."""

HELD_POLL_NS: Final = 250_000_000
"""How often expiries, and whether somebody reads again, are looked at while nothing may be sent."""
FLOOD_PER_S: Final = 10_000
"""Packets a second that answer no probe of ours, and are worth a word."""
MAX_UNREAD_NS: Final = 1_000_000_000
"""Under a flood, look through what arrived for an answer this long after a probe's timeout."""
UNREAD_POLL_NS: Final = 1_000_000
STANDSTILL_NS: Final = 2_000_000_000
"""If the loop runs this late, assume that the process or the machine was suspended."""
LOOK_EVERY_NS: Final = 1_000_000_000
"""How often a target's route is looked at again, at most: 20 µs each."""
_OVERFLOWED: Final = "this computer's receive buffer overflowed while the probe was in flight"
_ASLEEP: Final = "this computer was asleep or stood still while the probe was in flight"
_MOVED: Final = "this computer's own address or route changed while the probe was in flight"

Factory = Callable[[Method, ChannelContext], Channel]
"""Makes a channel, or raises `ChannelRefused`."""
InOrder = Callable[[Plan], tuple[Method, ...]]
"""The methods to try for a plan."""


class _Target:
    __slots__ = (
        "asked_at",
        "fault",
        "flow",
        "heard_at",
        "looked_at",
        "method",
        "moved_at",
        "scheduled",
        "source",
        "sweep",
    )

    def __init__(self, flow: Flow, method: Method, sweep: Sweep, now: int) -> None:
        self.flow = flow
        self.method = method
        self.sweep = sweep
        self.scheduled = NEVER
        self.looked_at = now
        self.moved_at = -NEVER
        """When probes were last seen to leave from elsewhere: what was in flight then may be answered to nobody."""
        self.source = flow.facts.source
        self.heard_at = -NEVER
        """When the last answer came."""
        self.asked_at = -NEVER
        self.fault: tuple[str, str] | None = None
        """What the flow said of this machine then (`Flow.own_fault`)."""


class Engine:
    """All targets of a worker, their sweeps and channels. `anchor` is wall clock minus monotonic clock, in ns, on the
    session's time line."""

    def __init__(
        self,
        factory: Factory,
        watch: Watch,
        monotonic: Callable[[], int],
        wall: Callable[[], int],
        anchor: int,
        asleep: Callable[[], int] = lambda: 0,
        in_order: InOrder = lambda plan: tried_by_auto(plan.protocol) if plan.method == "auto" else (plan.method,),
    ) -> None:
        """`asleep`: how long the machine has slept, see `clocks.asleep`."""
        self.anchor = anchor
        self.must_flush = False
        """Among the events not yet taken are some that are not for waiting."""
        self._clocks = Clocks(monotonic, wall, asleep)
        self._stood_still = 0
        self._latency_critical: set[int] = set()
        self._factory = factory
        self._in_order = in_order
        self._monotonic = monotonic
        self._context = ChannelContext(watch, self._deliver, self._changed, monotonic, wall, self._failed_here)
        self._channels: dict[Method, Channel] = {}
        self._targets: dict[int, _Target] = {}
        self._heap: list[tuple[int, int]] = []
        self._out: list[Event] = []
        self._held = False
        self._crowd = Crowd()
        self._told = Counters()
        self._told_at = -NEVER

    # --- for the driver ---------------------------------------------------------------------------------------

    def take(self) -> list[Event]:
        """The events since the last call, in order."""
        out, self._out = self._out, []
        self.must_flush = False
        return out

    @property
    def queued(self) -> int:
        """How many events `take` would give."""
        return len(self._out)

    @property
    def is_latency_critical(self) -> bool:
        """Whether some target waits for an answer: in its first round, and after its last probe."""
        return bool(self._latency_critical)

    def emit_now(self, event: Event) -> None:
        """Add an event that is not for waiting."""
        self._out.append(event)
        self.must_flush = True

    def check_clocks(self) -> None:
        """Compare the clocks; to be called before what was received is handled."""
        self._clocks.look()
        if self._clocks.woke_at is not None:
            self._stood_still = self._clocks.woke_at
            self._clocks.woke_at = None

    def hold(self, held: bool) -> None:
        """While held, no probe is sent (nobody reads the events); what is in flight still finds its fate."""
        released = self._held and not held
        self._held = held
        if released:
            now = self._monotonic()
            for number in self._targets:
                self._schedule(number, now)

    def next_deadline(self, *, may_defer: bool = False) -> int:
        """When to call `tick` at the latest (monotonic ns); `NEVER`: only an answer or a command changes anything.
        `may_defer`: answers that tell themselves when they arrived may wait."""
        heap = self._heap
        while heap:
            at, number = heap[0]
            target = self._targets.get(number)
            if target is not None and target.scheduled == at:
                break
            heapq.heappop(heap)
        deadline = heap[0][0] if heap else NEVER
        for channel in self._channels.values():
            due = None if may_defer and channel.timestamped and not channel.has_backlog else channel.deadline()
            if due is not None and due < deadline:
                deadline = due
        return deadline

    def tick(self) -> None:
        """Do all that is due."""
        now = self._monotonic()
        for channel in self._channels.values():
            due = channel.deadline()
            if due is not None and due <= now:
                channel.on_deadline(now)
        heap = self._heap
        if heap and now - heap[0][0] > STANDSTILL_NS and self.next_deadline(may_defer=True) + STANDSTILL_NS < now:
            self._stood_still = now
        while heap and heap[0][0] <= now:
            at, number = heapq.heappop(heap)
            target = self._targets.get(number)
            if target is not None and target.scheduled == at:
                target.scheduled = NEVER
                self._work(number, target, now)
        self._tell_counters(now)
        self._out += self._crowd.due(now)

    def close(self) -> None:
        """Close every flow and channel. Idempotent."""
        for target in self._targets.values():
            target.flow.close()
        self._targets.clear()
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()

    def handle(self, command: Command) -> None:
        """Carry a command out; what is wrong with it becomes a `Problem` or a `Refused`."""
        match command:
            case Start():
                self._start(command)
            case Adjust():
                self._adjust(command)
            case Pause() | Resume():
                self._pause_or_resume(command)
            case Stop():
                self._stop(command)
            case Hello() | Capabilities() | Batching():
                self.emit_now(Problem(f"{type(command).__name__.lower()} is not for now"))

    # --- commands ---------------------------------------------------------------------------------------------

    def _start(self, command: Start) -> None:
        number = command.target
        if number in self._targets:
            self.emit_now(Problem(f"target {number} is probed already"))
            return
        try:
            if len(self._targets) >= MOST_TARGETS:
                raise ChannelRefused("limit", f"a worker probes at most {MOST_TARGETS} targets")
            plan = _completed(command.plan)
            method, flow = self._open(number, plan)
        except ChannelRefused as refusal:
            self.emit_now(_refused(number, refusal))
            return
        now = self._monotonic()
        target = _Target(flow, method, Sweep(number, plan, now, flow.first_sequence()), now)
        self._targets[number] = target
        self._changed(flow, number)
        self._after(number, target, now)

    def _open(self, number: int, plan: Plan) -> tuple[Method, Flow]:
        refusals: list[ChannelRefused] = []
        for method in self._in_order(plan):
            try:
                return method, self._channel(method).open(number, plan)
            except ChannelRefused as refusal:
                refusals.append(refusal)
            except OSError as problem:
                refusals.append(refusal_of(problem))
        raise most_helpful(refusals)

    def _channel(self, method: Method) -> Channel:
        channel = self._channels.get(method)
        if channel is None:
            channel = self._channels[method] = self._factory(method, self._context)
        return channel

    def _adjust(self, command: Adjust) -> None:
        target = self._targets.get(command.target)
        if target is None:
            self.emit_now(Problem(f"target {command.target} is not probed"))
            return
        try:
            plan = check_adjust(command, target.sweep.plan)
        except ValueError as problem:
            self.emit_now(Problem(str(problem)[:LONGEST_TEXT]))
            return
        target.sweep.adjust(plan)
        self._after(command.target, target, self._monotonic())

    def _pause_or_resume(self, command: Pause | Resume) -> None:
        numbers = list(self._targets) if command.target is None else [command.target]
        now = self._monotonic()
        for number in numbers:
            target = self._targets.get(number)
            if target is None:
                self.emit_now(Problem(f"target {number} is not probed"))
            elif isinstance(command, Pause):
                target.sweep.pause()
                self._latency_critical.discard(number)
            else:
                target.sweep.resume(now)
                self._after(number, target, now)

    def _stop(self, command: Stop) -> None:
        target = self._targets.pop(command.target, None)
        if target is None:
            self.emit_now(Problem(f"target {command.target} is not probed"))
            return
        target.flow.close()
        self._crowd.of(command.target)
        self._latency_critical.discard(command.target)
        self.emit_now(Stopped(command.target))

    # --- probes -----------------------------------------------------------------------------------------------

    def _work(self, number: int, target: _Target, now: int) -> None:
        """All that is due for one target: expire, forget, send."""
        sweep = target.sweep
        is_unread = False
        while (old := sweep.first_expired(now)) is not None:
            is_unread = self._may_lie_unread(target, old, now)
            if is_unread:
                break
            if target.looked_at <= old.sent_mono:
                self._look_at_route(target, now)  # the network is not blamed for a route that moved
            if (held := target.flow.last_word(old)) is not None:
                self._deliver(old, held)
            elif old.sent_mono <= self._stood_still:
                self._give_up(target, old, "ASLEEP", _ASLEEP)
            elif old.sent_mono <= target.flow.receive_overflow_at:
                self._give_up(target, old, "OVERFLOW", _OVERFLOWED)
            elif old.sent_mono < target.moved_at:
                self._give_up(target, old, "MOVED", _MOVED)
            elif target.heard_at < old.sent_mono and (fault := _own_fault(target, now)) is not None:
                self._give_up(target, old, *fault)
            else:
                self._lose(target, old)
        while (old := sweep.take_forgettable(now)) is not None:
            target.flow.forget(old)
        if not self._held:
            if now - target.looked_at >= LOOK_EVERY_NS and not sweep.paused:
                self._look_at_route(target, now)
            if sweep.start_round_if_due(now):
                self._out.append(RoundStarted(number, sweep.round, now + self.anchor))
            while (probe := sweep.take_due(now)) is not None:
                self._send(target, probe)
                now = self._monotonic()
        self._after(number, target, now + (UNREAD_POLL_NS if is_unread else 0))

    def _may_lie_unread(self, target: _Target, old: Probe, now: int) -> bool:
        """Whether the answer to a probe whose timeout has passed may wait behind others in a socket."""
        channel = self._channels.get(target.method)
        until = old.sent_mono + target.sweep.plan.timeout_ns + MAX_UNREAD_NS
        return channel is not None and channel.has_backlog and now < until

    def _look_at_route(self, target: _Target, now: int) -> None:
        target.looked_at = now
        if target.flow.follow():
            target.moved_at = self._monotonic()

    def _send(self, target: _Target, probe: Probe) -> None:
        try:
            target.flow.send(probe)
        except OSError as problem:
            sweep = target.sweep
            target.flow.forget(probe)
            target.looked_at = -NEVER  # perhaps the way is another one now
            sweep.failed(probe)
            name = errno.errorcode.get(problem.errno or 0, "EIO")
            at = (probe.sent_mono or self._monotonic()) + self.anchor
            self._out.append(Failed(probe.target, probe.round, probe.ttl, at, name, words_for(problem), probe.flow))
            return
        target.sweep.sent(probe)
        self._out.append(Sent(probe.target, probe.round, probe.ttl, probe.sent_mono + self.anchor, probe.flow))

    def _deliver(self, probe: Probe, reply: Reply) -> None:
        target = self._targets.get(probe.target)
        if target is None:
            self._context.tally.foreign += 1
            return
        target.heard_at = max(target.heard_at, reply.received_mono)
        rtt_ns, clock = rtt(probe, reply, self._clocks)
        sweep = target.sweep
        is_too_late = probe.fate is None and rtt_ns > sweep.plan.timeout_ns
        if is_too_late:
            self._lose(target, probe)
        now = reply.received_mono
        outcome = sweep.heard(probe, now, rtt_ns, reply.kind, reply.address)
        make = Answered if outcome == "answered" else Late if outcome == "late" else Duplicate
        event = make(
            probe.target,
            probe.round,
            probe.ttl,
            probe.sent_mono + self.anchor,
            rtt_ns,
            reply.address,
            reply.kind,
            reply.icmp_type,
            reply.icmp_code,
            reply.reply_ttl,
            clock,
            reply.mpls,
            reply.vouched,
            probe.flow,
        )
        if isinstance(event, Duplicate) and self._crowd.takes(probe, event):
            return
        self._out.append(event)
        if is_too_late or sweep.is_stirred:
            self._after(probe.target, target, now)

    def _failed_here(self, probe: Probe, error: str, message: str) -> None:
        """This machine says that it refused a probe after all; it may take longer for that than the probe's timeout."""
        target = self._targets.get(probe.target)
        if target is None or probe.fate not in (None, "lost"):
            return
        target.looked_at = -NEVER  # perhaps there is another way now
        if probe.fate is None:
            self._give_up(target, probe, error, message)
        else:
            target.flow.forget(probe)
            at = probe.sent_mono + self.anchor
            self._out.append(Failed(probe.target, probe.round, probe.ttl, at, error, message, probe.flow))
        self._after(probe.target, target, self._monotonic())

    def _lose(self, target: _Target, probe: Probe) -> None:
        target.sweep.lose(probe)
        self._out.append(Lost(probe.target, probe.round, probe.ttl, probe.sent_mono + self.anchor, probe.flow))

    def _give_up(self, target: _Target, probe: Probe, error: str, message: str) -> None:
        """No answer was heard, and that may be this machine's own fault."""
        target.flow.forget(probe)
        target.sweep.mark_unheard(probe)
        at = probe.sent_mono + self.anchor
        self._out.append(Failed(probe.target, probe.round, probe.ttl, at, error, message, probe.flow))

    def _after(self, number: int, target: _Target, now: int) -> None:
        sweep = target.sweep
        if sweep.is_latency_critical:
            self._latency_critical.add(number)
        else:
            self._latency_critical.discard(number)
        if sweep.finished and target.scheduled != -1:
            target.scheduled = -1  # said once; a finished sweep has no deadline any more
            rounds = sweep.round + 1 - sweep.plan.first_round
            self._out += self._crowd.of(number)
            self.emit_now(Finished(number, rounds))
            return
        self._schedule(number, now)

    def _schedule(self, number: int, now: int) -> None:
        target = self._targets[number]
        if target.scheduled == -1:
            return
        # Never in the past, also where a plan was changed: what is much later than due then is a standstill.
        deadline = max(target.sweep.next_deadline(), now + HELD_POLL_NS if self._held else now)
        if deadline < target.scheduled:
            target.scheduled = deadline
            heapq.heappush(self._heap, (deadline, number))

    # --- the rest ---------------------------------------------------------------------------------------------

    def _changed(self, flow: Flow, number: int) -> None:
        target = self._targets.get(number)
        if target is None:
            return
        facts = flow.facts
        if facts.source != target.source:
            self.emit_now(SourceChanged(number, self._monotonic() + self.anchor, target.source, facts.source))
            target.source = facts.source
        self.emit_now(
            Started(
                number,
                target.method,
                facts.source,
                facts.source_port,
                facts.port,
                facts.packet_size,
                facts.flow,
                facts.clock,
                self._noted(facts.note),
                facts.answered_by,
            )
        )

    def _noted(self, note: str | None) -> str | None:
        """A flow's note, and what is to be known of all flows."""
        rate = self._told.flooded
        if not rate:
            return note
        flood = f"flooded: up to {rate} packets a second came that answer no probe"
        return f"{note}; {flood}" if note else flood

    def _tell_counters(self, now: int) -> None:
        tally: Tally = self._context.tally
        told = self._told
        if tally.malformed == told.malformed and tally.foreign == told.foreign and tally.overflow == told.overflow:
            return
        elapsed = now - self._told_at
        if elapsed < COUNTERS_EVERY_NS:
            return
        new = tally.malformed + tally.foreign + tally.overflow - told.malformed - told.foreign - told.overflow
        rate = new * COUNTERS_EVERY_NS // elapsed
        flooded = max(told.flooded, rate if rate >= FLOOD_PER_S else 0)
        self._told = Counters(tally.malformed, tally.foreign, tally.overflow, flooded)
        self._told_at = now
        self._out.append(self._told)
        if flooded and not told.flooded:
            for number, target in self._targets.items():
                self._changed(target.flow, number)


def _own_fault(target: _Target, now: int) -> tuple[str, str] | None:
    if now - target.asked_at >= LOOK_EVERY_NS:
        target.asked_at, target.fault = now, target.flow.own_fault()
    return target.fault


def _completed(plan: Plan) -> Plan:
    """`plan`, checked, with its protocol's port."""
    import msgspec

    try:
        check(plan)
    except ValueError as problem:
        raise ChannelRefused("address" if str(problem).startswith("address") else "unsupported", str(problem)) from None
    if plan.port is None and DEFAULT_PORT[plan.protocol] is not None:
        return msgspec.structs.replace(plan, port=DEFAULT_PORT[plan.protocol])
    return plan


def _refused(number: int, refusal: ChannelRefused) -> Refused:
    message = refusal.message[:LONGEST_TEXT]
    return Refused(number, refusal.reason, message, refusal.remedy)  # type: ignore[arg-type]  # its own vocabulary
