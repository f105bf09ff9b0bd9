"""E says why, and what has happened, in one panel; from a line of that one goes to its moment."""

from __future__ import annotations

import dataclasses
import re

import pytest

from hopscope.views.screen.dialogs.why import WhyScreen
from tests.screen.conftest import Drive, Driven
from tests.screen.scripted import SECOND, START, Scripted, ScriptedSession, tour, usual
from tests.screen.test_time_axis import driven
from tests.screen.virtual import VirtualSession

SIZES = [(160, 50), (120, 34), (80, 24), (60, 16), (40, 12), (20, 6), (3, 3), (1, 1)]


def outage() -> ScriptedSession:
    """Fine for 40 s, cut off from hop 5 on for 20 s, fine again for 15 s."""
    one = Scripted(1, "one.one.one.one", "192.0.2.53", tour())
    session = ScriptedSession(one).play(40)
    whole = one.routers
    one.routers = (*whole[:4], *(dataclasses.replace(router, silent=True) for router in whole[4:]))
    session.play(20)
    one.routers = whole
    return session.play(15)


def panel(it: Driven) -> str:
    assert isinstance(it.app.screen, WhyScreen)
    return "\n".join(row.text for row in it.app.screen.canvas._rows)


async def test_it_answers_in_one_order_and_lists_what_happened_the_newest_first(drive: Drive) -> None:
    async with drive(outage()) as it:
        await it.press("E")
        text = panel(it)
        parts = [text.find(word) for word in ("what ", "since ", "evidence ", "What happened", "the first round")]
        assert -1 not in parts
        assert parts == sorted(parts)
        assert "no answer came from hop 5 on for 20 s" in text
        await it.press("escape")
        assert it.in_front == "MainScreen"


async def test_enter_on_a_line_shows_the_moment_at_which_it_was_said(drive: Drive) -> None:
    session = outage()
    async with drive(session) as it:
        await it.press("E", "down")
        assert "▲" in panel(it) or "×" in panel(it)
        await it.press("enter")
        await it.until(lambda: it.context.state.moment is not None)
        moment = it.context.state.moment
        assert moment is not None
        assert START + 40 * SECOND <= moment <= START + 50 * SECOND
        assert it.context.state.chosen is not None
        assert it.context.state.chosen.judged.verdict.kind == "outage"


async def test_it_speaks_of_the_moment_that_is_shown_and_lists_what_came_later(drive: Drive) -> None:
    async with drive(outage()) as it:
        it.context.go_to(START + 20 * SECOND)
        await it.press("E")
        text = panel(it)
        assert "fine" in text.splitlines()[2].lower()
        assert "no answer came from hop 5 on for 20 s" in text


async def test_enter_on_the_sentence_and_a_click_on_it_open_the_same(drive: Drive) -> None:
    async with drive(outage()) as it:
        await it.press("home", "up", "enter")
        assert isinstance(it.app.screen, WhyScreen)
        await it.press("escape", "down", "enter")
        assert it.in_front == "HopScreen"
        await it.press("escape")
        await it.pilot.click(offset=(20, 1))
        await it.pilot.pause()
        assert isinstance(it.app.screen, WhyScreen)


async def test_left_and_right_ask_for_other_targets(drive: Drive) -> None:
    async with drive(usual().play(60)) as it:
        await it.press("E")
        assert "one.one.one.one" in panel(it)
        await it.press("right")
        assert "example.net" in panel(it)
        await it.press("left", "left")
        assert "198.18.0.7" in panel(it)


@pytest.mark.parametrize("size", SIZES)
async def test_title_and_keys_stay_at_every_size(drive: Drive, size: tuple[int, int]) -> None:
    async with drive(outage(), size) as it:
        await it.press("E")
        lines = panel(it).splitlines()
        if size[0] >= 40 and size[1] >= 6:
            assert "why, and what happ" in lines[0]
            assert "esc" in lines[-1]
        await it.press("down", "end", "pageup", "home", "up")


async def test_without_a_target_it_says_so(drive: Drive) -> None:
    async with drive(ScriptedSession()) as it:
        await it.press("E")
        assert "there is no target to say anything of" in it.text()


async def test_it_says_how_long_it_lasts_as_the_sentence_does_and_since_when_it_does_this_time() -> None:
    async with driven(VirtualSession("outage").play(95)) as it:
        assert "now for 15 s (since" in it.text()
        await it.press("E")
        said = " ".join(panel(it).replace("│", " ").split())
        assert re.search(r"since \d\d:\d\d:20, 15 s", said)
        assert re.search(r"the 2nd time since \d\d:00:20, this time since \d\d:01:20", said)
        assert "75 s" not in said
