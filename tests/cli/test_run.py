"""The whole command: what stands on standard output, what on standard error, and the exit status."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from hopscope.cli.demo import listing
from hopscope.views import schemas
from tests.cli.command import COMMAND, QUICK, environment, run, start
from tests.lab.plain_user import as_plain_user


def _valid(data: object, name: str) -> None:
    jsonschema.validate(data, schemas.schema(name), jsonschema.Draft202012Validator)


def test_json_is_one_document_and_nothing_else() -> None:
    done = run("demo", "healthy", "--format", "json", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    _valid(report, "report")
    assert report["method"] == "simulated"
    assert report["rounds"] == 2
    assert report["reached"] is True
    assert report["hops"][-1]["is_target"] is True


def test_ndjson_begins_with_its_head_and_ends_with_its_end() -> None:
    done = run("demo", "tour", "--format", "ndjson", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        _valid(line, "events")
    assert (lines[0]["event"], lines[-1]["event"]) == ("start", "end")
    assert {line["event"] for line in lines[1:-1]} == {"probe", "epoch"}
    assert lines[-1]["rounds"] == 2
    assert lines[-1]["reached"] is True
    assert {"answered", "lost"} <= {line["outcome"] for line in lines if line["event"] == "probe"}


def test_raw_lines_count_what_was_sent_and_answered() -> None:
    done = run("demo", "healthy", "-l", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    kinds = [line.split()[0] for line in done.stdout.splitlines()]
    assert kinds.count("x") == kinds.count("p") > 0
    assert set(kinds) == {"x", "h", "d", "p"}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["demo", "silent-target", "--format", "json"], 1),
        (["demo", "silent-target", "--format", "csv"], 1),
        (["demo", "silent-target", "-r"], 0),
        (["demo", "silent-target", "-j"], 0),
        (["demo", "silent-target", "--format", "json", "--assert", "reached"], 5),
        (["demo", "silent-target", "-r", "--assert", "reached"], 5),
        (["demo", "healthy", "--assert", "reached loss<50 hops<20"], 0),
        (["demo", "healthy", "-r", "--method", "simulated", "--scenario", "healthy"], 0),
    ],
)
def test_the_exit_status_is_the_contracts(words: list[str], status: int) -> None:
    done = run(*words, "-i", "50ms", "-Z", "100ms", "-c", "1", "-m", "14")
    assert done.returncode == status, done.stderr
    assert (done.stderr == "") == (status != 5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-n"], "a target is missing"),
        (["demo", "nosuch"], "there is no scenario 'nosuch'"),
        (["-r", "a..b"], "a..b"),
        (["-r", "-4", "::1"], "is no IPv4 address"),
        (["-r", ""], "a target is needed"),
        (["demo", "nosuch", "-r"], "there is no scenario 'nosuch'"),
        (["demo", "ipv6", "-r", "-4"], "no target of this family"),
        (["-r", "--method", "simulated", "nobody.example"], "the scenario has no such target"),
        (["-r", "--output", "/proc/nonexistent/x", "127.0.0.1"], "No such file or directory"),
        (["-r", "-a", "::1", "127.0.0.1"], "not of the target's family"),
        (["--format", "xml", "h"], "there is no 'xml'"),
        (["127.0.0.1"], "needs a terminal"),
        (["demo"], "needs a terminal"),
        (["--config", "/nonexistent/c", "-r", "h"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(words: list[str], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.startswith("hopscope: ")
    assert done.stderr.count("\n") == 1


def test_the_command_alone_says_in_six_lines_how_to_begin() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("hopscope: a target is missing")
    assert max(map(len, lines)) < 80
    commands = ("hopscope example.net", "hopscope -r", "hopscope demo", "hopscope doctor", "hopscope --help")
    for line, command in zip(lines[1:], commands, strict=True):
        assert line.startswith(f"  {command}")


@pytest.mark.needs("ping")
def test_a_real_target_is_traced_on_the_loopback() -> None:
    done = run("--format", "json", "-n", *QUICK, "127.0.0.1", "::1")
    assert (done.returncode, done.stderr) == (0, "")
    both = json.loads(done.stdout)
    _valid(both, "report")
    assert [one["target"]["address"] for one in both["reports"]] == ["127.0.0.1", "::1"]
    assert all(one["reached"] for one in both["reports"])


@pytest.mark.needs("root")  # to become somebody else
def test_a_method_that_is_not_allowed_is_status_3_and_says_how_to_allow_it() -> None:
    done = subprocess.run(
        [*as_plain_user(), "-I", "-m", "hopscope", "--format", "json", "--method", "raw", "-c", "1", "127.0.0.1"],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(HOME="/"),
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("hopscope: 127.0.0.1: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.needs("root")  # to become somebody else
def test_a_plain_user_has_the_demo() -> None:
    done = subprocess.run(
        [*as_plain_user(), "-I", "-m", "hopscope", "demo", "healthy", "-r", *QUICK],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(HOME="/"),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_hostile_scenario_can_be_read_back_in_every_format() -> None:
    words = ("demo", "hostile", *QUICK)
    for name in ("json", "mtr-json"):
        json.loads(run(*words, "--format", name).stdout)
    ElementTree.fromstring(run(*words, "-x").stdout)
    for name in ("csv", "mtr-csv"):
        rows = list(csv.reader(io.StringIO(run(*words, "--format", name).stdout, newline="")))
        assert len({len(row) for row in rows[1:]}) == 1
    for name in ("text", "markdown", "html", "mtr-raw", "ndjson"):
        text = run(*words, "--format", name).stdout
        assert all(line.isprintable() for line in text.splitlines()), name


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_stream_with_its_end(number: signal.Signals, status: int) -> None:
    with start(["demo", "healthy", "--format", "ndjson", "-i", "50ms", "-c", "100000"]) as process:
        assert json.loads(_line(process))["event"] == "start"
        assert json.loads(_line(process))["event"] == "probe"
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
    assert process.returncode == status
    assert errors == b""
    assert json.loads(out.splitlines()[-1])["event"] == "end"


def _interrupted(words: list[str], number: int, stdout: int = subprocess.PIPE) -> tuple[int, bytes, bytes]:
    """Interrupt a report after its second round, as the progress line on a terminal tells, which need not tell of each:
    status, both outputs."""
    ours, theirs = pty.openpty()
    with start(words, stdout=stdout, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while re.search(rb"round ([2-9]|\d\d+) of", said) is None:
                assert select.select([ours], [], [], 20)[0], said
                said += os.read(ours, 4096)
            process.send_signal(number)
            out = process.stdout.read() if process.stdout is not None else b""
            process.wait(20)
        finally:
            process.kill()  # where it did not end by itself
        try:
            while more := os.read(ours, 4096):
                said += more
        except OSError:
            pass  # the terminal's other end is closed
    os.close(ours)
    return process.returncode, out, said


@pytest.mark.parametrize("name", ["ndjson", "mtr-raw"])
def test_a_stream_that_nobody_reads_can_be_ended(name: str) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    words = ["demo", "healthy", "--format", name, "-i", "300ms", "-c", "1000"]
    status, _, said = _interrupted(words, signal.SIGTERM, stdout=writer)
    os.close(writer)
    os.set_blocking(reader, False)
    assert status == 143
    assert said.endswith(b"\r\x1b[K")
    while there := os.read(reader, 65536):
        assert set(there) == {ord("x")}
    os.close(reader)


def test_an_interrupted_report_prints_what_it_has_and_takes_its_progress_line_away() -> None:
    status, out, said = _interrupted(
        ["demo", "healthy", "--format", "json", "-i", "300ms", "-c", "1000"], signal.SIGINT
    )
    assert status == 130
    report = json.loads(out)
    _valid(report, "report")
    assert 2 <= report["rounds"] < 1000
    assert said.endswith(b"\r\x1b[K")


@pytest.mark.parametrize("name", ["text", "json", "mtr-json", "mtr-raw", "ndjson", "html"])
def test_on_one_terminal_for_both_streams_there_is_the_report_and_nothing_else(name: str) -> None:
    """As unbuffer, ssh -t and docker run -t make it: a progress line would stand in the data."""
    ours, theirs = pty.openpty()
    words = ["demo", "healthy", "--format", name, "-i", "300ms", "-c", "3", "-Z", "300ms"]
    with start(words, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while more := os.read(ours, 65536):
                said += more
        except OSError:
            pass  # the terminal's other end is closed
        assert process.wait(20) == 0
    os.close(ours)
    assert b"\r\x1b[K" not in said
    assert b" of 3, " not in said
    if name in ("json", "mtr-json"):
        json.loads(said)


def test_a_closed_pipe_ends_the_program_quietly() -> None:
    with start(["demo", "healthy", "--format", "ndjson", "-i", "20ms", "-c", "100000"]) as process:
        _line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


@pytest.mark.parametrize("words", [["--format", "json"], ["-r"], ["--format", "ndjson"], ["--version"], ["--help"]])
def test_a_full_disk_is_one_line_and_what_was_measured_is_not_lost(words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "demo", "healthy", *words, *QUICK],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=environment(),
        )
    assert done.returncode == 2
    assert done.stderr.endswith("hopscope: standard output: No space left on device\n")
    assert done.stderr.count("hopscope: ") == 1
    if words == ["--format", "json"]:
        assert json.loads(done.stderr.rpartition("hopscope: ")[0])["reached"] is True


def test_a_full_file_comes_out_on_standard_output() -> None:
    done = run("demo", "healthy", "--format", "json", "--output", "/dev/full", *QUICK)
    assert done.returncode == 2
    assert json.loads(done.stdout)["reached"] is True
    assert done.stderr == "hopscope: '/dev/full': No space left on device\n"


def test_a_report_goes_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    done = run("demo", "healthy", "--format", "html", "--output", str(path), *QUICK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert path.read_text().startswith("<!DOCTYPE html>")


def test_an_old_report_goes_only_when_there_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("x" * 100_000)
    assert run("demo", "nosuch", "--format", "json", "--output", str(path)).returncode == 2
    assert path.stat().st_size == 100_000
    assert run("demo", "healthy", "--format", "json", "--output", str(path), *QUICK).returncode == 0
    assert json.loads(path.read_text())["reached"] is True


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&-", "0<&- 1>&- 2>&-"])
def test_a_closed_descriptor_becomes_nobodys_socket(closed: str) -> None:
    line = " ".join([*COMMAND, "demo", "healthy", "--format", "json", *QUICK, closed])
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, env=environment())
    if "1>" in closed:
        assert done.returncode == 2
        assert done.stdout == ""
    else:
        assert done.returncode == 0
        assert json.loads(done.stdout)["reached"] is True


def test_the_first_hops_are_hidden_in_documents_and_streams() -> None:
    for name in ("wide", "json", "ndjson"):
        plain = run("demo", "healthy", "--format", name, "-n", *QUICK).stdout
        done = run("demo", "healthy", "--format", name, "-n", "--privacy", "1", *QUICK)
        assert "192.168." in plain
        assert "192.168." not in done.stdout
        assert done.returncode == 0


def test_a_list_of_scenarios_needs_no_terminal() -> None:
    done = run("demo", "--list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("tour ")
    assert all(len(line.split("  ", 1)[1].strip()) > 30 for line in lines), "a line that says what it is about, each"


def test_a_list_of_scenarios_is_cut_with_a_sign_to_a_terminals_width() -> None:
    whole, cut = listing().splitlines(), listing(60).splitlines()
    assert len(whole) == len(cut) > 10
    assert all(
        len(line) <= 60 and (line == full or line == full[:59] + "…") for line, full in zip(cut, whole, strict=True)
    )
    assert any(line.endswith("…") for line in cut)


def test_doctor_says_of_each_method_whether_it_works() -> None:
    done = run("doctor")
    assert done.returncode in (0, 3)
    assert done.stderr == ""
    for method in ("ping-socket", "udp-socket", "tcp-socket", "raw", "scapy", "simulated"):
        assert method in done.stdout


def test_doctors_json_holds_to_its_schema() -> None:
    done = run("doctor", "--format", "json")
    found = json.loads(done.stdout)
    _valid(found, "doctor")
    assert len(found["methods"]) == 2 * (1 + 1 + 1 + 3 + 3 + 3)
    assert all(one["works"] for one in found["methods"] if one["method"] == "simulated")
    assert run("doctor", "--format", "html").returncode == 2


def test_config_prints_a_file_that_it_accepts(tmp_path: Path) -> None:
    done = run("config")
    assert done.returncode == 0
    assert "no file is in force" in done.stderr
    path = tmp_path / "config.toml"
    path.write_text(done.stdout)
    again = run("config", "--config", str(path))
    assert again.returncode == 0
    assert again.stderr.splitlines()[0] == f"hopscope: in force: {path}"


_HEAVY = ("textual", "rich", "scapy", "plotext", "aiodns", "asyncio", "msgspec", "socket")


def _loaded(words: list[str]) -> set[str]:
    code = (
        "import sys\nfrom hopscope.cli.run import run\nstatus = run(sys.argv[1:])\n"
        "print('LOADED', *sorted(sys.modules), file=sys.stderr)\nsys.exit(status)"
    )
    done = subprocess.run(
        [COMMAND[0], "-c", code, *words], capture_output=True, text=True, timeout=60, env=environment(), check=True
    )
    return set(done.stderr.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["--man"], ["--completion", "bash"]])
def test_what_needs_nothing_loads_nothing_heavy(words: list[str]) -> None:
    assert _loaded(words).isdisjoint(_HEAVY)


def test_a_report_loads_neither_the_screen_nor_the_workers_libraries() -> None:
    assert _loaded(["demo", "healthy", "-r", *QUICK]).isdisjoint({"textual", "rich", "scapy", "plotext"})


def test_version_says_the_version() -> None:
    from hopscope import __version__

    assert run("--version").stdout == f"hopscope {__version__}\n"
    assert run("-v").stdout == run("--version").stdout
