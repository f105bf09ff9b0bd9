"""When is which TTL probed, and what became of it: `Sweep` as a table of rules, with time as an argument."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from hopscope.probe.channel import Probe
from hopscope.probe.pacer import NEVER, OPENING_WINDOW, WIDEST_OPENING
from hopscope.probe.schedule import Sweep
from hopscope.wire.messages import Kind, Plan

MS = 1_000_000
SECOND = 1000 * MS

Answer = tuple[int, Kind] | None
"""(RTT in ms, kind), or None: silence."""


def plan(**values: object) -> Plan:
    return Plan(address="192.0.2.1", family=4, **values)  # type: ignore[arg-type]  # test keywords


def path(length: int, silent: frozenset[int] = frozenset()) -> Callable[[Probe], Answer]:
    """A network of `length` hops, a millisecond each, the last of which is the target."""

    def answer(probe: Probe) -> Answer:
        if probe.ttl >= length:
            return (length, "echo-reply") if length not in silent else None
        return None if probe.ttl in silent else (probe.ttl, "time-exceeded")

    return answer


class World:
    """Drives a sweep against a network, by virtual time, and keeps what happened."""

    def __init__(self, network: Callable[[Probe], Answer], **values: object) -> None:
        self.network = network
        self.now = 0
        self.sweep = Sweep(1, plan(**values), 0)
        self.sent: list[Probe] = []
        self.rounds: list[int] = []
        self.verdicts: list[tuple[Probe, str]] = []
        self.flying: list[tuple[int, Probe, Kind]] = []
        self.fails: Callable[[Probe], bool] = lambda probe: False
        self.most_flying = 0

    def run(self, seconds: float) -> World:
        end = self.now + int(seconds * SECOND)
        while True:
            due = min([self.sweep.next_deadline(), *(at for at, _, _ in self.flying)])
            if due > end:
                self.now = end
                return self
            self.now = max(self.now, due)
            self._step()

    def _step(self) -> None:
        sweep, now = self.sweep, self.now
        for item in sorted((item for item in self.flying if item[0] <= now), key=lambda item: item[:1]):
            self.flying.remove(item)
            at, probe, kind = item
            self.verdicts.append((probe, sweep.heard(probe, at, at - probe.sent_mono, kind)))
        while (lost := sweep.first_expired(now)) is not None:
            sweep.lose(lost)
            self.verdicts.append((lost, "lost"))
        sweep.take_forgettable(now)
        if sweep.start_round_if_due(now):
            self.rounds.append(sweep.round)
        while (new := sweep.take_due(now)) is not None:
            if self.fails(new):
                sweep.failed(new)
                self.verdicts.append((new, "failed"))
                continue
            new.sent_mono = now
            sweep.sent(new)
            self.sent.append(new)
            answer = self.network(new)
            if answer is not None:
                self.flying.append((now + answer[0] * MS, new, answer[1]))
            self.most_flying = max(self.most_flying, sweep.pending)

    def ttls(self, round_: int) -> list[int]:
        return [probe.ttl for probe in self.sent if probe.round == round_]


def test_the_first_round_finds_a_path_of_fifteen_hops_within_two_round_trips_of_its_target() -> None:
    world = World(path(15)).run(0.045)
    assert set(range(1, 16)) <= set(world.ttls(0))
    assert [verdict for _, verdict in world.verdicts].count("answered") >= 15


def test_the_first_round_sends_no_storm_beyond_a_near_target() -> None:
    world = World(path(3)).run(0.9)
    assert max(world.ttls(0)) <= max(OPENING_WINDOW, 3 + WIDEST_OPENING)
    assert world.most_flying <= WIDEST_OPENING


def test_silent_hops_do_not_hold_the_first_round_up() -> None:
    world = World(path(15, silent=frozenset(range(2, 11)))).run(0.9)
    assert set(range(1, 16)) <= set(world.ttls(0))


@pytest.mark.parametrize("length", [1, 2, 7, 30])
def test_each_later_round_probes_each_ttl_once_up_to_the_target(length: int) -> None:
    world = World(path(length)).run(5.5)
    for round_ in range(1, 5):
        assert world.ttls(round_) == list(range(1, length + 1))


def test_later_rounds_are_spread_over_the_interval() -> None:
    world = World(path(10)).run(3.5)
    times = [probe.sent_mono for probe in world.sent if probe.round == 2]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == [90 * MS] * 9
    assert times[0] == 2 * SECOND


def test_while_no_target_answers_the_horizon_is_so_far_beyond_the_last_answer() -> None:
    world = World(path(20, silent=frozenset(range(5, 21))), max_unknown=4).run(5)
    assert world.ttls(1) == list(range(1, 9))


def test_a_path_where_nobody_answers_is_tried_to_the_largest_unknown_ttl() -> None:
    world = World(lambda probe: None, max_unknown=5).run(3.9)
    assert world.ttls(0) == world.ttls(1) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("first", "largest", "expected"), [(1, 4, [1, 2, 3, 4]), (3, 30, [3, 4, 5, 6, 7]), (6, 6, [6])]
)
def test_first_and_largest_ttl_bound_every_round(first: int, largest: int, expected: list[int]) -> None:
    world = World(path(7), first_ttl=first, max_ttl=largest).run(2.5)
    assert world.ttls(1) == expected


def test_the_ttl_beyond_the_target_is_probed_only_after_the_targets_own_was_lost() -> None:
    silent = {"now": False}
    healthy = path(5)
    world = World(lambda probe: None if silent["now"] and probe.ttl >= 5 else healthy(probe), timeout_ns=500 * MS)
    world.run(2.95)
    assert max(world.ttls(2)) == 5
    silent["now"] = True
    world.run(3)
    assert max(world.ttls(3)) == 5
    assert max(world.ttls(4)) == 5
    assert max(world.ttls(5)) == 6
    silent["now"] = False
    world.run(3)
    assert max(world.ttls(8)) == 5


def test_a_loss_that_is_known_in_its_own_round_sends_nothing_beyond_in_it() -> None:
    """Where rounds are long, or timeouts short; the next round's probe is answered before one would go farther."""
    lost = {"now": False}
    healthy = path(5)
    world = World(lambda probe: None if lost["now"] and probe.ttl == 5 else healthy(probe), timeout_ns=50 * MS)
    world.run(2.95)
    lost["now"] = True
    world.run(1)
    lost["now"] = False
    world.run(2)
    assert [max(world.ttls(round_)) for round_ in (2, 3, 4, 5)] == [5, 5, 5, 5]


