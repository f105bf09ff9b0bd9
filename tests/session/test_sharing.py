"""What one target's probe meets at a router that others have too is told to them, and counts as no probe of theirs."""

from __future__ import annotations

import pytest

from hopscope.session import sharing
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.plans import plan_of
from hopscope.session.replay import replay
from hopscope.session.report import report
from hopscope.session.sharing import Sharing
from hopscope.session.target import TargetRecord
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Reset, Shared
from hopscope.wire.messages import Answered, Event, Failed, Lost, RoundStarted, Sent, Started

MS = 1_000_000
SECOND = 1000 * MS
EPOCH = 1_700_000_000 * SECOND
FIRST, SECOND_ROUTER = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few targets tell each other as many do, from the first round on."""
    monkeypatch.setattr(sharing, "_MANY", 2)


class Crowd:
    """Targets behind two routers, each with its own fold, and what `Sharing` tells them. The target stands at TTL 3."""

    def __init__(self, count: int, *, shares: bool = True, **probing: object) -> None:
        self.probing = Probing(method="simulated", **probing)  # type: ignore[arg-type]  # test keywords
        self.facts: list[tuple[int, object]] = []
        self.told: list[tuple[int, Shared]] = []
        self.sharing = Sharing(self._tell) if shares else None
        self.records = [self._record(number) for number in range(1, count + 1)]
        self.round = -1

    def _record(self, number: int) -> TargetRecord:
        query = f"198.51.100.{number}"
        asked = Asked(EPOCH, query, self.probing)
        self.facts.append((number, asked))
        record = TargetRecord(number, asked)
        record.flow_id = number
        self._apply(record, Begun(EPOCH, plan_of(self.probing, query)))
        self._apply(record, Started(number, "simulated", "10.0.0.1", None, None, 64, "one", "kernel"))
        return record

    def _apply(self, record: TargetRecord, fact: object) -> None:
        self.facts.append((record.number, fact))
        record.fold.apply(fact)  # type: ignore[arg-type]  # a fact

    def _tell(self, record: TargetRecord, fact: Shared) -> None:
        self.told.append((record.number, fact))
        self._apply(record, fact)

    def hear(self, record: TargetRecord, event: Event) -> None:
        self._apply(record, event)
        if self.sharing is not None:
            self.sharing.heard(record, event)

    def begin(self) -> None:
        """All begin their next round."""
        self.round += 1
        for record in self.records:
            self.hear(record, RoundStarted(record.number, self.round, EPOCH + self.round * SECOND))

    def probe(self, number: int, ttl: int, address: str | None, *, ms: int = 5) -> None:
        """A probe of a target's round under way; `address` None: it is lost."""
        record, round_ = self.records[number - 1], self.round
        at = EPOCH + round_ * SECOND + ttl * 100 * MS + number * MS
        self.hear(record, Sent(number, round_, ttl, at))
        if address is None:
            self.hear(record, Lost(number, round_, ttl, at))
            return
        kind = "echo-reply" if address.startswith("198.51.100") else "time-exceeded"
        self.hear(record, Answered(number, round_, ttl, at, ms * MS, address, kind, 11, 0))  # type: ignore[arg-type]  # one of the two

    def known(self) -> None:
        """A first round, in which each finds both routers and its target."""
        self.begin()
        for number in range(1, len(self.records) + 1):
            self.all_of(number)

    def all_of(self, number: int) -> None:
        self.probe(number, 1, FIRST)
        self.probe(number, 2, SECOND_ROUTER)
        self.probe(number, 3, f"198.51.100.{number}")

    def fold(self, number: int) -> TargetFold:
        return self.records[number - 1].fold


