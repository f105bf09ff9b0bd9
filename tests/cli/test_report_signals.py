"""A report and its signals: stopped and continued, hung up, on a terminal that nobody reads."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.processes import state
from tests.screen.shell import PROMPT, ShellTerminal
from tests.screen.terminal import Terminal


def begin(terminal: ShellTerminal, words: str) -> None:
    """Start the command in the shell's foreground, and wait for its progress line."""
    at = len(terminal.bytes)
    terminal.type(f"{sys.executable} -m hopscope {words}\n")
    terminal.read(rb"round [2-9]", at)
    (terminal.pid,) = terminal.children()


@pytest.mark.parametrize("how", ["\x1a", signal.SIGTSTP, signal.SIGSTOP], ids=["ctrl+z", "SIGTSTP", "SIGSTOP"])
def test_a_report_that_was_stopped_goes_on_with_fg_and_is_whole(how: str | signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with ShellTerminal() as terminal:
        begin(terminal, f"demo --format json --output {path} -c 8 -i 300ms -Z 1")
        at = len(terminal.bytes)
        if isinstance(how, str):
            terminal.type(how)
        else:
            terminal.kill(how)
        terminal.until_stopped()
        terminal.read(re.escape(PROMPT), at)
        assert terminal.modes() == terminal.before
        terminal.type("fg\n")
        assert terminal.until_end() == 0
        assert terminal.is_restored
    report = json.loads(path.read_text())
    assert report["rounds"] == 8
    for hop in report["hops"]:
        assert hop["sent"] == hop["received"] + hop["lost"] + hop["late"] + hop["pending"] + hop["failed"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("format_", ["json", "ndjson"])
def test_a_report_that_is_ended_prints_what_it_has_and_takes_its_line_away(
    number: signal.Signals, format_: str, tmp_path: Path
) -> None:
    path = tmp_path / "report"
    with ShellTerminal() as terminal:
        begin(terminal, f"demo --format {format_} --output {path} -c 200 -i 200ms")
        terminal.kill(number, signal.SIGCONT)
        assert terminal.until_end() == 128 + number
        assert terminal.is_restored
    documents = [json.loads(line) for line in path.read_text().splitlines()] if format_ == "ndjson" else []
    if format_ == "json":
        assert json.loads(path.read_text())["rounds"] >= 2
    else:
        assert [documents[0]["event"], documents[-1]["event"]] == ["start", "end"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_progress_line_that_nobody_reads_holds_no_report_up(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    code = f"""
import os, sys
os.dup2(os.open({str(path)!r}, os.O_WRONLY | os.O_CREAT, 0o644), 1)
from hopscope.cli import progress
progress.line = lambda snapshot: "x" * 3000 + str(snapshot.now)
from hopscope.cli.run import run
sys.exit(run(["demo", "--format", "json", "-c", "100", "-i", "100ms"]))
"""
    with Terminal(code=code) as terminal:
        terminal.read(b"xxxx")
        time.sleep(3)  # its lines fill the terminal, which nobody reads
        os.kill(terminal.pid, number)
        end = time.monotonic() + 8
        while state(terminal.pid) not in "-Z":
            assert time.monotonic() < end, "it does not end"
            time.sleep(0.02)
        assert terminal.wait() == 128 + number
    assert json.loads(path.read_text())["rounds"] > 5


def test_a_report_whose_terminal_vanishes_ends_and_is_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    terminal = ShellTerminal()
    begin(terminal, f"demo --format json --output {path} -c 200 -i 200ms")
    os.close(terminal.master)
    end = time.monotonic() + 10
    while state(terminal.pid) not in "-Z":
        assert time.monotonic() < end, "it goes on without a terminal"
        time.sleep(0.02)
    os.kill(terminal.shell, signal.SIGKILL)
    os.waitpid(terminal.shell, 0)
    terminal.home.cleanup()
    assert json.loads(path.read_text())["rounds"] >= 2


def test_an_interrupt_while_the_program_is_loaded_is_no_traceback() -> None:
    words = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'hopscope.cli.output':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from hopscope.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
