"""A long axis of time: exact while there is room, coarser before that, and never more than its bounds."""

from __future__ import annotations

import msgspec
import pytest

from hopscope.path import timeline
from hopscope.path.bins import SPANS, TARGET, Bin, SpanBins, together
from hopscope.path.fold import PathFold
from hopscope.path.snapshot import NO_PROBE
from hopscope.path.timeline import Timeline
from hopscope.session.facts import Asked
from hopscope.session.model import Probing
from hopscope.session.target_fold import TargetFold
from hopscope.wire.facts import Begun, Reset
from hopscope.wire.messages import Answered, Late, Lost, Plan, RoundStarted, Sent, Started

S = 1_000_000_000
MINUTE = 60 * S
HOUR = 3600 * S
BEGUN = 1_767_268_800 * S
ALWAYS = (0, 1 << 62)


class Run:
    """Rounds of two hops; the target loses each `lossy`-th."""

    def __init__(self, *, limit: int = 8 << 20, interval: int = S) -> None:
        self.fold = PathFold("192.0.2.2")
        self.timeline = Timeline(limit)
        self.interval = interval
        self.number = 0

    def go(self, rounds: int, lossy: int = 7) -> None:
        for _ in range(rounds):
            number, at = self.number, BEGUN + self.number * self.interval
            fold = self.fold
            fold.apply(RoundStarted(1, number, at))
            for ttl in (1, 2):
                fold.apply(Sent(1, number, ttl, at))
            fold.apply(Answered(1, number, 1, at, 1_000_000 + number, "192.0.2.1", "time-exceeded"))
            if number % lossy == 3:
                fold.apply(Lost(1, number, 2, at))
            else:
                fold.apply(Answered(1, number, 2, at, 2_000_000 + number, "192.0.2.2", "echo-reply"))
            self.number += 1
            if self.timeline.is_due(number):
                self.timeline.take(fold.snapshot())

    def spans(self, span: int, begin: int = 0, end: int = 1 << 62) -> list[SpanBins]:
        return self.timeline.between(self.fold.snapshot(), begin, end, span)


def counted(spans: list[SpanBins], ttl: int = TARGET) -> tuple[int, int, int]:
    one = Bin()
    for span in spans:
        one.merge(span.bins.get(ttl, Bin()))
    return one.sent, one.received, one.lost


@pytest.mark.parametrize("rounds", [1, 319, 1200, 3000])
def test_nothing_of_a_run_is_missing_and_nothing_counts_twice(rounds: int) -> None:
    run = Run()
    run.go(rounds)
    lost = (rounds + 3) // 7
    for span in SPANS:
        spans = run.spans(span)
        assert counted(spans) == counted(spans, 2) == (rounds, rounds - lost, lost)
        assert counted(spans, 1) == (rounds, rounds, 0)
        assert [part.begin for part in spans] == sorted({part.begin for part in spans})
    assert len(run.spans(S)) == rounds


def test_a_part_of_the_time_is_that_part() -> None:
    run = Run()
    run.go(2000)
    spans = run.spans(MINUTE, BEGUN + 10 * MINUTE, BEGUN + 15 * MINUTE)
    assert [span.begin for span in spans] == [BEGUN + number * MINUTE for number in range(10, 15)]
    assert counted(spans, 1) == (300, 300, 0)


def test_what_is_older_becomes_minutes_then_tens_then_hours_and_counts_the_same() -> None:
    run = Run(interval=10 * S)
    run.go(6 * 60 * 36)
    spans = run.spans(10 * S)
    assert counted(spans, 1) == (12_960, 12_960, 0)
    lengths = [span.span for span in spans]
    assert lengths == sorted(lengths, reverse=True)
    assert set(lengths) == {600 * S, MINUTE, 10 * S}


