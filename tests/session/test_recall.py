"""A session's earlier moments: what was known then, and what was said then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hopscope.judge.verdict import Judged, Verdict
from hopscope.session.facts import Asked
from hopscope.session.model import Probing, Target
from hopscope.session.recall import Recall
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Paused, Resumed
from hopscope.wire.messages import Answered, Event, Kind, Lost, Plan, RoundStarted, Sent

S = 1_000_000_000
MS = 1_000_000
BEGIN = 1_795_446_120 * S
HOPS = 5
TARGET = "192.0.2.80"


def facts_of(round_: int, last: int = HOPS) -> Iterator[Event]:
    """A round of which hops behind `last` do not answer; their losses are known three seconds later."""
    at = BEGIN + round_ * S
    yield RoundStarted(1, round_, at)
    for ttl in range(1, HOPS + 1):
        yield Sent(1, round_, ttl, at + ttl * MS)
        if ttl <= last:
            is_end = ttl == HOPS
            who = TARGET if is_end else f"192.0.2.{ttl}"
            kind: Kind = "echo-reply" if is_end else "time-exceeded"
            yield Answered(1, round_, ttl, at + ttl * MS, ttl * MS, who, kind, 0 if is_end else 11, 0, 60)
        else:
            yield Lost(1, round_, ttl, at + ttl * MS)


class Watched:
    """A target that is looked at once a second, as a screen does."""

    def __init__(self, number: int = 1) -> None:
        self.fold = TargetFold(number, Asked(BEGIN, TARGET, Probing()))
        self.fold.apply(Begun(BEGIN, Plan(TARGET, 4)))
        self.seen: dict[int, Target] = {}
        self.round = 0

    def play(self, rounds: int, last: int = HOPS) -> Watched:
        for _ in range(rounds):
            for fact in facts_of(self.round, last):
                self.fold.apply(fact)
            now = BEGIN + self.round * S + S // 2
            self.seen[now] = self.fold.snapshot(now=now)
            self.round += 1
        return self

    @property
    def now(self) -> Target:
        return self.fold.snapshot(now=BEGIN + self.round * S)

    def at(self, recall: Recall, moment: int) -> Target:
        (target,) = recall.targets([(self.fold, self.now)], moment, "start", 1, None)
        return target


def said(target: Target) -> tuple[object, ...]:
    """What is said of a target, but for numbers that move with every round."""
    verdict = target.judged.verdict
    return verdict.kind, verdict.first_ttl, verdict.last_ttl, [each.id for each in target.judged.incidents]


def test_each_moment_is_what_the_screen_showed_then_forth_and_back() -> None:
    watched = Watched().play(30).play(15, last=2).play(40)
    recall = Recall()
    moments = [*watched.seen]
    for moment in (*reversed(moments), *moments[::7]):
        then, shown = watched.at(recall, moment), watched.seen[moment]
        assert said(then) == said(shown)
        assert then.path.rounds == shown.path.rounds
        assert then.path.target == shown.path.target
        assert [hop.sent for hop in then.path.hops] == [hop.sent for hop in shown.path.hops]


def test_what_was_said_before_the_fault_was_known_is_not_corrected() -> None:
    watched = Watched().play(30).play(15, last=2).play(40)
    (trouble,) = [one for one in watched.fold.told.happenings(watched.now.judged) if isinstance(one.what, Verdict)]
    recall = Recall()
    assert watched.at(recall, trouble.at - 1).judged.verdict.kind == "healthy"
    then = watched.at(recall, trouble.at).judged
    assert then.verdict.is_trouble
    assert then.incidents[-1].end is None
    assert watched.now.judged.incidents[-1].end is not None
    assert not watched.at(recall, BEGIN + 20 * S).judged.incidents


def test_a_pause_is_a_pause_then_and_an_event_to_go_to() -> None:
    watched = Watched().play(20)
    paused = BEGIN + 20 * S
    watched.fold.apply(Paused(paused))
    watched.fold.apply(Resumed(paused + 30 * S))
    watched.round += 30
    watched.play(10)
    recall = Recall()
    assert [watched.at(recall, at).state for at in (paused - S, paused + S, paused + 31 * S)] == [
        "running",
        "paused",
        "running",
    ]
    assert paused in [one.at for one in watched.fold.told.happenings(watched.now.judged)]


def test_before_the_first_round_it_only_starts() -> None:
    watched = Watched().play(5)
    then = watched.at(Recall(), BEGIN - 1)
    assert (then.state, then.path.hops, then.judged.verdict.kind) == ("starting", (), "starting")


def test_many_targets_are_known_bit_by_bit_and_the_chosen_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hopscope.session.recall._FOR_OTHERS_S", 0.0)
    many = [Watched(number).play(12) for number in (1, 2, 3)]
    known = [(watched.fold, watched.now) for watched in many]
    recall = Recall()

    def rounds() -> tuple[bool, list[int]]:
        targets = recall.targets(known, BEGIN + 5 * S, "start", 2, None)
        assert [target.judged.verdict.kind for target in targets] == [targets[1].judged.verdict.kind] * 3
        return recall.is_whole, [target.path.rounds for target in targets]

    assert rounds() == (False, [0, 6, 0])
    monkeypatch.setattr("hopscope.session.recall._FOR_OTHERS_S", 60.0)
    assert rounds() == (True, [6, 6, 6])


def test_what_is_kept_of_what_was_said_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from hopscope.session.told import Told

    monkeypatch.setattr("hopscope.session.told._MOST", 50)
    told = Told()
    for second in range(1000):
        kind = "outage" if second % 2 else "healthy"
        told.keep(Judged(verdict=Verdict(kind=kind, at=second * S)), second * S)  # type: ignore[arg-type] # of a kind
    assert len(told._times) <= 50
    assert told.at(999 * S, Judged(verdict=Verdict(kind="healthy"))).verdict.kind == "outage"
    assert len(told.happenings(Judged(verdict=Verdict(kind="healthy")))) <= 50