@pytest.mark.usefixtures("small")
def test_the_others_are_told_and_count_no_probe() -> None:
    crowd = Crowd(3)
    crowd.known()
    crowd.begin()
    crowd.told.clear()
    crowd.probe(1, 1, FIRST, ms=8)
    assert [number for number, fact in crowd.told if fact.probe is not None] == [2, 3, 2, 3]
    for number in (2, 3):
        target = crowd.fold(number).snapshot()
        assert [hop.sent for hop in target.path.hops] == [1, 1, 1]
        shared = target.shared[1]
        assert (shared.targets, shared.received, shared.lost) == (3, 2, 0)  # its own, and that one
        assert shared.rtt is not None
        assert shared.rtt.last == 8


@pytest.mark.usefixtures("small")
def test_the_report_says_what_all_of_them_know() -> None:
    crowd = Crowd(4)
    crowd.known()
    for turn in range(12):
        crowd.begin()
        crowd.probe(1 + turn % 4, 1, None if turn == 5 else FIRST)
    for number in range(1, 5):
        first, second, _ = report(crowd.fold(number).snapshot(), now=EPOCH, host="box").hops
        assert first.shared is not None
        sent = 12 if number == 1 else 13  # the first did not know yet that it shares
        assert (first.shared.targets, first.shared.sent, first.shared.lost) == (4, sent, 1)
        assert first.shared.loss_pct == pytest.approx(100 / sent)
        assert first.shared.since.startswith("2023-11-14T22:13:2")
        assert second.shared is None if number == 1 else second.shared is not None and second.shared.sent == 1
        assert first.sent == 4


@pytest.mark.usefixtures("small")
def test_its_row_shows_what_all_of_them_know_and_the_hop_counts_its_own_probes() -> None:
    crowd = Crowd(4)
    crowd.known()
    for turn in range(12):
        crowd.begin()
        crowd.probe(1 + turn % 4, 1, None if turn == 5 else FIRST)
    path = crowd.fold(2).snapshot().path
    own, row = path.hops[0], path.rows[0]
    assert (own.sent, row.sent, row.received, row.lost) == (4, 13, 12, 1)
    assert row.loss_pct == pytest.approx(100 / 13)
    assert row.rtt is not None
    assert row.rtt.median == crowd.fold(2).snapshot().shared[1].rtt.median  # type: ignore[union-attr]  # it answered
    assert (row.nodes, row.window.samples.tolist()) == (own.nodes, own.window.samples.tolist())


def test_where_each_asks_in_each_round_nothing_is_told() -> None:
    for interval_s, budget in ((10.0, 1.0), (1.0, 0.0), (1.0, 3.0)):
        crowd = Crowd(3, interval_s=interval_s, budget=budget)
        crowd.known()
        crowd.begin()
        crowd.all_of(1)
        assert crowd.told == []


@pytest.mark.usefixtures("small")
def test_who_asked_in_this_round_hears_nothing_of_the_others() -> None:
    crowd = Crowd(2)
    crowd.known()
    crowd.begin()
    crowd.probe(2, 1, FIRST)
    crowd.told.clear()
    crowd.probe(1, 1, FIRST)
    assert crowd.told == []


@pytest.mark.usefixtures("small")
def test_who_is_paused_or_probed_in_another_way_hears_nothing() -> None:
    crowd = Crowd(4)
    crowd.known()
    crowd.begin()
    crowd.fold(2).is_paused = True
    crowd.records[2].flow_id = 0
    crowd.told.clear()
    record = crowd.records[0]
    at = EPOCH + SECOND
    crowd.hear(record, Sent(1, 1, 1, at))
    assert [number for number, fact in crowd.told if fact.probe is not None] == [4]
    crowd.records[3].flow_id = 99
    crowd.hear(record, Answered(1, 1, 1, at, MS, FIRST, "time-exceeded"))
    assert [number for number, fact in crowd.told if fact.probe is not None] == [4]


