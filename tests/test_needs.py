"""What a machine lacks skips a test by its mark; a strict run fails where it skips anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs

TOP = Path(__file__).resolve().parent.parent
SUITE = """
import pytest

def test_that_needs_nothing(): pass

@pytest.mark.needs("tmux")
def test_that_needs_a_tool(): pass

@pytest.mark.parametrize("case", ["one", pytest.param("two", marks=pytest.mark.needs("tmux"))])
def test_of_which_a_case_needs_a_tool(case): pass
"""
SKIPPED = "test_suite.py::test_of_which_a_case_needs_a_tool[two]\ntest_suite.py::test_that_needs_a_tool\n"


def run(folder: Path, expected: str, *words: str, suite: str = SUITE, path: str = "/nonexistent") -> tuple[int, str]:
    """A suite of its own, under the project's hooks, on a machine with nothing in its path."""
    (folder / "test_suite.py").write_text(suite)
    (folder / "expected").write_text(expected)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -ra\nmarkers = needs\n")
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(TOP), "HOPSCOPE_SKIPS": str(folder / "expected")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_lacks_is_skipped_with_the_package_that_brings_it(tmp_path: Path) -> None:
    status, said = run(tmp_path, SKIPPED)
    assert status == 0, said
    assert "needs tmux (apt install tmux)" in said
    assert "2 passed, 2 skipped" in said


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "with workers"])
@pytest.mark.parametrize(
    ("expected", "complaint"),
    [
        ("", "skipped, and not named"),
        (SKIPPED + "test_suite.py::test_that_needs_nothing\n", "not skipped, though"),
    ],
)
def test_a_strict_run_fails_for_a_skip_more_or_less(
    tmp_path: Path, expected: str, complaint: str, workers: list[str]
) -> None:
    status, said = run(tmp_path, expected, *workers)
    assert status == 1, said
    assert complaint in said


def test_a_skip_that_no_mark_explains_fails_a_strict_run_too(tmp_path: Path) -> None:
    status, said = run(tmp_path, "", suite="import pytest\n\ndef test_it():\n    pytest.skip('not today')\n")
    assert status == 1, said
    assert "skipped, and not named" in said


def test_a_lab_that_a_test_did_not_declare_fails_it_where_the_tool_is_there_as_well(tmp_path: Path) -> None:
    suite = "from tests.needs import uses\n\ndef test_it():\n    uses('tmux')\n"
    status, said = run(tmp_path, "", suite=suite)
    assert status == 1, said
    assert 'mark it with pytest.mark.needs("tmux")' in said


def test_an_unknown_need_is_an_error_and_no_skip(tmp_path: Path) -> None:
    status, said = run(tmp_path, "", suite=SUITE.replace('"tmux"', '"tmucks"'))
    assert status != 0
    assert "'tmucks', which tests/needs.py does not know" in said


@pytest.mark.parametrize(
    ("skipped", "lines"),
    [
        ({"f::a[1]", "f::a[2]"}, ["f::a"]),
        ({"f::a[1]"}, ["f::a[1]"]),
        (set(), []),
        ({"f::b"}, ["f::b"]),
    ],
)
def test_a_function_stands_for_its_cases_where_all_are_skipped(skipped: set[str], lines: list[str]) -> None:
    assert needs.folded(skipped, {"f::a[1]", "f::a[2]", "f::b"}) == lines


def test_the_list_of_what_a_bare_system_skips_is_what_the_marks_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.needs", "--show"],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    written = needs.BARE_SKIPS.read_text(encoding="utf-8")
    assert done.stdout == written, "write it anew: python -m tests.needs"


def test_ci_installs_every_tool_that_a_test_can_need() -> None:
    lines = (TOP / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    installed = {tuple(line.split()[1:]) for line in lines if line.startswith("need ")}
    assert set(needs.PACKAGES.items()) <= installed


def test_no_file_of_tests_loses_a_mark_by_setting_its_marks_twice() -> None:
    twice = [
        str(path.relative_to(TOP))
        for path in (TOP / "tests").rglob("test_*.py")
        if sum(line.startswith("pytestmark = ") for line in path.read_text("utf-8").splitlines()) > 1
    ]
    assert twice == []
