"""``--record`` and ``hopscope history``: what was recorded is reported as it was live."""

from __future__ import annotations

import json
import os
import pwd
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from hopscope.history.notes import Named
from hopscope.history.schema import why_not_read
from hopscope.history.writer import StoreWriter
from hopscope.views.report.formats import FORMATS, STREAMS
from tests.cli.command import QUICK, run, start
from tests.history.test_store import BEGUN, TARGET, S, head, second, written

STORIES = ("hostile", "lossy-link", "route-change", "silent-target")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "night")


def out(*words: str, status: int = 0) -> str:
    done = run(*words)
    assert (done.returncode, done.stderr) == (status, ""), done.stderr
    return done.stdout


@pytest.mark.parametrize("story", STORIES)
def test_a_recorded_run_is_reported_as_it_was(path: str, story: str) -> None:
    live = run("demo", story, "--fast", "-c", "90", "--record", path, "--format", "json")
    assert live.stderr == ""
    again = run("history", "replay", path, "--format", "json")
    assert (again.stdout, again.returncode, again.stderr) == (live.stdout, live.returncode, "")


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in STREAMS])
def test_so_it_is_in_every_format(path: str, name: str) -> None:
    live = out("demo", "outage", "--fast", "-c", "60", "--record", path, "--format", name)
    assert out("history", "replay", path, "--format", name) == live != ""


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_a_stream_of_it_has_the_same_lines(path: str, name: str) -> None:
    live = out("demo", "outage", "--fast", "-c", "60", "--record", path, "--format", name)
    again = out("history", "replay", path, "--format", name)
    assert again == live != ""


def test_whose_a_store_is_that_this_user_may_not_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    words = why_not_read(str(tmp_path / "closed" / "history.db"), PermissionError(13, "Permission denied"))
    assert words == f"it is for the user {owner} alone; look at it as that user"


def test_a_run_by_the_clock_is_recorded_from_a_thread(path: str) -> None:
    live = out("demo", "lossy-link", *QUICK, "-c", "30", "--record", path, "--format", "json")
    assert out("history", "replay", path, "--format", "json") == live
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_several_targets_are_several_reports(path: str) -> None:
    # What they hear of routers that they share is in no recording: nobody asks in turn here.
    words = ("--method", "simulated", "192.0.2.80", "192.0.2.81", *QUICK, "--budget", "0", "--format", "json")
    live = run(*words, "--record", path)
    assert len(json.loads(live.stdout)["reports"]) == 2
    assert run("history", "replay", path, "--format", "json").stdout == live.stdout
    assert len(json.loads(out("history", "list", path, "--format", "json"))["traces"]) == 2


def test_what_a_signal_ended_is_recorded_up_to_its_report(path: str) -> None:
    process = start(["demo", "healthy", "-i", "50ms", "-c", "100000", "--record", path, "--format", "json"])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not os.path.exists(path) or rounds(path) < 3):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    live, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, b"")
    assert out("history", "replay", path, "--format", "json") == live.decode()


def rounds(path: str) -> int:
    done = run("history", "list", path, "--format", "json")
    return sum(trace["rounds"] for trace in json.loads(done.stdout)["traces"]) if done.stdout else 0


def test_a_run_that_was_killed_can_be_read_also_while_it_goes_on(path: str) -> None:
    process = start(["demo", "healthy", "-i", "50ms", "-c", "100000", "--record", path, "--format", "json"])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not os.path.exists(path) or rounds(path) < 3):
        time.sleep(0.1)
    process.kill()
    process.wait()
    process.communicate()
    report = json.loads(out("history", "replay", path, "--format", "json"))
    assert report["rounds"] >= 3
    assert report["reached"]


