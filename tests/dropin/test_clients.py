"""Programs that run mtr get from hopscope what they got from mtr: the same words, the same path, equal results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dropin.clients import CLIENTS, Client
from tests.dropin.runs import link, run, side_by_side, wrapper

HERE = Path(__file__).parent
HOPS = 6
pytestmark = [pytest.mark.kernel, pytest.mark.needs("tun", "mtr")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the link stands."""
    return link(tmp_path_factory.mktemp("bin"))


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wrapper script stands."""
    return wrapper(tmp_path_factory.mktemp("wrapped"))


def _overshoots(raw: str) -> bool:
    """Whether mtr was held up by a busy machine and tried more than its one TTL beyond the target: it waits 20 ms for
    an answer that takes 13. Then it is run again, alone; hopscope does not do that."""
    return re.search(rf"^x {HOPS + 1} ", raw, re.MULTILINE) is not None


def _is_without_names(raw: str) -> bool:
    """Whether a busy machine let no name come before the run was over, a second and a half after it began; mtr prints
    those that come in time alone, too."""
    return re.search(r"^h ", raw, re.MULTILINE) is not None and re.search(r"^d ", raw, re.MULTILINE) is None


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_of_mtr_sees_no_difference(client: Client, folder: Path, wrapped: Path) -> None:
    for _ in range(4):
        real, piped, shown, by_its_own_name = side_by_side(folder, wrapped, client.words, HERE / client.path)
        ours = piped.out, shown.out, by_its_own_name.out
        if _is_without_names(real.out) or not any(map(_is_without_names, ours)):
            break
    for _ in range(8):
        if not _overshoots(real.out):
            break
        real = run(None, client.words, terminal=False, scenario=HERE / client.path)
    assert (real.status, real.errors) == (0, "")
    expected = client.read(real.out)
    assert (piped.status, piped.errors) == (0, "")
    assert client.read(piped.out) == expected
    assert shown.status == 0
    assert client.read(shown.out) == expected
    assert (by_its_own_name.status, by_its_own_name.errors) == (0, "")
    assert client.read(by_its_own_name.out) == expected
    if client.looks_into_proc:
        assert b"mtr\0--report\0--report-wide" in real.command_line
        assert b"mtr\0--report\0--report-wide" in piped.command_line
