"""A machine that was suspended, a process that was stopped, a wall clock that is set in mid-trace: no probe is called
lost for it, no RTT is made of it, and what was missed is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from hopscope.judge.judge import Judge
from hopscope.path.fold import PathFold
from hopscope.probe.channel import Channel, ChannelContext, Probe, Reply
from hopscope.probe.channels.simulated import SimulatedChannel
from hopscope.probe.engine import Engine
from hopscope.probe.virtual import MONOTONIC_START_NS as BEGIN
from hopscope.probe.virtual import VirtualEngine
from hopscope.session.model import Target
from hopscope.views.report.document import Document
from hopscope.views.report.formats import render
from hopscope.wire.messages import Adjust, Answered, Event, Failed, Late, Lost, Method, Plan, RoundStarted, Sent, Start
from tests.lab.virtual import ANCHOR, simulated
from tests.probe.fake import MS, SECOND, FakeChannel, NoWatch

T = TypeVar("T", Sent, Answered, Lost, Late, Failed, RoundStarted)
HOUR = 3600 * SECOND
EPOCH = 1_700_000_000 * SECOND
HOPS = 3
STEPS = pytest.mark.parametrize("step", [HOUR, -HOUR, SECOND, -SECOND])
PLAN = Plan("192.0.2.1", 4, method="simulated", max_ttl=1)


class Machine:
    """An engine with a fake channel on a machine whose clocks are set by hand: a driver wakes, looks, hears, ticks."""

    def __init__(self) -> None:
        self.monotonic = SECOND
        self.wall = EPOCH
        self.slept = 0
        self.made: list[FakeChannel] = []
        self.engine = Engine(
            self._make, NoWatch(), lambda: self.monotonic, lambda: self.wall, EPOCH - SECOND, lambda: self.slept
        )

    def _make(self, method: Method, context: ChannelContext) -> Channel:
        self.made.append(FakeChannel(context, method))
        return self.made[-1]

    @property
    def sent(self) -> list[Probe]:
        """Every probe that left, in order."""
        return self.made[0].sent

    def begin(self, plan: Plan = PLAN) -> None:
        """Probe one target; its first probe leaves."""
        self.engine.handle(Start(1, plan))
        self.tick()

    def pass_time(self, nanos: int) -> None:
        """Both clocks go on."""
        self.monotonic += nanos
        self.wall += nanos

    def tick(self) -> None:
        """The driver wakes with nothing to hear. What it sends is stamped by the wall clock as it is."""
        before = len(self.sent) if self.made else 0
        self.engine.check_clocks()
        self.pass_time(1000)
        self.engine.tick()
        for probe in self.sent[before:]:
            probe.sent_wall = probe.sent_stamp = self.wall

    def run(self, nanos: int) -> None:
        """Wake whenever something is due."""
        end = self.monotonic + nanos
        while (due := self.engine.next_deadline()) <= end:
            self.pass_time(max(0, due - self.monotonic))
            self.tick()
        self.pass_time(end - self.monotonic)

    def hear(self, probe: Probe, stamp: int) -> Answered:
        """The driver wakes and hears an answer that arrived when the wall clock was `stamp` (0: without a stamp)."""
        self.engine.take()
        self.engine.check_clocks()
        context = self.made[0].context
        context.deliver(probe, Reply("192.0.2.1", "echo-reply", 0, 0, 60, (), context.monotonic(), stamp))
        (event,) = (event for event in self.engine.take() if isinstance(event, Answered))
        return event


def of(events: Sequence[Event], kind: type[T]) -> list[T]:
    """The events of exactly one kind."""
    return [event for event in events if type(event) is kind]


# --- the machine stands still ------------------------------------------------------------------------------------


def test_what_was_in_flight_when_the_process_was_stopped_for_an_hour_is_not_lost() -> None:
    machine = Machine()
    machine.begin()
    machine.run(2500 * MS)  # three probes under way, none answered
    machine.engine.take()
    machine.pass_time(HOUR)
    machine.tick()
    machine.run(500 * MS)
    events = machine.engine.take()
    assert of(events, Lost) == []
    assert [event.round for event in of(events, Failed)] == [0, 1, 2]
    assert {(event.error, event.message) for event in of(events, Failed)} == {
        ("ASLEEP", "this computer was asleep or stood still while the probe was in flight")
    }
    assert [event.round for event in of(events, RoundStarted)] == [3], "what was missed is skipped"


def test_what_was_in_flight_while_the_machine_slept_is_not_lost_though_the_monotonic_clock_stood_still_too() -> None:
    machine = Machine()
    machine.begin()
    machine.run(500 * MS)
    machine.engine.take()
    machine.slept = HOUR
    machine.wall += HOUR
    machine.run(4 * SECOND)
    events = machine.engine.take()
    assert [(event.round, event.error) for event in of(events, Failed)] == [(0, "ASLEEP")]
    # Probes of after the sleep are judged as ever.
    assert [event.round for event in of(events, Lost)] == [1]


def test_what_happens_after_a_sleep_has_the_new_time() -> None:
    machine = Machine()
    machine.begin()
    machine.run(1500 * MS)
    told = [*of(machine.engine.take(), RoundStarted)]
    machine.slept = HOUR
    machine.wall += HOUR
    machine.run(4 * SECOND)
    events = machine.engine.take()
    rounds = {event.round: event.at for event in (*told, *of(events, RoundStarted))}
    assert [rounds[n] - rounds[0] for n in (1, 2, 3)] == [SECOND, HOUR + 2 * SECOND, HOUR + 3 * SECOND]
    # A probe has one moment, whatever became of it when.
    fates = [event for event in events if isinstance(event, (Lost, Failed))]
    assert [event.sent_at - rounds[event.round] for event in fates] == pytest.approx([0] * len(fates), abs=MS)
    assert {event.round for event in fates} >= {0, 1, 2}


def test_the_sleep_of_a_machine_that_is_not_the_drivers_moves_nothing() -> None:
    machine = Machine()
    machine.engine.time_line.heeds_sleep = False
    machine.begin()
    machine.run(500 * MS)
    machine.slept = HOUR
    machine.wall += HOUR
    machine.run(1 * SECOND)
    first, second = of(machine.engine.take(), RoundStarted)
    assert second.at - first.at == SECOND


def test_an_answer_that_had_arrived_before_the_process_was_stopped_is_an_answer() -> None:
    machine = Machine()
    machine.begin()
    (probe,) = machine.sent
    arrived = machine.wall + 20 * MS
    machine.pass_time(HOUR)
    event = machine.hear(probe, arrived)
    assert (type(event), event.rtt_ns, event.clock) == (Answered, 20 * MS, "kernel")


def test_a_network_that_answers_nothing_is_still_lost_on_a_machine_that_is_merely_busy() -> None:
    machine = Machine()
    machine.begin()
    for _ in range(8):
        machine.pass_time(900 * MS)  # woken almost a round late, each time
        machine.tick()
    events = machine.engine.take()
    assert of(events, Failed) == []
    assert [event.round for event in of(events, Lost)][:2] == [0, 1]


def path_file(folder: Path) -> str:
    """A path of three hops, 60 ms to the target; hop 2 is silent."""
    file = folder / "path.toml"
    file.write_text(
        'title = "x"\nstory = "x"\nseed = 1\nsource = ["192.168.1.23"]\nhops = [\n'
        '  { at = ["198.51.100.1"], delay = "10ms" },\n  { at = ["198.51.100.2"], delay = "10ms", silent = true },\n'
        ']\n[[targets]]\nname = "far.example"\nat = ["192.0.2.80"]\ndelay = "10ms"\n'
    )
    return str(file)


def test_an_hours_gap_in_mid_round_leaves_a_trace_that_is_whole_and_true(tmp_path: Path) -> None:
    plan = simulated(Plan("192.0.2.80", 4), path_file(tmp_path))
    virtual = VirtualEngine()
    virtual.handle(Start(1, plan))
    events = virtual.advance(5.4)
    virtual.now += HOUR
    events += virtual.advance(5.0)
    fold, judge = PathFold(plan.address), Judge(plan.address)
    fold.apply_all(events)
    for event in events:
        judge.apply(event)
    path = fold.snapshot()
    target = path.hops[-1]
    assert (len(path.hops), target.is_target, path.reached) == (HOPS, True, True)
    assert [(hop.lost, hop.late) for hop in path.hops if hop.ttl != 2] == [(0, 0), (0, 0)]
    # The silent hop's probes of before the gap whose timeout had not passed are nobody's loss.
    failed = of(events, Failed)
    assert {event.error for event in failed} == {"ASLEEP"}
    assert {event.ttl for event in failed} == {2}
    assert all(event.sent_at <= BEGIN + ANCHOR + 5.4e9 for event in failed)
    rounds = [event.round for event in of(events, RoundStarted)]
    assert rounds == list(range(len(rounds)))
    assert len(rounds) <= 12
    assert target.rtt is not None
    assert target.rtt.worst < 100 * MS
    assert judge.judged().verdict.kind == "healthy"
    assert judge.judged().incidents == ()
    document = Document(
        (Target(1, "far.example", "running", plan.address, plan, None, None, None, path, {}),), 1, "x", "0"
    )
    for name in ("text", "json", "csv", "html"):
        assert "198.51.100.1" in render(document, name)


# --- the wall clock is set -----------------------------------------------------------------------------------------


@STEPS
def test_an_answer_that_came_after_the_wall_clock_was_set_has_its_true_rtt(step: int) -> None:
    machine = Machine()
    machine.begin()
    (probe,) = machine.sent
    machine.pass_time(10 * MS)
    machine.wall += step
    machine.pass_time(20 * MS)
    arrived = machine.wall
    machine.pass_time(100 * MS)  # it waited in the socket meanwhile
    event = machine.hear(probe, arrived)
    assert (type(event), event.rtt_ns) == (Answered, 30 * MS)
    assert event.clock == "program", "what was corrected is marked"


@STEPS
def test_an_answer_that_had_come_before_the_wall_clock_was_set_has_its_true_rtt(step: int) -> None:
    machine = Machine()
    machine.begin()
    (probe,) = machine.sent
    machine.pass_time(20 * MS)
    arrived = machine.wall
    machine.pass_time(5 * MS)
    machine.wall += step
    machine.pass_time(5 * MS)
    event = machine.hear(probe, arrived)
    assert (type(event), event.rtt_ns, event.clock) == (Answered, 20 * MS, "program")


@STEPS
def test_a_probe_without_a_stamp_of_sending_keeps_an_rtt_within_what_the_program_saw(step: int) -> None:
    machine = Machine()
    machine.begin()
    (probe,) = machine.sent
    probe.sent_stamp = 0
    machine.pass_time(10 * MS)
    machine.wall += step
    machine.pass_time(20 * MS)
    arrived = machine.wall
    machine.pass_time(5 * MS)
    event = machine.hear(probe, arrived)
    assert (type(event), event.clock) == (Answered, "program")
    assert event.rtt_ns == 30 * MS


@STEPS
def test_neither_stamp_moves_an_rtt_when_the_wall_clock_was_set(step: int) -> None:
    machine = Machine()
    machine.begin()
    (probe,) = machine.sent
    probe.sent_stamp = 0
    machine.wall += step
    machine.pass_time(30 * MS)
    event = machine.hear(probe, 0)
    assert (type(event), event.rtt_ns, event.clock) == (Answered, 30 * MS, "program")


@STEPS
def test_after_the_clock_was_set_the_next_probes_have_the_kernels_clock_again(step: int) -> None:
    machine = Machine()
    machine.begin()
    machine.wall += step
    machine.run(SECOND)
    probe = machine.sent[1]
    machine.pass_time(20 * MS)
    arrived = machine.wall
    machine.pass_time(100 * MS)  # it waited in the socket meanwhile
    event = machine.hear(probe, arrived)
    assert (event.rtt_ns, event.clock) == (20 * MS, "kernel")


@STEPS
def test_no_timeout_and_no_round_heeds_the_wall_clock(step: int) -> None:
    quiet, set_often = Machine(), Machine()
    for machine in (quiet, set_often):
        machine.begin()
        for _ in range(6):
            machine.run(700 * MS)
            machine.wall += step if machine is set_often else 0
    assert set_often.engine.take() == quiet.engine.take()


class SetOften(VirtualEngine):
    """Virtual time in which the wall clock is set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.step = 0
        self.engine = Engine(self._make, NoWatch(), lambda: self.now, lambda: self.now + ANCHOR + self.step, ANCHOR)

    def _make(self, method: Method, context: ChannelContext) -> Channel:
        self.channel = SimulatedChannel(context)
        return self.channel

    def play(self, nanos: int) -> list[Event]:
        """The driver looks at the clocks at each waking."""
        end = self.now + nanos
        while (due := self.engine.next_deadline()) <= end:
            self.now = max(self.now, due)
            self.engine.check_clocks()
            self.engine.tick()
        self.now = end
        return self.engine.take()


