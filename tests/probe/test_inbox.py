"""Several queues are handled in the order of arrival, a bounded number of messages a turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hopscope.probe.inbox import BURST, Inbox


def reader(*moments: int) -> Callable[[], tuple[int, int] | None]:
    """A queue whose messages are the moments at which they arrived."""
    left = deque(moments)
    return lambda: (left[0], left.popleft()) if left else None


def test_messages_of_two_queues_come_in_the_order_of_their_arrival() -> None:
    inbox: Inbox[int] = Inbox()
    assert inbox.fill("errors", reader(2, 3, 7)) == 3
    assert inbox.fill("replies", reader(1, 5, 9)) == 3
    assert inbox.take() == [1, 2, 3, 5, 7, 9]
    assert len(inbox) == 0


def test_what_was_read_by_other_means_keeps_its_place() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put("errors", 4, 4)
    inbox.fill("errors", reader(6))
    inbox.fill("replies", reader(3, 5))
    assert inbox.take() == [3, 4, 5, 6]


def test_one_turn_reads_a_bounded_number_and_says_that_there_is_more() -> None:
    inbox: Inbox[int] = Inbox()
    errors = reader(*range(2 * BURST + 1))
    read = []
    while inbox.fill("errors", errors):
        assert len(inbox) <= BURST
        read.append(len(inbox.take()))
    assert read == [BURST, BURST, 1]
    assert not inbox.has_backlog


def test_what_arrived_after_the_last_message_read_of_a_longer_queue_waits_for_it() -> None:
    inbox: Inbox[int] = Inbox()
    errors = reader(*range(0, 4 * BURST, 2))
    inbox.fill("errors", errors)
    inbox.fill("replies", reader(1, 2 * BURST + 3))
    first = inbox.take()
    assert first == sorted(first)
    assert 1 in first
    assert inbox.has_backlog
    assert len(inbox) == 1
    taken = first
    while inbox.fill("errors", errors):
        taken += inbox.take()
    taken += inbox.take()
    assert taken == sorted(taken)
    assert 2 * BURST + 3 in taken


def test_a_closed_queue_holds_nothing_back() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.fill("gone", reader(*range(BURST)))
    inbox.fill("other", reader(BURST + 1))
    inbox.forget("gone")
    assert inbox.take() == [BURST + 1]
    assert not inbox.has_backlog
