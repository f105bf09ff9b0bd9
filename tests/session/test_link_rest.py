"""A link that has settled looks at its worker's output in batches, not at each event."""

from __future__ import annotations

import asyncio
import io
import os
from typing import cast

import pytest

from hopscope.session import link
from hopscope.session.events import EndEvent
from hopscope.session.launch import Launched
from hopscope.session.model import Probing
from hopscope.session.session import Session
from hopscope.wire.framing import Garbage, encode
from hopscope.wire.messages import Event, RoundStarted


class _Pipes:
    """A process of which only the pipes are asked for."""

    def __init__(self) -> None:
        out, self.worker = os.pipe()
        self.taken, into = os.pipe()
        words, self.complaints = os.pipe()
        self.stdout, self.stdin, self.stderr = (
            os.fdopen(out, "rb", 0),
            os.fdopen(into, "wb", 0),
            os.fdopen(words, "rb", 0),
        )

    def close(self) -> None:
        for file in (self.stdout, self.stdin, self.stderr):
            cast(io.RawIOBase, file).close()
        for fd in (self.worker, self.taken, self.complaints):
            os.close(fd)


class _Launched:
    def __init__(self) -> None:
        self.process = _Pipes()

    def hear_words(self) -> bool:
        return False


async def _say(pipes: _Pipes, round_: int) -> None:
    os.write(pipes.worker, encode(RoundStarted(1, round_, 0)))
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("eager_s", "batches"), [(0.0, [1, 3]), (60.0, [1, 1, 1, 1])])
async def test_what_is_said_while_a_settled_link_rests_is_heard_together(
    eager_s: float, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_EAGER_S", eager_s)
    monkeypatch.setattr(link, "_REST_S", 0.05)
    heard: list[list[Event | Garbage]] = []
    launched = _Launched()
    it = link.Link(cast(Launched, launched), heard.append, lambda: None)
    await asyncio.sleep(0.001)
    for round_ in range(4):
        await _say(launched.process, round_)
    while sum(map(len, heard)) < 4:
        await asyncio.sleep(0.001)
    assert [len(batch) for batch in heard] == batches
    it._let_go()
    launched.process.close()


async def test_a_command_wakes_a_link_that_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_EAGER_S", 0.0)
    monkeypatch.setattr(link, "_REST_S", 3600.0)
    heard: list[list[Event | Garbage]] = []
    launched = _Launched()
    it = link.Link(cast(Launched, launched), heard.append, lambda: None)
    await asyncio.sleep(0.001)
    await _say(launched.process, 0)
    await _say(launched.process, 1)
    assert len(heard) == 1
    it.tell([])
    while len(heard) < 2:
        await asyncio.sleep(0.001)
    it._let_go()
    launched.process.close()


async def test_who_waits_for_each_event_never_waits_for_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_EAGER_S", 0.0)
    monkeypatch.setattr(link, "_REST_S", 3600.0)
    probing = Probing(method="simulated", rounds=3, interval_s=0.05, timeout_s=0.2)
    async with Session(["192.0.2.80"], probing) as session, asyncio.timeout(20):
        async for event in session.events():
            if isinstance(event, EndEvent):
                break
        assert session.snapshot().targets[0].state == "finished"


async def test_who_waits_for_the_end_waits_for_no_rest_once_the_last_round_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = link.Link._read

    def settled(self: link.Link) -> None:
        self._eager_until = float("inf") if session._records[1].last_round < 1 else 0.0
        real(self)

    monkeypatch.setattr(link, "_REST_S", 3600.0)
    monkeypatch.setattr(link.Link, "_read", settled)
    probing = Probing(method="simulated", rounds=2, interval_s=0.05, timeout_s=0.2)
    async with Session(["192.0.2.80"], probing) as session, asyncio.timeout(20):
        await session.finished()
        assert session.snapshot().targets[0].state == "finished"


async def test_who_waits_for_an_end_that_is_far_lets_the_link_rest() -> None:
    probing = Probing(method="simulated", rounds=1000, interval_s=0.05, timeout_s=0.2)
    async with Session(["192.0.2.80"], probing) as session, asyncio.timeout(20):
        waiting = asyncio.ensure_future(session.finished())
        while session._records[1].last_round < 1:
            await session.changed()
        assert session._awaited == 1
        assert not session._is_hurried()
        waiting.cancel()