@pytest.mark.parametrize("silent", [frozenset[int](), frozenset({5}), frozenset({5, 6})])
def test_a_path_that_grew_is_found_though_its_new_hops_are_silent(silent: frozenset[int]) -> None:
    networks = {"now": path(5)}
    world = World(lambda probe: networks["now"](probe), timeout_ns=300 * MS).run(2.95)
    networks["now"] = path(8, silent)
    world.run(8)
    assert world.ttls(10) == list(range(1, 9))


def test_a_path_that_shrank_is_followed_at_once() -> None:
    networks = {"now": path(9)}
    world = World(lambda probe: networks["now"](probe)).run(2.95)
    networks["now"] = path(4)
    world.run(3)
    assert world.ttls(5) == [1, 2, 3, 4]


def test_a_refusing_router_ends_the_path_where_it_stands() -> None:
    def refuse(probe: Probe) -> Answer:
        return (1, "time-exceeded") if probe.ttl < 4 else (4, "net-unreachable")

    assert World(refuse).run(2.5).ttls(1) == [1, 2, 3, 4]


def test_a_probe_without_an_answer_is_lost_at_its_timeout_and_late_when_the_answer_comes_after_all() -> None:
    world = World(lambda probe: (700, "echo-reply") if probe.round == 0 else None, timeout_ns=500 * MS, max_ttl=1)
    world.run(0.6)
    assert [verdict for _, verdict in world.verdicts] == ["lost"]
    world.run(0.3)
    assert [verdict for _, verdict in world.verdicts] == ["lost", "late"]
    probe = world.verdicts[0][0]
    assert world.sweep.heard(probe, world.now, 0, "echo-reply") == "duplicate"


