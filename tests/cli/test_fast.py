"""``demo --fast``: the command's report in virtual time."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import jsonschema
import pytest

from hopscope.views import schemas
from hopscope.views.report.formats import FORMATS
from tests.cli.command import run, start


def fast(*words: str) -> str:
    done = run("demo", *words, "--fast")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_an_hour_is_reported_at_once_with_the_clock_times_of_that_hour() -> None:
    report = json.loads(fast("healthy", "-c", "3600", "--format", "json", "--start", "2026-11-25T14:00:00Z"))
    jsonschema.validate(report, schemas.schema("report"), jsonschema.Draft202012Validator)
    assert report["started"] == "2026-11-25T14:00:00.000000+00:00"
    assert report["finished"].startswith("2026-11-25T14:59:5")
    assert (report["rounds"], report["reached"], report["method"]) == (3600, True, "simulated")
    assert {hop["sent"] for hop in report["hops"]} == {3600}


def test_a_windows_numbers_are_of_its_rounds_and_it_is_named() -> None:
    """The rows are those of the path now."""
    report = json.loads(fast("healthy", "-c", "900", "--format", "json", "--window", "5m"))
    whole = json.loads(fast("healthy", "-c", "900", "--format", "json"))
    jsonschema.validate(report, schemas.schema("report"), jsonschema.Draft202012Validator)
    assert report["window"]["to"] == report["finished"] == whole["window"]["to"]
    assert (whole["window"]["from"], whole["window"]["rounds"]) == (whole["started"], 900)
    rounds = report["window"]["rounds"]
    assert 295 <= rounds <= 301
    assert report["rounds"] == 900
    assert {hop["sent"] for hop in report["hops"]} == {rounds} == {report["target_series"]["sent"]}
    assert [hop["ttl"] for hop in report["hops"]] == [hop["ttl"] for hop in whole["hops"]]
    assert "last 5 min" in fast("healthy", "-c", "400", "--format", "markdown", "--window", "5m")


def test_the_target_has_one_loss_in_every_report_of_our_own_however_it_moved() -> None:
    options = ("route-change", "-c", "50", "--seed", "3")
    report = json.loads(fast(*options, "--format", "json"))
    series = report["target_series"]
    assert series["sent"] == 50 == series["received"] + series["lost"]
    assert report["hops"][-1]["sent"] < 50  # it stood elsewhere for some of them
    row = [line for line in fast(*options, "--format", "markdown").splitlines() if line.startswith("| ")][-1]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert (cells[3], cells[4]) == (f"{series['loss_pct']:.1f}", "50")
    assert f"assertion failed for {report['target']['query']}: sent<50: is 50\n" in _asserted("sent<50", *options)


def _asserted(conditions: str, *options: str) -> str:
    done = run("demo", *options, "--fast", "--format", "json", "--assert", conditions)
    assert done.returncode == 5
    return done.stderr


HOSTILE = r"""
title = "x\u001bc\u001b(0\u009b31m\u009d52;c;AAAA\u009c\u0007\u202ez"
story = "y\u001bc\u009b31m"
hops = [{ at = "203.0.113.1", delay = "1ms" }, { at = "203.0.113.2", delay = "9ms", loss = "20%" }]
targets = [{ name = "t.example", at = "192.0.2.80" }]
origins = [{ prefix = "203.0.113.0/24", asn = 64500, name = "N\u001bc\u009b31m\u202e", country = "DE" }]
names = { "203.0.113.1" = "r\u001bc\u009b31m\u202e.example" }
"""
"""A scenario whose writer wants more than text on the reader's terminal."""


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_prints_the_same_twice_and_text_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(HOSTILE)
    once, again = (fast(str(path), "-c", "20", "--format", name, "-z") for _ in range(2))
    assert once == again != ""
    assert all(char.isprintable() or char in "\n\t" for char in once)
    assert "\\u001b" not in once  # JSON's own way to write it


def test_another_seed_is_another_run() -> None:
    assert fast("lossy-link", "-c", "20", "-C", "--seed", "1") != fast("lossy-link", "-c", "20", "-C", "--seed", "2")


def test_the_network_is_the_one_that_a_real_clock_sees() -> None:
    options = ("healthy", "-c", "2", "-i", "100ms", "--format", "json", "-n")
    waited = json.loads(run("demo", *options).stdout)
    played = json.loads(fast(*options))
    for report in (waited, played):
        report["seen"] = [[node["address"] for node in hop["nodes"]] for hop in report["hops"]]
    assert played["seen"] == waited["seen"]
    assert played["hops"][-1]["rtt_ms"]["best"] == pytest.approx(waited["hops"][-1]["rtt_ms"]["best"], rel=0.3)


