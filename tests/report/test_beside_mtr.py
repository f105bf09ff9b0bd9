"""Our command and the real mtr over one chain of kernel routers: every reader sees the same hops."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from hopscope.views.report import mtr
from tests.cli.command import environment
from tests.lab.chain import Chain, Family
from tests.lab.tun import TunLab
from tests.report.test_scripts import READERS

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.needs("mtr", "tun"),
]
_ROUTERS = 3


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Three routers and a target."""
    with Chain(_ROUTERS) as chain:
        yield chain


def _inside(namespace: str, *command: str) -> str:
    done = subprocess.run(
        ["ip", "netns", "exec", namespace, *command],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment(MTR_OPTIONS=""),
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_sees_the_same_path(chain: Chain, reader: str, family: Family) -> None:
    flag, read = READERS[reader]
    words = ["-n", "-c", "2", "-i", "0.3", flag, chain.destination(family)]
    theirs = read(_inside(chain.client, "mtr", "-G", "0.3", *words))
    ours = read(_inside(chain.client, sys.executable, "-m", "hopscope", *words))
    assert ours == theirs
    assert [host for _hop, host, _loss, _sent in ours] == chain.hops(family)


def test_the_wide_report_is_mtrs_line_for_line(chain: Chain) -> None:
    """Heads and rows have the same widths, whatever the measured times are."""
    words = ["-w", "-n", "-c", "2", "-i", "0.3", "-o", "".join(mtr.FIELDS), chain.destination(4)]
    theirs = _inside(chain.client, "mtr", "-G", "0.3", *words).splitlines()[1:]
    ours = _inside(chain.client, sys.executable, "-m", "hopscope", *words).splitlines()[1:]
    assert ours[0] == theirs[0]
    assert [len(line) for line in ours] == [len(line) for line in theirs]
    assert [line[:24] for line in ours] == [line[:24] for line in theirs]


@pytest.mark.parametrize("flag", ["-u", "-T"])
def test_udp_and_tcp_reports_name_the_same_hops(chain: Chain, flag: str) -> None:
    read = READERS["json"][1]
    words = [flag, "-n", "-c", "2", "-i", "0.3", "-j", chain.destination(4)]
    theirs = read(_inside(chain.client, "mtr", "-G", "0.3", *words))
    ours = read(_inside(chain.client, sys.executable, "-m", "hopscope", *words))
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]


def _shape(report: str) -> list[tuple[int, str]]:
    """Each line's length and what it is: a hop's row by its number, a further address of it, or a head."""
    shape = []
    for line in report.splitlines():
        number = line[:4] if "|--" in line else "address" if line.startswith("        ") else "head"
        shape.append((len(line), number))
    return shape


def test_a_hop_with_two_addresses_and_a_silent_one_are_laid_out_alike(chain: Chain) -> None:
    """Which of the two addresses answered last is chance, and so is what is lost; the lines' shape is not."""
    with TunLab("tour") as lab:
        words = ["-w", "-n", "-c", "10", "-i", "0.3", "192.0.2.80"]
        theirs = _inside(lab.name, "mtr", "-G", "0.5", *words)
        ours = _inside(lab.name, sys.executable, "-m", "hopscope", *words)
    assert _shape(ours) == _shape(theirs)
    for address in ("203.0.113.65", "203.0.113.69", "???"):
        assert address in ours
        assert address in theirs
