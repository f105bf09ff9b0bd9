"""What a terminal does to a program: pastes of anything into whatever is open, and sizes of a single cell."""

from __future__ import annotations

import os
import re
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path

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
        # What is typed behind it stands there: the prompt lives. One that takes several lines is full, and says so.
        terminal.read(b"only the first lines of the paste" if name == "add" else b"zQz", at)
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
    "overview": ("g", "vs usual"),
    "heat": ("ddd", "all hops over time"),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_lives_through_a_terminal_of_one_cell(name: str) -> None:
    keys, words = OPEN[name]
    with Terminal("demo", size=(120, 40)) as terminal:
        at = terminal.read(b"Fine so far")
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


STEERING = {
    "a module to import": {"TEXTUAL_DRIVER": "os:system"},
    "a picture to write": {"TEXTUAL_SCREENSHOT": "0", "TEXTUAL_SCREENSHOT_LOCATION": "."},
    "keys to press": {"TEXTUAL_PRESS": "q,q,q"},
    "tools for developers": {"TEXTUAL": "debug,devtools", "TEXTUAL_DEBUG": "1", "TEXTUAL_SHOW_RETURN": "1"},
    "a size of nowhere": {"COLUMNS": "100000", "LINES": "100000"},
    "a size of another kind": {"COLUMNS": "-1", "LINES": "x"},
    "a size of a notebook": {"JUPYTER_COLUMNS": "100000", "JUPYTER_LINES": "100000"},
    "signals": {"TEXTUAL_ALLOW_SIGNALS": "1"},
    "no keyboard and no colours": {"TEXTUAL_DISABLE_KITTY_KEY": "1", "TEXTUAL_COLOR_SYSTEM": "none"},
    "a key's delay": {"ESCDELAY": "99999999"},
}


@pytest.mark.parametrize("name", STEERING)
def test_nothing_in_the_environment_steers_the_screen_s_libraries(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    more = {**STEERING[name], "TEXTUAL_LOG": str(tmp_path / "log")}
    with Terminal("demo", **more) as terminal:  # type: ignore[arg-type]  # its environment
        terminal.read(LAST_HOP)
        assert b"\x1b[>25u" in terminal.bytes
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("size", [(65535, 65535), (65535, 1), (1, 65535), (0, 0)])
def test_a_terminal_of_an_absurd_size_is_drawn_as_far_as_terminals_go(size: tuple[int, int]) -> None:
    with Terminal("demo", size=size) as terminal:
        terminal.read(b"\x1b[?1049h")
        terminal.resize(120, 34)
        terminal.read(LAST_HOP)
        terminal.resize(*size)
        terminal.type("q")
        assert terminal.wait() in (0, 1)
        assert terminal.is_restored()
        assert 0 < terminal.peak < 400_000


def test_a_sequence_that_the_parser_of_keys_does_not_stand_ends_nothing() -> None:
    with Terminal("demo") as terminal:
        at = terminal.read(LAST_HOP)
        terminal.type("\x1b[:00~\x1b[<0;;M\x1b[999999999999999999u")
        terminal.type("p")
        terminal.read(b"no probes are sent", at)
        terminal.type("q")
        assert terminal.wait() == 0
        assert b"Traceback" not in terminal.bytes


@pytest.mark.parametrize("keys", [b"j", b"\x1b[<35;50;20M\x1b[<35;51;21M"], ids=["keys", "mouse"])
def test_a_flood_of_keys_waits_in_the_terminal_and_not_in_memory(keys: bytes) -> None:
    with Terminal("demo") as terminal:
        terminal.read(LAST_HOP)
        before = memory_of(terminal.pid)
        os.set_blocking(terminal.master, False)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            terminal.take(0.01)
            with suppress(BlockingIOError):
                os.write(terminal.master, keys * 200)
        os.set_blocking(terminal.master, True)
        assert memory_of(terminal.pid) - before < 24 << 20
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait() == 143
        assert terminal.is_restored()


def memory_of(pid: int) -> int:
    """Bytes: proc_pid_statm(5)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("at_once", ["\x10\x1b[6~", "\x10\x1b[5~", "\x10\r\r\r"], ids=["page down", "page up", "enter"])
def test_keys_that_come_faster_than_a_dialog_is_laid_out_cost_the_dialog_at_most(at_once: str) -> None:
    with Terminal("demo") as terminal:
        at = terminal.read(LAST_HOP)
        terminal.type(at_once)
        # Escape, so that it is no beginning of another key: the dialog stands, or had to be closed.
        for _ in range(3):
            terminal.type("\x1b[27u")
            at = terminal.read(b"\x1b[", at)
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes


def test_a_size_that_comes_as_bytes_is_no_size() -> None:
    with Terminal("demo") as terminal:
        at = terminal.read(LAST_HOP)
        before = memory_of(terminal.pid)
        terminal.type("\x1b[48;9999;9999;1;1t" * 3)
        terminal.type("a")
        terminal.read(b"add a target", at)
        assert memory_of(terminal.pid) - before < 20 << 20
        terminal.type("\x03")
        assert terminal.wait() == 130


def test_event_keys_after_the_last_target_was_removed_in_a_held_moment_end_nothing() -> None:
    with Terminal("demo") as terminal:
        terminal.read(LAST_HOP)
        at = len(terminal.bytes)
        terminal.type("fx,.[]")
        terminal.type("a")
        terminal.read(b"add a target", at)
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert b"Traceback" not in terminal.bytes
