"""A scrape is answered whoever else is connected, and whatever they send."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from hopscope.cli.listening import bound
from hopscope.cli.values import Endpoint
from hopscope.metrics import server as module
from hopscope.metrics.exposition import Exposition
from hopscope.metrics.requests import MOST_HEAD
from hopscope.metrics.server import MOST_CONNECTIONS, MetricsServer
from hopscope.path.totals import Counts, Totals
from hopscope.session.tally import SessionTally, TargetTally
from tests.metrics.openmetrics import read

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost:9101\r\n\r\n"


class Source:
    """Hands out tallies, and knows how many."""

    def __init__(self, targets: int = 1) -> None:
        self.asked = 0
        self.targets = targets

    def __call__(self) -> SessionTally:
        self.asked += 1
        totals = Totals({ttl: Counts(answered=self.asked) for ttl in range(1, 16)})
        return SessionTally(
            targets=(
                TargetTally(id=number, name=f"{number}.example", totals=totals, hops=15)
                for number in range(self.targets)
            ),
            now=1,
        )


@asynccontextmanager
async def serving(source: Source, address: str = "127.0.0.1") -> AsyncIterator[tuple[str, int]]:
    listening = bound(Endpoint(address, 0))
    listening.listen(64)
    where = listening.getsockname()[:2]
    async with MetricsServer(listening, source, Exposition()):
        yield where
    assert listening.fileno() == -1


async def ask(where: tuple[str, int], request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer, which ends the connection."""
    reader, writer = await asyncio.open_connection(*where)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_scrape_is_openmetrics_text(address: str) -> None:
    async with serving(Source(), address) as where:
        head, body = await ask(where, GET)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n" in head
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    assert read(body.decode()).value("hopscope_probes_total", hop="7", fate="answered") == 1


@pytest.mark.parametrize(
    ("accept", "is_classic"),
    [
        (b"*/*", False),
        (b"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
        (b"text/plain", True),
        (b"TEXT/Plain;version=0.0.4", True),
    ],
)
async def test_who_takes_the_older_format_alone_is_given_that(accept: bytes, is_classic: bool) -> None:
    async with serving(Source()) as where:
        head, body = await ask(where, b"GET /metrics HTTP/1.1\r\nAccept: " + accept + b"\r\n\r\n")
    assert (b"Content-Type: text/plain; version=0.0.4" in head) is is_classic
    assert body.endswith(b"# EOF\n") is not is_classic


@pytest.mark.parametrize(
    "line",
    [
        b"GET /metrics?collect[]=x HTTP/1.0",
        b"GET http://other.example:9/metrics HTTP/1.1",
        b"GET /metrics HTTP/1.1\nHost: localhost",
    ],
)
async def test_the_same_in_other_words_is_answered_too(line: bytes) -> None:
    async with serving(Source()) as where:
        head, body = await ask(where, line + (b"\n\n" if b"\n" in line else b"\r\n\r\n"))
    assert b" 200 " in head
    assert body.endswith(b"# EOF\n")


async def test_a_head_has_the_same_head_and_no_body() -> None:
    async with serving(Source()) as where:
        head, body = await ask(where, b"HEAD /metrics HTTP/1.1\r\n\r\n")
        whole, text = await ask(where, GET)
    assert body == b""
    assert head == whole
    assert text


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", 404),
        (b"GET /metrics/../etc/passwd HTTP/1.1", 404),
        (b"POST / HTTP/1.1", 404),
        (b"POST /metrics HTTP/1.1", 405),
        (b"OPTIONS /metrics HTTP/1.1", 405),
        (b"GET /metrics", 400),
        (b"GET /metrics HTTP/2.0", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET  /metrics HTTP/1.1", 400),
        (b"", 400),
        (b"GET /\xff\xfe HTTP/1.1", 404),
    ],
)
async def test_what_is_no_scrape_is_refused_and_asks_nobody(request_line: bytes, status: int) -> None:
    source = Source()
    async with serving(source) as where:
        head, body = await ask(where, request_line + b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert body
        assert (b"Allow: GET, HEAD\r\n" in head) is (status == 405)
        assert source.asked == 0
        assert (await ask(where, b"HEAD /other HTTP/1.1\r\n\r\n"))[1] == b""


@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("127.0.0.1", b"evil.example:9101", 403),
        ("127.0.0.1", b"127.0.0.1.evil.example", 403),
        ("127.0.0.1", b"localhost.evil.example", 403),
        ("127.0.0.1", b"", 403),
        ("127.0.0.1", b"127.0.0.1\r\nHost: evil.example", 403),
        ("::1", b"evil.example", 403),
        ("::ffff:127.0.0.5", b"evil.example", 403),
        ("127.0.0.1", b"127.0.0.1", 200),
        ("127.0.0.1", b"LOCALHOST:9101", 200),
        ("127.0.0.1", b"192.0.2.7:80", 200),
        ("::1", b"[::1]:9101", 200),
        ("0.0.0.0", b"probe.example:9101", 200),
    ],
)
async def test_loopback_answers_no_page_whose_name_was_made_to_lead_here(
    address: str, host: bytes, status: int
) -> None:
    async with serving(Source(), address) as where:
        head, _ = await ask(where, b"GET /metrics HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)


async def test_a_head_that_is_too_long_is_refused_and_read_no_further() -> None:
    async with serving(Source()) as where:
        head, _ = await ask(where, b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 2 * MOST_HEAD)
        assert head.startswith(b"HTTP/1.1 431 ")


async def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_S", 0.05)
    async with serving(Source()) as where:
        head, _ = await ask(where, b"GET /metr")
        assert head.startswith(b"HTTP/1.1 408 ")


async def test_who_takes_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = asyncio.Event()
    talk = MetricsServer._talk

    async def watched(self: MetricsServer, connection: socket.socket) -> None:
        receives = connection.getpeername()[1]
        await talk(self, connection)
        if receives == slow.getsockname()[1]:
            given_up.set()

    monkeypatch.setattr(MetricsServer, "_talk", watched)
    async with serving(Source(targets=1000)) as where:
        _, body = await ask(where, GET)
        monkeypatch.setattr(module, "SEND_S", 0.1)
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, where)
        await loop.sock_sendall(slow, GET)
        received = 0
        async with asyncio.timeout(20):
            await given_up.wait()
            with suppress(ConnectionResetError):
                while part := await loop.sock_recv(slow, 65536):
                    received += len(part)
        slow.close()
        assert received < len(body)


