"""The facts beside a host's name: whole ones in few words, or none."""

from __future__ import annotations

import pytest

from hopscope.views.screen.chips import fitting, owner

LABELS = ("MPLS 16004/24001", "MPLS 16004/…", "MPLS")
LINKS = ("4 links", "+3")


@pytest.mark.parametrize(
    ("words", "ways"),
    [
        ("AS64500 NEARBY", ("AS64500 NEARBY", "AS64500")),
        ("AS64500", ("AS64500",)),
        ("private network", ("private network",)),
        ("ASIA net", ("ASIA net",)),
    ],
)
def test_of_an_owner_the_number_stands_alone_before_nothing_does(words: str, ways: tuple[str, ...]) -> None:
    assert owner(words) == ways


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (25, "MPLS 16004/24001  4 links"),
        (24, "MPLS 16004/24001  +3"),
        (20, "MPLS 16004/24001  +3"),
        (19, "MPLS 16004/24001"),
        (15, "MPLS 16004/…"),
        (11, "MPLS"),
        (3, ""),
    ],
)
def test_the_last_fact_gives_way_first_and_no_fact_is_cut(room: int, said: str) -> None:
    assert fitting([LABELS, LINKS], room) == said


def test_a_fact_that_has_no_room_in_one_way_leaves_the_others_whole() -> None:
    assert fitting([("AS64500 NEARBY", "AS64500"), LABELS, ("shared by 40",)], 22) == "AS64500 NEARBY  MPLS"
