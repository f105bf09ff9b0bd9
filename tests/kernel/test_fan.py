"""Parallel paths through a kernel router with several next hops, as a plain user and as root: its members are found,
each flow keeps to one of them, and the one that loses packets is named."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from hopscope.wire.messages import Family
from tests.lab.fan import PORTS, PORTS_AND_LABEL, Fan
from tests.lab.plain_user import as_plain_user, as_root

pytestmark = pytest.mark.needs("tun")

LOSS = 0.5
FLOWS = 32
"""So many that one of four members is missed by all of them once in two thousand runs."""
WAYS = {
    "udp-socket": ("plain", "-u", "9"),
    "tcp-socket": ("plain", "-T", "9"),
    "raw udp": ("root", "-u", "11"),
    "raw tcp": ("root", "-T", "11"),
}
"""User, protocol, and a port: two that probe one port at a time would have the same flows."""


def start(fan: Fan, way: str, *words: str) -> subprocess.Popen[str]:
    user, option, port = WAYS[way]
    command = [*(as_plain_user if user == "plain" else as_root)(fan.client), "-I", "-m", "hopscope", "-n"]
    command += [option, "-P", port, "--method", way.split()[0], "--flows", str(FLOWS), *words]
    environment = {"PATH": os.environ["PATH"], "HOME": "/dev/null", "LANG": "C.UTF-8"}
    return subprocess.Popen(
        command, cwd="/", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def said(started: dict[str, subprocess.Popen[str]]) -> dict[str, str]:
    """What each of them wrote, once all have ended."""
    try:
        told = {way: process.communicate(timeout=60) for way, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.communicate()
    assert {way: (process.returncode, told[way][1]) for way, process in started.items()} == dict.fromkeys(told, (0, ""))
    return {way: out for way, (out, _) in told.items()}


@pytest.fixture(scope="module")
def fan(lab_allowed: None) -> Iterator[Fan]:
    """Its third member loses every other packet that goes there."""
    with Fan(lossy=3, loss=LOSS) as made:
        yield made


@pytest.fixture
def well(fan: Fan) -> Iterator[Fan]:
    """The same while nothing is lost."""
    fan.lose(0.0)
    yield fan
    fan.lose(LOSS)


@pytest.mark.parametrize(
    ("family", "fields", "ways"),
    [
        (4, PORTS, tuple(WAYS)),
        (6, PORTS, ("udp-socket",)),
        (6, PORTS_AND_LABEL, tuple(WAYS)),
    ],
    ids=["4 by ports", "6 by ports", "6 by ports and label"],
)
def test_all_members_are_found_and_each_flow_keeps_to_one(
    well: Fan, family: Family, fields: int, ways: tuple[str, ...]
) -> None:
    """By TCP sockets each hop is asked in a third of the rounds."""
    well.hash(fields)
    words = ("--format", "ndjson", "-c", "10", "-i", "0.2", "-Z", "1", "--budget", "0", well.destination(family))
    for way, out in said({way: start(well, way, *words) for way in ways}).items():
        seen: dict[int, set[str]] = defaultdict(set)
        for line in out.splitlines():
            event = json.loads(line)
            if event["event"] == "probe" and event["ttl"] == 2 and event["outcome"] == "answered":
                seen[event["flow"]].add(event["address"])
        assert set().union(*seen.values()) == well.members(family), way
        assert {len(addresses) for addresses in seen.values()} == {1}, way


def test_the_member_that_loses_is_named_with_its_flows(fan: Fan) -> None:
    fan.hash(PORTS_AND_LABEL)
    words = ("--format", "json", "-c", "120", "-i", "0.07", "-Z", "0.8", "--budget", "20")
    tries: tuple[tuple[str, Family], ...] = (("udp-socket", 4), ("raw udp", 6))
    started = {way: start(fan, way, *words, fan.destination(family)) for way, family in tries}
    reports: dict[str, dict[str, Any]] = {way: json.loads(out) for way, out in said(started).items()}
    for way, family in tries:
        report = reports[way]
        bad = [path for path in report["paths"] if path["state"] == "bad"]
        assert [path["members"]["2"] for path in bad] == [fan.member(3, family)], way
        assert 25 < bad[0]["loss_pct"] < 75, way
        others = [path for path in report["paths"] if path not in bad]
        assert {path["members"]["2"] for path in others} == fan.members(family) - {fan.member(3, family)}, way
        assert sum(path["lost"] for path in others) == 0, way
        verdict = report["verdict"]
        assert (verdict["kind"], verdict["first_ttl"]) == ("bad-member", 1), way
        assert verdict["text"].startswith("one of 4 parallel paths loses "), way
        ports = {str(report["flows"][flow]["source_port"]) for flow in bad[0]["flows"]}
        (line,) = [line for line in verdict["evidence"] if line.startswith("the source ports of the bad ones: ")]
        assert ports <= set(line.partition(": ")[2].split(", ")), way


def test_over_tcp_sockets_the_flows_of_that_member_lose_and_no_others(fan: Fan) -> None:
    """A try that is lost takes nearly a second, so in so short a time few are made: here it counts what they tell."""
    fan.hash(PORTS)
    words = ("--format", "json", "-c", "90", "-i", "0.1", "-Z", "1", "--budget", "0", fan.destination(4))
    (out,) = said({"tcp-socket": start(fan, "tcp-socket", *words)}).values()
    paths = json.loads(out)["paths"]
    losing = [path for path in paths if path["lost"]]
    assert {path["members"]["2"] for path in losing} <= {fan.member(3, 4), None}
    assert sum(path["lost"] for path in losing) > 5
    fine = {path["members"]["2"] for path in paths if not path["lost"]}
    assert fine >= fan.members(4) - {fan.member(3, 4)}
