"""What is said of a hop that several targets ask in turn."""

from __future__ import annotations

from hopscope.path.shared import SharedHops
from hopscope.wire.facts import Shared
from hopscope.wire.messages import Answered, Lost
from hopscope.words.hops import shared_words

ROUTER = "192.0.2.1"


def test_it_says_by_how_many_and_what_all_of_them_lost() -> None:
    shared = SharedHops()
    for number in range(4):
        shared.told(
            Shared(number, 3, ROUTER, 40, 41, Answered(0, number, 3, number, 5_000_000, ROUTER, "time-exceeded"))
        )
    shared.told(Shared(4, 3, ROUTER, 40, 41, Lost(0, 4, 3, 4)))
    words = "shared by 40 targets, which take turns to ask it: 1 of 5 lost, median 5.0 ms"
    assert shared_words(shared.snapshot()[3]) == words


def test_before_anything_is_known_it_says_that() -> None:
    shared = SharedHops()
    shared.told(Shared(0, 3, ROUTER, 2, 2))
    assert shared_words(shared.snapshot()[3]) == "shared by 2 targets, which take turns to ask it: nothing known yet"


def test_of_one_targets_flows_it_says_flows() -> None:
    shared = SharedHops()
    shared.told(Shared(0, 3, ROUTER, 1, 8))
    assert shared_words(shared.snapshot()[3]).startswith("shared by 8 flows, which take turns")
    shared.told(Shared(0, 3, ROUTER, 1, 1))
    assert shared.snapshot() == {}
