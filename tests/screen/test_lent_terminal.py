"""The terminal is lent: whatever signals come, in whatever order, the screen comes back whole, and the shell finds its
terminal as it was: modes, screen, cursor, mouse, keyboard, reports."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hopscope.history.store import Store
from tests.cli.command import environment
from tests.lab.processes import children, state, with_signal
from tests.screen.shell import PROMPT, ShellTerminal, shows_whole
from tests.screen.terminal import Terminal

STOPS: dict[str, Callable[[ShellTerminal], None]] = {
    "ctrl+z": lambda terminal: terminal.type("\x1a"),
    "SIGTSTP": lambda terminal: terminal.kill(signal.SIGTSTP),
    "SIGSTOP": lambda terminal: terminal.kill(signal.SIGSTOP),
}

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)


def stop(terminal: ShellTerminal, how: str) -> None:
    """Stop hopscope, and wait for the shell's prompt."""
    at = len(terminal.bytes)
    STOPS[how](terminal)
    terminal.until_stopped()
    terminal.read(re.escape(PROMPT), at)


def foreground(terminal: ShellTerminal) -> None:
    """``fg``; the whole screen is drawn."""
    at = len(terminal.bytes)
    terminal.type("fg\n")
    terminal.until(lambda: shows_whole(terminal.bytes[at:]), "the screen does not come back whole")


@pytest.mark.parametrize("how", STOPS)
@pytest.mark.parametrize(
    "shell",
    [
        "sh",
        "bash",
        pytest.param("zsh", marks=pytest.mark.needs("zsh")),
        pytest.param("fish", marks=pytest.mark.needs("fish")),
    ],
)
def test_stopped_and_in_front_again_the_screen_is_whole_and_q_gives_the_terminal_back(shell: str, how: str) -> None:
    with ShellTerminal(shell) as terminal:
        terminal.run()
        stop(terminal, how)
        if how != "SIGSTOP":  # of which no program hears before it is over
            assert terminal.is_restored
        foreground(terminal)
        at = len(terminal.bytes)
        terminal.type("p")
        terminal.read(b"no probes are sent", at)
        terminal.type("q")
        assert terminal.until_end() == 0
        assert terminal.is_restored
        assert b"Traceback" not in terminal.bytes


@pytest.mark.parametrize("how", STOPS)
def test_in_the_background_nothing_is_drawn_and_fg_brings_it_back(how: str) -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        stop(terminal, how)
        terminal.at_prompt("bg\n")
        terminal.until_stopped()
        terminal.at_prompt("echo read\n", b"read")  # what was drawn before is read
        at = len(terminal.bytes)
        terminal.at_prompt("echo quiet\n", b"quiet")
        assert b"\x1b" not in terminal.bytes[at:]
        foreground(terminal)
        terminal.type("q")
        assert terminal.until_end() == 0
        assert terminal.is_restored


def test_started_in_the_background_it_waits_until_it_is_in_front() -> None:
    with ShellTerminal() as terminal:
        terminal.at_prompt(f"{sys.executable} -m hopscope demo &\n")
        terminal.until(lambda: bool(terminal.children()), "it is not there")
        (terminal.pid,) = terminal.children()
        terminal.until_stopped()
        assert b"\x1b[?1049h" not in terminal.bytes
        foreground(terminal)
        terminal.type("q")
        assert terminal.until_end() == 0
        assert terminal.is_restored


def test_what_timeout_sends_when_the_time_is_over_ends_it_in_order() -> None:
    with ShellTerminal() as terminal:
        terminal.type(f"timeout 60 {sys.executable} -m hopscope demo\n")
        terminal.read(rb"leaf12\.dc3\.hosting\.example")
        (terminal.pid,) = terminal.children()
        terminal.kill(signal.SIGALRM)  # the end of its 60 seconds: it sends SIGTERM and then SIGCONT
        assert terminal.until_end() == 124
        assert terminal.is_restored


@pytest.mark.parametrize(
    "numbers",
    [
        (signal.SIGCONT,),
        (signal.SIGTERM, signal.SIGCONT),
        (signal.SIGCONT, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGCONT),
        (signal.SIGINT, signal.SIGCONT),
        (signal.SIGCONT, signal.SIGCONT, signal.SIGCONT),
        (signal.SIGQUIT,),
        (signal.SIGUSR1,),
        (signal.SIGALRM,),
        (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT),
    ],
    ids=lambda numbers: "+".join(number.name for number in numbers),
)
def test_signals_in_any_order_leave_the_terminal_as_it_was(numbers: tuple[signal.Signals, ...]) -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        terminal.kill(*numbers)
        if set(numbers) <= {signal.SIGCONT}:
            terminal.type("q")
            assert terminal.until_end() == 0
        else:
            first = next(number for number in sorted(numbers) if number not in (signal.SIGCONT, signal.SIGWINCH))
            assert terminal.until_end() in {128 + number for number in numbers}, first
        assert terminal.is_restored
        assert b"Traceback" not in terminal.bytes


