"""Every dialog at every size, keys at random with resizes, and strangers' names on every panel."""

from __future__ import annotations

import random

import pytest
from rich.cells import cell_len

from hopscope.views.screen.dialogs.settings import SettingsScreen
from hopscope.views.screen.keymap import keys_of
from tests.screen.conftest import Drive, Driven
from tests.screen.scripted import ScriptedSession, usual
from tests.screen.terminal import Terminal

SIZES = ((1, 1), (2, 3), (10, 4), (20, 6), (40, 12), (60, 16), (80, 24), (120, 34), (300, 100), (3, 100), (300, 2))
OPENING = ("question_mark", "o", "s", "enter", "E", "a", "i", "w", "slash", "ctrl+p", "g", "at")
LEAVING = ("program.quit", "program.interrupt", "program.suspend", "take.write")


def is_whole(it: Driven, size: tuple[int, int]) -> bool:
    """Is the main screen as wide and as high as the terminal, line by line?"""
    rows = it.app.shown.rows
    return len(rows) == size[1] and all(cell_len(row.text) == size[0] for row in rows)


@pytest.mark.parametrize("key", OPENING)
async def test_what_is_open_lives_through_every_size(drive: Drive, key: str) -> None:
    async with drive(usual().play(40), (120, 34)) as it:
        await it.press(key)
        for size in (*SIZES, (120, 34)):
            await it.pilot.resize_terminal(*size)
            await it.pilot.pause()
            it.session.play()
            it.app.tick()
            assert it.app.is_running
            await it.until(lambda size=size: is_whole(it, size))  # type: ignore[misc] # a lambda's default
        await it.press("escape")
        assert it.in_front == "MainScreen"


@pytest.mark.parametrize("seed", range(3))
async def test_keys_at_random_and_sizes_at_random_leave_a_whole_screen(drive: Drive, seed: int) -> None:
    chance = random.Random(seed)
    keys = [key for id_, bound in keys_of({}).items() if id_ not in LEAVING for key in bound]
    async with drive(usual().play(60), (120, 34)) as it:
        for number in range(150):
            await it.pilot.press(chance.choice(keys))
            if number % 12 == 0:
                await it.pilot.resize_terminal(chance.randint(1, 200), chance.randint(1, 60))
                it.session.play()
                it.app.tick()
            assert it.app.is_running, it.app.failure
        await it.pilot.resize_terminal(120, 34)
        for _ in range(12):
            await it.press("escape")
        await it.until(lambda: it.in_front == "MainScreen" and is_whole(it, (120, 34)))


RAW = (b"\x1b[31mred", "\u202e".encode(), "\u200b".encode(), b"\x1b]0;title", b'two,three;"four"\r')


PANELS = (
    (("E", b"What happened"),),
    (("g", b"vs usual"),),
    (("/", b"a network or a hop"), ("marks\r", b"1 of")),
    (("?", b"esc closes"), ("/", b"type to search"), ("red", b"\x1b[")),
)


@pytest.mark.parametrize("steps", PANELS, ids=["why", "all targets", "find", "help"])
def test_strangers_names_send_nothing_of_theirs_on_any_panel(steps: tuple[tuple[str, bytes], ...]) -> None:
    with Terminal("demo", "hostile", "-i", "0.2", size=(160, 50)) as terminal:
        at = terminal.read(b"marks.example")
        for keys, words in steps:
            terminal.type(keys)
            at = terminal.read(words, at)
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert not any(raw in terminal.bytes for raw in RAW)
        assert b"Traceback" not in terminal.bytes


async def test_a_key_is_answered_in_fifty_milliseconds_with_two_hundred_targets(drive: Drive) -> None:
    import time

    from tests.screen.scripted import Scripted, tour

    session = ScriptedSession(*(Scripted(n, f"t{n}.example", f"192.0.2.{n % 250}", tour()) for n in range(1, 201)))
    async with drive(session.play(12), (160, 50)) as it:
        for key in ("j", "2", "g", "j", "g", "n"):
            await it.press(key)
            took = []
            for _ in range(3):
                begun = time.process_time()
                it.app.action_do({"j": "hop.next", "2": "target.2", "g": "look.clear", "n": "show.names"}[key])
                took.append(time.process_time() - begun)
            assert min(took) < 0.05, key


@pytest.mark.parametrize("width", [30, 40, 44, 50, 60, 80])
async def test_a_setting_has_words_of_its_explanation_or_no_sign_of_it(drive: Drive, width: int) -> None:
    async with drive(usual().play(3), (width, 20)) as it:
        await it.press("s")
        assert isinstance(it.app.screen, SettingsScreen)
        lines = [row.text.strip(" │") for row in it.app.screen.canvas._rows]
        assert any(line.startswith("protocol") for line in lines)
        assert not [line for line in lines if line.endswith("  …")]
