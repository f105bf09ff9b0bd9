"""Percentiles of any number of values: exact while they are few, within 0.4 % of nearest rank where they are many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopscope.path.ranks import Histogram, Ranks, bucket, middle
from hopscope.path.stats import nearest_rank

VALUES = st.lists(st.integers(0, 60 * 10**9), min_size=1, max_size=200)


@given(st.integers(0, 2**62))
def test_a_buckets_middle_is_within_four_thousandths_of_each_value_in_it(value: int) -> None:
    assert abs(middle(bucket(value)) - value) <= value * 0.004


@given(st.integers(0, 2**62))
def test_a_coarse_buckets_middle_is_within_sixteen_thousandths(value: int) -> None:
    assert abs(middle(bucket(value, 5), 5) - value) <= value * 0.016


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_buckets_keep_the_order(one: int, other: int) -> None:
    assert (bucket(one) <= bucket(other)) or one > other


@given(VALUES, st.integers(1, 100))
def test_while_all_are_known_the_rank_is_exact(values: list[int], percent: int) -> None:
    ranks = Ranks(1024)
    for value in values:
        ranks.add(value)
    assert ranks.nearest(percent) == nearest_rank(sorted(values), percent)


@given(VALUES, st.integers(1, 100), st.integers(1, 20), st.integers(0, 200))
def test_of_values_that_were_let_go_the_rank_is_near(values: list[int], percent: int, size: int, gone: int) -> None:
    ranks = Ranks(size)
    for i, value in enumerate(values):
        ranks.add(value)
        if i >= gone:
            ranks.let_go([values[i - gone]])
        if i % 17 == 0:
            ranks.nearest(percent)  # looking changes nothing
    assert len(ranks) == len(values)
    assert ranks.nearest(percent) == pytest.approx(nearest_rank(sorted(values), percent), rel=0.004)


@given(VALUES, VALUES, st.integers(1, 100))
def test_values_that_are_left_out_and_put_back_leave_the_ranks_as_they_were(
    some: list[int], others: list[int], percent: int
) -> None:
    ranks = Ranks(1024)
    for value in (*some, *others):
        ranks.add(value)
    again = ranks.without(iter(some))
    assert list(again.ordered) == sorted(others)
    for value in some:
        again.add(value)
    assert again.nearest(percent) == ranks.nearest(percent)


@given(VALUES, VALUES)
def test_histograms_add_up(one: list[int], other: list[int]) -> None:
    first, second, both = Histogram(), Histogram(), Histogram()
    first.add(one)
    second.add(other)
    both.add(one + other)
    first.merge(second)
    assert (first.counts, first.n) == (both.counts, both.n)
    assert first.ladder() == both.ladder()