@pytest.mark.parametrize("how", STOPS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_while_it_is_stopped_it_ends_and_does_not_come_back(how: str, number: signal.Signals) -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        stop(terminal, how)
        terminal.kill(number, signal.SIGCONT)
        terminal.until_gone()
        assert terminal.is_restored


def test_no_thread_but_the_main_one_takes_a_signal_so_that_none_is_overtaken_by_a_stop() -> None:
    with ShellTerminal() as terminal:
        pid = terminal.run()
        others = [task for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)]
        assert others
        for task in others:
            blocked = int(re.search(r"SigBlk:\s+(\w+)", (task / "status").read_text())[1], 16)  # type: ignore[index]
            taken = [number.name for number in HEARD if not blocked & 1 << (number - 1)]
            assert not taken, (task / "comm").read_text()
        terminal.type("q")
        assert terminal.until_end() == 0


def test_the_size_that_the_terminal_was_given_meanwhile_is_heeded() -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        stop(terminal, "ctrl+z")
        terminal.resize(140, 50)
        at = len(terminal.bytes)
        terminal.type("fg\n")
        terminal.read(rb"\x1b\[50;1H", at)
        terminal.type("q")
        assert terminal.until_end() == 0


def test_ctrl_z_stops_it_from_within_a_prompt_too_and_what_was_typed_is_still_there() -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        at = len(terminal.bytes)
        terminal.type("a")
        at = terminal.read(b"add a target", at)
        terminal.type("half.example")
        terminal.read(b"half.example", at)
        stop(terminal, "ctrl+z")
        at = len(terminal.bytes)
        terminal.type("fg\n")
        terminal.read(b"half.example", at)
        terminal.type("\x03")
        assert terminal.until_end() == 130
        assert terminal.is_restored


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_stops_and_continuations_ends_with_the_terminal_as_it_was(seed: int) -> None:
    chance = random.Random(seed)
    with ShellTerminal(chance.choice(("sh", "bash"))) as terminal:
        terminal.run()
        is_stopped = False
        story = []
        for _ in range(7):
            if is_stopped:
                what = chance.choice(("fg", "fg", "bg", "CONT"))
                if what == "fg":
                    foreground(terminal)
                    is_stopped = False
                elif what == "bg":
                    terminal.at_prompt("bg\n")
                    terminal.until_stopped()
                else:
                    terminal.kill(signal.SIGCONT)
                    terminal.until_stopped()
            else:
                what = chance.choice((*STOPS, "CONT", "resize", "keys"))
                if what in STOPS:
                    stop(terminal, what)
                    is_stopped = True
                elif what == "resize":
                    terminal.resize(chance.randint(60, 150), chance.randint(20, 50))
                    terminal.resize(120, 34)
                elif what == "keys":
                    terminal.type(chance.choice("cdm"))
                    terminal.type("\x1b")
                else:
                    terminal.kill(signal.SIGCONT)
            story.append(what)
        number = chance.choice((signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
        # What is stopped hears of it once it is continued, and in the background it would be stopped again at once.
        terminal.kill(*((number, signal.SIGCONT) if is_stopped else chance.sample((number, signal.SIGCONT), 2)))
        terminal.until_gone()
        assert terminal.is_restored, story
        assert b"Traceback" not in terminal.bytes, story


# --- a terminal that is not read, or is gone -------------------------------------------------------------------------


def freeze(terminal: ShellTerminal) -> None:
    """Read nothing until the terminal is full: whoever writes to it waits."""
    for _ in range(60):
        terminal.type("g")
        time.sleep(0.02)  # nothing can be awaited of a terminal that is not read


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_terminal_that_nobody_reads_keeps_no_signal_from_ending_it(number: signal.Signals) -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        freeze(terminal)
        workers = children(terminal.pid)
        began = time.monotonic()
        terminal.kill(number)
        while state(terminal.pid) not in "-Z":
            assert time.monotonic() - began < 4, "it goes on"
            time.sleep(0.01)
        while any(state(pid) not in "-Z" for pid in workers):
            assert time.monotonic() - began < 5, "its worker goes on"
            time.sleep(0.01)
        assert terminal.until_end() == 128 + number
        assert terminal.is_restored


def test_a_stopped_output_keeps_no_signal_from_ending_it_and_is_given_back() -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        slave = os.open(terminal.name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(slave, termios.TCOOFF)
        terminal.type("ggg")
        began = time.monotonic()
        terminal.kill(signal.SIGTERM)
        while state(terminal.pid) not in "-Z":
            assert time.monotonic() - began < 4, "it goes on"
            time.sleep(0.01)
        assert terminal.until_end() == 143
        assert terminal.is_restored
        os.close(slave)


@pytest.mark.parametrize("is_leader", [True, False])
def test_a_terminal_that_goes_away_ends_it_in_order_and_a_recording_is_one_file(
    is_leader: bool, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    master, slave = os.openpty()
    screen = [sys.executable, "-m", "hopscope", "demo", "-i", "0.1", "--record", str(kept)]
    words = ["setsid", "--ctty", "--wait", *screen] if is_leader else screen
    # A window's end is a signal to those whose own terminal it is, and the end of what can be read to others.
    process = subprocess.Popen(
        words, stdin=slave, stdout=slave, stderr=slave, env=environment(), start_new_session=True
    )
    os.close(slave)
    seen, end = b"", time.monotonic() + 20
    while b"leaf12.dc3.hosting.example" not in seen:
        assert time.monotonic() < end, seen[-500:]
        seen += os.read(master, 1 << 16)
    os.close(master)
    assert process.wait(20) == 128 + signal.SIGHUP
    alone = shutil.copy(kept, tmp_path / "alone")  # as root its two helpers stay beside it, with nothing of its own
    with Store(str(alone)) as store:
        assert len(store.traces()) == 1


def test_a_terminal_that_is_read_again_gets_the_whole_screen_and_probing_went_on() -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        workers = children(terminal.pid)
        freeze(terminal)
        terminal.resize(100, 30)
        freeze(terminal)
        terminal.resize(120, 34)
        terminal.type("p")
        terminal.read(b"no probes are sent")
        at = len(terminal.bytes)
        terminal.type("p")
        terminal.read(b"probing goes on", at)
        assert children(terminal.pid) == workers
        terminal.type("q")
        assert terminal.until_end() == 0
        assert terminal.is_restored


def test_stopped_while_nobody_reads_it_comes_back_whole() -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        freeze(terminal)
        terminal.kill(signal.SIGTSTP)
        end = time.monotonic() + 5
        while terminal.state() != "T":
            assert time.monotonic() < end, "it is not stopped"
            time.sleep(0.01)
        assert terminal.is_restored
        foreground(terminal)
        terminal.type("q")
        assert terminal.until_end() == 0
        assert terminal.is_restored


STUCK = """
import os, sys, time
from hopscope.session.session import Session
real, since = Session.snapshot, time.monotonic()
def snapshot(session):
    while os.path.exists(sys.argv[1]):
        time.sleep(60)  # whatever the loop waits for, it does not turn any more
    return real(session)
Session.snapshot = snapshot
from hopscope.cli.run import run
sys.exit(run(["demo"]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_loop_that_is_stuck_is_ended_and_the_terminal_given_back(number: signal.Signals, tmp_path: Path) -> None:
    with Terminal(str(tmp_path / "now"), code=STUCK) as terminal:
        terminal.read(b"leaf12.dc3.hosting.example")
        workers = terminal.children()
        (tmp_path / "now").touch()
        end = time.monotonic() + 1.5  # it looks at the session at least once a second
        while time.monotonic() < end:
            terminal.take(0.1)
        began = time.monotonic()
        os.kill(terminal.pid, number)
        assert terminal.wait() == 128 + number
        assert 1.5 < time.monotonic() - began < 6
        assert terminal.is_restored()
        end = time.monotonic() + 5
        while any(state(pid) not in "-Z" for pid in workers):
            assert time.monotonic() < end, "its worker goes on"
            time.sleep(0.02)


def test_several_wishes_to_stop_are_one() -> None:
    with ShellTerminal() as terminal:
        terminal.run()
        terminal.kill(signal.SIGTSTP, signal.SIGTSTP, signal.SIGTSTP)
        terminal.until_stopped()
        foreground(terminal)
        terminal.type("q")
        assert terminal.until_end() == 0
        assert terminal.is_restored


def test_without_a_shell_ctrl_z_stops_nothing_and_the_screen_stays() -> None:
    """In a group of processes that no shell could continue, as in a container, the kernel stops nobody."""
    with Terminal("demo") as terminal:
        at = terminal.read(b"leaf12.dc3.hosting.example")
        terminal.type("\x1a")
        at = terminal.read(b"\x1b[?1049h", at)
        terminal.read(b"leaf12.dc3.hosting.example", at)
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.is_restored()


@pytest.mark.parametrize("nohup", ["", "nohup "], ids=["hung up", "nohup"])
def test_a_terminal_that_vanishes_ends_it(nohup: str) -> None:
    terminal = ShellTerminal()
    terminal.type("trap '' HUP\n" if nohup else "\n")
    terminal.run()
    workers = children(terminal.pid)
    assert workers
    os.close(terminal.master)
    end = time.monotonic() + 10
    while any(state(pid) not in "-Z" for pid in (terminal.pid, *workers)):
        assert time.monotonic() < end, "it goes on without a terminal"
        time.sleep(0.02)
    with_signal(terminal.shell, signal.SIGKILL)
    os.waitpid(terminal.shell, 0)
    terminal.home.cleanup()
