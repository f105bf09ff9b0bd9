"""Files of strangers wherever the command reads one: a line, status 2, no wait; and the environment steers nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hopscope.cli.config import parse
from hopscope.cli.config_edit import keep
from hopscope.cli.errors import UsageError
from hopscope.cli.fleet import broker_of
from hopscope.cli.mtr_options import Wrong, targets_of
from hopscope.cli.options import FleetOptions, Options
from hopscope.sim.library import ScenarioError
from hopscope.sim.library import parse as parse_scenario
from tests.cli.command import QUICK, environment, run, start
from tests.system.test_toml import BOMBS

PLACES: dict[str, Callable[[str], tuple[str, ...]]] = {
    "--config": lambda path: ("--config", path, "demo", "-r", *QUICK),
    "the scenario": lambda path: ("demo", path, "-r", *QUICK),
    "--scenario": lambda path: ("--method", "simulated", "--scenario", path, "-r", *QUICK, "x.example"),
    "-F": lambda path: ("-F", path, "-r", *QUICK),
}


def refused(*words: str, **environment: str) -> str:
    """The one line with which the command refuses."""
    done = run(*words, **environment)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 1200
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "device", "huge", "bytes"])
def test_what_is_no_file_of_ours_is_one_line(
    place: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("it.toml")
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(str(path))
        case "device":
            path.symlink_to("/dev/zero")
        case "huge":
            with path.open("wb") as file:
                file.truncate(1 << 36)
        case "bytes":
            path.write_bytes(b"-\xff\xfe\x00")
    assert "it.toml" in refused(*PLACES[place](str(path)))


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_toml_is_one_line(name: str) -> None:
    with pytest.raises(UsageError, match=r"config\.toml: no TOML: [^\n]{1,300}$"):
        parse(BOMBS[name])
    with pytest.raises(ScenarioError, match=r"scenario: no TOML: [^\n]{1,300}$"):
        parse_scenario(BOMBS[name])


def test_a_bomb_is_one_line_of_the_command_s_too(tmp_path: Path) -> None:
    for name in ("a number of 5,000 digits", "a key of 50,000 parts"):
        path = tmp_path / "bomb.toml"
        path.write_text(BOMBS[name])
        refused(*PLACES["--config"](str(path)))
        refused(*PLACES["the scenario"](str(path)))


@pytest.mark.parametrize("text", ["a" * 900_000 + " = 1", f"[probe]\n{'b' * 900_000} = 1", f'["{"c" * 900_000}"]'])
def test_a_key_of_a_megabyte_makes_no_line_of_a_megabyte(text: str, tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text(text)
    refused(*PLACES["--config"](str(path)))
    refused(*PLACES["the scenario"](str(path)))


def test_the_configuration_that_nobody_named_may_be_a_pipe_without_holding_anything_up(tmp_path: Path) -> None:
    (tmp_path / "hopscope").mkdir()
    os.mkfifo(tmp_path / "hopscope" / "config.toml")
    assert "named pipe" in refused("demo", "-r", *QUICK, XDG_CONFIG_HOME=str(tmp_path))


def put(path: Path, kind: str) -> None:
    """Something that is no regular file, or far too large; nothing where it is of another kind."""
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "sparse":
            with path.open("wb") as file:
                file.truncate(1 << 34)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "sparse", "garbage", "none"])
def test_a_database_that_is_none_is_one_line(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("maxminddb")
    path = tmp_path / "it.mmdb"
    put(path, kind)
    if kind == "garbage":
        path.write_bytes(b"\xab\xcd\xefMaxMind.com" + b"\xe9Dnode_count" * 40)
    config = tmp_path / "config.toml"
    config.write_text(f'[names]\ndatabases = ["{path}"]\n')
    assert "it.mmdb" in refused("--config", str(config), "-r", *QUICK, "127.0.0.1")


@pytest.mark.parametrize("option", ["creds", "nkey", "tls_ca", "tls_cert", "tls_key"])
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("pipe", "Is a named pipe"),
        ("folder", "Is a directory"),
        ("device", "Is a device"),
        ("sparse", "Too long; at most 4194304 bytes"),
        ("none", "No such file or directory"),
    ],
)
def test_a_key_or_certificate_that_is_no_regular_file_is_one_line(
    option: str, kind: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "it"
    put(path, kind)
    cert = tmp_path / "cert"
    cert.write_text("none that is read")
    fleet = FleetOptions(connect="nats://127.0.0.1:4222", tls_cert=str(cert) if option == "tls_key" else None)
    options = Options(fleet=msgspec.structs.replace(fleet, **{option: str(path)}))
    with pytest.raises(UsageError, match=rf"^--{option.replace('_', '-')} '[^']+': {why}$"):
        broker_of(options)


def test_a_list_and_a_configuration_come_through_a_pipe_that_the_shell_hands_over() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"\xef\xbb\xbf# mine\r\n127.0.0.1\r\n")
    os.close(writing)
    os.set_inheritable(reading, True)
    done = subprocess.run(
        [sys.executable, "-m", "hopscope", "-F", f"/dev/fd/{reading}", "--config", "/dev/null", "-n", "-r", "-c1"],
        capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL, pass_fds=(reading,), timeout=60,
    )  # fmt: skip
    os.close(reading)
    assert done.returncode == 0
    assert "127.0.0.1" in done.stdout


def test_settings_are_not_kept_in_what_took_the_configurations_place_since(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="named pipe"):
        keep(path, {"screen": {"theme": "nord"}})


def test_a_value_of_many_lines_is_given_up_and_not_tried_for_minutes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[screen]\ncolumns = [\n" + '"loss",\n' * 50_000)
    began = time.process_time()
    with pytest.raises(ValueError, match="config"):
        keep(path, {"screen": {"columns": ("loss",)}})
    assert time.process_time() - began < 5


def test_a_pipe_that_nobody_reads_takes_no_report_and_one_that_somebody_reads_does(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert "nobody reads from it" in refused("demo", "--output", str(path), "-r", *QUICK)
    process = start(("demo", "--output", str(path), "-r", *QUICK))
    assert b"HOST" in path.read_bytes()
    assert process.wait(30) == 0
    process.communicate()


def test_called_as_mtr_a_pipe_for_a_list_is_a_line_as_well(tmp_path: Path) -> None:
    path = tmp_path / "list"
    os.mkfifo(path)
    with pytest.raises(Wrong, match=r"open .*list: Is a named pipe"):
        targets_of({"files": [str(path)], "targets": []})