@STEPS
def test_a_trace_through_set_clocks_is_the_same_trace(tmp_path: Path, step: int) -> None:
    """Every fate, RTT and time of sending; just whose clock it was is marked where a probe was under way."""
    plan = simulated(Plan("192.0.2.80", 4, rounds=6), path_file(tmp_path))
    stories = []
    for each in (0, step):
        virtual = SetOften()
        virtual.handle(Start(1, plan))
        events: list[Event] = []
        for _ in range(20):
            events += virtual.play(523 * MS)
            virtual.step += each
        fates = [event for event in events if isinstance(event, Sent | Answered | Lost | Failed)]
        assert not of(events, Failed)
        assert not of(events, Late)
        stories.append(
            [(type(event), event.round, event.ttl, event.sent_at, getattr(event, "rtt_ns", None)) for event in fates]
        )
    assert stories[0] == stories[1]
    assert len(stories[0]) > 2 * HOPS * 6 - HOPS


def test_a_shorter_interval_is_no_standstill() -> None:
    machine = Machine()
    machine.begin(msgspec.structs.replace(PLAN, interval_ns=60 * SECOND, timeout_ns=40 * SECOND))
    machine.run(30 * SECOND)
    machine.engine.handle(Adjust(1, interval_ns=SECOND, timeout_ns=3 * SECOND))
    machine.run(10 * SECOND)
    events = machine.engine.take()
    assert of(events, Failed) == []
    assert len(of(events, Lost)) > 5
