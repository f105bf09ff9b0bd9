"""What was printed as a stream can be replayed: NDJSON, and mtr's raw lines, as far as they carry."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from hopscope.history import mtr_raw, streams
from hopscope.history.store import StoreError
from hopscope.history.streams import is_text, read
from tests.cli.command import COMMAND, environment, run

HOPS = ("ttl", "sent", "received", "lost", "late", "failed", "duplicates", "loss_pct", "rtt_ms", "jitter_ms")


RAW = b"x 0 1\nh 0 127.0.0.1\np 0 55 1\n"


def printed(path: Path, name: str, *words: str) -> None:
    done = run("demo", *words, "--fast", "-c", "60", "--format", name)
    assert (done.returncode, done.stderr) == (0, "")
    path.write_text(done.stdout)


@pytest.mark.parametrize("story", ["lossy-link", "hostile", "outage"])
def test_a_report_of_an_ndjson_stream_has_the_numbers_of_the_live_one(tmp_path: Path, story: str) -> None:
    path = tmp_path / "stream"
    printed(path, "ndjson", story)
    live = json.loads(run("demo", story, "--fast", "-c", "60", "--format", "json").stdout)
    done = run("history", "replay", str(path), "--format", "json")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "verdicts are judged again" in done.stderr
    again = json.loads(done.stdout)
    assert [{key: hop[key] for key in HOPS} for hop in again["hops"]] == [
        {key: hop[key] for key in HOPS} for hop in live["hops"]
    ]
    assert [[node["address"] for node in hop["nodes"]] for hop in again["hops"]] == [
        [node["address"] for node in hop["nodes"]] for hop in live["hops"]
    ]
    for key in ("target", "protocol", "rounds", "reached", "interval_s", "timeout_s"):
        assert again[key] == live[key]
    assert again["verdict"]["kind"] == live["verdict"]["kind"]
    assert again["target_series"]["lost"] == live["target_series"]["lost"]


def test_a_stream_that_was_cut_off_is_replayed_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    printed(path, "ndjson", "healthy")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    done = run("history", "replay", str(path), "--format", "json")
    assert done.returncode == 0
    assert 20 <= json.loads(done.stdout)["rounds"] <= 40
    piped = subprocess.run(
        [*COMMAND, "history", "replay", "-", "--format", "json"],
        input=path.read_bytes(),
        capture_output=True,
        timeout=60,
        env=environment(),
    )
    assert (piped.returncode, piped.stdout.decode()) == (0, done.stdout)


@pytest.mark.needs("root")
@pytest.mark.parametrize(("verb", "name"), [("replay", "-"), ("replay", "/dev/fd/0"), ("list", "-")])
def test_standard_input_that_is_another_users_pipe_is_read(verb: str, name: str) -> None:
    """As where one of the two runs behind sudo."""
    reading, writing = os.pipe()
    os.write(writing, RAW)
    os.close(writing)
    os.fchown(reading, 65534, 65534)
    assert read_from(reading, verb, name) == (0, True)


@pytest.mark.needs("root")
def test_a_file_that_the_shell_hands_over_is_read_although_its_name_is_another_users(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(RAW)
    os.chown(path, 65534, 65534)
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    os.read(descriptor, 3)  # as by a shell's own read: the file is meant, and not the rest of it
    assert read_from(descriptor, "replay", "-") == (0, True)


def test_standard_input_that_is_a_socket_is_read_as_a_pipe_is() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(RAW)
        ours.shutdown(socket.SHUT_WR)
        assert read_from(os.dup(theirs.fileno()), "replay", "-") == (0, True)


def read_from(descriptor: int, verb: str, name: str) -> tuple[int, bool]:
    """The exit status where this is standard input, and whether the recording's target is in what is printed. The
    reader has root's number and no right beyond it."""
    lowered = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*lowered, *COMMAND, "history", verb, name, *(["-r"] if verb == "replay" else [])],
        stdin=descriptor,
        capture_output=True,
        timeout=60,
        env=environment(),
    )
    os.close(descriptor)
    return done.returncode, b"127.0.0.1" in done.stdout


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing answered in it"),
        (b'{"report": {}}', "has totals and no probes"),
        (b"SQLite format 3\0" * 9, "a recording is read from a file, and not from a pipe"),
        (b"x 0 1\n" * 20, "more than 0 MiB"),
    ],
)
def test_a_pipe_that_has_no_stream_in_it_is_a_line(
    tmp_path: Path, data: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_BYTES", 100 if data.startswith(b"x") else 1 << 20)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writing = threading.Thread(target=lambda: path.write_bytes(data))
    writing.start()
    assert is_text(str(path))
    with pytest.raises(StoreError, match=why):
        read(str(path))
    writing.join()


def test_mtrs_raw_lines_are_replayed_with_their_limits_said(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    printed(path, "mtr-raw", "lossy-link")
    os.utime(path, (1_800_000_000, 1_800_000_000))
    lines = [line.split() for line in path.read_text().splitlines()]
    done = run("history", "replay", str(path), "--format", "json")
    assert done.returncode == 0
    assert "they have no times, so a round a second is assumed" in done.stderr
    again = json.loads(done.stdout)
    assert again["rounds"] == 60
    assert again["target"]["address"] == "192.0.2.80"
    for position, hop in enumerate(again["hops"]):
        times = [int(line[2]) for line in lines if line[:2] == ["p", str(position)]]
        left = [line for line in lines if line[:2] == ["x", str(position)]]
        assert (hop["sent"], hop["received"], hop["lost"]) == (len(left), len(times), len(left) - len(times))
        assert (hop["rtt_ms"] and hop["rtt_ms"]["best"]) == (min(times) / 1000 if times else None)
    assert again["started"].startswith("2027-01-15T07:59:00")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"report": {"mtr": {}, "hubs": []}}\n', "has totals and no probes"),
        ('{\n  "schema": "hopscope.report/1"\n}\n', "has totals and no probes"),
        ('{"event":"end","target":"192.0.2.1","rounds":1,"reached":true}\n', "no trace in it"),
        ('{"event":"probe","target":"192.0.2.1","round":0,"ttl":1,"sent_at":"x","outcome":"lost"}\n', "no start event"),
        ('{"event":"end","x":' + "[" * 100_000 + "]" * 100_000 + "}\n", "no recording of hopscope's"),
        ("x 0 33000\np 0 12 33000\n", "no time or address"),
        ("x 0 33000\nx 1 33001\n", "its target is not known"),
        ("x 0 33000\nh 0 evil;name\n", "an address in it is none"),
        ("x 0 33000\nhello world\n", "none of mtr's raw lines"),
        ("x 0 33000\nx ² 33000\n", "none of mtr's raw lines"),
        (f"x 0 33000\nx {'9' * 5000} 33000\n", "none of mtr's raw lines"),
        ("x 0 33000\nh 0 192.0.2.1\np 0 ² 33000\n", "no time or address"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_a_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "stream"
    path.write_text(text)
    assert is_text(str(path))
    with pytest.raises(StoreError, match=why):
        read(str(path))
    done = run("history", "replay", str(path), "-r")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.fixture(scope="module")
def healthy() -> str:
    return run("demo", "healthy", "--fast", "-c", "3", "--format", "ndjson").stdout


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (0, "started", '"9999-12-31T23:59:59+00:00"'),
        (0, "started", '"0001-01-01T00:00:00+00:00"'),
        (0, "packet_size", "99999999999999999999"),
        (0, "tos", "-1"),
        (0, "port", "99999999999999999999"),
        (0, "interval_s", "1e300"),
        (0, "timeout_s", "-1e308"),
        (1, "sent_at", '"9999-12-31T23:59:59+00:00"'),
        (1, "round", "99999999999999999999"),
        (1, "round", "-1"),
        (1, "ttl", "99999999999999999999"),
        (1, "flow", "-99999999999999999999"),
        (1, "reply_ttl", "99999999999999999999"),
        (1, "count", "99999999999999999999"),
        (1, "rtt_ms", "1e300"),
        (1, "mpls", '[{"label": 99999999999999999999, "tc": 0, "bottom": true, "ttl": 1}]'),
        (1, "mpls", "[" + ",".join(['{"label":1,"tc":0,"bottom":true,"ttl":1}'] * 1000) + "]"),
        (-1, "rounds", "99999999999999999999"),
    ],
)
def test_a_number_that_nothing_can_have_is_a_line(
    healthy: str, tmp_path: Path, line: int, name: str, value: str
) -> None:
    path = tmp_path / "stream"
    lines = healthy.splitlines()
    event = json.loads(lines[line])
    lines[line] = json.dumps({**event, name: "here"}).replace('"here"', value)
    path.write_text("\n".join(lines) + "\n")
    try:
        store, _ = read(str(path))
    except StoreError:
        return
    with store:  # a line that no version of hopscope wrote is left out
        for trace in store.traces():
            list(store.facts(trace))


