"""What all tests share: property tests give the same run each time, and keep no files; what the machine lacks skips a
test by its mark alone, and a strict run skips what it should and nothing else (`tests.needs`)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import needs

settings.register_profile("same", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP):
    # A shell's background job ignores some of them, and so would every program that a test starts.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what the machine lacks."""
    wanted = needs.needs_of(item)
    needs.declare(wanted)
    if reason := needs.why_skip(wanted):
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """No test runs any more once its fixtures are gone."""
    try:
        return (yield)
    finally:
        needs.declare(None)


class StrictSkips:
    """Ends a run as failed where its skips are not the ones that a file names."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._tests: set[str] = set()
        self._skipped: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tests.add(report.nodeid)
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped.add(report.nodeid)

    def _differences(self) -> list[str]:
        skipped, expected = set(needs.folded(self._skipped, self._tests)), needs.named(self._file)
        return [
            *(f"skipped, and not named by {self._file}: {node}" for node in sorted(skipped - expected)),
            *(f"not skipped, though {self._file} names it: {node}" for node in sorted(expected - skipped)),
        ]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._differences() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self._differences():
            terminalreporter.write_line(line, red=True)


def pytest_configure(config: pytest.Config) -> None:
    """A strict run is judged by the process that hears of all tests, which under xdist is the controller."""
    file = os.environ.get("HOPSCOPE_SKIPS")
    if file and not hasattr(config, "workerinput") and not config.option.collectonly:
        config.pluginmanager.register(StrictSkips(Path(file)))