def test_who_goes_another_way_shares_no_more() -> None:
    crowd = Crowd(2)
    crowd.known()
    crowd.begin()
    crowd.probe(1, 1, FIRST)
    assert 1 in crowd.fold(2).snapshot().shared
    crowd.begin()
    crowd.probe(2, 1, "192.0.2.99")
    assert 1 not in crowd.fold(2).snapshot().shared
    assert 1 not in crowd.fold(1).snapshot().shared
    crowd.told.clear()
    crowd.begin()
    crowd.probe(1, 1, FIRST)
    assert crowd.told == []


def test_what_this_computer_failed_in_or_another_router_answered_says_nothing_of_it() -> None:
    crowd = Crowd(2)
    crowd.known()
    crowd.begin()
    before = numbers(crowd)
    crowd.hear(crowd.records[0], Sent(1, 1, 1, EPOCH + SECOND))
    crowd.hear(crowd.records[0], Failed(1, 1, 1, EPOCH + SECOND, "OVERFLOW", "full"))
    crowd.hear(crowd.records[0], Sent(1, 1, 2, EPOCH + SECOND))
    crowd.hear(crowd.records[0], Answered(1, 1, 2, EPOCH + SECOND, MS, "192.0.2.99", "time-exceeded"))
    assert numbers(crowd) == {1: before[1]}  # and the second hop is shared no more


def numbers(crowd: Crowd) -> dict[int, tuple[int, int]]:
    return {ttl: (shared.received, shared.lost) for ttl, shared in crowd.fold(2).snapshot().shared.items()}


@pytest.mark.usefixtures("small")
def test_behind_a_fork_nobody_is_told_what_another_member_lost() -> None:
    crowd = Crowd(3)
    crowd.begin()
    for number, member in ((1, "203.0.113.1"), (2, "203.0.113.2"), (3, "203.0.113.1")):
        crowd.probe(number, 1, member)
        crowd.probe(number, 2, SECOND_ROUTER)
    crowd.begin()
    crowd.told.clear()
    crowd.probe(1, 2, None)
    assert {number for number, _ in crowd.told} == {1, 3}
    assert 2 in crowd.fold(3).snapshot().shared
    assert crowd.fold(2).snapshot().shared[2].lost == 0


def test_a_member_that_never_answers_is_another_way_too() -> None:
    crowd = Crowd(2)
    crowd.begin()
    crowd.probe(1, 1, None)
    crowd.probe(2, 1, FIRST)
    for number in (1, 2):
        crowd.probe(number, 2, SECOND_ROUTER)
    crowd.begin()
    crowd.told.clear()
    crowd.probe(1, 2, None)
    assert [number for number, fact in crowd.told if fact.probe is not None] == []


def test_one_targets_flows_tell_its_first_one() -> None:
    crowd = Crowd(1, protocol="udp", flows=4)
    (record,) = crowd.records
    crowd.begin()
    for flow in range(4):
        crowd.hear(record, Sent(1, 0, 1, EPOCH, flow))
        crowd.hear(record, Answered(1, 0, 1, EPOCH, MS, FIRST, "time-exceeded", flow=flow))
    crowd.begin()
    crowd.told.clear()
    crowd.hear(record, Sent(1, 1, 1, EPOCH + SECOND, 2))
    crowd.hear(record, Lost(1, 1, 1, EPOCH + SECOND, 2))
    target = record.fold.snapshot()
    assert target.path.hops[0].sent == 1
    assert (target.shared[1].targets, target.shared[1].flows, target.shared[1].lost) == (1, 4, 1)
    told = [fact.probe for _, fact in crowd.told if fact.probe is not None]
    assert [(type(probe), probe.flow, probe.round) for probe in told] == [(Sent, 0, 1), (Lost, 0, 1)]


def test_a_reset_begins_anew() -> None:
    crowd = Crowd(2)
    crowd.known()
    crowd.begin()
    crowd.probe(1, 1, FIRST)
    crowd.fold(2).apply(Reset(EPOCH + 10 * SECOND))
    assert crowd.fold(2).snapshot().shared == {}


