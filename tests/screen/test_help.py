"""Help has sections and a search, the palette says keys and full titles, dialogs keep title and keys when narrow."""

from __future__ import annotations

import pytest

from hopscope.session.model import Probing
from hopscope.views.screen.actions import ACTIONS
from hopscope.views.screen.dialogs.help import HelpScreen
from hopscope.views.screen.dialogs.sheet import Sheet
from hopscope.views.screen.options import ScreenOptions
from tests.screen.conftest import Drive, Driven
from tests.screen.scripted import Scripted, ScriptedSession, tour, usual


def sheet(it: Driven) -> list[str]:
    assert isinstance(it.app.screen, Sheet)
    return [row.text for row in it.app.screen.canvas._rows]


async def test_slash_in_the_help_searches_it_and_letters_are_no_keys_then(drive: Drive) -> None:
    async with drive(usual().play(3), (100, 40)) as it:
        await it.press("question_mark", "slash", *"jitter q")
        assert isinstance(it.app.screen, HelpScreen)
        lines = sheet(it)
        assert "help: /jitter q" in lines[0]
        assert any("nothing has" in line for line in lines)
        await it.press("backspace", "backspace")
        lines = sheet(it)
        assert any("Columns" in line for line in lines)
        assert all("Freeze" not in line and "Quit" not in line for line in lines)
        await it.press("escape")
        assert any("Quit" in line or "more" in line for line in sheet(it)) or "help" in sheet(it)[0]
        await it.press("escape")
        assert it.in_front == "MainScreen"


async def test_arrows_go_from_section_to_section(drive: Drive) -> None:
    async with drive(usual().play(3), (100, 24)) as it:
        await it.press("question_mark")
        seen = [sheet(it)[1].strip("│ ")]
        for _ in range(3):
            await it.press("right")
            seen.append(sheet(it)[1].strip("│ "))
        assert len(set(seen)) == 4
        await it.press("left")
        assert sheet(it)[1].strip("│ ") == seen[2]


async def test_the_palette_says_full_titles_and_keys(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        titles = [command.title for command in it.app.get_system_commands(it.app.screen)]
        for words in (
            "First hop  (Home)",
            "Pause or resume probing  (p space)",
            "Close, back to now, clear the choice  (esc)",
        ):
            assert words in titles
        for action in ACTIONS.values():
            if action.keys and action.id != "program.palette":
                assert any(title.endswith(")") and "(" in title for title in titles)


@pytest.mark.parametrize("size", [(60, 16), (40, 12)])
@pytest.mark.parametrize(
    ("key", "title"),
    [("question_mark", "help"), ("o", "columns"), ("s", "settings"), ("enter", "details"), ("E", "why, and what happ")],
)
async def test_a_narrow_dialog_keeps_its_title_and_its_keys(
    drive: Drive, size: tuple[int, int], key: str, title: str
) -> None:
    async with drive(usual().play(3), size) as it:
        await it.press(key)
        lines = sheet(it)
        assert title in lines[0]
        assert "esc" in lines[-1]


async def test_the_configured_port_is_what_tcp_is_probed_with(drive: Drive) -> None:
    options = ScreenOptions(glyphs="unicode", port=8443)
    async with drive(ScriptedSession(Scripted(1, "localhost", "127.0.0.1", tour())).play(3), options=options) as it:
        await it.press("t")
        assert it.session.find(1).probing.port == 8443
        assert "probing with TCP, port 8443" in it.text()
        await it.press("t")
        assert it.session.find(1).probing.port is None


async def test_one_host_with_several_ports_has_a_tab_for_each(drive: Drive) -> None:
    tcp = [
        Scripted(number, "localhost", "127.0.0.1", tour(), probing=Probing(protocol="tcp", port=port))
        for number, port in ((1, 443), (2, 8443))
    ]
    async with drive(ScriptedSession(*tcp, Scripted(3, "other.example", "192.0.2.7", tour())).play(20)) as it:
        first = it.lines()[0]
        assert "localhost tcp 443" in first
        assert "localhost tcp 8443" in first
        assert "other.example " in first
        await it.press("g")
        assert any("localhost tcp 8443" in line for line in it.lines()[2:])
