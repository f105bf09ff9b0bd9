"""How often flows together ask one router: each rule of `budget`, with time as an argument."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

import pytest

from hopscope.probe.budget import FIRST, GONE, PRESUMED, WAVE_NS, Budget, Router, Turns
from hopscope.probe.channel import Probe
from hopscope.probe.pacer import NEVER
from hopscope.probe.schedule import Sweep
from hopscope.wire.messages import Kind, Plan

MS = 1_000_000
SECOND = 1000 * MS
ROUTER = "192.0.2.1"
OTHER = "192.0.2.2"

Answer = tuple[int, Kind, str] | None
"""RTT in ms, kind, who; None: silence."""


class Limited:
    """A router that answers one asker as Linux does: six in a row, then one a second."""

    def __init__(self, burst: float = 6.0, per_second: float = 1.0) -> None:
        self.tokens = self.burst = burst
        self.per_second = per_second
        self.at = 0

    def answers(self, now: int) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at) / SECOND * self.per_second)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Crowd:
    """Many sweeps by virtual time, over a network that says what each probe of each target meets."""

    def __init__(self, network: Callable[[int, Probe, int], Answer]) -> None:
        self.network = network
        self.budget = Budget()
        self.sweeps: dict[int, Sweep] = {}
        self.turns: dict[int, Turns] = {}
        self.now = 0
        self.sent: list[tuple[int, int, int]] = []
        """Time, target, TTL."""
        self.lost: Counter[tuple[int, int]] = Counter()
        """By target and TTL."""
        self._due: list[tuple[int, int, int, tuple[Probe, Kind, str] | None]] = []
        self._order = itertools.count()
        self._wakes: dict[int, int] = {}

    def add(self, target: int, per_second: float = 1.0, **values: object) -> None:
        plan = Plan(f"198.51.100.{target}", 4, **values)  # type: ignore[arg-type]  # test keywords
        self.turns[target] = self.budget.join(per_second, plan.interval_ns, self.now)
        self.sweeps[target] = Sweep(target, plan, self.now, turns=self.turns[target])
        self._wait(target)

    def _wait(self, target: int) -> None:
        due = max(self.sweeps[target].next_deadline(), self.now)
        if due < self._wakes.get(target, NEVER):
            self._wakes[target] = due
            heapq.heappush(self._due, (due, next(self._order), target, None))

    def run(self, seconds: float) -> Crowd:
        end = self.now + int(seconds * SECOND)
        while self._due and self._due[0][0] <= end:
            self.now, _, target, answer = heapq.heappop(self._due)
            if target in self.sweeps:
                self._step(target, answer)
        self.now = end
        return self

    def _step(self, target: int, answer: tuple[Probe, Kind, str] | None) -> None:
        sweep, now = self.sweeps[target], self.now
        if answer is None:
            del self._wakes[target]
        else:
            probe, kind, address = answer
            sweep.heard(probe, now, now - probe.sent_mono, kind, address)
        while (old := sweep.first_expired(now)) is not None:
            sweep.lose(old)
            self.lost[target, old.ttl] += 1
        sweep.start_round_if_due(now)
        while (new := sweep.take_due(now)) is not None:
            new.sent_mono = now
            sweep.sent(new)
            self.sent.append((now, target, new.ttl))
            met = self.network(target, new, now)
            if met is not None:
                rtt, kind, address = met
                item = (now + rtt * MS, next(self._order), target, (new, kind, address))
                heapq.heappush(self._due, item)
        self._wait(target)

    def times(self, ttl: int, target: int | None = None) -> list[int]:
        return [at for at, whose, where in self.sent if where == ttl and target in (None, whose)]


def fan(shared: int = 2, length: int = 3, limits: Sequence[Limited] = ()) -> Callable[[int, Probe, int], Answer]:
    """Targets behind `shared` routers in a row, with routers of their own up to the target at TTL `length`."""

    def meet(target: int, probe: Probe, now: int) -> Answer:
        if probe.ttl >= length:
            return length, "echo-reply", f"198.51.100.{target}"
        if probe.ttl <= shared:
            is_silent = bool(limits) and not limits[probe.ttl - 1].answers(now)
            return None if is_silent else (probe.ttl, "time-exceeded", f"192.0.2.{probe.ttl}")
        return probe.ttl, "time-exceeded", f"203.0.113.{target}"

    return meet


def crowd(targets: int, apart_ms: Sequence[int] = (), *, shared: int = 2, length: int = 3) -> Crowd:
    made = Crowd(fan(shared, length))
    for target in range(1, targets + 1):
        made.add(target)
        if apart_ms:
            made.run(apart_ms[target - 1] / 1000)
    return made


# --- who stands where --------------------------------------------------------------------------------------------


def test_one_target_alone_asks_each_hop_in_each_round() -> None:
    alone = crowd(1).run(20.9)
    assert [len(alone.times(ttl)) for ttl in (1, 2, 3)] == [21] * 3


def test_routers_of_one_target_alone_are_asked_in_each_round() -> None:
    many = crowd(10, shared=1, length=4).run(20.5)
    for target in range(1, 11):
        assert len(many.times(3, target)) >= 20


def test_a_target_is_asked_in_each_round_whoever_else_asks_its_routers() -> None:
    many = crowd(40).run(30)
    for target in range(1, 41):
        times = many.times(3, target)
        assert len(times) >= 29
        assert all(900 * MS <= later - before <= 1100 * MS for before, later in pairwise(times[1:]))


def test_a_router_that_is_a_target_too_is_asked_in_each_round_by_whoever_traces_it() -> None:
    def meet(target: int, probe: Probe, now: int) -> Answer:
        if target == 1 or probe.ttl > 1:
            return 1, "echo-reply", ROUTER if target == 1 else f"198.51.100.{target}"
        return 1, "time-exceeded", ROUTER

    both = Crowd(meet)
    for target in (1, 2, 3):
        both.add(target)
    both.run(20)
    assert len(both.times(1, 1)) == 21
    assert 15 <= len(both.times(1, 2)) + len(both.times(1, 3)) <= 22


# --- how often ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [2, 3, 5, 8, 40, 200])
def test_together_they_ask_a_shared_router_once_a_second(targets: int) -> None:
    rng = Random(targets)
    many = crowd(targets, apart_ms=[rng.randrange(40) for _ in range(targets)]).run(20)
    begin = len(many.times(1))
    span = 120
    many.run(span)
    asked = len(many.times(1)) - begin
    assert 0.8 * span <= asked <= span + 2
    for start in range(20, 120, 10):
        within = [at for at in many.times(1) if start * SECOND <= at < (start + 10) * SECOND]
        assert len(within) <= 12


@pytest.mark.parametrize("per_second", [0.5, 2.0, 5.0])
def test_the_budget_says_how_often(per_second: float) -> None:
    many = Crowd(fan())
    for target in range(20):
        many.add(target, per_second)
    many.run(10)
    begin = len(many.times(1))
    many.run(60)
    assert 0.8 * 60 * per_second <= len(many.times(1)) - begin <= 60 * per_second + 2


@pytest.mark.parametrize("targets", [2, 3, 7, 20])
@pytest.mark.parametrize("interval_ms", [200, 1000, 2500])
def test_each_gets_its_turn_whatever_its_place_in_the_second(targets: int, interval_ms: int) -> None:
    rng = Random(interval_ms + targets)
    many = Crowd(fan())
    for target in range(targets):
        many.add(target, interval_ns=interval_ms * MS)
        many.run(rng.random() / 4)
    many.run(4 * targets + 10)
    begin = many.now
    span = 6 * max(targets, 3 * interval_ms / 1000)
    many.run(span)
    for target in range(targets):
        turns = [at for at in many.times(1, target) if at >= begin]
        assert len(turns) >= 3
        assert (
            max(later - before for before, later in pairwise(turns))
            <= (2 * targets + 1) * SECOND + 3 * interval_ms * MS
        )


def test_who_asks_seldom_anyway_is_not_held_back() -> None:
    slow = Crowd(fan())
    for target in (1, 2, 3):
        slow.add(target, interval_ns=10 * SECOND)
        slow.run(2)
    slow.run(100)
    assert [len(slow.times(1, target)) for target in (1, 2, 3)] == [11, 11, 11]


@pytest.mark.parametrize("liars", [1, 10])
def test_a_router_that_answers_for_many_hops_of_one_target_takes_nothing_from_the_others(liars: int) -> None:
    def meet(target: int, probe: Probe, now: int) -> Answer:
        if target == 1:
            if probe.ttl == 3:
                return 3, "echo-reply", "198.51.100.1"
            return probe.ttl, "time-exceeded", ROUTER if probe.ttl == 1 else OTHER
        return probe.ttl, "time-exceeded", ROUTER  # at every TTL

    together = Crowd(meet)
    for target in range(1, 2 + liars):
        together.add(target)
    together.run(20)
    begin = len(together.times(1, 1))
    together.run(100)
    asked = len(together.times(1, 1)) - begin
    assert asked >= 0.8 * 100 / (1 + liars)
    # What the liar's own hops have is shared among them in turn.
    own = [len(together.times(ttl, 2)) for ttl in range(2, 20)]
    assert max(own) <= 2 * min(own) + 4


def test_a_loop_in_one_targets_path_is_its_own() -> None:
    def meet(target: int, probe: Probe, now: int) -> Answer:
        return 1, "time-exceeded", ROUTER if probe.ttl % 2 else OTHER

    ring = Crowd(meet)
    ring.add(1, max_ttl=6)
    ring.run(10.9)
    assert [len(ring.times(ttl)) for ttl in range(1, 7)] == [11] * 6


# --- what they see ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [2, 5, 12, 40, 120])
def test_no_answer_of_a_router_like_linuxs_is_lost_from_the_first_round_on(targets: int) -> None:
    limits = [Limited(), Limited()]
    many = Crowd(fan(limits=limits))
    for target in range(targets):
        many.add(target)
    many.run(120)
    lost = sum(many.lost.values())
    asked = len(many.times(1)) + len(many.times(2))
    assert lost <= 0.02 * asked, (lost, asked)


def test_without_it_nearly_all_is_lost() -> None:
    limits = [Limited(), Limited()]
    many = Crowd(fan(limits=limits))
    many.budget.join = lambda per_second, interval, now: None  # type: ignore[method-assign, assignment, return-value]  # what a budget of 0 does
    for target in range(40):
        many.add(target)
    many.run(60)
    assert sum(many.lost.values()) > 0.9 * (len(many.times(1)) + len(many.times(2)))


def test_all_targets_are_known_within_two_seconds() -> None:
    many = crowd(200).run(2)
    assert {target for _, target, ttl in many.sent if ttl == 3} == set(range(1, 201))


def test_four_begin_at_once_and_each_quarter_of_a_second_twice_as_many() -> None:
    budget = Budget()
    begins = Counter(budget.join(1.0, SECOND, SECOND).begins_at for _ in range(60))
    assert begins == {SECOND: FIRST, SECOND + WAVE_NS: 8, SECOND + 2 * WAVE_NS: 16, SECOND + 3 * WAVE_NS: 32}
    assert budget.join(1.0, SECOND, 100 * SECOND).begins_at == 100 * SECOND


# --- what changes -----------------------------------------------------------------------------------------------------


def known(budget: Budget, ttl: int = 1, address: str = ROUTER, count: int = 2) -> list[Turns]:
    all_of_them = [budget.join(1.0, SECOND, 0) for _ in range(count)]
    for turns in all_of_them:
        turns.heard(ttl, address, 0)
    return all_of_them


def test_who_has_gone_leaves_its_turns_to_the_others() -> None:
    many = crowd(4).run(20)
    for target in (2, 3, 4):
        many.sweeps.pop(target).close()
    many.run(10)
    assert len([at for at in many.times(1, 1) if at > 20 * SECOND]) == 10


def test_who_is_paused_leaves_its_turns_to_the_others_and_gets_them_back() -> None:
    many = crowd(2).run(20)
    many.sweeps[2].pause()
    many.run(10)
    assert len([at for at in many.times(1, 1) if at > 20 * SECOND]) == 10
    many.sweeps[2].resume(many.now)
    many._wait(2)
    many.run(20)
    assert 7 <= len([at for at in many.times(1, 2) if at > 30 * SECOND]) <= 13


def test_an_answer_that_comes_in_a_pause_takes_no_turns() -> None:
    def meet(target: int, probe: Probe, now: int) -> Answer:
        if probe.ttl == 3:
            return 60, "echo-reply", f"198.51.100.{target}"
        return 60, "time-exceeded", f"192.0.2.{probe.ttl}"

    both = Crowd(meet)
    both.add(1)
    both.add(2)
    both.run(20)
    while not any(at == both.now and (whose, ttl) == (2, 1) for at, whose, ttl in both.sent[-4:]):
        both.run(0.001)
    both.sweeps[2].pause()
    begin = both.now
    both.run(20)
    assert len([at for at in both.times(1, 1) if at > begin]) >= 19


def test_another_router_at_a_hop_is_asked_at_its_own_pace() -> None:
    budget = Budget()
    one, two = known(budget)
    one.heard(1, OTHER, SECOND)
    assert all(one.may_ask(1, at * SECOND) and two.may_ask(1, at * SECOND) for at in range(2, 6))


def test_a_hop_that_becomes_the_target_is_asked_in_each_round() -> None:
    budget = Budget()
    one, _ = known(budget)
    one.heard(1, None, SECOND)
    assert all(one.may_ask(1, at * SECOND // 10) for at in range(20))


def test_what_nobody_has_heard_of_yet_is_taken_for_what_others_found_there() -> None:
    budget = Budget()
    one, *_ = known(budget, count=3)
    new = budget.join(1.0, SECOND, 0)
    assert not new.may_ask(1, 0)  # three have just asked
    assert new.may_ask(1, 10 * SECOND)
    assert one.may_ask(1, 11 * SECOND)
    assert new.may_ask(1, 12 * SECOND)
    assert not new.may_ask(1, 13 * SECOND)
    assert new.may_ask(2, 13 * SECOND)


@pytest.mark.parametrize("others", [0, 1, 7])
def test_where_others_found_different_routers_each_asks_at_once(others: int) -> None:
    budget = Budget()
    for number in range(others):
        known(budget, address=f"203.0.113.{number}", count=1)
    new = budget.join(1.0, SECOND, 0)
    assert new.may_ask(1, 0)
    assert new.may_ask(1, MS)


def test_a_hop_that_does_not_answer_in_its_turns_is_none_of_the_others_router() -> None:
    budget = Budget()
    known(budget)
    new = budget.join(1.0, SECOND, 0)
    at = 10 * SECOND
    for _ in range(PRESUMED):
        while not new.may_ask(1, at):
            at += SECOND
        new.missed(1, at)
    assert all(new.may_ask(1, at + step * MS) for step in range(20))


def test_a_hop_that_went_silent_while_the_router_answers_others_is_its_own() -> None:
    budget = Budget()
    one, two = known(budget)
    for number in range(GONE):
        one.missed(1, (2 * number + 1) * SECOND)
        two.heard(1, ROUTER, (2 * number + 2) * SECOND)
    at = 20 * SECOND
    assert all(one.may_ask(1, at + step * MS) for step in range(20))


@pytest.mark.parametrize("answers_each", [1, 5, 9])
def test_a_router_that_seldom_answers_is_asked_no_more_often_for_that(answers_each: int) -> None:
    """Forty flows with a budget beyond what it answers: each of them has many questions in a row without an answer."""
    budget = Budget()
    flows = [budget.join(5.0, SECOND, 0) for _ in range(40)]
    for flow in flows:
        flow.heard(1, ROUTER, 0)
    asked = 0
    for at in range(10 * SECOND, 130 * SECOND, SECOND):
        for place, flow in enumerate(flows):
            now = at + place * 25 * MS
            if flow.may_ask(1, now):
                asked += 1
                if asked % answers_each:
                    flow.missed(1, now)
                else:
                    flow.heard(1, ROUTER, now)
    assert asked <= 5 * 120 + 5


def test_how_seldom_a_router_answers_is_known_of_late_and_not_changed_by_asking() -> None:
    router = Router(ROUTER)
    for _ in range(10_000):
        router.count(answered=True)
    assert router.patience(GONE, 0) == GONE
    for _ in range(200):
        router.count(answered=False)
    asked = [router.patience(GONE, 0) for _ in range(20)]
    assert asked[0] > GONE
    assert set(asked) == set(asked[:1])


def test_a_router_that_went_silent_for_all_is_still_asked_in_turn() -> None:
    budget = Budget()
    all_of_them = known(budget, count=10)
    asked = 0
    for step in range(600):
        now = (20 + step / 10) * SECOND
        for turns in all_of_them:
            if turns.may_ask(1, int(now)):
                asked += 1
                turns.missed(1, int(now))
    assert 55 <= asked <= 62


@pytest.mark.parametrize("per_second", [1e-300, 1e-6, 1_000_000.0])
def test_any_budget_is_possible(per_second: float) -> None:
    budget = Budget()
    turns = budget.join(per_second, SECOND, 0)
    other = budget.join(per_second, SECOND, 0)
    turns.heard(1, ROUTER, 0)
    other.heard(1, ROUTER, 0)
    turns.may_ask(1, SECOND)


def test_nothing_is_left_of_flows_that_ended() -> None:
    budget = Budget()
    for turns in known(budget, count=5):
        turns.end()
    assert budget.flows == 0
    assert budget.presumed(1) is None
    new = budget.join(1.0, SECOND, SECOND)
    assert new.may_ask(1, SECOND)