def outage(*, shares: bool) -> list[tuple[str, int | None, int | None]]:
    """Ten targets take turns at two routers, and the link between these fails: what each judge says eight rounds
    later."""
    crowd = Crowd(10, shares=shares)
    crowd.known()
    for turn in range(48):
        crowd.begin()
        is_up = turn < 40
        asker = 1 + turn % 10
        crowd.probe(asker, 1, FIRST)
        crowd.probe(asker, 2, SECOND_ROUTER if is_up else None)
        for number in range(1, 11):
            crowd.probe(number, 3, f"198.51.100.{number}" if is_up else None)
    crowd.begin()
    verdicts = [record.fold.judge.judged().verdict for record in crowd.records]
    return [(verdict.kind, verdict.first_ttl, verdict.last_ttl) for verdict in verdicts]


def test_a_judge_that_hears_of_the_others_probes_knows_where_the_outage_is() -> None:
    assert outage(shares=True) == [("outage", 1, 2)] * 10


def test_without_them_it_does_not() -> None:
    assert outage(shares=False) != [("outage", 1, 2)] * 10


def test_the_facts_again_give_the_same_again() -> None:
    crowd = Crowd(3)
    crowd.known()
    for turn in range(9):
        crowd.begin()
        crowd.all_of(1 + turn % 3)
    folds = replay(crowd.facts)  # type: ignore[arg-type]  # facts
    for record in crowd.records:
        assert folds[record.number].snapshot() == record.fold.snapshot()
        twin = record.fold.copy()
        twin.apply(Reset(EPOCH + 100 * SECOND))
        assert record.fold.snapshot().shared


@pytest.mark.parametrize("lie", ["loses", "is slow"])
def test_what_is_met_at_one_address_and_cannot_be_one_routers_is_told_no_more(lie: str) -> None:
    crowd = Crowd(2)
    crowd.known()
    for _ in range(24):
        crowd.begin()
        if crowd.round % 2:
            crowd.probe(1, 1, FIRST)
        elif lie == "loses":
            crowd.probe(2, 1, FIRST if crowd.round % 4 else None)
        else:
            crowd.probe(2, 1, FIRST, ms=205)
    crowd.told.clear()
    crowd.begin()
    crowd.probe(2, 1, None)
    crowd.begin()
    crowd.probe(1, 1, FIRST)
    assert [fact for _, fact in crowd.told if fact.probe is not None] == []


def test_an_outage_that_all_meet_is_told_to_all() -> None:
    crowd = Crowd(4)
    crowd.known()
    for turn in range(40):
        crowd.begin()
        crowd.probe(1 + turn % 4, 1, FIRST)
    for turn in range(12):
        crowd.begin()
        crowd.told.clear()
        crowd.probe(1 + turn % 4, 1, None)
        assert len({number for number, fact in crowd.told if isinstance(fact.probe, Lost)}) == 3


def test_few_targets_tell_each_other_nothing_before_both_know_the_router_themselves() -> None:
    crowd = Crowd(3)
    crowd.known()
    for _ in range(4):
        crowd.begin()
        crowd.probe(1, 1, None)
    assert [fact for _, fact in crowd.told if isinstance(fact.probe, Lost)] == []


def test_nothing_is_held_of_a_target_that_is_gone() -> None:
    crowd = Crowd(3)
    crowd.known()
    crowd.begin()
    for number in (1, 2, 3):
        crowd.probe(number, 1, FIRST if number > 1 else None)
    assert crowd.sharing is not None
    gone = crowd.records[0]
    gone.flow_id = 0
    crowd.sharing.forget(1)
    held = [*crowd.sharing._at, *crowd.sharing._silent, *crowd.sharing._met, *crowd.sharing._rounds]
    held += [key[0] for key in crowd.sharing._flying]
    held += [place for router in crowd.sharing._routers.values() for place in router.places]
    assert [place for place in held if place.target == 1] == []
    assert {place.target for place in held} == {2, 3}
