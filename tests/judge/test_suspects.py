"""Who is under suspicion, and when it is over, by the evidence alone."""

from __future__ import annotations

import pytest

from hopscope.judge.parallel import ALPHA
from hopscope.judge.suspects import Suspects

COUNT = 8


def taken(events: tuple[int, ...], rounds: int) -> Suspects:
    """Member 1 of eight has events in these rounds, and nobody else one."""
    suspects = Suspects(COUNT, ALPHA, None)
    for round_ in range(1, rounds + 1):
        suspects.take(round_, [member == 1 and round_ in events for member in range(COUNT)])
    return suspects


@pytest.mark.parametrize("events", [(20, 27, 35, 96), (15, 20, 35, 96), (24, 40, 100, 135)])
def test_what_is_named_after_a_long_lull_is_not_well_ten_rounds_later(events: tuple[int, ...]) -> None:
    assert taken(events, events[-1] - 1).named(1) is None
    later = taken(events, events[-1] + 34)
    assert later.named(1) is not None
    assert (later.troubles[1].first, later.troubles[1].events) == (events[0], len(events))


def test_what_was_lost_once_long_before_is_no_part_of_a_trouble_that_is_named_by_itself() -> None:
    suspects = taken((10, *range(200, 230)), 240)
    assert suspects.troubles[1].first is None  # and it is over as soon as it answers for ten rounds
    assert taken((10, *range(200, 230)), 229).troubles[1].first == 200
