"""Members of a fan beside each other, round by round: what is named, when it is over, and what must never be said."""

from __future__ import annotations

from random import Random

import pytest

from hopscope.judge.fan import FanWatch, FlowRound
from hopscope.judge.links import BadLinks, Members
from hopscope.judge.parallel import LOST

OK = 10_000_000
MEMBERS = 8


def member(number: int) -> Members:
    return ((7, f"198.51.100.{number}"),)


class Fan:
    """Flows over eight members that lose at these rates; what they lose may be changed while rounds go by."""

    def __init__(self, seed: int, flows: int = 16, **rates: float) -> None:
        self.rng = Random(seed)
        self.rates = [rates.get("others", 0.0)] * MEMBERS
        self.rates[4] = rates.get("bad", self.rates[4])
        self.slow: frozenset[int] = frozenset()
        self.ways = [member(flow % MEMBERS) for flow in range(flows)]
        self.known = [True] * flows
        self.rows: list[list[int]] = [[] for _ in range(flows)]
        self.flow_rates: dict[int, float] = {}
        self.watch = FanWatch()
        self.burst = 1.0
        self.is_out = False
        """Nothing comes back to any flow."""
        self._is_lost = [False] * MEMBERS

    def play(self, rounds: int) -> Fan:
        for _ in range(rounds):
            self._weather()
            for flow, row in enumerate(self.rows):
                rate = self.flow_rates.get(flow, self.rates[flow % MEMBERS])
                lost = self._is_lost[flow % MEMBERS] if self.burst > 1 else self.rng.random() < rate
                rtt = OK + self.rng.randrange(OK // 10) + (OK if flow % MEMBERS in self.slow else 0)
                row.append(LOST if lost or self.is_out else rtt)
            ports = [20_000 + flow for flow in range(len(self.rows))]
            first = max(0, len(self.rows[0]) - 1024)
            rows = [row[first:] for row in self.rows]
            self.watch.take(FlowRound(first, rows, self.ways, self.known, ports, lambda flow, ttl: (50, 20)))
        return self

    def _weather(self) -> None:
        for at, rate in enumerate(self.rates):
            if self.burst > 1:
                chance = 1 - 1 / self.burst if self._is_lost[at] else rate / self.burst / (1 - rate)
                self._is_lost[at] = self.rng.random() < chance

    def outage(self, rounds: int) -> Fan:
        self.is_out = True
        self.play(rounds)
        self.is_out = False
        return self

    def until_named(self, most: int) -> int | None:
        for round_ in range(most):
            if self.play(1).watch.bad is not None:
                return round_ + 1
        return None

    @property
    def bad(self) -> BadLinks:
        assert self.watch.bad is not None
        return self.watch.bad


def test_the_bad_member_is_named_with_its_flows_ports_and_routers_and_the_others_beside_it() -> None:
    bad = Fan(1, bad=0.4).play(120).bad
    assert (bad.flows, bad.ports) == ((4, 12), (20_004, 20_012))
    assert (bad.routers, bad.place) == (((7, "198.51.100.4"),), (6, 7))
    assert (bad.bad, bad.paths, bad.is_dead, bad.is_hidden) == (1, 8, False, False)
    assert bad.sent > 200
    assert 0.3 < bad.lost / bad.sent < 0.5
    assert (bad.others_sent, bad.others_lost) == (7 * bad.sent, 0)
    assert bad.confidence >= 0.99


def test_an_answer_a_round_for_all_of_them_is_a_limit_and_nobody_is_bad() -> None:
    fan = Fan(1, flows=8)
    for round_ in range(60):
        for flow, row in enumerate(fan.rows):
            row.append(OK if flow == round_ * 3 % 8 else LOST)
    fan.play(0)
    fan.watch.take(FlowRound(0, fan.rows, fan.ways, fan.known, [20_000 + flow for flow in range(8)]))
    assert fan.watch.is_limited
    assert fan.watch.bad is None
    assert {finding.state for finding in fan.watch.findings} == {"unknown"}


@pytest.mark.parametrize(("rate", "flows"), [(0.2, 8), (0.8, 8), (0.9, 16), (1.0, 8)])
def test_what_chance_loses_is_no_limit_however_much(rate: float, flows: int) -> None:
    fan = Fan(2, flows=flows, others=rate, bad=rate)
    for _ in range(150):
        fan.play(1)
        assert not fan.watch.is_limited


@pytest.mark.parametrize("seed", range(12))
def test_a_fifth_beside_a_hundredth_is_named_and_nobody_else(seed: int) -> None:
    fan = Fan(seed, bad=0.2, others=0.01)
    rounds = fan.until_named(260)
    assert rounds is not None
    assert {flow % MEMBERS for flow in fan.bad.flows} == {4}


def test_most_are_named_within_a_hundred_and_forty_rounds() -> None:
    rounds = [Fan(100 + seed, bad=0.2, others=0.01).until_named(260) or 999 for seed in range(30)]
    assert sum(one <= 140 for one in rounds) >= 27, sorted(rounds)


@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_where_all_are_alike_nobody_is_named(burst: float) -> None:
    for seed in range(3):
        fan = Fan(200 + seed, flows=8, others=0.03, bad=0.03)
        fan.burst = burst
        assert fan.until_named(500) is None


def test_what_is_over_is_no_more_said_and_may_come_again() -> None:
    fan = Fan(3, bad=0.4)
    assert fan.until_named(150) is not None
    began = len(fan.rows[0])
    fan.rates[4] = 0.0
    fan.play(40)
    assert fan.watch.bad is None
    assert {finding.state for finding in fan.watch.findings} == {"ok"}
    fan.rates[4] = 0.4
    again = fan.until_named(150)
    assert again is not None
    assert fan.bad.since > began


def test_a_member_that_lets_nothing_through_is_dead() -> None:
    bad = Fan(4, bad=1.0).play(80).bad
    assert bad.is_dead
    assert bad.others_lost == 0


def test_when_all_are_cut_off_that_is_no_members_fault() -> None:
    fan = Fan(5, bad=0.5).play(120)
    assert fan.watch.bad is not None
    fan.rates = [1.0] * MEMBERS
    fan.play(15)
    assert fan.watch.bad is None


@pytest.mark.parametrize("flows", [2, 5, 8, 16])
@pytest.mark.parametrize("lasts", [8, 60, 300])
def test_what_all_flows_lose_in_an_outage_of_all_is_none_of_the_bad_members(flows: int, lasts: int) -> None:
    fan = Fan(1, flows)
    fan.flow_rates = {1: 0.2}
    before = fan.play(300).watch.bad
    after = fan.outage(lasts).play(20).watch.bad
    assert before is not None
    assert after is not None
    assert after.since == before.since
    assert (after.flows, after.is_dead) == (before.flows, False)
    for sent, lost in ((after.sent, after.lost), after.in_all):
        assert lost / sent == pytest.approx(0.2, abs=0.05)
    assert after.others_lost == 0


def test_a_member_that_dies_after_an_outage_of_all_is_named_as_soon_as_any() -> None:
    fan = Fan(1)
    fan.play(100).outage(120).play(30)
    fan.rates[4] = 1.0
    assert (fan.until_named(60) or 99) <= 60
    assert fan.watch.findings[4].state == "dead"


def test_a_slow_member_is_slow_still_after_an_outage_of_all() -> None:
    fan = Fan(1)
    fan.slow = frozenset({2})
    fan.play(200).outage(200).play(2)
    assert fan.watch.bad is not None
    assert fan.watch.bad.flows == (2, 10)
    assert fan.watch.bad.lost == 0


def test_a_loss_that_all_have_by_chance_counts_for_the_bad_member_too() -> None:
    bad = Fan(1, 2)
    bad.flow_rates = {0: 0.4, 1: 0.1}
    found = bad.play(900).watch.bad
    assert found is not None
    assert found.lost / found.sent == pytest.approx(0.4, abs=0.05)
    assert found.others_lost / found.others_sent == pytest.approx(0.1, abs=0.03)


def test_a_slow_member_is_slow_with_both_medians() -> None:
    fan = Fan(6)
    fan.slow = frozenset((2,))
    slow = fan.play(90).bad
    assert [finding.state for finding in fan.watch.findings[:4]] == ["ok", "ok", "slow", "ok"]
    assert (slow.flows, slow.routers, slow.bad, slow.paths, slow.lost) == ((2, 10), ((7, "198.51.100.2"),), 1, 8, 0)
    assert slow.usual_ns == pytest.approx(1.05 * OK, rel=0.05)
    assert slow.now_ns == pytest.approx(2.05 * OK, rel=0.05)
    assert not slow.is_dead


def test_a_member_some_of_whose_answers_are_slow_is_not_called_slow_for_its_middle_is_not() -> None:
    fan = Fan(6)
    for _ in range(200):
        fan.slow = frozenset((2,)) if fan.rng.random() < 0.3 else frozenset()
        fan.play(1)
        assert fan.watch.bad is None


def test_a_slow_member_that_is_quick_again_is_no_more_said() -> None:
    fan = Fan(6)
    fan.slow = frozenset((2,))
    fan.play(90)
    fan.slow = frozenset()
    fan.play(60)
    assert fan.watch.bad is None


def test_loss_of_one_member_is_said_before_another_ones_delay() -> None:
    fan = Fan(6, bad=0.4)
    fan.slow = frozenset((2,))
    bad = fan.play(150).bad
    assert (bad.flows, bad.now_ns) == ((4, 12), None)


def test_a_flow_that_loses_beside_others_of_its_member_is_a_hidden_link() -> None:
    fan = Fan(7, flows=8)
    fan.ways = [()] * 8
    fan.flow_rates = {3: 0.4}
    bad = fan.play(150).bad
    assert (bad.flows, bad.is_hidden, bad.bad, bad.routers, bad.place) == ((3,), True, 0, (), None)


def test_a_flow_of_which_the_way_is_not_known_yet_is_named_by_itself_alone() -> None:
    fan = Fan(8, bad=0.4)
    fan.known = [False] * 16
    fan.play(150)
    assert {flow % MEMBERS for flow in fan.bad.flows} == {4}
    assert (fan.bad.bad, fan.bad.routers, fan.bad.place, fan.bad.is_hidden) == (0, (), None, False)
    fan.known = [True] * 16
    fan.play(1)
    assert (fan.bad.bad, fan.bad.paths, fan.bad.routers) == (1, 8, ((7, "198.51.100.4"),))


def test_a_flow_that_goes_another_way_takes_no_evidence_with_it() -> None:
    fan = Fan(9, bad=0.4).play(120)
    assert 4 in fan.bad.flows
    fan.flow_rates = {4: 0.0}
    fan.ways[4] = member(0)
    fan.play(60)
    assert fan.watch.findings[4].state == "ok"
    assert fan.bad.flows == (12,)


def test_one_flow_alone_and_none_are_compared_with_nobody() -> None:
    watch = FanWatch()
    watch.take(FlowRound(0, [[LOST] * 50], [()], [True]))
    assert (watch.bad, [finding.state for finding in watch.findings]) == (None, ["unknown"])
    watch.take(FlowRound(0, [], [], []))
    assert (watch.bad, watch.findings) == (None, ())


def test_what_goes_on_losing_a_fifth_is_not_called_well_again() -> None:
    ended = 0
    for seed in range(8):
        fan = Fan(seed, 8, bad=0.2)
        assert fan.until_named(200)
        for _ in range(200):
            ended += fan.play(1).watch.bad is None
    assert ended == 0


def test_losses_in_bursts_are_waited_for_as_long_as_they_come_apart() -> None:
    fan = Fan(3, 8)
    for turn in range(12):
        fan.rates[4] = 1.0
        fan.play(4)
        fan.rates[4] = 0.0
        fan.play(36)
        assert turn < 8 or fan.watch.bad is not None


def test_a_dead_member_that_lives_again_is_called_well_at_once() -> None:
    fan = Fan(1, 8, bad=1.0).play(120)
    assert fan.bad.is_dead
    fan.rates[4] = 0.0
    assert fan.play(15).watch.bad is None


def test_where_ways_part_before_the_bad_router_nobody_there_is_named_but_the_one_that_all_bad_flows_meet() -> None:
    fan = Fan(2, 16, bad=0.4)
    fan.ways = [((5, f"203.0.113.{flow % 2}"), (6, f"203.0.113.{flow // 8}"), *member(flow % 8)) for flow in range(16)]
    assert fan.play(200).bad.sides == ((5, "203.0.113.0"), (6, None), (7, "198.51.100.4"))


def two_forks(seed: int, first: int, second: int, loss: float) -> FanWatch:
    """Ways over two forks, one member of the second of which loses, after 140 rounds; the watch looks each five."""
    rng, watch = Random(seed), FanWatch()
    ways: list[Members] = [((3, f"a{i}"), (5, f"b{j}")) for i in range(first) for j in range(second)]
    rows: list[list[int]] = [[] for _ in ways]
    for round_ in range(140):
        for way, row in zip(ways, rows, strict=True):
            row.append(LOST if rng.random() < (loss if way[1][1] == "b0" else 0.01) else OK)
        if round_ % 5 == 4:
            watch.take(FlowRound(0, rows, ways, [True] * len(ways)))
    return watch


@pytest.mark.parametrize(("first", "second"), [(2, 2), (4, 2), (4, 4)])
def test_a_router_by_which_many_ways_go_is_named_by_what_they_lose_together(first: int, second: int) -> None:
    named = [two_forks(seed, first, second, 0.2).bad for seed in range(20)]
    found = [bad is not None and bad.routers == ((5, "b0"),) for bad in named]
    assert sum(found) >= 18
    states = [finding.state for finding in two_forks(1, first, second, 0.2).findings]
    assert states == ["bad" if at % second == 0 else "ok" for at in range(first * second)]


def test_ways_over_two_forks_that_are_alike_are_hardly_ever_named() -> None:
    assert sum(two_forks(seed, 4, 4, 0.01).bad is not None for seed in range(60)) <= 1


@pytest.mark.parametrize(("flow", "flows"), [(0, 2), (1, 2), (3, 4)])
def test_one_of_few_flows_that_is_cut_off_is_known_once_its_silence_is_no_burst(flow: int, flows: int) -> None:
    fan = Fan(1, flows=flows).play(40)
    fan.flow_rates[flow] = 1.0
    fan.play(25)  # as long as the longest burst of an hour, where they are of four losses in the mean
    assert fan.watch.bad is None
    assert fan.until_named(20) == 15
    assert fan.bad.flows == (flow,)
    assert fan.watch.findings[flow].state == "dead"
    fan.flow_rates[flow] = 0.0
    fan.play(1)
    assert fan.watch.bad is None


def test_what_a_limit_had_saved_up_at_first_hides_it_for_few_rounds() -> None:
    fan = Fan(1, flows=16)
    for round_ in range(14):
        given = 6 if round_ == 0 else 1
        for flow in range(16):
            fan.flow_rates[flow] = 0.0 if 3 <= flow < 3 + given else 1.0
        fan.play(1)
    assert fan.watch.is_limited
    assert fan.watch.bad is None


def test_the_target_is_reached_where_any_other_flow_reaches_it() -> None:
    fan = Fan(1, flows=4).play(5)
    assert fan.watch.is_reached
    fan.flow_rates = dict.fromkeys(range(1, 4), 1.0)
    assert not fan.play(3).watch.is_reached


def test_where_most_links_below_one_address_are_bad_flows_that_lose_nothing_are_not_named() -> None:
    for seed in range(6):
        fan = Fan(seed, 32, bad=0.4)
        fan.flow_rates[4] = 0.0
        fan.play(250)
        assert fan.watch.findings[4].state == "ok"
        assert 4 not in fan.bad.flows
        assert fan.bad.is_hidden


def test_a_target_that_answers_the_others_seldom_is_reached_all_the_time_and_one_that_fell_silent_is_not() -> None:
    seldom = Fan(1, others=0.9, flows=5)
    reached = [seldom.play(1).watch.is_reached for _ in range(400)]
    assert all(reached[100:])
    silent = Fan(1, flows=5).play(100)
    silent.rates = [1.0] * MEMBERS
    assert [silent.play(1).watch.is_reached for _ in range(4)] == [True, True, False, False]


def test_the_others_lose_too_while_they_do_and_not_for_an_episode() -> None:
    fan = Fan(3, bad=0.4, others=0.05).play(200)
    sent, lost = fan.bad.others_now or (0, 0)
    assert 0.03 < lost / sent < 0.07
    fan.rates = [0.4 if rate > 0.1 else 0.0 for rate in fan.rates]
    assert fan.play(200).bad.others_now is None
    fan.rates = [1.0] * MEMBERS
    fan.play(8).rates = [0.4 if at == 4 else 0.0 for at in range(MEMBERS)]
    fan.play(30)
    assert fan.watch.bad is None or fan.watch.bad.others_now is None
