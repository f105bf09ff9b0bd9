"""Targets as people type and paste them, through the whole command, with the names of a hosts file of the test's own.

Only loopback addresses are probed.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, QUICK, environment, run

HOSTS = """\
127.0.0.1 localhost one.example strasse.example
127.0.0.2 two.example
127.0.0.3 xn--strae-oqa.example
127.0.0.1 both.example
::1 both.example
0.0.0.0 blocked.example
"""
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hopscope(tmp_path: Path) -> Command:
    """The command, in a mount namespace in which /etc/hosts is `HOSTS` and no name server is asked."""
    hosts, switch = tmp_path / "hosts", tmp_path / "nsswitch"
    hosts.write_text(HOSTS)
    switch.write_text("hosts: files\n")

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        script = (
            f"mount --bind {hosts} /etc/hosts && mount --bind {switch} /etc/nsswitch.conf && exec {shlex.join(COMMAND)}"
            ' "$@"'
        )
        return subprocess.run(
            ["unshare", "--mount", "--", "sh", "-c", script, "sh", *words],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
            stdin=subprocess.DEVNULL,
        )

    return command


def addresses(done: subprocess.CompletedProcess[str]) -> list[str]:
    data = json.loads(done.stdout)
    return [one["target"]["address"] for one in data.get("reports", [data])]


JSON = ("--format", "json", "-n", *QUICK)


@pytest.mark.needs("root")  # for a hosts file of its own
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["https://one.example/x"], ["127.0.0.1"]),
        (["https://user@two.example:8443/x?y"], ["127.0.0.2"]),
        (["two.example:443"], ["127.0.0.2"]),
        (["[::1]"], ["::1"]),
        (["127.0.0.5:80"], ["127.0.0.5"]),
        ([" one.example , two.example "], ["127.0.0.1", "127.0.0.2"]),
        (["straße.example"], ["127.0.0.3"]),
        (["::ffff:127.0.0.7"], ["127.0.0.7"]),
        (["0.0.0.0", "::"], ["127.0.0.1", "::1"]),
        (["-a", "127.0.0.1", "both.example"], ["127.0.0.1"]),
        (["-a", "::1", "both.example"], ["::1"]),
    ],
)
@pytest.mark.needs("root")  # to bind a hosts file
def test_what_is_typed_leads_to_the_host_that_is_meant(
    hopscope: Command, words: list[str], expected: list[str]
) -> None:
    done = hopscope(*JSON, *words)
    assert done.returncode == 0, done.stderr
    assert addresses(done) == expected
    data = json.loads(done.stdout)
    assert all(one["reached"] for one in data.get("reports", [data]))


@pytest.mark.needs("root")  # for a hosts file of its own
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["10.0.0.0/8"], "type one address in it, e.g. 10.0.0.1"),
        (["upper..example"], "two dots in a row"),
        (["x" * 64 + ".example"], "at most 63"),
        ([os.fsdecode(b"stra\xdfe.example")], "the byte 0xdf is no text"),
        (["blocked.example"], "somebody blocks this name"),
        (["ff02::1"], "multicast"),
        (["224.0.0.251"], "multicast"),
        (["255.255.255.255"], "everybody"),
        (["::10.9.1.1"], "type 10.9.1.1"),
        (["-r", "nosuch.example"], "no address is known for this name"),
        (["-a", "::1", "two.example"], "the source address ::1 is one"),
        (["two.example."], "without the dot at its end: two.example"),
        (["8.8.8.8x"], "it is taken as a name, for an IPv4 address is four numbers"),
        (["::1%nope"], "there is no interface nope, the zone of ::1%nope"),
        (["127.0.0.1/33"], "/33 is no length of a network; type 127.0.0.1"),
    ],
)
@pytest.mark.needs("root")  # to bind a hosts file
def test_what_cannot_be_traced_is_one_line_and_status_2(hopscope: Command, words: list[str], says: str) -> None:
    done = hopscope(*JSON, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


@pytest.mark.needs("root")  # for a hosts file of its own
@pytest.mark.parametrize("form", ["json", "text", "mtr-csv"])
def test_of_several_names_one_that_leads_nowhere_keeps_none_from_being_traced(hopscope: Command, form: str) -> None:
    done = hopscope("--format", form, "-n", *QUICK, "one.example", "nosuch.example", "two.example")
    assert done.returncode == 2
    assert done.stderr == "hopscope: nosuch.example: no address is known for this name\n"
    assert "127.0.0.1" in done.stdout
    assert "127.0.0.2" in done.stdout


@pytest.mark.needs("root")  # for a hosts file of its own
def test_of_a_file_the_good_names_are_traced_and_each_bad_one_is_named(hopscope: Command, tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("one.example\nnosuch.example\n10.0.0.0/8\nhost:99999\ntwo.example\n")
    done = hopscope(*JSON, "-F", str(names))
    assert done.returncode == 2
    assert addresses(done) == ["127.0.0.1", "127.0.0.2"]
    assert [word in done.stderr for word in ("nosuch.example", "10.0.0.0/8", "99999")] == [True] * 3
    assert done.stderr.count("\n") == 3


@pytest.mark.needs("root")  # for a hosts file of its own
def test_where_no_name_of_several_leads_anywhere_each_is_named(hopscope: Command) -> None:
    done = hopscope(*JSON, "nosuch.example", "upper..example")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "hopscope: nosuch.example: no address is known for this name",
        "hopscope: upper..example: two dots in a row, or one in front: a part of the name is missing",
    ]


@pytest.mark.parametrize(
    ("words", "ports"),
    [
        (["-T", "https://127.0.0.1:8443/"], [8443]),
        (["-u", "127.0.0.1:53", "127.0.0.2"], [53, 33434]),
        (["-T", "-P", "443", "127.0.0.1:8443"], [443]),
        pytest.param(["127.0.0.1:8443"], [None], marks=pytest.mark.needs("ping")),
    ],
)
def test_a_port_beside_the_host_is_probed_where_the_protocol_has_ports_and_no_other_was_asked_for(
    words: list[str], ports: list[int | None]
) -> None:
    done = run(*JSON, *words)
    assert done.returncode in (0, 1), done.stderr
    data = json.loads(done.stdout)
    assert [one["port"] for one in data.get("reports", [data])] == ports


@pytest.mark.parametrize("word", ["127.0.0.256", "999.1.1.1"])
def test_a_dotted_quad_that_is_no_address_is_refused_at_once(word: str) -> None:
    done = run("-r", *QUICK, word)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{word}: is no IPv4 address" in done.stderr


@pytest.mark.needs("root")  # for a hosts file of its own
@pytest.mark.parametrize(
    ("word", "meant"), [("dmeo", "demo"), ("docter", "doctor"), ("confg", "config"), ("demos", "demo")]
)
@pytest.mark.needs("root")  # to bind a hosts file
def test_a_subcommand_with_a_slip_in_it_is_guessed(hopscope: Command, word: str, meant: str) -> None:
    done = hopscope("-r", *QUICK, word)
    assert done.returncode == 2
    assert done.stderr.rstrip().endswith(f"; did you mean `hopscope {meant}`?")
    assert "did you mean" not in hopscope("-r", *QUICK, "elsewhere").stderr


def test_an_address_with_its_networks_length_is_probed_and_that_is_said() -> None:
    done = run("--format", "markdown", "-n", *QUICK, "127.0.0.1/8")
    assert done.returncode == 0
    assert "127.0.0.1/8: the address is probed, and not its network" in done.stdout
