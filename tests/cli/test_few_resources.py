"""Little of everything: processes and threads (ulimit -u), open files (ulimit -n). What can be done is done; what
cannot is a line that says what there is too little of."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.command import QUICK, environment
from tests.lab.plain_user import as_plain_user
from tests.screen.terminal import Terminal

USER = 100_000 + os.getpid()
"""A user of whom nothing else runs: the limit counts all of a user's processes."""


def limited(limit: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a plain user of few resources."""
    python = as_plain_user()[-1]
    return subprocess.run(
        [
            "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
            "prlimit", limit, python, "-m", "hopscope", *words,
        ],
        capture_output=True, text=True, cwd="/", env=environment(), stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


@pytest.mark.needs("root")
@pytest.mark.parametrize("most", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "words", [("-n", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("demo",)], ids=["one", "two", "demo"]
)
def test_with_few_threads_it_works_or_says_what_is_missing(most: int, words: tuple[str, ...]) -> None:
    done = limited(f"--nproc={most}", *words, "-r", *QUICK)
    assert "Traceback" not in done.stderr
    assert "does not let the user" not in done.stderr
    if done.returncode == 0:
        assert done.stderr == ""
        assert done.stdout
    else:
        assert done.returncode == 4
        assert done.stderr.count("\n") == 1
        assert "ulimit -u" in done.stderr
    assert (done.returncode == 0) == (most > 1)


@pytest.mark.needs("root")
@pytest.mark.parametrize("most", [7, 9, 11, 12, 13, 14, 16, 20])
def test_with_few_open_files_it_works_or_says_what_is_missing(most: int) -> None:
    done = limited(f"--nofile={most}", "demo", "-r", *QUICK)
    assert "Traceback" not in done.stderr
    if done.returncode != 0:
        assert done.returncode == 4
        assert done.stderr.count("\n") == 1
        assert "open" in done.stderr


def ended_or_shown(terminal: Terminal) -> bool:
    """Wait until the command ended (true), or its screen says how probing goes."""
    end = time.monotonic() + 30
    while not re.search(rb"leaf12\.dc3\.hosting\.example|no file descriptor left|worker", terminal.bytes):
        assert time.monotonic() < end, "it neither ends nor shows anything"
        if os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        terminal.take(0.05)
    return False


@pytest.mark.parametrize("most", [2, 9, 11, 12, 13, 14, 20])
def test_a_screen_with_few_open_files_gives_the_terminal_back_whatever_comes(most: int) -> None:
    code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({most + 3}, {most + 3}))
from hopscope.cli.run import run
sys.exit(run(["demo"]))
"""
    with Terminal(code=code) as terminal:
        if not ended_or_shown(terminal):
            terminal.type("q")
        assert terminal.wait() in (0, 1, 3, 4)
        assert b"Traceback" not in terminal.bytes
        assert terminal.status != 4 or re.search(rb"open files|no more files", terminal.bytes)
        if b"\x1b[?1049h" in terminal.bytes:
            assert terminal.is_restored()


CARELESS = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execv(sys.executable, [sys.executable, "-m", "hopscope", *sys.argv[1:]])
"""


def test_signals_that_a_careless_parent_ignored_or_blocked_work_all_the_same() -> None:
    """With SIGCHLD ignored nobody hears how a child ended: root's worker could not say who can read the program."""
    words = (sys.executable, "-c", CARELESS, "demo", "--format", "ndjson", "-c", "100", "-i", "100ms")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"probe"' in line:
                break
        process.terminate()
        process.stdout.read()
        assert process.wait(20) == 128 + signal.SIGTERM
