"""The whole line, from keys to the simulated network and back, in a real pty."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.screen.terminal import Terminal

LAST_HOP = b"leaf12.dc3.hosting.example"


def test_the_path_stands_is_paused_and_resumed_and_q_restores_the_terminal() -> None:
    with Terminal("demo") as terminal:
        at = terminal.read(b"Fine so far")
        terminal.type("p")
        at = terminal.read(b"no probes are sent", at)
        terminal.type("p")
        terminal.read(b"probing goes on", at)
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_restores_the_terminal_and_leaves_no_worker(number: signal.Signals, status: int) -> None:
    with Terminal("demo") as terminal:
        terminal.read(LAST_HOP)
        workers = terminal.children()
        assert workers
        os.kill(terminal.pid, number)
        assert terminal.wait() == status
        assert terminal.is_restored()
        assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)


def test_ctrl_c_ends_it_as_an_interruption() -> None:
    with Terminal("demo") as terminal:
        terminal.read(LAST_HOP)
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.is_restored()


def test_a_killed_worker_is_said_and_started_again() -> None:
    with Terminal("demo") as terminal:
        at = terminal.read(b"Too few rounds")  # the target has answered: that is what the status tells of
        (worker,) = terminal.children()
        os.kill(worker, signal.SIGKILL)
        terminal.read(b"started again", at)
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_terminal_shrinks_to_a_single_cell_and_grows_back() -> None:
    with Terminal("demo", size=(120, 34)) as terminal:
        terminal.read(LAST_HOP)
        for size in ((40, 12), (1, 1), (3, 2), (200, 60), (1, 40), (200, 1)):
            terminal.resize(*size)
        at = len(terminal.bytes)
        terminal.resize(100, 30)
        terminal.read(LAST_HOP, at)
        terminal.type("q")
        assert terminal.wait() == 0
        assert b"Traceback" not in terminal.bytes


def test_garbage_pasted_into_a_prompt_is_text() -> None:
    with Terminal("demo") as terminal:
        at = terminal.read(LAST_HOP)
        terminal.type("a")
        at = terminal.read(b"add a target", at)
        garbage = "\x1b[200~" + "[bold]x[/nope] \u202e\u200b\x07\x9b31m $(reboot) " * 40 + "\x1b[201~"
        terminal.type(garbage)
        terminal.type("\r")
        terminal.read(b"nope", at)
        terminal.type("\x1b")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.is_restored()
        assert b"Traceback" not in terminal.bytes


KNOWN = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours
    rb"|\x1b\[[0-9;]*[Hf]"  # places
    rb"|\x1b\[\??[0-9;]*(?:\$p|[hlJKsu])"  # modes, erasing
    rb"|\x1b\[[<>=][0-9;]*u"  # keyboard
    rb"|\x1b\[[0-9;]*t"
    rb"|\x1b\[c|\x1b\[6n|\x1b[78=>]|\x1b\[\?[0-9;]*\$p|\x1bP[^\x1b]*\x1b\\"
    rb"|\x1b\]22;[a-z-]*\x07"  # the mouse pointer's shape
)


def test_hostile_names_send_nothing_of_theirs_to_the_terminal() -> None:
    with Terminal("demo", "hostile", size=(160, 50)) as terminal:
        at = terminal.read(b"back in time")
        for keys in ("n", "n", "z", "g", "g", "k", "k", "d", "d", "d", "p"):
            terminal.type(keys)
        at = terminal.read(b"no probes are sent", at)
        terminal.type("\r")
        terminal.read(b"closes", at)
        terminal.type("\x03")
        terminal.wait()
        rest = KNOWN.sub(b"", terminal.bytes)
        assert b"\x1b" not in rest
        text = rest.decode("utf-8", "strict")
        strange = {char for char in text if not char.isprintable() and char not in "\r\n\x00"}
        assert strange == set()
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\x80-\x9f]", text)
        assert b"Traceback" not in terminal.bytes