def test_a_second_answer_is_a_duplicate() -> None:
    world = World(path(1)).run(0.5)
    probe = world.sent[0]
    assert world.sweep.heard(probe, world.now, MS, "echo-reply") == "duplicate"


def test_the_end_of_a_round_changes_no_fate() -> None:
    world = World(lambda probe: (2500, "echo-reply"), max_ttl=1).run(6.9)
    fates = {probe.round: verdict for probe, verdict in world.verdicts}
    assert fates == {0: "answered", 1: "answered", 2: "answered", 3: "answered", 4: "answered"}


def test_probes_that_this_machine_cannot_send_fail_and_probing_goes_on_by_itself() -> None:
    world = World(path(4))
    world.fails = lambda probe: probe.round in (1, 2)
    world.run(4.5)
    failed = [probe for probe, verdict in world.verdicts if verdict == "failed"]
    assert {probe.round for probe in failed} == {1, 2}
    assert world.ttls(3) == [1, 2, 3, 4]
    assert world.sweep.pending <= 4


def test_after_so_many_rounds_it_is_finished_once_every_fate_is_known() -> None:
    world = World(path(3, silent=frozenset({2})), rounds=2).run(1.5)
    assert world.rounds == [0, 1]
    before = world.sweep.finished
    world.run(10)
    assert (before, world.sweep.finished) == (False, True)
    assert world.rounds == [0, 1]
    assert world.sweep.next_deadline() == NEVER


def test_a_sweep_whose_every_probe_fails_finishes_too() -> None:
    world = World(path(3), rounds=2)
    world.fails = lambda probe: True
    world.run(10)
    assert world.sweep.finished


def test_a_continued_sweep_numbers_its_rounds_on() -> None:
    world = World(path(2), first_round=40, rounds=3).run(10)
    assert world.rounds == [40, 41, 42]
    assert world.sweep.finished


def test_while_paused_nothing_is_sent_and_what_flies_finds_its_fate() -> None:
    world = World(path(3, silent=frozenset({2})), timeout_ns=SECOND)
    world.run(0.1)
    world.sweep.pause()
    before = len(world.sent)
    world.run(5)
    assert len(world.sent) == before
    assert [verdict for _, verdict in world.verdicts].count("lost") == 1
    world.sweep.resume(world.now)
    world.run(0.95)
    assert world.rounds == [0, 1]
    assert world.ttls(1) == [1, 2, 3]


def test_rounds_that_were_missed_are_skipped_not_caught_up_with() -> None:
    world = World(path(3)).run(2.95)
    world.now += 3600 * SECOND  # the machine slept
    world.run(2.5)
    assert len(world.rounds) <= 6
    assert len([probe for probe in world.sent if probe.sent_mono > 3000 * SECOND]) <= 9


def test_a_new_interval_holds_from_the_next_round_on() -> None:
    world = World(path(2)).run(2.5)
    world.sweep.adjust(plan(interval_ns=200 * MS))
    world.run(1.0)
    assert len(world.rounds) >= 7


def test_a_sequence_number_is_not_used_again_while_an_answer_to_it_can_still_come() -> None:
    sweep = Sweep(1, plan(max_ttl=1, interval_ns=10 * MS, timeout_ns=SECOND), 0)
    now = 0
    live: dict[int, Probe] = {}
    for _ in range(70_000):
        now += 10 * MS
        while (lost := sweep.first_expired(now)) is not None:
            sweep.lose(lost)
        for gone in sweep.take_forgettable(now):
            live.pop(gone.seq)
        sweep.start_round_if_due(now)
        probe = sweep.take_due(now)
        assert probe is not None
        assert probe.seq not in live
        probe.sent_mono = now
        live[probe.seq] = probe
        sweep.sent(probe)
    assert len(live) < 2000


