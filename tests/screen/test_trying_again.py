"""What could not be started says that it is tried again, and `r` tries at once; a change of address is said."""

from __future__ import annotations

import pytest

from hopscope.wire.messages import Refused, SourceChanged
from hopscope.words.numbers import time_of_day
from tests.screen.conftest import Drive
from tests.screen.scripted import START, Scripted, ScriptedSession, tour, usual
from tests.screen.test_palette import choose

REFUSAL = Refused(1, "no-route", "no route to 192.0.2.1", "ip -4 route get 192.0.2.1")


def refused(*, is_tried_again: bool) -> ScriptedSession:
    target = Scripted(1, "a.example", "192.0.2.1", (), state="refused", refusal=REFUSAL, is_tried_again=is_tried_again)
    return ScriptedSession(target)


async def test_a_target_that_could_not_be_started_is_tried_again_by_itself_and_says_so(drive: Drive) -> None:
    async with drive(refused(is_tried_again=True)) as it:
        assert "No route to 192.0.2.1." in it.text()
        assert "try: ip -4 route get 192.0.2.1" in it.text()
        assert "tried again every few seconds (r: now)" in it.text()
        await it.press("r")
        assert ("retry", None) in it.session.calls
        assert "reset" not in [call[0] for call in it.session.calls]


async def test_one_that_is_not_tried_again_does_not_say_so(drive: Drive) -> None:
    async with drive(refused(is_tried_again=False)) as it:
        assert "No route to 192.0.2.1" in it.text()
        assert "tried again" not in it.text()


@pytest.mark.parametrize("size", [(120, 34), (60, 20), (40, 12), (30, 8)])
async def test_why_it_could_not_be_started_is_said_once(drive: Drive, size: tuple[int, int]) -> None:
    async with drive(refused(is_tried_again=True), size=size) as it:
        assert it.text().lower().count("no route to") == 1
        assert it.text().count("try: ip") == 1
    target = Scripted(1, "no.example", None, (), state="unresolved", error="no.example: no such", is_tried_again=True)
    async with drive(ScriptedSession(target), size=size) as it:
        assert it.text().lower().count("no such") == 1
        assert it.text().count("no.example") <= 1


async def test_a_name_that_does_not_resolve_is_tried_again(drive: Drive) -> None:
    target = Scripted(1, "no.example", None, (), state="unresolved", error="no.example: no such", is_tried_again=True)
    async with drive(ScriptedSession(target)) as it:
        assert "No such." in it.text()
        assert "tried again every few seconds (r: now)" in it.text()
        await it.press("r")
        assert ("retry", None) in it.session.calls


async def test_an_error_that_begins_with_the_name_does_not_follow_the_name(drive: Drive) -> None:
    target = Scripted(1, "no.example", None, (), state="unresolved", error="no.example: no such")
    async with drive(ScriptedSession(target)) as it:
        assert it.lines()[1].split() == ["◉", "No", "such."]


async def test_a_worker_that_is_waited_for_is_started_by_the_key_and_no_number_is_lost(drive: Drive) -> None:
    session = usual().play(3)
    session.worker = "restarting"
    session.worker_note = "the probe worker ended (signal 9), 7 times; the next try is at 14:02:11"
    async with drive(session, size=(160, 34)) as it:
        assert "nothing counted is lost: the probe worker ended (signal 9), 7 times" in it.text()
        assert "(r: now)" in it.text()
        await it.press("r")
        assert [call[0] for call in session.calls] == ["retry"]


async def test_the_palette_tries_again_too(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        await choose(it, "try again")
        assert ("retry", None) in it.session.calls
        assert "nothing to try again" in it.text()


async def test_a_change_of_this_computers_address_is_said_until_the_reset(drive: Drive) -> None:
    at = START + 500_000_000
    change = SourceChanged(1, at, "192.0.2.7", "192.168.1.20")
    target = Scripted(1, "a.example", "192.0.2.53", tour(), source_change=change)
    async with drive(ScriptedSession(target).play(3), size=(200, 40)) as it:
        words = f"{time_of_day(at)} this computer's address changed from 192.0.2.7 to 192.168.1.20"
        assert words in it.text()
        assert " · from 192.168.1.20" in it.text()
        target.reset(it.session.now)
        it.session.play(1)
        await it.until(lambda: words not in it.text())
