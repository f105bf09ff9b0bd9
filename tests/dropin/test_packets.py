"""What options of mtr's do to the packets themselves, as the kernel and the network see them."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment
from tests.lab import netns
from tests.lab.tun import TunLab

pytestmark = [pytest.mark.kernel, pytest.mark.needs("tun")]
_PATH = Path(__file__).with_name("path.toml")
_TARGET = "198.18.0.99"
_WORDS = ("-c", "1", "-n", "-j", "-G", "0.5", _TARGET)


def _run(lab: TunLab, *words: str) -> subprocess.CompletedProcess[str]:
    with netns.entered(lab.name):
        return subprocess.run(
            [sys.executable, "-m", "hopscope", *words, *_WORDS],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(), timeout=60,
        )  # fmt: skip


@pytest.mark.needs("nft")
def test_a_mark_is_on_each_packet_that_leaves() -> None:
    rules = """
        add table inet test
        add chain inet test out { type filter hook output priority 0; }
        add rule inet test out ip daddr 198.18.0.99 meta mark 7 counter
        add rule inet test out ip daddr 198.18.0.99 meta mark 0 counter
    """
    with TunLab(_PATH) as lab:
        with netns.entered(lab.name):
            subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
        done = _run(lab, "-M", "7")
        assert (done.returncode, done.stderr) == (0, "")
        with netns.entered(lab.name):
            listed = subprocess.run(
                ["nft", "-j", "list", "chain", "inet", "test", "out"], capture_output=True, text=True, check=True
            )
    rows = [row["rule"]["expr"] for row in json.loads(listed.stdout)["nftables"] if "rule" in row]
    marked, unmarked = (row[-1]["counter"]["packets"] for row in rows)
    sent = sum(hub["Snt"] for hub in json.loads(done.stdout)["report"]["hubs"])
    assert marked >= sent > 0
    assert unmarked == 0


@pytest.mark.parametrize("method", ["raw", "udp-socket"])
def test_udp_probes_leave_from_the_port_that_was_asked_for(method: str) -> None:
    with TunLab(_PATH) as lab:
        done = _run(lab, "-u", "-L", "4711", "--method", method)
        assert (done.returncode, done.stderr) == (0, "")
        ports = {
            struct.unpack("!H", fact.key[:2])[0]
            for fact in lab.truth()
            if fact.protocol == socket.IPPROTO_UDP and fact.destination == _TARGET
        }
    assert ports == {4711}


def test_the_last_wait_is_the_grace_time_and_not_the_silent_hops_timeout() -> None:
    with TunLab(_PATH) as lab:
        done = _run(lab, "-Z", "50")
        assert (done.returncode, done.stderr) == (0, "")
        losses = [hub["Loss%"] for hub in json.loads(done.stdout)["report"]["hubs"]]
        spread = [fact.at for fact in lab.truth()]
    assert losses == [0.0, 0.0, 100.0, 0.0, 0.0, 0.0]
    assert max(spread) - min(spread) < 1_000_000_000