def test_a_stream_has_head_probes_and_end() -> None:
    lines = [json.loads(line) for line in fast("healthy", "-c", "2", "--format", "ndjson").splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["start", "end"]
    assert lines[0]["started"] == lines[1]["sent_at"]
    assert lines[-1]["rounds"] == 2


def test_a_stream_tells_each_change_of_the_verdict_once_and_when_incidents_begin_and_end() -> None:
    lines = [json.loads(line) for line in fast("outage", "-c", "60", "--format", "ndjson").splitlines()]
    validator = jsonschema.Draft202012Validator(schemas.schema("events"), format_checker=jsonschema.FormatChecker())
    told = [line for line in lines if line["event"] in ("verdict", "incident", "epoch", "mark")]
    for line in told:
        validator.validate(line)
        assert line["target"] == lines[0]["target"]
    assert [line["kind"] for line in told if line["event"] == "verdict"] == ["healthy", "outage", "recovered"]
    began, ended = (line for line in told if line["event"] == "incident")
    assert (began["id"], began["to"], began["segment"]) == (ended["id"], None, "transit")
    assert (ended["from"], ended["to"], ended["at"]) == (began["from"], ended["at"], ended["to"])


def test_a_report_tells_the_verdict_whose_it_is_and_what_was() -> None:
    report = json.loads(fast("outage", "-c", "30", "--format", "json"))
    jsonschema.validate(report, schemas.schema("report"), jsonschema.Draft202012Validator)
    verdict = report["verdict"]
    assert (verdict["kind"], verdict["first_ttl"], verdict["last_ttl"]) == ("outage", 5, 6)
    assert (verdict["segment"], verdict["owner"]["number"]) == ("transit", 64510)
    assert verdict["between"] == ["AS64500 NEARBY-ACCESS", "AS64510 FARLINE"]
    assert verdict["since"] == "2026-01-01T12:00:20.000000+00:00"
    assert verdict["text"].startswith("no answer from hop 6 on, since 2026-01-01 12:00:20 UTC")
    (incident,) = report["incidents"]
    assert (incident["kind"], incident["from"], incident["to"]) == ("outage", verdict["since"], None)


def test_an_assertion_on_the_verdict_decides_the_exit_status() -> None:
    done = run("demo", "outage", "--fast", "-c", "30", "--assert", "verdict=healthy incidents=0")
    assert done.returncode == 5
    assert "verdict=healthy: is outage" in done.stderr
    assert "incidents=0: is 1" in done.stderr
    assert run("demo", "healthy", "--fast", "-c", "30", "--assert", "verdict=healthy incidents=0").returncode == 0


def test_hidden_hops_are_in_no_sentence_of_a_stream_or_a_report() -> None:
    for form in ("ndjson", "json"):
        text = fast("wifi", "-c", "60", "--format", form, "--privacy", "3")
        assert "192.168.1.1" not in text
        assert "bng" not in text


def test_the_exit_status_is_the_reports() -> None:
    silent = run("demo", "silent-target", "--fast", "-c", "3", "--format", "json")
    assert silent.returncode == 1
    broken = run("demo", "lossy-link", "--fast", "-c", "60", "--assert", "loss<1")
    assert broken.returncode == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fast", "-r", "127.0.0.1"), "--fast: only a demo has a clock of its own"),
        (("demo", "--fast"), "--fast: virtual time is for reports"),
        (("demo", "-r", "--start", "14:02"), "--start: only virtual time can be told when to begin; add --fast"),
        (("demo", "-r", "--fast", "--start", "1969-12-31T23:00Z"), "--start: virtual time begins in 1970 or later"),
        (("demo", "-r", "--fast", "--start", "noon"), "--start: 'noon' is no moment"),
    ],
)
def test_what_cannot_be_is_said(words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"hopscope: {message}")


def test_ctrl_c_prints_what_was_played_so_far() -> None:
    process = start(["demo", "healthy", "--fast", "-c", "1000000000", "--format", "ndjson"])
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    lines = process.communicate(timeout=30)[0].splitlines()
    assert process.returncode == 130
    assert json.loads(lines[-1])["event"] == "end"


def test_events_are_a_line_for_each_change_with_its_time() -> None:
    lines = fast("outage", "-c", "60", "--format", "events").splitlines()
    assert [line[:61] for line in lines] == [
        "2026-01-01 12:00:03 UTC www.example.com healthy: healthy so f",
        "2026-01-01 12:00:20 UTC www.example.com outage began: no answ",
        "2026-01-01 12:00:23 UTC www.example.com outage: no answer fro",
        "2026-01-01 12:00:35 UTC www.example.com outage ended: no answ",
        "2026-01-01 12:00:37 UTC www.example.com recovered: fine again",
    ]


def test_an_explanation_stands_behind_a_text_report_and_beside_data_on_standard_error() -> None:
    text = fast("outage", "-c", "30", "--explain")
    assert text.startswith("Start: ")
    assert "www.example.com (192.0.2.80): no answer from hop 6 on, since 2026-01-01 12:00:20 UTC" in text
    assert "It rests on this:\n" in text
    assert "What to try:\n" in text
    done = run("demo", "outage", "--fast", "-c", "30", "--explain", "--format", "json")
    assert json.loads(done.stdout)["verdict"]["kind"] == "outage"
    assert "hopscope: It rests on this:" in done.stderr


def test_of_eight_flows_over_eight_links_those_over_the_bad_one_lose_and_it_is_named() -> None:
    document = json.loads(fast("ecmp", "-u", "--flows", "8", "-c", "150", "--format", "json"))
    jsonschema.validate(document["reports"][0], schemas.schema("report"), jsonschema.Draft202012Validator)
    named = 0
    for report in document["reports"]:
        assert len({flow["source_port"] for flow in report["flows"]}) == 8
        assert all(flow["sent"] == 150 for flow in report["flows"])
        bad = [flow["loss_pct"] for flow in report["flows"] if flow["loss_pct"] > 0]
        assert all(20 < loss < 60 for loss in bad)  # the link loses two in five
        worst = [path for path in report["paths"] if path["state"] in ("bad", "losing")]
        assert [path["members"] for path in worst] == [{"7": "198.51.100.105"}] * bool(bad)
        assert sum(path["share_pct"] for path in report["paths"]) == pytest.approx(100, abs=1e-4)
        named += "by 198.51.100.105 (hop 7), the others 0 %: one of several links is bad" in report["note"]
    assert named >= 1
