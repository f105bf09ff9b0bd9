"""What a newcomer sees of tools/check.py, and where it runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check, progress

TOP = Path(check.__file__).resolve().parent.parent


def step(name: str, *words: str, folder: Path, suite: str) -> tuple[int, str]:
    """One step of check.py, on a suite of its own."""
    (folder / "test_suite.py").write_text(suite)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, str(TOP / "tools" / "check.py"), "--step", name, *words, str(folder)]
    environment = {key: value for key, value in os.environ.items() if key != "HOPSCOPE_SKIPS"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environment)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.needs("isolation")
def test_the_tests_run_where_no_packet_can_leave(tmp_path: Path) -> None:
    suite = """
import errno, socket

def test_it():
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    with socket.socket() as sock:
        assert sock.connect_ex(("192.0.2.1", 80)) == errno.ENETUNREACH
"""
    status, said = step("tests", folder=tmp_path, suite=suite)
    assert status == 0, said
    assert "1 passed" in said


def test_a_failure_is_named_at_once_and_the_step_fails(tmp_path: Path) -> None:
    status, said = step("tests", folder=tmp_path, suite="def test_it():\n    assert 0\n")
    assert status == 1, said
    assert "  FAILED test_suite.py::test_it\n" in said
    assert "tests: FAILED, " in said


def test_how_far_it_is_fits_a_line() -> None:
    assert progress.line(350, 2893, 83.4, 0) == " 12 %  350 of 2893 tests in 1:23 min, none failed"
    assert progress.line(2893, 2893, 200, 2) == "100 %  2893 of 2893 tests in 3:20 min, 2 failed"
    assert progress.line(0, 0, 0, 0) == "  0 %  0 of 0 tests in 0:00 min, none failed"


def test_a_step_that_passes_is_one_line_and_one_that_fails_shows_why(capfd: pytest.CaptureFixture[str]) -> None:
    assert check.run(check.Step("lint", [sys.executable, "-c", "print('a banner')"])) == 0
    assert capfd.readouterr().out.startswith("lint ... ok, ")
    assert check.run(check.Step("lint", [sys.executable, "-c", "print('line 7'); raise SystemExit(3)"])) == 3
    said = capfd.readouterr().out
    assert said.startswith("lint ... FAILED, ")
    assert said.endswith("line 7\n")


def test_a_step_that_there_is_not_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--step", "linting"]) == 2
    assert "no step 'linting'; there are lint, format, types" in capsys.readouterr().err


def test_an_interruption_is_a_line_and_its_status() -> None:
    interrupting = "import os, signal; os.kill(os.getppid(), signal.SIGINT); signal.pause()"
    program = (
        "import sys; from tools import check\n"
        f"check.steps = lambda _: [check.Step('lint', [sys.executable, '-c', {interrupting!r}])]\n"
        "sys.exit(check.main([]))"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout == "lint ... interrupted\n"
