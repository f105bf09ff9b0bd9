"""What failed on this machine, and what the network lost, around a fault that begins and ends between two looks."""

from __future__ import annotations

from typing import cast

import pytest

from hopscope.probe.channel import Flow
from hopscope.probe.own_fault import OwnFault

GONE = ("EADDRNOTAVAIL", "it is gone")


class OneFlow:
    """It has a fault, or none, and counts who asks."""

    fault: tuple[str, str] | None = None
    asked = 0

    def own_fault(self) -> tuple[str, str] | None:
        self.asked += 1
        return self.fault


@pytest.fixture
def flow() -> OneFlow:
    return OneFlow()


@pytest.fixture
def own(flow: OneFlow) -> OwnFault:
    return OwnFault(cast("Flow", flow))


def test_what_is_lost_while_all_is_well_here_is_the_networks(flow: OneFlow, own: OwnFault) -> None:
    assert own.of(100, heard=50, now=200) is None
    assert flow.asked == 1


def test_nobody_asks_where_anything_was_heard_since(flow: OneFlow, own: OwnFault) -> None:
    flow.fault = GONE
    assert own.of(100, heard=150, now=200) is None
    assert flow.asked == 0


def test_it_befell_all_that_was_sent_since_something_was_heard_and_is_asked_for_once_a_timeout(
    flow: OneFlow, own: OwnFault
) -> None:
    flow.fault = GONE
    assert own.of(100, heard=50, now=200) == GONE
    assert own.of(150, heard=50, now=250) == GONE
    assert own.of(40, heard=50, now=250) is None
    assert flow.asked == 1
    assert own.of(250, heard=50, now=350) == GONE
    assert flow.asked == 2


def test_what_was_sent_before_it_was_over_is_no_loss_and_what_is_sent_afterwards_may_be(
    flow: OneFlow, own: OwnFault
) -> None:
    flow.fault = GONE
    assert own.of(100, heard=50, now=200) == GONE
    flow.fault = None
    assert own.of(220, heard=50, now=320) == GONE
    assert not own.lasts
    assert own.of(330, heard=50, now=430) is None


def test_an_answer_ends_it_and_what_was_sent_before_it_came_is_no_loss(flow: OneFlow, own: OwnFault) -> None:
    """An answer may be held by a neighbour's queue until the address is back, and others of its time are dropped."""
    flow.fault = GONE
    assert own.of(100, heard=50, now=200) == GONE
    own.answered(190, 210)  # it was sent before that was asked: it is not over
    assert own.lasts
    own.answered(205, 300)
    flow.fault = None
    assert own.of(250, heard=300, now=350) == GONE
    assert own.of(310, heard=305, now=410) is None
    assert flow.asked == 2
