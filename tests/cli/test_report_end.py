"""How a report ends where the worker does not do its part."""

from __future__ import annotations

import json
import sys
import time

import pytest

from hopscope.cli import report
from hopscope.cli.namers import StaticNamer
from hopscope.cli.options import Options
from hopscope.cli.output import Output
from hopscope.cli.prelaunch import StartedProbing
from hopscope.session.launch import launch
from hopscope.session.model import Probing, Snapshot
from hopscope.session.plans import plan_of
from hopscope.views.privacy import masked
from hopscope.views.report.formats import render
from hopscope.wire.framing import encode_all
from hopscope.wire.messages import (
    VERSION,
    Answered,
    Counters,
    Event,
    Finished,
    Problem,
    Refused,
    RoundStarted,
    Sent,
    Started,
    Welcome,
)
from tests.report import sample
from tests.report.sample import MS, START

_TARGET = "192.0.2.80"
_PROBING = Probing(rounds=2, protocol="icmp")


def _worker(said: list[Event]) -> list[str]:
    """A worker that says these things, and then waits for its end."""
    data = encode_all([Welcome(VERSION, "0.1.0", 1, "nobody", 0, time.time_ns()), *said])
    code = f"import sys; sys.stdout.buffer.write({data!r}); sys.stdout.flush(); sys.stdin.buffer.read()"
    return [sys.executable, "-c", code]


def _report(said: list[Event], format_name: str = "json") -> int:
    launched = launch(command=_worker(said))
    launched.begin(_TARGET, plan_of(_PROBING, _TARGET))
    options = Options(targets=(_TARGET,), probing=_PROBING, format=format_name)
    started = StartedProbing(launched, (_TARGET,), _PROBING, {_TARGET: _TARGET})
    return report.run(options, started, StaticNamer({}, {}), Output())


_STARTED = Started(1, "ping-socket", "192.0.2.2", None, None, 64, "one", "kernel")
_ONE_ROUND: list[Event] = [
    _STARTED,
    RoundStarted(1, 0, START),
    Sent(1, 0, 1, START),
    Answered(1, 0, 1, START, MS, _TARGET, "echo-reply", 0, 0),
]


def test_a_worker_that_cannot_be_kept_alive_is_status_4_and_what_was_measured_is_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert _report([*_ONE_ROUND, Problem("the machine is on fire", fatal=True)]) == 4
    out, errors = capfd.readouterr()
    assert json.loads(out)["hops"][0]["received"] >= 1
    assert errors.startswith("hopscope: ")
    assert errors.count("\n") == 1
    assert "the machine is on fire" in errors


def test_a_target_that_is_not_allowed_is_status_3_and_prints_no_report(capfd: pytest.CaptureFixture[str]) -> None:
    refused = Refused(1, "permission", "raw sockets need \x1b[31ma privilege", "sudo hopscope")
    assert _report([refused]) == 3
    out, errors = capfd.readouterr()
    assert out == ""
    assert errors.startswith(f"hopscope: {_TARGET}: raw sockets need \\x1b[31ma privilege; to allow it: ")
    assert errors.count("\n") == 1


def test_a_target_that_is_refused_for_another_reason_says_what_to_try(capfd: pytest.CaptureFixture[str]) -> None:
    assert _report([Refused(1, "address", "there is no interface nosuch0", "ip link")]) == 2
    assert capfd.readouterr().err == f"hopscope: {_TARGET}: there is no interface nosuch0; try: ip link\n"


@pytest.mark.parametrize("name", ["text", "wide", "json", "html", "markdown", "csv", "mtr-json", "mtr-csv", "mtr-xml"])
@pytest.mark.parametrize("hides", ["--privacy", "the screen's key"])
def test_this_machines_name_is_hidden_with_its_address(name: str, hides: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "johns-laptop")
    target = masked(sample.target(), 1)
    snapshot = Snapshot((target,), "running", None, 0, Counters(), "nobody", START)
    plain = Options(format=name)
    hidden = Options(format=name, privacy=1) if hides == "--privacy" else plain
    text = render(report.document(snapshot, (target,), hidden), name)
    assert "johns-laptop" not in text
    assert "192.168.1.23" not in text
    shown = render(report.document(snapshot, (sample.target(),), plain), name)
    assert ("johns-laptop" in shown) == (name not in ("csv", "mtr-csv"))


def test_a_finished_target_is_status_0(capfd: pytest.CaptureFixture[str]) -> None:
    assert _report([*_ONE_ROUND, Finished(1, 1)]) == 0
    assert json.loads(capfd.readouterr().out)["reached"] is True


def test_a_stream_has_each_line_before_the_next_fact(capfd: pytest.CaptureFixture[str]) -> None:
    assert _report([*_ONE_ROUND, Finished(1, 1)], format_name="ndjson") == 0
    lines = [json.loads(line)["event"] for line in capfd.readouterr().out.splitlines()]
    assert lines == ["start", "probe", "epoch", "end"]
