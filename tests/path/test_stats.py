"""The statistics against worked numbers and against the standard library."""

from __future__ import annotations

import itertools
import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.path.ranks import Ranks
from hopscope.path.stats import MS, RunningRtt, loss_ci95_pct, loss_pct, nearest_rank, wilson95

RTTS = st.lists(st.integers(min_value=1, max_value=60 * 10**9), min_size=2, max_size=60)


def series(*rtts: int) -> RunningRtt:
    """A series of RTTs in ns."""
    out = RunningRtt()
    for rtt in rtts:
        out.add(rtt)
    return out


def ranks(*rtts: int) -> Ranks:
    """The same RTTs in order of size."""
    out = Ranks(1024)
    for rtt in rtts:
        out.add(rtt)
    return out


@pytest.mark.parametrize(
    ("rtts", "avg", "stddev", "jitter_avg", "jitter_worst", "rfc3550"),
    [
        ((333, 123, 123), 193, 121.2436, 105, 210, 12.3046875),
        ((777, 788, 780), 781.6667, 5.6862, 9.5, 11, 1.14453125),
        ((10, 101), 55.5, 64.3467, 91, 91, 5.6875),
        ((10, 20, 10, 30), 17.5, 9.5743, 13.3333, 20, 2.38525),
    ],
)
def test_the_worked_numbers_come_out(
    rtts: tuple[int, ...], avg: float, stddev: float, jitter_avg: float, jitter_worst: float, rfc3550: float
) -> None:
    found = series(*(rtt * MS for rtt in rtts))
    rtt, jitter = found.rtt(ranks(*(rtt * MS for rtt in rtts))), found.jitter()
    assert rtt is not None
    assert jitter is not None
    assert rtt.avg == pytest.approx(avg, abs=1e-4)
    assert rtt.stddev == pytest.approx(stddev, abs=1e-4)
    assert (jitter.avg, jitter.worst) == pytest.approx((jitter_avg, jitter_worst), abs=1e-4)
    assert jitter.rfc3550 == pytest.approx(rfc3550, abs=1e-5)
    assert jitter.last == abs(rtts[-1] - rtts[-2])
    assert (rtt.last, rtt.best, rtt.worst) == (rtts[-1], min(rtts), max(rtts))


@given(RTTS)
def test_the_standard_library_agrees(rtts: list[int]) -> None:
    found = series(*rtts)
    assert found.avg == pytest.approx(statistics.fmean(rtts), rel=1e-12)
    assert found.stddev == pytest.approx(math.sqrt(statistics.variance(map(Fraction, rtts))), rel=1e-12)
    assert found.gmean == pytest.approx(statistics.geometric_mean(rtts), rel=1e-9)
    differences = [abs(b - a) for a, b in itertools.pairwise(rtts)]
    jitter = found.jitter()
    assert jitter is not None
    assert jitter.avg == pytest.approx(statistics.fmean(differences) / MS, rel=1e-12)
    assert jitter.worst == max(differences) / MS
    assert jitter.last == differences[-1] / MS


@given(RTTS)
def test_rfc_3550_jitter_is_the_filter_of_the_rfc(rtts: list[int]) -> None:
    """RFC 3550, 6.4.1: J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16, here in exact fractions."""
    exact = Fraction(0)
    for before, now in itertools.pairwise(rtts):
        exact += (abs(now - before) - exact) / 16
    jitter = series(*rtts).jitter()
    assert jitter is not None
    assert jitter.rfc3550 == pytest.approx(float(exact) / MS, rel=1e-9, abs=1e-9)


def test_the_first_rtt_is_no_jitter() -> None:
    assert series(500 * MS).jitter() is None
    jitter = series(500 * MS, 500 * MS).jitter()
    assert jitter is not None
    assert (jitter.last, jitter.avg, jitter.worst, jitter.rfc3550) == (0, 0, 0, 0)


def test_one_answer_has_no_standard_deviation() -> None:
    rtt = series(7 * MS).rtt(ranks(7 * MS))
    assert rtt is not None
    assert rtt.stddev is None
    assert (rtt.last, rtt.best, rtt.avg, rtt.worst, rtt.median, rtt.p99) == (7, 7, 7, 7, 7, 7)
    assert rtt.gmean == pytest.approx(7)


def test_no_answer_has_no_rtt_and_not_a_zero() -> None:
    assert series().rtt(ranks()) is None
    assert series().jitter() is None


def test_the_variance_keeps_its_digits_at_a_long_distance_with_a_small_spread() -> None:
    """A running float sum of squares gives 0 or nonsense here."""
    base = 59_999_999_000
    rtts = [base + i % 3 for i in range(3000)]
    assert series(*rtts).stddev == pytest.approx(statistics.stdev([i % 3 for i in range(3000)]), rel=1e-12)


def test_an_rtt_of_zero_does_not_break_the_geometric_mean() -> None:
    assert series(0, 100).gmean == pytest.approx(10)


def test_a_copy_is_not_the_original() -> None:
    one = series(10, 20)
    two = one.copy()
    two.add(90)
    assert (one.n, one.worst, one.d_last) == (2, 20, 10)
    assert (two.n, two.worst, two.d_last) == (3, 90, 70)
    assert two.gmean == pytest.approx(statistics.geometric_mean([10, 20, 90]))


@pytest.mark.parametrize(
    ("n", "percent", "rank"),
    [(1, 50, 1), (1, 99, 1), (2, 50, 1), (3, 50, 2), (20, 95, 19), (21, 95, 20), (100, 99, 99)],
)
def test_a_percentile_is_the_nearest_rank(n: int, percent: int, rank: int) -> None:
    assert nearest_rank(range(1, n + 1), percent) == rank


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(1, 100))
def test_a_percentile_has_its_share_at_or_below_it(values: list[int], percent: int) -> None:
    value = nearest_rank(sorted(values), percent)
    assert value in values
    assert 100 * sum(v <= value for v in values) >= percent * len(values)
    assert 100 * sum(v < value for v in values) < percent * len(values)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(1, 10, 1.8, 40.4), (0, 10, 0, 27.8), (0, 30, 0, 11.4), (10, 10, 72.2, 100)]
)
def test_wilsons_interval_has_the_worked_numbers(k: int, n: int, low: float, high: float) -> None:
    found = loss_ci95_pct(k, n - k)
    assert found is not None
    assert found == pytest.approx((low, high), abs=0.05)


@given(st.integers(1, 2000), st.data())
def test_wilsons_interval_is_where_the_normal_test_just_rejects(n: int, data: st.DataObject) -> None:
    """Its bounds solve |k/n - p| = z sqrt(p(1-p)/n), which is how Wilson defines them."""
    k = data.draw(st.integers(0, n))
    z = statistics.NormalDist().inv_cdf(0.975)
    low, high = wilson95(k, n)
    assert 0 <= low <= k / n <= high <= 1
    for bound in (low, high):
        assert abs(k / n - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / n), abs=1e-6)


def test_loss_of_nothing_is_unknown() -> None:
    assert loss_pct(0, 0) is None
    assert loss_ci95_pct(0, 0) is None
    assert loss_pct(1, 3) == 25