@pytest.mark.parametrize("words", ["x 0 {}", "h 0 10.0.0.1\np 0 5"])
def test_a_stream_of_more_probes_than_memory_holds_is_refused(
    tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_MOST_PROBES", 1_000)
    path = tmp_path / "stream"
    path.write_text("".join(f"{words.format(number)}\n" for number in range(1_001)))
    with pytest.raises(StoreError, match="more than 1,000 probes"):
        read(str(path))


def test_a_stream_of_more_names_than_memory_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mtr_raw, "_MOST_NAMES", 10)
    path = tmp_path / "stream"
    path.write_text("x 0 1\n" + "".join(f"h 0 10.0.0.{number}\nd 0 a\n" for number in range(20)))
    with pytest.raises(StoreError, match="more names"):
        read(str(path))


@pytest.mark.parametrize("name", ["ndjson", "mtr-raw"])
def test_a_stream_in_which_bytes_were_changed_is_read_or_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "stream"
    printed(path, name, "hostile")
    data = path.read_bytes()[:20_000]
    chance = random.Random(16)
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(chance.choice([1, 3, 30])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(changed)
        if is_text(str(path)):
            try:
                store, _ = read(str(path))
            except StoreError:
                continue
            with store:
                for trace in store.traces():
                    list(store.facts(trace))