def test_a_span_is_reported_as_if_only_that_had_been_seen(path: str) -> None:
    out("demo", "outage", "--fast", "-c", "600", "--start", "2026-11-25T03:00:00Z", "--record", path, "-r")
    words = ("history", "replay", path, "--format", "json")
    report = json.loads(out(*words, "--since", "2026-11-25 03:02", "--until", "2026-11-25 03:03:00"))
    assert (report["rounds"], report["hops"][0]["sent"]) == (60, 60)
    assert report["started"] == "2026-11-25T03:02:00.000000+00:00"
    assert report["finished"] == "2026-11-25T03:03:00.000000+00:00"
    assert json.loads(out(*words, "--since", "-1m"))["rounds"] in (60, 61)
    assert json.loads(out(*words, "--until", "-9m"))["rounds"] in (60, 61)
    done = run(*words, "--since", "2026-11-26 03:02")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hopscope: nothing was recorded then; it goes from 2026-11-25T03:00:00")


@pytest.mark.parametrize("how", ["name", "link"])
def test_a_recording_is_not_copied_into_itself(path: str, how: str) -> None:
    out("demo", "healthy", "--fast", "-c", "20", "--record", path, "-r")
    other = path
    if how == "link":
        other = f"{path}.other"
        os.symlink(path, other)
    before = out("history", "list", path)
    done = run("history", "replay", path, "--record", other)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(": this is the recording itself; name another file\n")
    assert out("history", "list", path) == before


def test_a_report_and_a_recording_are_two_files(path: str) -> None:
    done = run("demo", "healthy", "--fast", "-c", "20", "--record", path, "--output", f"./{os.path.relpath(path)}")
    assert done.returncode == 2
    assert "this is the file of --record" in done.stderr


def test_a_recording_is_added_to_and_the_last_run_is_what_is_meant(path: str) -> None:
    out("demo", "outage", "--fast", "-c", "30", "--record", path, "-r")
    last = out("demo", "healthy", "--fast", "-c", "20", "--start", "2026-11-25T03:00:00Z", "--record", path, "-r")
    assert out("history", "replay", path, "-r") == last
    traces = json.loads(out("history", "list", path, "--format", "json"))["traces"]
    assert [trace["rounds"] for trace in traces] == [30, 20]


def test_the_list_says_what_there_is(path: str) -> None:
    out("demo", "healthy", "--fast", "-c", "20", "--record", path, "-r")
    listing = json.loads(out("history", "list", path, "--format", "json"))
    assert listing["schema"] == "hopscope.history/1"
    (trace,) = listing["traces"]
    assert list(trace) == ["site", "target", "address", "protocol", "from", "to", "rounds", "probes", "bytes"]
    assert (trace["protocol"], trace["rounds"], trace["from"]) == ("icmp", 20, "2026-01-01T12:00:00.000000+00:00")
    head, row = out("history", "list", path).splitlines()
    assert head.split()[:2] == ["TARGET", "ADDRESS"]
    assert trace["address"] in row


