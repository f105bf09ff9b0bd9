"""All targets, their sweeps and their channels: commands and answers in, events out.

The engine has no clock and no loop of its own. Whoever drives it calls `tick` at `next_deadline` at the latest, after
the channels have heard what there was to hear (receive first, expire and send last: an answer that waits in a socket
must never be called lost), and takes the events from `take`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hopscope.probe.budget import Budget
from hopscope.probe.channel import Channel, ChannelContext, ChannelRefused, Flow, Probe, Reply, Watch
from hopscope.probe.channels_in_use import ChannelsInUse, Factory, InOrder, by_protocol
from hopscope.probe.clocks import Clocks
from hopscope.probe.counting import Counting
from hopscope.probe.event_queue import EventQueue
from hopscope.probe.pacer import NEVER
from hopscope.probe.packets.senders import can_answer
from hopscope.probe.parallel import plan_of_flow, plans, source_port
from hopscope.probe.probed import ProbedTarget, Surroundings
from hopscope.probe.refusals import LONGEST_TEXT, completed, refused
from hopscope.probe.schedule import Sweep
from hopscope.wire.check import check_adjust
from hopscope.wire.discovered import Discovered
from hopscope.wire.messages import (
    Adjust,
    Batching,
    Capabilities,
    Command,
    Counters,
    Event,
    Finished,
    Hello,
    Pause,
    Plan,
    Problem,
    Resume,
    Start,
    Stop,
    Stopped,
)
from hopscope.wire.times import TimeLine

MOST_TARGETS: Final = 4096
_TOO_MANY: Final = f"a worker probes at most {MOST_TARGETS} flows of all targets together"

HELD_POLL_NS: Final = 250_000_000
"""How often expiries, and whether somebody reads again, are looked at while nothing may be sent."""
STANDSTILL_NS: Final = 2_000_000_000
"""If the loop runs this late, assume that the process or the machine was suspended."""
LONGEST_TICK_NS: Final = 20_000_000
"""With many targets more may be due than is soon done: meanwhile answers would wait in their sockets, and events in a
pipe that holds few of them."""


if TYPE_CHECKING:
    from hopscope.probe.explorer import Explorer


class Engine:
    """All targets of a worker, their sweeps and channels."""

    def __init__(
        self,
        factory: Factory,
        watch: Watch,
        monotonic: Callable[[], int],
        wall: Callable[[], int],
        anchor: int,
        asleep: Callable[[], int] = lambda: 0,
        in_order: InOrder = by_protocol,
    ) -> None:
        """`anchor`: that of the time line, unless a driver has one; `asleep`: how long the machine has slept, see
        `wire.times.asleep`."""
        self.time_line = TimeLine(anchor)
        self._queue = EventQueue(self.time_line)
        self._shared = Surroundings(self._queue, Clocks(monotonic, wall, asleep), monotonic)
        self._budget = Budget()
        self._latency_critical: set[int] = set()
        self._monotonic = monotonic
        self._context = ChannelContext(watch, self._deliver, self._changed, monotonic, wall, self._failed_here)
        self._channels = ChannelsInUse(factory, self._context, in_order)
        self._explorers: dict[int, Explorer] = {}
        """By target, those whose flows are as many as there are paths."""
        self._targets: dict[int, ProbedTarget] = {}
        """By flow; a target's first flow has its number, further ones have numbers below 0."""
        self._flows: dict[int, list[int]] = {}
        """By target."""
        self._next_flow = -1
        self._heap: list[tuple[int, int]] = []
        self._held = False
        self._left_at = 0
        """When a tick last left something for the next one."""
        self._counting = Counting(self._context.tally)
        self._is_flooded = False

    # --- for the driver ---------------------------------------------------------------------------------------

    def take(self) -> list[Event]:
        """The events since the last call, in order."""
        return self._queue.take()

    @property
    def queued(self) -> int:
        """How many events `take` would give."""
        return len(self._queue.events)

    @property
    def must_flush(self) -> bool:
        """Whether some of them are not for waiting."""
        return self._queue.must_flush

    @property
    def is_latency_critical(self) -> bool:
        """Whether some target waits for an answer: in its first round, and after its last probe."""
        return bool(self._latency_critical)

    def emit_now(self, event: Event) -> None:
        """Add an event that is not for waiting."""
        self._queue.emit_now(event)

    def check_clocks(self) -> None:
        """Compare the clocks; to be called before what was received is handled."""
        clocks = self._shared.clocks
        clocks.look()
        if clocks.woke_at is not None:
            self.time_line.woke(clocks.woke_at, clocks.slept_for)
            self._shared.stood_still = clocks.woke_at
            clocks.woke_at = None

    def hold(self, held: bool) -> None:
        """While held, no probe is sent (nobody reads the events); what is in flight still finds its fate."""
        released = self._held and not held
        self._held = held
        if released:
            now = self._monotonic()
            for target in self._targets.values():
                self._schedule(target, now)

    def next_deadline(self, *, may_defer: bool = False) -> int:
        """When to call `tick` at the latest (monotonic ns); `NEVER`: only an answer or a command changes anything.
        `may_defer`: answers that tell themselves when they arrived may wait, unless a target waits for one."""
        heap = self._heap
        deadline = self._channels.deadline(may_defer=may_defer and not self._latency_critical)
        while heap:
            at, number = heap[0]
            target = self._targets.get(number)
            if target is not None and target.scheduled == at:
                if at < deadline:
                    deadline = at
                break
            heapq.heappop(heap)
        if self._explorers:
            deadline = min(deadline, *(explorer.due for explorer in self._explorers.values()))
        return deadline

    def tick(self) -> None:
        """Do what is due, the oldest first: all of it, or as much as may be done before answers are heard again."""
        now = self._monotonic()
        self._channels.work(now)
        heap = self._heap
        has_worked = False
        while heap:
            at, number = heap[0]
            if at > now:
                break
            if has_worked and self._monotonic() - now > LONGEST_TICK_NS:
                self._left_at = now
                break
            heapq.heappop(heap)
            target = self._targets.get(number)
            if target is not None and target.scheduled == at:
                if now - at > STANDSTILL_NS < now - self._left_at:
                    self._shared.stood_still = now
                has_worked, target.scheduled = True, NEVER
                self._after(target, target.work(now, held=self._held))
        if self._explorers and not self._held:
            for explorer in list(self._explorers.values()):
                if explorer.due <= now:
                    explorer.work(now)
        if (counters := self._counting.due(now)) is not None:
            self._tell_counters(counters)
        if self._shared.crowd.counted:
            self._queue.events += self._shared.crowd.due(now)

    def close(self) -> None:
        """Close every flow and channel. Idempotent."""
        for target in self._targets.values():
            target.flow.close()
        self._targets.clear()
        self._flows.clear()
        self._channels.close()

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
        if number in self._flows:
            self.emit_now(Problem(f"target {number} is probed already"))
            return
        opened: list[tuple[int, Plan, Channel, Flow]] = []
        try:
            plan = completed(command.plan)
            if len(self._targets) + plan.flows > MOST_TARGETS:
                raise ChannelRefused("limit", _TOO_MANY)
            for one in plans(plan):
                self._next_flow -= 1
                key = self._next_flow if opened else number
                opened.append((key, one, *self._channels.open(key, one)))
        except ChannelRefused as refusal:
            for *_, flow in opened:
                flow.close()
            self.emit_now(refused(number, refusal))
            return
        self._flows[number] = [key for key, *_ in opened]
        for flow_number, (key, one, channel, flow) in enumerate(opened):
            self._begin(key, one, channel, flow, number, flow_number)
        flows = self._of(number)
        if not plan.flows:
            from hopscope.probe.explorer import Explorer

            self._explorers[number] = Explorer(number, plan, flows[0], self, self._budget, self.time_line)
        elif plan.flows > 1:
            from hopscope.probe.quoted_ports import PortWatch

            PortWatch(flows, lambda: self._changed(flows[0].flow, number))

    def _begin(self, key: int, plan: Plan, channel: Channel, flow: Flow, number: int, flow_number: int) -> None:
        now = self._monotonic()
        sweep = self._sweep(key, plan, flow, flow_number, flow.first_sequence(), now)
        target = ProbedTarget(number, channel, flow, sweep, self._shared, now, flow_number)
        self._targets[key] = target
        self._changed(flow, key)
        self._after(target, now)

    def _sweep(self, key: int, plan: Plan, flow: Flow, flow_number: int, sequence: int, at: int) -> Sweep:
        """The rounds of a flow, from this time on."""
        # mtr's streams show a row for each probe of each round.
        keeps_to_it = plan.budget > 0 and plan.opening == "window"
        turns = self._budget.join(plan.budget, plan.interval_ns, at) if keeps_to_it else None
        if flow.one_at_a_time:
            from hopscope.probe.one_at_a_time import OneAtATime

            return OneAtATime(key, plan, at, sequence, turns=turns, flow=flow_number)
        return Sweep(key, plan, at, sequence, turns=turns)

    # --- flows that come and go (`explorer.Flows`) --------------------------------------------------------------

    def inquire(self, target: int, flow: int) -> ProbedTarget:
        """See `Flows.inquire`."""
        from hopscope.probe.inquiry import Inquiry

        if len(self._targets) >= MOST_TARGETS:
            raise ChannelRefused("limit", _TOO_MANY)
        first = self._targets[target].sweep.plan
        plan = replace(plan_of_flow(first, flow), local_port=source_port(replace(first, local_port=None), flow))
        self._next_flow -= 1
        key, now = self._next_flow, self._monotonic()
        channel, opened = self._channels.open(key, plan)
        sweep = Inquiry(key, plan, now, opened.first_sequence())
        probed = self._targets[key] = ProbedTarget(target, channel, opened, sweep, self._shared, now, flow)
        self._flows[target].append(key)
        return probed

    def stirred(self, flow: ProbedTarget) -> None:
        """See `Flows.stirred`."""
        self._schedule(flow, self._monotonic())

    def watch(self, flow: ProbedTarget, round_: int, at: int) -> None:
        """See `Flows.watch`."""
        first = self._targets[flow.target].sweep.plan
        rounds = None if first.rounds is None else first.rounds - (round_ - first.first_round)
        plan = replace(first, local_port=flow.sweep.plan.local_port, first_round=round_, rounds=rounds)
        flow.sweep = self._sweep(flow.number, plan, flow.flow, flow.flow_number, flow.sweep.next_sequence, at)
        self._changed(flow.flow, flow.number)
        self._after(flow, self._monotonic())

    def drop(self, flow: ProbedTarget) -> None:
        """See `Flows.drop`."""
        del self._targets[flow.number]
        self._flows[flow.target].remove(flow.number)
        flow.flow.close()
        flow.sweep.close()
        self._latency_critical.discard(flow.number)

    def tell(self, found: Discovered) -> None:
        """See `Flows.tell`."""
        self.emit_now(found)

    def settled(self, target: int) -> None:
        """See `Flows.settled`."""
        self._finish_if_all_are(target)

    def _adjust(self, command: Adjust) -> None:
        flows = self._of(command.target)
        try:
            adjusted = [check_adjust(command, target.sweep.plan) for target in flows]
        except ValueError as problem:
            self.emit_now(Problem(str(problem)[:LONGEST_TEXT]))
            return
        for target, plan in zip(flows, adjusted, strict=True):
            target.sweep.adjust(plan)
            self._after(target, self._monotonic())

    def _of(self, number: int) -> list[ProbedTarget]:
        """All flows of a target; where there is none, that is told."""
        if number not in self._flows:
            self.emit_now(Problem(f"target {number} is not probed"))
        return [self._targets[key] for key in self._flows.get(number, ())]

    def _pause_or_resume(self, command: Pause | Resume) -> None:
        flows = list(self._targets.values()) if command.target is None else self._of(command.target)
        now = self._monotonic()
        for target in flows:
            if isinstance(command, Pause):
                target.sweep.pause()
                self._latency_critical.discard(target.number)
            else:
                target.sweep.resume(now)
                self._after(target, now)

    def _stop(self, command: Stop) -> None:
        flows = self._of(command.target)
        if not flows:
            return
        del self._flows[command.target]
        self._explorers.pop(command.target, None)
        for target in flows:
            del self._targets[target.number]
            target.flow.close()
            target.sweep.close()
            self._latency_critical.discard(target.number)
        self._shared.crowd.of(command.target)
        self.emit_now(Stopped(command.target))

    # --- channels -----------------------------------------------------------------------------------------------

    def _deliver(self, probe: Probe, reply: Reply) -> None:
        target = self._targets.get(probe.target)
        if target is None:
            self._context.tally.foreign += 1
        elif not can_answer(reply.address, target.sweep.plan.address):
            self._context.tally.malformed += 1
        elif target.deliver(probe, reply):
            self._after(target, reply.received_mono)

    def _failed_here(self, probe: Probe, error: str, message: str) -> None:
        target = self._targets.get(probe.target)
        if target is not None and target.failed_here(probe, error, message):
            self._after(target, self._monotonic())

    def _changed(self, flow: Flow, number: int) -> None:
        target = self._targets.get(number)
        if target is not None:
            target.tell_flow(self._counting.noted(flow.info.note), self._monotonic())

    def _tell_counters(self, counters: Counters) -> None:
        was_flooded = self._is_flooded
        self._is_flooded = counters.flooded > 0
        self._queue.events.append(counters)
        if self._is_flooded and not was_flooded:
            for number, target in self._targets.items():
                self._changed(target.flow, number)

    # --- what is due when ---------------------------------------------------------------------------------------

    def _after(self, target: ProbedTarget, now: int) -> None:
        sweep = target.sweep
        if sweep.is_latency_critical:
            self._latency_critical.add(target.number)
        elif self._latency_critical:
            self._latency_critical.discard(target.number)
        if sweep.finished:
            self._finish(target)
        else:
            self._schedule(target, now)

    def _finish(self, target: ProbedTarget) -> None:
        if target.is_finish_told:
            return
        target.is_finish_told = True
        target.sweep.close()
        target.scheduled = NEVER
        self._finish_if_all_are(target.target)

    def _finish_if_all_are(self, number: int) -> None:
        """Tell that a target is finished, where all its flows are, and no more of them can come."""
        explorer = self._explorers.get(number)
        flows = [self._targets[key] for key in self._flows[number]]
        if (explorer is None or explorer.is_settled) and all(flow.is_finish_told for flow in flows):
            sweep = flows[0].sweep
            if explorer is not None:
                explorer.due = NEVER
            self._queue.events += self._shared.crowd.of(number)
            self.emit_now(Finished(number, sweep.round + 1 - sweep.plan.first_round))

    def _schedule(self, target: ProbedTarget, now: int) -> None:
        deadline = target.sweep.next_deadline()
        # Never in the past, also where a plan was changed: what is much later than due then is a standstill.
        earliest = now + HELD_POLL_NS if self._held else now
        if deadline < earliest:
            deadline = earliest
        if deadline < target.scheduled and not target.is_finish_told:
            target.scheduled = deadline
            heapq.heappush(self._heap, (deadline, target.number))
