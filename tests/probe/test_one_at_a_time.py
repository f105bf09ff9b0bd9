"""A flow that can have one probe in flight: which TTL it asks when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hopscope.probe.channel import Probe
from hopscope.probe.one_at_a_time import HEARING_NS, OneAtATime
from hopscope.probe.pacer import NEVER
from hopscope.wire.messages import Kind, Plan

MS = 1_000_000
SECOND = 1000 * MS

Answer = tuple[int, Kind] | None
"""(RTT in ms, kind), or None: silence."""


def path(length: int, *silent: int, rtt_ms: int = 1) -> Callable[[Probe], Answer]:
    """So many hops, each so much further, the last of which is the target."""

    def answer(probe: Probe) -> Answer:
        if probe.ttl in silent:
            return None
        return (min(probe.ttl, length) * rtt_ms, "tcp-reset" if probe.ttl >= length else "time-exceeded")

    return answer


class World:
    """Drives one flow by virtual time; `network` may be changed."""

    def __init__(self, network: Callable[[Probe], Answer], flow: int = 0, **values: object) -> None:
        made = Plan("192.0.2.1", 4, "tcp", flows=8, **values)  # type: ignore[arg-type]  # test keywords
        self.sweep = OneAtATime(1, made, 0, flow=flow)
        self.network = network
        self.now = 0
        self.sent: list[Probe] = []
        self.answers: list[tuple[int, Probe, Kind]] = []
        self.fails: Callable[[Probe], bool] = lambda probe: False
        self.steps = 0
        self.wall = 255
        """The TTL of a firewall, which refuses what is beyond itself."""
        self.over_at: list[int] = []
        """When each probe's try is over."""

    def run(self, seconds: float) -> World:
        end = self.now + int(seconds * SECOND)
        while (due := min([self.sweep.next_deadline(), *(at for at, _, _ in self.answers)])) <= end:
            self.now = max(self.now, due)
            self._step()
        self.now = end
        return self

    def _step(self) -> None:
        self.steps += 1
        sweep = self.sweep
        for entry in [entry for entry in self.answers if entry[0] <= self.now]:
            self.answers.remove(entry)
            at, probe, kind = entry
            sweep.heard(probe, at, at - probe.sent_mono, kind, f"10.0.0.{min(probe.ttl, self.wall)}")
        while (old := sweep.first_expired(self.now)) is not None:
            sweep.lose(old)
        if sweep.is_between_rounds:
            sweep.start_round_if_due(self.now)
        while (new := sweep.take_due(self.now)) is not None:
            if self.fails(new):
                sweep.failed(new)
                continue
            new.sent_mono = self.now
            sweep.sent(new)
            self.sent.append(new)
            answer = self.network(new)
            self.over_at.append(self.now + min(HEARING_NS, answer[0] * MS if answer else NEVER))
            if answer is not None:
                self.answers.append((self.now + answer[0] * MS, new, answer[1]))

    def ttls(self) -> list[list[int]]:
        """By round."""
        return [[probe.ttl for probe in self.sent if probe.round == number] for number in range(self.sweep.round + 1)]


def one_in_flight(world: World) -> bool:
    return all(later.sent_mono >= over for over, later in zip(world.over_at, world.sent[1:], strict=False))


def test_the_first_round_goes_from_hop_to_hop_as_answers_come() -> None:
    world = World(path(6)).run(0.5)
    assert world.ttls() == [[1, 2, 3, 4, 5, 6]]
    assert world.sent[-1].sent_mono == sum(range(1, 6)) * MS


def test_a_silent_hop_is_heard_as_long_as_a_try_lasts_and_the_search_goes_on_in_the_next_round() -> None:
    world = World(path(5, 2, 3)).run(2.5)
    assert world.ttls()[:2] == [[1, 2, 3], [4, 5]]
    assert one_in_flight(world)
    assert world.sent[3].sent_mono >= 2 * HEARING_NS


@pytest.mark.parametrize("flow", range(5))
def test_each_round_asks_the_target_and_the_next_hop_in_turn(flow: int) -> None:
    world = World(path(11, rtt_ms=5), flow=flow).run(14.5)
    assert world.ttls()[1:] == [[11, 1 + (number + flow) % 10] for number in range(1, 15)]
    assert one_in_flight(world)


def test_where_there_is_time_it_asks_more_hops() -> None:
    world = World(path(4), interval_ns=10 * SECOND).run(15)
    assert sorted(world.ttls()[1]) == [1, 2, 3, 4]
    assert world.ttls()[1][0] == 4


