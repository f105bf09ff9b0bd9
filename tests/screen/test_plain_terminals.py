"""The real command on terminals that can do less: it can be read on each, and it ends in order."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from tests.screen.terminal import Terminal
from tests.screen.test_terminal import KNOWN

COLOURS = re.compile(rb"\x1b\[([0-9;]*)m")


def visited(term: str, colorterm: str = "", **more: str) -> bytes:
    """All that is written while the views, the help and a prompt are looked at."""
    with Terminal("demo", size=(120, 40), term=term, colorterm=colorterm, **more) as terminal:
        at = terminal.read(b"leaf12.dc3.hosting.example")
        for key, words in (
            ("d", b"along the path"),
            ("d", b"distribution"),
            ("d", b"all hops over time"),
            ("d", b"latency"),
            ("?", b"esc closes"),
        ):
            terminal.type(key)
            at = terminal.read(words, at)
        terminal.type("q")
        at = terminal.read(b"quit", at)
        terminal.type("a")
        at = terminal.read(b"a host name or an address", at)
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes
        return terminal.bytes


def colours(drawn: bytes) -> set[str]:
    """The kinds of colours that were asked for."""
    kinds = set()
    for found in COLOURS.findall(drawn):
        numbers = found.decode().split(";")
        kinds |= {f"{a};{b}" for a, b in pairwise(numbers) if a in ("38", "48")}
        kinds |= {
            "16" for number in numbers if number.isdigit() and (30 <= int(number) <= 37 or 90 <= int(number) <= 97)
        }
    return kinds


@pytest.mark.parametrize("term", ["linux", "dumb", "vt100"])
def test_a_plain_console_is_drawn_in_ascii_with_its_own_colours(term: str) -> None:
    drawn = visited(term)
    strange = {char for char in KNOWN.sub(b"", drawn).decode() if not char.isascii()}
    assert strange == set()
    assert colours(drawn) <= {"16"}


@pytest.mark.parametrize("term", ["xterm", "screen"])
def test_a_terminal_of_sixteen_colours_is_asked_for_no_others(term: str) -> None:
    drawn = visited(term)
    assert "▁" in drawn.decode()
    assert colours(drawn) == {"16"}


@pytest.mark.parametrize("term", ["what-is-this", ""])
def test_a_terminal_that_nobody_knows_shows_the_path(term: str) -> None:
    assert b"leaf12.dc3.hosting.example" in visited(term)


def test_without_colour_there_are_greys_at_the_most() -> None:
    drawn = visited("xterm-256color", "truecolor", NO_COLOR="1")
    mixed = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", drawn))
    assert {(red, green, blue) for red, green, blue in mixed if not red == green == blue} == set()
    assert colours(drawn) <= {"38;2", "48;2"}
