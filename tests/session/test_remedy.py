"""A remedy is a command that works: for this installation, this user, and with what this system has."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import hopscope
from hopscope.session import remedy
from hopscope.session.remedy import called, runnable

RAW = "sudo hopscope --method raw TARGET"
SYSCTL = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'


@pytest.fixture(autouse=True)
def plain_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who is not root, on a system that has sudo and sysctl, with the script of a virtual environment."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(remedy, "_ON_ROOTS_PATH", (str(tmp_path / "bin"),))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for name in ("bin/sudo", "bin/sysctl", "my venv/bin/hopscope"):
        make(tmp_path / name)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "my venv/bin/hopscope")])


def make(program: Path) -> None:
    program.parent.mkdir(exist_ok=True, parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def test_a_script_that_is_not_on_the_path_is_named_by_its_whole_path_quoted(tmp_path: Path) -> None:
    assert runnable(RAW) == f"sudo '{tmp_path}/my venv/bin/hopscope' --method raw TARGET"


def test_a_relative_way_to_the_script_becomes_an_absolute_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["my venv/bin/hopscope"])
    assert called() == f"'{tmp_path}/my venv/bin/hopscope'"


def test_a_script_where_root_finds_it_is_named_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make(tmp_path / "bin" / "hopscope")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin/hopscope")])
    assert runnable(RAW) == "sudo hopscope --method raw TARGET"


@pytest.mark.parametrize("name", ["/nonexistent/hopscope/__main__.py", "mtr", "-c", ""])
def test_without_a_script_of_that_name_the_one_beside_the_interpreter_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my venv/bin/python"))
    assert called() == f"'{tmp_path}/my venv/bin/hopscope'"


def test_without_any_script_the_module_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["/nonexistent/hopscope/__main__.py"])
    monkeypatch.setattr(sys, "executable", "/opt/a b/python3")
    assert runnable(RAW) == "sudo '/opt/a b/python3' -m hopscope --method raw TARGET"


def test_a_checkout_that_the_environment_points_to_is_named_to_root(monkeypatch: pytest.MonkeyPatch) -> None:
    source = str(Path(hopscope.__file__).parents[1])
    monkeypatch.setattr(sys, "argv", ["/nonexistent/hopscope/__main__.py"])
    monkeypatch.setenv("PYTHONPATH", source)
    command = shlex.split(runnable(RAW) or "")[1:-3]
    assert command == ["env", f"PYTHONPATH={source}", sys.executable, "-m", "hopscope"]
    bare = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([*command, "--version"], env=bare, cwd="/", capture_output=True, text=True, check=False)
    assert done.stdout == f"hopscope {hopscope.__version__}\n", done.stderr


@pytest.mark.parametrize(
    ("protocol", "target", "end"),
    [
        ("icmp", None, "--method raw TARGET"),
        ("udp", "example.net", "-u --method raw example.net"),
        ("tcp", "a;b", "-T --method raw 'a;b'"),
    ],
)
def test_the_protocol_and_the_target_are_those_that_were_refused(protocol: str, target: str | None, end: str) -> None:
    command = runnable(RAW, protocol, target)  # type: ignore[arg-type]
    assert command is not None
    assert command.endswith(f"/hopscope' {end}")


def test_what_this_system_has_decides_how_to_become_root(tmp_path: Path) -> None:
    assert runnable(SYSCTL) == SYSCTL
    (tmp_path / "bin/sysctl").unlink()
    quoted = "sh -c 'echo \"0 2147483647\" > /proc/sys/net/ipv4/ping_group_range'"
    assert runnable(SYSCTL) == f"sudo {quoted}"
    (tmp_path / "bin/sudo").unlink()
    assert shlex.split(runnable(SYSCTL) or "") == ["su", "-c", quoted]
    make(tmp_path / "bin/doas")
    assert runnable(SYSCTL) == f"doas {quoted}"


def test_root_needs_no_sudo_and_is_not_told_to_be_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert runnable(SYSCTL) == SYSCTL.removeprefix("sudo ")
    assert runnable(RAW) is None


@pytest.mark.parametrize("other", [None, "ip link", "ip -4 route get 192.0.2.1"])
def test_what_needs_no_root_stays_as_it_is(other: str | None) -> None:
    assert runnable(other) == other
