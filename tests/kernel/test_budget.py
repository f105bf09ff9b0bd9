"""Many targets behind the same kernel routers, which limit their answers as Linux does unless told otherwise."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.chain import Chain
from tests.lab.plain_user import as_plain_user
from tests.lab.shared_routers import ROUTERS, addresses, shared_routers

TARGETS = 40
QUICKER = 5
"""The test's second: routers give an answer each 200 ms, rounds follow each other as quickly."""


@pytest.fixture(scope="module")
def limited(lab_allowed: None) -> Iterator[Chain]:
    """Two routers, behind which stand forty targets on one link."""
    with shared_routers(TARGETS, 1000 // QUICKER) as chain:
        yield chain


def reports(chain: Chain, *words: str, rounds: int = 20) -> list[dict[str, Any]]:
    command = [*as_plain_user(chain.client), "-I", "-m", "hopscope", "-n", "--format", "json", "-c", str(rounds)]
    command += ["-i", str(1 / QUICKER), "-Z", "2", *words, *addresses(TARGETS)]
    environment = {"PATH": os.environ["PATH"], "HOME": "/dev/null", "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd="/", env=environment, check=True, capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["reports"]
    return found


def at_routers(found: list[dict[str, Any]]) -> tuple[int, int]:
    """Probes of all targets that ended at a router, and those that were lost."""
    hops = [hop for report in found for hop in report["hops"][:ROUTERS]]
    return sum(hop["sent"] for hop in hops), sum(hop["lost"] for hop in hops)


def test_the_hops_that_forty_targets_share_lose_nothing_and_each_target_is_probed_in_each_round(limited: Chain) -> None:
    found = reports(limited, "--budget", str(QUICKER))
    sent, lost = at_routers(found)
    assert sent >= 20
    assert lost <= max(1, 0.02 * sent)
    for report in found:
        series = report["target_series"]
        assert (series["sent"], series["received"]) == (20, 20)
        assert report["reached"]
        told = [hop["shared"] for hop in report["hops"][:ROUTERS] if hop["nodes"]]
        assert all(hop["targets"] <= TARGETS and hop["lost"] <= 1 for hop in told if hop is not None)
    assert any(hop["shared"] and hop["shared"]["targets"] >= TARGETS // 4 for report in found for hop in report["hops"])


def test_without_a_budget_the_routers_answers_run_out(limited: Chain) -> None:
    found = reports(limited, "--budget", "0")
    sent, lost = at_routers(found)
    assert sent == 20 * TARGETS * ROUTERS
    assert lost > 0.8 * sent
