"""The command palette reaches each setting by its words."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from textual.command import Hit, Hits, Provider
from textual.widgets import OptionList

from hopscope.views.screen.dialogs.prompt import Prompt
from hopscope.views.screen.dialogs.settings import SETTINGS
from hopscope.views.screen.options import ScreenOptions
from hopscope.views.screen.palette import Palette
from tests.screen.conftest import Drive, Driven
from tests.screen.scripted import usual

KEYS = {" ": "space", ":": "colon", "-": "minus", ".": "full_stop", "%": "percent_sign"}


async def choose(it: Driven, words: str) -> None:
    """Open the palette, type, and take the first that is found."""
    await it.press("ctrl+p")
    await it.until(lambda: it.in_front == "Palette")
    await it.press(*[KEYS.get(char, char) for char in words])
    found = it.app.screen.query_one(OptionList)
    await it.until(lambda: found.option_count > 0 and words.split()[-1] in str(found.get_option_at_index(0).prompt))
    await it.press("enter")
    if it.in_front == "Palette":  # the first Enter goes to the list, the second takes what stands there
        await it.press("enter")
    await it.until(lambda: it.in_front != "Palette")


@pytest.mark.parametrize(
    ("words", "typed", "field", "value"),
    [
        ("set protocol: udp", "", "protocol", "udp"),
        ("set protocol: tcp", "", "protocol", "tcp"),
        ("set port", "443", "port", 443),
        ("set interval", "2", "interval_s", 2.0),
        ("set size", "512", "packet_size", 512),
    ],
)
async def test_how_a_target_is_probed_is_set_from_the_palette(
    drive: Drive, words: str, typed: str, field: str, value: object
) -> None:
    async with drive(usual().play(3)) as it:
        await choose(it, words)
        if typed:
            assert isinstance(it.app.screen, Prompt)
            await it.press(*typed, "enter")
            await it.until(lambda: it.in_front == "MainScreen")
        assert getattr(it.session.find(1).probing, field) == value
        assert it.context.changed == {field.removesuffix("_s"): value}


async def test_how_it_looks_is_set_from_the_palette(drive: Drive) -> None:
    async with drive(usual().play(30)) as it:
        await choose(it, "set theme: dracula")
        assert it.app.theme == "dracula"
        await choose(it, "set names: addresses")
        assert it.context.state.names == "addresses"
        await choose(it, "view: heat")
        assert it.context.state.chart_view == "heat"
        await choose(it, "show column p99")
        assert it.context.state.columns[-2:] == ("p99", "spark")
        await choose(it, "hide column p99")
        assert "p99" not in it.context.state.columns


async def test_what_is_in_force_is_kept_as_defaults_from_the_palette(drive: Drive) -> None:
    kept: list[object] = []

    def keep(settings: object) -> str:
        kept.append(settings)
        return "/home/me/config.toml"

    async with drive(usual().play(3), options=ScreenOptions(glyphs="unicode", save_settings=keep)) as it:
        await choose(it, "set protocol: udp")
        await choose(it, "keep as defaults")
        assert isinstance(kept[0], dict)
        assert kept[0]["probe"] == {"protocol": "udp"}


async def test_each_setting_has_an_entry_with_its_name(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        titles = [command.title for command in it.app.get_system_commands(it.app.screen)]
        assert [s.title for s in SETTINGS if not any(t.startswith(f"Set {s.title}") for t in titles)] == []


class Slow(Provider):
    """Finds nothing until it is let go on, and then something."""

    go_on: ClassVar[asyncio.Event]
    waits: ClassVar[asyncio.Event]

    async def search(self, query: str) -> Hits:
        self.waits.set()
        await self.go_on.wait()
        yield Hit(1.0, query, lambda: None)


async def test_the_palette_may_be_closed_while_it_gathers(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    async with drive(usual().play(3)) as it:
        monkeypatch.setattr(type(it.app), "COMMANDS", {Slow})
        Slow.go_on, Slow.waits = asyncio.Event(), asyncio.Event()
        await it.press("ctrl+p")
        await it.until(lambda: it.in_front == "Palette")
        palette = it.app.screen
        assert isinstance(palette, Palette)
        await it.press("s")
        await Slow.waits.wait()
        await it.press("escape")
        await it.until(lambda: it.in_front == "MainScreen")
        Slow.go_on.set()
        gathering = palette._gather_commands("s")
        await it.until(lambda: gathering.is_finished)
        await it.until(lambda: it.in_front == "MainScreen")