def test_behind_a_router_that_refuses_what_expires_there_hops_have_their_turn_until_one_answers() -> None:
    def forwards_the_rest(probe: Probe) -> Answer:
        return (1, "prohibited") if probe.ttl == 3 else path(5)(probe)

    world = World(forwards_the_rest, max_unknown=4).run(20)
    assert {probe.ttl for probe in world.sent} == {1, 2, 3, 4, 5}
    assert all(ttls[0] == 5 for ttls in world.ttls()[8:20])
    world = World(lambda probe: (1, "prohibited") if probe.ttl >= 3 else path(5)(probe), max_unknown=4)
    world.wall = 3
    world.run(40)
    asked = [ttl for ttls in world.ttls()[1:] for ttl in ttls]
    assert set(asked) == set(range(1, 8))  # and what refuses everything is asked in each round
    assert all(3 in ttls for ttls in world.ttls()[1:40])


def test_behind_routers_that_each_refuse_what_expires_there_the_target_is_found() -> None:
    world = World(lambda probe: (1, "prohibited") if probe.ttl < 5 else path(5)(probe), max_unknown=1).run(20)
    assert {probe.ttl for probe in world.sent} == {1, 2, 3, 4, 5}


def test_silent_hops_hold_up_no_target() -> None:
    world = World(path(5, 1, 2, 3, rtt_ms=40)).run(60)
    asked = [probe.sent_mono for probe in world.sent if probe.ttl == 5]
    assert len(asked) >= 54
    assert one_in_flight(world)


def test_in_an_outage_hops_are_asked_as_well_and_the_path_is_found_again() -> None:
    world = World(path(5)).run(3.5)
    world.network = path(3, 3, 4, 5)
    begin = len(world.sent)
    world.run(30)
    meanwhile = [probe.ttl for probe in world.sent[begin:]]
    assert {1, 2, 3, 4, 5} <= set(meanwhile)
    assert meanwhile.count(5) >= 8
    assert one_in_flight(world)
    world.network = path(6)
    world.run(30)
    assert [ttls[0] for ttls in world.ttls()[-4:-1]] == [6, 6, 6]


def test_a_target_that_never_answers_is_looked_for_round_the_horizon() -> None:
    world = World(path(30, *range(3, 31)), max_unknown=3).run(40)
    assert {probe.ttl for probe in world.sent} == {1, 2, 3, 4, 5}
    counts = [[probe.ttl for probe in world.sent].count(ttl) for ttl in range(1, 6)]
    assert max(counts) - min(counts) <= 1


def test_a_target_at_the_first_hop_has_no_other() -> None:
    world = World(path(1)).run(3.5)
    assert world.ttls() == [[1]] * 4


def test_the_last_round_ends_and_nothing_follows() -> None:
    world = World(path(4, rtt_ms=20), rounds=3).run(6)
    assert world.sweep.finished
    assert [len(ttls) for ttls in world.ttls()] == [4, 2, 2]
    assert world.sweep.next_deadline() == NEVER


@pytest.mark.parametrize("interval_ms", [100, 1000])
def test_rounds_begin_in_time_however_long_a_try_lasts(interval_ms: int) -> None:
    """So that the rounds of all flows are at one time, and their losses can be compared."""
    world = World(path(5, 2, 3, 5), interval_ns=interval_ms * MS).run(20)
    assert world.sweep.round == 20_000 // interval_ms


def test_one_round_alone_finds_the_target_behind_silent_hops() -> None:
    world = World(path(5, 2, 3), rounds=1).run(10)
    assert world.ttls() == [[1, 2, 3, 4, 5]]
    assert world.sweep.finished


def test_what_this_machine_cannot_send_keeps_nobody_waiting() -> None:
    world = World(path(4)).run(1.5)
    world.fails = lambda probe: True
    steps = world.steps
    world.run(10)
    assert world.steps - steps < 60  # never in a hurry
    world.fails = lambda probe: False
    world.run(2)
    assert world.ttls()[-2][0] == 4


def test_a_pause_sends_nothing_and_after_it_a_round_begins_at_once() -> None:
    world = World(path(4)).run(2.5)
    world.sweep.pause()
    before = len(world.sent)
    world.run(5)
    assert len(world.sent) == before
    world.sweep.resume(world.now)
    world.run(0.1)
    assert world.sent[before].ttl == 4


@pytest.mark.parametrize("rtt_ms", [1, 30, 200])
def test_it_waits_and_does_not_spin(rtt_ms: int) -> None:
    world = World(path(8, 3, 5, rtt_ms=rtt_ms // 8 + 1)).run(30)
    assert world.steps <= 4 * len(world.sent) + 40