def test_an_old_rounds_answer_does_not_move_the_end_of_the_path() -> None:
    world = World(path(6)).run(3.5)
    stale = Probe(1, 0, 6, 9)
    stale.sent_mono = 1
    world.sweep.sent(stale)
    world.sweep.heard(stale, world.now, MS, "time-exceeded")
    world.run(2)
    assert world.ttls(4) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("length", [1, 2, 6, 15, 30])
def test_a_stepwise_first_round_goes_hop_by_hop_to_one_ttl_beyond_the_target_as_mtr_does(length: int) -> None:
    world = World(path(length), opening="stepwise").run(4.5)
    assert world.ttls(0) == list(range(1, min(length + 1, 30) + 1))
    assert [world.ttls(round_) for round_ in (1, 2, 3)] == [list(range(1, length + 1))] * 3
    assert world.sent[0].sent_mono < world.sent[1].sent_mono


def test_a_stepwise_first_round_is_not_faster_than_the_slowest_answer_so_far() -> None:
    def far(probe: Probe) -> Answer:
        if probe.ttl >= 6:
            return 240, "echo-reply"
        return 200, "time-exceeded"

    world = World(far, opening="stepwise", interval_ns=SECOND // 2).run(3)
    assert max(world.ttls(0)) <= 8  # the first hop's answer is not known when the first steps are taken
    assert max(probe.ttl for probe in world.sent if probe.round) == 6


def test_a_stepwise_sweep_gives_an_endless_silence_up_where_mtr_does() -> None:
    world = World(path(20, silent=frozenset((2, *range(5, 21)))), opening="stepwise", max_unknown=4).run(4)
    # Hops 2, 5, 6, 7 and 8 are silent: five are more than four, and the probe after them was sent before that was seen.
    assert world.ttls(0) == list(range(1, 10))
    assert World(lambda probe: None, opening="stepwise").run(2.9).ttls(0) == list(range(1, 15))


def test_a_lossy_target_moves_no_stepwise_round_beyond_it() -> None:
    network = path(4)
    world = World(lambda probe: None if probe.round and probe.ttl == 4 else network(probe), opening="stepwise").run(9)
    assert {max(world.ttls(round_)) for round_ in range(1, 9)} == {4}


def test_after_the_grace_time_what_did_not_answer_is_lost() -> None:
    world = World(path(3, silent=frozenset({2})), rounds=2, interval_ns=SECOND, grace_ns=200 * MS).run(1.999)
    assert world.sweep.finished
    last = max(probe.sent_mono for probe in world.sent)
    lost = [probe for probe, verdict in world.verdicts if verdict == "lost"]
    assert {probe.ttl for probe in lost} == {2}
    assert len(lost) == 2
    assert last <= SECOND * 2 - 200 * MS


def test_the_grace_time_does_not_lengthen_a_probes_own_timeout() -> None:
    world = World(path(3, silent=frozenset({3})), rounds=1, timeout_ns=300 * MS, grace_ns=5 * SECOND, max_ttl=3)
    world.run(0.6)
    assert world.sweep.finished


def test_a_stepwise_sweep_goes_on_behind_a_router_that_refuses_to_as_mtr_does() -> None:
    sweep = Sweep(1, plan(opening="stepwise", max_ttl=9), 0)
    assert sweep.start_round_if_due(0)
    ttls = []
    while (probe := sweep.take_due(0)) is not None:
        probe.sent_mono = 0
        sweep.sent(probe)
        ttls.append(probe.ttl)
        sweep.heard(probe, 0, MS, "net-unreachable" if probe.ttl > 2 else "time-exceeded", "198.51.100.1")
    assert ttls == list(range(1, 10))
