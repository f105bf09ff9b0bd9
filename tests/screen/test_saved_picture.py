"""A picture of the screen asks nobody for anything when it is opened; several of them can move."""

from __future__ import annotations

import re

from tools.recording import animated

from tests.screen.conftest import Drive
from tests.screen.scripted import usual

NAMESPACE = "http://www.w3.org/2000/svg"


async def test_a_saved_picture_names_no_font_and_no_address_from_elsewhere(drive: Drive) -> None:
    async with drive(usual().play(5)) as it:
        svg = it.app.picture()
        assert "gateway.lan" in svg
        assert set(re.findall(r"https?://[^\"'\s)]*", svg)) == {NAMESPACE}
        assert "@font-face" not in svg
        assert "url(" not in svg.replace("url(#", "")


async def test_a_recording_draws_each_row_once_for_as_long_as_it_stays_the_same(drive: Drive) -> None:
    async with drive(usual().play(5)) as it:
        first = re.sub(r"terminal-\d+", "terminal", it.app.picture())
        await it.press("p")
        second = re.sub(r"terminal-\d+", "terminal", it.app.picture())
    moving = animated([first, first, second])
    assert moving.count("gateway.lan") == first.count("gateway.lan") > 0
    assert 'dur="3s"' in moving
    assert 'keyTimes="0;0.6667"' in moving
    assert "no probes are sent" in moving.replace("&#160;", " ")
    assert "animate" not in animated([first, first])
