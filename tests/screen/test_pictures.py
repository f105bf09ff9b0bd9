"""The screen as pictures, byte for byte: the states, sizes and themes that matter.

``UPDATE_GOLDEN=1`` writes them anew; look at them then.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hopscope.views.screen.options import ScreenOptions
from hopscope.wire.messages import Refused
from tests.screen.conftest import Drive
from tests.screen.scripted import Scripted, ScriptedSession, tour, usual

HERE = Path(__file__).parent / "pictures"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clock times are the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def refused() -> ScriptedSession:
    """A target that this user may not probe."""
    words = "ping sockets are not allowed to this user", "sudo setcap cap_net_raw+ep hopscope"
    one = Scripted(1, "one.one.one.one", "192.0.2.53", tour(), state="refused")
    one.refusal = Refused(1, "permission", *words)
    return ScriptedSession(one)


def many() -> ScriptedSession:
    """More targets than lines."""
    return ScriptedSession(
        *(
            Scripted(n, f"t{n}.example", f"192.0.2.{n}", tour(0.2 if n % 17 == 0 else 0.0, 1 + n % 5))
            for n in range(1, 61)
        )
    )


PICTURES = {
    "dark": ((120, 36), "hopscope", ()),
    "light": ((120, 36), "hopscope-light", ()),
    "colourblind": ((120, 36), "hopscope-colourblind", ("2",)),
    "sixteen": ((100, 30), "ansi-dark", ("2",)),
    "smallest": ((40, 12), "hopscope", ()),
    "largest": ((300, 100), "hopscope", ("2",)),
    "heat": ((120, 36), "hopscope", ("2", "d", "d", "d")),
    "details": ((100, 30), "hopscope", ("up", "up", "enter")),
    "help": ((80, 24), "hopscope", ("question_mark",)),
    "paused": ((80, 24), "hopscope", ("p",)),
    "refused": ((80, 24), "hopscope", ()),
    "many": ((120, 36), "hopscope", ("g",)),
    "ascii": ((80, 24), "ansi-dark", ("2",)),
}


@pytest.mark.parametrize("name", PICTURES)
async def test_the_screen_is_as_it_was_drawn(drive: Drive, name: str) -> None:
    size, theme, keys = PICTURES[name]
    session = {"refused": refused, "many": many}.get(name, usual)().play(90)
    options = ScreenOptions(glyphs="ascii" if name == "ascii" else "unicode", theme=theme)
    async with drive(session, size, options) as it:
        await it.press(*keys)
        await it.pilot.pause()
        svg = normal(it.app.export_screenshot(title="hopscope"))
    file = HERE / f"{name}.svg"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        HERE.mkdir(exist_ok=True)
        file.write_text(svg, encoding="utf-8")
    assert svg == file.read_text(encoding="utf-8"), (
        f"{name} is drawn otherwise; UPDATE_GOLDEN=1 keeps it, look at it then"
    )


def normal(svg: str) -> str:
    """Without what differs from run to run: the id that each picture gets."""
    return re.sub(r"terminal-\d+", "terminal", svg)
