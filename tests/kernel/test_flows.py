"""Parallel flows on the wire: each has one source port for all its probes, and no two have the same."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from hopscope.wire.messages import Family
from tests.lab import netns
from tests.lab.capture import NUMBERS, Capture
from tests.lab.chain import Chain
from tests.lab.plain_user import as_plain_user, as_root

FLOWS = 5
ROUNDS = 3


def trace(chain: Chain, user: str, *words: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, *(as_plain_user if user == "plain" else as_root)(chain.client), "-I", "-m", "hopscope", "-n"]
    command += ["--format", "json", "--flows", str(FLOWS), "-c", str(ROUNDS), "-i", "0.2", "-Z", "2"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/dev/null", "LANG": "C.UTF-8"}
    return subprocess.run([*command, *words], cwd="/", env=environment, check=False, capture_output=True, text=True)


def report(chain: Chain, user: str, *words: str) -> dict[str, Any]:
    done = trace(chain, user, *words)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("user", "method", "option"),
    [("plain", "udp-socket", "-u"), ("plain", "tcp-socket", "-T"), ("root", "raw", "-u"), ("root", "raw", "-T")],
)
def test_each_flow_has_one_port_and_is_probed_in_each_round(
    chain: Chain, capture: Capture, user: str, method: str, option: str, family: Family
) -> None:
    target = chain.destination(family)
    found = report(chain, user, option, "-P", "9", "--method", method, "--budget", "0", target)
    assert (found["method"], found["reached"]) == (method, True)
    assert [(flow["flow"], flow["sent"], flow["lost"]) for flow in found["flows"]] == [
        (number, ROUNDS, 0) for number in range(FLOWS)
    ]
    ports = [flow["source_port"] for flow in found["flows"]]
    assert len(set(ports)) == FLOWS
    protocol = "udp" if option == "-u" else "tcp"
    seen: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for trip in capture.round_trips(NUMBERS[protocol, family], target):
        seen[trip.probe.ports[0]].append((trip.probe.ttl, trip.probe.label))
    assert sorted(seen) == sorted(ports)
    for probes in seen.values():
        assert len({label for _, label in probes}) == 1
        assert {ttl for ttl, _ in probes} >= {1, 2, 3, 4}


def test_the_ports_are_the_same_the_next_time_and_another_one_where_a_program_has_it(chain: Chain) -> None:
    target = chain.destination(4)
    ports = [flow["source_port"] for flow in report(chain, "plain", "-u", target)["flows"]]
    with netns.entered(chain.client):
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with taken:
        taken.bind((chain.source(4), ports[2]))
        found = report(chain, "plain", "-u", target)["flows"]
    again = [flow["source_port"] for flow in found]
    assert again[:2] + again[3:] == ports[:2] + ports[3:]
    assert again[2] not in ports
    assert [flow["lost"] for flow in found] == [0] * FLOWS


@pytest.mark.parametrize("family", [4, 6])
def test_a_flow_over_tcp_sockets_has_one_probe_in_flight(chain: Chain, capture: Capture, family: Family) -> None:
    """Nobody has the address: each try is heard for 0.95 s, and none is repeated by the kernel."""
    silent = {4: "198.18.3.77", 6: "fd00:18:a3::77"}[family]
    done = trace(chain, "plain", "-T", "-P", "9", "-c", "1", "-U", "2", "--budget", "0", silent)
    found = json.loads(done.stdout)
    flows: dict[int, list[Any]] = defaultdict(list)
    for trip in capture.round_trips(NUMBERS["tcp", family], silent):
        flows[trip.probe.ports[0]].append(trip)
    assert sorted(flows) == sorted(flow["source_port"] for flow in found["flows"])
    for trips in flows.values():
        assert [trip.probe.ttl for trip in trips] == sorted({trip.probe.ttl for trip in trips})
        for earlier, later in pairwise(trips):
            if earlier.answer is None:
                assert later.probe.stamp - earlier.probe.stamp >= 940_000_000


def test_where_descriptors_run_out_that_is_said_in_a_line_and_tcp_goes_on_with_those_there_are(chain: Chain) -> None:
    target = chain.destination(4)
    few = ["prlimit", "--nofile=48:48"]
    done = trace(chain, "plain", "-u", "--flows", "64", target, before=few)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "no more sockets: Too many open files; each of several flows needs one, fewer need fewer (--flows)" in line
    found = json.loads(trace(chain, "plain", "-T", "-P", "9", "--flows", "64", target, before=few).stdout)
    assert len(found["flows"]) == 64
    assert found["reached"]


def test_icmp_is_refused_with_what_to_do_instead(chain: Chain) -> None:
    done = trace(chain, "plain", chain.destination(4))
    assert done.returncode == 2
    assert "ICMP has none" in done.stderr
    assert "-u" in done.stderr


def test_over_ipv6_a_tcp_flows_label_follows_from_its_port_and_is_told(chain: Chain, capture: Capture) -> None:
    target = chain.destination(6)
    first = report(chain, "plain", "-T", "-P", "9", "--budget", "0", target)["flows"]
    seen = {trip.probe.ports[0]: trip.probe.label for trip in capture.round_trips(NUMBERS["tcp", 6], target)}
    assert {flow["source_port"]: flow["label"] for flow in first} == seen
    assert len(set(seen.values())) == FLOWS
    again = report(chain, "plain", "-T", "-P", "9", "--budget", "0", target)["flows"]
    assert [flow["label"] for flow in again] == [flow["label"] for flow in first]
