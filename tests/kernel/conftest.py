"""The kernel tests' lab: made once a run, skipped with a reason where the machine does not allow it, never in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import netns
from tests.lab.capture import Capture
from tests.lab.chain import EAST, Chain

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of this folder, whoever wrote it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session")
def lab_allowed() -> None:
    """Skip where the machine allows no lab; fail in CI."""
    reason = netns.why_not()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(f"the lab must stand in CI: {reason}")
        pytest.skip(reason)


@pytest.fixture(scope="module")
def chain(lab_allowed: None) -> Iterator[Chain]:
    """Three real kernel routers between a client and a target."""
    with Chain(3) as made:
        yield made


@pytest.fixture
def capture(chain: Chain) -> Iterator[Capture]:
    """What passes the client's interface during a test."""
    with Capture(chain.client, EAST) as made:
        yield made


@pytest.fixture
def in_client(chain: Chain) -> Iterator[Chain]:
    """The test itself stands in the client's namespace."""
    with netns.entered(chain.client):
        yield chain
