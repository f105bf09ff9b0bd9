"""Who answers in the broker's place may send without end: what is held of it has a bound, and all goes on after it."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from hopscope.fleet import client as bounds
from hopscope.fleet.broker import NatsConsumer, NatsPublisher
from hopscope.fleet.client import StrangersClient
from hopscope.fleet.connection import DROPPED, BrokerAddress, Connection
from hopscope.fleet.transport import NotConnected
from tests.lab.broker import Broker
from tests.lab.strange_server import StrangeServer

MIB: Final = 1 << 20
MUCH: Final = 96 * MIB
"""Sent where nothing is said of an end."""
HELD: Final = 24 * MIB
"""The most that may be held of it: what waits, and what is being read."""
INFO: Final = {"server_id": "X", "version": "2.10.0", "proto": 1, "headers": True, "max_payload": MIB}
Says = Callable[["Endless", bytes, bytes], Awaitable[None]]


class Endless(StrangeServer):
    """Answers in a broker's place; to a subscription it says what a test wants."""

    def __init__(self, says: Says) -> None:
        super().__init__()
        self.sent = 0
        self._says = says

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        await self.write(b"INFO " + json.dumps(INFO).encode() + b"\r\n")
        while line := await reader.readline():
            words = line.split()
            if words[0] == b"PING":
                await self.write(b"PONG\r\n")
            elif words[0] == b"SUB":
                await self._says(self, words[1], words[-1])

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()
        self.sent += len(data)


def message(subject: bytes, number: bytes, body: bytes) -> bytes:
    """As a server hands it out."""
    return b"MSG %s %s %d\r\n%s\r\n" % (subject.replace(b"*", b"abc"), number, len(body), body)


async def until(is_so: Callable[[], object], what: str) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.02)
    assert is_so(), what


def held(client: StrangersClient) -> int:
    """Bytes of messages that wait, and of the one that is being read."""
    return len(client._ps.buf) + sum(sub.pending_bytes for sub in client._subs.values())


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"MSG SUBJECT NUMBER 99999999999\r\n", "the server sends a message of 99999999999 bytes"),
        (b"MSG SUBJECT ", "the server sends a line without an end"),
        (b"INFO ", "the server sends a line without an end"),
        (b"-ERR \r\n", "the server says what is no NATS (AttributeError)"),
        (b"INFO {\r\n", "the server says what is no NATS (JSONDecodeError)"),
        (b"-ERR 'Slow Consumer'\r\n", "slow consumer"),
    ],
)
async def test_what_has_no_end_or_is_none_ends_a_connection_which_comes_back(head: bytes, says: str) -> None:
    async def once(one: Endless, subject: bytes, number: bytes) -> None:
        if one.visits == 1:
            await one.write(head.replace(b"SUBJECT", subject).replace(b"NUMBER", number))
            for _ in range(MUCH // MIB):
                await one.write(b"x" * MIB)

    told: list[str] = []
    async with Endless(once) as one:
        address = BrokerAddress(url=one.url)
        publisher = NatsPublisher(address, "fra1", told.append, lambda data: None)
        await publisher.open()
        await until(lambda: f"connected to {address.place} again" in told, "it is back")
        await until(lambda: publisher.is_connected, "it is back")
        assert f"{address.place}: {says}" in told
        assert one.sent < 8 * MIB
        await publisher.close()


async def test_of_a_message_too_large_the_rest_is_thrown_away_as_it_comes_and_the_next_is_whole() -> None:
    sizes = [bounds.MOST_BODY + 1, bounds.MOST_PAYLOAD, bounds.MOST_BODY]
    most = 0

    async def large(one: Endless, subject: bytes, number: bytes) -> None:
        nonlocal most
        for size in sizes:
            await one.write(b"MSG %s %s %d\r\n" % (subject, number, size))
            for begin in range(0, size, 100_000):
                await one.write(b"x" * min(100_000, size - begin))
                most = max(most, len(client._ps.buf))
            await one.write(b"\r\n" + message(subject, number, b"between"))

    came: list[int] = []
    told: list[str] = []
    async with Endless(large) as one:
        connection = Connection(BrokerAddress(url=one.url), "fra1", told.append)
        client = await connection.open()

        async def take(what: object) -> None:
            came.append(len(what.data))  # type: ignore[attr-defined]

        await client.listen("hopscope.say.fra1", take)
        await until(lambda: len(came) == 2 * len(sizes), "all is there")
        await connection.close()
    assert came == [bounds.MOST_BODY, 7] * len(sizes)
    assert bounds.MOST_BODY // 2 < most <= bounds.MOST_BODY + (64 << 10)
    assert len(told) == 1


@pytest.mark.parametrize("size", [0, 1_000, MIB])
async def test_where_nobody_takes_what_comes_nothing_more_is_read_and_nothing_is_lost(size: int) -> None:
    async def flood(one: Endless, subject: bytes, number: bytes) -> None:
        for each in range(MUCH // (size + 1_000)):
            await one.write(message(subject, number, (b"%d " % each).ljust(size)))

    async with Endless(flood) as one:
        connection = Connection(BrokerAddress(url=one.url), "view", lambda words: None)
        client = await connection.open()
        tracemalloc.start()
        shown = await client.listen("hopscope.show.abc.*")
        sent = -1
        while sent != one.sent:  # until it gets rid of nothing more
            sent = one.sent
            await asyncio.sleep(0.3)
        assert sent < MUCH // 2
        assert held(client) < HELD
        assert shown.pending_msgs <= bounds.MOST_WAITING[0]
        assert tracemalloc.get_traced_memory()[1] < 2 * HELD  # the other side is in this process too
        tracemalloc.stop()
        for number in range(2 * bounds.MOST_WAITING[0] if size < MIB else MUCH // (size + 1_000)):
            assert int((await shown.next_msg(5)).data) == number
        await connection.close()


async def test_questions_beyond_what_can_wait_are_dropped_and_that_is_said() -> None:
    """Who answers may need the connection for that, so it is read on."""

    async def flood(one: Endless, subject: bytes, number: bytes) -> None:
        if b"ask" in subject:
            for _ in range(6_000):
                await one.write(message(subject, number, b"x" * 1_000))

    told: list[str] = []
    asked: list[int] = []
    is_free = asyncio.Event()

    async def answer(site: str, data: bytes) -> None:
        await is_free.wait()
        asked.append(len(data))

    async with Endless(flood) as one:
        address = BrokerAddress(url=one.url)
        consumer = NatsConsumer(address, "x", told.append)
        await consumer.open(answer)
        client = consumer._connection.client
        assert client is not None
        await until(lambda: f"{address.place}: {DROPPED}" in told, "it is said")
        await until(lambda: one.sent > 6_000_000, "all was sent")
        await client.flush(10)  # what is answered to that comes behind it
        assert held(client) < 5 * MIB
        is_free.set()
        await until(lambda: len(asked) > 1_000, "those that wait are answered")
        await consumer.close()
    assert len(asked) < 2_100


async def test_a_broker_that_does_not_say_where_a_message_stands_is_begun_with_again(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        consumer = NatsConsumer(BrokerAddress(url=broker.url), "x", lambda words: None)
        await consumer.open()
        await consumer.begin("", 0)
        client = consumer._connection.client
        assert client is not None
        number = max(client._subs)
        await client._process_msg(number, b"hopscope.v1.fra1.fact", b"", b"x", None)
        with pytest.raises(NotConnected, match="not a JetStream"):
            await consumer.fetch(1, 0.2)
        await consumer.close()
