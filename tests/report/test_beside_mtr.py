"""Our command and the real mtr over one chain of kernel routers: every reader sees the same hops."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hopscope.views.report import mtr
from tests.cli.command import environment
from tests.lab import netns
from tests.lab.chain import Chain, Family
from tests.report.test_scripts import READERS

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(shutil.which("mtr") is None, reason="mtr is not installed (Debian: mtr-tiny)"),
]
_ROUTERS = 3


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Three routers and a target."""
    reason = netns.why_not()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(f"the lab must stand in CI: {reason}")
        pytest.skip(reason)
    with Chain(_ROUTERS) as chain:
        yield chain


def _inside(chain: Chain, *command: str) -> str:
    done = subprocess.run(
        ["ip", "netns", "exec", chain.client, *command],
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
    theirs = read(_inside(chain, "mtr", "-G", "0.3", *words))
    ours = read(_inside(chain, sys.executable, "-m", "hopscope", *words))
    assert ours == theirs
    assert [host for _hop, host, _loss, _sent in ours] == chain.hops(family)


def test_the_wide_report_is_mtrs_line_for_line(chain: Chain) -> None:
    """Heads and rows have the same widths, whatever the measured times are."""
    words = ["-w", "-n", "-c", "2", "-i", "0.3", "-o", "".join(mtr.FIELDS), chain.destination(4)]
    theirs = _inside(chain, "mtr", "-G", "0.3", *words).splitlines()[1:]
    ours = _inside(chain, sys.executable, "-m", "hopscope", *words).splitlines()[1:]
    assert ours[0] == theirs[0]
    assert [len(line) for line in ours] == [len(line) for line in theirs]
    assert [line[:24] for line in ours] == [line[:24] for line in theirs]


@pytest.mark.parametrize("flag", ["-u", "-T"])
def test_udp_and_tcp_reports_name_the_same_hops(chain: Chain, flag: str) -> None:
    read = READERS["json"][1]
    words = [flag, "-n", "-c", "2", "-i", "0.3", "-j", chain.destination(4)]
    theirs = read(_inside(chain, "mtr", "-G", "0.3", *words))
    ours = read(_inside(chain, sys.executable, "-m", "hopscope", *words))
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
