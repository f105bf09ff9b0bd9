"""Whose hops these are, and what is hidden: bands beside the numbers, and the veil over the first hops."""

from __future__ import annotations

import pytest

from hopscope.names.facts import AddressInfo, Asn
from hopscope.names.segments import Segment
from hopscope.views.screen.bands import words
from hopscope.views.screen.options import ScreenOptions
from tests.screen.conftest import Drive
from tests.screen.scripted import usual


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        (Segment(0, 0, "private network", "your network", None), "your network"),
        (Segment(1, 1, "carrier-grade NAT", "your provider", None), "your provider (CGNAT)"),
        (Segment(2, 4, "AS64500 NEARBY-ACCESS Nearby Internet", "your provider", 64500), "AS64500 NEARBY-ACCESS"),
        (Segment(5, 5, "AS64510", "transit", 64510), "AS64510"),
        (Segment(6, 6, "documentation range", None, None), "documentation range"),
    ],
)
def test_a_band_is_named_in_few_words(segment: Segment, said: str) -> None:
    assert words(segment) == said


def known(number: int, name: str) -> AddressInfo:
    return AddressInfo(asns=(Asn(number, name, None, None),))


async def test_owners_are_bands_and_asked_for_when_the_key_is_pressed(drive: Drive) -> None:
    session = usual().play(3)
    async with drive(session) as it:
        await it.press("z")
        assert ("ask_owners", True) in session.calls
        await it.press("z")
        assert ("ask_owners", False) in session.calls


async def test_a_key_hides_the_first_hops_and_shows_them_again(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        shown = "\n".join(it.lines())
        await it.press("b")
        hidden = "\n".join(it.lines())
        assert shown.count("hidden") < hidden.count("hidden")
        await it.press("b")
        assert "all hops are shown" in "\n".join(it.lines())


async def test_what_the_command_line_hides_is_hidden_from_the_first_frame_on(drive: Drive) -> None:
    async with drive(usual().play(3), options=ScreenOptions(hidden_hops=1, names="addresses")) as it:
        first = next(line for line in it.lines() if line[2:5] == "  1")
        assert "hidden" in first