def test_a_year_stays_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """In small: as many bins as make each of the steps overflow."""
    monkeypatch.setattr(timeline, "_KEPT", {MINUTE: 30, 10 * MINUTE: 20, HOUR: 24})
    line, path = Timeline(1 << 20), PathFold("").snapshot()
    for minute in range(60 * 60):
        line.add([SpanBins(BEGUN + minute * MINUTE, MINUTE, {1: Bin.of([1_000_000 + minute])})])
    spans = line.between(path, *ALWAYS, MINUTE)
    kept = {length: [span for span in spans if span.span == length] for length in (MINUTE, 10 * MINUTE, HOUR)}
    assert [len(part) for part in kept.values()] == [30, 15, 24]
    assert spans[0].begin == BEGUN + (60 - 27) * HOUR
    assert all(counted([span], 1)[0] == span.span // MINUTE for span in spans)


@pytest.mark.parametrize("limit", [0, 3000, 40_000])
def test_a_small_limit_is_kept_and_costs_the_oldest(limit: int) -> None:
    run = Run(limit=limit)
    run.go(5000)
    assert run.timeline.bytes <= limit
    newest = [span for span in run.spans(S) if span.begin >= BEGUN + 4500 * S]
    assert counted(newest, 1) == (500, 500, 0)


def test_a_reset_forgets_nothing_on_the_axis() -> None:
    run = Run()
    run.go(500)
    run.timeline.take(run.fold.snapshot(), is_over=True)
    run.fold.reset(BEGUN + 500 * S)
    run.go(400)
    assert counted(run.spans(MINUTE), 1) == (900, 900, 0)


def test_a_late_answer_is_late_on_the_axis_too() -> None:
    run = Run()
    run.go(300)
    at = BEGUN + 297 * S
    run.fold.apply(Late(1, 297, 2, at, 5 * S, "192.0.2.2", "echo-reply"))
    run.go(800)
    (span,) = run.spans(S, at, at + S)
    assert (span.bins[2].lost, span.bins[2].late) == (0, 1)


def test_what_a_recording_knows_stands_before_it() -> None:
    run = Run()
    run.go(100)
    before = [SpanBins(BEGUN - HOUR + number * MINUTE, MINUTE, {1: Bin.of([5, NO_PROBE])}) for number in range(60)]
    run.timeline.add(before)
    spans = run.spans(MINUTE)
    assert spans[:60] == before
    assert counted(spans, 1) == (160, 160, 0)


def test_a_copy_goes_on_by_itself() -> None:
    run = Run()
    run.go(700)
    twin = run.timeline.copy()
    before = twin.between(run.fold.snapshot(), *ALWAYS, MINUTE)
    run.go(700)
    assert together(before, MINUTE) == before
    assert counted(run.spans(MINUTE), 1) == (1400, 1400, 0)


def test_a_target_has_its_axis_over_resets_and_further_begins() -> None:
    plan = Plan("192.0.2.2", 4)
    fold = TargetFold(1, Asked(BEGUN, "192.0.2.2", Probing()))
    fold.apply(Begun(BEGUN, plan))
    fold.apply(Started(1, "ping-socket", "192.0.2.9", None, None, 64, "one", "kernel"))

    def go(first: int, rounds: int) -> None:
        for number in range(first, first + rounds):
            at = BEGUN + number * S
            fold.apply(RoundStarted(1, number, at))
            fold.apply(Sent(1, number, 1, at))
            fold.apply(Answered(1, number, 1, at, 1_000_000, "192.0.2.2", "echo-reply"))

    go(0, 1100)
    fold.apply(Reset(BEGUN + 1100 * S))
    go(1100, 100)
    fold.apply(Begun(BEGUN + 1200 * S, msgspec.structs.replace(plan, first_round=1200)))
    fold.apply(Started(1, "ping-socket", "192.0.2.9", None, None, 64, "one", "kernel"))
    go(1200, 50)
    spans = fold.bins(*ALWAYS, MINUTE)
    assert counted(spans) == counted(spans, 1) == (1250, 1250, 0)
    assert fold.path.snapshot().rounds == 50
