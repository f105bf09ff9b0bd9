"""A report whose only target's name cannot be looked up now waits for a name server; one that has no name does not."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.cli.command import environment

# The program as it is, but for the name server: so many questions fail, then the name leads to this machine.
PROGRAM = """
import socket, sys
failures, error = int(sys.argv[1]), getattr(socket, sys.argv[2])
asked = 0
def getaddrinfo(*question, **how):
    global asked
    asked += 1
    if asked <= failures:
        raise socket.gaierror(error, "no")
    return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", 0))]
socket.getaddrinfo = getaddrinfo
from hopscope.cli.run import run
sys.exit(run(sys.argv[3:]))
"""


def report(failures: int, error: str, *words: str, name: str = "later.example") -> subprocess.CompletedProcess[str]:
    """A report of the simulated name server's name."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(failures), error, "-n", "-r", "-m", "1", *words, name],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_report_waits_for_a_name_server() -> None:
    done = report(3, "EAI_AGAIN", "-c", "8", "-i", "0.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "127.0.0.1" in done.stdout
    assert "0.0%     8" in done.stdout


def test_a_report_gives_up_when_its_rounds_would_be_over() -> None:
    done = report(10**6, "EAI_AGAIN", "-c", "2", "-i", "0.5")
    assert (done.returncode, done.stdout) == (2, "")
    words = "later.example: the name server does not answer; an address works without it"
    assert done.stderr == f"hopscope: {words}\n"


def test_a_subcommand_with_a_slip_in_it_is_guessed_without_a_name_server_too() -> None:
    done = report(10**6, "EAI_AGAIN", "-c", "1", "-i", "0.5", name="dmeo")
    assert done.returncode == 2
    assert done.stderr.endswith("an address works without it; did you mean `hopscope demo`?\n")


def test_a_name_that_does_not_exist_is_an_error_at_once() -> None:
    began = time.monotonic()
    done = report(10**6, "EAI_NONAME", "-c", "1000")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no address is known for this name" in done.stderr
    assert time.monotonic() - began < 30
