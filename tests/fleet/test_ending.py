"""The end of a hub while its store is at work in another thread."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import pytest

from hopscope.fleet.hub import Hub
from hopscope.fleet.hub_store import HubStore
from hopscope.fleet.transport import Asked, Looked, Received
from tests.fleet.shipping import SITE, all_facts, all_messages, received
from tests.fleet.test_rows import recorded


class Handing:
    """A broker that has what an agent sent."""

    def __init__(self, held: list[Received]) -> None:
        self._held = held
        self.is_acknowledged = False

    async def open(self, asked: Asked | None = None, looked: Looked | None = None) -> None: ...

    async def begin(self, stream: str, position: int) -> str:
        return "stream"

    async def fetch(self, most: int, wait_s: float) -> list[Received]:
        return self._held

    async def done(self) -> None:
        self.is_acknowledged = True

    async def close(self) -> None: ...


def test_a_hub_that_is_told_to_end_amid_a_commit_ends_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path / "agent", 5)
    consumer = Handing([received(message, SITE, 1 + at) for at, message in enumerate(all_messages(tmp_path / "agent"))])
    store, commit = HubStore(str(tmp_path / "hub")), HubStore.commit
    begun, may, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(store: HubStore, held: list[Received], now: int) -> dict[str, set[str]]:
        begun.set()
        assert may.wait(20)
        said = commit(store, held, now)
        ended.set()
        return said

    monkeypatch.setattr(HubStore, "commit", slow)

    async def run() -> None:
        async def told() -> None:
            await asyncio.to_thread(begun.wait, 20)
            asyncio.get_running_loop().call_later(0.01, may.set)

        await Hub(store, consumer, print).run(told())  # type: ignore[arg-type] # nobody looks or asks
        assert ended.is_set()

    with closing(store):
        asyncio.run(run())
    assert not consumer.is_acknowledged  # the broker hands it out once more, and it is here once
    assert all_facts(tmp_path / "hub") == all_facts(tmp_path / "agent") != []
