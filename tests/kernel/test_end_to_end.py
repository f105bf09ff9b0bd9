"""The whole line as a plain user: one command, real kernel routers, every RTT held against a capture's."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hopscope.wire.messages import Family
from tests.lab.capture import NUMBERS, Capture
from tests.lab.chain import EAST, Chain
from tests.lab.plain_user import as_plain_user
from tests.lab.terminal import Terminal

FAMILIES = pytest.mark.parametrize("family", [4, 6])
OPTIONS = {"icmp": [], "udp": ["-u"], "tcp": ["-T"]}
METHODS = {"icmp": "ping-socket", "udp": "udp-socket", "tcp": "tcp-socket"}
WITHIN_MS = 0.05
WARMING_UP = 2
"""Rounds: until the kernel stamps (its first packets can go without), RTTs are the program's."""


def hopscope(chain: Chain, *words: str, status: int = 0) -> str:
    """Standard output of the command, run by `nobody` in the client's namespace."""
    command = [*as_plain_user(chain.client), "-I", "-m", "hopscope", "-n", *words]
    environment = {"PATH": os.environ["PATH"], "HOME": "/dev/null", "LANG": "C.UTF-8"}
    done = subprocess.run(
        command, cwd="/", env=environment, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert (done.returncode, done.stderr) == (status, "")
    return done.stdout


@FAMILIES
@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
def test_a_plain_user_sees_every_hop_and_each_rtt_is_the_captures(chain: Chain, protocol: str, family: Family) -> None:
    port = chain.listen(family) if protocol == "tcp" else None
    ports = ["-P", str(port)] if port else []
    # A machine that is shared can do something else between the capture's stamp and the socket's: seldom, or for as
    # long as others keep both of its processors busy; so it is measured up to three times.
    off = next((off for off in (_off(chain, protocol, family, ports) for _ in range(3)) if max(off) <= WITHIN_MS), [])
    assert off


def _off(chain: Chain, protocol: str, family: Family, ports: list[str]) -> list[float]:
    """By hop, how far the RTTs are off the capture's, ms: the median of five."""
    target = chain.destination(family)
    options = ("--format", "ndjson", "-c", "7", "-i", "0.2", "-Z", "0.5", *OPTIONS[protocol], *ports)
    with Capture(chain.client, EAST) as capture:
        lines = hopscope(chain, *options, target).splitlines()
        trips = capture.round_trips(NUMBERS[protocol, family], target)
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert (events[0]["event"], events[0]["method"]) == ("start", METHODS[protocol])
    assert (events[-1]["event"], events[-1]["reached"]) == ("end", True)
    probes = [event for event in events if event["event"] == "probe"]
    assert {event["outcome"] for event in probes} == {"answered"}
    for ttl, address in enumerate(chain.hops(family), start=1):
        assert {event["address"] for event in probes if event["ttl"] == ttl} == {address}
    medians = []
    for ttl in range(1, len(chain.hops(family)) + 1):
        seen = [trip.rtt_ns / 1e6 for trip in trips if trip.probe.ttl == ttl][WARMING_UP:]
        told = [event["rtt_ms"] for event in probes if event["ttl"] == ttl][WARMING_UP:]
        assert len(told) == len(seen) == 5
        errors = sorted(abs(a - b) for a, b in zip(told, seen, strict=True))
        medians.append(errors[len(errors) // 2])
    return medians


@FAMILIES
@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
def test_the_json_report_of_a_plain_user_is_one_document_of_the_whole_path(
    chain: Chain, protocol: str, family: Family
) -> None:
    target = chain.destination(family)
    text = hopscope(chain, "-r", "--format", "json", "-c", "3", "-i", "0.1", "-Z", "0.5", *OPTIONS[protocol], target)
    report = json.loads(text)
    assert report["schema"] == "hopscope.report/1"
    assert (report["target"]["address"], report["method"], report["reached"]) == (target, METHODS[protocol], True)
    assert [hop["nodes"][0]["address"] for hop in report["hops"]] == chain.hops(family)
    assert all((hop["sent"], hop["received"], hop["lost"]) == (3, 3, 0) for hop in report["hops"])


@pytest.mark.parametrize("protocol", ["icmp", "udp", "tcp"])
@pytest.mark.needs("tmux")
def test_the_live_screen_of_a_plain_user_shows_the_path_and_gives_the_terminal_back(
    chain: Chain, protocol: str
) -> None:
    command = [*as_plain_user(chain.client), "-I", "-m", "hopscope", "-n", *OPTIONS[protocol], chain.destination(4)]
    with Terminal(command, 120, 34, HOME="/dev/null") as terminal:
        terminal.until(lambda screen: all(address in screen for address in chain.hops(4)))
        terminal.press("p")
        terminal.until(lambda screen: "no probes are sent" in screen)
        terminal.press("p")
        terminal.until(lambda screen: "no probes are sent" not in screen)
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.is_restored()


@pytest.mark.needs("tmux")
def test_without_a_route_the_fault_is_this_computers_and_probing_resumes_by_itself(chain: Chain) -> None:
    command = [*as_plain_user(chain.client), "-I", "-m", "hopscope", "-n", "-i", "0.3", "-Z", "1", chain.destination(4)]
    with Terminal(command, 120, 34, HOME="/dev/null") as terminal:
        terminal.until(lambda screen: chain.destination(4) in screen.split("\n", 3)[3])
        chain.link("down")
        try:
            terminal.until(lambda screen: "this computer" in screen)
        finally:
            chain.link("up")
        terminal.until(lambda screen: "this computer" not in screen.split("\n")[1])
        terminal.press("q")
        assert terminal.ended() == 0


def without_ping_sockets(chain: Chain, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, run by a plain user of whom ``ping_group_range`` holds no group, with two rounds."""
    chain.ping_group_range(opened=False)
    try:
        return subprocess.run(
            [*as_plain_user(chain.client), "-I", "-m", "hopscope", "-n", "-c", "2", "-i", "0.2", "-Z", "0.5", *words],
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    finally:
        chain.ping_group_range(opened=True)


@pytest.mark.parametrize(
    "words", [("-r",), ("-j",), ("--format", "json", "--icmp"), ("--format", "json", "--method", "ping-socket")]
)
def test_where_icmp_is_refused_mtrs_formats_and_who_asked_for_icmp_get_exit_3_and_the_command_that_opens_it(
    chain: Chain, words: tuple[str, ...]
) -> None:
    done = without_ping_sockets(chain, *words, chain.destination(4))
    assert (done.returncode, done.stdout) == (3, "")
    assert "net.ipv4.ping_group_range=" in done.stderr or "/net/ipv4/ping_group_range" in done.stderr
    assert "UDP (-u)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("form", ["json", "ndjson", "markdown", "html", "csv"])
def test_where_icmp_is_refused_and_nothing_else_was_asked_for_udp_is_probed_and_named(chain: Chain, form: str) -> None:
    done = without_ping_sockets(chain, "--format", form, f"https://{chain.destination(4)}:443/")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("hopscope: ICMP is refused here, so probes are UDP; for ICMP: ")
    assert "ping_group_range" in done.stderr
    if form == "json":
        report = json.loads(done.stdout)
        assert (report["protocol"], report["method"], report["port"]) == ("udp", "udp-socket", 33434)
        assert "ICMP is refused" in report["note"]
        assert report["reached"]
    elif form in ("markdown", "html"):
        assert "UDP port 33434" in done.stdout
        assert "ICMP is refused" in done.stdout
    elif form == "csv":
        assert ",udp," in done.stdout
    else:
        assert json.loads(done.stdout.splitlines()[0])["protocol"] == "udp"


def test_the_doctor_says_that_udp_is_what_is_probed_where_icmp_is_refused(chain: Chain) -> None:
    chain.ping_group_range(opened=False)
    try:
        command = [*as_plain_user(chain.client), "-I", "-m", "hopscope", "doctor"]
        done = subprocess.run(command, cwd="/", check=False, capture_output=True, text=True)
    finally:
        chain.ping_group_range(opened=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "This user can trace by UDP, TCP." in done.stdout
    assert "Unless told otherwise hopscope probes by UDP here" in done.stdout
    assert re.search(r"to allow it: .*/\S+ (-m hopscope )?--method raw TARGET$", done.stdout, re.MULTILINE)


@pytest.mark.needs("tmux")
def test_where_icmp_is_refused_the_screen_names_udp_in_its_head_and_says_why(chain: Chain) -> None:
    chain.ping_group_range(opened=False)
    try:
        command = [*as_plain_user(chain.client), "-I", "-m", "hopscope", "-n", chain.destination(4)]
        with Terminal(command, 120, 34, HOME="/dev/null") as terminal:
            terminal.until(lambda screen: all(address in screen for address in chain.hops(4)))
            lines = terminal.screen().splitlines()
            assert "udp port 33434 · every 1 s" in lines[0]
            [note] = [line for line in lines[:5] if "ICMP is refused" in line]
            assert note.startswith(" ICMP is refused here, so probes are UDP; for ICMP: ")
            assert "ping_group_range" in note
            assert not note.rstrip().endswith("…")
            terminal.press("q")
            assert terminal.ended() == 0
    finally:
        chain.ping_group_range(opened=True)


def test_what_the_doctor_says_to_allow_it_does_allow_it(chain: Chain, tmp_path: Path) -> None:
    (tmp_path / "sudo").write_text('#!/bin/sh\nexec "$@"\n')  # who runs it here is root already
    (tmp_path / "sudo").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/dev/null"}

    def doctor() -> list[str]:
        command = [*as_plain_user(chain.client), "-I", "-m", "hopscope", "doctor"]
        done = subprocess.run(command, cwd="/", env=environment, check=True, capture_output=True, text=True)
        return done.stdout.splitlines()

    def as_root(command: str) -> str:
        words = ["ip", "netns", "exec", chain.client, "sh", "-c", command]
        return subprocess.run(words, cwd="/", env=environment, check=True, capture_output=True, text=True).stdout

    chain.ping_group_range(opened=False)
    try:
        before = doctor()
        remedies = [line.partition("to allow it: ")[2] for line in before if "to allow it: " in line]
        assert "This user can trace by UDP, TCP." in before
        for remedy in remedies:
            if "TARGET" in remedy:
                target = chain.destination(4)
                report = as_root(remedy.replace("TARGET", f"-r -n -c 1 -i 0.2 -Z 0.5 {target}"))
                assert target in report
            else:
                as_root(remedy)
        assert "This user can trace by ICMP, UDP, TCP." in doctor()
        assert len(remedies) == 3
    finally:
        chain.ping_group_range(opened=True)