def test_without_a_store_nothing_is_kept(tmp_path: Path) -> None:
    done = run("history", "--store", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    words = "the live screen and --record FILE keep traces"
    assert done.stderr == f"hopscope: nothing is kept in {tmp_path}/history.db; {words}\n"
    assert json.loads(run("history", "--store", str(tmp_path), "--format", "json").stdout)["traces"] == []


def test_what_is_to_be_forgotten_leaves_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "history.db")
    for story, begin in (("outage", "2026-11-20T03:00:00Z"), ("healthy", "2026-11-25T03:00:00Z")):
        out("demo", story, "--fast", "-c", "20", "--start", begin, "--record", path, "-r")
    store = ("--store", str(tmp_path))
    address = json.loads(out("history", *store, "--format", "json"))["traces"][0]["address"]
    assert run("history", "forget", *store, "--before", "2026-11-22").stderr == "hopscope: 1 trace forgotten\n"
    assert len(json.loads(out("history", *store, "--format", "json"))["traces"]) == 1
    assert out("history", "replay", address, *store, "-r") == out("history", "replay", path, "-r")
    assert out("history", "replay", *store, "-r") == out("history", "replay", path, "-r")
    assert run("history", "forget", address, *store).stderr == "hopscope: 1 trace forgotten\n"
    assert json.loads(out("history", *store, "--format", "json"))["traces"] == []
    assert address.encode() not in Path(path).read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("history", "play"), "history: there is no 'play'; there are list, replay, follow, forget"),
        (("history", "replay", "a", "b"), "history replay: 'b' is one word too many; name one recording or one target"),
        (
            ("history", "replay", "a", "--format", "json", "--record", "b"),
            "history replay: --record makes a recording and --format a report: one of the two",
        ),
        (("history", "replay", "/no/such", "-r"), "/no/such: no such recording"),
        (("history", "replay", "/no/such", "--at", "20:15", "-r"), "--at: a moment is for the screen"),
        (("history", "replay", "/no/such", "--at", "20:15", "--record", "part"), "--at: a moment is for the screen"),
        (("history", "replay", "/", "-r"), "/: it is no file"),
        (("history", "replay", "/etc/passwd", "-r"), "/etc/passwd: it is no recording of hopscope's"),
        (("history", "forget"), "history forget: name one target, or --before WHEN"),
        (("history", "--record", "x"), "--record: history traces nothing that could be recorded"),
        (("192.0.2.1", "-r", "--since", "-1m"), "--since: only what was recorded has that"),
        (("history", "--format", "html"), "history list: --format html is a report's"),
    ],
)
def test_what_is_wrong_is_a_line_and_leaves_nothing_behind(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert not list(tmp_path.iterdir())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"hopscope: {said}")


@pytest.mark.parametrize(("name", "why"), [("", "Is a directory"), ("old", "it is no recording of hopscope's")])
def test_what_cannot_be_a_recording_is_said_before_anything_is_probed(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "old").write_text("a diary\n")
    path = str(tmp_path / name) if name else str(tmp_path)
    for words in (("demo", "healthy", *QUICK), ("demo", "healthy", "--fast", "-c", "2")):
        done = run(*words, "--format", "ndjson", "--record", path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"hopscope: --record {path}: {why}\n"
    assert (tmp_path / "old").read_text() == "a diary\n"


def test_a_span_can_be_made_a_recording_of_its_own(path: str, tmp_path: Path) -> None:
    out("demo", "outage", "--fast", "-c", "300", "--start", "2026-11-25T03:00:00Z", "--record", path, "-r")
    span = ("--since", "2026-11-25 03:01", "--until", "2026-11-25 03:03")
    part = str(tmp_path / "part")
    assert out("history", "replay", path, *span, "--record", part) == ""
    live, kept = (json.loads(out("history", "replay", one, *span, "--format", "json")) for one in (path, part))
    assert kept == live
    assert os.path.getsize(part) < os.path.getsize(path)


def test_what_is_hidden_is_not_in_the_recording_that_is_sent(path: str, tmp_path: Path) -> None:
    live = json.loads(out("demo", "outage", "--fast", "-c", "120", "--record", path, "--format", "json"))
    part = str(tmp_path / "part")
    assert out("history", "replay", path, "--privacy", "2", "--record", part) == ""
    kept = json.loads(out("history", "replay", part, "--format", "json"))
    secrets = [live["source"]["host"], live["source"]["address"]]
    for hop in live["hops"][:2]:
        secrets += [word for node in hop["nodes"] for word in (node["address"], node["hostname"]) if word]
    whole = Path(part).read_bytes() + json.dumps(kept).encode()
    assert [secret for secret in secrets if secret.encode() in whole] == []
    assert [hop["rtt_ms"] for hop in kept["hops"]] == [hop["rtt_ms"] for hop in live["hops"]]
    assert {node["hostname"] for hop in kept["hops"][:2] for node in hop["nodes"]} == {"hidden"}
    assert kept["hops"][4]["nodes"][0]["address"] == live["hops"][4]["nodes"][0]["address"]
    assert kept["verdict"]["kind"] == live["verdict"]["kind"]


def test_a_list_that_hides_hops_does_not_say_where_they_were_probed_from(path: str) -> None:
    report = json.loads(out("demo", "outage", "--fast", "-c", "3", "--record", path, "--format", "json"))
    assert report["source"]["host"] in out("history", "list", path)
    assert out("history", "list", path, "--privacy", "1").split()[-1] == "hidden"


def test_who_hides_hops_from_a_report_is_told_that_the_recording_has_them(path: str) -> None:
    done = run("demo", "outage", "--fast", "-c", "3", "--privacy", "2", "--record", path, "-r")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"to send it: hopscope history replay {path} --record OTHER --privacy 2")


