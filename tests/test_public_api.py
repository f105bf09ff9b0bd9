"""The library's surface: what it offers stands in its page, and what the page shows runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import hopscope
from hopscope.session.feeds import CAUGHT_UP, DEEPEST
from hopscope.session.model import Probing
from hopscope.session.retries import WORKER_PAUSES_S
from hopscope.session.supervisor import MOST_RESTARTS, STALLED_S
from hopscope.session.trace import TraceOptions

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PIECES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
# How an example ends on the simulated network: its status, and a line of what it prints.
ENDS = {
    "alarm.py": (1, "of the last 20 answers took over 5.0 ms"),
    "late_answers.py": (0, ": late, after "),
    "many_targets.py": (0, "12 hops, "),
    "one_report.py": (0, "192.0.2.80"),
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", hopscope.__all__)
def test_each_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(hopscope, name) is not None
    assert name in dir(hopscope)
    if name not in ("__version__", "Path", "Hop", "ReportHop", "SessionEvent"):
        assert f"`{name}" in PAGE or f"hopscope.{name}" in PAGE


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'hopscope' has no attribute 'tracer'"):
        _ = hopscope.tracer


def test_the_page_describes_every_method_and_option() -> None:
    methods = {name for name in vars(hopscope.Session) if not name.startswith("_")}
    assert {name for name in methods if f"`{name}" not in PAGE} == set()
    assert {name for name in Probing.__struct_fields__ if f"`{name}`" not in PAGE} == set()


def test_the_pages_bounds_are_the_real_ones() -> None:
    assert f"more than {DEEPEST:,} events" in PAGE
    assert (STALLED_S, MOST_RESTARTS) == (10, 5)
    assert "silent for ten seconds" in PAGE
    assert "after five restarts in\na row" in PAGE
    assert (WORKER_PAUSES_S[-1], CAUGHT_UP * 2) == (60, DEEPEST)


def test_trace_takes_each_option_of_a_session_but_rounds_by_name() -> None:
    assert {*TraceOptions.__annotations__, "rounds"} == set(Probing.__struct_fields__)


@pytest.mark.parametrize("number", range(len(PIECES)))
def test_the_pages_programs_run(number: int) -> None:
    assert "simulated" in PIECES[number]
    done = run("-c", PIECES[number])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_run(example: Path) -> None:
    status, words = ENDS[example.name]
    done = run(str(example))
    assert (done.returncode, done.stderr) == (status, "")
    assert words in done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_takes_bad_input_in_a_line(example: Path) -> None:
    done = run(str(example), "")
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "target" in done.stderr
