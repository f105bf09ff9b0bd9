"""The kernel tests' lab: made once a run, where the machine allows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hopscope.probe.sockets import stamps
from tests.lab import netns
from tests.lab.capture import Capture
from tests.lab.chain import EAST, Chain

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of this folder, whoever wrote it, and those that stand in the lab with what the lab needs."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.kernel)
            if isinstance(item, pytest.Function) and "lab_allowed" in item.fixturenames:
                item.add_marker(pytest.mark.needs("namespaces"))


@pytest.fixture(scope="session")
def lab_allowed() -> Iterator[None]:
    """While the tests run, the kernel stamps arrivals without a break: it begins some milliseconds after the first
    socket asks, and the tests are quicker than that."""
    with stamps.keep_warm() as warm:
        warm.bind(("127.0.0.1", 0))
        until = time.monotonic() + 5
        while time.monotonic() < until:
            warm.sendto(b"?", warm.getsockname())
            warm.settimeout(1)
            _, control, _, _ = warm.recvmsg(16, 256)
            if any(kind == stamps.SO_TIMESTAMPING and stamps.nanoseconds(value) for _, kind, value in control):
                break
        yield


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