async def test_who_waits_longest_makes_room_for_a_scrape() -> None:
    async with serving(Source()) as where:
        idle = [await asyncio.open_connection(*where) for _ in range(MOST_CONNECTIONS + 5)]
        head, _ = await ask(where, GET)
        assert b" 200 " in head
        assert await asyncio.wait_for(idle[0][0].read(), 5) == b""  # the first to come is the first to go
        assert not idle[-1][0].at_eof()
        for _, writer in idle:
            writer.close()


async def test_however_many_ask_the_work_is_done_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH_S", 60)
    source = Source()
    async with serving(source) as where:
        bodies = {body for _, body in await asyncio.gather(*(ask(where, GET) for _ in range(10)))}
    assert len(bodies) == source.asked == 1


async def test_two_formats_in_turn_take_no_larger_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, worked = 0.0, 0.0

    def parts(_self: Exposition, _tally: SessionTally, *, classic: bool) -> Iterator[str]:
        nonlocal now, worked
        now += 1.0
        worked += 1.0
        yield f"{classic}"

    monkeypatch.setattr(module, "monotonic", lambda: now)
    monkeypatch.setattr(Exposition, "parts", parts)
    requests = (GET, GET.replace(b"\r\n\r\n", b"\r\nAccept: text/plain\r\n\r\n"))
    async with serving(Source()) as where:
        assert [(await ask(where, request))[1] for request in requests] == [b"False", b"True"]
        assert worked == 2.0
        began = now
        while now < began + 200:
            now += 0.5
            await asyncio.gather(*(ask(where, request) for request in requests))
    assert 2.0 < worked - 2.0 <= module.BUSY_SHARE * (now - began)


async def test_others_have_their_turn_while_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TURN_S", 0.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(Source(targets=100)) as where:
        counting = asyncio.create_task(count())
        _, body = await ask(where, GET)
        counting.cancel()
    assert len(read(body.decode()).of("hopscope_probes_total")) == 100 * 15 * 5
    assert turns > 2 * 100


async def test_the_end_waits_for_nobody() -> None:
    async with asyncio.timeout(3):
        async with serving(Source()) as where:
            _, writer = await asyncio.open_connection(*where)
            await asyncio.sleep(0)
    writer.close()
