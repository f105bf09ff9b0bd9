"""What a terminal does to a program: pastes of anything into whatever is open, and sizes of a single cell."""

from __future__ import annotations

import re

import pytest

from tests.screen.terminal import Terminal

LAST_HOP = b"leaf12.dc3.hosting.example"
UNIT = (
    b"[bold]x[/nope] [@click=app.quit]q \x00\x01\x1b[31m\x1b]0;PWNED\x07\x1b[2J\x9b31m "
    + "\u202e\u2066\u200b\ufeff\u0301\u0301\u0301日本 $(reboot)\n\r\t\x7f\b'\"\\".encode()
    + b"\xff\xfe "
)
GARBAGE = UNIT * (100_000 // len(UNIT) + 1)
PROMPTS = {
    "add": ("a", b"add a target"),
    "interval": ("i", b"interval"),
    "write": ("w", b"a file ending in"),
    "palette": ("\x10", b"Search"),
    "port": ("sjj\r", b"destination port of UDP and TCP; empty"),
}
STRANGE = re.compile("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\x80-\x9f]")


@pytest.mark.parametrize("name", PROMPTS)
def test_a_hundred_kilobytes_of_garbage_pasted_into_a_prompt_are_text(name: str) -> None:
    keys, opened = PROMPTS[name]
    with Terminal("demo") as terminal:
        at = terminal.read(LAST_HOP)
        for key in keys:  # one at a time, as a person does
            terminal.type(key)
        at = terminal.read(opened, at)
        terminal.paste(GARBAGE)
        terminal.type("zQz")
        terminal.read(b"zQz", at)  # what is typed behind it stands there: the prompt lives
        terminal.type("\r")
        terminal.type("\x1b")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes
        drawn = terminal.bytes[at:]
        assert b"PWNED\x07" not in drawn
        assert b"\x1b]0;" not in drawn
        assert not STRANGE.search(terminal.bytes.decode("utf-8", "strict"))


OPEN = {
    "details": ("\r", "details"),
    "columns": ("o", "columns"),
    "settings": ("s", "settings"),
    "help": ("?", "help"),
    "prompt": ("a", "add a target"),
    "palette": ("\x10", "Search"),
    "overview": ("g", "Health"),
    "heat": ("ddd", "all hops over time"),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_lives_through_a_terminal_of_one_cell(name: str) -> None:
    keys, words = OPEN[name]
    with Terminal("demo", size=(120, 40)) as terminal:
        at = terminal.read(b"echo reply")
        terminal.type("p")  # from here on nothing is drawn but what the sizes ask for
        at = terminal.read(b"no probes are sent", at)
        for key in keys:
            terminal.type(key)
        at = terminal.read(words.encode(), at)
        for size in ((1, 1), (2, 1), (1, 2), (3, 3), (10, 4), (300, 2), (2, 100), (1, 1)):
            terminal.resize(*size)
            at = terminal.read(b"\x1b[", at)
        terminal.resize(120, 40)
        terminal.read(words.encode(), at)
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes
