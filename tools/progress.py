"""A pytest plugin for people who wait: how far a run is, now and then, in lines that read well in a log too; a test
that fails is named at once. Loaded by tools/check.py: ``pytest -p tools.progress``.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping

import pytest

EVERY_S = 10.0
"""Seconds between two lines."""

Status = tuple[str, str, str | tuple[str, Mapping[str, bool]]]
"""pytest's category of a report, a letter, a word."""


class Progress:
    """Counts what ended. Under xdist it stands in the controller, which hears of every test."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session: pytest.Session | None = None
        self._began = self._said = time.monotonic()
        self._ended = self._failed = 0

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Status, Status]:
        """pytest's own words in its summary, and no letter in front of ours. Nothing at all is said of what passed."""
        category, _letter, word = yield
        return category, "", "" if category == "passed" else word

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed += 1
            self._say(f"  FAILED {report.nodeid}")

    def pytest_runtest_logfinish(self) -> None:
        self._ended += 1
        now = time.monotonic()
        if now - self._said >= EVERY_S:
            self._said = now
            self._say(f"  {line(self._ended, self._total(), now - self._began, self._failed)}")

    def _total(self) -> int:
        return self._session.testscollected if self._session is not None else 0

    def _say(self, text: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(text)
            reporter.flush()


def line(ended: int, total: int, seconds: float, failed: int) -> str:
    """How far a run is. `seconds`: since it began."""
    share = 100 * ended // total if total else 0
    minutes, rest = divmod(int(seconds), 60)
    return f"{share:3} %  {ended} of {total} tests in {minutes}:{rest:02} min, {failed or 'none'} failed"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "hopscope-progress")