def test_a_part_that_is_sent_names_nobody_that_it_has_not_met(tmp_path: Path) -> None:
    store = tmp_path / "history.db"
    recorded = written(store, 3, end=False)
    for fact in [*head("192.0.2.99"), *second(3)]:
        recorded.add(2, fact)
    for address in ("192.0.2.1", "10.9.8.7"):
        recorded.add(0, Named(address, f"name-of-{address.replace('.', '-')}.example"))
    recorded.end(BEGUN + 9 * S)
    recorded.close()
    part = tmp_path / "part"
    words = ("history", "replay", TARGET, "--store", str(tmp_path), "--record", str(part))
    assert out(*words) == ""
    whole = part.read_bytes()
    assert b"name-of-192-0-2-1.example" in whole
    assert b"10-9-8-7" not in whole


def test_a_recording_of_which_a_row_is_broken_tells_the_rest_and_says_so(path: str) -> None:
    writer = StoreWriter(path, host="box", begun=BEGUN)
    for fact in head():
        writer.add(1, fact)
    for number in range(5):
        writer.extend(1, second(number))
        writer.commit()
    writer._connection.execute("UPDATE live SET data = x'00' WHERE row = (SELECT max(row) FROM live)")
    writer._connection.close()
    for words, told in ((("list", path), "  4  "), (("replay", path, "--format", "csv"), ",4,")):
        done = run("history", *words)
        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert "a part of it is broken and left out" in done.stderr
        assert told in done.stdout


def test_a_segment_that_is_broken_is_left_out_of_a_report_which_says_so(path: str, tmp_path: Path) -> None:
    """Of one target; another is told as if nothing were."""
    out("demo", "outage", "--fast", "-c", "1300", "--record", path, "-r")
    with closing(sqlite3.connect(path)) as one:
        one.execute("UPDATE segment SET data = x'00' WHERE first_row = (SELECT min(first_row) FROM segment)")
        one.commit()
    done = run("history", "replay", path, "--format", "json")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "of www.example.com, recorded from 2026-01-01 12:00:00 UTC on, the probes from 2026-01-01" in done.stderr
    assert "are broken and left out" in done.stderr
    assert 600 < json.loads(done.stdout)["hops"][0]["sent"] < 800
    with closing(sqlite3.connect(path)) as one:
        one.execute("UPDATE note SET fact = x'00' WHERE kind = 'asked'")
        one.commit()
    done = run("history", "replay", path, "--format", "json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_torn_recording_is_a_line(path: str, tmp_path: Path) -> None:
    out("demo", "outage", "--fast", "-c", "300", "--record", path, "-r")
    data = Path(path).read_bytes()
    torn = tmp_path / "torn"
    for length in (1, 50, 5000, len(data) // 2, len(data) - 1):
        torn.write_bytes(data[:length])
        done = run("history", "replay", str(torn), "--format", "json")
        if done.returncode:
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr


def test_what_is_not_recorded_loads_no_database() -> None:
    program = (
        "import sys; from hopscope.cli.run import run; "
        "run(['demo', 'healthy', '-i', '10ms', '-c', '1', '-Z', '50ms', '--format', 'json', '--output', '/dev/null']); "
        "sys.exit('sqlite3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
