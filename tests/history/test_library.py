"""`hopscope.History`: what was recorded, for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import msgspec
import pytest

import hopscope
from hopscope.history.library import When
from tests.cli.command import run

BEGIN = "2026-11-25T03:00:00Z"
BEGIN_NS = 1_795_575_600_000_000_000
S = 1_000_000_000
NAME = "www.example.com"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of ten minutes, as ``history.db``, and the report that was printed of it live."""
    folder = tmp_path_factory.mktemp("recording")
    words = ("demo", "outage", "--fast", "-c", "600", "--start", BEGIN, "--record", str(folder / "history.db"))
    live = run(*words, "--format", "json")
    (folder / "live.json").write_text(live.stdout)
    return folder


def test_the_whole_of_a_trace_is_the_report_that_was_printed_live(folder: Path) -> None:
    with hopscope.History.open(folder / "history.db") as history:
        (trace,) = history.list()
        assert (trace.target, trace.address, trace.protocol, trace.rounds) == (NAME, "192.0.2.80", "icmp", 600)
        report = history.between(trace)
    live = json.loads((folder / "live.json").read_text())
    kept = json.loads(report.to_json())
    assert kept.pop("finished") <= live.pop("finished")
    kept["window"].pop("to"), live["window"].pop("to")
    assert kept == live


@pytest.mark.parametrize(
    "when", ["2026-11-25T03:01:30Z", "-8m30s", BEGIN_NS + 90 * S, datetime(2026, 11, 25, 3, 1, 30, tzinfo=UTC)]
)
def test_a_moment_has_what_was_said_then(folder: Path, when: When) -> None:
    with hopscope.History.open(folder) as history:
        report = history.at(NAME, when)
    assert (report.verdict.kind, report.verdict.last_ttl) == ("outage", 6)
    assert report.verdict.since == "2026-11-25T03:01:20.000000+00:00"
    assert report.rounds in (90, 91)


def test_a_span_has_the_probes_that_were_sent_in_it(folder: Path) -> None:
    with hopscope.History.open(folder) as history:
        report = history.between("192.0.2.80", "2026-11-25T03:02:00Z", "2026-11-25T03:03:00Z")
        assert (report.rounds, report.hops[0].sent) == (60, 60)
        assert report.to_json() == history.between(NAME, BEGIN_NS + 120 * S, BEGIN_NS + 180 * S).to_json()


def test_a_moment_that_is_none_is_refused(folder: Path) -> None:
    with hopscope.History.open(folder) as history, pytest.raises(ValueError, match="name a moment"):
        history.at(NAME, None)  # type: ignore[arg-type]  # the point


def test_events_are_those_that_a_stream_printed(folder: Path) -> None:
    lines = run("history", "replay", str(folder / "history.db"), "--format", "ndjson").stdout.splitlines()
    with hopscope.History.open(folder) as history:
        told = [msgspec.json.decode(msgspec.json.encode(event)) for event in history.events(NAME)]
    assert [event["event"] for event in told] == [json.loads(line)["event"] for line in lines]
    assert sum(event["event"] == "probe" for event in told) > 5000


def test_this_users_own_history_is_opened_where_no_path_is_given(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        hopscope.History.open()
    (tmp_path / "hopscope").symlink_to(folder)
    with hopscope.History.open() as history:
        assert len(history.list()) == 1


def test_what_is_not_there_or_wrong_is_an_error_in_words(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "diary").write_text("dear diary\n")
    with pytest.raises(hopscope.StoreError, match="no recording"):
        hopscope.History.open(tmp_path / "diary")
    with hopscope.History.open(folder) as history:
        with pytest.raises(LookupError, match=r"nothing is kept of 'other\.example'"):
            history.at("other.example", "now")
        with pytest.raises(LookupError, match="nothing was recorded then"):
            history.between(NAME, since="2026-12-01")
        with pytest.raises(ValueError, match="'soon' is no moment"):
            history.events(NAME, "soon")


def test_an_address_object_names_a_trace_as_its_text_does(folder: Path) -> None:
    with hopscope.History.open(folder) as history:
        assert history.between(IPv4Address("192.0.2.80")).to_json() == history.between("192.0.2.80").to_json()
        with pytest.raises(TypeError, match="a text or an address, and not NoneType"):
            history.between(None)  # type: ignore[arg-type]  # the point
