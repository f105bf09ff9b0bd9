"""Bins of time: they add up in any order, say the truth but for percentiles, and those nearly."""

from __future__ import annotations

import copy
import statistics
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.path.bins import ERROR, SPANS, TARGET, Bin, Rounds, SpanBins, decode, encode, together
from hopscope.path.fold import PathFold
from hopscope.path.snapshot import FAILED, LATE, LOST, NO_PROBE, PENDING
from hopscope.path.stats import nearest_rank
from hopscope.wire.messages import Answered, Kind, Lost, RoundStarted, Sent

S = 1_000_000_000
MINUTE = 60 * S
SAMPLES = st.lists(
    st.one_of(st.integers(0, 60 * S), st.sampled_from([LOST, LATE, FAILED, PENDING, NO_PROBE])), max_size=60
)


def merged(*parts: Bin) -> Bin:
    out = Bin()
    for part in parts:
        out.merge(part)
    return out


@given(SAMPLES, SAMPLES, SAMPLES)
def test_bins_add_up_in_any_order_and_any_grouping(one: list[int], two: list[int], three: list[int]) -> None:
    a, b, c = Bin.of(one), Bin.of(two), Bin.of(three)
    whole = Bin.of(one + two + three)
    assert merged(a, b, c) == merged(c, a, b) == merged(merged(a, b), c) == merged(a, merged(b, c)) == whole


@given(SAMPLES)
def test_a_bin_counts_every_fate(samples: list[int]) -> None:
    one = Bin.of(samples)
    rtts = [sample for sample in samples if sample >= 0]
    assert one.sent == len(samples) - samples.count(NO_PROBE)
    assert (one.received, one.lost) == (len(rtts), samples.count(LOST))
    assert (one.late, one.failed, one.pending) == (samples.count(LATE), samples.count(FAILED), samples.count(PENDING))
    if rtts:
        assert (one.best, one.worst, one.avg) == (min(rtts), max(rtts), sum(rtts) / len(rtts))
    if len(rtts) > 1:
        assert one.stddev == pytest.approx(statistics.stdev(rtts), rel=1e-9, abs=1e-3)


@given(st.lists(st.integers(0, 60 * S), min_size=1, max_size=200), st.integers(1, 100))
def test_a_percentile_is_within_the_stated_error_of_nearest_rank(rtts: list[int], percent: int) -> None:
    assert Bin.of(rtts).nearest(percent) == pytest.approx(nearest_rank(sorted(rtts), percent), rel=ERROR)


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.dictionaries(st.integers(0, 30), SAMPLES.map(Bin.of), max_size=4)),
        max_size=6,
    )
)
def test_bins_come_back_from_their_bytes(parts: list[tuple[int, dict[int, Bin]]]) -> None:
    spans = [SpanBins(number * MINUTE, MINUTE, bins) for number, bins in parts]
    assert decode(encode(spans)) == spans


@given(SAMPLES, st.integers(0, 10**6), st.integers(0, 255))
def test_bytes_that_were_changed_are_bins_or_refused(samples: list[int], place: int, byte: int) -> None:
    data = bytearray(encode([SpanBins(0, MINUTE, {3: Bin.of(samples)})]))
    data[place % len(data)] = byte
    with suppress(ValueError, msgspec.DecodeError):
        for span in decode(bytes(data)):
            for one in span.bins.values():
                assert one.received == 0 or one.best <= one.nearest(50) <= one.worst
                assert one.received < 2 or one.stddev is not None


def test_a_round_trip_of_days_is_no_number_that_breaks_a_sum() -> None:
    one = Bin.of([2**61] * 40)
    assert decode(encode([SpanBins(0, MINUTE, {1: one})])) == [SpanBins(0, MINUTE, {1: one})]


def rounds(count: int, interval: int = S) -> PathFold:
    """Two hops; each seventh probe of the second one is lost."""
    fold = PathFold("192.0.2.2")
    for number in range(count):
        at = 1_767_268_800 * S + number * interval
        fold.apply(RoundStarted(1, number, at))
        for ttl in (1, 2):
            fold.apply(Sent(1, number, ttl, at))
            if ttl == 2 and number % 7 == 0:
                fold.apply(Lost(1, number, ttl, at))
            else:
                kind: Kind = "echo-reply" if ttl == 2 else "time-exceeded"
                fold.apply(Answered(1, number, ttl, at, ttl * 1_000_000 + number, f"192.0.2.{ttl}", kind))
    return fold


@pytest.mark.parametrize("span", SPANS)
def test_the_bins_of_a_path_count_what_the_path_counted(span: int) -> None:
    path = rounds(700).snapshot()
    spans = list(Rounds.of(path).bins(span))
    assert all(part.begin % span == 0 for part in spans)
    for ttl, hop in ((1, path.hops[0]), (2, path.hops[1]), (TARGET, path.target)):
        assert hop is not None
        one = merged(*(part.bins[ttl] for part in spans))
        assert (one.sent, one.received, one.lost) == (hop.sent, hop.received, hop.lost)
        assert hop.rtt is not None
        assert (one.best, one.worst) == (round(hop.rtt.best * 1e6), round(hop.rtt.worst * 1e6))


def test_longer_spans_are_the_sums_of_shorter_ones_however_they_come() -> None:
    path = rounds(900).snapshot()
    seconds, minutes = list(Rounds.of(path).bins(S)), list(Rounds.of(path).bins(MINUTE))
    assert len(minutes) == 15
    assert together(copy.deepcopy(seconds), MINUTE) == minutes
    assert together(copy.deepcopy(seconds[::-1]), MINUTE) == minutes
    assert together(together(copy.deepcopy(seconds), 10 * S), MINUTE) == minutes


def test_a_bin_that_is_longer_than_was_asked_for_stays_as_it_is() -> None:
    hour = SpanBins(0, 3600 * S, {1: Bin.of([5])})
    minute = SpanBins(3600 * S, MINUTE, {1: Bin.of([6])})
    assert together([hour, minute], MINUTE) == [hour, minute]


def test_part_of_a_paths_rounds_makes_part_of_its_bins() -> None:
    path = rounds(300).snapshot()
    parts = [Rounds.of(path, 0, 130), Rounds.of(path, 130, 131), Rounds.of(path, 131)]
    spans = [span for part in parts for span in part.bins(MINUTE)]
    assert together(spans, MINUTE) == list(Rounds.of(path).bins(MINUTE))
