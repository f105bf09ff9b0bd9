"""A report none of whose probes left this machine says so: an empty table would pass for a silent network."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import netns
from tests.lab.plain_user import as_plain_user

pytestmark = [pytest.mark.usefixtures("lab_allowed"), pytest.mark.needs("nft")]
BLOCKED, REJECTED, NOBODY = "198.18.0.97", "198.18.0.98", "198.18.0.99"
RULES = f"""table inet t {{ chain out {{ type filter hook output priority 0;
  ip daddr {BLOCKED} drop
  ip daddr {REJECTED} reject with icmp admin-prohibited
}}; }}"""


@pytest.fixture(scope="module")
def walled(lab_allowed: None) -> Iterator[str]:
    """A namespace whose firewall keeps some targets out, and whose gateway answers nobody."""
    name = netns.new_name("walled")
    netns.add(name)
    try:
        netns.ip(
            [
                "link add up0 type veth peer name nobody",
                "address add 10.1.0.2/24 dev up0",
                "link set up0 up",
                "link set nobody up",
                "route add default via 10.1.0.1",
            ],
            name,
        )
        netns.sysctl(name, {"ipv4.ping_group_range": "0 2147483647", "ipv4.neigh.up0.retrans_time_ms": "50"})
        subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=RULES, text=True, check=True)
        yield name
    finally:
        netns.remove([name])


def hopscope(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/dev/null", "LANG": "C.UTF-8"}
    command = [*as_plain_user(name), "-I", "-m", "hopscope", "-n", "-c", "2", "-i", "0.1", "-Z", "0.5", "-m", "3"]
    return subprocess.run([*command, *words], cwd="/", env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("option", ["-r", "-w", "-C", "-j", "-x", "-l"])
@pytest.mark.parametrize("protocol", [[], ["-u"]])
def test_in_mtrs_formats_it_is_mtrs_words_and_status(walled: str, option: str, protocol: list[str]) -> None:
    done = hopscope(walled, option, *protocol, BLOCKED)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Permission denied" in line
    assert "this computer's firewall" in line


@pytest.mark.parametrize("form", ["json", "ndjson", "markdown", "csv", "html"])
@pytest.mark.parametrize(("protocol", "target"), [([], BLOCKED), (["-u"], BLOCKED), (["-T"], REJECTED)])
def test_in_our_own_formats_it_is_status_3(walled: str, form: str, protocol: list[str], target: str) -> None:
    done = hopscope(walled, "--format", form, *protocol, target)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "no probe left this computer: this computer's firewall" in line
    if form == "json":
        assert all(hop["failed"] == hop["sent"] == 2 for hop in json.loads(done.stdout)["hops"])


@pytest.mark.parametrize("protocol", [[], ["-u"], ["-T"]])
def test_a_gateway_that_answers_nobody_is_named_and_the_target_not_reached(walled: str, protocol: list[str]) -> None:
    done = hopscope(walled, "--format", "markdown", *protocol, NOBODY)
    assert done.returncode == 1
    assert "the next hop 10.1.0.1 does not answer" in done.stderr
    assert "the next hop 10.1.0.1 does not answer" in done.stdout
    assert hopscope(walled, "-r", *protocol, NOBODY).returncode == 0  # as mtr


def test_called_as_mtr_it_says_what_mtr_says(walled: str, tmp_path: Path) -> None:
    program = "import sys; sys.argv[0] = 'mtr'; from hopscope.__main__ import main; sys.exit(main())"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/dev/null", "LANG": "C.UTF-8"}
    command = [*as_plain_user(walled), "-I", "-c", program, "-n", "-r", "-c", "1"]
    done = subprocess.run([*command, BLOCKED], cwd="/", env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "mtr: Permission denied\n")
